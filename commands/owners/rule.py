"""What is said of a stored file, and of those that have no owner by design."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import islice
from typing import TypeVar

from dependencies import Services
from domain.kernel import AggregateRoot

A = TypeVar("A", bound=AggregateRoot)

QUESTION = 500
"""So many aggregates are loaded in one question."""


class Standing(StrEnum):
    YOUNG = "young"
    """Its commit may be under way."""
    OWNED = "owned"
    NOBODYS = "nobody's"
    UNKNOWN = "unknown"
    """It cannot be told, so it is left alone."""


Rule = Callable[[Sequence[str], Services], Awaitable[Mapping[str, Standing]]]


async def nobodys(keys: Sequence[str], _: Services) -> Mapping[str, Standing]:
    return dict.fromkeys(keys, Standing.NOBODYS)


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
