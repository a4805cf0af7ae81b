import itertools

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.errors import RuleViolation
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
from domain.payment_states import RANK, PaymentStatus
from domain.payments import Payment
from domain.ports.gateway import GatewayPayment, GatewayState
from domain.values import Money
from tests.given import given, replayed
from tests.shop import CUSTOMER_ID, INTENT, ORDER_ID, PAYMENT_ID, TOTAL, seen

CREATED = GatewayOrderCreated(gateway_order_id="order_1")
UNKNOWN = GatewayOutcomeUnknown(reason="it did not answer")
REJECTED = GatewayCallRejected(code="gateway-refused", reason="too little")
CLOSED = PaymentClosed()
CONFIRMED = PaymentConfirmed(
    order_id=ORDER_ID,
    customer_id=CUSTOMER_ID,
    gateway_payment_id="pay_1",
    source=Source.WEBHOOK,
    method="upi",
    details={"fee": 200, "captured": True},
    amount=TOTAL,
)
AUTHORIZED = PaymentAuthorized(
    order_id=ORDER_ID,
    gateway_payment_id="pay_1",
    source=Source.CONFIRM,
    method="upi",
    details={"fee": 200, "captured": False},
)
FAILED = PaymentAttemptFailed(
    order_id=ORDER_ID,
    gateway_payment_id="pay_1",
    source=Source.WEBHOOK,
    method="upi",
    details={"fee": 200, "captured": False},
    error_code="BAD_REQUEST_ERROR",
    error_description="Payment failed",
)


def flagged(
    reason: RefundReason, *, amount: int = TOTAL.amount, payment: str = "pay_1"
) -> PaymentRefundNeeded:
    return PaymentRefundNeeded(
        order_id=ORDER_ID,
        gateway_payment_id=payment,
        amount=Money(amount=amount),
        reason=reason,
    )


def test_a_payment_is_asked_for_with_the_orders_amount() -> None:
    given().when(
        Payment.request,
        PAYMENT_ID,
        order_id=ORDER_ID,
        customer_id=CUSTOMER_ID,
        amount=TOTAL,
        gateway="razorpay",
    ).then(INTENT)


def test_the_gateways_order_is_noted_once() -> None:
    given(INTENT).when(Payment.created_at_gateway, "order_1").then(CREATED)


def test_a_second_gateway_order_stays_unused() -> None:
    payment = given(INTENT, CREATED).when(Payment.created_at_gateway, "order_2").then_nothing()
    assert payment.gateway_order_id == "order_1"


def test_a_refused_payment_is_over() -> None:
    payment = (
        given(INTENT)
        .when(Payment.rejected_by_gateway, code="gateway-refused", reason="too little")
        .then(REJECTED)
    )
    assert (payment.is_open, payment.status) == (False, PaymentStatus.FAILED)


def test_a_silent_gateway_leaves_the_payment_open() -> None:
    payment = (
        given(INTENT)
        .when(Payment.left_unknown_by_gateway, reason="it did not answer")
        .then(UNKNOWN)
    )
    assert (payment.is_open, payment.status) == (True, PaymentStatus.PROCESSING)


def test_a_gateway_that_answers_later_settles_what_was_unknown() -> None:
    payment = given(INTENT, UNKNOWN).when(Payment.created_at_gateway, "order_1").then(CREATED)
    assert payment.status is PaymentStatus.PENDING


def test_nothing_is_unknown_once_the_gateways_order_is_there() -> None:
    given(INTENT, CREATED).when(Payment.left_unknown_by_gateway, reason="late").then_nothing()
    given(INTENT, CREATED).when(Payment.rejected_by_gateway, code="x", reason="late").then_nothing()


def test_captured_money_confirms() -> None:
    payment = (
        given(INTENT, CREATED).when(Payment.observe, seen(), source=Source.WEBHOOK).then(CONFIRMED)
    )
    assert payment.status is PaymentStatus.COMPLETED
    assert payment.holds_its_money


def test_authorized_money_is_under_way() -> None:
    payment = (
        given(INTENT, CREATED)
        .when(Payment.observe, seen("authorized"), source=Source.CONFIRM)
        .then(AUTHORIZED)
    )
    assert payment.status is PaymentStatus.PROCESSING


def test_a_failed_attempt_leaves_the_payment_open() -> None:
    payment = (
        given(INTENT, CREATED)
        .when(Payment.observe, seen("failed"), source=Source.WEBHOOK)
        .then(FAILED)
    )
    assert (payment.is_open, payment.status) == (True, PaymentStatus.FAILED)


def test_a_failed_payment_may_still_be_captured() -> None:
    given(INTENT, CREATED, FAILED).when(Payment.observe, seen(), source=Source.WEBHOOK).then(
        CONFIRMED
    )


def test_a_payment_that_was_only_begun_is_no_news() -> None:
    given(INTENT, CREATED).when(
        Payment.observe, seen("created"), source=Source.WEBHOOK
    ).then_nothing()


@pytest.mark.parametrize("state", ["created", "failed", "authorized", "captured"])
def test_states_never_fall(state: str) -> None:
    given(INTENT, CREATED, CONFIRMED).when(
        Payment.observe, seen(state), source=Source.RECONCILIATION
    ).then_nothing()


def test_a_failed_attempt_is_no_news_while_another_is_under_way() -> None:
    given(INTENT, CREATED, AUTHORIZED).when(
        Payment.observe, seen("failed", payment="pay_2"), source=Source.WEBHOOK
    ).then_nothing()


@pytest.mark.parametrize("state", ["failed", "authorized"])
def test_other_attempts_are_no_news_once_it_is_paid(state: str) -> None:
    given(INTENT, CREATED, CONFIRMED).when(
        Payment.observe, seen(state, payment="pay_2"), source=Source.WEBHOOK
    ).then_nothing()


def test_a_payment_for_another_order_is_refused() -> None:
    given(INTENT, CREATED).when(
        Payment.observe, seen(order="order_2"), source=Source.CONFIRM
    ).then_raises(RuleViolation, code="foreign-payment")


def test_a_second_captured_payment_is_kept_and_goes_back() -> None:
    extra = ExtraPaymentCaptured(
        order_id=ORDER_ID,
        gateway_payment_id="pay_2",
        source=Source.WEBHOOK,
        method="upi",
        details={"fee": 200, "captured": True},
        amount=TOTAL,
    )
    payment = (
        given(INTENT, CREATED, CONFIRMED)
        .when(Payment.observe, seen(payment="pay_2"), source=Source.WEBHOOK)
        .then(extra, flagged(RefundReason.ALREADY_PAID, payment="pay_2"))
    )
    assert payment.holds_its_money


@pytest.mark.parametrize(
    ("amount", "currency"), [(TOTAL.amount - 1, "INR"), (1, "INR"), (TOTAL.amount, "USD")]
)
def test_less_or_other_money_confirms_nothing_and_goes_back(amount: int, currency: str) -> None:
    got = Money(amount=amount, currency=currency)
    mismatch = PaymentAmountMismatched(
        order_id=ORDER_ID,
        gateway_payment_id="pay_1",
        source=Source.WEBHOOK,
        method="upi",
        details={"fee": 200, "captured": True},
        expected=TOTAL,
        seen=got,
        state="captured",
    )
    refund = flagged(RefundReason.WRONG_AMOUNT).model_copy(update={"amount": got})
    payment = (
        given(INTENT, CREATED)
        .when(Payment.observe, seen(amount=amount, currency=currency), source=Source.WEBHOOK)
        .then(mismatch, refund)
    )
    assert payment.confirmed is None


def test_what_is_paid_too_much_goes_back() -> None:
    more = Money(amount=TOTAL.amount + 500)
    payment = (
        given(INTENT, CREATED)
        .when(Payment.observe, seen(amount=more.amount), source=Source.WEBHOOK)
        .then(
            CONFIRMED.model_copy(update={"amount": more}),
            flagged(RefundReason.TOO_MUCH, amount=500),
        )
    )
    assert payment.holds_its_money


def test_money_of_a_cancelled_order_goes_back_once() -> None:
    payment = (
        given(INTENT, CREATED, CONFIRMED, of=Payment)
        .when(Payment.refund_all, RefundReason.ORDER_CANCELLED)
        .then(flagged(RefundReason.ORDER_CANCELLED))
    )
    assert not payment.holds_its_money


def test_what_was_given_back_is_not_flagged_again() -> None:
    returned = PaymentRefundObserved(
        order_id=ORDER_ID,
        gateway_payment_id="pay_1",
        source=Source.WEBHOOK,
        method="upi",
        details={"fee": 200, "captured": False},
        amount=TOTAL,
        confirming=True,
    )
    given(INTENT, CREATED, CONFIRMED).when(
        Payment.observe, seen("refunded"), source=Source.WEBHOOK
    ).then(returned)
    given(INTENT, CREATED, CONFIRMED, returned, of=Payment).when(
        Payment.refund_all, RefundReason.ORDER_CANCELLED
    ).then_nothing()


def test_an_open_payment_closes_with_its_order() -> None:
    payment = given(INTENT, CREATED).when(Payment.close).then(CLOSED)
    assert payment.status is PaymentStatus.CANCELLED


def test_a_paid_payment_does_not_close() -> None:
    given(INTENT, CREATED, CONFIRMED).when(Payment.close).then_nothing()


def test_late_money_confirms_a_closed_payment() -> None:
    payment = (
        given(INTENT, CREATED, CLOSED)
        .when(Payment.observe, seen(), source=Source.WEBHOOK)
        .then(CONFIRMED)
    )
    assert payment.status is PaymentStatus.COMPLETED


def test_a_late_failure_of_a_closed_payment_is_no_news() -> None:
    given(INTENT, CREATED, CLOSED).when(
        Payment.observe, seen("failed"), source=Source.WEBHOOK
    ).then_nothing()


def test_a_payment_closed_before_the_gateway_answered_stays_closed() -> None:
    payment = (
        given(INTENT, CLOSED).when(Payment.created_at_gateway, "order_1").then(CREATED, CLOSED)
    )
    assert payment.status is PaymentStatus.CANCELLED


STATES = ("created", "failed", "authorized", "captured")


@pytest.mark.parametrize("order", list(itertools.permutations(STATES)))
def test_whatever_comes_first_there_is_one_confirmation(order: tuple[str, ...]) -> None:
    payment: Payment = replayed(Payment, (INTENT, CREATED), object_id=PAYMENT_ID)
    for state in (*order, *order):
        payment.observe(seen(state), source=Source.WEBHOOK)
    confirmations = [e for e in payment.pending_events if isinstance(e, PaymentConfirmed)]
    assert len(confirmations) == 1
    assert payment.status is PaymentStatus.COMPLETED


observations = st.builds(
    seen,
    st.sampled_from(tuple(RANK)),
    payment=st.sampled_from(("pay_1", "pay_2", "pay_3")),
    amount=st.sampled_from((TOTAL.amount, TOTAL.amount, TOTAL.amount - 1, TOTAL.amount + 700)),
)


@for_all(
    st.lists(st.one_of(observations, st.sampled_from(("close", "refund_all"))), max_size=25),
)
def test_money_is_conserved(story: list[GatewayPayment | str]) -> None:
    """All captured money is either what the order is due, or is flagged to go back, or went back."""
    payment: Payment = replayed(Payment, (INTENT, CREATED), object_id=PAYMENT_ID)
    amounts: dict[str, int] = {}
    for step in story:
        if step == "close":
            payment.close()
        elif isinstance(step, str):
            payment.refund_all(RefundReason.ORDER_CANCELLED)
        else:
            amount = amounts.setdefault(step.gateway_payment_id, step.amount_minor)
            payment.observe(
                seen(step.state, payment=step.gateway_payment_id, amount=amount),
                source=Source.WEBHOOK,
            )
    for attempt in payment.attempts.values():
        assert 0 <= attempt.to_refund <= attempt.captured
    kept = sum(
        a.captured - a.to_refund
        for a in payment.attempts.values()
        if a.rank == RANK[GatewayState.CAPTURED]
    )
    assert kept == (TOTAL.amount if payment.holds_its_money else 0)
    confirmations = [e for e in payment.pending_events if isinstance(e, PaymentConfirmed)]
    assert len(confirmations) <= 1


@for_all(st.lists(observations, max_size=15))
def test_the_stream_says_what_the_decisions_said(story: list[GatewayPayment]) -> None:
    payment: Payment = replayed(Payment, (INTENT, CREATED), object_id=PAYMENT_ID)
    for step in story:
        payment.observe(step, source=Source.WEBHOOK)
    recorded = [e for e in payment.pending_events if isinstance(e, DomainEvent)]
    again: Payment = replayed(Payment, (INTENT, CREATED, *recorded), object_id=PAYMENT_ID)
    assert (again.status, again.attempts) == (payment.status, payment.attempts)
