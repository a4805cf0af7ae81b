"""Read models as plain dictionaries: for tests, and to check that a collection is the fold of the ledger.

Writes mean here exactly what they mean to MongoDB; a test runs both and compares.
"""

import copy
import operator
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import Any

from bson import ObjectId

from domain.ports.events import RecordedEvent
from domain.read_models import (
    Batch,
    Index,
    MovedError,
    ParkedEvent,
    RefusedWriteError,
    Standing,
    Write,
)
from projections.projection import Projection

Document = dict[str, Any]
Collection = dict[str | ObjectId, Document]

COMPARISONS = {"$lt": operator.lt, "$lte": operator.le, "$gt": operator.gt, "$gte": operator.ge}


def fold(projection: Projection, history: Iterable[RecordedEvent]) -> Collection:
    """The collection as these events make it."""
    collection: Collection = {}
    for recorded in history:
        for write in projection.writes(recorded):
            apply_write(collection, write)
    return collection


def apply_write(collection: Collection, write: Write) -> None:
    """Raise RefusedWriteError where MongoDB refuses, with the document unchanged."""
    if write.kind == "put":
        collection[write.where["_id"]] = dict(write.what)
        return
    for key in matching(collection, write.where):
        if write.kind == "delete":
            del collection[key]
        else:
            collection[key] = updated(collection[key], write.what)


def matching(collection: Collection, where: Mapping[str, Any]) -> list[str | ObjectId]:
    if "_id" in where:
        return [where["_id"]] if where["_id"] in collection else []
    return [key for key, document in collection.items() if matches(document, where)]


def matches(document: Document, where: Mapping[str, Any]) -> bool:
    return all(_equals(_values(document, name), value) for name, value in where.items())


def _equals(found: list[Any], wanted: Any) -> bool:
    """MongoDB's equality: a list matches by itself or by one of its items, None also what is missing."""
    if isinstance(wanted, dict) and any(key.startswith("$") for key in wanted):
        return all(_compares(found, name, value) for name, value in wanted.items())
    if wanted is None and not found:
        return True
    return any(
        _same(value, wanted) or (isinstance(value, list) and any(_same(v, wanted) for v in value))
        for value in found
    )


def _compares(found: list[Any], name: str, value: Any) -> bool:
    """Only values of one kind are compared. Raise NotImplementedError for other operators."""
    if name not in COMPARISONS:
        raise NotImplementedError(f"a match has equal values or {', '.join(COMPARISONS)}")
    inside = [item for one in found if isinstance(one, list) for item in one]
    return any(
        _kind(one) is _kind(value) and COMPARISONS[name](one, value) for one in [*found, *inside]
    )


def _kind(value: Any) -> type:
    """All numbers are of one kind to MongoDB; True is none."""
    return float if type(value) is int else type(value)


def _same(value: Any, wanted: Any) -> bool:
    """True is no 1 to MongoDB."""
    return bool(value == wanted) and isinstance(value, bool) == isinstance(wanted, bool)


NOTHING_INSIDE = object()
"""What a name finds in a list without such a thing: to MongoDB that is not even None."""


def _values(node: Any, name: str) -> list[Any]:
    """What a dotted name reaches, through lists of documents too."""
    if not name:
        return [node]
    head, _, rest = name.partition(".")
    if isinstance(node, dict):
        return _values(node[head], rest) if head in node else []
    if isinstance(node, list):
        inside = [value for item in node if isinstance(item, dict) for value in _values(item, name)]
        if head.isdigit() and int(head) < len(node):
            inside += _values(node[int(head)], rest)
        return inside or [NOTHING_INSIDE]
    return []


def updated(document: Mapping[str, Any], operators: Mapping[str, Mapping[str, Any]]) -> Document:
    """A changed copy, by `$set`, `$unset`, `$inc` and `$push`. What does not change is shared."""
    changed = dict(document)
    for sign, fields in operators.items():
        act = OPERATORS[sign]
        for name, value in fields.items():
            *path, last = name.split(".")
            act(changed, path, last, value)
    return changed


def _reach(document: Document, path: list[str]) -> Any:
    """The inner document or list, copied on the way, and made where it is missing, as by `$set`."""
    node: Any = document
    for part in path:
        is_new = isinstance(node, list) and part.isdigit() and int(part) >= len(node)
        key: Any = _place(node, part) if isinstance(node, list) else part
        inner = node.get(key, {}) if isinstance(node, dict) else {} if is_new else node[key]
        if not isinstance(inner, dict | list):
            raise RefusedWriteError("", f"cannot create a field in {part}, which is {inner!r}")
        node[key] = inner = copy.copy(inner)
        node = inner
    return node


def _place(items: list[Any], part: str) -> int:
    if not part.isdigit():
        raise RefusedWriteError("", f"cannot create the field {part} in a list")
    items.extend([None] * (int(part) + 1 - len(items)))
    return int(part)


def _set(document: Document, path: list[str], last: str, value: Any) -> None:
    node = _reach(document, path)
    node[_place(node, last) if isinstance(node, list) else last] = value


def _current(document: Document, names: list[str], missing: Any) -> Any:
    """The value at a dotted name; numbers are places of a list."""
    node: Any = document
    for name in names:
        if isinstance(node, list) and name.isdigit() and int(name) < len(node):
            node = node[int(name)]
        elif isinstance(node, dict) and name in node:
            node = node[name]
        else:
            return missing
    return node


def _unset(document: Document, path: list[str], last: str, _value: Any) -> None:
    if _current(document, [*path, last], NOTHING_INSIDE) is NOTHING_INSIDE:
        return
    holder = _reach(document, path)
    if isinstance(holder, dict):
        del holder[last]
    else:
        holder[int(last)] = None


def _increment(document: Document, path: list[str], last: str, value: Any) -> None:
    start = _current(document, [*path, last], 0)
    if isinstance(start, bool) or not isinstance(start, int | float):
        raise RefusedWriteError("", f"cannot add to {last}, which is {start!r}")
    _set(document, path, last, start + value)


def _push(document: Document, path: list[str], last: str, value: Any) -> None:
    items = _current(document, [*path, last], [])
    if not isinstance(items, list):
        raise RefusedWriteError("", f"{last} must be a list, and is {items!r}")
    items = [*items, *value["$each"]]
    if "$slice" in value:
        items = items[value["$slice"] :] if value["$slice"] else []
    _set(document, path, last, items)


OPERATORS: dict[str, Callable[[Document, list[str], str, Any], None]] = {
    "$set": _set,
    "$unset": _unset,
    "$inc": _increment,
    "$push": _push,
}


class MemoryReadModels:
    """Fits `domain.read_models.ReadModels`."""

    def __init__(self) -> None:
        self.collections: dict[str, Collection] = {}
        self.position = 0
        self.epoch = 0
        self.versions: dict[str, int] = {}
        self.set_aside: list[ParkedEvent] = []

    async def standing(self) -> Standing:
        return Standing(
            position=self.position,
            epoch=self.epoch,
            versions=dict(self.versions),
            parked=frozenset((p.projection, p.stream) for p in self.set_aside),
        )

    async def adopt(self, name: str, *, version: int, indexes: Sequence[Index]) -> None:
        del indexes  # dictionaries have none
        self.versions[name] = version
        self.epoch += 1
        self.collections.setdefault(name, {})

    async def ensure_indexes(self, name: str, indexes: Sequence[Index]) -> None:
        """Dictionaries have none."""

    async def apply(self, batch: Batch) -> None:
        begun = {(p.projection, p.stream) for p in [*self.set_aside, *batch.parked] if p.error}
        behind = {(p.projection, p.stream) for p in batch.parked}
        stands = (batch.after, batch.epoch) == (self.position, self.epoch)
        if not stands or not behind <= begun:
            raise MovedError
        self.collections = self._with(batch)
        self.set_aside += batch.parked
        self.position = batch.position

    async def end_stale_fence(self) -> None:
        """There is never one: nobody rebuilds dictionaries."""

    async def parked(self, *, projection: str, stream: str, limit: int) -> list[ParkedEvent]:
        found = [p for p in self.set_aside if (p.projection, p.stream) == (projection, stream)]
        return sorted(found, key=lambda p: p.position)[:limit]

    async def release(
        self, batch: Batch, released: Sequence[ParkedEvent], *, failed: ParkedEvent | None = None
    ) -> None:
        if any(event not in self.set_aside for event in released):
            raise MovedError
        self.collections = self._with(batch)
        self.set_aside = [p for p in self.set_aside if p not in released]
        if failed is not None:
            others = [p for p in self.set_aside if p.position != failed.position]
            self.set_aside = [failed, *others]

    def _with(self, batch: Batch) -> dict[str, Collection]:
        changed: MutableMapping[str, Collection] = dict(self.collections)
        for name, writes in batch.writes.items():
            changed[name] = dict(changed.get(name, {}))
            for write in writes:
                try:
                    apply_write(changed[name], write)
                except RefusedWriteError as e:
                    raise RefusedWriteError(name, e.reason) from e
        return dict(changed)
