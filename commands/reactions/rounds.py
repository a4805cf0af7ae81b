"""Rounds: what must not wait in one line is looked after again and again, item by item.

    EXPIRY = Round(name="unpaid orders expire", every_seconds=30, propose=due_orders, carry_out=expire)

A round *proposes* names from a read model, at most `most`, and *carries out* one command each; each thing
decides by its own stream, so a round that comes twice, late or in two processes changes nothing more. What
goes wrong with one item is that item's alone: it is set back, tried again after growing pauses, shown by
`parked list`, and holds up no other. Only a server that is away ends a round early, at nobody's cost.
"""

import zlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog

from dependencies.services import Services
from domain.errors import Unavailable

log = structlog.get_logger(__name__)

YOUNG = timedelta(hours=1)
SPREAD = 30

Propose = Callable[[Services, Collection[str]], Awaitable[Sequence[str]]]
"""Names that are due, none of those that wait after a setback."""
CarryOut = Callable[[str, Services], Awaitable[int]]
"""How much was done; False and 0 when there was nothing to do."""


@dataclass(frozen=True, kw_only=True)
class Round:
    name: str
    """A sentence: it is shown beside what was set back."""
    every_seconds: float
    propose: Propose
    carry_out: CarryOut
    most: int = 100
    """Items that are looked after in one round."""
    outage: Literal["ends the round", "is the item's"] = "ends the round"
    """What it means when a server is away: that one for all items, or for this one."""

    async def __call__(self, services: Services) -> int:
        """Once round. Answers how much was done. Raises what `propose` raises."""
        setbacks = services.setbacks
        waiting = await setbacks.waiting(self.name, now=services.clock())
        done = 0
        for name in (await self.propose(services, waiting))[: self.most]:
            try:
                done += await self.carry_out(name, services)
            except Unavailable as e:
                log.warning("a server is away", round=self.name, item=name, reason=e.detail)
                if self.outage == "ends the round":
                    break
            except Exception as fault:  # noqa: BLE001 - whatever it is, it is this item's alone
                log.warning("item set back", round=self.name, item=name, error=repr(fault))
                await setbacks.note(self.name, name, error=repr(fault), now=services.clock())
            else:
                await setbacks.settle(self.name, name)
        return done


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A round that sets its items back by itself, in their own streams."""

    name: str
    every_seconds: float
    go: Callable[[Services], Awaitable[int]]

    async def __call__(self, services: Services) -> int:
        return await self.go(services)


def is_due(name: str, *, since: datetime, now: datetime) -> bool:
    """The young in each round, the older ones in one of thirty: the name spreads them over half an hour."""
    minute = int(now.timestamp()) // 60
    return now - since < YOUNG or zlib.crc32(name.encode()) % SPREAD == minute % SPREAD
