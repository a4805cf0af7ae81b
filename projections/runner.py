"""The runner reads history once and folds it into all live projections.

An event that is next in line is applied; one from the past is skipped; before one from the future the
gap is read from the ledger. So loss, repetition and disorder on the wire cannot change a document.
Each batch is one transaction of documents, set-aside events and position.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

import structlog

from domain.errors import Unavailable
from domain.ports.events import RecordedEvent
from domain.read_models import (
    Batch,
    Message,
    MovedError,
    ReadModels,
    RefusedWriteError,
    Standing,
)
from projections.batches import commits_of, plan, without
from projections.compact import compact
from projections.projection import Projection

log = structlog.get_logger(__name__)

BATCH_EVENTS = 500
PAGE_EVENTS = 2_000
"""Read from the ledger at once, when there is so much to catch up with."""
FENCE_WAIT_SECONDS = 0.05
FIRST_WAIT_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 2.0


class Feed(Protocol):
    async def next(self, *, after: int) -> Sequence[Message]:
        """What has arrived, at once when there is something; nothing after about a second of silence.

        `after` is where the reader stands, for a feed that has to begin anew.
        """


class History(Protocol):
    """The part of the event store that projections read."""

    async def read_history(
        self, *, after_position: int, limit: int, up_to_position: int | None = None
    ) -> list[RecordedEvent]: ...

    async def decode(self, messages: Sequence[bytes]) -> list[RecordedEvent]: ...


class Applied(NamedTuple):
    """Announced once the documents can be read: from `after` to `position`."""

    after: int
    position: int
    commits: Mapping[str, tuple[int, int]]
    """Commit id → positions of its first and last event in this batch."""
    types: frozenset[str] = frozenset()
    """Of its events."""


Announce = Callable[[Applied], Awaitable[None]]


async def nobody(_applied: Applied) -> None:
    """Announce to nobody."""


class Runner:
    def __init__(
        self,
        projections: Iterable[Projection],
        *,
        read_models: ReadModels,
        history: History,
        announce: Announce = nobody,
    ) -> None:
        self.all = tuple(projections)
        self.live: tuple[Projection, ...] = ()
        self.read_models = read_models
        self.history = history
        self.announce = announce
        self.standing = Standing(position=0, versions={})
        self.is_superseded = False

    @property
    def position(self) -> int:
        return self.standing.position

    async def start(self) -> None:
        """Learn where the read models stand. A projection that nobody has filled begins with history.

        One whose stored version is lower is kept up to date as well as these folds can, until it is rebuilt:
        its documents are those of an older build, and none is missing. Before higher ones we stand by.
        """
        await self._look()
        for projection in self.all:
            if projection.name not in self.standing.versions and self.position == 0:
                await self.read_models.adopt(
                    projection.name, version=projection.version, indexes=projection.indexes
                )
        await self._look()
        for projection in self.live:
            if self.standing.versions[projection.name] == projection.version:
                await self.read_models.ensure_indexes(projection.name, projection.indexes)

    async def _look(self) -> None:
        self.standing = await self.read_models.standing()
        while self.standing.fence is not None:
            await asyncio.sleep(jittered(FENCE_WAIT_SECONDS))
            await self.read_models.end_stale_fence()
            self.standing = await self.read_models.standing()
        versions = self.standing.versions
        was_superseded, self.is_superseded = self.is_superseded, self._belongs_to_another(versions)
        if self.is_superseded != was_superseded:
            log.warning("read models of another build", stands_by=self.is_superseded)
        self.live = tuple(p for p in self.all if p.name in versions)

    def _belongs_to_another(self, versions: Mapping[str, int]) -> bool:
        """A newer build has moved them to what we do not know. To go on would carry their position over
        events that we cannot fold.
        """
        ours = {projection.name: projection.version for projection in self.all}
        return any(version > ours.get(name, 0) for name, version in versions.items())

    async def run(self, feed: Feed, *, stop: asyncio.Event) -> None:
        """Apply what the feed brings until `stop`; a batch once begun is finished.

        When the feed is silent the ledger is read, so projections go on while the broker is down.
        """
        await self.start()
        failures = 0
        while not stop.is_set():
            try:
                if failures:
                    await self._look()
                await self.take(await feed.next(after=self.position))
                failures = 0
            except Unavailable as e:
                wait = min(FIRST_WAIT_SECONDS * 2**failures, LONGEST_WAIT_SECONDS)
                failures = min(failures + 1, 10)
                log.warning("projections wait", reason=e.detail, seconds=round(wait, 2))
                await asyncio.sleep(jittered(wait))

    async def take(self, messages: Sequence[Message]) -> None:
        """Apply these messages, in whatever order and however often they came, and what they skip."""
        if not messages:
            await self.catch_up()
        waiting = sorted({m.position: m for m in messages}.values())
        while waiting := [m for m in waiting if m.position > self.position]:
            ready = in_line(waiting, after=self.position)
            if ready and await self._take_in(ready):
                continue
            if not await self._read_on():
                return  # the ledger does not show the gap yet: silence will bring us back

    async def _take_in(self, ready: Sequence[Message]) -> bool:
        """False when it did not bring us on: then the ledger knows better than these messages."""
        before = self.position
        events = await self.history.decode([message.body for message in ready])
        if all(e.position == m.position for e, m in zip(events, ready, strict=True)):
            await self.apply(events)
        return self.position > before

    async def catch_up(self) -> None:
        """Apply all that the ledger has."""
        while await self._read_on():
            pass

    async def _read_on(self) -> bool:
        events = await self.history.read_history(after_position=self.position, limit=PAGE_EVENTS)
        for start in range(0, len(events), BATCH_EVENTS):
            await self.apply(events[start : start + BATCH_EVENTS])
        return bool(events)

    async def apply(self, events: Sequence[RecordedEvent]) -> None:
        """Apply events that follow on the position; a refused one is found by halving and parked."""
        events = [event for event in events if event.position > self.position]
        if self.is_superseded:
            raise Unavailable("the read models belong to another build")
        if not events or events[0].position != self.position + 1:
            return  # another one has moved the read models: they are looked at anew
        batch = plan(self.live, events, after=self.position, parked=self.standing.parked)
        try:
            await self.read_models.apply(self._compacted(batch))
        except MovedError:
            await self._look()
        except RefusedWriteError as refusal:
            await self._apply_apart(events, batch, refusal)
        else:
            await self._advance(batch, events)

    def _compacted(self, batch: Batch) -> Batch:
        writes = {name: compact(w) for name, w in batch.writes.items()}
        return replace(batch, writes=writes, epoch=self.standing.epoch)

    async def _apply_apart(
        self, events: Sequence[RecordedEvent], batch: Batch, refusal: RefusedWriteError
    ) -> None:
        if len(events) > 1:
            middle = len(events) // 2
            await self.apply(events[:middle])
            await self.apply(events[middle:])
            return
        alone = without(batch, events[0], refusal)
        try:
            await self.read_models.apply(self._compacted(alone))
        except RefusedWriteError as another:
            await self._apply_apart(events, alone, another)
        except MovedError:
            await self._look()
        else:
            await self._advance(alone, events)

    async def _advance(self, batch: Batch, events: Sequence[RecordedEvent]) -> None:
        parked = self.standing.parked
        for event in batch.parked:
            if event.error is not None:
                log.error("event parked with its stream", **vars(event))
            parked |= {(event.projection, event.stream)}
        self.standing = replace(self.standing, position=batch.position, parked=parked)
        types = frozenset(event.type for event in events)
        await self.announce(Applied(batch.after, batch.position, commits_of(events), types))


def jittered(seconds: float) -> float:
    return seconds * random.uniform(0.5, 1.5)  # noqa: S311 # spreads load, hides nothing


def in_line(messages: Sequence[Message], *, after: int) -> list[Message]:
    """The messages that follow on `after` without a hole."""
    return [m for place, m in enumerate(messages, after + 1) if m.position == place]
