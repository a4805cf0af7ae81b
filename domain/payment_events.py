"""What happens to payments. Topics and fields are a storage format: change them only by adding."""

from enum import StrEnum
from typing import Any, ClassVar

from domain.kernel import DomainEvent, InitialEvent
from domain.values import Money, OrderId, UserId


class Source(StrEnum):
    """How we came to know."""

    CONFIRM = "confirm"
    WEBHOOK = "webhook"
    RECONCILIATION = "reconciliation"
    ANSWER = "answer"
    """To a call of our own."""


class RefundReason(StrEnum):
    ORDER_CANCELLED = "order_cancelled"
    ALREADY_PAID = "already_paid"
    WRONG_AMOUNT = "wrong_amount"
    TOO_MUCH = "too_much"
    STAFF = "staff"
    """Somebody of the shop decided so."""


class PaymentIntentRequested(InitialEvent):
    """We are about to ask the gateway. The payment's own id is the receipt."""

    TOPIC: ClassVar[str] = "PaymentIntentRequested"
    order_id: OrderId
    customer_id: UserId
    amount: Money
    gateway: str


class GatewayOrderCreated(DomainEvent):
    TOPIC: ClassVar[str] = "GatewayOrderCreated"
    gateway_order_id: str


class GatewayCallRejected(DomainEvent):
    """The gateway refused for certain; this payment is over and the order may start another."""

    TOPIC: ClassVar[str] = "GatewayCallRejected"
    code: str
    reason: str


class GatewayOutcomeUnknown(DomainEvent):
    """No trustworthy answer. Only a look at the gateway settles it; a time-out is no failure."""

    TOPIC: ClassVar[str] = "GatewayOutcomeUnknown"
    reason: str


class GatewayFact(DomainEvent):
    """What all that we learn of one gateway payment has in common; not stored by itself.

    `details` is the part of the gateway's answer that may be kept, as its adapter chose it.
    """

    order_id: OrderId
    gateway_payment_id: str
    source: Source
    method: str | None = None
    details: dict[str, Any]


class PaymentAttemptFailed(GatewayFact):
    TOPIC: ClassVar[str] = "PaymentAttemptFailed"
    error_code: str | None = None
    error_description: str | None = None


class PaymentAuthorized(GatewayFact):
    TOPIC: ClassVar[str] = "PaymentAuthorized"


class PaymentConfirmed(GatewayFact):
    """The money is captured, and it is at least what is due."""

    TOPIC: ClassVar[str] = "PaymentConfirmed"
    customer_id: UserId
    amount: Money


class PaymentAmountMismatched(GatewayFact):
    """The gateway names less money, or another currency, than we asked for. A person must look."""

    TOPIC: ClassVar[str] = "PaymentAmountMismatched"
    expected: Money
    seen: Money
    state: str


class ExtraPaymentCaptured(GatewayFact):
    """Money for a payment that is paid already."""

    TOPIC: ClassVar[str] = "ExtraPaymentCaptured"
    amount: Money


class PaymentRefundObserved(GatewayFact):
    """The gateway gave all the money back."""

    TOPIC: ClassVar[str] = "PaymentRefundObserved"
    amount: Money
    confirming: bool
    """It was the money that had confirmed the payment, not an extra one."""


class PaymentRefundNeeded(DomainEvent):
    """Money that is not ours to keep."""

    TOPIC: ClassVar[str] = "PaymentRefundNeeded"
    order_id: OrderId
    gateway_payment_id: str
    amount: Money
    reason: RefundReason


class PaymentClosed(DomainEvent):
    """Nobody waits for this money any more; if it comes all the same, it is looked at again."""

    TOPIC: ClassVar[str] = "PaymentClosed"
