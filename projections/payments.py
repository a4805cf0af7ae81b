"""The `payments` collection, as the specification names its fields, and the payments to look after."""

from datetime import datetime, timedelta
from typing import Any, Literal

from bson import ObjectId
from typing_extensions import TypedDict

from domain.payment_events import (
    ExtraPaymentCaptured,
    GatewayCallRejected,
    GatewayFact,
    GatewayOrderCreated,
    GatewayOutcomeUnknown,
    PaymentAmountMismatched,
    PaymentAttemptFailed,
    PaymentAuthorized,
    PaymentClosed,
    PaymentConfirmed,
    PaymentIntentRequested,
    PaymentRefundNeeded,
    PaymentRefundObserved,
    RefundReason,
    Source,
)
from domain.payment_states import PaymentStatus
from domain.ports.gateway import GatewayState
from domain.refund_events import RefundStanding
from projections.projection import (
    Append,
    Change,
    Changes,
    Delete,
    DeleteWhere,
    Projection,
    Put,
    Set,
)
from projections.stored import Id, Stored, Word, shape

MAX_ATTEMPTS = 20
WATCHED = timedelta(days=5)
"""Razorpay may still capture a payment three days late, or by another page of its own five."""


@shape
class AttemptDocument(TypedDict):
    transactionId: str
    state: Word[GatewayState]
    method: str | None
    source: Word[Source]
    at: datetime


@shape
class RefundDocument(TypedDict):
    refundId: str
    gatewayRefundId: str | None
    transactionId: str
    amount: float
    amountMinor: int
    currency: str
    status: Literal["pending", "processed", "failed"]
    reason: str
    """Why the shop gives it back, or `at_gateway` when it was made at the gateway's own desk."""
    failureReason: str | None
    requestedAt: datetime
    processedAt: datetime | None


@shape
class PaymentDocument(Stored):
    orderId: Id
    userId: Id
    amount: float
    amountMinor: int
    currency: str
    gateway: str
    gatewayOrderId: str | None
    method: str | None
    status: Word[PaymentStatus]
    transactionId: str | None
    gatewayResponse: dict[str, Any]
    attempts: list[AttemptDocument]
    failureReason: str | None
    refundStatus: Word[RefundStanding]
    refundReason: Word[RefundReason] | None
    amountRefunded: float
    amountRefundedMinor: int
    _refunds: dict[str, RefundDocument]
    createdAt: datetime
    updatedAt: datetime


@shape
class OpenPayment(Stored):
    orderId: Id
    since: datetime


PAYMENTS = Projection(
    "payments",
    document=PaymentDocument,
    version=1,
    indexes=[
        [("userId", 1), ("createdAt", -1), ("_id", -1)],
        [("orderId", 1), ("createdAt", -1), ("_id", -1)],
        [("status", 1), ("createdAt", -1), ("_id", -1)],
        [("refundStatus", 1), ("createdAt", -1), ("_id", -1)],
        [("createdAt", -1), ("_id", -1)],
        [("transactionId", 1)],
    ],
)

OPEN_PAYMENTS = Projection(
    "openPayments", document=OpenPayment, version=1, indexes=[[("since", 1)]]
)
"""Payments whose money may still come: what reconciliation looks through."""


@PAYMENTS.on(PaymentIntentRequested)
def requested(event: PaymentIntentRequested, at: datetime) -> Change:
    return Put(
        {
            "orderId": ObjectId(event.order_id),
            "userId": ObjectId(event.customer_id),
            "amount": event.amount.major,
            "amountMinor": event.amount.amount,
            "currency": event.amount.currency,
            "gateway": event.gateway,
            "gatewayOrderId": None,
            "method": None,
            "status": "pending",
            "transactionId": None,
            "gatewayResponse": {},
            "attempts": [],
            "failureReason": None,
            "refundStatus": "none",
            "refundReason": None,
            "amountRefunded": 0,
            "amountRefundedMinor": 0,
            "_refunds": {},
            "createdAt": at,
            "updatedAt": at,
        }
    )


@PAYMENTS.on(GatewayOrderCreated)
def created_at_gateway(event: GatewayOrderCreated, at: datetime) -> Change:
    return Set({"gatewayOrderId": event.gateway_order_id, "status": "pending", "updatedAt": at})


@PAYMENTS.on(GatewayCallRejected)
def rejected(event: GatewayCallRejected, at: datetime) -> Change:
    return Set({"status": "failed", "failureReason": event.reason, "updatedAt": at})


@PAYMENTS.on(GatewayOutcomeUnknown)
def outcome_unknown(_: GatewayOutcomeUnknown, at: datetime) -> Change:
    return Set({"status": "processing", "updatedAt": at})


@PAYMENTS.on(PaymentAttemptFailed)
def attempt_failed(event: PaymentAttemptFailed, at: datetime) -> Changes:
    reason = event.error_description or event.error_code
    return (
        _attempt(event, "failed", at),
        Set({**_method(event), "status": "failed", "failureReason": reason, "updatedAt": at}),
    )


@PAYMENTS.on(PaymentAuthorized)
def authorized(event: PaymentAuthorized, at: datetime) -> Changes:
    return (
        _attempt(event, "authorized", at),
        Set({**_method(event), "status": "processing", "updatedAt": at}),
    )


@PAYMENTS.on(PaymentConfirmed)
def confirmed(event: PaymentConfirmed, at: datetime) -> Changes:
    return (
        _attempt(event, "captured", at),
        Set(
            {
                **_method(event),
                "status": "completed",
                "transactionId": event.gateway_payment_id,
                "gatewayResponse": dict(event.details),
                "failureReason": None,
                "updatedAt": at,
            }
        ),
    )


@PAYMENTS.on(ExtraPaymentCaptured)
def captured_again(event: ExtraPaymentCaptured, at: datetime) -> Changes:
    return (_attempt(event, "captured", at), Set({"updatedAt": at}))


@PAYMENTS.on(PaymentAmountMismatched)
def mismatched(event: PaymentAmountMismatched, at: datetime) -> Changes:
    reason = f"{event.seen.amount} {event.seen.currency} instead of {event.expected.amount}"
    return (
        _attempt(event, event.state, at),
        Set({"status": "processing", "failureReason": reason, "updatedAt": at}),
    )


@PAYMENTS.on(PaymentRefundNeeded)
def refund_needed(event: PaymentRefundNeeded, at: datetime) -> Change:
    return Set({"refundStatus": "pending", "refundReason": event.reason.value, "updatedAt": at})


@PAYMENTS.on(PaymentRefundObserved)
def refunded(event: PaymentRefundObserved, at: datetime) -> Changes:
    return (
        _attempt(event, "refunded", at),
        Set({"refundStatus": "full", "updatedAt": at}),
    )


@PAYMENTS.on(PaymentClosed)
def closed(_: PaymentClosed, at: datetime) -> Change:
    return Set({"status": "cancelled", "updatedAt": at})


@OPEN_PAYMENTS.on(PaymentIntentRequested)
def opened(event: PaymentIntentRequested, at: datetime) -> Changes:
    """With each new one, those go that are too old for money to come."""
    return (
        DeleteWhere({"since": {"$lt": at - WATCHED}}),
        Put({"orderId": ObjectId(event.order_id), "since": at}),
    )


@OPEN_PAYMENTS.on(PaymentConfirmed, GatewayCallRejected)
def settled(_: PaymentConfirmed | GatewayCallRejected, __: datetime) -> Change:
    return Delete()


def _attempt(event: GatewayFact, state: str, at: datetime) -> Append:
    return Append(
        "attempts",
        {
            "transactionId": event.gateway_payment_id,
            "state": state,
            "method": event.method,
            "source": event.source.value,
            "at": at,
        },
        keep=MAX_ATTEMPTS,
    )


def _method(event: GatewayFact) -> dict[str, Any]:
    return {} if event.method is None else {"method": event.method}
