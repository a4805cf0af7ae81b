"""Policies: whenever … then …, once, however often the event comes."""

from typing import Any

from commands.reactions.policies import (
    POLICIES,
    captured_payment_confirms_the_order,
    customer_is_written_to_about_the_order,
    failed_payment_is_shown_on_the_order,
)
from commands.reactions.policy import Policy
from domain.kernel import EVENTS
from domain.payment_events import PaymentConfirmed
from domain.values import Role
from tests.api import Api
from tests.buying import (
    asked_to_pay,
    bought,
    deliver_webhooks,
    ok,
    on_sale,
    ordered,
    react,
)


def test_every_policy_has_a_sentence_and_a_name_of_its_own() -> None:
    assert len({policy.name for policy in POLICIES}) == len(POLICIES)
    assert all(policy.sentence.endswith(".") for policy in POLICIES)
    assert all(event in EVENTS.values() for policy in POLICIES for event in policy.on)


def test_a_policy_without_a_docstring_is_its_name_in_words() -> None:
    async def react_(*_: Any) -> None: ...

    policy = Policy(name="paid_order_is_packed", on=(PaymentConfirmed,), react=react_)
    assert policy.sentence == "paid order is packed"


async def test_a_captured_payment_confirms_the_order_once(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    order = await ordered(customer, (product["id"], 1))
    api.gateway.pay((await asked_to_pay(customer, order))["razorpay"]["orderId"])
    await deliver_webhooks(api)
    for _ in range(3):
        await react(api, captured_payment_confirms_the_order)
    assert (await api.topics()).count("OrderConfirmed") == 1
    commit = api.store.commits[-1]
    (cause,) = [r for r in await api.store.history() if r.type == "PaymentConfirmed"]
    assert commit["actor"] == "policy-captured_payment_confirms_the_order"
    assert commit["causation"] == cause.event_id
    assert [event["type"] for event in commit["events"]] == ["OrderConfirmed", "StockCommitted"]


async def test_a_failed_payment_is_shown_on_the_order_once(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    order = await ordered(customer, (product["id"], 1))
    api.gateway.pay((await asked_to_pay(customer, order))["razorpay"]["orderId"], outcome="failure")
    await deliver_webhooks(api)
    for _ in range(3):
        await react(api, failed_payment_is_shown_on_the_order)
    assert (await api.topics()).count("OrderPaymentFailed") == 1


async def test_the_customer_is_written_to_at_each_step(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    order = await bought(api, customer, (product["id"], 2))
    staff, path = await api.staff(Role.ORDER_MANAGER), f"/api/orders/{order['id']}"
    ok(await staff.client.post(f"{path}/process"))
    parcel = {"trackingNumber": "D1", "carrier": "Delhivery"}
    ok(await staff.client.post(f"{path}/shipments", json=parcel))
    await react(api, customer_is_written_to_about_the_order)
    number = order["orderNumber"]
    placed, confirmed, shipped = api.mails.to(customer.email)
    assert placed.subject == f"Your order {number}"
    assert "2 x Gold Pearl Necklace: ₹1,79,998" in placed.text
    assert "₹1,79,998" in confirmed.text
    assert "Delhivery" in shipped.text
    assert "D1" in shipped.text


async def test_a_cancelled_order_is_told_of(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    order = await ordered(customer, (product["id"], 1))
    ok(await customer.client.post(f"/api/orders/{order['id']}/cancel"))
    await react(api, customer_is_written_to_about_the_order)
    assert "cancelled as you asked" in api.mails.to(customer.email)[-1].text


async def test_the_same_event_gives_the_same_key(api: Api) -> None:
    """The mail's key is the event's id and the template; the mailer sends a key once."""
    product, customer = await on_sale(api), await api.customer()
    await ordered(customer, (product["id"], 1))
    await react(api, customer_is_written_to_about_the_order)
    await react(api, customer_is_written_to_about_the_order)
    first, again = api.mails.to(customer.email)
    assert first == again
    assert first.key.endswith(":order-placed")


async def test_nobody_writes_to_a_person_who_was_forgotten(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    await ordered(customer, (product["id"], 1))
    await api.store.keys.destroy(customer.id)
    await react(api, customer_is_written_to_about_the_order)
    assert api.mails.to(customer.email) == []
