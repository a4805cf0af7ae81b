"""Where a page of a list ended, so that the next one begins behind it, whatever is added or sold meanwhile.

A cursor names the values of the last document by which the list is sorted, the id last. It is no secret and
no promise: whoever changes it reads the same list from another place, within the same query.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from bson import ObjectId

from domain.errors import Invalid

Order = Sequence[tuple[str, int]]
MOST_CHARACTERS = 600
"""A name has 200 at most, each of up to four bytes, and becomes a third longer."""
LARGEST = 2**63
"""MongoDB has no larger integer."""


def cursor_of(document: Mapping[str, Any], order: Order) -> str:
    """Of the last document of a page: base64url of the order's name and the document's values."""
    told = [_name(order), *(_told(_value(document, name)) for name, _ in order)]
    text = json.dumps(told, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def after(cursor: str, order: Order) -> dict[str, Any]:
    """The part of a query that leaves out all up to there; each of its branches walks the order's index.

    Raise Invalid for what is no cursor, or one of another order.
    """
    values = _read(cursor, order)
    branches: list[dict[str, Any]] = []
    same: dict[str, Any] = {}
    for (name, way), value in zip(order, values, strict=True):
        branches.append({**same, name: {"$gt" if way > 0 else "$lt": value}})
        same[name] = value
    return {"$or": branches}


def _read(cursor: str, order: Order) -> list[Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        told = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        known = [_known(value) for value in told[1:]] if isinstance(told, list) else []
    except (ValueError, OverflowError, OSError, RecursionError):  # of base64, JSON and the calendar
        raise _invalid() from None
    if len(known) != len(order) or told[0] != _name(order):
        raise _invalid()
    return known


def _invalid() -> Invalid:
    return Invalid(
        "cursor must be the nextCursor of the page before, of the same sort", code="invalid-cursor"
    )


def _name(order: Order) -> str:
    return _name_of(tuple(tuple(each) for each in order))


@lru_cache
def _name_of(order: tuple[tuple[str, int], ...]) -> str:
    return hashlib.sha256(repr(list(order)).encode()).hexdigest()[:8]


def _value(document: Mapping[str, Any], path: str) -> Any:
    """By dotted name."""
    found: Any = document
    for name in path.split("."):
        found = found[name]
    return found


def _told(value: Any) -> Any:
    match value:
        case ObjectId():
            return {"id": str(value)}
        case datetime():
            return {"at": round(value.timestamp() * 1000)}
        case _:
            return value


def _known(told: Any) -> str | float | bool | ObjectId | datetime:
    """Raise ValueError for what no document has as a value to sort by."""
    match told:
        case {"id": str(text), **rest} if not rest and ObjectId.is_valid(text):
            return ObjectId(text)
        case {"at": int(milliseconds), **rest} if not rest:
            return datetime.fromtimestamp(milliseconds / 1000, UTC)
        case str() | bool() | float():
            return told
        case int() if abs(told) < LARGEST:
            return told
        case _:
            raise ValueError("not a value of a document")
