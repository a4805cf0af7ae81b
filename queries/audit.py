"""The history of an order, its payments and its stock, straight from the event store, with the hashes."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query, Response

from dependencies.answers import answer
from dependencies.caller import CurrentUser
from dependencies.documents import object_id_or_404
from dependencies.limits import limited
from dependencies.reading import Reading
from dependencies.routers import PrefixRouter
from domain.errors import NotFound
from domain.orders import Order
from domain.payments import Payment
from domain.stock import Stock
from domain.values import Role

MAX_EVENTS = 500
MAX_POSITION = 2**53

router = PrefixRouter(prefix="/api/audit", tags=["audit"], dependencies=[limited("read")])


@router.get("/orders/{order_id}/history")
async def get_order_history(
    order_id: str,
    user: CurrentUser,
    services: Reading,
    after: Annotated[int, Query(ge=0, le=MAX_POSITION, description="a position")] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_EVENTS)] = MAX_EVENTS,
) -> Response:
    """The events in the order of history, for the owner, auditors and administrators. While
    `pagination.hasMore`, the next page follows `after` its last position.

    What an order does to stock is in the order's own commits. Personal parts stay sealed. `hash`
    covers the event's whole commit; `blockHash` chains the ledger's block that holds it.
    """
    order: Order | None = await services.store.load(Order, str(object_id_or_404(order_id)))
    if order is None or not (order.customer_id == user.id or user.has(Role.AUDITOR)):
        raise NotFound("there is no order with this id")
    payments = [Payment.stream(payment_id) for payment_id in order.payment_ids]
    stocks = [Stock.stream(product_id) for product_id in order.units]
    events = await services.store.history_of(
        [order.id, *payments], beside=stocks, after_position=after, limit=limit + 1
    )
    page = {"after": after, "limit": limit, "hasMore": len(events) > limit}
    return answer([shown(event) for event in events[:limit]], pagination=page)


def shown(event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name != "personal"} | {
        "sealed": event.get("personal") is not None
    }
