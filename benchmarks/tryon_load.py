"""How the API answers while photographs come in: reads and small writes at a steady rate."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx

from benchmarks.phone import Phone

RATE = 50
"""Requests a second; each is sent when it is due, whether or not the last one was answered."""
WRITES = 10
"""Every tenth is one."""
UPLOADS = 2
"""A second."""


@dataclass(slots=True)
class Load:
    """Milliseconds of each request from when it was due, sorted."""

    reads: list[float] = field(default_factory=list)
    writes: list[float] = field(default_factory=list)
    uploads: list[float] = field(default_factory=list)


def measure(
    api: str, people: list[str], product_ids: list[str], phone: Phone, *, seconds: float
) -> tuple[Load, Load]:
    """Idle, and with two uploads a second. people: their `Authorization`; who writes twice at the same
    time would meet themselves.
    """
    photographs = [phone.photograph() for _ in range(int(UPLOADS * seconds))]
    return asyncio.run(_measure(api, _Asking(people, product_ids), photographs, seconds))


@dataclass(frozen=True)
class _Asking:
    """Who asks, for what."""

    people: list[str]
    product_ids: list[str]

    def as_person(self, number: int) -> dict[str, str]:
        return {"Authorization": self.people[number % len(self.people)]}

    def product(self, number: int) -> str:
        return self.product_ids[number % len(self.product_ids)]


async def _measure(
    api: str, asking: _Asking, photographs: list[bytes], seconds: float
) -> tuple[Load, Load]:
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    async with httpx.AsyncClient(base_url=api, timeout=60, limits=limits) as client:
        await _phase(client, asking, [], seconds=2)  # connections are opened
        idle = await _phase(client, asking, [], seconds=seconds)
        busy = await _phase(client, asking, photographs, seconds=seconds)
    return idle, busy


async def _phase(
    client: httpx.AsyncClient, asking: _Asking, photographs: list[bytes], *, seconds: float
) -> Load:
    load = Load()

    async def small(number: int, due: float) -> None:
        request, times = _request(client, asking, number, load)
        await _timed(request, due, times)

    async def photograph(number: int, due: float) -> None:
        await _timed(
            lambda: _upload(client, photographs[number], asking.as_person(number)),
            due,
            load.uploads,
        )

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_steadily(small, int(RATE * seconds), RATE))
        tasks.create_task(_steadily(photograph, len(photographs), UPLOADS))
    for times in (load.reads, load.writes, load.uploads):
        times.sort()
    return load


async def _steadily(send: Callable[[int, float], Awaitable[None]], count: int, rate: float) -> None:
    begin = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(count):
            due = begin + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.create_task(_as_coroutine(send(number, due)))


async def _as_coroutine(awaitable: Awaitable[None]) -> None:
    await awaitable


Request = Callable[[], Awaitable[httpx.Response]]


def _request(
    client: httpx.AsyncClient, asking: _Asking, number: int, load: Load
) -> tuple[Request, list[float]]:
    """Pages of products and single ones by turns, and every so often a write."""
    if number % WRITES == 0:
        person = asking.as_person(number // WRITES)
        body = {"firstName": f"Meera {number}"}
        return lambda: client.put("/api/auth/profile", json=body, headers=person), load.writes
    if number % 2:
        return lambda: client.get("/api/products", params={"limit": 20}), load.reads
    one = asking.product(number // 2)
    return lambda: client.get(f"/api/products/{one}"), load.reads


async def _upload(
    client: httpx.AsyncClient, photo: bytes, person: dict[str, str]
) -> httpx.Response:
    return await client.post(
        "/api/images/upload",
        files={"file": ("me.jpg", photo, "image/jpeg")},
        data={"consent": "true"},
        headers=person,
    )


async def _timed(request: Request, due: float, times: list[float]) -> None:
    answer = await request()
    assert answer.is_success, answer.text
    times.append((time.perf_counter() - due) * 1e3)
