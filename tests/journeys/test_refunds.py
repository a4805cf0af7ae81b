"""Money that is not ours to keep is really sent back: from our event to the gateway's own books and back."""

from typing import Any

import httpx

from tests.buying import ok
from tests.journeys.real_shop import Customer, RealShop, eventually
from tests.journeys.steps import checkout, confirm, intent_for, necklace, ordered, with_status


def paid(shop: RealShop, customer: Customer) -> tuple[dict[str, Any], str]:
    """A confirmed order, and its payment's id."""
    order = ordered(customer, necklace(customer))
    intent = intent_for(customer, order)
    confirm(customer, intent, checkout(shop.addresses["gateway"], intent))
    return with_status(customer, order, "confirmed"), intent["paymentId"]


def books(shop: RealShop, payment_id: str) -> dict[str, Any]:
    """What the gateway's ledger says of the order that it made for our payment."""
    ledger = httpx.get(f"{shop.addresses['gateway']}/_sim/ledger", timeout=30).json()
    [line] = [line for line in ledger["orders"] if line["receipt"] == payment_id]
    found: dict[str, Any] = line
    return found


def refunded(customer: Customer, payment_id: str, status: str) -> dict[str, Any]:
    """The payment, once it says that its refunds have come so far."""

    def there() -> dict[str, Any] | None:
        found: dict[str, Any] = ok(customer.get(f"/api/payments/{payment_id}"))
        return found if found["refundStatus"] == status else None

    return eventually(there, f"refunded: {status}")


def test_a_customer_who_cancels_a_paid_order_gets_the_money_back(shop: RealShop) -> None:
    customer = shop.customer()
    order, payment_id = paid(shop, customer)
    ok(customer.post(f"/api/orders/{order['id']}/cancel"))
    payment = refunded(customer, payment_id, "full")
    line = books(shop, payment_id)
    assert line["refunded"] == line["captured"] == order["totalMinor"]
    assert payment["amountRefundedMinor"] == line["refunded"]
    shown = with_status(customer, order, "cancelled")
    assert (shown["paymentStatus"], shown["refundStatus"]) == ("refunded", "full")
    history = ok(customer.get(f"/api/audit/orders/{order['id']}/history"))
    told = [event["type"] for event in history]
    assert told.index("PaymentRefundNeeded") < told.index("RefundRequested")
    assert [told.count(t) for t in ("RefundRequested", "RefundSent", "RefundProcessed")] == [1] * 3


def test_staff_who_cancel_a_paid_order_give_the_money_back(shop: RealShop) -> None:
    customer = shop.customer()
    order, payment_id = paid(shop, customer)
    ok(shop.admin().post(f"/api/orders/{order['id']}/cancel", json={"reason": "out of gold"}))
    refunded(customer, payment_id, "full")
    assert books(shop, payment_id)["refunded"] == order["totalMinor"]


def test_an_answer_that_is_cut_off_costs_nobody_anything(shop: RealShop) -> None:
    """The gateway refunds, and its answer never comes: it is found again, not sent again."""
    customer = shop.customer()
    order, payment_id = paid(shop, customer)
    fault = {"request": "payments.refund", "mode": "act-then-reset"}
    gateway = f"{shop.addresses['gateway']}/_sim/faults"
    httpx.post(gateway, json=fault, timeout=30).raise_for_status()
    ok(customer.post(f"/api/orders/{order['id']}/cancel"))
    refunded(customer, payment_id, "full")
    assert books(shop, payment_id)["refunded"] == order["totalMinor"]


def test_finance_gives_a_part_back_and_then_the_rest(shop: RealShop) -> None:
    customer, admin = shop.customer(), shop.admin()
    order, payment_id = paid(shop, customer)
    address = f"/api/payments/{payment_id}/refund"
    part = {"amount": 100, "reason": "a scratch"}
    key = {"Idempotency-Key": "goodwill"}
    first = ok(admin.post(address, json=part, headers=key), 202)
    again = admin.post(address, json=part, headers=key)
    assert [r["refundId"] for r in ok(again, 202)["refunds"]] == [
        r["refundId"] for r in first["refunds"]
    ]
    refunded(customer, payment_id, "partial")
    assert books(shop, payment_id)["refunded"] == 100_00
    assert with_status(customer, order, "confirmed")["paymentStatus"] == "completed"
    ok(admin.post(address, json={"reason": "sent back"}), 202)
    assert len(refunded(customer, payment_id, "full")["refunds"]) == 2
    assert books(shop, payment_id)["refunded"] == order["totalMinor"]
