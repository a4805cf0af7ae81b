"""What queries read: single documents, and how many a list has."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request
from pymongo.asynchronous.database import AsyncDatabase

from dependencies.services import Services
from domain.ports.events import Consistency
from domain.ports.shelf import Shelf

MOST_TOTALS = 1_000


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
        key, position = repr(query), self._consistency.position
        changed = self._consistency.last_change(changed_by)
        known = self._known.get(key)
        if known is not None and changed is not None and changed <= known[0]:
            return known[1]
        total = await count()
        self._known[key] = (position, total)
        if len(self._known) > MOST_TOTALS:
            self._known.popitem(last=False)
        return total


@dataclass(frozen=True, kw_only=True)
class ReadingServices(Services):
    """And the read models: for queries, the worker's projections and operators."""

    read_models: AsyncDatabase[dict[str, Any]]
    shelf: Shelf
    totals: Totals = field(init=False)

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
