"""A load brings what is new and nothing else, and never less than what others have committed."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.monitoring import CommandListener, CommandStartedEvent, CommandSucceededEvent

from domain.kernel import DomainEvent
from domain.stock import Stock
from integrations.event_store import MongoEventStore, SubjectKeys, kept, streams, subject_keys
from tests.integrations.event_store.ledgerbook import Notebook, context, line, opened


class Reads(CommandListener):
    """What `commits` was asked, and the events that came back."""

    def __init__(self) -> None:
        self.asked = 0
        self.events: list[dict[str, Any]] = []
        self._of_commits: set[int] = set()

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "find" and event.command["find"] == "commits":
            self.asked += 1
            self._of_commits.add(event.request_id)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        if event.request_id in self._of_commits:
            for document in event.reply["cursor"]["firstBatch"]:
                self.events += document["events"]

    def failed(self, _: object) -> None:
        """Nothing came back."""


@pytest.fixture
def reads() -> Reads:
    return Reads()


@pytest.fixture
async def store(
    mongodb_url: str, database: AsyncDatabase[dict[str, Any]], reads: Reads
) -> AsyncIterator[MongoEventStore]:
    watched: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        mongodb_url, tz_aware=True, event_listeners=[reads]
    )
    async with watched:
        made = MongoEventStore(watched[database.name], SubjectKeys(database, b"k" * 32))
        await made.prepare()
        yield made
        await made.close()


@pytest.fixture
async def another(database: AsyncDatabase[dict[str, Any]]) -> AsyncIterator[MongoEventStore]:
    """Another process on the same database."""
    made = MongoEventStore(database, SubjectKeys(database, b"k" * 32))
    yield made
    await made.close()


def pending(*aggregates: Any) -> list[DomainEvent]:
    return [event for one in aggregates for event in one.pending_events]


async def imported(store: MongoEventStore, *, rows: int = 300) -> list[str]:
    """One commit that opens the stock of many products, as an import's chunk does."""
    ids = [secrets.token_hex(12) for _ in range(rows)]
    await store.append(pending(*(Stock.open(i, on_hand=5) for i in ids)), context())
    return ids


async def test_of_an_imports_commit_only_the_wanted_rows_events_are_read(
    store: MongoEventStore, reads: Reads
) -> None:
    ids = await imported(store)
    found = await store.load_many(Stock, ids[7:9])
    assert {i: s.on_hand for i, s in found.items()} == dict.fromkeys(ids[7:9], 5)
    assert len(reads.events) == 2


async def test_a_second_load_asks_once_and_reads_nothing_that_is_known(
    store: MongoEventStore, reads: Reads
) -> None:
    ids = await imported(store)
    await store.load_many(Stock, ids[:3])
    reads.asked, reads.events = 0, []
    assert len(await store.load_many(Stock, ids[:3])) == 3
    assert (reads.asked, reads.events) == (1, [])


async def test_what_this_process_committed_is_known_to_it(
    store: MongoEventStore, reads: Reads
) -> None:
    (product,) = await imported(store, rows=1)
    stock = await store.load(Stock, product)
    stock.receive(quantity=2)
    await store.append(pending(stock), context())
    reads.events = []
    assert (await store.load(Stock, product)).on_hand == 7
    assert reads.events == []


async def test_what_another_process_committed_is_seen(
    store: MongoEventStore, another: MongoEventStore
) -> None:
    (product,) = await imported(store, rows=1)
    for _ in range(3):
        stock = await store.load(Stock, product)
        theirs = await another.load(Stock, product)
        assert theirs.on_hand == stock.on_hand
        theirs.receive(quantity=1)
        await another.append(pending(theirs), context())
    assert (await store.load(Stock, product)).on_hand == 8


async def test_a_lost_race_leaves_nothing_behind_in_what_is_kept(
    store: MongoEventStore, another: MongoEventStore
) -> None:
    (product,) = await imported(store, rows=1)
    ours, theirs = await store.load(Stock, product), await another.load(Stock, product)
    ours.receive(quantity=100)
    theirs.receive(quantity=1)
    await another.append(pending(theirs), context())
    with pytest.raises(Exception, match="somebody else"):
        await store.append(pending(ours), context())
    assert (await store.load(Stock, product)).on_hand == 6


async def test_callers_of_one_moment_share_a_question_and_own_what_they_get(
    store: MongoEventStore, reads: Reads
) -> None:
    ids = await imported(store)
    await store.load_many(Stock, ids[:4])
    reads.asked = 0
    first, second, _ = await asyncio.gather(
        store.load(Stock, ids[0]), store.load(Stock, ids[0]), store.load_many(Stock, ids[1:4])
    )
    assert reads.asked == 1
    first.reserve("65f000000000000000000009", quantity=5, until=first.modified_on)
    assert second.can_hold(5)
    assert (await store.load(Stock, ids[0])).can_hold(5)


async def test_streams_at_different_versions_come_in_one_question(
    store: MongoEventStore, reads: Reads
) -> None:
    ids = [secrets.token_hex(12) for _ in range(6)]
    for lines, notebook in enumerate(ids):
        await store.append(opened(notebook, lines=lines), context())
    await store.load_many(Notebook, ids[:3])
    for lines, notebook in enumerate(ids):
        await store.append([line(notebook, lines + 2)], context())
    reads.asked = 0
    found = await store.load_many(Notebook, ids)
    assert {i: n.version for i, n in found.items()} == {i: n + 2 for n, i in enumerate(ids)}
    assert reads.asked == 1


async def test_the_least_wanted_leave_when_too_many_are_kept(
    store: MongoEventStore, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MOST_KEPT", 3)
    ids = await imported(store)
    for product in (*ids[:3], ids[0], ids[3]):
        await store.load(Stock, product)
    reads.events = []
    await store.load(Stock, ids[0])
    assert reads.events == []
    await store.load(Stock, ids[1])
    assert len(reads.events) == 1


async def test_who_passes_through_a_catalogue_pushes_nothing_out(
    store: MongoEventStore, reads: Reads
) -> None:
    ids = await imported(store)
    await store.load(Stock, ids[0])
    await store.load_many(Stock, ids[:200])
    reads.events = []
    await store.load(Stock, ids[0])
    await store.load(Stock, ids[150])
    assert len(reads.events) == 1


async def test_a_page_ends_where_its_versions_end(
    store: MongoEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "PAGE_EVENTS", 4)
    notebook = secrets.token_hex(12)
    await store.append(opened(notebook, lines=8), context())
    reader = store._streams
    places = [(f"notebook-{notebook}", after) for after in (0, 4, 8, 2)]
    pages = await reader.pages(places)
    assert [[stored["version"] for stored, _ in pages[place]] for place in places] == [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
        [9],
        [3, 4, 5, 6],
    ]


async def test_a_person_who_is_forgotten_is_not_kept(
    database: AsyncDatabase[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = SubjectKeys(database, b"k" * 32)
    here, elsewhere = MongoEventStore(database, keys), SubjectKeys(database, b"k" * 32)
    await here.prepare()
    notebook, other = secrets.token_hex(12), secrets.token_hex(12)
    for name, owner in ((notebook, "asha"), (other, "ravi")):
        await here.append(opened(name, owner=owner), context())
        assert (await here.load(Notebook, name)).owner_name == f"{owner} of Pune"
    await keys.destroy("asha")
    assert (await here.load(Notebook, notebook)).owner_name == "erased"
    await elsewhere.destroy("ravi")  # by another process: seen when what is kept has aged
    monkeypatch.setattr(kept, "PERSONAL_SECONDS", 0.0)
    monkeypatch.setattr(subject_keys, "CACHE_SECONDS", 0.0)
    keys.forget_cached("ravi")
    assert (await here.load(Notebook, other)).owner_name == "erased"
    await here.close()
