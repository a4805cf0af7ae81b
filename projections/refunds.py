"""Refunds, on the documents of their payment and of their order; and the refunds to look after.

A payment keeps them by id in `_refunds`, which is shown as the list `refunds`.
"""

from datetime import datetime
from typing import Any

from bson import ObjectId

from domain.payment_events import PaymentRefundNeeded
from domain.refund_events import (
    RefundExplained,
    RefundFact,
    RefundFailed,
    RefundMadeAtGateway,
    RefundOutcomeUnknown,
    RefundProcessed,
    RefundRequested,
    RefundSent,
)
from projections.orders import ORDERS
from projections.payments import PAYMENTS
from projections.projection import Change, Delete, Projection, Put, Set, SetWhere
from projections.stored import Id, Kept, shape


@shape
class OpenRefund(Kept):
    paymentId: Id
    since: datetime


OPEN_REFUNDS = Projection("openRefunds", document=OpenRefund, version=1, indexes=[[("since", 1)]])
"""Refunds that the gateway has not settled: what reconciliation looks through."""


@PAYMENTS.on(RefundRequested)
def requested(event: RefundRequested, at: datetime) -> Change:
    return _begun(event, event.reason.value, at)


@PAYMENTS.on(RefundMadeAtGateway)
def made_at_gateway(event: RefundMadeAtGateway, at: datetime) -> Change:
    return _begun(event, "at_gateway", at)


@PAYMENTS.on(RefundExplained, RefundOutcomeUnknown)
def noted(_: RefundExplained | RefundOutcomeUnknown, at: datetime) -> Change:
    """Nothing to show but that the payment's version moved."""
    return Set({"updatedAt": at})


@PAYMENTS.on(RefundSent)
def sent(event: RefundSent, at: datetime) -> Change:
    return _moved(event, {"gatewayRefundId": event.gateway_refund_id}, {}, at)


@PAYMENTS.on(RefundProcessed)
def processed(event: RefundProcessed, at: datetime) -> Change:
    refund = {
        "status": "processed",
        "gatewayRefundId": event.gateway_refund_id,
        "processedAt": at,
    }
    return _moved(event, refund, _total(event), at)


@PAYMENTS.on(RefundFailed)
def failed(event: RefundFailed, at: datetime) -> Change:
    refund = {"status": "failed", "failureReason": event.reason}
    return _moved(event, refund, {"refundStatus": event.standing.value}, at)


@ORDERS.on(PaymentRefundNeeded, RefundRequested, RefundMadeAtGateway)
def order_waits_for_refund(
    event: PaymentRefundNeeded | RefundRequested | RefundMadeAtGateway, at: datetime
) -> Change:
    return _order_paid_by(event.object_id, {"refundStatus": "pending"}, at)


@ORDERS.on(RefundProcessed)
def order_refunded(event: RefundProcessed, at: datetime) -> Change:
    paid_back = {"paymentStatus": "refunded"} if event.whole else {}
    return _order_paid_by(event.object_id, _total(event) | paid_back, at)


@ORDERS.on(RefundFailed)
def order_not_refunded(event: RefundFailed, at: datetime) -> Change:
    return _order_paid_by(event.object_id, {"refundStatus": event.standing.value}, at)


@OPEN_REFUNDS.on(RefundRequested, RefundMadeAtGateway)
def opened(event: RefundRequested | RefundMadeAtGateway, at: datetime) -> Change:
    return Put({"paymentId": ObjectId(event.object_id), "since": at}, id=event.refund_id)


@OPEN_REFUNDS.on(RefundProcessed, RefundFailed)
def settled(event: RefundProcessed | RefundFailed, _: datetime) -> Change:
    return Delete(id=event.refund_id)


def _begun(event: RefundFact, reason: str, at: datetime) -> Change:
    refund = {
        "refundId": event.refund_id,
        "gatewayRefundId": None,
        "transactionId": event.gateway_payment_id,
        "amount": event.amount.major,
        "amountMinor": event.amount.amount,
        "currency": event.amount.currency,
        "status": "pending",
        "reason": reason,
        "failureReason": None,
        "requestedAt": at,
        "processedAt": None,
    }
    return Set({f"_refunds.{event.refund_id}": refund, "refundStatus": "pending", "updatedAt": at})


def _moved(
    event: RefundFact, refund: dict[str, Any], payment: dict[str, Any], at: datetime
) -> Change:
    inner = {f"_refunds.{event.refund_id}.{name}": value for name, value in refund.items()}
    return Set({**inner, **payment, "updatedAt": at})


def _total(event: RefundProcessed) -> dict[str, Any]:
    return {
        "refundStatus": event.standing.value,
        "amountRefunded": event.refunded.major,
        "amountRefundedMinor": event.refunded.amount,
    }


def _order_paid_by(payment_id: str, fields: dict[str, Any], at: datetime) -> Change:
    """An order shows the refunds of the payment that it names; those of an earlier one are its own."""
    return SetWhere({"paymentId": ObjectId(payment_id)}, {**fields, "updatedAt": at})
