"""Orders and payments as their customers and staff see them, and as the specification names them."""

from commands.context import system_context
from commands.effects.erasing import erase
from domain.values import Role
from tests.api import Api
from tests.buying import bought, ok, on_sale, ordered, refused

ORDER_FIELDS = {
    "_id", "userId", "items", "totalAmount", "status", "paymentStatus", "shippingAddress",
    "billingAddress", "estimatedDelivery", "trackingNumber", "createdAt", "updatedAt",
}  # fmt: skip
ITEM_FIELDS = {"productId", "productName", "productImage", "quantity", "price", "isPreorder"}
ADDRESS_FIELDS = {"street", "city", "state", "zipCode", "country"}
PAYMENT_FIELDS = {
    "_id", "orderId", "amount", "currency", "method", "status", "transactionId", "gatewayResponse",
    "createdAt", "updatedAt",
}  # fmt: skip


async def test_an_order_has_every_field_of_the_specification(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    placed = await ordered(customer, (product["id"], 1))
    response = await customer.client.get(f"/api/orders/{placed['id']}")
    order = ok(response)
    assert order == placed
    assert set(order) >= ORDER_FIELDS
    assert set(order["items"][0]) >= ITEM_FIELDS
    assert set(order["shippingAddress"]) >= ADDRESS_FIELDS
    assert set(order["billingAddress"]) >= ADDRESS_FIELDS
    assert response.headers["ETag"] == '"v1"'
    document = await api.services.read_models["orders"].find_one({})
    assert document is not None
    names = ("_id", "userId", "totalAmount", "estimatedDelivery", "createdAt")
    assert [type(document[name]).__name__ for name in names] == [
        "ObjectId",
        "ObjectId",
        "int",
        "datetime",
        "datetime",
    ]
    assert type(document["items"][0]["productId"]).__name__ == "ObjectId"


async def test_a_payment_has_every_field_of_the_specification(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    order = await bought(api, customer, (product["id"], 1))
    payment = ok(await customer.client.get(f"/api/payments/{order['paymentId']}"))
    assert set(payment) >= PAYMENT_FIELDS
    assert (payment["orderId"], payment["amount"]) == (order["id"], 89_999)
    assert (payment["amountMinor"], payment["currency"]) == (8_999_900, "INR")
    assert [attempt["state"] for attempt in payment["attempts"]] == ["captured"]


async def test_customers_see_their_own_orders_only(api: Api) -> None:
    product, first, second = await on_sale(api), await api.customer(), await api.customer()
    mine = [(await ordered(first, (product["id"], 1)))["id"] for _ in range(2)]
    await ordered(second, (product["id"], 1))
    listed = await first.client.get("/api/orders")
    assert [order["id"] for order in ok(listed)] == mine[::-1]
    assert listed.json()["pagination"]["total"] == 2
    assert len(ok(await first.client.get(f"/api/orders?userId={second.id}"))) == 2
    assert len(ok(await (await api.staff(Role.SUPPORT)).client.get("/api/orders"))) == 3


async def test_staff_find_orders(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    paid = await bought(api, customer, (product["id"], 1))
    waiting = await ordered(customer, (product["id"], 1))
    staff = (await api.staff(Role.ORDER_MANAGER)).client
    for query, found in (
        ("status=confirmed", [paid["id"]]),
        ("paymentStatus=pending", [waiting["id"]]),
        (f"orderNumber={paid['orderNumber']}", [paid["id"]]),
        (f"userId={customer.id}", [waiting["id"], paid["id"]]),
        ("from=2020-01-01T00:00:00Z", [waiting["id"], paid["id"]]),
        ("to=2020-01-01T00:00:00Z", []),
    ):
        assert [o["id"] for o in ok(await staff.get(f"/api/orders?{query}"))] == found, query
    assert (await staff.get("/api/orders?status=lost")).status_code == 422


async def test_a_payment_history_is_ones_own(api: Api) -> None:
    product, first, second = await on_sale(api), await api.customer(), await api.customer()
    order = await bought(api, first, (product["id"], 1))
    history = ok(await first.client.get("/api/payments/history"))
    assert [payment["id"] for payment in history] == [order["paymentId"]]
    assert ok(await second.client.get("/api/payments/history")) == []
    assert ok(await first.client.get("/api/payments/history?status=failed")) == []
    finance = await api.staff(Role.FINANCE)
    assert len(ok(await finance.client.get("/api/payments/history?status=completed"))) == 1


async def test_no_payment_method_is_stored(api: Api) -> None:
    customer = await api.customer()
    response = await customer.client.get("/api/payments/methods")
    assert ok(response) == []
    assert response.json()["meta"]["available"] == ["card", "upi", "netbanking", "wallet"]


async def test_a_malformed_id_is_not_found(api: Api) -> None:
    customer = await api.customer()
    refused(await customer.client.get("/api/orders/nonsense"), 404, "not-found")
    refused(await customer.client.get("/api/payments/nonsense"), 404, "not-found")


async def test_an_erased_customers_orders_lose_their_addresses(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    order = await ordered(customer, (product["id"], 1))
    await erase(customer.id, system_context("ErasePerson", correlation="test"), api.services)
    await api.consistency.fold()
    admin = await api.admin()
    shown = ok(await admin.client.get(f"/api/orders/{order['id']}"))
    assert shown["shippingAddress"]["street"] == "erased"
    assert "Marine Drive" not in str(shown)
    assert shown["totalAmount"] == 89_999
