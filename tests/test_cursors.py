"""Cursors: a list is walked page by page, each document once, whatever happens to it meanwhile."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import given as for_all
from hypothesis import strategies as st
from pymongo.asynchronous.database import AsyncDatabase

from dependencies.cursors import MOST_CHARACTERS, after, cursor_of
from dependencies.lists import PageOfList
from domain.errors import Invalid
from projections.catalogue import CHEAPEST, NEWEST
from queries.product_filters import SORTS
from tests.api import Api
from tests.buying import manager, ok, refused

VALUES = st.one_of(
    st.text(max_size=200),
    st.integers(-(2**63) + 1, 2**63 - 1),
    st.floats(allow_nan=False),
    st.booleans(),
    st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.binary(min_size=12, max_size=12).map(ObjectId),
)
DAY = datetime(2026, 11, 27, tzinfo=UTC)


@for_all(VALUES, st.binary(min_size=12, max_size=12).map(ObjectId))
def test_a_cursor_keeps_every_value_of_a_document(value: Any, object_id: ObjectId) -> None:
    order = (("shown.at", -1), ("_id", 1))
    cursor = cursor_of({"shown": {"at": value}, "_id": object_id}, order)
    assert after(cursor, order) == {
        "$or": [{"shown.at": {"$lt": value}}, {"shown.at": value, "_id": {"$gt": object_id}}]
    }


def test_the_longest_name_has_a_cursor_that_is_taken() -> None:
    order = SORTS["name"]
    document = {"name": "🙏" * 100, "_id": ObjectId()}
    assert len(cursor_of(document, order)) <= MOST_CHARACTERS


@for_all(st.one_of(st.text(max_size=60), st.binary(max_size=60).map(base64.urlsafe_b64encode)))
def test_what_is_no_cursor_is_refused(text: str | bytes) -> None:
    told = text if isinstance(text, str) else text.decode()
    with pytest.raises(Invalid, match="nextCursor"):
        after(told, NEWEST)


@pytest.mark.parametrize(
    "values",
    [
        [None, None],
        [2**63, {"id": "0" * 24}],
        [{"$gt": ""}, {"id": "0" * 24}],
        [{"at": 10**30}, {"id": "0" * 24}],
        [{"at": 0, "$where": "1"}, {"id": "0" * 24}],
        [{"id": "xyz"}, {"id": "0" * 24}],
        [["a"], {"id": "0" * 24}],
        [1],
        [1, 2, 3],
    ],
)
def test_no_value_of_a_stranger_becomes_an_operator(values: list[Any]) -> None:
    cursor = cursor_of({"createdAt": 1, "_id": 2}, NEWEST)
    genuine = json.loads(base64.urlsafe_b64decode(cursor + "=="))
    made = json.dumps([genuine[0], *values]).encode()
    with pytest.raises(Invalid):
        after(base64.urlsafe_b64encode(made).decode(), NEWEST)


def test_a_cursor_of_another_sort_is_refused() -> None:
    with pytest.raises(Invalid):
        after(cursor_of({"createdAt": DAY, "_id": ObjectId()}, NEWEST), CHEAPEST)


@for_all(st.data())
async def test_a_walk_meets_each_document_once_and_in_order(data: st.DataObject) -> None:
    """Against a model of MongoDB's comparison, over values with many ties."""
    order = data.draw(
        st.sampled_from([(("a", 1), ("b", -1), ("_id", 1)), (("a", -1), ("_id", -1))])
    )
    small = st.integers(0, 3)
    documents = [
        {"a": a, "b": b, "_id": number}
        for number, (a, b) in enumerate(data.draw(st.lists(st.tuples(small, small), max_size=20)))
    ]
    for name, way in reversed(order):
        documents.sort(key=lambda document, name=name: document[name], reverse=way < 0)  # type: ignore[misc]
    met: list[Any] = []
    cursor = None
    while True:
        page = [d for d in documents if cursor is None or matches(d, after(cursor, order))][:3]
        if not page:
            break
        met += page
        cursor = cursor_of(page[-1], order)
    assert met == documents


def matches(document: dict[str, Any], query: dict[str, Any]) -> bool:
    return any(
        all(
            document[name] == told
            if not isinstance(told, dict)
            else document[name] > told["$gt"]
            if "$gt" in told
            else document[name] < told["$lt"]
            for name, told in branch.items()
        )
        for branch in query["$or"]
    )


async def test_the_pages_of_mongodb_are_the_models(database: AsyncDatabase[dict[str, Any]]) -> None:
    things = database["things"]
    await things.insert_many(
        [{"_id": ObjectId(), "a": n % 3, "at": DAY + timedelta(hours=n % 5)} for n in range(50)]
    )
    order = (("a", -1), ("at", 1), ("_id", -1))
    await things.create_index(list(order))
    whole = await things.find(sort=list(order)).to_list()
    met, page = list[Any](), PageOfList(limit=7, skip=0)
    while True:
        found = await page.find(things, {}, order)
        met += found.documents
        if found.next_cursor is None:
            break
        page = PageOfList(limit=7, skip=0, cursor=found.next_cursor)
    assert met == whole


async def test_every_list_of_products_can_be_walked_by_cursor(api: Api) -> None:
    client = (await manager(api)).client
    for number in range(12):
        body = {
            "name": f"Haar {number % 4}",
            "price": 1000 + 100 * (number % 3),
            "category": "Gold" if number % 2 else "Silver",
            "productType": "necklace",
            "quantity": number % 3,
        }
        ok(await client.post("/api/products", json=body), 201)
    for path in ("/api/products", "/api/products/category/Gold", "/api/products?inStock=true"):
        for sort in SORTS:
            joint = "&" if "?" in path else "?"
            whole = ok(await api.client.get(f"{path}{joint}sort={sort}&limit=100"))
            met: list[Any] = []
            cursor = ""
            while True:
                more = f"&cursor={cursor}" if cursor else ""
                answer = await api.client.get(f"{path}{joint}sort={sort}&limit=4{more}")
                met += ok(answer)
                cursor = answer.json()["pagination"]["nextCursor"]
                if cursor is None:
                    break
            assert [one["id"] for one in met] == [one["id"] for one in whole], (path, sort)


async def test_a_product_that_comes_meanwhile_moves_no_page(api: Api) -> None:
    client = (await manager(api)).client
    for number in range(4):
        ok(await client.post("/api/products", json={"name": f"Haar {number}", "price": 1000}), 201)
    first = await api.client.get("/api/products?limit=2")
    ok(await client.post("/api/products", json={"name": "Newest", "price": 1000}), 201)
    cursor = first.json()["pagination"]["nextCursor"]
    second = ok(await api.client.get(f"/api/products?limit=2&cursor={cursor}"))
    assert [one["name"] for one in ok(first) + second] == ["Haar 3", "Haar 2", "Haar 1", "Haar 0"]


async def test_a_cursor_that_is_none_is_told_so(api: Api) -> None:
    for path in ("/api/products?cursor=x", "/api/products/search?q=haar&cursor=x"):
        refused(await api.client.get(path), 422, "invalid-cursor")
