"""Laws that hold whatever comes in whatever order: no unit is sold twice, no rupee is lost."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from pymongo.asynchronous.database import AsyncDatabase

from commands.context import system_context
from commands.decisions.cancelling import CancelOrder, cancel_order, expire_order
from commands.decisions.catalogue import create_product
from commands.decisions.payments import (
    CreateIntent,
    record_gateway_observation,
    record_gateway_order,
    request_payment,
)
from commands.decisions.placing import OrderItem, PlaceOrder, place_order
from commands.decisions.product_bodies import CreateProduct
from commands.decisions.refunds import RefundPayment, refund_payment, request_owed_refund
from commands.decisions.settlement import settle_order
from commands.effects.gateway_calls import Caller
from commands.effects.refunding import settle_refund
from commands.unit_of_work import Handler, Outcome, carry_out
from dependencies.reading import ReadingServices
from domain.errors import ConcurrencyConflict, DomainError, RuleViolation, Unavailable
from domain.order_events import CancelReason
from domain.orders import Order, OrderStatus
from domain.payment_events import RefundReason, Source
from domain.payment_states import RANK, SETTLED, RefundStatus, on_the_way
from domain.payments import Payment
from domain.ports.events import EventStore
from domain.ports.gateway import GatewayPayment, GatewayState
from domain.sessions import User
from domain.stock import Stock
from domain.values import Role
from integrations.event_store.memory import MemoryEventStore, MemoryKeys
from integrations.event_store.store import MongoEventStore
from tests.fakes_gateway import FakeGateway
from tests.shop import ADDRESS, CUSTOMER_ID, HALF_AN_HOUR, NOW

CUSTOMER = User(id=CUSTOMER_ID, roles=frozenset({Role.CUSTOMER}), session_id="s")
PRICES = (Decimal(100), Decimal(250))
ON_HAND = 3
CALLER = Caller(actor="system", correlation="test")


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
    gateway: FakeGateway = field(default_factory=FakeGateway)
    """Keeps the refunds; the payments that it refunds are those of `truth`."""

    @property
    def services(self) -> ReadingServices:
        """As much of them as refunds need."""
        some = SimpleNamespace(
            store=self.store,
            gateway=self.gateway,
            keyring=SimpleNamespace(claims=b"k" * 32),
            clock=lambda: self.now,
        )
        return cast("ReadingServices", some)

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
            state=GatewayState(state),
        )
        known = self.truth.get(name)
        if known is None or RANK[known.state] < RANK[seen.state]:
            self.truth[name] = seen
            self.messages.append(seen)
            self.gateway._payments[name] = seen

    async def hear(self, seen: GatewayPayment) -> None:
        await self.act(partial(record_gateway_observation, seen, Source.WEBHOOK))

    async def settle(self, payment_id: str) -> None:
        await self.act(partial(settle_order, payment_id))

    async def give_back(self, payment_id: str) -> None:
        """What the two policies and reconciliation do about the money of one payment."""
        payment: Payment = await self.store.load(Payment, payment_id)
        for name in payment.attempts:
            owed = partial(request_owed_refund, payment_id, name, RefundReason.ORDER_CANCELLED)
            if RefundStatus.FAILED not in {r.status for r in payment.refunds.values()}:
                await self.act(owed)
        payment = await self.store.load(Payment, payment_id)
        for refund_id in payment.refunds:
            with suppress(Unavailable):
                await settle_refund(payment_id, refund_id, self.services, CALLER)

    async def refund(self, payment_id: str, rupees: int) -> None:
        """Finance decides so."""
        body = RefundPayment(amount=Decimal(rupees), reason="goodwill")
        await self.act(partial(refund_payment, payment_id, body))

    async def refund_elsewhere(self, payment_id: str) -> None:
        """Somebody gives a rupee back at the gateway's own desk, if it is there."""
        for name in [n for n, s in self.truth.items() if s.state == "captured" and payment_id in n]:
            if self.gateway.refunded(name) + 100 <= self.truth[name].amount_minor:
                self.gateway.refund_at_desk(name, 100)

    async def hear_of_refund(self, number: int) -> None:
        """One of the gateway's webhooks, any of them, again and again."""
        sent = self.gateway.webhooks[number % len(self.gateway.webhooks)]
        told = self.gateway.read_webhook(
            body=sent.body, signature=sent.signature, event_id=sent.event_id
        )
        assert told.payment is not None
        assert told.refund is not None
        hearing = partial(
            record_gateway_observation, told.payment, Source.WEBHOOK, refunds=[told.refund]
        )
        await self.act(hearing)

    def settle_a_refund(self, number: int, outcome: str) -> None:
        under_way = [r for r in self.gateway._refunds.values() if r.state == "pending"]
        if under_way:
            chosen = under_way[number % len(under_way)]
            self.gateway.settle_refund(chosen.gateway_refund_id, outcome)

    async def rest(self) -> None:
        """Reconciliation hears all of the truth, every policy has run, and every bank has answered."""
        self.gateway.lost_answers = 0
        self.gateway.failures.clear()
        for seen in self.truth.values():
            await self.hear(seen)
        for payment_id in self.payments:
            await self.settle(payment_id)
        for _ in range(2):
            for payment_id in self.payments:
                await self.give_back(payment_id)
            for refund in list(self.gateway._refunds.values()):
                if refund.state == "pending":
                    self.gateway.settle_refund(refund.gateway_refund_id, "processed")
        for number in range(len(self.gateway.webhooks)):
            await self.hear_of_refund(number)

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
        for payment in payments:
            self._check_refunds(payment)

    def _check_refunds(self, payment: Payment) -> None:
        """What the gateway gave back is what our ledger says, and never more than was captured."""
        assert {refund.status for refund in payment.refunds.values()} <= SETTLED
        for name, attempt in payment.attempts.items():
            given_back = self.gateway.refunded(name)
            assert on_the_way(payment.refunds.values(), name) == given_back
            assert 0 <= given_back <= attempt.captured
            assert attempt.to_refund >= given_back
            failed = [
                refund
                for refund in payment.refunds.values()
                if refund.status is RefundStatus.FAILED
            ]
            assert failed or given_back == attempt.to_refund, "flagged, and not sent back"

    def _check_money(self, orders: Sequence[Order], payments: Sequence[Payment]) -> None:
        captured = sum(s.amount_minor for s in self.truth.values() if s.state == "captured")
        attempts = [attempt for payment in payments for attempt in payment.attempts.values()]
        assert sum(attempt.captured for attempt in attempts) == captured
        to_refund = sum(attempt.to_refund for attempt in attempts)
        earned = sum(o.total.amount for o in orders if o.status is OrderStatus.CONFIRMED)
        given = self._goodwill(orders, payments)
        assert captured - to_refund == earned - given
        for order in orders:
            assert (order.status is OrderStatus.CONFIRMED) <= order.is_paid

    def _goodwill(self, orders: Sequence[Order], payments: Sequence[Payment]) -> int:
        """What was given back of the money of orders that stand, by finance or at the gateway's desk."""
        paying = {o.paid_by for o in orders if o.status is OrderStatus.CONFIRMED}
        return sum(
            p.attempts[p.confirmed_by].to_refund
            for p in payments
            if p.object_id in paying and p.confirmed_by is not None
        )


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
    st.tuples(st.just("give back"), which, st.just(0)),
    st.tuples(st.just("finance"), which, st.sampled_from((1, 40, 90))),
    st.tuples(st.just("elsewhere"), which, st.just(0)),
    st.tuples(st.just("bank"), which, st.integers(0, 3)),
    st.tuples(st.just("hear of refund"), st.integers(0, 20), st.just(0)),
    st.tuples(st.sampled_from(("slow bank", "lose answer", "silence", "refusal")), which, which),
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
    else:
        await take_of_refunds(shop, step, first, second)


async def take_of_refunds(shop: Shop, step: str, first: int, second: int) -> None:
    payment_id = shop.payments[first % len(shop.payments)]
    match step:
        case "give back":
            await shop.give_back(payment_id)
        case "finance":
            await shop.refund(payment_id, second)
        case "elsewhere":
            await shop.refund_elsewhere(payment_id)
        case "bank":
            shop.settle_a_refund(first, "failed" if second == 0 else "processed")
        case "hear of refund" if shop.gateway.webhooks:
            await shop.hear_of_refund(first)
        case "slow bank":
            shop.gateway.refunds_start_as = "pending" if second else "processed"
        case "lose answer":
            shop.gateway.lost_answers += 1
        case "silence":
            shop.gateway.failures.append(Unavailable("cut"))
        case "refusal":
            shop.gateway.failures.append(RuleViolation("no", code="gateway-refused"))
        case _:
            pass


EXPECTED_REFUSALS = {
    "insufficient-stock",
    "illegal-transition",
    "already-paid",
    "nothing-to-refund",
    "refund-exceeds-payment",
    "gateway-refused",
}


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
