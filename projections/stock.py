"""How many can be sold, on the product's document. The stream of a stock shares the product's id."""

from datetime import datetime
from typing import Any

from domain.stock import (
    StockCommitted,
    StockCounted,
    StockDispatched,
    StockOpened,
    StockReceived,
    StockReleased,
    StockReserved,
)
from projections.catalogue import PRODUCTS
from projections.projection import Change, Set


@PRODUCTS.on(StockOpened, StockCounted)
def counted(event: StockOpened | StockCounted, at: datetime) -> Change:
    return Set(
        {
            "stock.policy": "untracked" if event.on_hand is None else "tracked",
            "stock.onHand": event.on_hand,
            "stock.limited": event.limited,
            **_left(event.available),
            "updatedAt": at,
        },
        id=event.object_id,
    )


@PRODUCTS.on(StockReceived, StockDispatched)
def moved(event: StockReceived | StockDispatched, _: datetime) -> Change:
    return Set({"stock.onHand": event.on_hand, **_left(event.available)}, id=event.object_id)


@PRODUCTS.on(StockReserved, StockReleased, StockCommitted)
def held(event: StockReserved | StockReleased | StockCommitted, _: datetime) -> Change:
    return Set(_left(event.available), id=event.object_id)


def _left(available: int | None) -> dict[str, Any]:
    return {"stock.available": available, "inStock": available is None or available > 0}
