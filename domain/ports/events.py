"""The event store: commits in, events out; and the keys of persons."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from domain.kernel import AggregateRoot, DomainEvent, UnreadableEvent


@dataclass(frozen=True, kw_only=True)
class CommandContext:
    """Who asks for what, and why: stamped on the commit."""

    command: str
    """Imperative name: PlaceOrder."""
    actor: str
    """`user-<id>`, `policy-<name>`, `gateway-razorpay`, `system`."""
    correlation: str
    """One id for all that one request sets in motion."""
    causation: str | None = None
    """The id of the event that a policy reacts to."""
    command_id: str | None = None
    """Scoped Idempotency-Key, or `policy:event id`. The same id has one effect, for ever."""
    fingerprint: str | None = None
    """SHA-256 of the request, so that a key that comes back with another body is refused."""


def commit_id_of(command_id: str) -> str:
    """The id of the commit that a command makes: the same command id, the same commit, for ever."""
    return "c-" + hashlib.sha256(command_id.encode()).hexdigest()[:40]


@dataclass(frozen=True, kw_only=True)
class Commit:
    """What one command appended: durable on a majority."""

    id: str
    answer: str | None
    """The stream that the command's response shows."""
    streams: Mapping[str, int]
    """Stream → its version after this commit."""
    repeated: bool = False
    """The command had been carried out before; this is the first commit."""
    position: int | None = None
    """Place of its first event in history; None until it is sequenced."""
    events: int = 0
    last_event: str | None = None
    """Its last event's id: what a command that follows from it names as its cause."""

    @property
    def last_position(self) -> int | None:
        return None if self.position is None else self.position + self.events - 1


@dataclass(frozen=True, kw_only=True)
class RecordedEvent:
    """An event with its place in history, as projections, policies and auditors read it."""

    position: int
    event_id: str
    commit_id: str
    command: str
    actor: str
    correlation: str
    causation: str | None
    at: datetime
    event: DomainEvent

    @property
    def stream(self) -> str:
        return self.event.originator_id

    @property
    def version(self) -> int:
        return self.event.originator_version

    @property
    def type(self) -> str:
        event = self.event
        return event.stored_type if isinstance(event, UnreadableEvent) else type(event).TOPIC


class EventStore(Protocol):
    async def append(
        self, events: Sequence[DomainEvent], context: CommandContext, *, answer: str | None = None
    ) -> Commit:
        """Append the events of one command atomically, over any number of streams.

        Returns when they are durable on a majority. A repeated `command_id` returns the first commit
        with `repeated=True`. Raises ConcurrencyConflict when another commit took a (stream, version),
        KeyReused when the command id came with another fingerprint, TooLarge over 1,000 events or
        1 MB, Unavailable when the outcome cannot be known within the deadline (retrying is safe).
        """

    async def commit_of(self, command_id: str, *, fingerprint: str | None = None) -> Commit | None:
        """The commit that this command id made, if any. Raises KeyReused when it was another request."""

    async def commit(self, commit_id: str) -> Commit | None:
        """A commit by its id, with its position once it is sequenced."""

    async def read_stream(
        self, stream: str, *, after_version: int = 0, up_to_version: int | None = None
    ) -> list[DomainEvent]:
        """The stream's events, oldest first, acknowledged ones included whether sequenced or not.

        Personal fields are in clear, or stand as `erased` when the person's key is destroyed.
        """

    async def load_many(
        self, aggregate_class: type[AggregateRoot], object_ids: Sequence[str]
    ) -> dict[str, Any]:
        """Those of the aggregates that exist, by id, in one question: at most 1,000."""

    async def load(self, aggregate_class: type[AggregateRoot], object_id: str) -> Any:
        """The aggregate as its stream says, or None. Uses a snapshot where the class keeps them."""

    async def read_history(
        self, *, after_position: int, limit: int, up_to_position: int | None = None
    ) -> list[RecordedEvent]:
        """Sequenced events in the order of positions, without holes, at most `limit`.

        One that this build cannot read is there as an UnreadableEvent.
        """

    async def last_position(self) -> int:
        """The position of the last sequenced event; 0 for an empty history."""

    async def decode(self, messages: Sequence[bytes]) -> list[RecordedEvent]:
        """Published messages as events, personal fields in clear where the key exists.

        One that this build cannot read is there as an UnreadableEvent.
        """

    async def history_of(
        self,
        streams: Sequence[str],
        *,
        beside: Sequence[str] = (),
        after_position: int = 0,
        limit: int = 1_000,
    ) -> list[dict[str, Any]]:
        """For auditors: the events of these streams in order, with position, version, type, time,
        actor, data and hashes; personal parts stay sealed.

        A page of `limit`: what follows its last position is asked for with `after_position`. Events that
        wait for a place end the last page. `beside` names streams of which only what the same commits hold
        is told: of a product's stock what one order did to it, not the thousands of others.
        """


class PersonalKeys(Protocol):
    """One data key for each person. Destroying it is how a person is forgotten."""

    async def ensure(self, subjects: Sequence[str]) -> Mapping[str, bytes]:
        """The 32-byte keys, made durable on first use. Raises NotFound for an erased person."""

    async def get(self, subjects: Sequence[str]) -> Mapping[str, bytes]:
        """The keys that still exist."""

    @property
    def forgotten(self) -> int:
        """How many keys this process has seen destroyed. What was decrypted before may not be kept."""

    async def destroy(self, subject: str) -> None:
        """Forget the key for ever, on a majority. Repeating it changes nothing."""


class Consistency(Protocol):
    """What the read models have applied, as the projectors announce it."""

    @property
    def position(self) -> int:
        """Everything up to here can be read."""

    def last_change(self, types: frozenset[str]) -> int | None:
        """The position up to which an event of these types may have changed a document; None while
        announcements do not come.
        """

    async def wait_for_commit(
        self, commit_id: str, *, seconds: float, events: int | None = None
    ) -> int | None:
        """The position of the commit's last event once it can be read; None when time is up.

        `events` is how many the commit has, where that is known.
        """

    async def wait_for_position(self, position: int, *, seconds: float) -> bool:
        """True once everything up to this position can be read; False when time is up."""
