"""Appending: Kundan against a raw insert, and against the `eventsourcing` library's own stores.

Every store gets the same event (an order of three lines, about 700 bytes) and says how durable an
acknowledgement is. All run on this machine, in one run, so that the ratio means something.
"""

import asyncio
import json
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from eventsourcing.persistence import StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore
from pymongo import AsyncMongoClient, WriteConcern

from domain.kernel import AggregateRoot, InitialEvent
from domain.ports.events import CommandContext
from integrations.event_store import Ledger, MongoEventStore, SubjectKeys

CLIENTS = (1, 16, 64)
SECONDS = 4.0
LINES = [
    {"product_id": "65f1c0ffee0000000000000" + str(n), "quantity": n, "price": 29_999_900 + n,
     "product_name": f"Diamond Solitaire Ring {n}", "image": f"https://cdn.example.com/{n}.jpg"}
    for n in (1, 2, 3)
]  # fmt: skip


class BenchmarkPlaced(InitialEvent):
    TOPIC: ClassVar[str] = "BenchmarkPlaced"
    lines: list[dict[str, Any]]
    total: int
    currency: str


class Benchmark(AggregateRoot):
    TOPIC: ClassVar[str] = "Benchmark"
    CATEGORY: ClassVar[str] = "benchmark"


def event() -> BenchmarkPlaced:
    made = Benchmark.start(
        secrets.token_hex(12), BenchmarkPlaced, lines=LINES, total=89_999_706, currency="INR"
    )
    (placed,) = made.collect_events()
    assert isinstance(placed, BenchmarkPlaced)
    return placed


@dataclass(frozen=True)
class Result:
    store: str
    clients: int
    processes: int
    per_second: float
    p50_ms: float
    p99_ms: float
    durability: str


def summary(
    store: str, clients: int, latencies: list[float], seconds: float, durability: str
) -> Result:
    latencies.sort()
    return Result(
        store,
        clients,
        1,
        len(latencies) / seconds,
        latencies[len(latencies) // 2] * 1e3,
        latencies[int(len(latencies) * 0.99)] * 1e3,
        durability,
    )


async def drive(
    one: Callable[[], Awaitable[None]], clients: int, seconds: float
) -> tuple[list[float], float]:
    """Latencies in seconds of as many calls as fit, and how long it took."""
    latencies: list[float] = []
    started = time.perf_counter()
    until = started + seconds

    async def client() -> None:
        while (begin := time.perf_counter()) < until:
            await one()
            latencies.append(time.perf_counter() - begin)

    await asyncio.gather(*(client() for _ in range(clients)))
    return latencies, time.perf_counter() - started


CONTEXT = CommandContext(command="PlaceOrder", actor="user-benchmark", correlation="benchmark")
MAJORITY = "majority + journal"


async def ours(url: str, clients: int, seconds: float) -> Result:
    async with AsyncMongoClient[dict[str, Any]](url, tz_aware=True) as client:
        database = client["benchmark"]
        await Ledger(database).prepare()
        store = MongoEventStore(database, SubjectKeys(database, b"k" * 32))
        await store.prepare()

        async def one() -> None:
            await store.append([event()], CONTEXT)

        await drive(one, clients, 0.5)
        result = summary("Kundan", clients, *await drive(one, clients, seconds), MAJORITY)
        await store.close()
        return result


async def raw(url: str, clients: int, seconds: float) -> Result:
    """`insert_many` of as many bare documents as there are clients: no group commit to be waited for."""
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        collection = client["benchmark_raw"].get_collection(
            "events", write_concern=WriteConcern("majority", j=True)
        )
        await collection.create_index([("stream", 1), ("version", 1)], unique=True)

        async def one() -> None:
            documents = [
                {
                    "_id": secrets.token_hex(16),
                    "stream": secrets.token_hex(12),
                    "version": 1,
                    "type": "BenchmarkPlaced",
                    "data": {"lines": LINES, "total": 89_999_706, "currency": "INR"},
                }
                for _ in range(clients)
            ]
            await collection.insert_many(documents, ordered=False)

        latencies, took = await drive(one, 1, seconds)
        found = summary("raw insert_many", clients, latencies, took, MAJORITY)
        return Result(
            **{**vars(found), "clients": clients, "per_second": found.per_second * clients}
        )


def synchronous(name: str, recorder: Any, clients: int, seconds: float, durability: str) -> Result:
    """One of the library's own recorders, driven by as many threads as there are clients."""
    state = json.dumps({"lines": LINES, "total": 89_999_706, "currency": "INR"}).encode()
    latencies: list[float] = []
    started = time.perf_counter()
    until = started + seconds

    def client() -> None:
        while (begin := time.perf_counter()) < until:
            recorder.insert_events([StoredEvent(uuid4(), 1, "BenchmarkPlaced", state)])
            latencies.append(time.perf_counter() - begin)

    with ThreadPoolExecutor(clients) as pool:
        for future in [pool.submit(client) for _ in range(clients)]:
            future.result()
    return summary(name, clients, latencies, time.perf_counter() - started, durability)


def sqlite(directory: Path, clients: int, seconds: float) -> Result:
    datastore = SQLiteDatastore(str(directory / f"events-{clients}.db"), pool_size=clients)
    recorder = SQLiteApplicationRecorder(datastore)
    recorder.create_table()
    try:
        return synchronous(
            "eventsourcing, SQLite", recorder, clients, seconds, "WAL, synchronous=FULL"
        )
    finally:
        datastore.close()


@contextmanager
def postgres_server(directory: Path) -> Iterator[int | None]:
    """A PostgreSQL of our own on a free port, where one is installed; its port, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        yield None
        return
    binaries = found[-1].parent
    user = "postgres" if os.geteuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="kundan-postgres-"))
    if user is not None:
        os.chown(home, pwd.getpwnam(user).pw_uid, -1)
    port = free_port()
    run: dict[str, Any] = {
        "user": user,
        "cwd": home,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
    }
    subprocess.run(
        [f"{binaries}/initdb", "-D", f"{home}/data", "-A", "trust", "-U", "kundan"],
        check=True,
        **run,
    )
    flags = f"-p {port} -k {home} -h 127.0.0.1 -c max_connections=100"
    control = [f"{binaries}/pg_ctl", "-D", f"{home}/data", "-o", flags, "-w"]
    subprocess.run([*control, "start"], check=True, **run)
    try:
        yield port
    finally:
        subprocess.run([*control, "-m", "fast", "stop"], check=True, **run)
        shutil.rmtree(home)
        directory.mkdir(exist_ok=True)


def postgres(port: int, clients: int, seconds: float) -> Result:
    from eventsourcing.postgres import (  # noqa: PLC0415 - needs psycopg, a development package
        PostgresApplicationRecorder,
        PostgresDatastore,
    )

    datastore = PostgresDatastore(
        dbname="postgres", host="127.0.0.1", port=port, user="kundan", password="none",
        pool_size=min(clients, 64), max_overflow=0,
    )  # fmt: skip
    recorder = PostgresApplicationRecorder(datastore, events_table_name=f"events_{clients}")
    recorder.create_table()
    try:
        return synchronous(
            "eventsourcing, PostgreSQL", recorder, clients, seconds, "synchronous_commit=on"
        )
    finally:
        datastore.close()


def free_port() -> int:
    import socket  # noqa: PLC0415

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def several_processes(url: str, processes: int, clients: int, seconds: float) -> Result:
    """The same appends from several processes at once: `python -m benchmarks.appending URL …`."""
    command = [sys.executable, "-m", "benchmarks.appending", url]
    command += [str(clients // processes), str(seconds)]
    started = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    parts = [json.loads(process.communicate(timeout=seconds + 60)[0]) for process in started]
    return Result(
        "Kundan",
        clients,
        processes,
        sum(part["per_second"] for part in parts),
        max(part["p50_ms"] for part in parts),
        max(part["p99_ms"] for part in parts),
        MAJORITY,
    )


def measure(url: str, directory: Path, *, seconds: float = SECONDS) -> list[Result]:
    """All stores at all numbers of clients."""
    results = []
    for clients in CLIENTS:
        results.append(asyncio.run(raw(url, clients, seconds)))
        results.append(asyncio.run(ours(url, clients, seconds)))
        results.append(sqlite(directory, clients, seconds))
    results.append(several_processes(url, 4, 64, seconds))
    with postgres_server(directory) as port:
        if port is not None:
            results += [postgres(port, clients, seconds) for clients in CLIENTS]
    return results


def table(results: list[Result]) -> str:
    """Markdown. The last column compares with the raw insert at the same number of clients."""
    base = {r.clients: r.per_second for r in results if r.store == "raw insert_many"}
    rows = [
        "| store | clients | processes | events/s | p50 ms | p99 ms | of raw | acknowledged means |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    rows += [
        f"| {r.store} | {r.clients} | {r.processes} | {r.per_second:,.0f} | {r.p50_ms:.1f} | "
        f"{r.p99_ms:.1f} | {r.per_second / base[r.clients]:.2f} | {r.durability} |"
        for r in sorted(results, key=lambda r: (r.clients, r.processes, r.store))
    ]
    return "\n".join(rows)


if __name__ == "__main__":
    part = asyncio.run(ours(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
    print(json.dumps(vars(part)))
