"""A small collection of gems: events, a projection, and a ledger that a test fills by hand."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from domain.kernel import DomainEvent, InitialEvent
from domain.ports.events import RecordedEvent
from domain.read_models import Message
from projections.projection import Append, Change, Delete, Increment, Projection, Put, Set
from projections.runner import Applied

START = datetime(2026, 1, 1, tzinfo=UTC)


class GemFound(InitialEvent):
    TOPIC: ClassVar[str] = "TestGemFound"
    name: str


class GemCut(DomainEvent):
    TOPIC: ClassVar[str] = "TestGemCut"
    facets: int


class GemStained(DomainEvent):
    """The fold raises on it."""

    TOPIC: ClassVar[str] = "TestGemStained"


class GemCracked(DomainEvent):
    """MongoDB refuses what the fold makes of it."""

    TOPIC: ClassVar[str] = "TestGemCracked"


class GemLost(DomainEvent):
    TOPIC: ClassVar[str] = "TestGemLost"


class GemPriced(DomainEvent):
    """Of no interest to the projection."""

    TOPIC: ClassVar[str] = "TestGemPriced"


class StainError(Exception):
    pass


def gems_projection(*, name: str = "gems", version: int = 1, cured: bool = False) -> Projection:
    """`cured`: its folds take in what the uncured ones choke on."""
    gems = Projection(name, version=version, indexes=[[("name", 1)]])

    @gems.on(GemFound)
    def found(event: GemFound, at: datetime) -> Change:
        return Put({"name": event.name, "facets": 0, "log": [], "at": at, "build": version})

    @gems.on(GemCut)
    def cut(event: GemCut, at: datetime) -> tuple[Change, ...]:
        return Increment({"facets": event.facets}), Append("log", event.facets, keep=20)

    @gems.on(GemStained)
    def stained(event: GemStained, at: datetime) -> Change:
        if not cured:
            raise StainError("a stain")
        return Set({"stained": True})

    @gems.on(GemCracked)
    def cracked(event: GemCracked, at: datetime) -> Change:
        return Set({"cracked": True}) if cured else Append("name", "crack")

    @gems.on(GemLost)
    def lost(event: GemLost, at: datetime) -> Change:
        return Delete()

    return gems


def gem(number: int) -> str:
    return f"{number:024x}"


class Ledger:
    """History that grows when a test says so. Fits `projections.runner.History`."""

    def __init__(self) -> None:
        self.events: list[RecordedEvent] = []
        self.versions: dict[str, int] = {}
        self.shown: int | None = None
        """Up to which position it answers, as while a block's marks are not all written."""

    def add(self, number: int, *events: DomainEvent, commit: str | None = None) -> list[Message]:
        """Append events of one gem; the messages that JetStream would carry."""
        messages = []
        for event in events:
            stream = f"gem-{gem(number)}"
            self.versions[stream] = self.versions.get(stream, 0) + 1
            position = len(self.events) + 1
            where = {"originator_id": stream, "originator_version": self.versions[stream]}
            self.events.append(
                RecordedEvent(
                    position=position,
                    event_id=f"event-{position}",
                    commit_id=commit or f"commit-{position}",
                    command="Test",
                    actor="system",
                    correlation="r",
                    causation=None,
                    at=START + timedelta(seconds=position),
                    event=event.model_copy(update=where),
                )
            )
            messages.append(Message(position, str(position).encode()))
        return messages

    async def read_history(
        self, *, after_position: int, limit: int, up_to_position: int | None = None
    ) -> list[RecordedEvent]:
        end = len(self.events) if self.shown is None else self.shown
        if up_to_position is not None:
            end = min(end, up_to_position)
        return self.events[after_position : min(end, after_position + limit)]

    async def decode(self, messages: Sequence[bytes]) -> list[RecordedEvent]:
        return [self.events[int(body) - 1] for body in messages]


class Deliveries:
    """A feed that brings what a test hands it. Fits `projections.runner.Feed`."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Sequence[Message]] = asyncio.Queue()

    async def next(self, *, after: int) -> Sequence[Message]:
        self.asked_after = after
        return await self.queue.get()


class Announcements:
    def __init__(self) -> None:
        self.heard: list[Applied] = []

    async def __call__(self, applied: Applied) -> None:
        self.heard.append(applied)
