"""The port of the read models: what a projection writes, where it stands, what it has set aside.

A `Write` is plain data in MongoDB's own terms, so that the store and its in-memory twin apply the same
thing. Positions are those of the ledger: 1, 2, 3 … without holes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

WriteKind = Literal["put", "update", "delete"]


class Write(NamedTuple):
    """One change of one collection. A tuple, because a rebuild makes a hundred thousand of them."""

    kind: WriteKind
    where: Mapping[str, Any]
    """A filter: `{"_id": …}`, or the match of a change of many."""
    what: Mapping[str, Any]
    """The document of a put, the operators (`$set`, `$unset`, `$inc`, `$push`) of an update."""

    @property
    def many(self) -> bool:
        return "_id" not in self.where


@dataclass(frozen=True)
class Index:
    """Fields with 1, -1 or "text", and MongoDB's options (`unique`, `partialFilterExpression`, …)."""

    keys: tuple[tuple[str, int | str], ...]
    options: Mapping[str, Any]


class Message(NamedTuple):
    """An event as JetStream delivers it; the stream's sequence is the position."""

    position: int
    body: bytes


@dataclass(frozen=True, kw_only=True)
class ParkedEvent:
    """An event that one projection could not take in, or one that waits behind such an event."""

    projection: str
    stream: str
    position: int
    error: str | None
    """None for an event that only waits."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What the events after `after`, up to `position`, do to the read models: applied whole or not."""

    after: int
    position: int
    writes: Mapping[str, Sequence[Write]]
    parked: Sequence[ParkedEvent] = ()
    epoch: int = 0
    """As `Standing.epoch` when the batch was made."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where the live read models stand."""

    position: int
    versions: Mapping[str, int]
    """Projection → the version of the code that filled its collection."""
    parked: frozenset[tuple[str, str]] = frozenset()
    """(projection, stream) pairs that are set aside."""
    epoch: int = 0
    """Grows whenever a projection joins or is replaced, though the position stays."""
    fence: str | None = None
    """The projection whose rebuilt collection is being moved in: nothing may be applied meanwhile."""


class RefusedWriteError(Exception):
    """The store will never accept a write of this collection, whoever asks and how often."""

    def __init__(self, collection: str, reason: str) -> None:
        super().__init__(f"{collection}: {reason}")
        self.collection = collection
        self.reason = reason


class MovedError(Exception):
    """The read models do not stand where the batch begins, or are fenced: look again."""


class ReadModels(Protocol):
    """Where live projections write. One suite runs over MongoDB and the in-memory twin."""

    async def standing(self) -> Standing: ...

    async def adopt(self, name: str, *, version: int, indexes: Sequence[Index]) -> None:
        """Take a projection into the live group at its present position, with its indexes."""

    async def ensure_indexes(self, name: str, indexes: Sequence[Index]) -> None:
        """A release may want others for documents that are the same."""

    async def apply(self, batch: Batch) -> None:
        """Writes, parked events and position in one atomic step, durable on a majority.

        Raises RefusedWriteError or MovedError with nothing written, Unavailable when the outcome is
        unknown: `standing()` tells then.
        """

    async def end_stale_fence(self) -> None:
        """Finish or undo the move of a rebuilt collection that its maker left long ago."""

    async def parked(self, *, projection: str, stream: str, limit: int) -> list[ParkedEvent]:
        """Set-aside events of one stream, oldest first."""

    async def release(
        self, batch: Batch, released: Sequence[ParkedEvent], *, failed: ParkedEvent | None = None
    ) -> None:
        """Apply a batch of once parked events and un-park them in one step; the position stays.

        `failed` is the event that stands at the head now, with its error. Raises as `apply`;
        MovedError when another one has released them.
        """
