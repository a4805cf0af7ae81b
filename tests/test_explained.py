"""The watch over queries can tell a bad one from a good one, and ours from a test's."""

from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from dependencies.lists import PageOfList
from tests.conftest import EXPLAINED
from tests.explained import shape_of, stages_of

PAGE = PageOfList(limit=10, skip=0)


async def test_a_query_of_ours_without_an_index_is_complained_of_and_with_one_is_not(
    database: AsyncDatabase[dict[str, Any]],
) -> None:
    await database["heaps"].insert_many([{"colour": "red"}, {"size": 3}])
    await PAGE.total(database["heaps"], {"colour": "red"})
    assert [text[:19] for text in EXPLAINED.complaints] == ["heaps: ['COLLSCAN']"]
    EXPLAINED.complaints.clear()
    await database["heaps"].create_index("size")
    await PAGE.total(database["heaps"], {"size": 3})
    assert not EXPLAINED.complaints


async def test_what_a_test_asks_by_itself_is_its_own_business(
    database: AsyncDatabase[dict[str, Any]],
) -> None:
    await database["piles"].insert_one({"colour": "red"})
    assert await database["piles"].count_documents({"colour": "red"}) == 1
    assert not EXPLAINED.complaints


def test_queries_of_one_shape_differ_in_their_values_only() -> None:
    one = {"filter": {"_id": {"$in": [1, 2]}, "at": {"$gt": 1.0}}}
    assert shape_of(one) == shape_of({"filter": {"_id": {"$in": [7]}, "at": {"$gt": 9.5}}})
    assert shape_of(one) != shape_of({"filter": {"_id": {"$in": [7]}, "at": {"$lt": 9.5}}})


def test_only_the_winning_plan_counts() -> None:
    plan = {
        "winningPlan": {"stage": "FETCH", "inputStage": {"stage": "IXSCAN"}},
        "rejectedPlans": [{"stage": "COLLSCAN"}],
    }
    assert set(stages_of(plan)) == {"FETCH", "IXSCAN"}
