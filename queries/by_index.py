"""Reads that name their index, because the planner would sometimes rather sort a whole category in memory."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog
from pymongo.errors import OperationFailure

log = structlog.get_logger(__name__)

T = TypeVar("T")
Keys = Sequence[tuple[str, int]]
BAD_VALUE = 2
"""MongoDB's code for a hint to an index that is not there, and for more: the words tell them apart."""


async def by_index(keys: Keys, read: Callable[[Keys | None], Awaitable[T]]) -> T:
    """Read along the index on these keys; without it where there is none yet.

    That is so in a new shop until a worker has made its collections, and after an upgrade until a worker of
    this build has moved the read models. The reader bounds its time itself.
    """
    try:
        return await read(keys)
    except OperationFailure as e:
        if e.code != BAD_VALUE or "hint" not in str(e):
            raise
        log.warning("read without its index", keys=keys)
        return await read(None)
