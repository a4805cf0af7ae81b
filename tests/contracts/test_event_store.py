"""The contract of `domain.ports.events.EventStore`, over MongoDB and over its twin in memory."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from domain.errors import ConcurrencyConflict, Invalid, KeyReused, NotFound, TooLarge
from domain.kernel import DomainEvent
from domain.ports.events import EventStore, PersonalKeys
from integrations.event_store import Ledger, MongoEventStore, SubjectKeys
from integrations.event_store.mapping import message_body
from integrations.event_store.memory import MemoryEventStore
from tests.integrations.event_store.ledgerbook import Notebook, context, line, opened


@dataclass
class Subject:
    """The store under test, its keys, and a way to place what is pending."""

    store: EventStore
    keys: PersonalKeys
    seal: Callable[[], Awaitable[None]]


async def _nothing() -> None:
    return None


@pytest.fixture(params=["memory", "mongodb"])
async def subject(
    request: pytest.FixtureRequest, database: AsyncDatabase[dict[str, Any]]
) -> AsyncIterator[Subject]:
    if request.param == "memory":
        memory = MemoryEventStore()
        yield Subject(memory, memory.keys, _nothing)
        return
    ledger = Ledger(database)
    await ledger.prepare()
    keys = SubjectKeys(database, b"k" * 32)
    store = MongoEventStore(database, keys)
    await store.prepare()

    async def seal() -> None:
        while (sealed := await ledger.seal()) is not None:
            await ledger.finish(sealed.block)

    yield Subject(store, keys, seal)
    await store.close()


@pytest.fixture
def a() -> str:
    return secrets.token_hex(12)


async def test_what_was_appended_is_read_in_order(subject: Subject, a: str) -> None:
    written = opened(a, lines=3)
    commit = await subject.store.append(written, context(), answer=f"notebook-{a}")
    assert commit.streams == {f"notebook-{a}": 4}
    assert not commit.repeated
    read = await subject.store.read_stream(f"notebook-{a}")
    assert [(type(e), e.model_dump()) for e in read] == [(type(e), e.model_dump()) for e in written]
    assert [e.originator_version for e in read] == [1, 2, 3, 4]


async def test_an_append_to_several_streams_is_all_or_nothing(subject: Subject, a: str) -> None:
    b = secrets.token_hex(12)
    await subject.store.append(opened(a), context())
    with pytest.raises(ConcurrencyConflict):
        await subject.store.append([*opened(b), *opened(a)], context())
    assert await subject.store.read_stream(f"notebook-{b}") == []
    commit = await subject.store.append([*opened(b), line(a, 2)], context())
    assert commit.streams == {f"notebook-{b}": 1, f"notebook-{a}": 2}


async def test_of_two_writers_of_one_version_one_wins(subject: Subject, a: str) -> None:
    await subject.store.append(opened(a), context())
    outcomes = await asyncio.gather(
        *(subject.store.append([line(a, 2, f"by {n}")], context()) for n in range(20)),
        return_exceptions=True,
    )
    assert sum(isinstance(o, ConcurrencyConflict) for o in outcomes) == 19
    assert len(await subject.store.read_stream(f"notebook-{a}")) == 2


async def test_a_commit_that_repeats_a_version_inside_itself_is_refused(
    subject: Subject, a: str
) -> None:
    with pytest.raises(ConcurrencyConflict):
        await subject.store.append([*opened(a), line(a, 1)], context())


async def test_a_command_id_has_one_effect(subject: Subject, a: str) -> None:
    b = secrets.token_hex(12)
    first = await subject.store.append(opened(a), context("k1" + a), answer=f"notebook-{a}")
    again = await subject.store.append(opened(b), context("k1" + a), answer=f"notebook-{b}")
    assert again.repeated
    assert (again.id, again.answer) == (first.id, f"notebook-{a}")
    assert await subject.store.read_stream(f"notebook-{b}") == []
    found = await subject.store.commit_of("k1" + a)
    assert found is not None
    assert found.id == first.id
    assert await subject.store.commit_of("never") is None


async def test_twenty_repeats_at_once_have_one_effect(subject: Subject, a: str) -> None:
    commits = await asyncio.gather(
        *(
            subject.store.append(opened(secrets.token_hex(12)), context("same" + a))
            for _ in range(20)
        )
    )
    assert len({commit.id for commit in commits}) == 1
    assert sum(not commit.repeated for commit in commits) == 1
    await subject.seal()
    assert await subject.store.last_position() == 1


async def test_a_command_id_with_another_body_is_refused(subject: Subject, a: str) -> None:
    await subject.store.append(opened(a), context("k2" + a, fingerprint="one"))
    with pytest.raises(KeyReused):
        await subject.store.append([line(a, 2)], context("k2" + a, fingerprint="two"))
    with pytest.raises(KeyReused):
        await subject.store.commit_of("k2" + a, fingerprint="two")


async def test_an_empty_commit_is_refused(subject: Subject) -> None:
    with pytest.raises(Invalid):
        await subject.store.append([], context())


async def test_a_commit_over_the_limits_is_refused_and_leaves_nothing(
    subject: Subject, a: str
) -> None:
    with pytest.raises(TooLarge):
        await subject.store.append(opened(a, lines=1_000), context())
    with pytest.raises(TooLarge):
        await subject.store.append([*opened(a), line(a, 2, "x" * 600_000)], context())
    assert await subject.store.read_stream(f"notebook-{a}") == []


async def test_versions_bound_a_read(subject: Subject, a: str) -> None:
    await subject.store.append(opened(a, lines=5), context())
    read = await subject.store.read_stream(f"notebook-{a}", after_version=2, up_to_version=4)
    assert [e.originator_version for e in read] == [3, 4]


async def test_an_aggregate_is_what_its_stream_says(subject: Subject, a: str) -> None:
    assert await subject.store.load(Notebook, a) is None
    await subject.store.append(opened(a, lines=2), context())
    notebook = await subject.store.load(Notebook, a)
    assert (notebook.object_id, notebook.version) == (a, 3)


async def test_many_aggregates_are_loaded_in_one_question(subject: Subject) -> None:
    ids = [secrets.token_hex(12) for _ in range(5)]
    for lines, notebook_id in enumerate(ids):
        await subject.store.append(opened(notebook_id, lines=lines), context())
    found = await subject.store.load_many(Notebook, [*ids, "f" * 24])
    assert {i: n.version for i, n in found.items()} == {i: n + 1 for n, i in enumerate(ids)}


async def test_history_has_positions_without_holes(subject: Subject) -> None:
    ids = [secrets.token_hex(12) for _ in range(30)]
    await asyncio.gather(
        *(subject.store.append(opened(i, lines=n % 4), context()) for n, i in enumerate(ids))
    )
    await subject.seal()
    history = await subject.store.read_history(after_position=0, limit=1_000)
    assert [e.position for e in history] == list(range(1, len(history) + 1))
    assert await subject.store.last_position() == len(history) == 30 + sum(n % 4 for n in range(30))
    for after in (1, 7, len(history) - 1):
        page = await subject.store.read_history(after_position=after, limit=5)
        assert page == history[after : after + 5]
    bounded = await subject.store.read_history(after_position=3, limit=50, up_to_position=6)
    assert [e.position for e in bounded] == [4, 5, 6]


async def test_a_streams_versions_keep_their_order_in_history(subject: Subject, a: str) -> None:
    await subject.store.append(opened(a), context())
    for version in range(2, 12):
        await subject.store.append([line(a, version)], context())
    await subject.seal()
    history = await subject.store.read_history(after_position=0, limit=100)
    assert [e.version for e in history] == list(range(1, 12))


async def test_history_tells_who_when_and_why(subject: Subject, a: str) -> None:
    await subject.store.append(opened(a), context(causation="event-7"))
    await subject.seal()
    (recorded,) = await subject.store.read_history(after_position=0, limit=10)
    assert (recorded.command, recorded.actor, recorded.causation) == (
        "WriteLine",
        "user-asha",
        "event-7",
    )
    assert recorded.at.tzinfo is not None
    assert recorded.event.timestamp == recorded.at


async def test_an_erased_person_stays_unreadable_and_takes_no_new_data(
    subject: Subject, a: str
) -> None:
    owner = "owner" + a
    await subject.store.append(opened(a, lines=1, owner=owner), context())
    first = (await subject.store.read_stream(f"notebook-{a}"))[0]
    assert first.owner_name == f"{owner} of Pune"  # type: ignore[attr-defined]
    await subject.keys.destroy(owner)
    await subject.keys.destroy(owner)
    read = await subject.store.read_stream(f"notebook-{a}")
    assert read[0].owner_name == "erased"  # type: ignore[attr-defined]
    assert read[1].text == "line 0"  # type: ignore[attr-defined]
    with pytest.raises(NotFound):
        await subject.store.append(opened(secrets.token_hex(12), owner=owner), context())


async def test_auditors_see_hashes_and_sealed_personal_parts(subject: Subject, a: str) -> None:
    await subject.store.append(opened(a, lines=1), context())
    await subject.seal()
    rows = await subject.store.history_of([f"notebook-{a}"])
    assert [(r["version"], r["type"]) for r in rows] == [
        (1, "TestNotebookOpened"),
        (2, "TestLineWritten"),
    ]
    assert len(rows[0]["hash"]) == len(rows[0]["blockHash"]) == 64
    assert "asha of Pune" not in str(rows)


async def test_the_history_of_a_stream_is_told_in_pages(subject: Subject, a: str) -> None:
    await subject.store.append(opened(a, lines=2), context())
    for version in range(4, 10):
        await subject.store.append(opened(secrets.token_hex(12)), context())
        await subject.store.append([line(a, version)], context())
    await subject.seal()
    told: list[int] = []
    after = 0
    while rows := await subject.store.history_of([f"notebook-{a}"], after_position=after, limit=2):
        assert len(rows) <= 2
        told += [row["version"] for row in rows]
        after = rows[-1]["position"]
    assert told == list(range(1, 10))


async def test_of_streams_beside_only_the_same_commits_are_told(subject: Subject, a: str) -> None:
    b = secrets.token_hex(12)
    await subject.store.append([*opened(a), *opened(b)], context())
    await subject.store.append([line(b, 2)], context())
    rows = await subject.store.history_of([f"notebook-{a}"], beside=[f"notebook-{b}"])
    assert [(r["stream"], r["version"]) for r in rows] == [
        (f"notebook-{a}", 1),
        (f"notebook-{b}", 1),
    ]


async def test_a_published_message_decodes_to_the_event(subject: Subject, a: str) -> None:
    await subject.store.append(opened(a, lines=1), context())
    await subject.seal()
    history = await subject.store.read_history(after_position=0, limit=10)
    store: Any = subject.store
    commits = (
        store.commits
        if isinstance(store, MemoryEventStore)
        else await store.read_commits(after_position=0, limit=10)
    )
    bodies = [
        message_body(commit, stored, position)
        for commit in commits
        for position, stored in enumerate(commit["events"], commit["position"])
    ]
    decoded: list[DomainEvent] = [r.event for r in await subject.store.decode(bodies)]
    assert decoded == [r.event for r in history]
