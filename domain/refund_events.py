"""What happens to money on its way back. Topics and fields are a storage format: change them only by adding.

All of it belongs to the payment's stream, so that no more can go back than was captured.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from domain.kernel import DomainEvent, PersonalData
from domain.payment_events import RefundReason, Source
from domain.values import Money, OrderId, UserId


class RefundStanding(StrEnum):
    """How far the refunds of a payment are, all of them together."""

    NONE = "none"
    PENDING = "pending"
    PARTIAL = "partial"
    FULL = "full"
    FAILED = "failed"
    """Money that is to go back did not: a person must look."""


class RefundFact(DomainEvent):
    """What the events of one refund have in common; not stored by itself."""

    order_id: OrderId
    customer_id: UserId
    refund_id: str
    """24 hexadecimal characters; of a refund made at the gateway's own desk, the gateway's id."""
    gateway_payment_id: str
    amount: Money


class RefundRequested(RefundFact):
    """We are about to ask the gateway. The refund's own id is the idempotency key."""

    TOPIC: ClassVar[str] = "RefundRequested"
    reason: RefundReason


class RefundExplained(DomainEvent):
    """Why, in the words of whoever asked for it."""

    TOPIC: ClassVar[str] = "RefundExplained"
    SUBJECT: ClassVar[str | None] = "customer_id"
    customer_id: UserId
    refund_id: str
    note: Annotated[str, PersonalData(erased="")]


class RefundOutcomeUnknown(RefundFact):
    """No trustworthy answer. Only a look at the gateway settles it; a time-out is no failure."""

    TOPIC: ClassVar[str] = "RefundOutcomeUnknown"
    reason: str


class RefundSent(RefundFact):
    """The gateway has taken it on; the money may be days on its way."""

    TOPIC: ClassVar[str] = "RefundSent"
    gateway_refund_id: str
    source: Source


class RefundMadeAtGateway(RefundFact):
    """Somebody refunded at the gateway's own desk; we were not asked."""

    TOPIC: ClassVar[str] = "RefundMadeAtGateway"
    source: Source


class RefundProcessed(RefundFact):
    """The money has left. `refunded` is all that this payment has given back by now."""

    TOPIC: ClassVar[str] = "RefundProcessed"
    gateway_refund_id: str
    source: Source
    refunded: Money
    standing: RefundStanding
    whole: bool
    """Nothing is left of the money that had confirmed the payment."""


class RefundFailed(RefundFact):
    """The gateway refused it, or could not deliver it: the money is still with the shop."""

    TOPIC: ClassVar[str] = "RefundFailed"
    gateway_refund_id: str | None = None
    reason: str
    standing: RefundStanding
