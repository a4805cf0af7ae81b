"""The documents of `payments`, `openPayments` and `openRefunds`, as events make them."""

from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from domain.kernel import DomainEvent
from domain.payment_events import (
    ExtraPaymentCaptured,
    GatewayCallRejected,
    GatewayOrderCreated,
    GatewayOutcomeUnknown,
    PaymentAmountMismatched,
    PaymentAttemptFailed,
    PaymentAuthorized,
    PaymentClosed,
    PaymentConfirmed,
    PaymentRefundNeeded,
    PaymentRefundObserved,
    RefundReason,
    Source,
)
from domain.payments import Payment
from domain.refund_events import (
    RefundExplained,
    RefundFailed,
    RefundMadeAtGateway,
    RefundOutcomeUnknown,
    RefundProcessed,
    RefundRequested,
    RefundSent,
    RefundStanding,
)
from domain.values import Money
from projections.payments import MAX_ATTEMPTS, OPEN_PAYMENTS, PAYMENTS, WATCHED
from projections.refunds import OPEN_REFUNDS
from tests.folding import AT, folded
from tests.shop import CUSTOMER_ID, INTENT, ORDER_ID, PAYMENT_ID, TOTAL

REFUND_ID = "65f0000000000000000000e1"
FACT: dict[str, Any] = {
    "order_id": ORDER_ID,
    "gateway_payment_id": "pay_1",
    "source": Source.WEBHOOK,
    "method": "upi",
    "details": {"fee": 200},
}
CONFIRMED = PaymentConfirmed(**FACT, customer_id=CUSTOMER_ID, amount=TOTAL)
REFUND: dict[str, Any] = {
    "order_id": ORDER_ID,
    "customer_id": CUSTOMER_ID,
    "refund_id": REFUND_ID,
    "gateway_payment_id": "pay_1",
    "amount": Money(amount=500_00),
}
ASKED = RefundRequested(**REFUND, reason=RefundReason.STAFF)
SENT = RefundSent(**REFUND, gateway_refund_id="rfnd_1", source=Source.ANSWER)
PROCESSED = RefundProcessed(
    **REFUND,
    gateway_refund_id="rfnd_1",
    source=Source.WEBHOOK,
    refunded=Money(amount=500_00),
    standing=RefundStanding.PARTIAL,
    whole=False,
)


def payment(*events: DomainEvent) -> dict[str, Any]:
    told = ((Payment, PAYMENT_ID, event) for event in (INTENT, *events))
    return folded(PAYMENTS, *told)[ObjectId(PAYMENT_ID)]


def attempt(state: str, *, after: int = 1) -> dict[str, Any]:
    return {
        "transactionId": "pay_1",
        "state": state,
        "method": "upi",
        "source": "webhook",
        "at": AT + timedelta(seconds=after),
    }


def test_a_payment_that_was_asked_for_is_this_document() -> None:
    assert payment() == {
        "_id": ObjectId(PAYMENT_ID),
        "orderId": ObjectId(ORDER_ID),
        "userId": ObjectId(CUSTOMER_ID),
        "amount": 179_998,
        "amountMinor": 179_998_00,
        "currency": "INR",
        "gateway": "razorpay",
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
        "createdAt": AT,
        "updatedAt": AT,
        "version": 1,
        "position": 1,
    }


@pytest.mark.parametrize(
    ("event", "changed"),
    [
        (GatewayOrderCreated(gateway_order_id="order_1"), {"gatewayOrderId": "order_1"}),
        (
            GatewayCallRejected(code="gateway-refused", reason="amount too low"),
            {"status": "failed", "failureReason": "amount too low"},
        ),
        (GatewayOutcomeUnknown(reason="cut"), {"status": "processing"}),
        (
            PaymentAttemptFailed(**FACT, error_code="E", error_description="declined"),
            {
                "attempts": [attempt("failed")],
                "method": "upi",
                "status": "failed",
                "failureReason": "declined",
            },
        ),
        (
            PaymentAuthorized(**FACT),
            {"attempts": [attempt("authorized")], "method": "upi", "status": "processing"},
        ),
        (
            CONFIRMED,
            {
                "attempts": [attempt("captured")],
                "method": "upi",
                "status": "completed",
                "transactionId": "pay_1",
                "gatewayResponse": {"fee": 200},
            },
        ),
        (ExtraPaymentCaptured(**FACT, amount=TOTAL), {"attempts": [attempt("captured")]}),
        (
            PaymentAmountMismatched(
                **FACT, expected=TOTAL, seen=Money(amount=100), state="authorized"
            ),
            {
                "attempts": [attempt("authorized")],
                "status": "processing",
                "failureReason": f"100 INR instead of {TOTAL.amount}",
            },
        ),
        (
            PaymentRefundNeeded(
                order_id=ORDER_ID,
                gateway_payment_id="pay_1",
                amount=TOTAL,
                reason=RefundReason.TOO_MUCH,
            ),
            {"refundStatus": "pending", "refundReason": "too_much"},
        ),
        (
            PaymentRefundObserved(**FACT, amount=TOTAL, confirming=True),
            {"attempts": [attempt("refunded")], "refundStatus": "full"},
        ),
        (PaymentClosed(), {"status": "cancelled"}),
        (RefundExplained(customer_id=CUSTOMER_ID, refund_id=REFUND_ID, note="sorry"), {}),
        (RefundOutcomeUnknown(**REFUND, reason="cut"), {}),
    ],
)
def test_each_event_of_a_payment_changes_this_and_nothing_else(
    event: DomainEvent, changed: dict[str, Any]
) -> None:
    moved = {"updatedAt": AT + timedelta(seconds=1), "version": 2, "position": 2}
    assert payment(event) == payment() | changed | moved


def test_a_refund_is_kept_by_its_id_from_request_to_end() -> None:
    asked = {
        "refundId": REFUND_ID,
        "gatewayRefundId": None,
        "transactionId": "pay_1",
        "amount": 500,
        "amountMinor": 500_00,
        "currency": "INR",
        "status": "pending",
        "reason": "staff",
        "failureReason": None,
        "requestedAt": AT + timedelta(seconds=2),
        "processedAt": None,
    }
    shown = payment(CONFIRMED, ASKED)
    assert (shown["_refunds"], shown["refundStatus"]) == ({REFUND_ID: asked}, "pending")
    shown = payment(CONFIRMED, ASKED, SENT)
    assert shown["_refunds"] == {REFUND_ID: asked | {"gatewayRefundId": "rfnd_1"}}
    shown = payment(CONFIRMED, ASKED, SENT, PROCESSED)
    at = AT + timedelta(seconds=4)
    done = {"status": "processed", "gatewayRefundId": "rfnd_1", "processedAt": at}
    assert shown["_refunds"] == {REFUND_ID: asked | done}
    assert (shown["refundStatus"], shown["amountRefunded"]) == ("partial", 500)
    assert shown["amountRefundedMinor"] == 500_00


def test_a_refund_that_failed_says_why() -> None:
    failed = RefundFailed(**REFUND, reason="no such account", standing=RefundStanding.FAILED)
    shown = payment(CONFIRMED, ASKED, failed)
    assert shown["_refunds"][REFUND_ID]["status"] == "failed"
    assert shown["_refunds"][REFUND_ID]["failureReason"] == "no such account"
    assert shown["refundStatus"] == "failed"


def test_a_refund_made_at_the_gateways_own_desk_says_so() -> None:
    shown = payment(CONFIRMED, RefundMadeAtGateway(**REFUND, source=Source.WEBHOOK))
    assert shown["_refunds"][REFUND_ID]["reason"] == "at_gateway"


def test_only_the_latest_attempts_are_kept() -> None:
    shown = payment(*(PaymentAttemptFailed(**FACT) for _ in range(MAX_ATTEMPTS + 5)))
    assert len(shown["attempts"]) == MAX_ATTEMPTS
    assert shown["attempts"][-1]["at"] == AT + timedelta(seconds=MAX_ATTEMPTS + 5)


def test_a_payment_is_open_until_money_has_come_or_cannot_come() -> None:
    def still_open(*events: DomainEvent) -> list[Any]:
        told = ((Payment, PAYMENT_ID, event) for event in (INTENT, *events))
        return [(each["orderId"], each["since"]) for each in folded(OPEN_PAYMENTS, *told).values()]

    assert still_open() == [(ObjectId(ORDER_ID), AT)]
    assert still_open(PaymentClosed()) == [(ObjectId(ORDER_ID), AT)]
    assert still_open(CONFIRMED) == []
    assert still_open(GatewayCallRejected(code="x", reason="y")) == []
    assert timedelta(days=3) < WATCHED


def test_a_refund_is_open_until_the_gateway_has_settled_it() -> None:
    def still_open(*events: DomainEvent) -> list[Any]:
        told = ((Payment, PAYMENT_ID, event) for event in (INTENT, *events))
        found = folded(OPEN_REFUNDS, *told)
        return [(name, each["paymentId"]) for name, each in found.items()]

    assert still_open(ASKED) == [(ObjectId(REFUND_ID), ObjectId(PAYMENT_ID))]
    assert still_open(ASKED, SENT) == [(ObjectId(REFUND_ID), ObjectId(PAYMENT_ID))]
    assert still_open(ASKED, SENT, PROCESSED) == []
