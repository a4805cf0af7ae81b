"""Orders over HTTP: placed, cancelled, moved on, expired."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from commands.context import system_context
from commands.effects.erasing import erase
from commands.reactions.expiry import expire_reservations
from domain.orders import Order
from domain.stock import Stock
from domain.values import Role
from tests.api import Api
from tests.buying import (
    asked_to_pay,
    bought,
    deliver_webhooks,
    ok,
    on_sale,
    order_body,
    ordered,
    react,
    refused,
)
from tests.shop import ADDRESS_BODY

UNKNOWN = "65f0000000000000000000ff"


async def stock_of(api: Api, product: dict[str, Any]) -> Stock:
    stock: Stock = await api.store.load(Stock, product["id"])
    return stock


async def test_an_order_is_placed_pending_with_our_prices(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    response = await customer.client.post("/api/orders", json=order_body((product["id"], 2)))
    order = ok(response, 201)
    assert (order["status"], order["paymentStatus"]) == ("pending", "pending")
    assert (order["totalAmount"], order["totalMinor"]) == (179_998, 17_999_800)
    assert order["userId"] == customer.id
    (item,) = order["items"]
    assert item["productId"] == product["id"]
    assert item["productName"] == "Gold Pearl Necklace"
    assert item["productImage"] == "https://example.com/necklace.jpg"
    assert (item["price"], item["quantity"], item["isPreorder"]) == (89_999, 2, False)
    assert order["shippingAddress"]["zipCode"] == "400002"
    assert order["billingAddress"] == order["shippingAddress"]
    assert response.headers["Location"] == f"/api/orders/{order['id']}"
    assert response.headers["ETag"] == '"v1"'


async def test_a_gift_note_comes_with_the_parcel_and_is_forgotten_with_the_person(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    body = order_body((product["id"], 1), giftNote="  For Asha, with love  ")
    order = ok(await customer.client.post("/api/orders", json=body), 201)
    assert order["giftNote"] == "For Asha, with love"
    assert b"Asha" not in repr(api.store.commits[-1]).encode()
    await erase(customer.id, system_context("ErasePerson", correlation="test"), api.services)
    assert await api.consistency.wait_for_position(len(await api.topics()), seconds=5)
    document = await api.services.documents.find("orders", order["id"])
    assert document is not None
    assert document["giftNote"] == ""


async def test_order_and_stock_are_one_commit(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    await ordered(customer, (product["id"], 2))
    types = sorted(event["type"] for event in api.store.commits[-1]["events"])
    assert types == ["OrderPlaced", "StockReserved"]
    stock = await stock_of(api, product)
    assert (stock.on_hand, stock.held, stock.available) == (5, 2, 3)


async def test_lines_of_one_product_are_summed_first(api: Api) -> None:
    product, customer = await on_sale(api, quantity=3), await api.customer()
    order = await ordered(customer, (product["id"], 1), (product["id"], 2))
    assert [item["quantity"] for item in order["items"]] == [3]
    two_lines = order_body((product["id"], 2), (product["id"], 2))
    problem = refused(
        await customer.client.post("/api/orders", json=two_lines), 409, "insufficient-stock"
    )
    assert problem["lines"] == [{"productId": product["id"], "requested": 4, "available": 0}]


async def test_a_short_order_reserves_nothing_at_all(api: Api) -> None:
    plenty = await on_sale(api, quantity=9)
    scarce = await on_sale(api, name="Diamond Ring", quantity=1)
    customer = await api.customer()
    body = order_body((plenty["id"], 1), (scarce["id"], 2))
    refused(await customer.client.post("/api/orders", json=body), 409, "insufficient-stock")
    assert (await stock_of(api, plenty)).held == 0
    assert (await stock_of(api, scarce)).held == 0


async def test_the_last_unit_is_sold_to_one_of_many(api: Api) -> None:
    product = await on_sale(api, quantity=1)
    customers = [await api.customer() for _ in range(6)]
    body = order_body((product["id"], 1))
    answers = await asyncio.gather(
        *(customer.client.post("/api/orders", json=body) for customer in customers)
    )
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 5]
    assert (await stock_of(api, product)).held == 1


async def test_what_is_out_of_stock_may_be_ordered_in_advance(api: Api) -> None:
    product = await on_sale(api, quantity=0, preorderAvailable=True)
    order = await ordered(await api.customer(), (product["id"], 1))
    assert [item["isPreorder"] for item in order["items"]] == [True]
    assert (await stock_of(api, product)).held == 0


async def test_an_order_that_comes_twice_is_placed_once(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    headers = {"Idempotency-Key": "first-order"}
    body = order_body((product["id"], 1))
    first = await customer.client.post("/api/orders", json=body, headers=headers)
    again = await customer.client.post("/api/orders", json=body, headers=headers)
    assert ok(first, 201)["id"] == ok(again, 201)["id"]
    assert (await stock_of(api, product)).held == 1
    other = order_body((product["id"], 2))
    refused(
        await customer.client.post("/api/orders", json=other, headers=headers),
        422,
        "idempotency-key-reused",
    )


async def test_a_price_that_changed_is_told(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    body = order_body((product["id"], 1), expectedTotal=79_999)
    problem = refused(await customer.client.post("/api/orders", json=body), 409, "price-changed")
    assert problem["totalAmount"] == 89_999
    ok(await customer.client.post("/api/orders", json=body | {"expectedTotal": 89_999}), 201)


async def test_the_price_is_the_streams_not_the_read_models(api: Api) -> None:
    """A projector that lags, or a document that somebody changed, cannot change a price."""
    product, customer = await on_sale(api), await api.customer()
    await api.services.read_models["products"].update_many({}, {"$set": {"priceMinor": 1}})
    order = await ordered(customer, (product["id"], 1))
    assert order["totalMinor"] == 8_999_900


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"items": [], "shippingAddress": ADDRESS_BODY},
        {"items": [{"productId": "nonsense"}], "shippingAddress": ADDRESS_BODY},
        {"items": [{"productId": UNKNOWN, "quantity": 0}], "shippingAddress": ADDRESS_BODY},
        {"items": [{"productId": UNKNOWN, "quantity": 11}], "shippingAddress": ADDRESS_BODY},
        {"items": [{"productId": UNKNOWN, "price": 1}], "shippingAddress": ADDRESS_BODY},
        {"items": [{"productId": {"$ne": None}}], "shippingAddress": ADDRESS_BODY},
        {"items": [{"productId": UNKNOWN}]},
        {"items": [{"productId": UNKNOWN}], "shippingAddress": ADDRESS_BODY | {"zipCode": "0123"}},
        {"items": [{"productId": UNKNOWN}], "shippingAddress": ADDRESS_BODY},
    ],
)
async def test_a_body_that_makes_no_sense_is_refused_with_its_fields(
    api: Api, body: dict[str, Any]
) -> None:
    customer = await api.customer()
    response = await customer.client.post("/api/orders", json=body)
    assert response.status_code == 422, response.text
    assert response.json()["errors"]


async def test_eleven_of_a_product_on_two_lines_are_too_many(api: Api) -> None:
    product, customer = await on_sale(api, quantity=50), await api.customer()
    body = order_body((product["id"], 6), (product["id"], 5))
    problem = refused(await customer.client.post("/api/orders", json=body), 422, "too-many")
    assert problem["errors"][0]["field"] == "items.1.quantity"


async def test_an_archived_product_cannot_be_ordered(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    staff = await api.staff(Role.CATALOG_MANAGER)
    ok(await staff.client.delete(f"/api/products/{product['id']}"))
    body = order_body((product["id"], 1))
    refused(await customer.client.post("/api/orders", json=body), 422, "unknown-product")


async def test_nobody_orders_without_an_account(api: Api) -> None:
    response = await api.client.post("/api/orders", json=order_body((UNKNOWN, 1)))
    assert response.status_code == 401


# --- Cancelling ----------------------------------------------------------------------------------


async def test_a_customer_cancels_and_the_stock_is_free_again(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    order = await ordered(customer, (product["id"], 2))
    path = f"/api/orders/{order['id']}/cancel"
    cancelled = ok(await customer.client.post(path, json={"reason": "changed my mind"}))
    assert (cancelled["status"], cancelled["cancelReason"]) == ("cancelled", "customer")
    assert (await stock_of(api, product)).available == 5
    shown = ok(await api.client.get(f"/api/products/{product['id']}"))
    assert shown["stock"]["available"] == 5
    assert ok(await customer.client.post(path))["status"] == "cancelled"
    assert (await api.topics()).count("OrderCancelled") == 1


async def test_a_cancelled_paid_order_gives_its_money_back(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    order = await bought(api, customer, (product["id"], 1))
    assert order["status"] == "confirmed"
    cancelled = ok(await customer.client.post(f"/api/orders/{order['id']}/cancel"))
    assert (cancelled["status"], cancelled["refundStatus"]) == ("cancelled", "pending")
    assert (await stock_of(api, product)).available == 5
    payment = ok(await customer.client.get(f"/api/payments/{order['paymentId']}"))
    assert (payment["refundStatus"], payment["refundReason"]) == ("pending", "order_cancelled")


async def test_a_strangers_order_does_not_exist(api: Api) -> None:
    product, customer, stranger = await on_sale(api), await api.customer(), await api.customer()
    order = await ordered(customer, (product["id"], 1))
    refused(await stranger.client.post(f"/api/orders/{order['id']}/cancel"), 404, "not-found")
    refused(await stranger.client.get(f"/api/orders/{order['id']}"), 404, "not-found")
    refused(await customer.client.post(f"/api/orders/{UNKNOWN}/cancel"), 404, "not-found")
    refused(await customer.client.post("/api/orders/nonsense/cancel"), 404, "not-found")


# --- Moving on -----------------------------------------------------------------------------------


async def test_staff_take_an_order_from_confirmed_to_delivered(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    order = await bought(api, customer, (product["id"], 2))
    staff, path = await api.staff(Role.ORDER_MANAGER), f"/api/orders/{order['id']}"
    refused(await customer.client.post(f"{path}/process"), 403, "forbidden")
    assert ok(await staff.client.post(f"{path}/process"))["status"] == "processing"
    parcel = {"trackingNumber": "D1", "carrier": "Delhivery"}
    shipped = ok(await staff.client.post(f"{path}/shipments", json=parcel))
    assert (shipped["status"], shipped["trackingNumber"]) == ("shipped", "D1")
    stock = await stock_of(api, product)
    assert (stock.on_hand, stock.held) == (3, 0)
    assert ok(await staff.client.post(f"{path}/deliver"))["status"] == "delivered"
    refused(await customer.client.post(f"{path}/cancel"), 409, "illegal-transition")
    assert "StockDispatched" in await api.topics()


async def test_an_unpaid_order_is_not_processed(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    order = await ordered(customer, (product["id"], 1))
    staff = await api.staff(Role.ORDER_MANAGER)
    refused(
        await staff.client.post(f"/api/orders/{order['id']}/process"), 409, "illegal-transition"
    )


async def test_staff_cancel_what_is_being_processed(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    order = await bought(api, customer, (product["id"], 1))
    staff, path = await api.staff(Role.ORDER_MANAGER), f"/api/orders/{order['id']}"
    ok(await staff.client.post(f"{path}/process"))
    cancelled = ok(await staff.client.post(f"{path}/cancel", json={"reason": "cracked"}))
    assert cancelled["cancelReason"] == "staff"


# --- The clock -----------------------------------------------------------------------------------


async def test_an_order_that_nobody_paid_expires_and_frees_its_stock(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    order = await ordered(customer, (product["id"], 2))
    assert await expire_reservations(api.services) == 0
    api.clock.ahead = timedelta(minutes=31)
    assert await expire_reservations(api.services) == 1
    await api.consistency.fold()
    assert await expire_reservations(api.services) == 0
    shown = await api.services.read_models["orders"].find_one({})
    assert shown is not None
    assert (shown["status"], shown["cancelReason"]) == ("cancelled", "payment_timeout")
    assert str(shown["_id"]) == order["id"]
    assert (await stock_of(api, product)).available == 5


async def test_a_stale_deadline_expires_nothing(api: Api) -> None:
    """The read model only proposes: here it has not heard yet that the order is paid."""
    product, customer = await on_sale(api), await api.customer()
    order = await ordered(customer, (product["id"], 1))
    deadline = await api.services.read_models["orderDeadlines"].find_one({})
    assert deadline is not None
    intent = await asked_to_pay(customer, order)
    api.gateway.pay(intent["razorpay"]["orderId"])
    await deliver_webhooks(api)
    await react(api)
    await api.services.read_models["orderDeadlines"].replace_one(
        {"_id": deadline["_id"]}, deadline, upsert=True
    )
    api.clock.ahead = timedelta(hours=2)
    assert await expire_reservations(api.services) == 0
    paid: Order = await api.store.load(Order, order["id"])
    assert paid.status.value == "confirmed"


async def test_an_order_whose_money_has_come_does_not_expire(api: Api) -> None:
    """The payment is confirmed and the policy has not run yet."""
    product, customer = await on_sale(api), await api.customer()
    order = await ordered(customer, (product["id"], 1))
    intent = await asked_to_pay(customer, order)
    api.gateway.pay(intent["razorpay"]["orderId"])
    await deliver_webhooks(api)
    api.clock.ahead = timedelta(minutes=31)
    assert await expire_reservations(api.services) == 0
    await react(api)
    paid: Order = await api.store.load(Order, order["id"])
    assert paid.status.value == "confirmed"


async def test_the_order_of_a_forgotten_person_expires_like_any_other(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    await ordered(customer, (product["id"], 2))
    await erase(customer.id, system_context("ErasePerson", correlation="test"), api.services)
    await api.consistency.fold()
    api.clock.ahead = timedelta(minutes=31)
    assert await expire_reservations(api.services) == 1
    assert (await stock_of(api, product)).available == 5


async def test_a_deadline_that_leads_nowhere_does_not_stop_the_round(api: Api) -> None:
    api.plants_documents = True
    product, customer = await on_sale(api), await api.customer()
    await ordered(customer, (product["id"], 2))
    await api.services.read_models["orderDeadlines"].insert_one(
        {"_id": ObjectId(UNKNOWN), "until": api.clock()}
    )
    api.clock.ahead = timedelta(minutes=31)
    assert await expire_reservations(api.services) == 1
