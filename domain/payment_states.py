"""How far payments and refunds have come, and what that leaves of the money: values and sums."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypedDict

from domain.payment_events import Source
from domain.ports.gateway import GatewayState
from domain.refund_events import RefundStanding
from domain.values import Money, OrderId, UserId

RANK = {
    GatewayState.CREATED: 0,
    GatewayState.FAILED: 1,
    GatewayState.AUTHORIZED: 2,
    GatewayState.CAPTURED: 3,
    GatewayState.REFUNDED: 4,
}
MAX_REFUNDS = 50
"""Of one payment: what the gateway lists on one page, with room for those made at its own desk."""


class PaymentStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RefundStatus(StrEnum):
    REQUESTED = "requested"
    UNKNOWN = "unknown"
    SENT = "sent"
    PROCESSED = "processed"
    FAILED = "failed"


UNANSWERED = frozenset({RefundStatus.REQUESTED, RefundStatus.UNKNOWN})
SETTLED = frozenset({RefundStatus.PROCESSED, RefundStatus.FAILED})


@dataclass(frozen=True)
class Attempt:
    """How far one gateway payment came, and how many paise of it are to go back."""

    rank: int = 0
    captured: int = 0
    currency: str = "INR"
    to_refund: int = 0


@dataclass(frozen=True, kw_only=True)
class Refund:
    gateway_payment_id: str
    amount: Money
    status: RefundStatus = RefundStatus.REQUESTED
    gateway_refund_id: str | None = None
    explained: bool = False


class Seen(TypedDict):
    order_id: OrderId
    gateway_payment_id: str
    source: Source
    method: str | None
    details: dict[str, Any]


class RefundFactFields(TypedDict):
    order_id: OrderId
    customer_id: UserId
    refund_id: str
    gateway_payment_id: str
    amount: Money


def on_the_way(refunds: Iterable[Refund], gateway_payment_id: str) -> int:
    """Paise of one gateway payment in refunds that have not failed: asked for, sent or gone."""
    return sum(
        refund.amount.amount
        for refund in refunds
        if refund.gateway_payment_id == gateway_payment_id
        and refund.status is not RefundStatus.FAILED
    )


def owed_of(
    attempts: Mapping[str, Attempt], refunds: Mapping[str, Refund], gateway_payment_id: str
) -> int:
    """Paise of one gateway payment that are to go back and are not on their way."""
    attempt = attempts[gateway_payment_id]
    if attempt.rank != RANK[GatewayState.CAPTURED]:
        return 0
    return max(attempt.to_refund - on_the_way(refunds.values(), gateway_payment_id), 0)


def standing_of(attempts: Mapping[str, Attempt], refunds: Mapping[str, Refund]) -> RefundStanding:
    """How far the refunds of a payment are, once there are any. What is only flagged yet is pending."""
    states = {refund.status for refund in refunds.values()}
    if states - SETTLED:
        return RefundStanding.PENDING
    if any(owed_of(attempts, refunds, name) for name in attempts):
        failed = RefundStatus.FAILED in states
        return RefundStanding.FAILED if failed else RefundStanding.PENDING
    kept = sum(
        attempt.captured - on_the_way(refunds.values(), name)
        for name, attempt in attempts.items()
        if attempt.rank == RANK[GatewayState.CAPTURED]
    )
    return RefundStanding.PARTIAL if kept > 0 else RefundStanding.FULL
