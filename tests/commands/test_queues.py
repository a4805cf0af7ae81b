"""Who wants the same thing stands in line, once it matters, and everybody gets their turn."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from commands import queues
from commands.queues import Queues
from commands.unit_of_work import UnitOfWork, carry_out
from domain.errors import Unavailable
from domain.ports.events import CommandContext
from domain.stock import Stock
from integrations.event_store import MongoEventStore, SubjectKeys

CONTEXT = CommandContext(command="Receive", actor="system", correlation="c1")
KEY = b"k" * 32


@pytest.fixture
async def store(database: AsyncDatabase[dict[str, Any]]) -> AsyncIterator[MongoEventStore]:
    made = MongoEventStore(database, SubjectKeys(database, b"k" * 32))
    await made.prepare()
    yield made
    await made.close()


async def opened(product: str, work: UnitOfWork) -> Stock:
    return work.add(Stock.open(product, on_hand=0))


async def received(product: str, work: UnitOfWork) -> Stock:
    stock = await work.load(Stock, product)
    stock.receive(quantity=1)
    return stock


async def test_two_hundred_who_want_one_product_all_get_it(store: MongoEventStore) -> None:
    product = secrets.token_hex(12)
    await carry_out(partial(opened, product), CONTEXT, store, claims_key=KEY)
    crowd = (
        carry_out(partial(received, product), CONTEXT, store, claims_key=KEY) for _ in range(200)
    )
    versions = [outcome.version for outcome in await asyncio.gather(*crowd)]
    assert sorted(versions) == [*range(2, 202)]
    assert (await store.load(Stock, product)).on_hand == 200
    assert not queues.QUEUES.has_line(Stock.stream(product))


async def test_nobody_stands_in_line_for_what_nobody_else_wants(store: MongoEventStore) -> None:
    products = [secrets.token_hex(12) for _ in range(20)]
    for product in products:
        await carry_out(partial(opened, product), CONTEXT, store, claims_key=KEY)
    works: list[UnitOfWork] = []

    async def watched(product: str, work: UnitOfWork) -> Stock:
        works.append(work)
        return await received(product, work)

    await asyncio.gather(
        *(carry_out(partial(watched, p), CONTEXT, store, claims_key=KEY) for p in products)
    )
    assert len(works) == 20, "each was decided once"


async def test_lines_are_in_order_and_do_not_wait_for_each_other_in_a_circle() -> None:
    lines, served = Queues(), list[int]()

    async def customer(number: int, wants: list[str]) -> None:
        async with lines.turn(wants):
            served.append(number)
            await asyncio.sleep(0)

    async with asyncio.timeout(5):
        await asyncio.gather(
            customer(1, ["a", "b"]), customer(2, ["b", "a"]), customer(3, ["b"]), customer(4, ["a"])
        )
    assert sorted(served) == [1, 2, 3, 4]
    assert served[0] == 1
    assert not lines.has_line("a")


async def test_a_line_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = Queues()
    monkeypatch.setattr(queues, "LONGEST_SECONDS", 0.05)
    async with lines.turn(["a"]):
        with pytest.raises(Unavailable):
            async with lines.turn(["a"]):
                raise AssertionError("it is not our turn")
    monkeypatch.setattr(queues, "MOST_IN_LINE", 1)
    async with lines.turn(["a"]):
        with pytest.raises(Unavailable):
            async with lines.turn(["a"]):
                raise AssertionError("the line is full")
    assert not lines.has_line("a")


async def test_who_leaves_the_line_does_not_stop_it() -> None:
    lines, served = Queues(), asyncio.Event()
    async with lines.turn(["a"]):
        leaving = asyncio.create_task(_in(lines, asyncio.Event()))
        staying = asyncio.create_task(_in(lines, served))
        await asyncio.sleep(0)
        leaving.cancel()
    async with asyncio.timeout(5):
        await served.wait()
        await staying
    assert not lines.has_line("a")


async def _in(lines: Queues, served: asyncio.Event) -> None:
    async with lines.turn(["a"]):
        served.set()
