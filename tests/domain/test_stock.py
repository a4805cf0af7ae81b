import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from domain.errors import RuleViolation
from domain.stock import (
    Stock,
    StockCommitted,
    StockCounted,
    StockDispatched,
    StockOpened,
    StockReceived,
    StockReleased,
    StockReserved,
)
from tests.given import given, replayed
from tests.shop import HALF_AN_HOUR, NOW, ORDER_ID, PRODUCT_ID

OTHER_ORDER = "65f000000000000000000002"
UNTIL = NOW + HALF_AN_HOUR

FIVE = StockOpened(on_hand=5, available=5)
UNCOUNTED = StockOpened(on_hand=None, available=None)
RESERVED = StockReserved(order_id=ORDER_ID, quantity=2, until=UNTIL, available=3)
COMMITTED = StockCommitted(order_id=ORDER_ID, quantity=2, available=3)


def test_stock_is_opened_with_what_is_on_hand() -> None:
    given().when(Stock.open, PRODUCT_ID, on_hand=5).then(FIVE)


def test_an_order_reserves_what_is_there() -> None:
    given(FIVE).when(Stock.reserve, ORDER_ID, quantity=2, until=UNTIL).then(RESERVED)


def test_the_last_unit_is_sold_once() -> None:
    last = StockReserved(order_id=ORDER_ID, quantity=5, until=UNTIL, available=0)
    given(FIVE, last).when(Stock.reserve, OTHER_ORDER, quantity=1, until=UNTIL).then_raises(
        RuleViolation, "only 0 left", code="insufficient-stock"
    )


def test_what_is_not_counted_is_sold_without_a_limit() -> None:
    plenty = StockReserved(order_id=ORDER_ID, quantity=10, until=UNTIL, available=None)
    given(UNCOUNTED).when(Stock.reserve, ORDER_ID, quantity=10, until=UNTIL).then(plenty)


def test_a_paid_order_commits_what_it_reserved() -> None:
    given(FIVE, RESERVED).when(Stock.commit, ORDER_ID).then(COMMITTED)


def test_nothing_is_committed_that_was_not_reserved() -> None:
    given(FIVE).when(Stock.commit, ORDER_ID).then_raises(RuleViolation, code="not-reserved")


def test_a_cancelled_order_gives_back_what_it_reserved() -> None:
    released = StockReleased(order_id=ORDER_ID, quantity=2, available=5)
    given(FIVE, RESERVED).when(Stock.release, ORDER_ID).then(released)


def test_a_cancelled_paid_order_gives_back_what_it_committed() -> None:
    released = StockReleased(order_id=ORDER_ID, quantity=2, available=5)
    given(FIVE, RESERVED, COMMITTED).when(Stock.release, ORDER_ID).then(released)


def test_a_parcel_takes_its_units_along() -> None:
    dispatched = StockDispatched(order_id=ORDER_ID, quantity=2, on_hand=3, available=3)
    given(FIVE, RESERVED, COMMITTED).when(Stock.dispatch, ORDER_ID).then(dispatched)


def test_what_is_only_reserved_does_not_leave() -> None:
    given(FIVE, RESERVED).when(Stock.dispatch, ORDER_ID).then_nothing()


def test_a_count_sets_what_is_on_hand() -> None:
    counted = StockCounted(on_hand=9, available=7)
    given(FIVE, RESERVED).when(Stock.count, on_hand=9).then(counted)


def test_a_count_cannot_take_from_orders() -> None:
    given(FIVE, RESERVED).when(Stock.count, on_hand=1).then_raises(
        RuleViolation, "2 units are held", code="stock-held"
    )


def test_counting_may_stop_and_begin_again() -> None:
    given(FIVE).when(Stock.count, on_hand=None).then(StockCounted(on_hand=None, available=None))
    given(UNCOUNTED).when(Stock.count, on_hand=4).then(StockCounted(on_hand=4, available=4))


def test_a_delivery_adds_to_what_is_on_hand() -> None:
    stock: Stock = replayed(Stock, (FIVE, RESERVED), object_id=PRODUCT_ID)
    stock.receive(quantity=3)
    (received,) = stock.pending_events
    assert isinstance(received, StockReceived)
    assert (received.quantity, received.on_hand, received.available) == (3, 8, 6)
    assert stock.available == 6


def test_a_delivery_of_what_is_not_counted_is_refused() -> None:
    given(UNCOUNTED).when(Stock.receive, quantity=3).then_raises(RuleViolation, code="not-counted")


def test_a_snapshot_restores_the_stock() -> None:
    stock: Stock = replayed(Stock, (FIVE, RESERVED, COMMITTED), object_id=PRODUCT_ID)
    restored: Stock = replayed(Stock, (FIVE,), object_id=PRODUCT_ID)
    restored.restore_snapshot(stock.snapshot_state())
    assert restored.snapshot_state() == stock.snapshot_state()
    assert (restored.available, restored.held) == (3, 2)


ORDERS = tuple(f"{number:024x}" for number in range(1, 6))
steps = st.tuples(
    st.sampled_from(("reserve", "commit", "release", "dispatch", "count", "receive")),
    st.sampled_from(ORDERS),
    st.integers(1, 4),
)


@settings(max_examples=300)
@for_all(on_hand=st.integers(0, 8), story=st.lists(steps, max_size=40))
def test_nothing_is_ever_oversold(on_hand: int, story: list[tuple[str, str, int]]) -> None:
    """After every event, what is held is on hand; and each unit leaves for one order only."""
    stock = Stock.open(PRODUCT_ID, on_hand=on_hand)
    arrived, left = on_hand, 0
    for step, order_id, quantity in story:
        before = (stock.on_hand or 0, stock.held)
        try:
            _take(stock, step, order_id, quantity)
        except RuleViolation:
            assert (stock.on_hand, stock.held) == before
        assert stock.on_hand is not None
        assert stock.available is not None
        assert 0 <= stock.held <= stock.on_hand
        moved = stock.on_hand - before[0]
        if step == "dispatch":
            left -= moved
        else:
            arrived += moved
        assert stock.on_hand == arrived - left
    assert all(getattr(event, "available", 0) >= 0 for event in stock.pending_events)


def _take(stock: Stock, step: str, order_id: str, quantity: int) -> None:
    match step:
        case "reserve":
            stock.reserve(order_id, quantity=quantity, until=UNTIL)
        case "commit":
            stock.commit(order_id)
        case "release":
            stock.release(order_id)
        case "dispatch":
            stock.dispatch(order_id)
        case "count":
            stock.count(on_hand=quantity)
        case _:
            stock.receive(quantity=quantity)


@pytest.mark.parametrize("quantity", [1, 5])
def test_what_can_be_held_can_be_reserved(quantity: int) -> None:
    stock: Stock = replayed(Stock, (FIVE,), object_id=PRODUCT_ID)
    assert stock.can_hold(quantity)
    stock.reserve(ORDER_ID, quantity=quantity, until=UNTIL)
    assert not stock.can_hold(6 - quantity)
