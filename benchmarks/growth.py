"""What a command and a read cost in a shop of a thousand products, of ten and of a hundred thousand.

    python -m benchmarks.growth [SIZE ...]        without sizes: 1000 10000 100000

The shop is aged with commits in the form that an import makes them (200 rows, three events and three streams
each), appended through the real store, sealed, published and folded by a real worker. Then one client asks
over HTTP, one request after the other; reads name a state, so that none is served from what lies ready.
"""

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from benchmarks import shop
from benchmarks.side_by_side.shops import ADMIN, served, until
from dependencies.reading import ReadingServices
from domain.catalogue import Product
from domain.claims import Claim
from domain.import_rules.availability import StockStatus
from domain.import_rules.kinds import Category, ProductType, TryOnRegion
from domain.import_rules.product import ProductFields
from domain.ports.events import CommandContext
from domain.stock import Stock
from embedded.ports import LOOPBACK, free_port
from integrations.event_store import Ledger
from integrations.event_store.verify import verify

SIZES = (1_000, 10_000, 100_000)
CHUNK = 200
PATIENCE_SECONDS = 60.0
SLOWEST = 500.0
"""Events a second that a worker folds at the least."""
ASKED = 300
HOT_ORDERS = 2_000
IMPORT = "65f000000000000000000001"
CONTEXT = CommandContext(command="ImportRows", actor="system", correlation="growth")
ADDRESS = {
    "street": "12 MG Road",
    "city": "Pune",
    "state": "Maharashtra",
    "zipCode": "411001",
    "country": "IN",
}
WORDS = (
    "Gold",
    "Pearl",
    "Ruby",
    "Temple",
    "Kundan",
    "Polki",
    "Meena",
    "Floral",
    "Antique",
    "Bridal",
)
KINDS = ((ProductType.NECKLACE, TryOnRegion.NECK), (ProductType.RING, TryOnRegion.FINGER))
STATE = {"Consistency-Token": "p1"}
MILLISECONDS = 1e3


def product_id(number: int) -> str:
    return f"65f1{number:020x}"


def row(number: int, dice: random.Random) -> list[Any]:
    """What an import records for one new product."""
    kind, region = dice.choice(KINDS)
    name = f"{dice.choice(WORDS)} {dice.choice(WORDS)} {kind.value.title()} {number}"
    details = ProductFields(
        name=name,
        description=f"{name}, made by hand",
        price_minor=dice.randrange(100_000, 50_000_000, 100),
        availability=StockStatus.IN_STOCK,
        images=(f"https://img.example.com/{number}.jpg",),
        category=dice.choice(list(Category)),
        product_type=kind,
        try_on_region=region,
    )
    made = Product.take_in(product_id(number), details, import_id=IMPORT, row=number + 2)
    return [
        made,
        Stock.open(product_id(number), on_hand=None),
        Claim.take(f"{number:048x}", owner=product_id(number), kind="product"),
    ]


async def age(opened: ReadingServices, size: int) -> None:
    dice = random.Random(7)
    for start in range(0, size, CHUNK * 16):
        chunks = (
            [one for n in range(first, min(first + CHUNK, size)) for one in row(n, dice)]
            for first in range(start, min(start + CHUNK * 16, size), CHUNK)
        )
        events = ([e for one in chunk for e in one.pending_events] for chunk in chunks)
        await asyncio.gather(*(opened.store.append(some, CONTEXT) for some in events))
    end = size * 3
    patience = PATIENCE_SECONDS + end / SLOWEST
    assert await opened.consistency.wait_for_position(end, seconds=patience), "not folded in time"


def timed(ask: Callable[[int], httpx.Response], *, times: int = ASKED) -> float:
    """The median in milliseconds."""
    took = []
    for number in range(times):
        begin = time.perf_counter()
        ask(number).raise_for_status()
        took.append((time.perf_counter() - begin) * MILLISECONDS)
    return median(took)


def asked(client: httpx.Client, size: int) -> Iterator[tuple[str, float]]:
    dice = random.Random(11)
    body = {
        "email": f"meera.{size}@example.com",
        "password": "Gold-Necklace-77",
        "firstName": "Meera",
    }
    token = client.post("/api/auth/register", json=body).json()["data"]["accessToken"]
    signed_in = {"Authorization": f"Bearer {token}"}

    def order(number: int) -> httpx.Response:
        items = [{"productId": product_id(number), "quantity": 1}]
        told = {"items": items, "shippingAddress": ADDRESS}
        return client.post("/api/orders", json=told, headers=signed_in)

    def read(path: str) -> Callable[[int], httpx.Response]:
        return lambda number: client.get(path.format(number % 20 + 1), headers=STATE)

    timed(lambda _: order(dice.randrange(size)), times=30)  # warm
    yield "order of any product", timed(lambda _: order(dice.randrange(size)))
    few = [dice.randrange(size) for _ in range(200)]
    for number in few:
        order(number)
    yield "order of what sells", timed(lambda _: order(dice.choice(few)))
    for _ in range(HOT_ORDERS):
        order(0)
    yield f"order of a product with {HOT_ORDERS:,} orders", timed(lambda _: order(0))
    yield (
        "product page",
        timed(
            lambda _: client.get(f"/api/products/{product_id(dice.randrange(size))}", headers=STATE)
        ),
    )
    yield "list of 20", timed(read("/api/products?page={}"))
    yield "list by price", timed(read("/api/products?sort=price&page={}"))
    yield "category", timed(read("/api/products/category/gold?page={}"))
    yield (
        "search: gold necklace",
        timed(read("/api/products/search?q=gold+necklace&page=1"), times=50),
    )
    yield "search: neklace", timed(read("/api/products/search?q=neklace"), times=50)


async def verified(opened: ReadingServices) -> float:
    """Events a second."""
    begin = time.perf_counter()
    findings, head = await verify(Ledger(opened.read_models))
    assert not findings, findings[:3]
    return head.position / (time.perf_counter() - begin)


def measure(size: int, directory: Path) -> dict[str, float]:
    """Milliseconds by what was asked; events a second where it says so."""
    with shop.servers(directory) as known:
        environment = known | ADMIN
        with shop.worker(environment, directory):

            async def prepare() -> None:
                async with shop.services(environment) as opened:
                    await age(opened, size)

            begin = time.perf_counter()
            asyncio.run(prepare())
            folded = size * 3 / (time.perf_counter() - begin)
            begin = time.perf_counter()
            with (
                served("main:app", environment, directory / "api.log") as (url, _),
                httpx.Client(base_url=url, timeout=60) as client,
            ):
                until(lambda: client.get("/health/ready").status_code == 200, "no API")
                start = (time.perf_counter() - begin) * MILLISECONDS
                found = {"start of the API": start} | dict(asked(client, size))

            found["doctor"] = diagnosed(environment)

            async def prove() -> float:
                async with shop.services(environment) as opened:
                    return await verified(opened)

            found |= {
                "appended, sealed, published and folded, events/s": folded,
                "verified, events/s": asyncio.run(prove()),
            }
        return {"start of a worker": started(environment, directory)} | found


def diagnosed(environment: dict[str, str]) -> float:
    """Milliseconds of `cli doctor`, with the start of its process."""
    begin = time.perf_counter()
    command = [sys.executable, "-m", "cli", "doctor"]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, check=False)
    assert done.returncode in {0, 1}, done.stderr.decode()[-500:]
    return (time.perf_counter() - begin) * MILLISECONDS


def started(environment: dict[str, str], directory: Path) -> float:
    """Milliseconds until a worker of a shop of this age works: it then serves its figures."""
    port = free_port()
    begin = time.perf_counter()
    page = f"http://{LOOPBACK}:{port}/metrics"
    with shop.worker(environment | {"WORKER_METRICS_PORT": str(port)}, directory):
        until(lambda: httpx.get(page).status_code == 200, "the worker does not work")
        return (time.perf_counter() - begin) * MILLISECONDS


def table(found: dict[int, dict[str, float]]) -> str:
    sizes = list(found)
    lines = [
        "| ms, median | " + " | ".join(f"{size:,}" for size in sizes) + " | largest to smallest |",
        "|---|" + "---:|" * (len(sizes) + 1),
    ]
    for name in found[sizes[0]]:
        figures = [found[size][name] for size in sizes]
        shown = " | ".join(f"{figure:,.1f}" for figure in figures)
        lines.append(f"| {name} | {shown} | {figures[-1] / figures[0]:.2f} |")
    return "\n".join(lines)


def main(sizes: list[int]) -> None:
    found = {}
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="kundan-growth-") as folder:
            found[size] = measure(size, Path(folder))
        print(size, {name: round(figure, 1) for name, figure in found[size].items()}, flush=True)
    print(table(found))


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or list(SIZES))
