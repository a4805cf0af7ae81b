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

    Of the stock's events those that name this order. Personal parts stay sealed. `hash` covers the
    event's whole commit; `blockHash` chains the ledger's block that holds it.
    """
    order: Order | None = await services.store.load(Order, str(object_id_or_404(order_id)))
    if order is None or not (order.customer_id == user.id or user.has(Role.AUDITOR)):
        raise NotFound("there is no order with this id")
    events = await services.store.history_of(_streams(order))
    return answer([shown(event) for event in events if _concerns(order, event)])


def _streams(order: Order) -> list[str]:
    return [
        order.id,
        *(Payment.stream(payment_id) for payment_id in order.payment_ids),
        *(Stock.stream(product_id) for product_id in order.units),
    ]


def _concerns(order: Order, event: Mapping[str, Any]) -> bool:
    if not event["stream"].startswith(f"{Stock.CATEGORY}-"):
        return True
    return bool(event["data"].get("order_id") == order.object_id)


def shown(event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name != "personal"} | {
        "sealed": event.get("personal") is not None
    }
