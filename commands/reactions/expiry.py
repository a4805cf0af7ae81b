"""Orders that nobody paid in time expire."""

from collections.abc import Collection
from functools import partial

from commands.context import system_context
from commands.decisions.cancelling import expire_order
from commands.reactions.rounds import Round
from commands.unit_of_work import perform
from dependencies import Services, object_id_or_404
from domain.values import OrderId

MAX_EXPIRED_IN_ONE_ROUND = 200


async def due_orders(services: Services, waiting: Collection[str]) -> list[str]:
    """Those that nobody paid in time. The read model only proposes."""
    query = {
        "until": {"$lte": services.clock()},
        "_id": {"$nin": [object_id_or_404(i) for i in waiting]},
    }
    due = services.read_models["orderDeadlines"].find(query, {"_id": 1})
    documents = await due.sort("until").limit(MAX_EXPIRED_IN_ONE_ROUND).to_list()
    return [str(document["_id"]) for document in documents]


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
