"""Orders that nobody paid in time expire."""

from collections.abc import Collection
from functools import partial

from commands.context import system_context
from commands.decisions.cancelling import expire_order
from commands.reactions.rounds import Round
from commands.unit_of_work import perform
from dependencies.services import Services
from domain.values import OrderId

MAX_EXPIRED_IN_ONE_ROUND = 200


async def due_orders(services: Services, waiting: Collection[str]) -> list[str]:
    """Those that nobody paid in time. The read model only proposes."""
    return await services.proposals.unpaid_orders(
        until=services.clock(), without=waiting, limit=MAX_EXPIRED_IN_ONE_ROUND
    )


async def expire_if_unpaid(order_id: OrderId, services: Services) -> bool:
    context = system_context("ExpireOrder", correlation=f"expiry-{order_id}")
    return await perform(partial(expire_order, order_id), context, services) is not None


expire_reservations = Round(
    name="unpaid orders expire",
    every_seconds=30,
    propose=due_orders,
    carry_out=expire_if_unpaid,
    most=MAX_EXPIRED_IN_ONE_ROUND,
)
