"""Which events change what products are and which there are, and which only how many are left."""

from domain import catalogue, stock
from domain.kernel import DomainEvent

LEFT: frozenset[type[DomainEvent]] = frozenset(
    {
        stock.StockReserved,
        stock.StockReleased,
        stock.StockCommitted,
        stock.StockDispatched,
    }
)
"""Every order brings some of these."""
ALL: frozenset[type[DomainEvent]] = frozenset(
    event
    for module in (catalogue, stock)
    for event in vars(module).values()
    if isinstance(event, type) and issubclass(event, DomainEvent) and "TOPIC" in vars(event)
)
CHANGING = frozenset(event.TOPIC for event in ALL - LEFT)
COUNTING = frozenset(event.TOPIC for event in LEFT)
EITHER = CHANGING | COUNTING
