"""What people do in the shop, step by step, each waiting for what the shop does by itself."""

from typing import Any

import httpx

from tests.buying import ok, order_body
from tests.journeys.real_shop import ASTRONAUT, Customer, eventually


def products(client: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    """The demo catalogue is imported in the background of the first start."""

    def all_of_them() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = ok(client.get("/api/products", params={"limit": 100} | query))
        return found if len(found) >= 13 or query else []

    return eventually(all_of_them, "stocked")


def necklace(client: httpx.Client, name: str = "oxidised-collar") -> dict[str, Any]:
    """A piece of the demo that can be tried on."""
    return next(p for p in products(client) if p["images"] == [f"/media/demo/{name}.png"])


def uploaded(
    customer: Customer, data: bytes | None = None, *, name: str = "me.jpg"
) -> dict[str, Any]:
    """A photograph, as soon as it was looked at."""
    file = (name, ASTRONAUT.read_bytes() if data is None else data, "image/jpeg")
    answer = customer.post("/api/images/upload", files={"file": file}, data={"consent": "true"})
    return settled(customer, f"/api/images/{accepted(answer)['id']}")


def tried_on(customer: Customer, photo: dict[str, Any], product: dict[str, Any]) -> dict[str, Any]:
    """A result, as soon as it was rendered."""
    body = {"productId": product["id"], "userImageId": photo["id"]}
    answer = customer.post("/api/try-on/create", json=body)
    return settled(customer, f"/api/try-on/results/{accepted(answer)['id']}")


def accepted(answer: httpx.Response) -> dict[str, Any]:
    """201, or 202 while the read models cannot follow."""
    data: dict[str, Any] = ok(answer, 202 if answer.status_code == 202 else 201)
    return data


def settled(customer: Customer, address: str) -> dict[str, Any]:
    """What is there, once it is no longer `processing`."""

    def ended() -> dict[str, Any] | None:
        found = shown(customer.get(address))
        return None if found is None or found["status"] == "processing" else found

    return eventually(ended, f"settled: {address}")


def shown(answer: httpx.Response) -> dict[str, Any] | None:
    """None while the read models do not have it yet."""
    if answer.status_code == 404:
        return None
    data: dict[str, Any] = ok(answer)
    return data


def ordered(customer: Customer, product: dict[str, Any], **headers: str) -> dict[str, Any]:
    order: dict[str, Any] = ok(asked_for(customer, product, **headers), 201)
    return order


def asked_for(customer: Customer, product: dict[str, Any], **headers: str) -> httpx.Response:
    body = order_body((product["id"], 1))
    return customer.post("/api/orders", json=body, headers=headers)


def intent_for(customer: Customer, order: dict[str, Any]) -> dict[str, Any]:
    answer = customer.post("/api/payments/create-intent", json={"orderId": order["id"]})
    intent: dict[str, Any] = ok(answer, 201)
    return intent


def checkout(gateway: str, intent: dict[str, Any], outcome: str = "success") -> dict[str, Any]:
    """What the customer does at the gateway's page; the gateway then tells the shop as well."""
    body = {"order_id": intent["razorpay"]["orderId"], "method": "upi", "outcome": outcome}
    answer = httpx.post(f"{gateway}/_sim/checkout", json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    signed: dict[str, Any] = answer.json()
    return signed


def confirm(customer: Customer, intent: dict[str, Any], signed: dict[str, Any]) -> dict[str, Any]:
    body = {"paymentId": intent["paymentId"]} | signed
    confirmed: dict[str, Any] = ok(customer.post("/api/payments/confirm", json=body))
    return confirmed


def with_status(customer: Customer, order: dict[str, Any], status: str) -> dict[str, Any]:
    def there() -> dict[str, Any] | None:
        found = shown(customer.get(f"/api/orders/{order['id']}"))
        return found if found is not None and found["status"] == status else None

    return eventually(there, status)
