"""Stock is counted, and what is delivered is taken in."""

from typing import Annotated

from pydantic import Field

from commands.context import Command
from commands.unit_of_work import UnitOfWork
from domain.errors import RuleViolation
from domain.stock import Stock, Units
from domain.values import ProductId


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
