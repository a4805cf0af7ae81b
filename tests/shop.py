"""Samples of the shop: a product, an order, a payment, each as its events and as a customer sends it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from domain.catalogue import Product
from domain.import_rules.availability import StockStatus
from domain.import_rules.kinds import Category, ProductType, TryOnRegion
from domain.import_rules.product import ProductFields
from domain.import_rules.specifications import Specifications
from domain.order_events import GstIncluded, OrderLine, OrderPlaced, gst_included
from domain.orders import order_number
from domain.payment_events import PaymentIntentRequested
from domain.ports.gateway import GatewayPayment, GatewayState
from domain.values import Address, Money

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HALF_AN_HOUR = timedelta(minutes=30)

ORDER_ID = "65f000000000000000000001"
PRODUCT_ID = "65f0000000000000000000a1"
OTHER_PRODUCT_ID = "65f0000000000000000000a2"
PAYMENT_ID = "65f0000000000000000000b1"
OTHER_PAYMENT_ID = "65f0000000000000000000b2"
CUSTOMER_ID = "65f0000000000000000000c1"
IMPORT_ID = "65f0000000000000000000d1"

PRICE = Money(amount=89_999_00)

NECKLACE = ProductFields(
    name="Gold Pearl Necklace",
    description="Gold Pearl Necklace",
    price_minor=PRICE.amount,
    availability=StockStatus.IN_STOCK,
    quantity=5,
    images=("https://example.com/necklace.jpg",),
    category=Category.GOLD,
    specifications=Specifications(material="22k Gold", gemstone="Freshwater Pearls"),
    sku="KUN-NK-001",
    product_type=ProductType.NECKLACE,
    try_on_region=TryOnRegion.NECK,
    width_mm=124.0,
)

ADDRESS = Address(
    street="14 Marine Drive",
    city="Mumbai",
    state="Maharashtra",
    zipCode="400002",
    country="IN",
    name="Meera Shah",
    phone="+919876543210",
)

ADDRESS_BODY = {
    "street": "14 Marine Drive",
    "city": "Mumbai",
    "state": "Maharashtra",
    "zipCode": "400002",
    "country": "IN",
}

LINE = OrderLine(
    product_id=PRODUCT_ID,
    product_name=NECKLACE.name,
    product_image=NECKLACE.images[0],
    quantity=2,
    unit_price=PRICE,
    sku="KUN-NK-001",
)
TOTAL = PRICE.times(2)
TAX: GstIncluded = gst_included(TOTAL)

PLACED = OrderPlaced(
    customer_id=CUSTOMER_ID,
    order_number=order_number(ORDER_ID, NOW),
    lines=(LINE,),
    total=TOTAL,
    tax=TAX,
    shipping_address=ADDRESS,
    billing_address=ADDRESS,
    reserved_until=NOW + HALF_AN_HOUR,
    estimated_delivery=NOW + timedelta(days=5),
)

INTENT = PaymentIntentRequested(
    order_id=ORDER_ID, customer_id=CUSTOMER_ID, amount=TOTAL, gateway="razorpay"
)


def seen(
    state: str = "captured",
    *,
    payment: str = "pay_1",
    order: str = "order_1",
    amount: int = TOTAL.amount,
    currency: str = "INR",
) -> GatewayPayment:
    """What the gateway says of one payment."""
    failed = state == "failed"
    return GatewayPayment(
        gateway_payment_id=payment,
        gateway_order_id=order,
        amount_minor=amount,
        currency=currency,
        state=GatewayState(state),
        method="upi",
        error_code="BAD_REQUEST_ERROR" if failed else None,
        error_description="Payment failed" if failed else None,
        details={"fee": 200, "captured": state == "captured"},
    )


def new_product(product_id: str = PRODUCT_ID, **changes: Any) -> Product:
    return Product.create(product_id, NECKLACE.model_copy(update=changes))
