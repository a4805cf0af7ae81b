"""The port of the read models: what a projection writes, and where it stands.

A `Write` is plain data in MongoDB's own terms, so that the store and its in-memory twin apply the same
thing. Positions are those of the ledger: 1, 2, 3 … without holes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

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
