"""The loop that seals what is pending and hands it to the relay. Any number may run."""

import asyncio
import contextlib
import random
import secrets
from collections.abc import Callable
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram
from pymongo import ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError, PyMongoError

from domain.errors import Unavailable
from integrations.event_store.ledger import Ledger, Sealed
from integrations.event_store.relay import Relay

POLL_SECONDS = 0.25
"""Only for a word that was lost: a group of commits wakes us at once."""
LEASE_SECONDS = 2.0
HANDOVER = 8
"""Blocks that wait for the relay; beyond them it reads the ledger itself."""
COMPARE_SECONDS = 1.0
"""Without a block for so long the relay looks at JetStream itself."""
MANY_COMMITS = 20
"""A block of so many says that there are more. After a smaller one the next word is waited for."""
PUBLISH_EVERY_SECONDS = 0.01
"""While blocks keep coming: the broker syncs to disk at each, beside the database. Projections have them
already; a policy hears a hundredth of a second later.
"""
MAX_PAUSE_SECONDS = 5.0

log = structlog.get_logger("sequencer")

SEALED = Counter("kundan_ledger_events_total", "Events given a position by this process")
BLOCK_SIZE = Histogram(
    "kundan_ledger_block_commits",
    "Commits in a block",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
)
POSITION = Gauge("kundan_ledger_position", "Last position that this process sealed")
PUBLISHED = Gauge("kundan_relay_position", "Last position known to be in JetStream")


def unheard(_sealed: Sealed) -> None:
    """Nobody listens."""


class Lease:
    """Says who works, on the database's clock. It saves work; nobody's safety depends on it."""

    def __init__(
        self,
        database: AsyncDatabase[dict[str, Any]],
        name: str = "sequencer",
        *,
        seconds: float = LEASE_SECONDS,
    ) -> None:
        self._leases = database["leases"]
        self._name = name
        self._seconds = seconds
        self._owner = secrets.token_hex(8)
        self._until = 0.0
        self._renewal: asyncio.Task[None] | None = None

    async def held(self) -> bool:
        """Take it when it is free. False while another process holds it.

        It is renewed beside the work, when half of it has passed: nobody waits for that.
        """
        left = self._until - asyncio.get_running_loop().time()
        if left <= 0:
            return await self._take()
        if left < self._seconds / 2 and (self._renewal is None or self._renewal.done()):
            self._renewal = asyncio.create_task(self._renew(), name="lease")
        return True

    async def _renew(self) -> None:
        try:
            await self._take()
        except PyMongoError as e:  # it runs out, and whoever then takes it meets the same
            log.warning("the lease could not be renewed", reason=str(e))

    async def _take(self) -> bool:
        now = asyncio.get_running_loop().time()
        free = {"$or": [{"$eq": ["$owner", self._owner]}, {"$lt": ["$until", "$$NOW"]}]}
        milliseconds = int(self._seconds * 1000)
        until = {"$dateAdd": {"startDate": "$$NOW", "unit": "millisecond", "amount": milliseconds}}
        taken = {
            "owner": {"$cond": [free, self._owner, "$owner"]},
            "until": {"$cond": [free, until, "$until"]},
        }
        try:
            lease = await self._leases.find_one_and_update(
                {"_id": self._name},
                [{"$set": taken}],
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:  # two made the document at once
            return False
        if lease is None or lease["owner"] != self._owner:
            self._until = 0.0
            return False
        self._until = now + self._seconds
        return True

    async def release(self) -> None:
        """Let another go on at once. Without an answer it runs out by itself."""
        if self._renewal is not None:
            await asyncio.wait({self._renewal})
        self._until = 0.0
        with contextlib.suppress(PyMongoError):
            await self._leases.delete_one({"_id": self._name, "owner": self._owner})


class Sequencer:
    def __init__(
        self,
        ledger: Ledger,
        relay: Relay,
        *,
        lease: Lease | None = None,
        sealed: Callable[[Sealed], None] = unheard,
    ) -> None:
        """`sealed` hears of each block of ours once a majority has it, before JetStream does."""
        self._ledger = ledger
        self._relay = relay
        self._lease = lease
        self._sealed = sealed
        self._work = asyncio.Event()
        self._blocks: asyncio.Queue[Sealed] = asyncio.Queue(HANDOVER)
        self._took_blocks_at = 0.0

    def wake(self) -> None:
        """There is something to place."""
        self._work.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Seal and publish until `stop`. Raises LedgerDivergedError: an operator must choose."""
        await self._relay.check_not_ahead()
        relaying = asyncio.create_task(self._relay_blocks(), name="relay")
        sealing = asyncio.create_task(self._seal_blocks(stop), name="sequencer")
        try:
            await asyncio.wait({relaying, sealing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            relaying.cancel()
            sealing.cancel()
            await asyncio.wait({relaying, sealing})
            if self._lease is not None:
                await self._lease.release()
        for task in (relaying, sealing):
            if not task.cancelled():
                task.result()

    async def _seal_blocks(self, stop: asyncio.Event) -> None:
        failures = 0
        while not stop.is_set():
            try:
                if failures:  # it may have come back as an older copy
                    await self._relay.check_not_ahead()
                busy = await self._seal_one()
                failures = 0
            except (Unavailable, PyMongoError) as e:
                self._ledger.forget()
                failures += 1
                await _pause(failures, "the ledger cannot be written", e)
                continue
            if not busy:
                await self._until_woken()

    async def _seal_one(self) -> bool:
        if self._lease is not None and not await self._lease.held():
            return False
        self._work.clear()
        sealed = await self._ledger.seal()
        if sealed is None:
            return False
        self._sealed(sealed)
        await asyncio.sleep(0)  # who waits for the block comes first, then its marks and the relay
        with contextlib.suppress(asyncio.QueueFull):  # the relay reads the ledger when it is behind
            self._blocks.put_nowait(sealed)
        await self._ledger.finish(sealed.block)
        SEALED.inc(sealed.block["count"])
        BLOCK_SIZE.observe(len(sealed.commits))
        POSITION.set(sealed.block["first"] + sealed.block["count"] - 1)
        return len(sealed.commits) >= MANY_COMMITS

    async def _until_woken(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self._work.wait()

    async def _relay_blocks(self) -> None:
        behind, failures = True, 0
        while True:
            try:
                if behind:
                    await self._relay.catch_up()
                    behind = False
                PUBLISHED.set(self._relay.published)
                blocks = await self._next_blocks()
                failures = 0
                if not blocks:
                    behind = True
                elif news := [s for s in blocks if s.block["first"] > self._relay.published]:
                    behind = not await self._relay.publish(*news)
            except (Unavailable, PyMongoError) as e:
                behind = True
                failures += 1
                await _pause(failures, "the relay cannot publish", e)

    async def _next_blocks(self) -> list[Sealed]:
        """All that wait; none when none came for a while: time to compare with JetStream again."""
        now = asyncio.get_running_loop().time
        await asyncio.sleep(self._took_blocks_at + PUBLISH_EVERY_SECONDS - now())
        try:
            async with asyncio.timeout(COMPARE_SECONDS):
                blocks = [await self._blocks.get()]
        except TimeoutError:
            return []
        while not self._blocks.empty():
            blocks.append(self._blocks.get_nowait())
        self._took_blocks_at = now()
        return blocks


async def _pause(failures: int, what: str, why: Exception) -> None:
    seconds = random.uniform(0.5, 1) * min(MAX_PAUSE_SECONDS, 0.05 * 2**failures)  # noqa: S311 - jitter
    log.warning(what, reason=str(why), failures=failures, pause_seconds=round(seconds, 3))
    await asyncio.sleep(seconds)
