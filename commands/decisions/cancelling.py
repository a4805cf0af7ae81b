"""Cancelling an order: by its customer, by staff, or by the clock; what it held is let go with it."""

import structlog

from commands.context import Command
from commands.unit_of_work import UnitOfWork
from domain.errors import NotFound
from domain.order_events import CancelReason
from domain.orders import Note, Order
from domain.payment_events import RefundReason
from domain.payments import Payment
from domain.sessions import User
from domain.stock import Stock
from domain.values import OrderId, Role

log = structlog.get_logger(__name__)


class CancelOrder(Command):
    reason: Note = ""


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
