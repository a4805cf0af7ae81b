"""Orders: placed by customers, cancelled by them or by staff, moved on by staff, expired by the clock."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Response, status
from pydantic import AfterValidator, Field, StringConstraints

from commands.context import Command, system_context
from commands.unit_of_work import UnitOfWork, run
from dependencies import (
    AllServices,
    CurrentUser,
    Execute,
    OrderManager,
    Services,
    limited,
    object_id_or_404,
)
from domain.catalogue import Product, ProductStatus
from domain.errors import DomainError, FieldError, Invalid, NotFound, RuleViolation
from domain.orders import MAX_LINES, CancelReason, Note, Order, OrderLine, units_to_hold
from domain.payments import Payment, RefundReason
from domain.sessions import User
from domain.stock import Stock
from domain.values import Address, ObjectIdText, OrderId, ProductId, Quantity, Role, checked_pin

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/api/orders", tags=["orders"])

ORDERS = "orders"
MAX_QUANTITY = 10
MAX_EXPIRED_IN_ONE_ROUND = 200

PostalAddress = Annotated[Address, AfterValidator(checked_pin)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


# --- Bodies --------------------------------------------------------------------------------------


class OrderItem(Command):
    product_id: ObjectIdText
    quantity: Quantity = 1


class PlaceOrder(Command):
    """Prices, names and pictures are ours; `expectedTotal` in rupees guards against a change of price."""

    items: Annotated[list[OrderItem], Field(min_length=1, max_length=MAX_LINES)]
    shipping_address: PostalAddress
    billing_address: PostalAddress | None = None
    expected_total: Annotated[Decimal, Field(ge=0, le=10**11, decimal_places=2)] | None = None


class CancelOrder(Command):
    reason: Note = ""


class ShipOrder(Command):
    tracking_number: Name
    carrier: Name


# --- Placing -------------------------------------------------------------------------------------


async def place_order(
    command: PlaceOrder, customer_id: str, reservation: timedelta, work: UnitOfWork
) -> Order:
    """The order and what it holds of each product's stock are one commit."""
    wanted = _summed(command.items)
    products = await _sellable(command.items, work)
    stocks = {product_id: await work.load(Stock, product_id) for product_id in wanted}
    lines = tuple(_line(products[i], stocks[i], quantity) for i, quantity in wanted.items())
    _check_stock(lines, stocks)
    order = Order.place(
        work.new_id(),
        customer_id=customer_id,
        lines=lines,
        shipping_address=command.shipping_address,
        billing_address=command.billing_address or command.shipping_address,
        now=work.now,
        reservation=reservation,
    )
    _check_total(command, order)
    for product_id, quantity in units_to_hold(lines).items():
        stocks[product_id].reserve(order.object_id, quantity=quantity, until=work.now + reservation)
    return work.add(order)


def _summed(items: Sequence[OrderItem]) -> dict[ProductId, int]:
    """Units of each product. Raise Invalid when its lines together are more than one order may have."""
    wanted: dict[ProductId, int] = {}
    for number, item in enumerate(items):
        wanted[item.product_id] = wanted.get(item.product_id, 0) + item.quantity
        if wanted[item.product_id] > MAX_QUANTITY:
            message = f"at most {MAX_QUANTITY} of one product"
            fault = FieldError(field=f"items.{number}.quantity", code="too-many", message=message)
            raise Invalid(message, code="too-many", errors=(fault,))
    return wanted


async def _sellable(items: Sequence[OrderItem], work: UnitOfWork) -> dict[ProductId, Product]:
    """Raise Invalid with every item whose product is not, or no longer, in the catalogue."""
    found: dict[ProductId, Product] = {}
    faults = []
    for number, item in enumerate(items):
        product = await work.find(Product, item.product_id)
        if product is None or product.status is not ProductStatus.ACTIVE:
            faults.append(
                FieldError(
                    field=f"items.{number}.productId",
                    code="unknown-product",
                    message="is not in the catalogue",
                )
            )
        else:
            found[item.product_id] = product
    if faults:
        raise Invalid(
            "some products cannot be bought", code="unknown-product", errors=tuple(faults)
        )
    return found


def _line(product: Product, stock: Stock, quantity: int) -> OrderLine:
    """What is out of stock and may be ordered in advance is; the shop decides, not the customer."""
    details = product.details
    return OrderLine(
        product_id=product.object_id,
        product_name=details.name,
        product_image=details.images[0] if details.images else "",
        quantity=quantity,
        unit_price=product.price,
        is_preorder=details.preorder and stock.available == 0,
        sku=details.sku or "",
    )


def _check_stock(lines: Sequence[OrderLine], stocks: dict[ProductId, Stock]) -> None:
    """Raise RuleViolation that names every product of which there is too little."""
    short = [
        {
            "productId": product_id,
            "requested": quantity,
            "available": stocks[product_id].available,
        }
        for product_id, quantity in units_to_hold(lines).items()
        if not stocks[product_id].can_hold(quantity)
    ]
    if short:
        raise RuleViolation("there is not enough in stock", code="insufficient-stock", lines=short)


def _check_total(command: PlaceOrder, order: Order) -> None:
    if command.expected_total is not None and command.expected_total * 100 != order.total.amount:
        raise RuleViolation(
            "the price has changed",
            code="price-changed",
            totalAmount=order.total.major,
            totalMinor=order.total.amount,
        )


# --- Cancelling ----------------------------------------------------------------------------------


async def cancel_order(
    order_id: OrderId, command: CancelOrder, user: User, work: UnitOfWork
) -> Order:
    order = await work.find(Order, order_id)
    owner = order is not None and order.customer_id == user.id
    if order is None or not (owner or user.has(Role.ORDER_MANAGER)):
        raise NotFound("there is no order with this id")
    order.cancel(CancelReason.CUSTOMER if owner else CancelReason.STAFF, note=command.reason)
    await _let_go(order, work)
    return order


async def expire_order(order_id: OrderId, work: UnitOfWork) -> Order | None:
    """Nothing happens to an order that is paid, cancelled or still in time.

    One whose money has come is about to be confirmed, whatever the clock says.
    """
    order = await work.load(Order, order_id)
    payments = [await work.load(Payment, payment_id) for payment_id in order.payment_ids]
    if any(payment.holds_its_money for payment in payments):
        return None
    order.expire(now=work.now)
    if not order.pending_events:
        return None
    await _let_go(order, work)
    return order


async def _let_go(order: Order, work: UnitOfWork) -> None:
    """What a cancelled order gives up in the same commit: its stock, its open payment, its money."""
    for product_id in order.units:
        (await work.load(Stock, product_id)).release(order.object_id)
    for payment_id in order.payment_ids:
        payment = await work.load(Payment, payment_id)
        payment.close()
        payment.refund_all(RefundReason.ORDER_CANCELLED)


async def expire_reservations(services: Services) -> int:
    """Cancel the orders that nobody paid in time; the worker's timer calls it. Answers how many.

    The read model only proposes; each order decides by its own stream, so calling it twice, late or in
    two processes changes nothing more.
    """
    due = services.read_models["orderDeadlines"].find({"until": {"$lte": services.clock()}})
    expired = 0
    for document in await due.sort("until").limit(MAX_EXPIRED_IN_ONE_ROUND).to_list():
        order_id = str(document["_id"])
        try:
            commit = await run(
                partial(expire_order, order_id),
                system_context("ExpireOrder", correlation=f"expiry-{order_id}"),
                services.store,
                claims_key=services.keyring.claims,
                clock=services.clock,
            )
        except DomainError as e:
            log.warning("order-not-expired", order=order_id, code=e.code)
            continue
        expired += commit is not None
    return expired


# --- Moving on -----------------------------------------------------------------------------------


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


# --- Endpoints -----------------------------------------------------------------------------------


def known_order(order_id: str) -> OrderId:
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
