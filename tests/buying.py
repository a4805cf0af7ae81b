"""Steps of buying, over HTTP: a product is on sale, a customer orders it, pays it at the gateway."""

from typing import Any

import httpx

from commands.reactions.policies import POLICIES
from commands.reactions.policy import Policy
from domain.values import Role
from tests.api import Api, Person
from tests.fakes_gateway import CheckoutAnswer
from tests.shop import ADDRESS_BODY

NECKLACE_BODY: dict[str, Any] = {
    "name": "Gold Pearl Necklace",
    "price": 89999,
    "category": "Gold",
    "productType": "necklace",
    "images": ["https://example.com/necklace.jpg"],
    "specifications": {"material": "22k Gold", "gemstone": "Freshwater Pearls"},
    "quantity": 5,
}


def ok(response: httpx.Response, status: int = 200) -> Any:
    """The answer's data."""
    assert response.status_code == status, response.text
    body = response.json()
    assert body["success"] is True
    return body["data"]


def refused(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem."""
    problem: dict[str, Any] = response.json()
    assert (response.status_code, problem["code"]) == (status, code), response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    return problem


async def manager(api: Api) -> Person:
    return await api.staff(Role.CATALOG_MANAGER)


async def on_sale(api: Api, **changes: Any) -> dict[str, Any]:
    """A product in the shop."""
    person = await manager(api)
    created = await person.client.post("/api/products", json=NECKLACE_BODY | changes)
    product: dict[str, Any] = ok(created, 201)
    return product


def order_body(*items: tuple[str, int], **changes: Any) -> dict[str, Any]:
    wanted = [{"productId": product_id, "quantity": quantity} for product_id, quantity in items]
    return {"items": wanted, "shippingAddress": ADDRESS_BODY} | changes


async def ordered(customer: Person, *items: tuple[str, int]) -> dict[str, Any]:
    placed = await customer.client.post("/api/orders", json=order_body(*items))
    order: dict[str, Any] = ok(placed, 201)
    return order


async def asked_to_pay(customer: Person, order: dict[str, Any]) -> dict[str, Any]:
    response = await customer.client.post(
        "/api/payments/create-intent", json={"orderId": order["id"]}
    )
    intent: dict[str, Any] = ok(response, 201)
    return intent


def confirmation(intent: dict[str, Any], answer: CheckoutAnswer) -> dict[str, Any]:
    """What the browser sends after the checkout."""
    return {
        "paymentId": intent["paymentId"],
        "razorpay_order_id": answer.order_id,
        "razorpay_payment_id": answer.payment_id,
        "razorpay_signature": answer.signature,
    }


async def bought(api: Api, customer: Person, *items: tuple[str, int]) -> dict[str, Any]:
    """A paid and confirmed order."""
    order = await ordered(customer, *items)
    intent = await asked_to_pay(customer, order)
    answer = api.gateway.pay(intent["razorpay"]["orderId"])
    response = await customer.client.post(
        "/api/payments/confirm", json=confirmation(intent, answer)
    )
    paid: dict[str, Any] = ok(response)["order"]
    return paid


async def deliver_webhooks(api: Api) -> list[httpx.Response]:
    """The gateway's messages, each once, in its order."""
    sent = [
        await api.client.post(
            "/api/webhooks/razorpay",
            content=webhook.body,
            headers={
                "X-Razorpay-Signature": webhook.signature,
                "x-razorpay-event-id": webhook.event_id,
            },
        )
        for webhook in api.gateway.webhooks
    ]
    api.gateway.webhooks.clear()
    return sent


async def react(api: Api, *policies: Policy) -> None:
    """Let the worker's policies see all of history, until they have nothing more to do."""
    position = 0
    while recorded := await api.store.read_history(after_position=position, limit=100):
        for one in recorded:
            for policy in policies or SHOP_POLICIES:
                if isinstance(one.event, policy.on):
                    await policy(one, api.services)
        position = recorded[-1].position
    await api.consistency.fold()


SHOP_POLICIES = tuple(policy for policy in POLICIES if "order" in policy.name)
