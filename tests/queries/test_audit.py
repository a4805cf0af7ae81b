"""The history of an order, as its owner and auditors read it."""

import pytest

from domain.values import Role
from tests.api import Api
from tests.buying import bought, manager, ok, on_sale, ordered, refused

STORY = [
    "OrderPlaced",
    "StockReserved",
    "OrderPaymentRequested",
    "PaymentIntentRequested",
    "GatewayOrderCreated",
    "PaymentConfirmed",
    "OrderConfirmed",
    "StockCommitted",
]


async def test_the_history_tells_order_payment_and_stock(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    order = await bought(api, customer, (product["id"], 2))
    await ordered(await api.customer(), (product["id"], 1))
    events = ok(await customer.client.get(f"/api/audit/orders/{order['id']}/history"))
    assert sorted(event["type"] for event in events) == sorted(STORY)
    positions = [event["position"] for event in events]
    assert positions == sorted(positions)
    for event in events:
        assert {"position", "version", "type", "time", "actor", "data", "hash"} <= set(event)
        assert len(event["hash"]) == 64
    (placed,) = [event for event in events if event["type"] == "OrderPlaced"]
    assert placed["actor"] == f"user-{customer.id}"
    assert placed["sealed"] is True
    assert "Marine Drive" not in str(events)


async def test_the_history_comes_in_pages(api: Api) -> None:
    product, customer = await on_sale(api), await api.customer()
    order = await bought(api, customer, (product["id"], 2))
    path = f"/api/audit/orders/{order['id']}/history"
    whole = ok(await customer.client.get(path))
    told: list[str] = []
    more, after = True, 0
    while more:
        response = await customer.client.get(path, params={"limit": 3, "after": after})
        page = response.json()["pagination"]
        assert page == {"after": after, "limit": 3, "hasMore": page["hasMore"]}
        told += [event["eventId"] for event in ok(response)]
        more, after = page["hasMore"], ok(response)[-1]["position"]
    assert told == [event["eventId"] for event in whole]


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.AUDITOR, True),
        (Role.ADMIN, True),
        (Role.CUSTOMER, False),
        (Role.CATALOG_MANAGER, False),
    ],
)
async def test_auditors_and_administrators_read_any_history(
    api: Api, role: Role, allowed: bool
) -> None:
    product = await on_sale(api)
    order = await ordered(await api.customer(), (product["id"], 1))
    reader = await api.customer() if role is Role.CUSTOMER else await api.staff(role)
    response = await reader.client.get(f"/api/audit/orders/{order['id']}/history")
    if allowed:
        assert len(ok(response)) == 2
    else:
        refused(response, 404, "not-found")


async def test_there_is_no_history_of_nothing(api: Api) -> None:
    auditor = await manager(api)
    for order_id in ("65f0000000000000000000ff", "nonsense"):
        response = await auditor.client.get(f"/api/audit/orders/{order_id}/history")
        refused(response, 404, "not-found")


async def test_nobody_reads_without_signing_in(api: Api) -> None:
    response = await api.client.get("/api/audit/orders/65f0000000000000000000ff/history")
    assert response.status_code == 401
