"""The documents of `orders` and `orderDeadlines`, as events make them."""

from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from domain.accounts import Account, PersonalDataErased
from domain.kernel import DomainEvent
from domain.order_events import (
    CancelReason,
    OrderCancelled,
    OrderConfirmed,
    OrderDelivered,
    OrderPaymentFailed,
    OrderPaymentRequested,
    OrderProcessingStarted,
    OrderRevived,
    OrderShipped,
)
from domain.orders import Order
from domain.payment_events import (
    PaymentAmountMismatched,
    PaymentRefundNeeded,
    PaymentRefundObserved,
    RefundReason,
    Source,
)
from domain.payments import Payment
from domain.refund_events import RefundFailed, RefundProcessed, RefundRequested, RefundStanding
from domain.values import Money
from projections.orders import ORDER_DEADLINES, ORDERS
from tests.folding import AT, Told, folded
from tests.shop import (
    CUSTOMER_ID,
    HALF_AN_HOUR,
    NOW,
    ORDER_ID,
    OTHER_PAYMENT_ID,
    PAYMENT_ID,
    PLACED,
    PRODUCT_ID,
    TOTAL,
)

REQUESTED = OrderPaymentRequested(payment_id=PAYMENT_ID)
CONFIRMED = OrderConfirmed(customer_id=CUSTOMER_ID, payment_id=PAYMENT_ID, paid=TOTAL)
CANCELLED = OrderCancelled(customer_id=CUSTOMER_ID, reason=CancelReason.PAYMENT_TIMEOUT)
REVIVED = OrderRevived(payment_id=PAYMENT_ID, reserved_until=NOW + 2 * HALF_AN_HOUR)
FACT: dict[str, Any] = {
    "order_id": ORDER_ID,
    "gateway_payment_id": "pay_1",
    "source": Source.WEBHOOK,
    "details": {},
}
REFUND: dict[str, Any] = {
    "order_id": ORDER_ID,
    "customer_id": CUSTOMER_ID,
    "refund_id": "65f0000000000000000000e1",
    "gateway_payment_id": "pay_1",
    "amount": TOTAL,
}
NEEDED = PaymentRefundNeeded(
    order_id=ORDER_ID, gateway_payment_id="pay_1", amount=TOTAL, reason=RefundReason.ORDER_CANCELLED
)
PROCESSED = RefundProcessed(
    **REFUND,
    gateway_refund_id="rfnd_1",
    source=Source.WEBHOOK,
    refunded=TOTAL,
    standing=RefundStanding.FULL,
    whole=True,
)


def told(*events: DomainEvent) -> list[Told]:
    return [(Order, ORDER_ID, event) for event in events]


def paid(event: DomainEvent, payment_id: str = PAYMENT_ID) -> Told:
    return (Payment, payment_id, event)


def order(*history: Told) -> dict[str, Any]:
    return folded(ORDERS, *history)[ObjectId(ORDER_ID)]


def seconds(after: int) -> Any:
    return AT + timedelta(seconds=after)


def test_a_placed_order_is_this_document() -> None:
    address = {
        "street": "14 Marine Drive",
        "city": "Mumbai",
        "state": "Maharashtra",
        "zipCode": "400002",
        "country": "IN",
        "name": "Meera Shah",
        "phone": "+919876543210",
        "line2": "",
        "landmark": "",
    }
    assert order(*told(PLACED)) == {
        "_id": ObjectId(ORDER_ID),
        "userId": ObjectId(CUSTOMER_ID),
        "orderNumber": PLACED.order_number,
        "items": [
            {
                "productId": ObjectId(PRODUCT_ID),
                "productName": "Gold Pearl Necklace",
                "productImage": "https://example.com/necklace.jpg",
                "sku": "KUN-NK-001",
                "quantity": 2,
                "price": 89_999,
                "priceMinor": 89_999_00,
                "isPreorder": False,
            }
        ],
        "totalAmount": 179_998,
        "totalMinor": 179_998_00,
        "currency": "INR",
        "tax": {
            "percent": 3,
            "taxableMinor": 174_755_34,
            "cgstMinor": 2_621_33,
            "sgstMinor": 2_621_33,
            "roundOffMinor": 0,
            "inclusive": True,
        },
        "amountPaid": 0,
        "amountPaidMinor": 0,
        "status": "pending",
        "paymentStatus": "pending",
        "refundStatus": "none",
        "amountRefunded": 0,
        "amountRefundedMinor": 0,
        "onHold": False,
        "paymentId": None,
        "shippingAddress": address,
        "billingAddress": address,
        "estimatedDelivery": NOW + timedelta(days=5),
        "trackingNumber": None,
        "carrier": None,
        "cancelReason": None,
        "reservationExpiresAt": NOW + HALF_AN_HOUR,
        "giftNote": "",
        "createdAt": AT,
        "updatedAt": AT,
        "version": 1,
        "position": 1,
    }


@pytest.mark.parametrize(
    ("event", "changed"),
    [
        (REQUESTED, {"paymentId": ObjectId(PAYMENT_ID)}),
        (
            OrderPaymentFailed(payment_id=PAYMENT_ID, gateway_payment_id="pay_1"),
            {"paymentStatus": "failed"},
        ),
        (
            CONFIRMED,
            {
                "status": "confirmed",
                "paymentStatus": "completed",
                "paymentId": ObjectId(PAYMENT_ID),
                "amountPaid": 179_998,
                "amountPaidMinor": 179_998_00,
                "reservationExpiresAt": None,
            },
        ),
        (OrderProcessingStarted(), {"status": "processing"}),
        (
            OrderShipped(customer_id=CUSTOMER_ID, tracking_number="D1", carrier="Delhivery"),
            {"status": "shipped", "trackingNumber": "D1", "carrier": "Delhivery"},
        ),
        (OrderDelivered(), {"status": "delivered"}),
        (
            CANCELLED,
            {
                "status": "cancelled",
                "cancelReason": "payment_timeout",
                "reservationExpiresAt": None,
            },
        ),
    ],
)
def test_each_event_of_an_order_changes_this_and_nothing_else(
    event: DomainEvent, changed: dict[str, Any]
) -> None:
    before = order(*told(PLACED))
    after = order(*told(PLACED, event))
    assert after == before | changed | {"updatedAt": seconds(1), "version": 2, "position": 2}


def test_money_that_came_late_revives_a_cancelled_order() -> None:
    shown = order(*told(PLACED, CANCELLED, REVIVED))
    assert (shown["status"], shown["cancelReason"]) == ("pending", None)
    assert shown["reservationExpiresAt"] == NOW + 2 * HALF_AN_HOUR


def test_a_payment_of_another_amount_holds_the_order() -> None:
    mismatch = PaymentAmountMismatched(
        **FACT, expected=TOTAL, seen=Money(amount=100), state="captured"
    )
    before = order(*told(PLACED))
    after = order(*told(PLACED), paid(mismatch))
    assert after == before | {"onHold": True, "updatedAt": seconds(1), "position": 2}


def test_an_order_shows_how_far_the_refunds_of_its_payment_are() -> None:
    begun = told(PLACED, REQUESTED, CONFIRMED)
    asked = paid(RefundRequested(**REFUND, reason=RefundReason.ORDER_CANCELLED))
    failed = paid(RefundFailed(**REFUND, reason="no such account", standing=RefundStanding.FAILED))
    assert order(*begun, paid(NEEDED))["refundStatus"] == "pending"
    assert order(*begun, asked)["refundStatus"] == "pending"
    assert order(*begun, asked, failed)["refundStatus"] == "failed"
    back = order(*begun, asked, paid(PROCESSED))
    assert (back["refundStatus"], back["paymentStatus"]) == ("full", "refunded")
    assert (back["amountRefunded"], back["amountRefundedMinor"]) == (179_998, 179_998_00)


def test_the_refund_of_an_earlier_payment_is_not_this_orders() -> None:
    begun = told(PLACED, REQUESTED, CONFIRMED)
    after = order(*begun, paid(PROCESSED, OTHER_PAYMENT_ID))
    assert (after["refundStatus"], after["paymentStatus"]) == ("none", "completed")


@pytest.mark.parametrize(("confirming", "status"), [(True, "refunded"), (False, "completed")])
def test_a_refund_that_only_the_gateway_knew_of_is_shown(confirming: bool, status: str) -> None:
    observed = PaymentRefundObserved(**FACT, amount=TOTAL, confirming=confirming)
    after = order(*told(PLACED, REQUESTED, CONFIRMED), paid(observed))
    assert (after["refundStatus"], after["paymentStatus"]) == ("full", status)


def test_where_an_erased_persons_order_went_is_forgotten() -> None:
    erased = (Account, CUSTOMER_ID, PersonalDataErased(account_id=CUSTOMER_ID))
    gift = PLACED.model_copy(update={"gift_note": "For Asha"})
    assert order(*told(gift))["giftNote"] == "For Asha"
    after = order(*told(gift), erased)
    assert {after["shippingAddress"][name] for name in ("name", "phone", "landmark")} == {""}
    assert after["shippingAddress"]["street"] == "erased"
    assert after["billingAddress"] == after["shippingAddress"]
    assert (after["totalMinor"], after["giftNote"]) == (TOTAL.amount, "")


def test_a_deadline_is_there_while_an_order_waits_for_money() -> None:
    def deadlines(*events: DomainEvent) -> list[Any]:
        return [each["until"] for each in folded(ORDER_DEADLINES, *told(*events)).values()]

    assert deadlines(PLACED) == [NOW + HALF_AN_HOUR]
    assert deadlines(PLACED, CONFIRMED) == []
    assert deadlines(PLACED, CANCELLED) == []
    assert deadlines(PLACED, CANCELLED, REVIVED) == [NOW + 2 * HALF_AN_HOUR]
