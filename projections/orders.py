"""The `orders` collection, as the specification names its fields, and the deadlines of unpaid orders."""

from datetime import datetime
from typing import Any, Literal

from bson import ObjectId
from typing_extensions import TypedDict

from domain.accounts import PersonalDataErased
from domain.order_events import (
    CancelReason,
    OrderCancelled,
    OrderConfirmed,
    OrderDelivered,
    OrderLine,
    OrderPaymentFailed,
    OrderPaymentRequested,
    OrderPlaced,
    OrderProcessingStarted,
    OrderRevived,
    OrderShipped,
)
from domain.orders import OrderStatus
from domain.payment_events import PaymentAmountMismatched, PaymentRefundObserved
from domain.refund_events import RefundStanding
from domain.values import ERASED_ADDRESS, Address
from projections.projection import Change, Delete, Projection, Put, Set, SetWhere
from projections.stored import Id, Stored, Word, shape


@shape
class AddressDocument(TypedDict):
    street: str
    city: str
    state: str
    zipCode: str
    country: str
    name: str
    phone: str
    line2: str
    landmark: str


@shape
class ItemDocument(TypedDict):
    productId: Id
    productName: str
    productImage: str
    sku: str | None
    quantity: int
    price: float
    """Of one, in rupees; `priceMinor` in paise."""
    priceMinor: int
    isPreorder: bool


@shape
class TaxDocument(TypedDict):
    percent: float
    taxableMinor: int
    cgstMinor: int
    sgstMinor: int
    roundOffMinor: int
    inclusive: bool


@shape
class OrderDocument(Stored):
    userId: Id
    orderNumber: str
    items: list[ItemDocument]
    totalAmount: float
    totalMinor: int
    currency: str
    tax: TaxDocument
    amountPaid: float
    amountPaidMinor: int
    status: Word[OrderStatus]
    paymentStatus: Literal["pending", "completed", "failed", "refunded"]
    refundStatus: Word[RefundStanding]
    amountRefunded: float
    amountRefundedMinor: int
    onHold: bool
    paymentId: Id | None
    shippingAddress: AddressDocument
    billingAddress: AddressDocument
    estimatedDelivery: datetime | None
    trackingNumber: str | None
    carrier: str | None
    cancelReason: Word[CancelReason] | None
    reservationExpiresAt: datetime | None
    giftNote: str
    createdAt: datetime
    updatedAt: datetime


@shape
class OrderDeadline(Stored):
    until: datetime


ORDERS = Projection(
    "orders",
    document=OrderDocument,
    version=2,
    indexes=[
        [("userId", 1), ("createdAt", -1), ("_id", -1)],
        [("status", 1), ("createdAt", -1), ("_id", -1)],
        [("paymentStatus", 1), ("createdAt", -1), ("_id", -1)],
        [("createdAt", -1), ("_id", -1)],
        [("orderNumber", 1)],
        [("paymentId", 1)],
    ],
)

ORDER_DEADLINES = Projection(
    "orderDeadlines", document=OrderDeadline, version=1, indexes=[[("until", 1)]]
)
"""Orders that wait for money, and until when: what the worker's timer looks through."""


@ORDERS.on(OrderPlaced)
def placed(event: OrderPlaced, at: datetime) -> Change:
    total = event.total
    return Put(
        {
            "userId": ObjectId(event.customer_id),
            "orderNumber": event.order_number,
            "items": [_item(line) for line in event.lines],
            "totalAmount": total.major,
            "totalMinor": total.amount,
            "currency": total.currency,
            "tax": _tax(event),
            "amountPaid": 0,
            "amountPaidMinor": 0,
            "status": "pending",
            "paymentStatus": "pending",
            "refundStatus": "none",
            "amountRefunded": 0,
            "amountRefundedMinor": 0,
            "onHold": False,
            "paymentId": None,
            "shippingAddress": address_document(event.shipping_address),
            "billingAddress": address_document(event.billing_address),
            "estimatedDelivery": event.estimated_delivery,
            "trackingNumber": None,
            "carrier": None,
            "cancelReason": None,
            "reservationExpiresAt": event.reserved_until,
            "giftNote": event.gift_note,
            "createdAt": at,
            "updatedAt": at,
        }
    )


@ORDERS.on(OrderPaymentRequested)
def payment_requested(event: OrderPaymentRequested, at: datetime) -> Change:
    return Set({"paymentId": ObjectId(event.payment_id), "updatedAt": at})


@ORDERS.on(OrderPaymentFailed)
def payment_failed(_: OrderPaymentFailed, at: datetime) -> Change:
    return Set({"paymentStatus": "failed", "updatedAt": at})


@ORDERS.on(OrderConfirmed)
def confirmed(event: OrderConfirmed, at: datetime) -> Change:
    return Set(
        {
            "status": "confirmed",
            "paymentStatus": "completed",
            "paymentId": ObjectId(event.payment_id),
            "amountPaid": event.paid.major,
            "amountPaidMinor": event.paid.amount,
            "reservationExpiresAt": None,
            "updatedAt": at,
        }
    )


@ORDERS.on(OrderRevived)
def revived(event: OrderRevived, at: datetime) -> Change:
    return Set(
        {
            "status": "pending",
            "cancelReason": None,
            "reservationExpiresAt": event.reserved_until,
            "updatedAt": at,
        }
    )


@ORDERS.on(OrderProcessingStarted)
def processing_started(_: OrderProcessingStarted, at: datetime) -> Change:
    return Set({"status": "processing", "updatedAt": at})


@ORDERS.on(OrderShipped)
def shipped(event: OrderShipped, at: datetime) -> Change:
    return Set(
        {
            "status": "shipped",
            "trackingNumber": event.tracking_number,
            "carrier": event.carrier,
            "updatedAt": at,
        }
    )


@ORDERS.on(OrderDelivered)
def delivered(_: OrderDelivered, at: datetime) -> Change:
    return Set({"status": "delivered", "updatedAt": at})


@ORDERS.on(OrderCancelled)
def cancelled(event: OrderCancelled, at: datetime) -> Change:
    return Set(
        {
            "status": "cancelled",
            "cancelReason": event.reason.value,
            "reservationExpiresAt": None,
            "updatedAt": at,
        }
    )


@ORDERS.on(PaymentAmountMismatched)
def held(event: PaymentAmountMismatched, at: datetime) -> Change:
    return Set({"onHold": True, "updatedAt": at}, id=event.order_id)


@ORDERS.on(PaymentRefundObserved)
def refunded(event: PaymentRefundObserved, at: datetime) -> Change:
    paid_back = {"paymentStatus": "refunded"} if event.confirming else {}
    return Set({**paid_back, "refundStatus": "full", "updatedAt": at}, id=event.order_id)


@ORDERS.on(PersonalDataErased)
def erased(event: PersonalDataErased, at: datetime) -> Change:
    """The order stays for the books; where it went is forgotten."""
    nowhere = address_document(Address.model_validate(ERASED_ADDRESS))
    return SetWhere(
        {"userId": ObjectId(event.account_id)},
        {
            "shippingAddress": nowhere,
            "billingAddress": nowhere,
            "giftNote": "",
            "updatedAt": at,
        },
    )


@ORDER_DEADLINES.on(OrderPlaced, OrderRevived)
def waits(event: OrderPlaced | OrderRevived, _: datetime) -> Change:
    return Put({"until": event.reserved_until})


@ORDER_DEADLINES.on(OrderConfirmed, OrderCancelled)
def waits_no_more(_: OrderConfirmed | OrderCancelled, __: datetime) -> Change:
    return Delete()


def _item(line: OrderLine) -> dict[str, Any]:
    return {
        "productId": ObjectId(line.product_id),
        "productName": line.product_name,
        "productImage": line.product_image,
        "sku": line.sku,
        "quantity": line.quantity,
        "price": line.unit_price.major,
        "priceMinor": line.unit_price.amount,
        "isPreorder": line.is_preorder,
    }


def _tax(event: OrderPlaced) -> dict[str, Any]:
    """In paise; taxable + cgst + sgst + roundOff is the total, which includes the tax."""
    tax = event.tax
    return {
        "percent": tax.percent,
        "taxableMinor": tax.taxable,
        "cgstMinor": tax.cgst,
        "sgstMinor": tax.sgst,
        "roundOffMinor": tax.round_off,
        "inclusive": True,
    }


def address_document(address: Address) -> dict[str, str]:
    return {
        "street": address.street,
        "city": address.city,
        "state": address.state,
        "zipCode": address.zip_code,
        "country": address.country,
        "name": address.name,
        "phone": address.phone,
        "line2": address.line2,
        "landmark": address.landmark,
    }
