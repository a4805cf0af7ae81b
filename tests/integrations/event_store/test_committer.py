"""Nobody waits for ever, whatever becomes of the committer, of a neighbour or of the caller."""

import asyncio
import copy
import secrets
from collections.abc import Sequence
from typing import Any, Self

import pytest
from bson.raw_bson import RawBSONDocument
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import AutoReconnect, OperationFailure

from domain.errors import ConcurrencyConflict, Unavailable
from domain.ports.events import Commit
from integrations.event_store import Ledger, MongoEventStore, SubjectKeys
from integrations.event_store.commits import Committer, durable_collection
from integrations.event_store.store import make_commit
from tests.integrations.event_store.ledgerbook import context, line, opened

Documents = AsyncCollection[dict[str, Any]]


def commit(name: str | None = None, **changes: object) -> dict[str, Any]:
    stream = name or secrets.token_hex(12)
    made = make_commit(
        [line(stream, 1)], context(), answer=None, keys={}, now=line("a", 1).timestamp.max
    )
    return {**made, "at": line("a", 1).timestamp.replace(year=2026), **changes}


@pytest.fixture
async def commits(database: AsyncDatabase[dict[str, Any]]) -> Documents:
    store = MongoEventStore(database, SubjectKeys(database, b"k" * 32))
    await store.prepare()
    return durable_collection(database, "commits")


class Unsteady:
    """MongoDB's collection behind a connection that breaks after so many good inserts."""

    def __init__(self, commits: Documents, *answers: Exception | None) -> None:
        self.commits: Any = commits
        self.answers = list(answers)
        """For each insert that comes: what is raised once it was carried out."""

    def with_options(self, **options: Any) -> Self:
        other = copy.copy(self)
        other.commits = self.commits.with_options(**options)
        return other

    async def insert_many(self, documents: Sequence[RawBSONDocument], *, ordered: bool) -> None:
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, OperationFailure):
            raise answer
        await self.commits.insert_many(documents, ordered=ordered)
        if answer is not None:
            raise answer

    def find(self, query: dict[str, Any]) -> Any:
        return self.commits.find(query)


async def test_a_lost_answer_is_settled_by_asking_again(commits: Documents) -> None:
    unsteady: Any = Unsteady(commits, AutoReconnect("cut"), AutoReconnect("cut again"))
    committer = Committer(unsteady)
    result = await committer.submit(commit("once"))
    await committer.close()
    assert not result.repeated
    assert await commits.count_documents({}) == 1


async def test_an_outcome_that_stays_unknown_is_told_as_such(commits: Documents) -> None:
    unsteady: Any = Unsteady(commits, *[AutoReconnect("cut")] * 20)
    committer = Committer(unsteady, deadline_seconds=0)
    with pytest.raises(Unavailable):
        await committer.submit(commit())
    await committer.close()


async def test_a_commit_that_the_server_refuses_takes_no_neighbour_with_it(
    commits: Documents,
) -> None:
    refusal = OperationFailure("too deep", 15)
    unsteady: Any = Unsteady(commits, refusal, None, refusal, None)
    committer = Committer(unsteady)
    outcomes = await asyncio.gather(
        *(committer.submit(commit()) for _ in range(3)), return_exceptions=True
    )
    await committer.close()
    assert [type(outcome) for outcome in outcomes] == [Commit, Unavailable, Commit]
    assert await commits.count_documents({}) == 2


async def test_a_request_that_went_away_leaves_its_commit(commits: Documents) -> None:
    committer = Committer(commits)
    asking = asyncio.create_task(committer.submit(commit()))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert (await committer.submit(commit())).events == 1
    await committer.close()
    assert await commits.count_documents({}) == 2


async def test_closing_finishes_what_is_queued_and_takes_no_more(commits: Documents) -> None:
    committer = Committer(commits)
    asking = [asyncio.create_task(committer.submit(commit())) for _ in range(50)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(committer.close())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await committer.submit(commit())
    await closing
    assert len({(await one).id for one in asking}) == 50
    assert await commits.count_documents({}) == 50


class Hanging(Unsteady):
    async def insert_many(self, documents: Sequence[RawBSONDocument], *, ordered: bool) -> None:  # noqa: ARG002
        await asyncio.Event().wait()


async def test_no_waiter_outlives_the_committer(commits: Documents) -> None:
    hanging: Any = Hanging(commits)
    committer = Committer(hanging)
    first = asyncio.create_task(committer.submit(commit()))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(committer.submit(commit()))  # still queued
    await asyncio.sleep(0)
    assert committer._task is not None
    committer._task.cancel()
    outcomes = await asyncio.wait_for(asyncio.gather(first, second, return_exceptions=True), 5)
    assert [type(outcome) for outcome in outcomes] == [Unavailable, Unavailable]


async def test_a_broker_that_hangs_holds_up_no_commit(commits: Documents) -> None:
    async def inserted(_count: int) -> None:
        await asyncio.Event().wait()

    committer = Committer(commits, inserted=inserted)
    async with asyncio.timeout(5):
        for _ in range(3):
            await committer.submit(commit())
        await committer.close()


async def test_a_command_under_way_elsewhere_is_not_told_as_a_lost_race(
    commits: Documents,
) -> None:
    """A duplicate `_id` that a majority does not show yet: another try would have a second effect."""

    class NotYetOnAMajority(Unsteady):
        def find(self, query: dict[str, Any]) -> Any:
            return self.commits.find({**query, "leaf": "nothing"})

    document = commit("x")
    await commits.insert_one(document)
    unsteady: Any = NotYetOnAMajority(commits)
    committer = Committer(unsteady)
    with pytest.raises(Unavailable):
        await committer.submit(dict(document))
    with pytest.raises(ConcurrencyConflict):
        await committer.submit(commit("x"))
    await committer.close()


async def test_two_processes_start_at_once_on_an_empty_database(
    database: AsyncDatabase[dict[str, Any]],
) -> None:
    await asyncio.gather(*(Ledger(database).prepare() for _ in range(8)))
    options = await database["ledger"].options()
    assert "validator" in options


async def test_two_processes_make_one_key_for_a_person(
    database: AsyncDatabase[dict[str, Any]],
) -> None:
    several = [SubjectKeys(database, b"k" * 32) for _ in range(8)]
    made = await asyncio.gather(*(keys.ensure(["asha"]) for keys in several))
    assert len({found["asha"] for found in made}) == 1


async def test_an_event_after_erasure_by_another_process_stays_unreadable(
    database: AsyncDatabase[dict[str, Any]],
) -> None:
    """For 30 seconds another process may still write with the key: nobody can read it afterwards."""
    here, there = SubjectKeys(database, b"k" * 32), SubjectKeys(database, b"k" * 32)
    store = MongoEventStore(database, here)
    await store.prepare()
    await store.append(opened("a"), context())
    await there.destroy("asha")
    await store.append(opened("b"), context())
    await store.close()
    [event] = await MongoEventStore(database, there).read_stream("notebook-b")
    assert event.owner_name == "erased"  # type: ignore[attr-defined]
