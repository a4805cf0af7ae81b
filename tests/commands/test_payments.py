"""Payments over HTTP: asked for, paid at the gateway, confirmed by browser or webhook, looked after."""

import asyncio
import itertools
import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from commands.decisions.payments import record_gateway_order
from commands.effects.gateway_calls import Caller, act, reconcile_payment
from commands.reactions.expiry import expire_reservations
from commands.reactions.reconciliation import reconcile_open_payments
from domain.errors import Invalid, RuleViolation, Unavailable
from domain.orders import Order
from domain.payments import Payment
from domain.stock import Stock
from domain.values import Role
from tests.api import Api, Person
from tests.buying import (
    asked_to_pay,
    bought,
    confirmation,
    deliver_webhooks,
    ok,
    on_sale,
    ordered,
    react,
    refused,
)

INTENT = "/api/payments/create-intent"
CONFIRM = "/api/payments/confirm"
WEBHOOK = "/api/webhooks/razorpay"


async def pending(api: Api) -> tuple[Person, dict[str, Any], dict[str, Any]]:
    """A customer, an unpaid order of two pieces, and its payment."""
    product, customer = await on_sale(api), await api.customer()
    order = await ordered(customer, (product["id"], 2))
    return customer, order, await asked_to_pay(customer, order)


async def load_order(api: Api, order: dict[str, Any]) -> Order:
    loaded: Order = await api.store.load(Order, order["id"])
    return loaded


async def load_payment(api: Api, intent: dict[str, Any]) -> Payment:
    loaded: Payment = await api.store.load(Payment, intent["paymentId"])
    return loaded


# --- Asking for money ----------------------------------------------------------------------------


async def test_the_intent_has_what_the_checkout_needs(api: Api) -> None:
    _, order, intent = await pending(api)
    assert (intent["amount"], intent["amountMinor"], intent["currency"]) == (
        179_998,
        17_999_800,
        "INR",
    )
    assert intent["orderId"] == order["id"]
    assert intent["razorpay"]["keyId"] == api.gateway.public_key
    assert intent["razorpay"]["orderId"].startswith("order_")
    assert intent["gatewayOrderId"] == intent["razorpay"]["orderId"]
    assert api.gateway.notes[intent["paymentId"]]["orderId"] == order["id"]


async def test_the_intent_comes_before_the_call(api: Api) -> None:
    await pending(api)
    topics = await api.topics()
    assert topics.index("PaymentIntentRequested") < topics.index("GatewayOrderCreated")


async def test_a_second_call_answers_with_the_same_payment(api: Api) -> None:
    customer, order, intent = await pending(api)
    again = await asked_to_pay(customer, order)
    assert (again["paymentId"], again["razorpay"]) == (intent["paymentId"], intent["razorpay"])
    assert (await api.topics()).count("PaymentIntentRequested") == 1


async def test_many_calls_at_once_make_one_payment(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    order = await ordered(customer, (product["id"], 1))
    answers = await asyncio.gather(
        *(customer.client.post(INTENT, json={"orderId": order["id"]}) for _ in range(5))
    )
    assert len({ok(answer, 201)["razorpay"]["orderId"] for answer in answers}) == 1
    assert (await api.topics()).count("PaymentIntentRequested") == 1


async def test_a_stranger_cannot_pay_for_the_order(api: Api) -> None:
    _, order, __ = await pending(api)
    stranger = await api.customer()
    refused(await stranger.client.post(INTENT, json={"orderId": order["id"]}), 404, "not-found")


async def test_a_paid_order_is_not_paid_again(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    order = await bought(api, customer, (product["id"], 1))
    refused(await customer.client.post(INTENT, json={"orderId": order["id"]}), 409, "already-paid")


async def test_a_cancelled_order_is_not_paid(api: Api) -> None:
    customer, order, intent = await pending(api)
    ok(await customer.client.post(f"/api/orders/{order['id']}/cancel"))
    refused(
        await customer.client.post(INTENT, json={"orderId": order["id"]}),
        409,
        "illegal-transition",
    )
    shown = ok(await customer.client.get(f"/api/payments/{intent['paymentId']}"))
    assert shown["status"] == "cancelled"


async def test_a_silent_gateway_is_no_failure(api: Api) -> None:
    """The outcome is unknown, the answer says try again, and trying again goes on with the same payment."""
    product, customer = await on_sale(api), await api.customer()
    order = await ordered(customer, (product["id"], 1))
    api.gateway.failures.append(Unavailable("the gateway did not answer"))
    silent = await customer.client.post(INTENT, json={"orderId": order["id"]})
    refused(silent, 503, "unavailable")
    assert "Retry-After" in silent.headers
    intent = await asked_to_pay(customer, order)
    assert intent["razorpay"]["orderId"]
    topics = await api.topics()
    assert topics.count("PaymentIntentRequested") == 1
    assert topics.count("GatewayOutcomeUnknown") == 1


async def test_a_gateway_that_refuses_ends_the_payment_and_not_the_order(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    order = await ordered(customer, (product["id"], 1))
    api.gateway.failures.append(RuleViolation("too much", code="gateway-refused"))
    body = {"orderId": order["id"]}
    refused(await customer.client.post(INTENT, json=body), 409, "gateway-refused")
    intent = await asked_to_pay(customer, order)
    assert (await load_payment(api, intent)).is_open
    assert (await api.topics()).count("PaymentIntentRequested") == 2


# --- The browser confirms ------------------------------------------------------------------------


async def test_a_genuine_checkout_confirms_payment_and_order(api: Api) -> None:
    customer, order, intent = await pending(api)
    answer = api.gateway.pay(intent["razorpay"]["orderId"], method="upi")
    data = ok(await customer.client.post(CONFIRM, json=confirmation(intent, answer)))
    assert data["status"] == "completed"
    assert data["order"]["id"] == order["id"]
    assert (data["order"]["status"], data["order"]["paymentStatus"]) == ("confirmed", "completed")
    payment = ok(await customer.client.get(f"/api/payments/{intent['paymentId']}"))
    assert (payment["status"], payment["method"]) == ("completed", "upi")
    assert payment["transactionId"] == answer.payment_id
    topics = await api.topics()
    assert topics[-3:] == ["PaymentConfirmed", "OrderConfirmed", "StockCommitted"]


async def test_the_money_is_the_cause_of_what_it_does_to_its_order(api: Api) -> None:
    """So the ledger gives the payment its place before the order's confirmation, whoever is faster."""
    customer, _, intent = await pending(api)
    answer = api.gateway.pay(intent["razorpay"]["orderId"])
    ok(await customer.client.post(CONFIRM, json=confirmation(intent, answer)))
    paid, confirmed = api.store.commits[-2:]
    assert paid["events"][-1]["type"] == "PaymentConfirmed"
    assert "OrderConfirmed" in {event["type"] for event in confirmed["events"]}
    assert confirmed["causation"] == paid["events"][-1]["id"]


async def test_confirming_twice_changes_nothing_more(api: Api) -> None:
    customer, _, intent = await pending(api)
    answer = api.gateway.pay(intent["razorpay"]["orderId"])
    body = confirmation(intent, answer)
    first = ok(await customer.client.post(CONFIRM, json=body))
    before = len(api.store.commits)
    assert ok(await customer.client.post(CONFIRM, json=body)) == first
    assert len(api.store.commits) == before


@pytest.mark.parametrize("field", ["razorpay_signature", "razorpay_payment_id"])
async def test_a_forged_checkout_is_refused(api: Api, field: str) -> None:
    customer, order, intent = await pending(api)
    answer = api.gateway.pay(intent["razorpay"]["orderId"])
    body = confirmation(intent, answer) | {field: "f" * 64}
    refused(await customer.client.post(CONFIRM, json=body), 400, "signature-mismatch")
    assert (await load_order(api, order)).awaits_payment


async def test_the_signature_of_another_order_is_refused(api: Api) -> None:
    """A valid checkout of a cheap order does not pay a dear one."""
    customer, dear_order, dear = await pending(api)
    cheap_product = await on_sale(api, name="Silver Ring", price=100, sku="S1")
    cheap = await asked_to_pay(customer, await ordered(customer, (cheap_product["id"], 1)))
    answer = api.gateway.pay(cheap["razorpay"]["orderId"])
    body = confirmation(cheap, answer) | {"paymentId": dear["paymentId"]}
    refused(await customer.client.post(CONFIRM, json=body), 400, "signature-mismatch")
    assert (await load_order(api, dear_order)).awaits_payment


async def test_a_stranger_cannot_confirm(api: Api) -> None:
    _, __, intent = await pending(api)
    answer = api.gateway.pay(intent["razorpay"]["orderId"])
    stranger = await api.customer()
    refused(
        await stranger.client.post(CONFIRM, json=confirmation(intent, answer)), 404, "not-found"
    )
    refused(await stranger.client.get(f"/api/payments/{intent['paymentId']}"), 404, "not-found")


async def test_money_that_is_only_authorized_confirms_nothing_yet(api: Api) -> None:
    customer, order, intent = await pending(api)
    answer = api.gateway.pay(intent["razorpay"]["orderId"], outcome="authorized")
    data = ok(await customer.client.post(CONFIRM, json=confirmation(intent, answer)))
    assert (data["status"], data["order"]["status"]) == ("processing", "pending")
    assert (await load_order(api, order)).awaits_payment


async def test_a_gateway_that_is_silent_at_the_confirmation_is_asked_again(api: Api) -> None:
    customer, _, intent = await pending(api)
    answer = api.gateway.pay(intent["razorpay"]["orderId"])
    api.gateway.failures.append(Unavailable("the gateway did not answer"))
    body = confirmation(intent, answer)
    refused(await customer.client.post(CONFIRM, json=body), 503, "unavailable")
    assert ok(await customer.client.post(CONFIRM, json=body))["status"] == "completed"


async def test_the_streams_have_the_last_word_while_read_models_lag(api: Api) -> None:
    customer, order, intent = await pending(api)
    answer = api.gateway.pay(intent["razorpay"]["orderId"])
    api.consistency.lags = True
    data = ok(await customer.client.post(CONFIRM, json=confirmation(intent, answer)))
    assert (data["status"], data["order"]["id"]) == ("completed", order["id"])
    assert (data["order"]["status"], data["order"]["paymentStatus"]) == ("confirmed", "completed")


# --- The gateway's webhooks ----------------------------------------------------------------------


async def test_a_webhook_alone_confirms_the_order(api: Api) -> None:
    customer, order, intent = await pending(api)
    api.gateway.pay(intent["razorpay"]["orderId"])
    assert [answer.status_code for answer in await deliver_webhooks(api)] == [200, 200]
    assert not (await load_order(api, order)).is_paid, "the policy has not run yet"
    await react(api)
    shown = ok(await customer.client.get(f"/api/orders/{order['id']}"))
    assert (shown["status"], shown["paymentStatus"]) == ("confirmed", "completed")


@pytest.mark.parametrize("steps", list(itertools.permutations(["confirm", "webhooks", "policies"])))
async def test_whoever_comes_first_the_order_is_confirmed_once(
    api: Api, steps: tuple[str, ...]
) -> None:
    customer, order, intent = await pending(api)
    answer = api.gateway.pay(intent["razorpay"]["orderId"])
    copies = list(api.gateway.webhooks)
    for step in (*steps, *steps):
        if step == "confirm":
            ok(await customer.client.post(CONFIRM, json=confirmation(intent, answer)))
        elif step == "webhooks":
            api.gateway.webhooks[:] = [*reversed(copies), *copies]
            await deliver_webhooks(api)
        else:
            await react(api)
    topics = await api.topics()
    assert [topics.count(t) for t in ("PaymentConfirmed", "OrderConfirmed", "StockCommitted")] == [
        1,
        1,
        1,
    ]
    assert (await load_order(api, order)).status.value == "confirmed"


async def test_browser_and_webhook_at_the_same_moment_confirm_once(api: Api) -> None:
    customer, _, intent = await pending(api)
    answer = api.gateway.pay(intent["razorpay"]["orderId"])
    body = confirmation(intent, answer)
    await asyncio.gather(
        *(customer.client.post(CONFIRM, json=body) for _ in range(3)), deliver_webhooks(api)
    )
    await react(api)
    topics = await api.topics()
    assert [topics.count(t) for t in ("PaymentConfirmed", "OrderConfirmed")] == [1, 1]


async def test_a_webhook_with_a_wrong_signature_is_refused(api: Api) -> None:
    _, order, intent = await pending(api)
    api.gateway.pay(intent["razorpay"]["orderId"])
    body = api.gateway.webhooks[-1].body
    for signature in ("", "é", "0" * 64):
        headers = {b"X-Razorpay-Signature": signature.encode(), b"x-razorpay-event-id": b"evt_1"}
        response = await api.client.post(WEBHOOK, content=body, headers=headers)
        assert response.status_code == 401, response.text
    assert (await load_order(api, order)).awaits_payment


async def test_a_body_over_the_limit_is_refused_unread(api: Api) -> None:
    response = await api.client.post(WEBHOOK, content=b"x" * (256 * 1024 + 1))
    refused(response, 413, "too-large")


async def test_a_payment_of_nobody_is_acknowledged_and_forgotten(api: Api) -> None:
    foreign = await api.gateway.create_order(
        receipt="elsewhere", amount_minor=500, currency="INR", notes={}
    )
    api.gateway.pay(foreign.gateway_order_id)
    before = len(api.store.commits)
    assert {answer.status_code for answer in await deliver_webhooks(api)} == {200}
    assert len(api.store.commits) == before


async def test_a_failed_attempt_is_shown_and_the_next_one_may_succeed(api: Api) -> None:
    customer, order, intent = await pending(api)
    api.gateway.pay(intent["razorpay"]["orderId"], outcome="failure")
    await deliver_webhooks(api)
    await react(api)
    shown = ok(await customer.client.get(f"/api/orders/{order['id']}"))
    assert (shown["status"], shown["paymentStatus"]) == ("pending", "failed")
    api.gateway.pay(intent["razorpay"]["orderId"])
    await deliver_webhooks(api)
    await react(api)
    shown = ok(await customer.client.get(f"/api/orders/{order['id']}"))
    assert (shown["status"], shown["paymentStatus"]) == ("confirmed", "completed")


async def test_a_failed_payment_that_is_captured_after_all_counts(api: Api) -> None:
    _, order, intent = await pending(api)
    api.gateway.pay(intent["razorpay"]["orderId"], outcome="failed_then_captured")
    await deliver_webhooks(api)
    await react(api)
    assert (await load_order(api, order)).status.value == "confirmed"


# --- Late money ----------------------------------------------------------------------------------


async def expired(api: Api) -> tuple[dict[str, Any], dict[str, Any]]:
    """An order that ran out of time, and its payment."""
    _, order, intent = await pending(api)
    await api.consistency.fold()
    api.clock.ahead = timedelta(minutes=31)
    assert await expire_reservations(api.services) == 1
    return order, intent


async def test_late_money_revives_the_order_while_there_is_stock(api: Api) -> None:
    order, intent = await expired(api)
    api.gateway.pay(intent["razorpay"]["orderId"])
    await deliver_webhooks(api)
    await react(api)
    assert (await load_order(api, order)).status.value == "confirmed"
    topics = await api.topics()
    assert "OrderRevived" in topics
    assert "PaymentRefundNeeded" not in topics
    stock: Stock = await api.store.load(Stock, order["items"][0]["productId"])
    assert (stock.held, stock.available) == (2, 3)


async def test_late_money_goes_back_when_the_stock_is_gone(api: Api) -> None:
    order, intent = await expired(api)
    api.clock.ahead = timedelta(minutes=32)
    await ordered(await api.customer(), (order["items"][0]["productId"], 4))
    api.gateway.pay(intent["razorpay"]["orderId"])
    await deliver_webhooks(api)
    await react(api)
    assert (await load_order(api, order)).status.value == "cancelled"
    topics = await api.topics()
    assert "OrderRevived" not in topics
    assert topics.count("PaymentRefundNeeded") == 1
    finance = await api.staff(Role.FINANCE)
    waiting = ok(await finance.client.get("/api/payments/history?refund=pending"))
    assert [payment["id"] for payment in waiting] == [intent["paymentId"]]


async def test_late_money_for_what_the_customer_cancelled_goes_back(api: Api) -> None:
    customer, order, intent = await pending(api)
    ok(await customer.client.post(f"/api/orders/{order['id']}/cancel"))
    api.gateway.pay(intent["razorpay"]["orderId"])
    await deliver_webhooks(api)
    await react(api)
    await react(api)
    assert (await load_order(api, order)).status.value == "cancelled"
    assert (await api.topics()).count("PaymentRefundNeeded") == 1


# --- Reconciliation ------------------------------------------------------------------------------


async def test_reconciliation_finds_the_money_that_nobody_told_of(api: Api) -> None:
    _, order, intent = await pending(api)
    api.gateway.pay(intent["razorpay"]["orderId"])
    api.gateway.webhooks.clear()
    api.clock.ahead = timedelta(minutes=5)
    await api.consistency.fold()
    assert await reconcile_open_payments(api.services) == 1
    await react(api)
    assert (await load_order(api, order)).status.value == "confirmed"
    assert await reconcile_open_payments(api.services) == 0


async def test_the_first_two_minutes_belong_to_browser_and_webhook(api: Api) -> None:
    await pending(api)
    await api.consistency.fold()
    assert await reconcile_open_payments(api.services) == 0


async def test_reconciliation_finishes_a_call_whose_outcome_was_unknown(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    order = await ordered(customer, (product["id"], 1))
    api.gateway.failures.append(Unavailable("cut"))
    await customer.client.post(INTENT, json={"orderId": order["id"]})
    payment_id = (await load_order(api, order)).payment_id
    assert payment_id is not None
    await reconcile_payment(payment_id, api.services)
    payment: Payment = await api.store.load(Payment, payment_id)
    assert payment.gateway_order_id is not None


async def test_a_silent_gateway_ends_the_round(api: Api) -> None:
    await pending(api)
    await pending(api)
    await api.consistency.fold()
    api.clock.ahead = timedelta(minutes=5)
    api.gateway.failures.append(Unavailable("cut"))
    assert await reconcile_open_payments(api.services) == 0
    assert not api.gateway.failures
    assert await reconcile_open_payments(api.services) == 2


async def test_reconciling_what_is_settled_changes_nothing(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    order = await bought(api, customer, (product["id"], 1))
    before = len(api.store.commits)
    await reconcile_payment(order["paymentId"], api.services)
    await reconcile_payment("65f0000000000000000000ff", api.services)
    assert len(api.store.commits) == before


async def test_what_cannot_be_reconciled_does_not_stop_the_round(api: Api) -> None:
    await pending(api)
    await pending(api)
    await api.consistency.fold()
    api.clock.ahead = timedelta(minutes=5)
    api.gateway.failures.append(Invalid("that order is unknown", code="gateway-refused"))
    assert await reconcile_open_payments(api.services) == 1


async def test_a_closed_payment_is_not_created_at_the_gateway(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    order = await ordered(customer, (product["id"], 1))
    api.gateway.failures.append(Unavailable("cut"))
    await customer.client.post(INTENT, json={"orderId": order["id"]})
    payment_id = (await load_order(api, order)).payment_id
    assert payment_id is not None
    await api.consistency.fold()
    shown = ok(await customer.client.get(f"/api/payments/{payment_id}"))
    assert shown["status"] == "processing"
    ok(await customer.client.post(f"/api/orders/{order['id']}/cancel"))
    await reconcile_payment(payment_id, api.services)
    assert payment_id not in api.gateway.notes


# --- What a gateway says that should not be --------------------------------------------------------


async def told(api: Api, intent: dict[str, Any], **facts: Any) -> None:
    """A signed webhook with these facts."""
    payment = {
        "gateway_payment_id": "pay_odd",
        "gateway_order_id": intent["razorpay"]["orderId"],
        "amount_minor": intent["amountMinor"],
        "currency": "INR",
        "state": "captured",
    } | facts
    body = json.dumps({"event": "payment.captured", "payment": payment}).encode()
    headers = {"X-Razorpay-Signature": api.gateway.signed(body), "x-razorpay-event-id": str(facts)}
    ok(await api.client.post(WEBHOOK, content=body, headers=headers))
    await react(api)


async def test_too_little_money_puts_the_order_on_hold(api: Api) -> None:
    customer, order, intent = await pending(api)
    await told(api, intent, amount_minor=1)
    shown = ok(await customer.client.get(f"/api/orders/{order['id']}"))
    assert (shown["status"], shown["onHold"], shown["refundStatus"]) == ("pending", True, "pending")
    payment = ok(await customer.client.get(f"/api/payments/{intent['paymentId']}"))
    assert payment["status"] == "processing"
    assert payment["failureReason"] == "1 INR instead of 17999800"


async def test_a_second_captured_payment_goes_back(api: Api) -> None:
    customer, order, intent = await pending(api)
    await told(api, intent)
    await told(api, intent, gateway_payment_id="pay_again")
    payment = ok(await customer.client.get(f"/api/payments/{intent['paymentId']}"))
    assert (payment["status"], payment["transactionId"]) == ("completed", "pay_odd")
    assert (payment["refundStatus"], payment["refundReason"]) == ("pending", "already_paid")
    assert len(payment["attempts"]) == 2
    assert (await load_order(api, order)).status.value == "confirmed"


async def test_money_that_the_gateway_gave_back_is_shown(api: Api) -> None:
    customer, order, intent = await pending(api)
    await told(api, intent)
    await told(api, intent, state="refunded")
    shown = ok(await customer.client.get(f"/api/orders/{order['id']}"))
    assert (shown["paymentStatus"], shown["refundStatus"]) == ("refunded", "full")
    payment = ok(await customer.client.get(f"/api/payments/{intent['paymentId']}"))
    assert payment["refundStatus"] == "full"


async def test_a_confirmation_with_a_payment_of_another_order_is_refused(api: Api) -> None:
    """The signature is right, because the checkout was ours; the gateway names another order."""
    customer, order, intent = await pending(api)
    answer = api.gateway.pay(intent["razorpay"]["orderId"])
    foreign = replace(await api.gateway.payment(answer.payment_id), gateway_order_id="order_x")
    api.gateway._payments[answer.payment_id] = foreign
    body = confirmation(intent, answer)
    refused(await customer.client.post(CONFIRM, json=body), 409, "foreign-payment")
    assert (await load_order(api, order)).awaits_payment


async def test_a_payment_that_is_not_there_is_not_found(api: Api) -> None:
    customer, _, intent = await pending(api)
    answer = api.gateway.pay(intent["razorpay"]["orderId"])
    body = confirmation(intent, answer) | {"paymentId": "65f0000000000000000000ff"}
    refused(await customer.client.post(CONFIRM, json=body), 404, "not-found")


async def test_a_second_gateway_order_of_a_race_stays_unused(api: Api) -> None:
    _, __, intent = await pending(api)
    caller = Caller(actor="system", correlation="test")
    late = partial(record_gateway_order, intent["paymentId"], "order_late")
    await act(late, api.services, caller)
    assert (await load_payment(api, intent)).gateway_order_id == intent["razorpay"]["orderId"]
