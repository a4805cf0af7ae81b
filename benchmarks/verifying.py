"""Proving history: events a second of `audit verify`, without and with JetStream, by the size of blocks."""

import asyncio
import secrets
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nats
from pymongo import AsyncMongoClient

from benchmarks.appending import CONTEXT, event
from embedded.servers import Mongod, NatsServer
from integrations.event_store.ledger import Ledger, make_block
from integrations.event_store.relay import Relay
from integrations.event_store.store import make_commit
from integrations.event_store.verify import verify

EVENTS = 20_000
BLOCKS_OF = (1, 4, 100)
"""Commits in a block. One is a shop with one order at a time, for ever."""
INSERTED_AT_ONCE = 500


@dataclass(frozen=True)
class Verified:
    block_commits: int
    events: int
    per_second: float
    with_jetstream: float


async def fill(ledger: Ledger, events: int, block_commits: int) -> None:
    """Sealed and marked history of one event a commit."""
    await ledger.prepare()
    await ledger.commits.create_index("position", name="position", unique=True,
        partialFilterExpression={"position": {"$type": "number"}},
    )  # fmt: skip
    now, last = datetime.now(UTC), None
    blocks: list[dict[str, Any]] = []
    commits: list[dict[str, Any]] = []
    for first in range(1, events + 1, block_commits):
        ours = [
            make_commit([event()], CONTEXT, answer=None, keys={}, now=now)
            for _ in range(block_commits)
        ]
        for position, commit in enumerate(ours, first):
            commit["position"] = position
            del commit["pending"]
        last = make_block(last, ours, at=now)
        blocks.append(last)
        commits += ours
        if len(commits) >= INSERTED_AT_ONCE or first + block_commits > events:
            await ledger.commits.insert_many(commits, ordered=False)
            await ledger.blocks.insert_many(blocks)
            commits, blocks = [], []


async def timed(ledger: Ledger, relay: Relay | None) -> float:
    """Events a second."""
    begin = time.perf_counter()
    findings, head = await verify(ledger, relay=relay)
    assert not findings, findings[:3]
    return head.position / (time.perf_counter() - begin)


async def measured(mongodb_url: str, nats_url: str) -> list[Verified]:
    results = []
    broker = await nats.connect(nats_url)
    async with AsyncMongoClient[dict[str, Any]](mongodb_url, tz_aware=True) as client:
        for block_commits in BLOCKS_OF:
            name = f"verify_{secrets.token_hex(4)}"
            ledger = Ledger(client[name])
            relay = Relay(broker, ledger, stream=name.upper())
            await relay.ensure_stream()
            await fill(ledger, EVENTS, block_commits)
            await relay.catch_up()
            alone = await timed(ledger, None)
            results.append(Verified(block_commits, EVENTS, alone, await timed(ledger, relay)))
            await client.drop_database(name)
    await broker.close()
    return results


def measure(directory: Path) -> list[Verified]:
    with Mongod(directory / "mongodb") as mongod, NatsServer(directory / "nats") as broker:
        return asyncio.run(measured(mongod.url, broker.url))


def table(results: list[Verified]) -> str:
    rows = [
        "| commits a block | events | events/s | events/s with JetStream |",
        "|---:|---:|---:|---:|",
    ]
    rows += [
        f"| {r.block_commits} | {r.events:,} | {r.per_second:,.0f} | {r.with_jetstream:,.0f} |"
        for r in results
    ]
    return "\n".join(rows)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="kundan-bench-") as found:
        print(table(measure(Path(found))))
