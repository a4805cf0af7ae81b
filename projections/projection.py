"""A projection is a pure fold: one event in, changes of the documents of one collection out.

    ORDERS = Projection(
        "orders", document=OrderDocument, version=1, indexes=[[("userId", 1), ("createdAt", -1)]]
    )

    @ORDERS.on(OrderShipped)
    def shipped(event: OrderShipped, at: datetime) -> Change:
        return Set({"status": "shipped", "updatedAt": at})

Folds have no clock, no I/O and read nothing, so a rebuild gives the same documents. Raise `version`
when a fold changes its meaning: the collection is then filled anew beside the old one.
"""

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, overload

from bson import ObjectId

from domain.kernel import DomainEvent
from domain.ports.events import RecordedEvent
from domain.read_models import Index, Write

Id = str | ObjectId | None
"""A document of the same collection; None is the event's own object.

Only a change with None stamps the stream's `version` on the document, so a fold of another stream's
event (stock onto a product, say) names the document even when the two share their id.
"""


@dataclass(frozen=True)
class Put:
    """The whole document, made or replaced; `_id` is added."""

    document: Mapping[str, Any]
    id: Id = None


@dataclass(frozen=True)
class Set:
    """Fields by dotted name. No document, no change: only `Put` makes one."""

    fields: Mapping[str, Any]
    id: Id = None


@dataclass(frozen=True)
class Unset:
    names: Sequence[str]
    id: Id = None


@dataclass(frozen=True)
class Increment:
    """Numbers to add, by dotted name; a missing field starts at 0."""

    fields: Mapping[str, float]
    id: Id = None


@dataclass(frozen=True)
class Append:
    """Add to the end of a list, of which the last `keep` stay."""

    field: str
    value: Any
    id: Id = None
    keep: int | None = None


@dataclass(frozen=True)
class Delete:
    id: Id = None


@dataclass(frozen=True)
class SetWhere:
    """Fields of all documents with these equal values: `{"userId": …}`. Give the match an index."""

    match: Mapping[str, Any]
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class DeleteWhere:
    match: Mapping[str, Any]


Change = Put | Set | Unset | Increment | Append | Delete | SetWhere | DeleteWhere
Changes = Change | tuple[Change, ...] | None

E = TypeVar("E", bound=DomainEvent)
R = TypeVar("R", bound=Changes)
Fold = Callable[[E, datetime], R]
F = TypeVar("F", bound=Callable[..., Changes])
IndexSpec = Index | Iterable[tuple[str, int | str]]

OBJECT_ID = re.compile(r"[0-9a-f]{24}")


class Projection:
    """A collection's name, version, indexes and folds. Events without a fold pass it by."""

    def __init__(
        self,
        name: str,
        *,
        version: int,
        indexes: Iterable[IndexSpec] = (),
        document: type[Any] | None = None,
    ) -> None:
        """`document`: the shape of its documents, a TypedDict of `projections.stored`."""
        self.name = name
        self.document = document
        self.version = version
        self.indexes = tuple(as_index(spec) for spec in indexes)
        self.folds: dict[type[DomainEvent], Callable[[Any, datetime], Changes]] = {}

    @overload
    def on(self, event_class: type[E], /) -> Callable[[Fold[E, R]], Fold[E, R]]: ...

    @overload
    def on(self, *event_classes: type[DomainEvent]) -> Callable[[F], F]: ...

    def on(self, *event_classes: type[DomainEvent]) -> Any:
        """Register one fold for these events; a second fold for the same event is a mistake."""

        def register(
            fold: Callable[[Any, datetime], Changes],
        ) -> Callable[[Any, datetime], Changes]:
            for event_class in event_classes:
                if event_class in self.folds:
                    raise TypeError(f"{self.name} folds {event_class.__name__} twice")
                self.folds[event_class] = fold
            return fold

        return register

    def writes(self, recorded: RecordedEvent) -> list[Write]:
        """What the event changes in this collection. Raises whatever the fold raises."""
        fold = self.folds.get(type(recorded.event))
        if fold is None:
            return []
        changes = fold(recorded.event, recorded.at)
        if changes is None:
            return []
        if not isinstance(changes, tuple):
            changes = (changes,)
        return [write_of(change, recorded) for change in changes]

    def __repr__(self) -> str:
        return f"Projection({self.name!r}, version={self.version})"


def as_index(spec: IndexSpec) -> Index:
    return spec if isinstance(spec, Index) else Index(keys=tuple(spec), options={})


def index(*keys: tuple[str, int | str], **options: Any) -> Index:
    """An index with MongoDB's options: `index(("sku", 1), unique=True)`."""
    return Index(keys=keys, options=options)


@functools.lru_cache(maxsize=10_000)
def document_id(value: str | ObjectId) -> str | ObjectId:
    """24 hex characters are an ObjectId; any other name of a thing stays text."""
    if isinstance(value, str) and OBJECT_ID.fullmatch(value):
        return ObjectId(value)
    return value


def write_of(change: Change, recorded: RecordedEvent) -> Write:
    """The change in MongoDB's terms, stamped with the event's position."""
    if isinstance(change, SetWhere):
        return Write("update", change.match, {"$set": {**change.fields, **stamp(recorded)}})
    if isinstance(change, DeleteWhere):
        return Write("delete", change.match, {})
    where = {"_id": document_id(recorded.event.object_id if change.id is None else change.id)}
    if isinstance(change, Delete):
        return Write("delete", where, {})
    marks = stamp(recorded) if change.id is not None else stamp_own(recorded)
    if isinstance(change, Put):
        return Write("put", where, {**change.document, **where, **marks})
    return Write("update", where, operators(change, marks))


def stamp(recorded: RecordedEvent) -> dict[str, Any]:
    return {"position": recorded.position}


def stamp_own(recorded: RecordedEvent) -> dict[str, Any]:
    return {"version": recorded.version, "position": recorded.position}


def operators(
    change: Set | Unset | Increment | Append, marks: Mapping[str, Any]
) -> Mapping[str, Any]:
    match change:
        case Set(fields):
            return {"$set": {**fields, **marks}}
        case Unset(names):
            return {"$unset": dict.fromkeys(names, ""), "$set": marks}
        case Increment(fields):
            return {"$inc": fields, "$set": marks}
        case Append(field, value, keep=keep):
            pushed = {"$each": [value]} | ({} if keep is None else {"$slice": -keep})
            return {"$push": {field: pushed}, "$set": marks}
