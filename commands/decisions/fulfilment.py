"""Staff move an order on: it is made ready, shipped, delivered."""

from typing import Annotated

from pydantic import StringConstraints

from commands.context import Command
from commands.unit_of_work import UnitOfWork
from domain.orders import Order
from domain.stock import Stock
from domain.values import OrderId

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class ShipOrder(Command):
    tracking_number: Name
    carrier: Name


async def start_processing(order_id: OrderId, work: UnitOfWork) -> Order:
    order = await work.load(Order, order_id)
    order.start_processing()
    return order


async def ship_order(order_id: OrderId, command: ShipOrder, work: UnitOfWork) -> Order:
    """The parcel leaves, and its units leave the stock, in one commit."""
    order = await work.load(Order, order_id)
    order.ship(tracking_number=command.tracking_number, carrier=command.carrier)
    for product_id in order.units:
        (await work.load(Stock, product_id)).dispatch(order_id)
    return order


async def deliver_order(order_id: OrderId, work: UnitOfWork) -> Order:
    order = await work.load(Order, order_id)
    order.deliver()
    return order
