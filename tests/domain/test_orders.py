from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.errors import Invalid, RuleViolation
from domain.kernel import DomainEvent
from domain.order_events import (
    CancelReason,
    OrderCancellationExplained,
    OrderCancelled,
    OrderConfirmed,
    OrderDelivered,
    OrderPaymentFailed,
    OrderPaymentRequested,
    OrderPlaced,
    OrderProcessingStarted,
    OrderRevived,
    OrderShipped,
    gst_included,
)
from domain.orders import MAX_LINES, Order, OrderStatus, order_number, units_to_hold
from domain.values import Money
from tests.given import given
from tests.shop import (
    ADDRESS,
    CUSTOMER_ID,
    HALF_AN_HOUR,
    LINE,
    NOW,
    ORDER_ID,
    OTHER_PAYMENT_ID,
    OTHER_PRODUCT_ID,
    PAYMENT_ID,
    PLACED,
    TOTAL,
)

CONFIRMED = OrderConfirmed(customer_id=CUSTOMER_ID, payment_id=PAYMENT_ID, paid=TOTAL)
PROCESSING = OrderProcessingStarted()
SHIPPED = OrderShipped(customer_id=CUSTOMER_ID, tracking_number="D1", carrier="Delhivery")
DELIVERED = OrderDelivered()
CANCELLED = OrderCancelled(customer_id=CUSTOMER_ID, reason=CancelReason.CUSTOMER)
TIMED_OUT = OrderCancelled(customer_id=CUSTOMER_ID, reason=CancelReason.PAYMENT_TIMEOUT)
REVIVED = OrderRevived(payment_id=PAYMENT_ID, reserved_until=NOW + HALF_AN_HOUR)

STORY: tuple[DomainEvent, ...] = (PLACED, CONFIRMED, PROCESSING, SHIPPED, DELIVERED)
STATES = {
    "pending": STORY[:1],
    "confirmed": STORY[:2],
    "processing": STORY[:3],
    "shipped": STORY[:4],
    "delivered": STORY,
    "cancelled": (PLACED, CANCELLED),
}


def placing(**changes: object) -> dict[str, object]:
    return {
        "customer_id": CUSTOMER_ID,
        "lines": (LINE,),
        "shipping_address": ADDRESS,
        "billing_address": ADDRESS,
        "now": NOW,
        "reservation": HALF_AN_HOUR,
    } | changes


def test_an_order_is_placed_with_its_total_its_tax_and_its_deadline() -> None:
    given().when(Order.place, ORDER_ID, **placing()).then(PLACED)


def test_what_is_ordered_in_advance_takes_longer() -> None:
    ahead = LINE.model_copy(update={"is_preorder": True})
    order = Order.place(ORDER_ID, **placing(lines=(ahead,)))  # type: ignore[arg-type]
    (placed,) = order.pending_events
    assert isinstance(placed, OrderPlaced)
    assert placed.estimated_delivery == NOW + timedelta(days=21)


def test_an_order_without_lines_is_refused() -> None:
    given().when(Order.place, ORDER_ID, **placing(lines=())).then_raises(
        Invalid, "at least one line"
    )


def test_an_order_with_too_many_lines_is_refused() -> None:
    lines = tuple(
        LINE.model_copy(update={"product_id": f"{number:024x}"}) for number in range(MAX_LINES + 1)
    )
    given().when(Order.place, ORDER_ID, **placing(lines=lines)).then_raises(Invalid, "at most 50")


def test_one_product_on_two_lines_is_refused() -> None:
    given().when(Order.place, ORDER_ID, **placing(lines=(LINE, LINE))).then_raises(
        Invalid, "must be summed"
    )


def test_what_is_ordered_in_advance_holds_no_stock() -> None:
    ahead = LINE.model_copy(update={"product_id": OTHER_PRODUCT_ID, "is_preorder": True})
    assert units_to_hold((LINE, ahead)) == {LINE.product_id: 2}


def test_money_that_is_due_confirms_the_order() -> None:
    given(PLACED).when(Order.confirm, PAYMENT_ID, paid=TOTAL).then(CONFIRMED)


def test_too_little_money_does_not_confirm() -> None:
    short = Money(amount=TOTAL.amount - 1)
    given(PLACED).when(Order.confirm, PAYMENT_ID, paid=short).then_raises(
        RuleViolation, "are due", code="too-little"
    )


def test_other_money_does_not_confirm() -> None:
    dollars = Money(amount=TOTAL.amount, currency="USD")
    given(PLACED).when(Order.confirm, PAYMENT_ID, paid=dollars).then_raises(
        RuleViolation, code="too-little"
    )


def test_a_second_payment_does_not_confirm_again() -> None:
    given(PLACED, CONFIRMED).when(Order.confirm, OTHER_PAYMENT_ID, paid=TOTAL).then_raises(
        RuleViolation, code="already-paid"
    )


def test_a_payment_is_asked_for_while_the_order_is_pending() -> None:
    requested = OrderPaymentRequested(payment_id=PAYMENT_ID)
    given(PLACED).when(Order.request_payment, PAYMENT_ID).then(requested)


@pytest.mark.parametrize("state", ["confirmed", "processing", "shipped", "delivered", "cancelled"])
def test_no_payment_is_asked_for_after_that(state: str) -> None:
    given(*STATES[state]).when(Order.request_payment, PAYMENT_ID).then_raises(RuleViolation)


def test_a_failed_attempt_is_shown_once() -> None:
    failed = OrderPaymentFailed(
        payment_id=PAYMENT_ID, gateway_payment_id="pay_1", error_code="BAD_REQUEST_ERROR"
    )
    given(PLACED).when(
        Order.show_failed_payment,
        PAYMENT_ID,
        gateway_payment_id="pay_1",
        error_code="BAD_REQUEST_ERROR",
    ).then(failed)


def test_a_failed_attempt_is_not_shown_on_a_paid_order() -> None:
    given(PLACED, CONFIRMED).when(
        Order.show_failed_payment, PAYMENT_ID, gateway_payment_id="pay_1", error_code=None
    ).then_nothing()


def test_a_confirmed_order_is_processed() -> None:
    given(PLACED, CONFIRMED).when(Order.start_processing).then(PROCESSING)


def test_a_processing_order_ships() -> None:
    given(PLACED, CONFIRMED, PROCESSING).when(
        Order.ship, tracking_number="D1", carrier="Delhivery"
    ).then(SHIPPED)


def test_a_shipped_order_is_delivered() -> None:
    given(*STATES["shipped"]).when(Order.deliver).then(DELIVERED)


@pytest.mark.parametrize("state", ["pending", "processing", "shipped", "delivered", "cancelled"])
def test_only_a_confirmed_order_starts_to_be_processed(state: str) -> None:
    asked = given(*STATES[state]).when(Order.start_processing)
    if state == "processing":
        asked.then_nothing()
    else:
        asked.then_raises(RuleViolation, f"a {state} order cannot be processed")


@pytest.mark.parametrize("state", ["pending", "confirmed", "shipped", "delivered", "cancelled"])
def test_only_a_processing_order_ships(state: str) -> None:
    given(*STATES[state]).when(Order.ship, tracking_number="D2", carrier="BlueDart").then_raises(
        RuleViolation, "cannot be shipped", code="illegal-transition"
    )


@pytest.mark.parametrize("state", ["pending", "confirmed", "processing", "cancelled"])
def test_only_a_shipped_order_is_delivered(state: str) -> None:
    given(*STATES[state]).when(Order.deliver).then_raises(RuleViolation, "cannot be delivered")


@pytest.mark.parametrize("state", ["pending", "confirmed"])
def test_a_customer_may_cancel_until_it_is_processed(state: str) -> None:
    given(*STATES[state]).when(Order.cancel, CancelReason.CUSTOMER).then(CANCELLED)


@pytest.mark.parametrize("state", ["processing", "shipped", "delivered"])
def test_a_customer_cannot_cancel_after_that(state: str) -> None:
    given(*STATES[state]).when(Order.cancel, CancelReason.CUSTOMER).then_raises(
        RuleViolation, f"a {state} order cannot be cancelled"
    )


def test_staff_may_cancel_while_it_is_processed() -> None:
    by_staff = OrderCancelled(customer_id=CUSTOMER_ID, reason=CancelReason.STAFF)
    explained = OrderCancellationExplained(customer_id=CUSTOMER_ID, note="cracked")
    given(*STATES["processing"]).when(Order.cancel, CancelReason.STAFF, note="cracked").then(
        by_staff, explained
    )


@pytest.mark.parametrize("state", ["shipped", "delivered"])
def test_staff_cannot_cancel_what_has_left(state: str) -> None:
    given(*STATES[state]).when(Order.cancel, CancelReason.STAFF).then_raises(RuleViolation)


def test_an_order_that_nobody_paid_in_time_is_cancelled() -> None:
    given(PLACED).when(Order.expire, now=NOW + HALF_AN_HOUR).then(TIMED_OUT)


def test_an_order_in_time_does_not_expire() -> None:
    just_before = NOW + HALF_AN_HOUR - timedelta(milliseconds=1)
    given(PLACED).when(Order.expire, now=just_before).then_nothing()


@pytest.mark.parametrize("state", ["confirmed", "processing", "shipped", "delivered", "cancelled"])
def test_only_a_pending_order_expires(state: str) -> None:
    given(*STATES[state]).when(Order.expire, now=NOW + timedelta(days=9)).then_nothing()


def test_late_money_revives_an_order_that_ran_out_of_time() -> None:
    order = (
        given(PLACED, TIMED_OUT)
        .when(Order.revive, PAYMENT_ID, until=NOW + HALF_AN_HOUR)
        .then_once(REVIVED)
    )
    assert order.awaits_payment


def test_nothing_revives_what_its_customer_cancelled() -> None:
    given(PLACED, CANCELLED).when(Order.revive, PAYMENT_ID, until=NOW).then_raises(
        RuleViolation, "cannot be revived"
    )


def test_a_revived_order_is_confirmed_like_any_other() -> None:
    order = (
        given(PLACED, TIMED_OUT, REVIVED)
        .when(Order.confirm, PAYMENT_ID, paid=TOTAL)
        .then(CONFIRMED)
    )
    assert order.status is OrderStatus.CONFIRMED


def test_the_number_is_for_people_and_follows_from_the_id() -> None:
    assert order_number(ORDER_ID, NOW) == order_number(ORDER_ID, NOW)
    assert order_number(ORDER_ID, NOW).startswith("KD-26-")
    assert order_number(ORDER_ID, NOW) != order_number(PAYMENT_ID, NOW)


def test_the_tax_in_the_example_price() -> None:
    tax = gst_included(Money(amount=299_999_00))
    assert (tax.taxable, tax.cgst, tax.sgst, tax.round_off) == (29126117, 436892, 436892, -1)


@for_all(st.integers(0, 10**13))
def test_the_tax_and_its_halves_always_add_up_to_the_price(amount: int) -> None:
    tax = gst_included(Money(amount=amount))
    assert tax.taxable + tax.cgst + tax.sgst + tax.round_off == amount
    assert tax.cgst == tax.sgst
    assert abs(tax.round_off) <= 1


def test_an_order_of_the_first_morning_of_a_year_is_of_that_year() -> None:
    """Half past four in India is eleven in the evening of the year before by Greenwich."""
    at = datetime(2026, 12, 31, 23, 0, tzinfo=UTC)
    assert order_number("65f000000000000000000001", at).startswith("KD-27-")
