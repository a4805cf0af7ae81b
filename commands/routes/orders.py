"""Orders over HTTP: placed and cancelled by customers, moved on by staff."""

from datetime import timedelta
from functools import partial
from typing import Annotated

from fastapi import Depends, Response, status

from commands.decisions.cancelling import CancelOrder, cancel_order
from commands.decisions.fulfilment import ShipOrder, deliver_order, ship_order, start_processing
from commands.decisions.placing import PlaceOrder, place_order
from dependencies.caller import CurrentUser, OrderManager
from dependencies.documents import object_id_or_404
from dependencies.executor import Execute
from dependencies.limits import limited
from dependencies.routers import PrefixRouter
from dependencies.services import AllServices
from domain.values import OrderId

router = PrefixRouter(prefix="/api/orders", tags=["orders"])

ORDERS = "orders"


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
