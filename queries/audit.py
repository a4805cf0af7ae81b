"""The history of an order, its payments and its stock, straight from the event store, with the hashes."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response

from dependencies import AllServices, CurrentUser, answer, limited, object_id_or_404
from domain.errors import NotFound
from domain.orders import Order
from domain.payments import Payment
from domain.stock import Stock
from domain.values import Role

router = APIRouter(prefix="/api/audit", tags=["audit"], dependencies=[limited("read")])


@router.get("/orders/{order_id}/history")
async def get_order_history(order_id: str, user: CurrentUser, services: AllServices) -> Response:
    """Every event in the order of history, for the owner, auditors and administrators.

    What an order does to stock is in the order's own commits. Personal parts stay sealed. `hash`
    covers the event's whole commit; `blockHash` chains the ledger's block that holds it.
    """
    order: Order | None = await services.store.load(Order, str(object_id_or_404(order_id)))
    if order is None or not (order.customer_id == user.id or user.has(Role.AUDITOR)):
        raise NotFound("there is no order with this id")
    payments = [Payment.stream(payment_id) for payment_id in order.payment_ids]
    stocks = [Stock.stream(product_id) for product_id in order.units]
    events = await services.store.history_of([order.id, *payments], beside=stocks)
    return answer([shown(event) for event in events])


def shown(event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name != "personal"} | {
        "sealed": event.get("personal") is not None
    }
