"""Orders: placed, confirmed by payment, processed, shipped, delivered; or cancelled before they leave."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import StringConstraints

from domain.errors import Invalid, RuleViolation
from domain.kernel import AggregateRoot, applies
from domain.order_events import (
    CancelReason,
    OrderCancellationExplained,
    OrderCancelled,
    OrderConfirmed,
    OrderDelivered,
    OrderLine,
    OrderPaymentFailed,
    OrderPaymentRequested,
    OrderPlaced,
    OrderProcessingStarted,
    OrderRevived,
    OrderShipped,
    gst_included,
)
from domain.values import Address, Money, OrderId, PaymentId, ProductId, UserId

INDIA = timezone(timedelta(hours=5, minutes=30), "IST")
"""The one time zone of the shops that GST is for."""
MAX_LINES = 50
DELIVERY_DAYS = 5
PREORDER_DAYS = 21


class OrderStatus(StrEnum):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    PROCESSING = "processing"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


CANCELLABLE = {
    CancelReason.CUSTOMER: {OrderStatus.PENDING, OrderStatus.CONFIRMED},
    CancelReason.STAFF: {OrderStatus.PENDING, OrderStatus.CONFIRMED, OrderStatus.PROCESSING},
    CancelReason.PAYMENT_TIMEOUT: {OrderStatus.PENDING},
}

Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


def order_number(order_id: OrderId, placed_at: datetime) -> str:
    """A number for people, `KD-26-7F3K9-Q2MXZ`: 50 bits of the id's hash. Numbers have gaps.

    The year is that of the shop's clock on the wall: the first orders of January are not last year's.
    """
    digest = base64.b32encode(hashlib.sha256(order_id.encode()).digest()).decode()
    return f"KD-{placed_at.astimezone(INDIA):%y}-{digest[:5]}-{digest[5:10]}"


class Order(AggregateRoot):
    TOPIC: ClassVar[str] = "Order"
    CATEGORY: ClassVar[str] = "order"

    @classmethod
    def place(
        cls,
        order_id: OrderId,
        *,
        customer_id: UserId,
        lines: tuple[OrderLine, ...],
        shipping_address: Address,
        billing_address: Address,
        now: datetime,
        reservation: timedelta,
        gift_note: str = "",
    ) -> Self:
        """Raise Invalid for an order without lines, with too many, or with one product twice."""
        _check_lines(lines)
        total = sum((line.total for line in lines), Money.zero())
        days = PREORDER_DAYS if any(line.is_preorder for line in lines) else DELIVERY_DAYS
        return cls.start(
            order_id,
            OrderPlaced,
            customer_id=customer_id,
            order_number=order_number(order_id, now),
            lines=lines,
            total=total,
            tax=gst_included(total),
            shipping_address=shipping_address,
            billing_address=billing_address,
            reserved_until=now + reservation,
            estimated_delivery=now + timedelta(days=days),
            gift_note=gift_note,
        )

    @property
    def is_paid(self) -> bool:
        return self.paid_by is not None

    @property
    def awaits_payment(self) -> bool:
        return self.status is OrderStatus.PENDING and not self.is_paid

    @property
    def may_revive(self) -> bool:
        """It ran out of time; nobody wanted it cancelled."""
        return (
            self.status is OrderStatus.CANCELLED
            and self.cancel_reason is CancelReason.PAYMENT_TIMEOUT
        )

    def request_payment(self, payment_id: PaymentId) -> None:
        """Raise RuleViolation unless money is due for the order."""
        if self.payment_id == payment_id:
            return
        self.must_await_payment()
        self.record(OrderPaymentRequested, payment_id=payment_id)

    def must_await_payment(self) -> None:
        if self.is_paid:
            raise RuleViolation("this order is paid already", code="already-paid")
        if self.status is not OrderStatus.PENDING:
            raise self._illegal("be paid")

    def show_failed_payment(
        self, payment_id: PaymentId, *, gateway_payment_id: str, error_code: str | None
    ) -> None:
        """An attempt's failure is shown once, and only while the order waits for money."""
        if self.status is not OrderStatus.PENDING or gateway_payment_id in self.failed_attempts:
            return
        self.record(
            OrderPaymentFailed,
            payment_id=payment_id,
            gateway_payment_id=gateway_payment_id,
            error_code=error_code,
        )

    def confirm(self, payment_id: PaymentId, *, paid: Money) -> None:
        """Raise RuleViolation when it is not pending, when another payment paid it, or for too little."""
        if self.paid_by == payment_id:
            return
        self.must_await_payment()
        if paid.currency != self.total.currency or paid.amount < self.total.amount:
            raise RuleViolation(
                f"{self.total.amount} {self.total.currency} are due", code="too-little"
            )
        self.record(OrderConfirmed, customer_id=self.customer_id, payment_id=payment_id, paid=paid)

    def revive(self, payment_id: PaymentId, *, until: datetime) -> None:
        """Take back the cancellation of an order that ran out of time. `confirm` follows."""
        if not self.may_revive:
            raise self._illegal("be revived")
        self.record(OrderRevived, payment_id=payment_id, reserved_until=until)

    def start_processing(self) -> None:
        if self._moves(OrderStatus.CONFIRMED, to=OrderStatus.PROCESSING, verb="be processed"):
            self.record(OrderProcessingStarted)

    def ship(self, *, tracking_number: str, carrier: str) -> None:
        """Raise RuleViolation unless the order is being processed. The same parcel again: nothing."""
        if self.tracking_number == tracking_number:
            return
        if self.status is not OrderStatus.PROCESSING:
            raise self._illegal("be shipped")
        self.record(
            OrderShipped,
            customer_id=self.customer_id,
            tracking_number=tracking_number,
            carrier=carrier,
        )

    def deliver(self) -> None:
        if self._moves(OrderStatus.SHIPPED, to=OrderStatus.DELIVERED, verb="be delivered"):
            self.record(OrderDelivered)

    def cancel(self, reason: CancelReason, *, note: str = "") -> None:
        """Raise RuleViolation when the order is too far for whoever cancels it."""
        if self.status is OrderStatus.CANCELLED:
            return
        if self.status not in CANCELLABLE[reason]:
            raise self._illegal("be cancelled")
        self.record(OrderCancelled, customer_id=self.customer_id, reason=reason)
        if note:
            self.record(OrderCancellationExplained, customer_id=self.customer_id, note=note)

    def expire(self, *, now: datetime) -> None:
        """Cancel an order that nobody paid in time. Anything else stays as it is."""
        if self.status is OrderStatus.PENDING and self.reserved_until <= now:
            self.cancel(CancelReason.PAYMENT_TIMEOUT)

    def _moves(self, origin: OrderStatus, *, to: OrderStatus, verb: str) -> bool:
        """False when the order is there already. Raise RuleViolation when it cannot get there."""
        if self.status is to:
            return False
        if self.status is not origin:
            raise self._illegal(verb)
        return True

    def _illegal(self, verb: str) -> RuleViolation:
        return RuleViolation(
            f"a {self.status} order cannot {verb}",
            code="illegal-transition",
            currentStatus=self.status,
        )

    @applies(OrderPlaced)
    def _placed(self, event: OrderPlaced) -> None:
        self.customer_id: UserId = event.customer_id
        self.number: str = event.order_number
        self.total: Money = event.total
        self.units: Mapping[ProductId, int] = units_to_hold(event.lines)
        self.status: OrderStatus = OrderStatus.PENDING
        self.reserved_until: datetime = event.reserved_until
        self.payment_id: PaymentId | None = None
        self.payment_ids: tuple[PaymentId, ...] = ()
        self.paid_by: PaymentId | None = None
        self.failed_attempts: tuple[str, ...] = ()
        self.tracking_number: str | None = None
        self.cancel_reason: CancelReason | None = None

    @applies(OrderPaymentRequested)
    def _payment_requested(self, event: OrderPaymentRequested) -> None:
        self.payment_id = event.payment_id
        self.payment_ids += (event.payment_id,)

    @applies(OrderPaymentFailed)
    def _payment_failed(self, event: OrderPaymentFailed) -> None:
        self.failed_attempts += (event.gateway_payment_id,)

    @applies(OrderConfirmed)
    def _confirmed(self, event: OrderConfirmed) -> None:
        self.status = OrderStatus.CONFIRMED
        self.paid_by = event.payment_id

    @applies(OrderRevived)
    def _revived(self, event: OrderRevived) -> None:
        self.status = OrderStatus.PENDING
        self.cancel_reason = None
        self.reserved_until = event.reserved_until

    @applies(OrderProcessingStarted)
    def _processing_started(self, _: OrderProcessingStarted) -> None:
        self.status = OrderStatus.PROCESSING

    @applies(OrderShipped)
    def _shipped(self, event: OrderShipped) -> None:
        self.status = OrderStatus.SHIPPED
        self.tracking_number = event.tracking_number

    @applies(OrderDelivered)
    def _delivered(self, _: OrderDelivered) -> None:
        self.status = OrderStatus.DELIVERED

    @applies(OrderCancelled)
    def _cancelled(self, event: OrderCancelled) -> None:
        self.status = OrderStatus.CANCELLED
        self.cancel_reason = event.reason


def _check_lines(lines: tuple[OrderLine, ...]) -> None:
    if not lines:
        raise Invalid("an order has at least one line", code="empty-order")
    if len(lines) > MAX_LINES:
        raise Invalid(f"an order has at most {MAX_LINES} lines", code="too-many-lines")
    if len({line.product_id for line in lines}) < len(lines):
        raise Invalid("lines of the same product must be summed", code="repeated-product")


def units_to_hold(lines: Iterable[OrderLine]) -> dict[ProductId, int]:
    """How many of each product the stock must hold. What is ordered in advance holds nothing."""
    return {line.product_id: line.quantity for line in lines if not line.is_preorder}
