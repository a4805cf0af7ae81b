"""Placing an order: our prices, our names, and the stock of all its products, in one commit."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field

from commands.context import Command
from commands.unit_of_work import UnitOfWork
from domain.catalogue import Product, ProductStatus
from domain.errors import FieldError, Invalid, RuleViolation
from domain.order_events import OrderLine
from domain.orders import MAX_LINES, Note, Order, units_to_hold
from domain.stock import Stock
from domain.values import Address, ObjectIdText, ProductId, Quantity, checked_pin

MAX_QUANTITY = 10

PostalAddress = Annotated[Address, AfterValidator(checked_pin)]


class OrderItem(Command):
    product_id: ObjectIdText
    quantity: Quantity = 1


class PlaceOrder(Command):
    """Prices, names and pictures are ours; `expectedTotal` in rupees guards against a change of price."""

    items: Annotated[list[OrderItem], Field(min_length=1, max_length=MAX_LINES)]
    shipping_address: PostalAddress
    billing_address: PostalAddress | None = None
    expected_total: Annotated[Decimal, Field(ge=0, le=10**11, decimal_places=2)] | None = None
    gift_note: Note = ""
    """Written on a card and laid into the parcel."""


async def place_order(
    command: PlaceOrder, customer_id: str, reservation: timedelta, work: UnitOfWork
) -> Order:
    """The order and what it holds of each product's stock are one commit."""
    wanted = _summed(command.items)
    found, stocks = await asyncio.gather(
        work.find_many(Product, list(wanted)), work.find_many(Stock, list(wanted))
    )
    products = _sellable(command.items, found)
    lines = tuple(_line(products[i], stocks[i], quantity) for i, quantity in wanted.items())
    _check_stock(lines, stocks)
    order = Order.place(
        work.new_id(),
        customer_id=customer_id,
        lines=lines,
        shipping_address=command.shipping_address,
        billing_address=command.billing_address or command.shipping_address,
        gift_note=command.gift_note,
        now=work.now,
        reservation=reservation,
    )
    _check_total(command, order)
    for product_id, quantity in units_to_hold(lines).items():
        stocks[product_id].reserve(order.object_id, quantity=quantity, until=work.now + reservation)
    return work.add(order)


def _summed(items: Sequence[OrderItem]) -> dict[ProductId, int]:
    """Units of each product. Raise Invalid when its lines together are more than one order may have."""
    wanted: dict[ProductId, int] = {}
    for number, item in enumerate(items):
        wanted[item.product_id] = wanted.get(item.product_id, 0) + item.quantity
        if wanted[item.product_id] > MAX_QUANTITY:
            message = f"at most {MAX_QUANTITY} of one product"
            fault = FieldError(field=f"items.{number}.quantity", code="too-many", message=message)
            raise Invalid(message, code="too-many", errors=(fault,))
    return wanted


def _sellable(
    items: Sequence[OrderItem], products: Mapping[ProductId, Product]
) -> dict[ProductId, Product]:
    """Raise Invalid with every item whose product is not, or no longer, in the catalogue."""
    active = {i: p for i, p in products.items() if p.status is ProductStatus.ACTIVE}
    faults = tuple(
        FieldError(
            field=f"items.{number}.productId",
            code="unknown-product",
            message="is not in the catalogue",
        )
        for number, item in enumerate(items)
        if item.product_id not in active
    )
    if faults:
        raise Invalid("some products cannot be bought", code="unknown-product", errors=faults)
    return active


def _line(product: Product, stock: Stock, quantity: int) -> OrderLine:
    """What is out of stock and may be ordered in advance is; the shop decides, not the customer."""
    details = product.details
    return OrderLine(
        product_id=product.object_id,
        product_name=details.name,
        product_image=details.images[0] if details.images else "",
        quantity=quantity,
        unit_price=product.price,
        is_preorder=details.preorder and stock.available == 0,
        sku=details.sku or "",
    )


def _check_stock(lines: Sequence[OrderLine], stocks: Mapping[ProductId, Stock]) -> None:
    """Raise RuleViolation that names every product of which there is too little."""
    short = [
        {
            "productId": product_id,
            "requested": quantity,
            "available": stocks[product_id].available,
        }
        for product_id, quantity in units_to_hold(lines).items()
        if not stocks[product_id].can_hold(quantity)
    ]
    if short:
        raise RuleViolation("there is not enough in stock", code="insufficient-stock", lines=short)


def _check_total(command: PlaceOrder, order: Order) -> None:
    if command.expected_total is not None and command.expected_total * 100 != order.total.amount:
        raise RuleViolation(
            "the price has changed",
            code="price-changed",
            totalAmount=order.total.major,
            totalMinor=order.total.amount,
        )
