"""What queries read: single documents, and how many a list has."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request
from pymongo.asynchronous.database import AsyncDatabase

from batching import Shared
from dependencies.services import Services
from domain.ports.events import Consistency
from domain.ports.shelf import Shelf

MOST_TOTALS = 1_000
MOST_RENDERED_BYTES = 32_000_000


class Totals:
    """How many a list has, until an event changes that."""

    def __init__(self, consistency: Consistency) -> None:
        self._consistency = consistency
        self._known: OrderedDict[str, tuple[int, int]] = OrderedDict()

    async def of(
        self,
        query: Mapping[str, Any],
        count: Callable[[], Awaitable[int]],
        *,
        changed_by: frozenset[str],
    ) -> int:
        """Counted anew after an event of these types: each is kept with the position before it."""
        known = self.known(query, changed_by=changed_by)
        if known is not None:
            return known
        position = self._consistency.position
        total = await count()
        self._known[repr(query)] = (position, total)
        if len(self._known) > MOST_TOTALS:
            self._known.popitem(last=False)
        return total

    def known(self, query: Mapping[str, Any], *, changed_by: frozenset[str]) -> int | None:
        """None when it must be counted."""
        changed = self._consistency.last_change(changed_by)
        known = self._known.get(repr(query))
        return known[1] if known and changed is not None and changed <= known[0] else None


@dataclass(frozen=True, slots=True)
class Rendering:
    json: bytes
    is_public: bool
    version: int


class Renderings:
    """Documents as answers show them, remembered by the documents' bytes: they cannot be out of date.

    For views that look at nothing but the document.
    """

    def __init__(self, *, most_bytes: int = MOST_RENDERED_BYTES) -> None:
        self._known: OrderedDict[bytes, Rendering] = OrderedDict()
        self._most_bytes = most_bytes
        self._bytes = 0

    def get(self, raw: bytes) -> Rendering | None:
        known = self._known.get(raw)
        if known is not None:
            self._known.move_to_end(raw)
        return known

    def keep(self, raw: bytes, shown: Rendering) -> None:
        if raw in self._known:
            return
        self._known[raw] = shown
        self._bytes += len(raw) + len(shown.json)
        while self._bytes > self._most_bytes:
            old, its = self._known.popitem(last=False)
            self._bytes -= len(old) + len(its.json)


@dataclass(frozen=True, kw_only=True)
class ReadingServices(Services):
    """And the read models: for queries, the worker's projections and operators."""

    read_models: AsyncDatabase[dict[str, Any]]
    shelf: Shelf
    totals: Totals = field(init=False)
    lists: Shared = field(init=False, default_factory=Shared)
    renderings: Renderings = field(init=False, default_factory=Renderings)
    """Of products, for customers."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "totals", Totals(self.consistency))


async def _reading(request: Request) -> ReadingServices:
    services: ReadingServices = request.app.state.services
    return services


Reading = Annotated[ReadingServices, Depends(_reading)]


async def _read_models(request: Request) -> AsyncDatabase[dict[str, Any]]:
    services: ReadingServices = request.app.state.services
    return services.read_models


ReadModels = Annotated[AsyncDatabase[dict[str, Any]], Depends(_read_models)]
