"""Orders over HTTP: placed and cancelled by customers, moved on by staff."""

from datetime import timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Response, status
from pydantic import StringConstraints

from commands.cancelling import CancelOrder, cancel_order
from commands.context import Command
from commands.placing import PlaceOrder, place_order
from commands.unit_of_work import UnitOfWork
from dependencies import (
    AllServices,
    CurrentUser,
    Execute,
    OrderManager,
    limited,
    object_id_or_404,
)
from domain.orders import Order
from domain.stock import Stock
from domain.values import OrderId

router = APIRouter(prefix="/api/orders", tags=["orders"])

ORDERS = "orders"

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class ShipOrder(Command):
    tracking_number: Name
    carrier: Name


async def start_processing(order_id: OrderId, work: UnitOfWork) -> Order:
    order = await work.load(Order, order_id)
    order.start_processing()
    return order


async def ship_order(order_id: OrderId, command: ShipOrder, work: UnitOfWork) -> Order:
    """The parcel leaves, and its units leave the stock, in one commit."""
    order = await work.load(Order, order_id)
    order.ship(tracking_number=command.tracking_number, carrier=command.carrier)
    for product_id in order.units:
        (await work.load(Stock, product_id)).dispatch(order_id)
    return order


async def deliver_order(order_id: OrderId, work: UnitOfWork) -> Order:
    order = await work.load(Order, order_id)
    order.deliver()
    return order


async def known_order(order_id: str) -> OrderId:
    """A malformed id names no order."""
    return str(object_id_or_404(order_id))


KnownOrder = Annotated[OrderId, Depends(known_order)]


@router.post("", status_code=status.HTTP_201_CREATED, dependencies=[limited("order")])
async def post_order(
    command: PlaceOrder, user: CurrentUser, execute: Execute, services: AllServices
) -> Response:
    reservation = timedelta(minutes=services.settings.reservation_minutes)
    placing = partial(place_order, command, user.id, reservation)
    return await execute(placing, shows=ORDERS, status=201)


@router.post("/{order_id}/cancel", dependencies=[limited("write")])
async def post_cancel(
    order_id: KnownOrder, user: CurrentUser, execute: Execute, command: CancelOrder | None = None
) -> Response:
    cancelling = partial(cancel_order, order_id, command or CancelOrder(), user)
    return await execute(cancelling, shows=ORDERS)


@router.post("/{order_id}/process", dependencies=[limited("write")])
async def post_process(order_id: KnownOrder, _: OrderManager, execute: Execute) -> Response:
    return await execute(partial(start_processing, order_id), shows=ORDERS)


@router.post("/{order_id}/shipments", dependencies=[limited("write")])
async def post_shipment(
    order_id: KnownOrder, command: ShipOrder, _: OrderManager, execute: Execute
) -> Response:
    return await execute(partial(ship_order, order_id, command), shows=ORDERS)


@router.post("/{order_id}/deliver", dependencies=[limited("write")])
async def post_delivery(order_id: KnownOrder, _: OrderManager, execute: Execute) -> Response:
    return await execute(partial(deliver_order, order_id), shows=ORDERS)
