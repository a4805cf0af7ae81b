"""Rounds of faults on real processes; after each, all promises are checked on what is left.

`make faults` runs each fault once. FAULT_ROUNDS=20 runs all of them twenty times, FAULT_SEED repeats the
choices of an earlier run (not its timing, which no seed can give back).
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from pymongo import AsyncMongoClient

from tests.faults import promises
from tests.faults.customers import ANSWER_SECONDS, Customer, Journal
from tests.faults.processes import Calm, Eyes, Processes, open_eyes
from tests.faults.rounds import LOG, PASSES, ROUNDS, SEED, Round, Stage

CUSTOMERS = 8
STOCK = 12
PRODUCTS = 3
STOP_SECONDS = 60.0

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]


@dataclass
class World:
    processes: Processes
    eyes: Eyes
    shop: httpx.AsyncClient
    gateway: httpx.AsyncClient
    journal: Journal

    async def new_products(self) -> list[str]:
        """Few of each, so that customers fight for the last ones."""
        admin = {
            "email": self.processes.shop.environment["ADMIN_EMAIL"],
            "password": self.processes.secrets["ADMIN_PASSWORD"],
        }
        login = (await self.shop.post("/api/auth/login", json=admin)).raise_for_status().json()
        headers = {"Authorization": f"Bearer {login['data']['accessToken']}"}
        made = [
            await self.shop.post("/api/products", json=product(number), headers=headers)
            for number in range(PRODUCTS)
        ]
        return [response.raise_for_status().json()["data"]["id"] for response in made]

    async def broken_promises(self) -> list[str]:
        eyes, journal = self.eyes, self.journal
        history = await promises.whole_history(eyes.store)
        books = (await self.gateway.get("/_sim/ledger")).raise_for_status().json()["orders"]
        return [
            *await promises.ledger_faults(eyes.ledger, eyes.relay),
            *promises.gaps(history),
            *promises.lost_deeds(journal, history),
            *promises.doubled_deeds(journal, history),
            *await promises.projection_faults(eyes.database, history),
            *await promises.dead_letters(eyes.database),
            *promises.money_faults(history, books),
            *promises.oversold(history),
            *promises.cancelled_stock_faults(history),
            *journal.complaints,
        ]


def product(number: int) -> dict[str, Any]:
    return {
        "name": f"Fought-over ring {number}",
        "price": 1_000 + number,
        "category": "Gold",
        "productType": "ring",
        "images": ["https://example.com/ring.jpg"],
        "specifications": {"material": "22k Gold"},
        "quantity": STOCK,
    }


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One shop for all rounds: it must live with what each has done to it."""
    processes = Processes(tmp_path_factory.mktemp("shop"))
    limits = httpx.Limits(max_keepalive_connections=0)
    try:
        await processes.start()
        url = processes.shop.addresses["mongodb"]
        async with (
            AsyncMongoClient[dict[str, Any]](url, tz_aware=True, timeoutMS=30_000) as client,
            httpx.AsyncClient(
                base_url=processes.api_url, timeout=ANSWER_SECONDS, limits=limits
            ) as shop,
            httpx.AsyncClient(base_url=processes.gateway_url, timeout=ANSWER_SECONDS) as gateway,
        ):
            eyes, connection = await open_eyes(client, processes)
            yield World(processes, eyes, shop, gateway, Journal())
            await connection.close()
    finally:
        await processes.close()


@asynccontextmanager
async def customers_shop(world: World, dice: random.Random) -> AsyncIterator[None]:
    """They stop when the block ends, each after what is in hand."""
    stop = asyncio.Event()
    products = await world.new_products()
    crowd = [
        Customer(
            world.shop,
            world.gateway,
            world.journal,
            products=products,
            dice=random.Random(dice.random()),
        )
        for _ in range(CUSTOMERS)
    ]
    for customer in crowd:
        await customer.register()
    async with asyncio.TaskGroup() as shopping:
        for customer in crowd:
            shopping.create_task(customer.shop_until(stop))
        try:
            yield
        finally:
            stop.set()


@pytest.mark.parametrize("number", range(PASSES))
@pytest.mark.parametrize("fault", ROUNDS, ids=lambda fault: fault.__name__)
async def test_all_promises_hold_after(world: World, fault: Round, number: int) -> None:
    seed = f"{SEED}-{fault.__name__}-{number}"
    dice = random.Random(seed)
    stage = Stage(world.processes, world.eyes, dice)
    deeds = len(world.journal.deeds)
    try:
        async with asyncio.timeout(350):
            await world.processes.heal()
            async with customers_shop(world, dice):
                await fault(stage)
                await world.processes.heal()
            await Calm(world.eyes, world.gateway).wait()
        broken = await world.broken_promises()
    finally:
        did = len(world.journal.deeds) - deeds
        LOG.append(f"{seed}: {'; '.join(stage.told) or 'done'}; {did} deeds")
    assert broken == []


def test_the_rounds_had_something_to_check(world: World) -> None:
    """Runs last: the customers did enough that a broken promise would have shown."""
    journal, counted = world.journal, world.journal.counted()
    LOG.append(f"{counted}, {journal.fresh_reads} reads with a token, {journal.repeats} repeats")
    assert counted["done"] >= 50
    assert journal.fresh_reads >= 10
    assert journal.repeats >= 5
    assert counted["refused"] >= 1, "nobody was refused the last ring"
    assert all(journal.done(kind) for kind in promises.EVENT_OF)
