"""One contract for every payment gateway: Razorpay's adapter over real HTTP, and the fake in memory."""

import json
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import pytest

from domain.errors import Invalid, RuleViolation, Unauthenticated, Unreadable
from domain.ports import GatewayOrder, PaymentGateway
from integrations.payments.signatures import sign
from tests.fakes_gateway import CheckoutAnswer, FakeGateway, SentWebhook
from tests.gateway_simulator import (
    WEBHOOK_SECRET,
    RunningSimulator,
    WebhookCatcher,
    running_simulator,
)

PRICE = 29_999_900


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A gateway under test, with the customer and the post that belong to it."""

    gateway: PaymentGateway
    pay: Callable[..., CheckoutAnswer]
    next_webhook: Callable[[str], SentWebhook]
    signed: Callable[[bytes], str]

    async def order(self, receipt: str | None = None, amount_minor: int = PRICE) -> GatewayOrder:
        return await self.gateway.create_order(
            receipt=receipt or secrets.token_hex(12),
            amount_minor=amount_minor,
            currency="INR",
            notes={"orderId": "0" * 24},
        )


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator() as running:
        yield running


@pytest.fixture
async def fake() -> AsyncIterator[Shop]:
    gateway = FakeGateway()
    yield Shop(
        gateway=gateway,
        pay=gateway.pay,
        next_webhook=lambda _: gateway.webhooks.pop(0),
        signed=gateway.signed,
    )
    await gateway.close()


@pytest.fixture
async def razorpay(simulator: RunningSimulator) -> AsyncIterator[Shop]:
    gateway = simulator.gateway()
    with WebhookCatcher() as catcher:
        simulator.settings(webhook_url=catcher.url)
        yield Shop(
            gateway=gateway,
            pay=simulator.pay,
            next_webhook=catcher.next,
            signed=lambda body: sign(WEBHOOK_SECRET.encode(), body),
        )
    await gateway.close()


@pytest.fixture(params=["razorpay", "fake"])
def shop(request: pytest.FixtureRequest) -> Shop:
    found: Shop = request.getfixturevalue(request.param)
    return found


async def test_an_order_waits_for_its_money(shop: Shop) -> None:
    order = await shop.order()
    assert (order.amount_minor, order.currency, order.status) == (PRICE, "INR", "created")
    assert await shop.gateway.order_payments(order.gateway_order_id) == []


async def test_the_same_receipt_is_the_same_order(shop: Shop) -> None:
    first = await shop.order("receipt-7")
    assert await shop.order("receipt-7") == first


async def test_a_receipt_is_not_taken_for_another_amount(shop: Shop) -> None:
    receipt = secrets.token_hex(12)
    await shop.order(receipt)
    with pytest.raises(RuleViolation) as refused:
        await shop.order(receipt, PRICE + 100)
    assert refused.value.code == "receipt-used"


async def test_less_than_a_rupee_is_refused(shop: Shop) -> None:
    with pytest.raises((Invalid, RuleViolation), match=r"at least INR 1\.00"):
        await shop.order(amount_minor=99)


@pytest.mark.parametrize("method", ["card", "upi", "netbanking", "wallet"])
async def test_a_paid_order_has_one_captured_payment(shop: Shop, method: str) -> None:
    order = await shop.order()
    answer = shop.pay(order.gateway_order_id, method=method)
    [payment] = await shop.gateway.order_payments(order.gateway_order_id)
    assert payment.gateway_payment_id == answer.payment_id
    assert (payment.state, payment.method, payment.amount_minor) == ("captured", method, PRICE)
    assert payment.gateway_order_id == order.gateway_order_id
    assert (payment.error_code, payment.error_description) == (None, None)


async def test_a_failed_payment_says_why(shop: Shop) -> None:
    order = await shop.order()
    answer = shop.pay(order.gateway_order_id, outcome="failure")
    payment = await shop.gateway.payment(answer.payment_id)
    assert payment.state == "failed"
    assert (payment.error_code, payment.error_description) == (
        "BAD_REQUEST_ERROR",
        "Payment failed",
    )


async def test_an_authorised_payment_is_not_money_yet(shop: Shop) -> None:
    order = await shop.order()
    answer = shop.pay(order.gateway_order_id, outcome="authorized")
    assert (await shop.gateway.payment(answer.payment_id)).state == "authorized"


async def test_a_failed_payment_may_be_captured_after_all(shop: Shop) -> None:
    order = await shop.order()
    answer = shop.pay(order.gateway_order_id, method="upi", outcome="failed_then_captured")
    payment = await shop.gateway.payment(answer.payment_id)
    assert (payment.state, payment.error_code) == ("captured", None)


async def test_a_second_try_after_a_failure_is_another_payment(shop: Shop) -> None:
    order = await shop.order()
    shop.pay(order.gateway_order_id, outcome="failure")
    shop.pay(order.gateway_order_id)
    payments = await shop.gateway.order_payments(order.gateway_order_id)
    assert sorted(p.state for p in payments) == ["captured", "failed"]


async def test_an_order_of_an_adopted_receipt_tells_that_it_is_paid(shop: Shop) -> None:
    receipt = secrets.token_hex(12)
    order = await shop.order(receipt)
    shop.pay(order.gateway_order_id)
    assert (await shop.order(receipt)).status == "paid"


async def test_unknown_ids_are_refused(shop: Shop) -> None:
    with pytest.raises((Invalid, RuleViolation)):
        await shop.gateway.payment("pay_00000000000000")
    with pytest.raises((Invalid, RuleViolation)):
        await shop.gateway.order_payments("order_00000000000000")


@pytest.mark.parametrize("bad", ["../orders", "pay_1/capture", "pay_1?x=y", "", "order_1"])
async def test_what_is_no_payment_id_never_reaches_a_url(shop: Shop, bad: str) -> None:
    with pytest.raises((Invalid, RuleViolation)):
        await shop.gateway.payment(bad)


async def test_the_checkout_of_our_own_order_is_genuine(shop: Shop) -> None:
    order = await shop.order()
    answer = shop.pay(order.gateway_order_id)
    assert shop.gateway.checkout_is_genuine(
        gateway_order_id=order.gateway_order_id,
        gateway_payment_id=answer.payment_id,
        signature=answer.signature,
    )


async def test_a_signature_does_not_serve_another_order(shop: Shop) -> None:
    order, other = await shop.order(), await shop.order()
    answer = shop.pay(order.gateway_order_id)
    assert not shop.gateway.checkout_is_genuine(
        gateway_order_id=other.gateway_order_id,
        gateway_payment_id=answer.payment_id,
        signature=answer.signature,
    )


async def test_a_webhook_tells_of_the_payment(shop: Shop) -> None:
    order = await shop.order()
    answer = shop.pay(order.gateway_order_id, outcome="failure")
    sent = shop.next_webhook(answer.payment_id)
    read = shop.gateway.read_webhook(
        body=sent.body, signature=sent.signature, event_id=sent.event_id
    )
    assert (read.event_id, read.event) == (sent.event_id, "payment.failed")
    assert read.payment is not None
    assert read.payment.gateway_payment_id == answer.payment_id
    assert (read.payment.state, read.payment.amount_minor) == ("failed", PRICE)


async def test_a_changed_webhook_is_not_believed(shop: Shop) -> None:
    order = await shop.order()
    answer = shop.pay(order.gateway_order_id, outcome="failure")
    sent = shop.next_webhook(answer.payment_id)
    with pytest.raises(Unauthenticated):
        shop.gateway.read_webhook(
            body=sent.body.replace(b"failed", b"passed"),
            signature=sent.signature,
            event_id=sent.event_id,
        )


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff\xfe", json.dumps({}).encode()])
def test_a_signed_body_that_is_no_webhook_is_unreadable(shop: Shop, body: bytes) -> None:
    with pytest.raises(Unreadable):
        shop.gateway.read_webhook(body=body, signature=shop.signed(body), event_id="evt_1")
