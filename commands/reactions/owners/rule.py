"""What is said of a stored file."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import islice
from typing import TypeVar

from dependencies.services import Services
from domain.kernel import AggregateRoot

A = TypeVar("A", bound=AggregateRoot)

QUESTION = 500
"""So many aggregates are loaded in one question."""


class Standing(StrEnum):
    YOUNG = "young"
    """Its commit may be under way."""
    OWNED = "owned"
    GONE = "gone"
    """It was never to stay, or an event says that it is to go: its owner was erased, or it was deleted."""
    NOBODYS = "nobody's"
    """Its owner's stream is known, and no event of it knows the file."""
    UNKNOWN = "unknown"
    """It cannot be told, so it is left alone."""


Rule = Callable[[Sequence[str], Services], Awaitable[Mapping[str, Standing]]]


def matched(pattern: re.Pattern[str], keys: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The keys of the pattern's form, with its groups."""
    found = ((key, pattern.fullmatch(key)) for key in keys)
    return {key: match.groups() for key, match in found if match is not None}


async def loaded(cls: type[A], ids: Iterable[str], services: Services) -> dict[str, A]:
    """Those of the aggregates that exist, by id."""
    wanted, found = iter(sorted(set(ids))), dict[str, A]()
    while some := list(islice(wanted, QUESTION)):
        found |= await services.store.load_many(cls, some)
    return found
