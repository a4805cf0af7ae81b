"""The mails about an order: what its customer is told, in plain sentences."""

from dataclasses import dataclass

from domain.import_rules.price import format_inr
from domain.order_events import (
    CancelReason,
    OrderCancelled,
    OrderConfirmed,
    OrderPlaced,
    OrderShipped,
)
from domain.refund_events import RefundProcessed
from domain.values import Money


@dataclass(frozen=True)
class Letter:
    template: str
    """Stable: with the event's id it is the key by which a mail is sent once."""
    subject: str
    text: str


WHY_CANCELLED = {
    CancelReason.CUSTOMER: "as you asked",
    CancelReason.STAFF: "by the shop",
    CancelReason.PAYMENT_TIMEOUT: "because it was not paid in time",
}


def order_placed(event: OrderPlaced) -> Letter:
    lines = "\n".join(
        f"  {line.quantity} x {line.product_name}: {format_inr(line.total.amount)}"
        + (" (ordered in advance)" if line.is_preorder else "")
        for line in event.lines
    )
    return Letter(
        "order-placed",
        f"Your order {event.order_number}",
        f"Thank you for your order {event.order_number}.\n\n{lines}\n\n"
        f"Total, GST included: {format_inr(event.total.amount)}\n"
        f"We keep the pieces for you until {event.reserved_until:%d %B %Y, %H:%M} UTC; "
        "please pay by then.\n",
    )


def order_confirmed(event: OrderConfirmed, number: str) -> Letter:
    return Letter(
        "order-confirmed",
        f"Your order {number} is confirmed",
        f"We have received {format_inr(event.paid.amount)} for your order {number}.\n"
        "We write again when it is on its way.\n",
    )


def order_shipped(event: OrderShipped, number: str) -> Letter:
    return Letter(
        "order-shipped",
        f"Your order {number} is on its way",
        f"{event.carrier} carries your order {number} under the number {event.tracking_number}.\n",
    )


def order_cancelled(event: OrderCancelled, number: str) -> Letter:
    return Letter(
        "order-cancelled",
        f"Your order {number} is cancelled",
        f"Your order {number} was cancelled {WHY_CANCELLED[event.reason]}.\n"
        "If you have paid, the money goes back to you.\n",
    )


def refunded(event: RefundProcessed, number: str) -> Letter:
    return Letter(
        "refunded",
        f"Money for your order {number} goes back to you",
        f"We have sent {money(event.amount)} for your order {number} back the way you paid.\n"
        "Banks take five to seven working days to show it.\n",
    )


def money(amount: Money) -> str:
    """Money of another land may have come by mistake."""
    if amount.currency == "INR":
        return format_inr(amount.amount)
    return f"{amount.major} {amount.currency}"
