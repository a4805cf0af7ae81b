"""One contract for every payment gateway: Razorpay's adapter over real HTTP, and the fake in memory."""

import json
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import pytest

from domain.errors import Invalid, RuleViolation, Unauthenticated, Unreadable
from domain.ports.gateway import GatewayOrder, GatewayRefund, PaymentGateway
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
    refunds_start_as: Callable[[str], None]
    settle_refund: Callable[[str, str], object]

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
        refunds_start_as=lambda state: setattr(gateway, "refunds_start_as", state),
        settle_refund=gateway.settle_refund,
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
            refunds_start_as=lambda state: simulator.settings(refunds=state),
            settle_refund=lambda refund_id, outcome: simulator.controls.post(
                f"/refunds/{refund_id}", json={"outcome": outcome}
            ).raise_for_status(),
        )
    simulator.settings(refunds="processed")
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


# --- Money that goes back ------------------------------------------------------------------------


async def captured(shop: Shop) -> str:
    """The gateway's id of a paid payment."""
    order = await shop.order()
    return shop.pay(order.gateway_order_id).payment_id


async def refund(shop: Shop, payment_id: str, amount_minor: int, key: str = "") -> GatewayRefund:
    return await shop.gateway.refund(
        key=key or secrets.token_hex(12),
        gateway_payment_id=payment_id,
        amount_minor=amount_minor,
        notes={"orderId": "0" * 24},
    )


async def test_a_part_of_the_money_goes_back_and_then_the_rest(shop: Shop) -> None:
    payment_id, key = await captured(shop), secrets.token_hex(12)
    part = await refund(shop, payment_id, 500_00, key)
    assert (part.gateway_payment_id, part.amount_minor, part.currency) == (
        payment_id,
        500_00,
        "INR",
    )
    assert part.key == key
    assert (await shop.gateway.payment(payment_id)).state == "captured"
    rest = await refund(shop, payment_id, PRICE - 500_00)
    assert (await shop.gateway.payment(payment_id)).state == "refunded"
    made = await shop.gateway.refunds(payment_id)
    assert {r.gateway_refund_id for r in made} == {part.gateway_refund_id, rest.gateway_refund_id}
    assert {r.state for r in made} == {"processed"}


async def test_the_same_key_is_the_same_refund(shop: Shop) -> None:
    payment_id, key = await captured(shop), secrets.token_hex(12)
    made = [await refund(shop, payment_id, PRICE, key) for _ in range(3)]
    assert len({refund.gateway_refund_id for refund in made}) == 1
    assert len(await shop.gateway.refunds(payment_id)) == 1


async def test_a_key_does_not_serve_for_another_amount(shop: Shop) -> None:
    payment_id, key = await captured(shop), secrets.token_hex(12)
    await refund(shop, payment_id, 500_00, key)
    with pytest.raises(RuleViolation) as refused:
        await refund(shop, payment_id, 600_00, key)
    assert refused.value.code == "refund-key-used"
    assert [r.amount_minor for r in await shop.gateway.refunds(payment_id)] == [500_00]


@pytest.mark.parametrize(
    "key", ["", "short", "with a space in it", "x" * 41, "schlüssel-schlüssel"]
)
async def test_what_is_no_key_sends_nothing(shop: Shop, key: str) -> None:
    payment_id = await captured(shop)
    with pytest.raises(Invalid):
        await shop.gateway.refund(
            key=key, gateway_payment_id=payment_id, amount_minor=500_00, notes={}
        )
    assert await shop.gateway.refunds(payment_id) == []


async def test_more_than_was_captured_does_not_go_back(shop: Shop) -> None:
    payment_id = await captured(shop)
    await refund(shop, payment_id, PRICE - 500_00)
    with pytest.raises((Invalid, RuleViolation)):
        await refund(shop, payment_id, 501_00)
    await refund(shop, payment_id, 500_00)
    with pytest.raises((Invalid, RuleViolation)):
        await refund(shop, payment_id, 100)


@pytest.mark.parametrize("amount", [0, 99])
async def test_a_refund_of_less_than_a_rupee_is_refused(shop: Shop, amount: int) -> None:
    payment_id = await captured(shop)
    with pytest.raises((Invalid, RuleViolation)):
        await refund(shop, payment_id, amount)
    assert await shop.gateway.refunds(payment_id) == []


async def test_money_that_was_not_captured_does_not_go_back(shop: Shop) -> None:
    order = await shop.order()
    answer = shop.pay(order.gateway_order_id, outcome="authorized")
    with pytest.raises((Invalid, RuleViolation)):
        await refund(shop, answer.payment_id, PRICE)


@pytest.mark.parametrize("outcome", ["processed", "failed"])
async def test_a_refund_may_take_days(shop: Shop, outcome: str) -> None:
    shop.refunds_start_as("pending")
    payment_id, key = await captured(shop), secrets.token_hex(12)
    begun = await refund(shop, payment_id, PRICE, key)
    assert begun.state == "pending"
    shop.settle_refund(begun.gateway_refund_id, outcome)
    [settled] = await shop.gateway.refunds(payment_id)
    assert (settled.gateway_refund_id, settled.state) == (begun.gateway_refund_id, outcome)
    assert (await refund(shop, payment_id, PRICE, key)).state == outcome


async def test_a_failed_refund_leaves_the_money_to_another(shop: Shop) -> None:
    shop.refunds_start_as("pending")
    payment_id = await captured(shop)
    failed = await refund(shop, payment_id, PRICE)
    shop.settle_refund(failed.gateway_refund_id, "failed")
    assert (await shop.gateway.payment(payment_id)).state == "captured"
    await refund(shop, payment_id, PRICE)


async def test_a_webhook_tells_of_the_refund_and_its_payment(shop: Shop) -> None:
    payment_id, key = await captured(shop), secrets.token_hex(12)
    made = await refund(shop, payment_id, 500_00, key)
    told = []
    for _ in range(2):
        sent = shop.next_webhook(made.gateway_refund_id)
        while made.gateway_refund_id.encode() not in sent.body:
            sent = shop.next_webhook(made.gateway_refund_id)
        told.append(
            shop.gateway.read_webhook(
                body=sent.body, signature=sent.signature, event_id=sent.event_id
            )
        )
    assert sorted(event.event for event in told) == ["refund.created", "refund.processed"]
    for event in told:
        assert event.payment is not None
        assert event.refund is not None
        assert event.payment.gateway_payment_id == payment_id
        assert (event.refund.key, event.refund.amount_minor) == (key, 500_00)


async def test_the_refunds_of_an_unknown_payment_are_refused(shop: Shop) -> None:
    with pytest.raises((Invalid, RuleViolation)):
        await shop.gateway.refunds("pay_00000000000000")
    with pytest.raises((Invalid, RuleViolation)):
        await refund(shop, "pay_00000000000000", 500_00)
