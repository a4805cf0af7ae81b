"""Whether a shop that has worked for an hour is the shop that it was: memory, tasks, connections, files.

    python -m benchmarks.soak [--seconds 3600] [--rate 50]

A whole shop (API, worker, gateway simulator, MongoDB, NATS, Valkey) is asked for `rate` commands a second
over HTTP, and reads beside them: registrations, orders, payments that are asked for and paid, cancelled
orders, changed products. Every ten seconds the processes are looked at. After a warm-up of a tenth of the
time a line is laid through each figure; it is flat when its slope, with 95 % certainty, could be none, or
when what it would come to in a day is less than a tenth of what is there.
"""

import argparse
import asyncio
import contextlib
import csv
import io
import itertools
import math
import random
import re
import secrets
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks import shop
from benchmarks.side_by_side.shops import ADMIN, program, rows, until
from embedded.ports import LOOPBACK, free_port

LOOK_SECONDS = 10.0
WARM_UP = 0.1
CUSTOMERS = 200
ADDRESS = {
    "street": "12 MG Road",
    "city": "Pune",
    "state": "Maharashtra",
    "zipCode": "411001",
    "country": "IN",
}
MOST_AT_ONCE = 64
WEIGHTS = (10, 5, 5, 1)
"""Who buys, cancels, keeps the catalogue, is new. A password costs a core a quarter of a second."""
COMMANDS_OF_A_DEED = (10 * 3 + 5 * 2 + 5 * 2 + 1 * 4) / sum(WEIGHTS)


@dataclass
class Shop:
    url: str
    gateway: str
    worker_metrics: str
    pids: dict[str, int]
    admin: str = ""
    products: list[str] = field(default_factory=list)
    customers: list[str] = field(default_factory=list)


@contextmanager
def running(directory: Path) -> Iterator[Shop]:
    """The processes, with a thousand imported products and two hundred customers."""
    with shop.servers(directory) as known:
        port, metrics = free_port(), free_port()
        gateway = f"http://{LOOPBACK}:{free_port()}"
        environment = known | ADMIN
        environment |= {
            "RAZORPAY_BASE_URL": gateway,
            "RAZORPAY_WEBHOOK_SECRET": secrets.token_hex(16),
            "WORKER_METRICS_PORT": str(metrics),
        }
        webhook = f"http://{LOOPBACK}:{port}/api/webhooks/razorpay"
        simulator = ["integrations.payments.simulator", "--port", gateway.rpartition(":")[2]]
        simulator += ["--webhook-url", webhook]
        api = ["uvicorn", "main:app", "--port", str(port), "--no-access-log", "--no-server-header"]
        told = environment | {"PUBLIC_BASE_URL": f"http://{LOOPBACK}:{port}"}
        with (
            program(simulator, environment, directory / "gateway.log") as gateway_pid,
            program(api, told, directory / "api.log") as api_pid,
            shop.worker(environment, directory) as worker_pid,
        ):
            pids = {"api": api_pid, "worker": worker_pid, "gateway": gateway_pid}
            url = f"http://{LOOPBACK}:{port}"
            opened = Shop(url, gateway, f"http://{LOOPBACK}:{metrics}/metrics", pids)
            with httpx.Client(base_url=url, timeout=60) as client:
                until(lambda: client.get("/health/ready").status_code == 200, "no shop")
                _fill(opened, client)
            yield opened


def _fill(opened: Shop, client: httpx.Client) -> None:
    body = {"email": ADMIN["ADMIN_EMAIL"], "password": ADMIN["ADMIN_PASSWORD"]}
    opened.admin = _token(client.post("/api/auth/login", json=body))
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows()[0]))
    table.writeheader()
    table.writerows(rows())
    file = {"file": ("products.csv", text.getvalue().encode(), "text/csv")}
    headers = {"Authorization": f"Bearer {opened.admin}"}
    client.post("/api/products/import", files=file, headers=headers).raise_for_status()

    def listed(page: int) -> list[str]:
        found = client.get("/api/products", params={"limit": 100, "page": page}).json()["data"]
        return [product["_id"] for product in found]

    until(lambda: len(listed(10)) == 100, "the products do not come")
    opened.products = [one for page in range(1, 11) for one in listed(page)]
    opened.customers = [_token(client.post("/api/auth/register", json=person())) for _ in range(20)]


def person() -> dict[str, str]:
    name = f"meera.{secrets.token_hex(8)}@example.com"
    return {"email": name, "password": "Gold-Necklace-77", "firstName": "Meera"}


def _token(answer: httpx.Response) -> str:
    answer.raise_for_status()
    return str(answer.json()["data"]["accessToken"])


# --- The load ------------------------------------------------------------------------------------


class Load:
    """One deed of a customer or of staff after another, `rate` commands a second."""

    def __init__(self, opened: Shop, client: httpx.AsyncClient, *, rate: float) -> None:
        self._shop = opened
        self._client = client
        self._rate = rate
        self._dice = random.Random(7)
        self.commands: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)

    async def go_on(self, seconds: float) -> None:
        begun = time.monotonic()
        places = asyncio.Semaphore(MOST_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for number in itertools.count():
                due = begun + number / self._rate * COMMANDS_OF_A_DEED
                # A shop that is late ends in time too.
                if max(due, time.monotonic()) - begun > seconds:
                    break
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                await places.acquire()
                task = group.create_task(self._deed())
                task.add_done_callback(lambda _: places.release())

    async def _deed(self) -> None:
        deeds = (self._buys, self._thinks_better_of_it, self._staff, self._comes)
        [deed] = self._dice.choices(deeds, WEIGHTS)
        try:
            await deed()
        except httpx.HTTPError as e:
            self.faults[type(e).__name__] += 1

    async def _comes(self) -> None:
        """Registers, looks around, reads what is theirs."""
        answer = await self._command("register", "POST", "/api/auth/register", person())
        token = answer["accessToken"]
        customers = self._shop.customers
        customers[self._dice.randrange(CUSTOMERS) % len(customers)] = token
        if len(customers) < CUSTOMERS:
            customers.append(token)
        await self._read("/api/products?limit=20")
        await self._read(f"/api/products/{self._dice.choice(self._shop.products)}")
        await self._read("/api/orders", token)
        await self._command("profile", "PUT", "/api/auth/profile", {"firstName": "Uma"}, token)
        leaving = await self._command("register", "POST", "/api/auth/register", person())
        await self._command("logout", "POST", "/api/auth/logout", None, leaving["accessToken"])

    async def _buys(self) -> None:
        """Orders, pays at the gateway, and comes back with its signature; the webhook comes too."""
        token, order = await self._orders()
        intent = await self._command(
            "intent", "POST", "/api/payments/create-intent", {"orderId": order["id"]}, token
        )
        asked = {"order_id": intent["razorpay"]["orderId"], "method": "upi", "outcome": "success"}
        signed = await self._client.post(f"{self._shop.gateway}/_sim/checkout", json=asked)
        body = {"paymentId": intent["paymentId"]} | signed.raise_for_status().json()
        await self._command("confirm", "POST", "/api/payments/confirm", body, token)
        await self._read(f"/api/orders/{order['id']}", token)

    async def _thinks_better_of_it(self) -> None:
        token, order = await self._orders()
        path = f"/api/orders/{order['id']}/cancel"
        await self._command("cancel", "POST", path, {"reason": "too late"}, token)
        await self._read("/api/products/search?q=necklace")

    async def _staff(self) -> None:
        product = self._dice.choice(self._shop.products)
        admin = self._shop.admin
        body = {"rank": self._dice.randrange(100)}
        path = f"/api/products/{product}/feature"
        await self._command("feature", "PUT", path, body, admin)
        await self._command("unfeature", "DELETE", path, None, admin)
        await self._read("/api/products/facets")

    async def _orders(self) -> tuple[str, dict[str, Any]]:
        token = self._dice.choice(self._shop.customers)
        items = [{"productId": self._dice.choice(self._shop.products), "quantity": 1}]
        body = {"items": items, "shippingAddress": ADDRESS}
        return token, await self._command("order", "POST", "/api/orders", body, token)

    async def _command(
        self, name: str, method: str, path: str, body: Any, token: str | None = None
    ) -> Any:
        begun = time.monotonic()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = await self._client.request(method, path, json=body, headers=headers)
        self.seconds[name].append(time.monotonic() - begun)
        if answer.is_error:
            self.faults[f"{name} {answer.status_code}"] += 1
        answer.raise_for_status()
        self.commands[name] += 1
        return answer.json()["data"]

    async def _read(self, path: str, token: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = await self._client.get(path, headers=headers)
        if answer.is_error:
            self.faults[f"read {answer.status_code}"] += 1


# --- The look at the processes -------------------------------------------------------------------


async def observed(
    opened: Shop, client: httpx.AsyncClient, *, stop: asyncio.Event
) -> AsyncIterator[tuple[float, dict[str, float]]]:
    """Seconds since the beginning, and each figure by name."""
    begun = time.monotonic()
    while not stop.is_set():
        yield time.monotonic() - begun, await look(opened, client)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await stop.wait()


async def look(opened: Shop, client: httpx.AsyncClient) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name in ("api", "worker"):
        pid = opened.pids[name]
        figures[f"{name}: resident memory, MB"] = shop.resident_mb(pid)
        figures[f"{name}: files and sockets"] = files(pid)
        figures[f"{name}: connections"] = sockets(pid)
        figures[f"{name}: threads"] = threads(pid)
    pages = {"api": f"{opened.url}/metrics", "worker": opened.worker_metrics}
    for name, page in pages.items():
        text = (await client.get(page)).text
        found = re.search(rf"^kundan_{name}_tasks (\S+)", text, re.MULTILINE)
        assert found is not None, f"{name} does not tell its tasks"
        figures[f"{name}: tasks"] = float(found[1])
    return figures


def files(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def sockets(pid: int) -> int:
    folder = Path(f"/proc/{pid}/fd")
    found = 0
    for entry in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += str(entry.readlink()).startswith("socket:")
    return found


def threads(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(x for x in status.splitlines() if x.startswith("Threads")).split()[1])


# --- What it comes to ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Trend:
    """A line through a figure, by least squares. per_hour and its 95 % interval (± wide)."""

    mean: float
    per_hour: float
    wide: float

    @property
    def is_flat(self) -> bool:
        return abs(self.per_hour) <= self.wide or 24 * abs(self.per_hour) < 0.1 * self.mean


def trend(times: Sequence[float], values: Sequence[float]) -> Trend:
    """Times in seconds. Neighbours are alike, so the interval counts each run of six as one."""
    hours = [t / 3600 for t in times]
    mean_t, mean_v = statistics.fmean(hours), statistics.fmean(values)
    spread = sum((t - mean_t) ** 2 for t in hours)
    both = zip(hours, values, strict=True)
    slope = sum((t - mean_t) * (v - mean_v) for t, v in both) / spread
    left = [v - mean_v - slope * (t - mean_t) for t, v in zip(hours, values, strict=True)]
    independent = max(3, len(values) // 6)
    error = math.sqrt(sum(r * r for r in left) / len(left) / spread * len(left) / independent)
    return Trend(mean_v, slope, 1.96 * error)


def table(times: Sequence[float], looks: Sequence[dict[str, float]]) -> str:
    lines = ["| figure | mean | change an hour | 95 % | flat |", "|---|---:|---:|---:|---|"]
    for name in looks[0]:
        found = trend(times, [one[name] for one in looks])
        flat = "yes" if found.is_flat else "**no**"
        lines.append(
            f"| {name} | {found.mean:,.1f} | {found.per_hour:+,.2f} | ± {found.wide:,.2f} | {flat} |"
        )
    return "\n".join(lines)


async def soak(opened: Shop, *, seconds: float, rate: float) -> str:
    limits = httpx.Limits(max_connections=MOST_AT_ONCE, max_keepalive_connections=MOST_AT_ONCE)
    stop = asyncio.Event()
    times: list[float] = []
    looks: list[dict[str, float]] = []
    async with (
        httpx.AsyncClient(base_url=opened.url, timeout=60, limits=limits) as client,
        httpx.AsyncClient(timeout=60) as watcher,
    ):
        load = Load(opened, client, rate=rate)

        async def watch() -> None:
            async for at, figures in observed(opened, watcher, stop=stop):
                times.append(at)
                looks.append(figures)
                told = {name: round(value, 1) for name, value in figures.items()}
                print(f"{at:6.0f} s", sum(load.commands.values()), told, file=sys.stderr)

        watching = asyncio.create_task(watch())
        await load.go_on(seconds)
        stop.set()
        await watching
    kept = [index for index, at in enumerate(times) if at >= WARM_UP * seconds]
    done = sum(load.commands.values())
    told = ", ".join(
        f"{count:,} {name} ({quantile(took, 0.5):.0f}, {quantile(took, 0.99):.0f})"
        for name, count in load.commands.most_common()
        if (took := load.seconds[name])
    )
    faults = ", ".join(f"{count} {name}" for name, count in load.faults.most_common()) or "none"
    return (
        f"{done:,} commands in {times[-1]:,.0f} s ({done / times[-1]:.1f}/s; p50, p99 in ms): {told}."
        f" Faults: {faults}.\n\n" + table([times[i] for i in kept], [looks[i] for i in kept])
    )


def quantile(seconds: Sequence[float], part: float) -> float:
    """In milliseconds."""
    return sorted(seconds)[int(len(seconds) * part)] * 1e3


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    options.add_argument("--seconds", type=float, default=3600.0)
    options.add_argument("--rate", type=float, default=50.0, help="commands a second")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="kundan-soak-") as folder, running(Path(folder)) as it:
        print(asyncio.run(soak(it, seconds=given.seconds, rate=given.rate)))


if __name__ == "__main__":
    main()
