"""What is decided about money that goes back: flagged, requested, sent, processed; or failed.

What is to go back is flagged first (`PaymentRefundNeeded`), then requested with an id of its own, and only
then sent. Refunds that have not failed never come to more than was captured, those on their way included.
"""

from dataclasses import replace

from domain.errors import RuleViolation
from domain.payment_events import RefundReason, Source
from domain.payment_states import (
    MAX_REFUNDS,
    RANK,
    SETTLED,
    UNANSWERED,
    Refund,
    RefundFactFields,
    RefundStatus,
    on_the_way,
    standing_of,
)
from domain.payments import Payment
from domain.ports.gateway import GatewayRefund, GatewayRefundState, GatewayState
from domain.refund_events import (
    RefundExplained,
    RefundFailed,
    RefundMadeAtGateway,
    RefundOutcomeUnknown,
    RefundProcessed,
    RefundRequested,
    RefundSent,
)
from domain.values import Money


def request_owed(
    payment: Payment, refund_id: str, *, gateway_payment_id: str, reason: RefundReason
) -> None:
    """Request what is flagged and not yet on its way. Nothing when no money is owed."""
    if refund_id not in payment.refunds and payment.owed(gateway_payment_id) > 0:
        _request(payment, refund_id, gateway_payment_id, payment.owed(gateway_payment_id), reason)


def request_refund(
    payment: Payment, refund_id: str, *, amount: int | None, gateway_payment_id: str | None = None
) -> None:
    """Request so many paise, or all that is left, because somebody of the shop says so.

    Without a gateway payment it is the one whose money is owed, else the one that confirmed. Raise
    RuleViolation when nothing is left, or less than is asked for.
    """
    if refund_id in payment.refunds:
        return
    chosen = _to_refund_of(payment, gateway_payment_id)
    left = payment.left(chosen)
    wanted = left if amount is None else amount
    if left <= 0:
        raise RuleViolation("no money is left to give back", code="nothing-to-refund")
    if wanted > left:
        raise RuleViolation(
            f"{left} paise are left to give back",
            code="refund-exceeds-payment",
            refundableMinor=left,
        )
    if len(payment.refunds) >= MAX_REFUNDS:
        raise RuleViolation(f"a payment has at most {MAX_REFUNDS} refunds", code="too-many-refunds")
    payment.need_refund(chosen, wanted - payment.owed(chosen), RefundReason.STAFF)
    _request(payment, refund_id, chosen, wanted, RefundReason.STAFF)


def explain_refund(payment: Payment, refund_id: str, *, note: str) -> None:
    """Once; `note` is personal."""
    if not payment.refunds[refund_id].explained:
        payment.record(
            RefundExplained, customer_id=payment.customer_id, refund_id=refund_id, note=note
        )


def refund_outcome_unknown(payment: Payment, refund_id: str, *, reason: str) -> None:
    refund = payment.refunds[refund_id]
    if refund.status is RefundStatus.REQUESTED:
        payment.record(RefundOutcomeUnknown, **_fact(payment, refund_id, refund), reason=reason)


def refund_refused(payment: Payment, refund_id: str, *, reason: str) -> None:
    """The gateway refused for certain: nothing was sent."""
    refund = payment.refunds[refund_id]
    if refund.status in UNANSWERED:
        _refund_fails(payment, refund_id, refund, None, reason)


def observe_refund(payment: Payment, seen: GatewayRefund, *, source: Source) -> None:
    """Take in what the gateway says of one refund. Of money that we never saw, it is no news."""
    refund_id = _known(payment, seen)
    if refund_id not in payment.refunds:
        if payment.rank_of(seen.gateway_payment_id) != RANK[GatewayState.CAPTURED]:
            return
        money = Money(amount=seen.amount_minor, currency=seen.currency)
        made = Refund(gateway_payment_id=seen.gateway_payment_id, amount=money)
        payment.record(RefundMadeAtGateway, **_fact(payment, refund_id, made), source=source)
    refund = payment.refunds[refund_id]
    gateway_refund_id = seen.gateway_refund_id
    if refund.status in UNANSWERED:
        payment.record(
            RefundSent,
            **_fact(payment, refund_id, refund),
            gateway_refund_id=gateway_refund_id,
            source=source,
        )
    if refund.status in SETTLED:
        return
    match seen.state:
        case GatewayRefundState.PENDING:
            return
        case GatewayRefundState.PROCESSED:
            _processed(payment, refund_id, refund, gateway_refund_id, source)
        case GatewayRefundState.FAILED:
            _refund_fails(
                payment, refund_id, refund, gateway_refund_id, "the gateway could not deliver it"
            )


def _to_refund_of(payment: Payment, gateway_payment_id: str | None) -> str:
    if gateway_payment_id is not None:
        return gateway_payment_id
    owing = [name for name in payment.attempts if payment.owed(name) and payment.left(name) > 0]
    return next(iter(owing), payment.confirmed_by or "")


def _known(payment: Payment, seen: GatewayRefund) -> str:
    """Our id of it, by the key that we asked with or by the gateway's id; else the gateway's id."""
    if seen.key in payment.refunds:
        return seen.key
    for refund_id, refund in payment.refunds.items():
        if refund.gateway_refund_id == seen.gateway_refund_id:
            return refund_id
    return seen.gateway_refund_id


def _request(
    payment: Payment, refund_id: str, gateway_payment_id: str, amount: int, reason: RefundReason
) -> None:
    currency = payment.attempts[gateway_payment_id].currency
    money = Money(amount=amount, currency=currency)
    asked = Refund(gateway_payment_id=gateway_payment_id, amount=money)
    payment.record(RefundRequested, **_fact(payment, refund_id, asked), reason=reason)


def _processed(
    payment: Payment, refund_id: str, refund: Refund, gateway_refund_id: str, source: Source
) -> None:
    after = _after(payment, refund_id, refund, RefundStatus.PROCESSED)
    back = {r: one for r, one in after.items() if one.status is RefundStatus.PROCESSED}
    currency = refund.amount.currency
    same = sum(r.amount.amount for r in back.values() if r.amount.currency == currency)
    confirming = payment.confirmed_by
    payment.record(
        RefundProcessed,
        **_fact(payment, refund_id, refund),
        gateway_refund_id=gateway_refund_id,
        source=source,
        refunded=Money(amount=same, currency=currency),
        standing=standing_of(payment.attempts, after),
        whole=confirming is not None
        and on_the_way(back.values(), confirming) >= payment.attempts[confirming].captured,
    )


def _refund_fails(
    payment: Payment, refund_id: str, refund: Refund, gateway_refund_id: str | None, reason: str
) -> None:
    after = _after(payment, refund_id, refund, RefundStatus.FAILED)
    payment.record(
        RefundFailed,
        **_fact(payment, refund_id, refund),
        gateway_refund_id=gateway_refund_id,
        reason=reason,
        standing=standing_of(payment.attempts, after),
    )


def _after(
    payment: Payment, refund_id: str, refund: Refund, status: RefundStatus
) -> dict[str, Refund]:
    return payment.refunds | {refund_id: replace(refund, status=status)}


def _fact(payment: Payment, refund_id: str, refund: Refund) -> RefundFactFields:
    return {
        "order_id": payment.order_id,
        "customer_id": payment.customer_id,
        "refund_id": refund_id,
        "gateway_payment_id": refund.gateway_payment_id,
        "amount": refund.amount,
    }
