"""Laws that hold whatever comes in whatever order: no unit is sold twice, no rupee is lost."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from pymongo.asynchronous.database import AsyncDatabase

from commands.cancelling import CancelOrder, cancel_order, expire_order
from commands.catalogue import create_product
from commands.context import system_context
from commands.gateway_calls import record_gateway_observation, record_gateway_order
from commands.payments import CreateIntent, request_payment
from commands.placing import OrderItem, PlaceOrder, place_order
from commands.product_bodies import CreateProduct
from commands.settlement import settle_order
from commands.unit_of_work import Handler, Outcome, carry_out
from domain.errors import ConcurrencyConflict, DomainError
from domain.order_events import CancelReason
from domain.orders import Order, OrderStatus
from domain.payment_events import Source
from domain.payment_states import RANK
from domain.payments import Payment
from domain.ports import EventStore, GatewayPayment
from domain.sessions import User
from domain.stock import Stock
from domain.values import Role
from integrations.event_store.memory import MemoryEventStore, MemoryKeys
from integrations.event_store.store import MongoEventStore
from tests.shop import ADDRESS, CUSTOMER_ID, HALF_AN_HOUR, NOW

CUSTOMER = User(id=CUSTOMER_ID, roles=frozenset({Role.CUSTOMER}), session_id="s")
PRICES = (Decimal(100), Decimal(250))
ON_HAND = 3


@dataclass
class Shop:
    """Handlers over a store, and a gateway whose every payment is known here as the truth."""

    store: EventStore
    now: datetime = NOW
    products: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    payments: list[str] = field(default_factory=list)
    truth: dict[str, GatewayPayment] = field(default_factory=dict)
    messages: list[GatewayPayment] = field(default_factory=list)

    async def act(self, handler: Handler) -> Outcome:
        return await carry_out(
            handler,
            system_context("Test", correlation="test"),
            self.store,
            claims_key=b"k" * 32,
            clock=lambda: self.now,
        )

    async def open(self) -> None:
        for number, price in enumerate(PRICES):
            body = CreateProduct(name=f"Ring {number}", price=price, quantity=ON_HAND)
            outcome = await self.act(partial(create_product, body))
            assert outcome.object_id is not None
            self.products.append(outcome.object_id)

    async def place(self, *quantities: int) -> None:
        items = [
            OrderItem(product_id=product_id, quantity=quantity)
            for product_id, quantity in zip(self.products, quantities, strict=False)
            if quantity
        ]
        body = PlaceOrder(items=items, shipping_address=ADDRESS)
        outcome = await self.act(partial(place_order, body, CUSTOMER_ID, HALF_AN_HOUR))
        assert outcome.object_id is not None
        self.orders.append(outcome.object_id)

    async def ask(self, order_id: str) -> None:
        asking = partial(request_payment, CreateIntent(order_id=order_id), CUSTOMER_ID, "razorpay")
        outcome = await self.act(asking)
        assert outcome.object_id is not None
        if outcome.object_id not in self.payments:
            self.payments.append(outcome.object_id)
        await self.act(
            partial(record_gateway_order, outcome.object_id, f"order_{outcome.object_id}")
        )

    async def pay(self, payment_id: str, attempt: int, state: str) -> None:
        """The customer at the gateway; what it says of it may come late, twice or never."""
        payment: Payment = await self.store.load(Payment, payment_id)
        name = f"pay_{payment_id}_{attempt}"
        seen = GatewayPayment(
            gateway_payment_id=name,
            gateway_order_id=f"order_{payment_id}",
            amount_minor=payment.amount.amount,
            currency="INR",
            state=state,
        )
        known = self.truth.get(name)
        if known is None or RANK[known.state] < RANK[state]:
            self.truth[name] = seen
            self.messages.append(seen)

    async def hear(self, seen: GatewayPayment) -> None:
        await self.act(partial(record_gateway_observation, seen, Source.WEBHOOK))

    async def settle(self, payment_id: str) -> None:
        await self.act(partial(settle_order, payment_id))

    async def rest(self) -> None:
        """Reconciliation hears all of the truth, and every policy has run."""
        for seen in self.truth.values():
            await self.hear(seen)
        for payment_id in self.payments:
            await self.settle(payment_id)

    async def check_stock(self) -> None:
        for product_id in self.products:
            stock: Stock = await self.store.load(Stock, product_id)
            assert stock.on_hand is not None
            assert 0 <= stock.held <= stock.on_hand

    async def check_rest(self) -> None:
        orders: list[Order] = [await self.store.load(Order, i) for i in self.orders]
        held = dict.fromkeys(self.products, 0)
        for order in orders:
            if order.status in {OrderStatus.PENDING, OrderStatus.CONFIRMED}:
                for product_id, quantity in order.units.items():
                    held[product_id] += quantity
        for product_id, quantity in held.items():
            stock: Stock = await self.store.load(Stock, product_id)
            assert stock.held == quantity, "a reservation leaked"
        payments: list[Payment] = [await self.store.load(Payment, i) for i in self.payments]
        self._check_money(orders, payments)

    def _check_money(self, orders: Sequence[Order], payments: Sequence[Payment]) -> None:
        captured = sum(s.amount_minor for s in self.truth.values() if s.state == "captured")
        attempts = [attempt for payment in payments for attempt in payment.attempts.values()]
        assert sum(attempt.captured for attempt in attempts) == captured
        to_refund = sum(attempt.to_refund for attempt in attempts)
        earned = sum(o.total.amount for o in orders if o.status is OrderStatus.CONFIRMED)
        assert captured - to_refund == earned
        for order in orders:
            assert (order.status is OrderStatus.CONFIRMED) <= order.is_paid


which = st.integers(0, 2)
steps = st.one_of(
    st.tuples(st.just("buy"), st.integers(0, 1), st.integers(1, 2)),
    st.tuples(st.just("ask"), which, st.just(0)),
    st.tuples(st.sampled_from(("pay failed", "pay authorized")), which, st.integers(0, 1)),
    st.tuples(st.just("pay captured"), which, st.integers(0, 1)),
    st.tuples(st.just("hear"), st.integers(0, 20), st.just(0)),
    st.tuples(st.just("settle"), which, st.just(0)),
    st.tuples(st.just("cancel"), which, st.just(0)),
    st.tuples(st.just("expire"), which, st.sampled_from((5, 31))),
)


async def take(shop: Shop, step: str, first: int, second: int) -> None:
    """One step, on the one of many that the number points to; nothing when there is none."""

    def one(of: list[Any]) -> Any:
        return of[first % len(of)]

    if step == "buy":
        await shop.place(first, second)
        await shop.ask(shop.orders[-1])
    elif step == "ask" and shop.orders:
        await shop.ask(one(shop.orders))
    elif step == "cancel" and shop.orders:
        await shop.act(partial(cancel_order, one(shop.orders), CancelOrder(), CUSTOMER))
    elif step == "expire" and shop.orders:
        shop.now += timedelta(minutes=second)
        await shop.act(partial(expire_order, one(shop.orders)))
    elif step == "hear" and shop.messages:
        await shop.hear(one(shop.messages))
    elif step == "settle" and shop.payments:
        await shop.settle(one(shop.payments))
    elif step.startswith("pay") and shop.payments:
        await shop.pay(one(shop.payments), second, step.removeprefix("pay "))


EXPECTED_REFUSALS = {"insufficient-stock", "illegal-transition", "already-paid"}


async def live_through(story: Sequence[tuple[str, int, int]]) -> None:
    shop = Shop(MemoryEventStore())
    await shop.open()
    await take(shop, "buy", 1, 1)
    for step in story:
        try:
            await take(shop, *step)
        except DomainError as refusal:
            if refusal.code not in EXPECTED_REFUSALS:
                raise
        await shop.check_stock()
    for _ in range(2):
        await shop.rest()
        await shop.check_rest()


@settings(max_examples=120, deadline=None)
@for_all(st.lists(steps, min_size=8, max_size=30))
def test_no_rupee_is_lost_and_no_unit_sold_twice(story: list[tuple[str, int, int]]) -> None:
    asyncio.run(live_through(story))


async def test_the_last_units_are_sold_once_by_many_processes(
    database: AsyncDatabase[dict[str, Any]],
) -> None:
    """On a real MongoDB: thirty customers of two processes want the last three rings."""
    stores = [MongoEventStore(database, MemoryKeys()) for _ in range(2)]
    await stores[0].prepare()
    shops = [Shop(store) for store in stores]
    await shops[0].open()
    shops[1].products = shops[0].products
    answers = await asyncio.gather(
        *(shops[number % 2].place(1) for number in range(30)), return_exceptions=True
    )
    refusals = [answer for answer in answers if answer is not None]
    for refusal in refusals:
        assert isinstance(refusal, DomainError)
        assert isinstance(refusal, ConcurrencyConflict) or refusal.code == "insufficient-stock"
    stock: Stock = await stores[0].load(Stock, shops[0].products[0])
    sold = sum(len(shop.orders) for shop in shops)
    assert 1 <= sold <= ON_HAND
    assert (stock.held, stock.available) == (sold, ON_HAND - sold)
    for store in stores:
        await store.close()


async def test_money_that_comes_after_the_clock_and_a_new_buyer_goes_back() -> None:
    """The story behind the law, told once by hand."""
    shop = Shop(MemoryEventStore())
    await shop.open()
    await shop.place(3)
    await shop.ask(shop.orders[0])
    shop.now += timedelta(minutes=31)
    await shop.act(partial(expire_order, shop.orders[0]))
    await shop.place(3)
    await shop.pay(shop.payments[0], 0, "captured")
    await shop.rest()
    await shop.check_rest()
    late: Order = await shop.store.load(Order, shop.orders[0])
    assert late.cancel_reason is CancelReason.PAYMENT_TIMEOUT
    payment: Payment = await shop.store.load(Payment, shop.payments[0])
    (attempt,) = payment.attempts.values()
    assert attempt == replace(attempt, captured=300_00, to_refund=300_00)


async def test_money_that_is_to_go_back_revives_nothing_later() -> None:
    """The stock is free again, and the policy hears of the payment once more."""
    shop = Shop(MemoryEventStore())
    await shop.open()
    await shop.place(3)
    await shop.ask(shop.orders[0])
    shop.now += timedelta(minutes=31)
    await shop.act(partial(expire_order, shop.orders[0]))
    await shop.place(3)
    await shop.pay(shop.payments[0], 0, "captured")
    await shop.rest()
    await shop.act(partial(cancel_order, shop.orders[1], CancelOrder(), CUSTOMER))
    await shop.settle(shop.payments[0])
    await shop.check_rest()
    late: Order = await shop.store.load(Order, shop.orders[0])
    assert late.status is OrderStatus.CANCELLED
