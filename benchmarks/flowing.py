"""From a command to its read model, rebuilding, importing, and memory: the whole way, real processes."""

import asyncio
import csv
import gc
import io
import json
import os
import random
import secrets
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import uvloop
from pymongo import AsyncMongoClient, WriteConcern

from benchmarks.shop import resident_mb, servers, services, worker
from commands.decisions.catalogue import FeatureProduct, feature_product
from commands.decisions.importing import finish_id, start_import
from commands.unit_of_work import UnitOfWork, carry_out
from dependencies.reading import ReadingServices
from domain.catalogue import Product
from domain.import_rules import ProductFields, StockStatus
from domain.ports.events import CommandContext, commit_id_of
from integrations.rebuilding import MongoBuilding
from projections.catalogue import PRODUCTS
from projections.rebuild import rebuild

RATE = 200
"""Commands a second."""
SECONDS = 15.0
HISTORY = 50_000
ROWS = 10_000


@dataclass(frozen=True)
class Figure:
    what: str
    value: str
    against: str


def context(command: str) -> CommandContext:
    return CommandContext(command=command, actor="user-benchmark", correlation="benchmark")


async def products(count: int, opened: ReadingServices) -> list[str]:
    """Ids of new products, made in commits of 200."""
    ids: list[str] = []

    async def some(how_many: int, work: UnitOfWork) -> None:
        for _ in range(how_many):
            details = ProductFields(
                name=f"Haar {secrets.token_hex(4)}",
                description="A necklace of 22k gold with kundan stones",
                price_minor=8_999_900,
                availability=StockStatus.IN_STOCK,
                images=("https://example.com/necklace.jpg",),
            )
            ids.append(work.add(Product.create(work.new_id(), details)).object_id)

    while len(ids) < count:
        handler = partial(some, min(200, count - len(ids)))
        await act(handler, opened, "CreateProducts")
    return ids


async def act(handler: Any, opened: ReadingServices, command: str) -> Any:
    key = opened.keyring.claims
    return await carry_out(handler, context(command), opened.store, claims_key=key)


async def visible(opened: ReadingServices, *, seconds: float = SECONDS) -> list[float]:
    """Milliseconds from the beginning of a command until its document can be read, at RATE a second."""
    ids = await products(400, opened)
    found: list[float] = []

    async def one(number: int, *, patience: float = 10) -> None:
        begin = time.perf_counter()
        handler = partial(feature_product, ids[number % len(ids)], FeatureProduct(rank=number))
        outcome = await act(handler, opened, "FeatureProduct")
        seen = await opened.consistency.wait_for_commit(
            outcome.commit.id, seconds=patience, events=1
        )
        assert seen is not None, f"a command was not visible after {patience} seconds"
        found.append((time.perf_counter() - begin) * 1e3)

    await one(0, patience=120)  # the worker is starting
    found.clear()
    dice = random.Random(7)
    async with asyncio.TaskGroup() as clients:
        for number in range(1, int(RATE * seconds)):
            clients.create_task(one(number))
            await asyncio.sleep(dice.expovariate(RATE))
    return sorted(found)


async def grow_history(opened: ReadingServices, events: int) -> None:
    """Product events until the ledger has so many positions."""
    ids = await products(1_000, opened)
    rank = 0
    while (have := await opened.store.last_position()) < events:
        rank += 1

        async def many(part: list[str], work: UnitOfWork, *, rank: int = rank) -> None:
            for product in (await work.find_many(Product, part)).values():
                product.feature(rank=rank)

        parts = [ids[n : n + 250] for n in range(0, len(ids), 250)]
        await asyncio.gather(*(act(partial(many, part), opened, "FeatureMany") for part in parts))
        while await opened.store.last_position() < have + 1_000:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


async def rebuilding(opened: ReadingServices) -> tuple[float, int]:
    """Events a second of a blue/green rebuild of the products, and how many there were."""
    end = await opened.store.last_position()
    await opened.consistency.wait_for_position(end, seconds=120)
    building = MongoBuilding(opened.read_models, PRODUCTS.name, version=PRODUCTS.version)
    begin = time.perf_counter()
    end = await rebuild(PRODUCTS, building=building, history=opened.store)
    return end / (time.perf_counter() - begin), end


def product_file(rows: int) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["description", "price", "availability", "image", "category", "specifications"])
    for number in range(rows):
        writer.writerow(
            [
                f"Gold Necklace number {number}",
                "₹2,99,999",
                "In Stock",
                f"https://example.com/{number}.jpg",
                "Gold",
                "22k Gold, 12 g, Ruby",
            ]
        )
    return text.getvalue().encode()


async def importing(opened: ReadingServices, rows: int = ROWS) -> float:
    """Rows a second from the upload to the last product visible."""
    data = product_file(rows)
    key = f"imports/{secrets.token_hex(16)}.bin"
    await opened.objects.put(key, data, content_type="application/octet-stream")
    begin = time.perf_counter()
    handler = partial(
        start_import,
        "0" * 24,
        file_name="products.csv",
        file_size=len(data),
        sha256="0" * 64,
        key=key,
        on_duplicate="skip",
    )
    outcome = await act(handler, opened, "StartImport")
    finish = commit_id_of(finish_id(outcome.object_id))
    seen = await opened.consistency.wait_for_commit(finish, seconds=300)
    assert seen is not None, "the import did not end"
    return rows / (time.perf_counter() - begin)


async def sample_import(url: str, rows: int = ROWS) -> float:
    """Rows a second of the specification's sample: pandas, one insert a row, no check of duplicates."""
    data = product_file(rows)
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        collection = client["benchmark_sample"].get_collection(
            "products", write_concern=WriteConcern("majority", j=True)
        )
        begin = time.perf_counter()
        frame = pd.read_csv(io.StringIO(data.decode()))
        for _, row in frame.iterrows():
            await collection.insert_one(
                {
                    "name": row["description"],
                    "price": float(str(row["price"]).replace("₹", "").replace(",", "")),
                    "images": [row["image"]],
                    "category": row["category"],
                }
            )
        return rows / (time.perf_counter() - begin)


async def measured(environment: dict[str, str], worker_pid: int) -> list[Figure]:
    async with services(environment) as opened:
        await visible(opened, seconds=0)  # the worker has started
        rest = (resident_mb(os.getpid()), resident_mb(worker_pid))
        gc.collect()
        gc.freeze()  # as an API process does once it has started
        found = await visible(opened)
        p50, p99 = found[len(found) // 2], found[int(len(found) * 0.99)]
        ours, sample = await importing(opened), await sample_import(environment["MONGODB_URL"])
        await grow_history(opened, HISTORY)
        rate, events = await rebuilding(opened)
        after = resident_mb(worker_pid)
    return [
        Figure(
            f"command to visible read model, {RATE} commands/s",
            f"p50 {p50:.1f} ms, p99 {p99:.1f} ms",
            "wanted: 15 and 60 ms",
        ),
        Figure(
            "rebuild of a projection, blue/green",
            f"{rate:,.0f} events/s over {events:,} events",
            "wanted: 15,000",
        ),
        Figure(
            f"import of {ROWS:,} rows, with events, claims, stock and read models",
            f"{ours:,.0f} rows/s",
            f"the specification's sample (pandas, insert_one): {sample:,.0f} rows/s",
        ),
        Figure(
            "memory at rest: services of an API process, worker without imaging",
            f"{rest[0]:.0f} MB, {rest[1]:.0f} MB",
            "wanted: 200 and 450 MB",
        ),
        Figure(
            f"memory of the worker after {events:,} events",
            f"{after:.0f} MB",
            f"{rest[1]:.0f} MB at rest",
        ),
    ]


def measure(directory: Path) -> list[Figure]:
    with servers(directory) as environment, worker(environment, directory) as pid:
        return uvloop.run(measured(environment, pid))


def table(figures: list[Figure]) -> str:
    rows = ["| what | measured | against |", "|---|---|---|"]
    return "\n".join([*rows, *(f"| {f.what} | {f.value} | {f.against} |" for f in figures)])


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory(prefix="kundan-bench-") as name:
        print(json.dumps([vars(f) for f in measure(Path(name))], indent=1, ensure_ascii=False))
