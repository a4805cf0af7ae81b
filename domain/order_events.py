"""What happens to orders. Topics and fields are a storage format: change them only by adding."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from domain.kernel import DomainEvent, InitialEvent, PersonalData, ValueObject
from domain.values import ERASED_ADDRESS, Address, Money, PaymentId, ProductId, Quantity, UserId

GST_PERCENT = 3
"""On jewellery, HSN 7113, one composite article; prices include it."""


class CancelReason(StrEnum):
    CUSTOMER = "customer"
    STAFF = "staff"
    PAYMENT_TIMEOUT = "payment_timeout"


class OrderLine(ValueObject):
    """What was sold, as the catalogue had it when the order was placed."""

    product_id: ProductId
    product_name: str
    product_image: str
    quantity: Quantity
    unit_price: Money
    is_preorder: bool = False
    sku: str = ""

    @property
    def total(self) -> Money:
        return self.unit_price.times(self.quantity)


class GstIncluded(ValueObject):
    """The tax inside a price, in paise. Both halves are equal by law; round_off closes the sum."""

    taxable: int
    cgst: int
    sgst: int
    round_off: int
    percent: int = GST_PERCENT


def gst_included(price: Money) -> GstIncluded:
    """Split a price that includes GST, halves of a paisa rounded up: ₹2,99,999 holds ₹8,737.84."""
    taxable = (price.amount * 200 + 100 + GST_PERCENT) // (2 * (100 + GST_PERCENT))
    half = (taxable * GST_PERCENT + 100) // 200
    return GstIncluded(
        taxable=taxable, cgst=half, sgst=half, round_off=price.amount - taxable - 2 * half
    )


class OrderPlaced(InitialEvent):
    TOPIC: ClassVar[str] = "OrderPlaced"
    SUBJECT: ClassVar[str | None] = "customer_id"
    customer_id: UserId
    order_number: str
    lines: tuple[OrderLine, ...]
    total: Money
    tax: GstIncluded
    shipping_address: Annotated[Address, PersonalData(erased=ERASED_ADDRESS)]
    billing_address: Annotated[Address, PersonalData(erased=ERASED_ADDRESS)]
    reserved_until: datetime
    estimated_delivery: datetime
    gift_note: Annotated[str, PersonalData(erased="")] = ""


class OrderPaymentRequested(DomainEvent):
    """From here on this payment collects the money for the order."""

    TOPIC: ClassVar[str] = "OrderPaymentRequested"
    payment_id: PaymentId


class OrderPaymentFailed(DomainEvent):
    """An attempt to pay failed. The order still waits: another attempt may succeed."""

    TOPIC: ClassVar[str] = "OrderPaymentFailed"
    payment_id: PaymentId
    gateway_payment_id: str
    error_code: str | None = None


class OrderConfirmed(DomainEvent):
    TOPIC: ClassVar[str] = "OrderConfirmed"
    customer_id: UserId
    payment_id: PaymentId
    paid: Money


class OrderRevived(DomainEvent):
    """Money came after the order had run out of time, and its stock could be had again."""

    TOPIC: ClassVar[str] = "OrderRevived"
    payment_id: PaymentId
    reserved_until: datetime


class OrderProcessingStarted(DomainEvent):
    TOPIC: ClassVar[str] = "OrderProcessingStarted"


class OrderShipped(DomainEvent):
    TOPIC: ClassVar[str] = "OrderShipped"
    customer_id: UserId
    tracking_number: str
    carrier: str


class OrderDelivered(DomainEvent):
    TOPIC: ClassVar[str] = "OrderDelivered"


class OrderCancelled(DomainEvent):
    """Nothing personal: also the order of a person who was forgotten can be cancelled."""

    TOPIC: ClassVar[str] = "OrderCancelled"
    customer_id: UserId
    reason: CancelReason


class OrderCancellationExplained(DomainEvent):
    """Why, in the words of whoever cancelled it."""

    TOPIC: ClassVar[str] = "OrderCancellationExplained"
    SUBJECT: ClassVar[str | None] = "customer_id"
    customer_id: UserId
    note: Annotated[str, PersonalData(erased="")]
