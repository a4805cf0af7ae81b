"""Two builds of the shop side by side while people buy: the newer one has a read model of a higher version.

    python -m benchmarks.version_bump [--orders 2000] [--seconds 30]

The newer build is a copy of this checkout in which `orders` has the next version and its fold writes another
`currency`. The older build's API and worker run; people order and read. Then the newer worker starts, builds
its collection beside the one that serves, and moves it in; the newer API starts and the older worker ends.
All the while every read must be answered, and no field may stay as it was for longer than the build-up takes.
"""

import argparse
import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks import shop
from benchmarks.side_by_side.shops import ADMIN, until
from benchmarks.soak import ADDRESS, person
from embedded.ports import LOOPBACK, free_port

ROOT = Path(__file__).parents[1]
LEFT_OUT = (".git", ".venv", ".models", ".data", "node_modules", "*_cache", "__pycache__", "tests")
AT_ONCE = 8
SETTLE_SECONDS = 5.0
OTHER = "inr"


def newer(folder: Path) -> Path:
    """A copy of this checkout with the change."""
    copy = folder / "newer"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    file = copy / "projections" / "orders.py"
    text = file.read_text()
    raised = re.sub(
        r"(document=OrderDocument,\s+version=)(\d+)", lambda m: f"{m[1]}{int(m[2]) + 1}", text
    )
    changed = raised.replace('"currency": total.currency', f'"currency": "{OTHER}"')
    assert raised not in {text, changed}, "the fold is not where it was"
    file.write_text(changed)
    return copy


@contextmanager
def program(
    build: Path, module: list[str], environment: dict[str, str], log: Path
) -> Iterator[int]:
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *module],
            env=os.environ | environment,
            cwd=build,
            stdout=out,
            stderr=out,
        )
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait(timeout=60)


@contextmanager
def api(build: Path, environment: dict[str, str], log: Path) -> Iterator[str]:
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    options = ["--port", str(port), "--no-access-log"]
    with program(
        build, ["uvicorn", "main:app", *options], environment | {"PUBLIC_BASE_URL": url}, log
    ):
        with httpx.Client(base_url=url, timeout=30) as client:
            until(lambda: client.get("/health/ready").status_code == 200, "no shop")
        yield url


@dataclass
class Seen:
    answers: Counter[str] = field(default_factory=Counter)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    changed_at: float | None = None
    slowest_read: float = 0.0


class People:
    """Who orders, and reads what was ordered, at one of the addresses."""

    def __init__(self, urls: list[str], products: list[str], token: str) -> None:
        self.urls = urls
        self.seen = Seen()
        self.first_order = ""
        self.products = products
        self.headers = {"Authorization": f"Bearer {token}"}

    async def go_on(self, stop: asyncio.Event) -> None:
        async with httpx.AsyncClient(timeout=30, headers=self.headers) as client:
            await asyncio.gather(*(self._one(client, stop, n) for n in range(AT_ONCE)))

    async def _one(self, client: httpx.AsyncClient, stop: asyncio.Event, number: int) -> None:
        turn = number
        while not stop.is_set():
            url = self.urls[turn % len(self.urls)]
            turn += 1
            order = await self.order(client, url, self.products[turn % len(self.products)])
            if order is not None:
                await self._read(client, url, f"/api/orders/{order}")
            await self._read(client, url, "/api/orders?limit=20")
            shown = await self._read(client, url, f"/api/orders/{self.first_order}")
            if self.seen.changed_at is None and shown.get("currency") == OTHER:
                self.seen.changed_at = time.monotonic()
                self.seen.changed.set()

    async def order(self, client: httpx.AsyncClient, url: str, product: str) -> str | None:
        body = {"items": [{"productId": product, "quantity": 1}], "shippingAddress": ADDRESS}
        answer = await client.post(f"{url}/api/orders", json=body)
        self.seen.answers[f"order {answer.status_code}"] += 1
        if answer.is_error or answer.status_code == 202:
            return None
        return str(answer.json()["data"]["id"])

    async def _read(self, client: httpx.AsyncClient, url: str, path: str) -> dict[str, Any]:
        begun = time.monotonic()
        answer = await client.get(f"{url}{path}")
        self.seen.slowest_read = max(self.seen.slowest_read, time.monotonic() - begun)
        self.seen.answers[f"read {answer.status_code}"] += 1
        data = answer.json().get("data") if answer.status_code == 200 else None
        return data if isinstance(data, dict) else {}


def _signed_in(client: httpx.Client) -> tuple[str, list[str]]:
    """A customer's token, and twenty products that are not counted."""
    body = {"email": ADMIN["ADMIN_EMAIL"], "password": ADMIN["ADMIN_PASSWORD"]}
    answer = client.post("/api/auth/login", json=body).raise_for_status()
    admin = {"Authorization": f"Bearer {answer.json()['data']['accessToken']}"}
    products = []
    for number in range(20):
        told = {"name": f"Haar {number}", "price": 1000 + number, "category": "Gold"}
        made = client.post("/api/products", json=told, headers=admin).raise_for_status()
        products.append(str(made.json()["data"]["id"]))
    answer = client.post("/api/auth/register", json=person()).raise_for_status()
    return str(answer.json()["data"]["accessToken"]), products


async def measure(folder: Path, *, orders: int, seconds: float) -> str:
    build = await asyncio.to_thread(newer, folder)
    with ExitStack() as stack:
        environment = stack.enter_context(shop.servers(folder)) | ADMIN
        older = ExitStack()
        stack.push(older)
        older.enter_context(program(ROOT, ["worker"], environment, folder / "older-worker.log"))
        url = stack.enter_context(api(ROOT, environment, folder / "older-api.log"))
        with httpx.Client(base_url=url, timeout=30) as client:
            token, products = await asyncio.to_thread(_signed_in, client)
        people = People([url], products, token)
        await _age(people, url, orders)
        stop = asyncio.Event()
        buying = asyncio.create_task(people.go_on(stop))
        await asyncio.sleep(SETTLE_SECONDS)
        begun = time.monotonic()
        worker = program(build, ["worker"], environment, folder / "newer-worker.log")
        await asyncio.to_thread(stack.enter_context, worker)
        newer_api = api(build, environment, folder / "newer-api.log")
        people.urls.append(await asyncio.to_thread(stack.enter_context, newer_api))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds * 4):
                await people.seen.changed.wait()
        await asyncio.to_thread(older.close)  # the older worker goes; its API stays a while
        await asyncio.sleep(seconds)
        stop.set()
        await buying
    return table(people.seen, begun=begun, orders=orders)


async def _age(people: People, url: str, orders: int) -> None:
    headers = people.headers
    async with httpx.AsyncClient(timeout=30, headers=headers) as client:
        people.first_order = await people.order(client, url, people.products[0]) or ""
        places = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> None:
            async with places:
                product = people.products[number % len(people.products)]
                await people.order(client, url, product)

        await asyncio.gather(*(one(number) for number in range(orders)))
    people.seen.answers.clear()


def table(seen: Seen, *, begun: float, orders: int) -> str:
    told = ", ".join(f"{count:,} {name}" for name, count in sorted(seen.answers.items()))
    failed = sum(
        c for name, c in seen.answers.items() if name.startswith("read") and name[-3:] != "200"
    )
    broken = sum(c for name, c in seen.answers.items() if name[-3:] >= "500")
    took = "never" if seen.changed_at is None else f"{seen.changed_at - begun:.1f} s"
    return (
        f"| what | measured |\n|---|---|\n"
        f"| answers while both builds ran | {told} |\n"
        f"| reads that failed | {failed} |\n"
        f"| answers of 500 and above | {broken} |\n"
        f"| slowest read | {seen.slowest_read * 1e3:,.0f} ms |\n"
        f"| from the start of the newer worker until an order of {orders:,} before shows the new field"
        f" | {took} |"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--orders", type=int, default=2_000, help="placed before")
    options.add_argument("--seconds", type=float, default=30.0, help="of buying after the move")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="kundan-bump-") as folder:
        print(asyncio.run(measure(Path(folder), orders=given.orders, seconds=given.seconds)))


if __name__ == "__main__":
    main()
