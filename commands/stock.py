"""What catalogue managers do with stock: count it, and take in what is delivered."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from commands.catalogue import KnownProduct
from commands.context import Command
from commands.unit_of_work import UnitOfWork
from dependencies import CatalogManager, Execute, limited
from domain.errors import RuleViolation
from domain.stock import Stock, Units
from domain.values import ProductId

router = APIRouter(prefix="/api/products", tags=["products"], dependencies=[limited("write")])

PRODUCTS = "products"


class CountStock(Command):
    """The whole count, null when the product is not counted; `expectedOnHand` guards against a race."""

    on_hand: Units | None
    limited: bool = False
    expected_on_hand: Units | None = None


class ReceiveStock(Command):
    quantity: Annotated[int, Field(ge=1, le=100_000)]


async def count_stock(product_id: ProductId, command: CountStock, work: UnitOfWork) -> Stock:
    stock = await work.load(Stock, product_id)
    if command.expected_on_hand is not None and stock.on_hand != command.expected_on_hand:
        raise RuleViolation(
            f"{stock.on_hand} units are on hand by now",
            code="stock-changed",
            onHand=stock.on_hand,
        )
    stock.count(on_hand=command.on_hand, limited=command.limited)
    return stock


async def receive_stock(product_id: ProductId, command: ReceiveStock, work: UnitOfWork) -> Stock:
    stock = await work.load(Stock, product_id)
    stock.receive(quantity=command.quantity)
    return stock


@router.put("/{product_id}/stock")
async def put_stock(
    product_id: KnownProduct, command: CountStock, _: CatalogManager, execute: Execute
) -> Response:
    return await execute(partial(count_stock, product_id, command), shows=PRODUCTS)


@router.post("/{product_id}/stock/receipts")
async def post_stock_receipt(
    product_id: KnownProduct, command: ReceiveStock, _: CatalogManager, execute: Execute
) -> Response:
    return await execute(partial(receive_stock, product_id, command), shows=PRODUCTS)
