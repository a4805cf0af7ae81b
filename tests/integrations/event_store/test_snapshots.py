"""A snapshot only saves work: whatever becomes of it, the aggregate is what its stream says."""

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from domain.errors import TooLarge
from domain.stock import Stock
from integrations.event_store import MongoEventStore, SubjectKeys, loading, store, streams
from integrations.event_store.snapshots import Snapshots
from tests.integrations.event_store.ledgerbook import context


@pytest.fixture
async def kept(database: AsyncDatabase[dict[str, Any]]) -> AsyncIterator[MongoEventStore]:
    made = MongoEventStore(database, SubjectKeys(database, b"k" * 32))
    await made.prepare()
    yield made
    await made.close()


async def counted(kept: MongoEventStore, product: str, *, times: int = 250) -> None:
    stock = Stock.open(product, on_hand=1)
    for number in range(times):
        stock.receive(quantity=number + 1)
    events: list[Any] = list(stock.collect_events())
    await kept.append(events, context())


@pytest.mark.parametrize(
    "change",
    [
        None,
        {"version": 400},
        {"schema": 99},
        {"state": {}},
        {"state": {"on_hand": 1, "limited": False, "reserved": 5, "committed": []}},
    ],
    ids=["good", "ahead of history", "stale", "empty", "of other types"],
)
async def test_the_aggregate_is_what_its_stream_says(
    kept: MongoEventStore, database: AsyncDatabase[dict[str, Any]], change: dict[str, Any] | None
) -> None:
    product = secrets.token_hex(12)
    await counted(kept, product)
    first = await kept.load(Stock, product)
    assert await database["snapshots"].count_documents({"_id": first.id, "version": 251}) == 1
    if change is not None:
        await database["snapshots"].update_one({"_id": first.id}, {"$set": change})
    again = await kept.load(Stock, product)
    assert (again.version, again.snapshot_state()) == (251, first.snapshot_state())
    again.receive(quantity=5)
    events: list[Any] = list(again.collect_events())
    await kept.append(events, context())
    several = await kept.load_many(Stock, [product])
    assert several[product].on_hand == (await kept.load(Stock, product)).on_hand == again.on_hand


async def test_a_load_passes_over_pages_and_leaves_a_snapshot_on_the_way(
    kept: MongoEventStore, database: AsyncDatabase[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (streams, loading):
        monkeypatch.setattr(module, "PAGE_EVENTS", 100)
    monkeypatch.setattr(loading, "SNAPSHOT_ON_THE_WAY", 300)
    product = secrets.token_hex(12)
    await counted(kept, product, times=450)
    offered = await offers_of(kept, monkeypatch, product)
    assert offered == [300]
    again = MongoEventStore(database, SubjectKeys(database, b"k" * 32))
    assert (await again.load(Stock, product)).on_hand == 1 + sum(range(1, 451))


async def offers_of(
    kept: MongoEventStore, monkeypatch: pytest.MonkeyPatch, product: str
) -> list[int]:
    """The versions at which a load of a stream leaves snapshots."""
    offered: list[int] = []
    offer = Snapshots.offer

    async def watched(self: Snapshots, aggregate: Any, **more: int) -> bool:
        taken = await offer(self, aggregate, **more)
        offered.extend([aggregate.version] if taken else [])
        return taken

    monkeypatch.setattr(Snapshots, "offer", watched)
    await kept.load(Stock, product)
    return offered


async def test_a_list_of_a_streams_events_is_whole_or_refused(
    kept: MongoEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = secrets.token_hex(12)
    await counted(kept, product, times=9)
    monkeypatch.setattr(streams, "PAGE_EVENTS", 4)
    monkeypatch.setattr(store, "PAGE_EVENTS", 4)
    name = Stock.stream(product)
    assert len(await kept.read_stream(name)) == 10
    assert [e.originator_version for e in await kept.read_stream(name, up_to_version=5)] == [
        *range(1, 6)
    ]
    monkeypatch.setattr(store, "MAX_STREAM_EVENTS", 8)
    with pytest.raises(TooLarge):
        await kept.read_stream(name)
