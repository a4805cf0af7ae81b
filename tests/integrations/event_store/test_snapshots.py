"""A snapshot only saves work: whatever becomes of it, the aggregate is what its stream says."""

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from domain.errors import TooLarge
from domain.stock import Stock
from integrations.event_store import MongoEventStore, SubjectKeys, store
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


async def test_nobody_decides_on_a_part_of_a_stream(
    kept: MongoEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = secrets.token_hex(12)
    await counted(kept, product, times=1)
    for number in range(3):
        stock = await kept.load(Stock, product)
        stock.receive(quantity=number + 1)
        events: list[Any] = list(stock.collect_events())
        await kept.append(events, context())
    monkeypatch.setattr(store, "MAX_STREAM_EVENTS", 2)
    with pytest.raises(TooLarge):
        await kept.load(Stock, product)
    with pytest.raises(TooLarge):
        await kept.load_many(Stock, [product])
