"""What money does to its order, however we came to know of it."""

from datetime import timedelta

from commands.unit_of_work import UnitOfWork
from domain.orders import Order
from domain.payment_events import RefundReason
from domain.payments import Payment
from domain.stock import Stock
from domain.values import PaymentId

LATE_MONEY_RESERVATION = timedelta(minutes=30)
"""A revived order is confirmed in the same commit; its reservation never runs that long."""


async def settle_order(payment_id: PaymentId, work: UnitOfWork) -> Order:
    """Let a confirmed payment take effect: confirm its order, revive it, or flag the money for refund.

    Repeating it changes nothing. Nothing happens without a confirmed payment. When some of its money went
    back before it took effect, the rest pays no order: it goes back as well.
    """
    payment = await work.load(Payment, payment_id)
    order = await work.load(Order, payment.order_id)
    if payment.confirmed is None or order.paid_by == payment_id:
        return order
    if not payment.holds_its_money:
        payment.refund_all(RefundReason.WRONG_AMOUNT)
        return order
    stocks = [(await work.load(Stock, i), quantity) for i, quantity in order.units.items()]
    if order.may_revive and all(stock.can_hold(quantity) for stock, quantity in stocks):
        until = work.now + LATE_MONEY_RESERVATION
        order.revive(payment_id, until=until)
        for stock, quantity in stocks:
            stock.reserve(order.object_id, quantity=quantity, until=until)
    if not order.awaits_payment:
        payment.refund_all(
            RefundReason.ALREADY_PAID if order.is_paid else RefundReason.ORDER_CANCELLED
        )
        return order
    order.confirm(payment_id, paid=payment.confirmed)
    for stock, _ in stocks:
        stock.commit(order.object_id)
    return order


async def show_failed_payment(
    payment_id: PaymentId, gateway_payment_id: str, error_code: str | None, work: UnitOfWork
) -> Order:
    payment = await work.load(Payment, payment_id)
    order = await work.load(Order, payment.order_id)
    order.show_failed_payment(
        payment_id, gateway_payment_id=gateway_payment_id, error_code=error_code
    )
    return order
