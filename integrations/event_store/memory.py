"""The event store in memory: the twin of MongoDB's for tests, with the same bytes and the same rules.

It shares the mapping, the hashes and the judgement of conflicts with the real one, and seals at once.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from domain.errors import ConcurrencyConflict, Invalid, NotFound
from domain.kernel import AggregateRoot, DomainEvent
from domain.ports.events import CommandContext, Commit, RecordedEvent, commit_id_of
from integrations.event_store import commits as c
from integrations.event_store.ledger import make_block
from integrations.event_store.mapping import (
    from_message,
    message_body,
    recorded,
    subject_of,
    subjects_of,
    to_event,
)
from integrations.event_store.store import history_row, make_commit


class MemoryKeys:
    """Fits `domain.ports.events.PersonalKeys`."""

    def __init__(self) -> None:
        self._keys: dict[str, bytes | None] = {}
        self.forgotten = 0

    async def ensure(self, subjects: Sequence[str]) -> Mapping[str, bytes]:
        for subject in subjects:
            key = self._keys.setdefault(subject, subject.encode().ljust(32, b".")[:32])
            if key is None:
                raise NotFound("this person's data has been erased", code="erased")
        return await self.get(subjects)

    async def get(self, subjects: Sequence[str]) -> Mapping[str, bytes]:
        return {s: key for s in subjects if (key := self._keys.get(s)) is not None}

    async def destroy(self, subject: str) -> None:
        self._keys[subject] = None
        self.forgotten += 1


class MemoryEventStore:
    """Fits `domain.ports.events.EventStore`."""

    def __init__(
        self,
        keys: MemoryKeys | None = None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.keys = keys or MemoryKeys()
        self.commits: list[dict[str, Any]] = []
        self.blocks: list[dict[str, Any]] = []
        self._clock = clock
        self._by_id: dict[str, dict[str, Any]] = {}
        self._places: dict[str, dict[int, dict[str, Any]]] = {}

    async def append(
        self, events: Sequence[DomainEvent], context: CommandContext, *, answer: str | None = None
    ) -> Commit:
        if not events:
            raise Invalid("a commit without events", code="empty-commit")
        keys = await self.keys.ensure(list({s for e in events if (s := subject_of(e)) is not None}))
        document = make_commit(events, context, answer=answer, keys=keys, now=self._clock())
        c.checked(document)
        if (first := self._by_id.get(document["_id"])) is not None:
            outcome = c.repeated(first, context.fingerprint)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome
        if any(e["version"] in self._places.get(e["stream"], {}) for e in document["events"]):
            raise ConcurrencyConflict("somebody else changed it first; read it again and repeat")
        self._place(document)
        return c.as_commit(document)

    def _place(self, document: dict[str, Any]) -> None:
        block = make_block(self.blocks[-1] if self.blocks else None, [document], at=self._clock())
        document["position"] = block["first"]
        del document["pending"]
        self.blocks.append(block)
        self.commits.append(document)
        self._by_id[document["_id"]] = document
        for stored in document["events"]:
            self._places.setdefault(stored["stream"], {})[stored["version"]] = document

    async def commit_of(self, command_id: str, *, fingerprint: str | None = None) -> Commit | None:
        first = self._by_id.get(commit_id_of(command_id))
        if first is None:
            return None
        outcome = c.repeated(first, fingerprint)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def commit(self, commit_id: str) -> Commit | None:
        found = self._by_id.get(commit_id)
        return None if found is None else c.as_commit(found)

    async def read_stream(
        self, stream: str, *, after_version: int = 0, up_to_version: int | None = None
    ) -> list[DomainEvent]:
        places = self._places.get(stream, {})
        found = [
            (stored, places[version]["at"])
            for version in sorted(places)
            if version > after_version and (up_to_version is None or version <= up_to_version)
            for stored in places[version]["events"]
            if (stored["stream"], stored["version"]) == (stream, version)
        ]
        keys = await self.keys.get(subjects_of(stored for stored, _ in found))
        return [to_event(stored, at, keys) for stored, at in found]

    async def load_many(
        self, aggregate_class: type[AggregateRoot], object_ids: Sequence[str]
    ) -> dict[str, Any]:
        found = {object_id: await self.load(aggregate_class, object_id) for object_id in object_ids}
        return {object_id: one for object_id, one in found.items() if one is not None}

    async def load(self, aggregate_class: type[AggregateRoot], object_id: str) -> Any:
        return aggregate_class.replay(await self.read_stream(aggregate_class.stream(object_id)))

    async def read_history(
        self, *, after_position: int, limit: int, up_to_position: int | None = None
    ) -> list[RecordedEvent]:
        rows = [
            (document, stored, position)
            for document in self.commits
            for position, stored in enumerate(document["events"], document["position"])
            if position > after_position and (up_to_position is None or position <= up_to_position)
        ][:limit]
        keys = await self.keys.get(subjects_of(stored for _, stored, _ in rows))
        return [recorded(document, stored, position, keys) for document, stored, position in rows]

    async def history(self) -> list[RecordedEvent]:
        """All of it."""
        return await self.read_history(after_position=0, limit=1_000_000)

    async def last_position(self) -> int:
        return self.blocks[-1]["first"] + self.blocks[-1]["count"] - 1 if self.blocks else 0

    def messages(self, *, after_position: int = 0) -> list[bytes]:
        """What JetStream would hold."""
        return [
            message_body(document, stored, position)
            for document in self.commits
            for position, stored in enumerate(document["events"], document["position"])
            if position > after_position
        ]

    async def decode(self, messages: Sequence[bytes]) -> list[RecordedEvent]:
        raw = [from_message(body) for body in messages]
        keys = await self.keys.get(subjects_of(stored for _, stored, _ in raw))
        return [recorded(commit, stored, position, keys) for commit, stored, position in raw]

    async def history_of(
        self,
        streams: Sequence[str],
        *,
        beside: Sequence[str] = (),
        after_position: int = 0,
        limit: int = 1_000,
    ) -> list[dict[str, Any]]:
        asked, wanted = set(streams), {*streams, *beside}
        rows = [
            history_row(document, stored, index, block["hash"])
            for document, block in zip(self.commits, self.blocks, strict=True)
            if asked & {stored["stream"] for stored in document["events"]}
            for index, stored in enumerate(document["events"])
            if stored["stream"] in wanted and document["position"] + index > after_position
        ]
        return rows[:limit]
