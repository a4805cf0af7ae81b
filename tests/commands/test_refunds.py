"""Money goes back: for cancelled orders by itself, and when finance says so; sent once, whatever happens."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from commands.context import system_context
from commands.effects.erasing import erase
from commands.effects.gateway_calls import reconcile_payment
from commands.reactions.mails import money
from commands.reactions.policies import POLICIES
from commands.reactions.refunding import reconcile_open_refunds
from domain.errors import Invalid, RuleViolation, Unavailable
from domain.payments import Payment
from domain.values import Money, Role
from tests.api import Api, Person
from tests.buying import bought, deliver_webhooks, ok, on_sale, ordered, react, refused

PRICE = 89_999_00
GOODWILL = {"amount": 500, "reason": "a scratch"}
EVERYTHING = {"reason": "sent back"}


@dataclass
class Bought:
    """A paid order, its customer, and somebody of finance."""

    api: Api
    customer: Person
    finance: Person
    order_id: str
    payment_id: str

    async def order(self) -> dict[str, Any]:
        return await self._shown(f"/api/orders/{self.order_id}")

    async def payment(self) -> dict[str, Any]:
        return await self._shown(f"/api/payments/{self.payment_id}")

    async def _shown(self, address: str) -> dict[str, Any]:
        await self.api.consistency.fold()
        found: dict[str, Any] = ok(await self.customer.client.get(address))
        return found

    async def refund(self, body: dict[str, Any], **headers: str) -> httpx.Response:
        address = f"/api/payments/{self.payment_id}/refund"
        return await self.finance.client.post(address, json=body, headers=headers)

    async def loaded(self) -> Payment:
        payment: Payment = await self.api.store.load(Payment, self.payment_id)
        return payment

    async def given_back(self) -> int:
        """Paise, at the gateway."""
        confirmed_by = (await self.loaded()).confirmed_by
        assert confirmed_by is not None
        return self.api.gateway.refunded(confirmed_by)

    async def cancel(self) -> None:
        ok(await self.customer.client.post(f"/api/orders/{self.order_id}/cancel"))

    async def a_while_later(self) -> int:
        self.api.clock.ahead += timedelta(minutes=5)
        await self.api.consistency.fold()
        return await reconcile_open_refunds(self.api.services)


async def work(api: Api) -> None:
    """The worker does all that it has to do."""
    await react(api, *POLICIES)


@pytest.fixture
async def sale(api: Api) -> Bought:
    product, customer = await on_sale(api), await api.customer()
    order = await bought(api, customer, (product["id"], 1))
    return Bought(
        api, customer, await api.staff(Role.FINANCE), order["id"], str(order["paymentId"])
    )


# --- Cancelled orders ------------------------------------------------------------------------------


async def test_the_money_of_an_order_that_its_customer_cancels_goes_back(sale: Bought) -> None:
    await sale.cancel()
    assert (await sale.order())["refundStatus"] == "pending"
    await work(sale.api)
    assert await sale.given_back() == PRICE
    order, payment = await sale.order(), await sale.payment()
    assert (order["status"], order["paymentStatus"], order["refundStatus"]) == (
        "cancelled",
        "refunded",
        "full",
    )
    assert (order["amountRefunded"], order["amountRefundedMinor"]) == (89_999, PRICE)
    assert (payment["status"], payment["refundStatus"]) == ("completed", "full")
    assert payment["amountRefundedMinor"] == PRICE
    [refund] = payment["refunds"]
    assert (refund["status"], refund["amount"], refund["reason"]) == (
        "processed",
        89_999,
        "order_cancelled",
    )
    assert refund["gatewayRefundId"].startswith("rfnd_")
    assert refund["processedAt"] is not None


async def test_the_intent_to_refund_comes_before_the_call(sale: Bought) -> None:
    await sale.cancel()
    await work(sale.api)
    topics = await sale.api.topics()
    assert topics[-4:] == [
        "PaymentRefundNeeded",
        "RefundRequested",
        "RefundSent",
        "RefundProcessed",
    ]


async def test_the_money_of_an_order_that_staff_cancels_goes_back(sale: Bought) -> None:
    manager = await sale.api.staff(Role.ORDER_MANAGER)
    ok(await manager.client.post(f"/api/orders/{sale.order_id}/cancel"))
    await work(sale.api)
    assert await sale.given_back() == PRICE


async def test_however_often_the_worker_hears_of_it_the_money_goes_back_once(sale: Bought) -> None:
    await sale.cancel()
    for _ in range(3):
        await work(sale.api)
        await deliver_webhooks(sale.api)
    assert await sale.given_back() == PRICE
    topics = await sale.api.topics()
    assert [topics.count(t) for t in ("RefundRequested", "RefundSent", "RefundProcessed")] == [
        1,
        1,
        1,
    ]


async def test_the_customer_is_told_once_when_the_money_is_gone(sale: Bought) -> None:
    await sale.cancel()
    await work(sale.api)
    [letter] = [m for m in sale.api.mails.to(sale.customer.email) if "goes back" in m.subject]
    assert "₹89,999" in letter.text
    assert letter.key.endswith(":refunded")


async def test_late_money_that_nobody_waits_for_goes_back(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    order = await ordered(customer, (product["id"], 1))
    asked = await customer.client.post("/api/payments/create-intent", json={"orderId": order["id"]})
    intent = ok(asked, 201)
    ok(await customer.client.post(f"/api/orders/{order['id']}/cancel"))
    answer = api.gateway.pay(intent["razorpay"]["orderId"])
    await deliver_webhooks(api)
    await work(api)
    assert api.gateway.refunded(answer.payment_id) == PRICE
    shown = ok(await customer.client.get(f"/api/orders/{order['id']}"))
    assert (shown["paymentStatus"], shown["refundStatus"]) == ("refunded", "full")


# --- Finance --------------------------------------------------------------------------------------


async def test_finance_gives_a_part_back(sale: Bought) -> None:
    answer = await sale.refund(GOODWILL)
    begun = ok(answer, 202)
    assert answer.headers["Location"] == f"/api/payments/{sale.payment_id}"
    assert (begun["refundStatus"], begun["refunds"][0]["status"]) == ("pending", "pending")
    assert answer.headers["ETag"] == f'"v{begun["version"]}"'
    await work(sale.api)
    order, payment = await sale.order(), await sale.payment()
    assert (order["status"], order["paymentStatus"], order["refundStatus"]) == (
        "confirmed",
        "completed",
        "partial",
    )
    assert (payment["refundStatus"], payment["amountRefunded"]) == ("partial", 500)
    assert await sale.given_back() == 500_00


async def test_without_an_amount_all_that_is_left_goes_back(sale: Bought) -> None:
    ok(await sale.refund(GOODWILL), 202)
    ok(await sale.refund(EVERYTHING), 202)
    await work(sale.api)
    payment = await sale.payment()
    assert payment["refundStatus"] == "full"
    assert [r["amountMinor"] for r in payment["refunds"]] == [500_00, PRICE - 500_00]
    assert (await sale.order())["paymentStatus"] == "refunded"
    assert await sale.given_back() == PRICE


async def test_no_more_goes_back_than_was_captured_not_even_on_its_way(sale: Bought) -> None:
    ok(await sale.refund(GOODWILL), 202)
    problem = refused(
        await sale.refund({"amountMinor": PRICE - 499_00, "reason": "too much"}),
        409,
        "refund-exceeds-payment",
    )
    assert problem["refundableMinor"] == PRICE - 500_00
    ok(await sale.refund(EVERYTHING), 202)
    refused(await sale.refund(EVERYTHING), 409, "nothing-to-refund")


async def test_the_same_key_is_the_same_refund(sale: Bought) -> None:
    key = {"Idempotency-Key": "goodwill-1"}
    first = ok(await sale.refund(GOODWILL, **key), 202)
    again = await sale.refund(GOODWILL, **key)
    assert ok(again, 202)["refunds"] == first["refunds"]
    assert again.headers["Idempotent-Replayed"] == "true"
    await work(sale.api)
    assert await sale.given_back() == 500_00


async def test_an_order_that_was_given_a_part_back_is_cancelled_for_the_rest(sale: Bought) -> None:
    ok(await sale.refund(GOODWILL), 202)
    await sale.cancel()
    await work(sale.api)
    assert await sale.given_back() == PRICE
    assert (await sale.order())["paymentStatus"] == "refunded"


async def test_finance_and_the_worker_do_not_both_refund_a_cancelled_order(sale: Bought) -> None:
    await sale.cancel()
    ok(await sale.refund(EVERYTHING), 202)
    await work(sale.api)
    assert await sale.given_back() == PRICE
    assert (await sale.api.topics()).count("RefundRequested") == 1


@pytest.mark.parametrize("role", [Role.ORDER_MANAGER, Role.SUPPORT, Role.CATALOG_MANAGER])
async def test_others_do_not_give_money_away(sale: Bought, role: Role) -> None:
    person = await sale.api.staff(role)
    address = f"/api/payments/{sale.payment_id}/refund"
    refused(await person.client.post(address, json=EVERYTHING), 403, "forbidden")
    refused(await sale.customer.client.post(address, json=EVERYTHING), 403, "forbidden")
    refused(await sale.api.client.post(address, json=EVERYTHING), 401, "unauthenticated")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"reason": " "},
        {"reason": "x", "amount": 0},
        {"reason": "x", "amount": -5},
        {"reason": "x", "amount": "NaN"},
        {"reason": "x", "amount": 5.005},
        {"reason": "x", "amountMinor": 99},
        {"reason": "x", "amountMinor": 100.5},
        {"reason": "x", "amount": 5, "amountMinor": 500},
        {"reason": "x", "speed": "warp"},
    ],
)
async def test_what_is_no_refund_is_refused(sale: Bought, body: dict[str, Any]) -> None:
    assert (await sale.refund(body)).status_code == 422
    assert "RefundRequested" not in await sale.api.topics()


@pytest.mark.parametrize("payment_id", ["nonsense", "0" * 24])
async def test_the_payment_of_nobody_is_not_found(sale: Bought, payment_id: str) -> None:
    address = f"/api/payments/{payment_id}/refund"
    refused(await sale.finance.client.post(address, json=EVERYTHING), 404, "not-found")


async def test_what_was_never_paid_is_not_refunded(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    order = await ordered(customer, (product["id"], 1))
    asked = await customer.client.post("/api/payments/create-intent", json={"orderId": order["id"]})
    admin = await api.admin()
    address = f"/api/payments/{ok(asked, 201)['paymentId']}/refund"
    refused(await admin.client.post(address, json=EVERYTHING), 409, "nothing-to-refund")


async def test_why_is_kept_under_the_customers_key(sale: Bought) -> None:
    ok(await sale.refund(GOODWILL), 202)
    history = await sale.api.store.history()
    [told] = [r.event for r in history if r.type == "RefundExplained"]
    assert (getattr(told, "note", ""), told.SUBJECT) == ("a scratch", "customer_id")


async def test_a_forgotten_persons_money_can_go_back(sale: Bought) -> None:
    context = system_context("ErasePerson", correlation="test")
    await erase(sale.customer.id, context, sale.api.services)
    ok(await sale.refund(EVERYTHING), 202)
    await work(sale.api)
    assert await sale.given_back() == PRICE
    assert "RefundExplained" not in await sale.api.topics()
    assert not [mail for mail in sale.api.mails.mails if "goes back" in mail.subject]


# --- A gateway that is silent, slow, or says no ------------------------------------------------------


async def test_a_silent_gateway_is_no_failure(sale: Bought) -> None:
    await sale.cancel()
    sale.api.gateway.failures.append(Unavailable("the gateway did not answer"))
    await work(sale.api)
    topics = await sale.api.topics()
    assert topics[-1] == "RefundOutcomeUnknown"
    assert "RefundFailed" not in topics
    assert (await sale.payment())["refundStatus"] == "pending"
    assert await sale.a_while_later() == 1
    assert await sale.given_back() == PRICE
    assert (await sale.payment())["refundStatus"] == "full"
    assert await sale.a_while_later() == 0


async def test_an_answer_that_was_lost_is_found_and_not_sent_again(sale: Bought) -> None:
    await sale.cancel()
    sale.api.gateway.lost_answers = 1
    await work(sale.api)
    assert await sale.given_back() == PRICE
    assert (await sale.api.topics())[-1] == "RefundOutcomeUnknown"
    assert await sale.a_while_later() == 1
    assert await sale.given_back() == PRICE
    assert (await sale.payment())["refundStatus"] == "full"


async def test_a_lost_answer_may_come_by_webhook(sale: Bought) -> None:
    await sale.cancel()
    sale.api.gateway.lost_answers = 1
    await work(sale.api)
    assert {answer.status_code for answer in await deliver_webhooks(sale.api)} == {200}
    assert (await sale.payment())["refundStatus"] == "full"
    assert await sale.a_while_later() == 0


async def test_a_refund_on_its_way_is_settled_by_webhook(sale: Bought) -> None:
    sale.api.gateway.refunds_start_as = "pending"
    await sale.cancel()
    await work(sale.api)
    await deliver_webhooks(sale.api)
    payment = await sale.payment()
    assert (payment["refundStatus"], payment["amountRefunded"]) == ("pending", 0)
    assert (await sale.order())["paymentStatus"] == "completed"
    sale.api.gateway.settle_refund(payment["refunds"][0]["gatewayRefundId"], "processed")
    await deliver_webhooks(sale.api)
    assert (await sale.order())["paymentStatus"] == "refunded"


async def test_a_refund_on_its_way_is_asked_about_when_nobody_tells(sale: Bought) -> None:
    sale.api.gateway.refunds_start_as = "pending"
    await sale.cancel()
    await work(sale.api)
    [refund] = (await sale.payment())["refunds"]
    assert await sale.a_while_later() == 1
    assert (await sale.payment())["refundStatus"] == "pending"
    sale.api.gateway.settle_refund(refund["gatewayRefundId"], "processed")
    assert await sale.a_while_later() == 1
    assert (await sale.payment())["refundStatus"] == "full"


async def test_a_refund_that_the_bank_sends_back_is_shown_and_can_be_tried_again(
    sale: Bought,
) -> None:
    sale.api.gateway.refunds_start_as = "pending"
    await sale.cancel()
    await work(sale.api)
    [refund] = (await sale.payment())["refunds"]
    sale.api.gateway.settle_refund(refund["gatewayRefundId"], "failed")
    await deliver_webhooks(sale.api)
    await work(sale.api)
    payment, order = await sale.payment(), await sale.order()
    assert (payment["refundStatus"], order["refundStatus"]) == ("failed", "failed")
    assert (payment["refunds"][0]["status"], order["paymentStatus"]) == ("failed", "completed")
    waiting = ok(await sale.finance.client.get("/api/payments/history?refund=failed"))
    assert [each["id"] for each in waiting] == [sale.payment_id]
    sale.api.gateway.refunds_start_as = "processed"
    ok(await sale.refund(EVERYTHING), 202)
    await work(sale.api)
    assert await sale.given_back() == PRICE
    assert (await sale.order())["paymentStatus"] == "refunded"


async def test_a_gateway_that_refuses_leaves_the_money_with_the_shop(sale: Bought) -> None:
    await sale.cancel()
    sale.api.gateway.failures.append(RuleViolation("no balance", code="gateway-refused"))
    await work(sale.api)
    payment = await sale.payment()
    assert payment["refundStatus"] == "failed"
    assert payment["refunds"][0]["failureReason"] == "no balance"
    assert await sale.given_back() == 0
    assert await sale.a_while_later() == 0


async def test_a_silent_gateway_ends_the_round(sale: Bought) -> None:
    for amount in (500, 600):
        ok(await sale.refund({"amount": amount, "reason": "x"}), 202)
    sale.api.gateway.failures += [Unavailable("cut")]
    assert await sale.a_while_later() == 0
    assert await sale.given_back() == 0
    assert await sale.a_while_later() == 2
    assert await sale.given_back() == 1_100_00


async def test_a_refund_that_cannot_be_asked_about_does_not_stop_the_round(sale: Bought) -> None:
    sale.api.gateway.refunds_start_as = "pending"
    for amount in (500, 600):
        ok(await sale.refund({"amount": amount, "reason": "x"}), 202)
    await work(sale.api)
    for refund in (await sale.payment())["refunds"]:
        sale.api.gateway.settle_refund(refund["gatewayRefundId"], "processed")
    sale.api.gateway.failures.append(Invalid("that payment is unknown", code="gateway-refused"))
    assert await sale.a_while_later() == 1
    assert (await sale.payment())["amountRefunded"] == 1_100


async def test_finance_may_say_which_of_two_captured_payments(sale: Bought) -> None:
    payment = await sale.loaded()
    assert payment.gateway_order_id is not None
    extra = replace(
        await sale.api.gateway.payment(payment.confirmed_by or ""), gateway_payment_id="pay_extra"
    )
    sale.api.gateway._payments["pay_extra"] = extra
    await reconcile_payment(sale.payment_id, sale.api.services)
    sale.api.gateway.failures.append(RuleViolation("no balance", code="gateway-refused"))
    await work(sale.api)
    assert (await sale.payment())["refundStatus"] == "failed"
    ok(await sale.refund(EVERYTHING | {"transactionId": "pay_extra"}), 202)
    await work(sale.api)
    assert (sale.api.gateway.refunded("pay_extra"), await sale.given_back()) == (PRICE, 0)
    order, shown = await sale.order(), await sale.payment()
    assert (order["paymentStatus"], shown["refundStatus"]) == ("completed", "partial")
    nobodys = EVERYTHING | {"transactionId": "pay_nobodys"}
    refused(await sale.refund(nobodys), 409, "nothing-to-refund")


def test_money_of_another_land_is_named_as_such() -> None:
    assert money(Money(amount=12_50, currency="USD")) == "12.5 USD"
    assert money(Money(amount=500_00)) == "₹500"


# --- What was refunded at the gateway's own desk -------------------------------------------------------


async def test_what_was_refunded_elsewhere_is_shown_and_counts(sale: Bought) -> None:
    confirmed_by = (await sale.loaded()).confirmed_by
    assert confirmed_by is not None
    for amount in (300_00, 200_00):
        sale.api.gateway.refund_at_desk(confirmed_by, amount)
        await deliver_webhooks(sale.api)
    payment = await sale.payment()
    assert (payment["refundStatus"], payment["amountRefunded"]) == ("partial", 500)
    assert [refund["reason"] for refund in payment["refunds"]] == ["at_gateway", "at_gateway"]
    await sale.cancel()
    await work(sale.api)
    assert await sale.given_back() == PRICE
    assert (await sale.payment())["refundStatus"] == "full"


async def test_what_was_refunded_elsewhere_is_not_refunded_again(sale: Bought) -> None:
    confirmed_by = (await sale.loaded()).confirmed_by
    assert confirmed_by is not None
    sale.api.gateway.refund_at_desk(confirmed_by, PRICE)
    sale.api.gateway.webhooks.clear()
    await reconcile_payment(sale.payment_id, sale.api.services)
    await sale.cancel()
    await work(sale.api)
    assert await sale.given_back() == PRICE
    assert "RefundRequested" not in await sale.api.topics()
    assert (await sale.order())["paymentStatus"] == "refunded"
