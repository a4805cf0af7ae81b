from contextlib import suppress

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.errors import RuleViolation
from domain.payment_events import (
    GatewayOrderCreated,
    PaymentConfirmed,
    PaymentRefundNeeded,
    RefundReason,
    Source,
)
from domain.payment_states import RefundStatus, on_the_way
from domain.payments import Payment
from domain.ports.gateway import GatewayRefund, GatewayRefundState
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
from domain.refunds import (
    explain_refund,
    observe_refund,
    refund_outcome_unknown,
    refund_refused,
    request_owed,
    request_refund,
)
from domain.values import Money
from tests.given import given, replayed
from tests.shop import CUSTOMER_ID, INTENT, ORDER_ID, PAYMENT_ID, TOTAL, seen

REFUND_ID = "65f0000000000000000000e1"
OTHER_REFUND_ID = "65f0000000000000000000e2"
PAID = (
    INTENT,
    GatewayOrderCreated(gateway_order_id="order_1"),
    PaymentConfirmed(
        order_id=ORDER_ID,
        customer_id=CUSTOMER_ID,
        gateway_payment_id="pay_1",
        source=Source.WEBHOOK,
        details={},
        amount=TOTAL,
    ),
)
FACT = {
    "order_id": ORDER_ID,
    "customer_id": CUSTOMER_ID,
    "refund_id": REFUND_ID,
    "gateway_payment_id": "pay_1",
}


def needed(
    amount: int = TOTAL.amount, reason: RefundReason = RefundReason.STAFF
) -> PaymentRefundNeeded:
    return PaymentRefundNeeded(
        order_id=ORDER_ID, gateway_payment_id="pay_1", amount=Money(amount=amount), reason=reason
    )


def requested(
    amount: int = TOTAL.amount, reason: RefundReason = RefundReason.STAFF
) -> RefundRequested:
    return RefundRequested(**FACT, amount=Money(amount=amount), reason=reason)


def told(state: str, *, amount: int = TOTAL.amount, key: str | None = REFUND_ID) -> GatewayRefund:
    """What the gateway says of one refund."""
    return GatewayRefund(
        gateway_refund_id="rfnd_1",
        gateway_payment_id="pay_1",
        amount_minor=amount,
        currency="INR",
        state=GatewayRefundState(state),
        key=key,
    )


SENT = RefundSent(**FACT, amount=TOTAL, gateway_refund_id="rfnd_1", source=Source.WEBHOOK)
UNKNOWN = RefundOutcomeUnknown(**FACT, amount=TOTAL, reason="cut")
PROCESSED = RefundProcessed(
    **FACT,
    amount=TOTAL,
    gateway_refund_id="rfnd_1",
    source=Source.WEBHOOK,
    refunded=TOTAL,
    standing=RefundStanding.FULL,
    whole=True,
)
FAILED = RefundFailed(
    **FACT,
    amount=TOTAL,
    gateway_refund_id="rfnd_1",
    reason="the gateway could not deliver it",
    standing=RefundStanding.FAILED,
)
ASKED = (*PAID, needed(), requested())
OWED = needed(reason=RefundReason.ORDER_CANCELLED)


def test_what_is_flagged_is_requested_once() -> None:
    given(*PAID, OWED, of=Payment).when(
        request_owed,
        REFUND_ID,
        gateway_payment_id="pay_1",
        reason=RefundReason.ORDER_CANCELLED,
    ).then(requested(reason=RefundReason.ORDER_CANCELLED))


def test_what_is_on_its_way_is_not_requested_again() -> None:
    given(*ASKED, of=Payment).when(
        request_owed,
        OTHER_REFUND_ID,
        gateway_payment_id="pay_1",
        reason=RefundReason.ORDER_CANCELLED,
    ).then_nothing()


def test_without_an_amount_all_that_is_left_is_flagged_and_requested() -> None:
    payment = (
        given(*PAID, of=Payment)
        .when(request_refund, REFUND_ID, amount=None)
        .then(needed(), requested())
    )
    assert not payment.holds_its_money


def test_what_is_owed_already_is_requested_without_another_flag() -> None:
    given(*PAID, OWED, of=Payment).when(request_refund, REFUND_ID, amount=None).then(requested())


def test_more_than_is_left_is_refused_also_while_the_rest_is_on_its_way() -> None:
    given(*PAID, needed(500), requested(500), of=Payment).when(
        request_refund, OTHER_REFUND_ID, amount=TOTAL.amount - 499
    ).then_raises(RuleViolation, code="refund-exceeds-payment")


@pytest.mark.parametrize("events", [PAID[:2], ASKED, (*ASKED, UNKNOWN), (*ASKED, SENT, PROCESSED)])
def test_when_nothing_is_left_nothing_is_refunded(events: tuple[PaymentConfirmed, ...]) -> None:
    given(*events, of=Payment).when(request_refund, OTHER_REFUND_ID, amount=None).then_raises(
        RuleViolation, code="nothing-to-refund"
    )


def test_a_failed_refund_may_be_tried_again() -> None:
    again = requested().model_copy(update={"refund_id": OTHER_REFUND_ID})
    given(*ASKED, SENT, FAILED, of=Payment).when(request_refund, OTHER_REFUND_ID, amount=None).then(
        again
    )


def test_fifty_refunds_of_one_payment_are_enough() -> None:
    payment: Payment = replayed(Payment, PAID, object_id=PAYMENT_ID)
    for number in range(50):
        request_refund(payment, f"{number:024x}", amount=100)
    with pytest.raises(RuleViolation, match="at most 50"):
        request_refund(payment, REFUND_ID, amount=100)


def test_why_is_noted_once() -> None:
    given(*ASKED, of=Payment).when(explain_refund, REFUND_ID, note="a scratch").then(
        RefundExplained(customer_id=CUSTOMER_ID, refund_id=REFUND_ID, note="a scratch")
    )


def test_a_silent_gateway_leaves_the_refund_open() -> None:
    payment = (
        given(*ASKED, of=Payment)
        .when(refund_outcome_unknown, REFUND_ID, reason="cut")
        .then(UNKNOWN)
    )
    assert payment.refunds[REFUND_ID].status is RefundStatus.UNKNOWN


@pytest.mark.parametrize("before", [(), (UNKNOWN,)])
def test_a_processed_refund_was_sent(before: tuple[RefundOutcomeUnknown, ...]) -> None:
    given(*ASKED, *before, of=Payment).when(
        observe_refund, told("processed"), source=Source.WEBHOOK
    ).then(SENT, PROCESSED)


def test_a_refund_may_be_on_its_way_for_days() -> None:
    given(*ASKED, of=Payment).when(observe_refund, told("pending"), source=Source.WEBHOOK).then(
        SENT
    )


def test_a_refund_that_did_not_arrive_is_owed_again() -> None:
    payment = (
        given(*ASKED, SENT, of=Payment)
        .when(observe_refund, told("failed"), source=Source.WEBHOOK)
        .then(FAILED)
    )
    assert payment.owed("pay_1") == TOTAL.amount


def test_a_refused_refund_is_owed_again() -> None:
    refusal = FAILED.model_copy(update={"gateway_refund_id": None, "reason": "no balance"})
    given(*ASKED, UNKNOWN, of=Payment).when(refund_refused, REFUND_ID, reason="no balance").then(
        refusal
    )


@pytest.mark.parametrize("state", ["pending", "processed", "failed"])
@pytest.mark.parametrize("end", [PROCESSED, FAILED])
def test_what_is_settled_stays_so(state: str, end: RefundProcessed | RefundFailed) -> None:
    settled = given(*ASKED, SENT, end, of=Payment)
    settled.when(observe_refund, told(state), source=Source.WEBHOOK).then_nothing()
    settled.when(refund_refused, REFUND_ID, reason="late").then_nothing()
    settled.when(refund_outcome_unknown, REFUND_ID, reason="late").then_nothing()


def test_a_part_is_a_part() -> None:
    payment: Payment = replayed(Payment, (*PAID, needed(500), requested(500)), object_id=PAYMENT_ID)
    observe_refund(payment, told("processed", amount=500), source=Source.WEBHOOK)
    last = payment.pending_events[-1]
    assert isinstance(last, RefundProcessed)
    assert (last.standing, last.whole, last.refunded.amount) == (RefundStanding.PARTIAL, False, 500)


def test_what_was_refunded_at_the_gateways_desk_is_taken_in() -> None:
    made = FACT | {"refund_id": "rfnd_1"}
    payment = (
        given(*PAID, of=Payment)
        .when(observe_refund, told("pending", key=None), source=Source.WEBHOOK)
        .then(
            RefundMadeAtGateway(**made, amount=TOTAL, source=Source.WEBHOOK),
            RefundSent(**made, amount=TOTAL, gateway_refund_id="rfnd_1", source=Source.WEBHOOK),
        )
    )
    assert (payment.left("pay_1"), payment.owed("pay_1")) == (0, 0)
    assert not payment.holds_its_money


def test_the_refund_of_money_that_we_never_saw_is_no_news() -> None:
    given(*PAID[:2], of=Payment).when(
        observe_refund, told("processed", key=None), source=Source.WEBHOOK
    ).then_nothing()


@pytest.mark.parametrize("events", [ASKED, (*ASKED, SENT), (*ASKED, SENT, PROCESSED)])
def test_that_the_payment_is_refunded_is_no_news_when_our_refund_explains_it(
    events: tuple[PaymentConfirmed, ...],
) -> None:
    given(*events, of=Payment).when(
        Payment.observe, seen("refunded"), source=Source.WEBHOOK
    ).then_nothing()


def test_when_the_gateway_gave_all_back_unasked_our_own_refund_that_it_refuses_is_no_worry() -> (
    None
):
    """Nobody told us of the refund, only that the payment is refunded; ours then comes too late."""
    payment: Payment = replayed(Payment, (*PAID, needed(500), requested(500)), object_id=PAYMENT_ID)
    payment.observe(seen("refunded"), source=Source.RECONCILIATION)
    refund_refused(payment, REFUND_ID, reason="fully refunded already")
    last = payment.pending_events[-1]
    assert isinstance(last, RefundFailed)
    assert last.standing is RefundStanding.FULL
    assert (payment.owed("pay_1"), payment.left("pay_1")) == (0, 0)


steps = st.one_of(
    st.tuples(st.just("staff"), st.integers(100, TOTAL.amount)),
    st.tuples(st.just("cancel"), st.just(0)),
    st.tuples(st.just("request"), st.just(0)),
    st.tuples(
        st.sampled_from(("unknown", "refused", "pending", "processed", "failed")), st.integers(0, 9)
    ),
)


@for_all(st.lists(steps, max_size=30))
def test_refunds_never_come_to_more_than_was_captured(story: list[tuple[str, int]]) -> None:
    payment: Payment = replayed(Payment, PAID, object_id=PAYMENT_ID)
    for number, (step, value) in enumerate(story):
        with suppress(RuleViolation):
            take(payment, step, value, f"{number:024x}")
        attempt = payment.attempts["pay_1"]
        gone = on_the_way(payment.refunds.values(), "pay_1")
        assert 0 <= gone <= attempt.to_refund <= attempt.captured
        assert payment.left("pay_1") == attempt.captured - gone
    again: Payment = replayed(
        Payment,
        (*PAID, *payment.pending_events),  # type: ignore[arg-type]
        object_id=PAYMENT_ID,
    )
    assert (again.attempts, again.refunds) == (payment.attempts, payment.refunds)


def take(payment: Payment, step: str, value: int, new_id: str) -> None:
    known = list(payment.refunds)
    chosen = known[value % len(known)] if known else ""
    if step == "staff":
        request_refund(payment, new_id, amount=value)
    elif step == "cancel":
        payment.refund_all(RefundReason.ORDER_CANCELLED)
    elif step == "request":
        request_owed(
            payment, new_id, gateway_payment_id="pay_1", reason=RefundReason.ORDER_CANCELLED
        )
    elif chosen and step == "unknown":
        refund_outcome_unknown(payment, chosen, reason="cut")
    elif chosen and step == "refused":
        refund_refused(payment, chosen, reason="no")
    elif chosen:
        amount = payment.refunds[chosen].amount.amount
        observe_refund(
            payment,
            GatewayRefund(
                gateway_refund_id=f"rfnd_{chosen}",
                gateway_payment_id="pay_1",
                amount_minor=amount,
                currency="INR",
                state=GatewayRefundState(step),
                key=chosen,
            ),
            source=Source.WEBHOOK,
        )
