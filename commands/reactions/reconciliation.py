"""Payments whose money may still come are asked about."""

from collections.abc import Collection
from datetime import timedelta

from commands.effects.gateway_calls import reconcile_payment
from commands.reactions.rounds import Round, is_due
from dependencies.services import Services

YOUNGEST = timedelta(minutes=2)
"""The browser and the webhook have the first two minutes to themselves."""
MAX_OPEN_PAYMENTS, MAX_ASKED_IN_ONE_ROUND = 1_000, 100


async def due_payments(services: Services, waiting: Collection[str]) -> list[str]:
    """Young ones are asked about in each round, older ones in one of thirty."""
    now = services.clock()
    found = await services.proposals.open_payments(before=now - YOUNGEST, limit=MAX_OPEN_PAYMENTS)
    due = [each.name for each in found if is_due(each.name, since=each.since, now=now)]
    return [payment_id for payment_id in due if payment_id not in waiting]


async def ask_about(payment_id: str, services: Services) -> bool:
    await reconcile_payment(payment_id, services)
    return True


reconcile_open_payments = Round(
    name="open payments are asked about",
    every_seconds=60,
    propose=due_payments,
    carry_out=ask_about,
    most=MAX_ASKED_IN_ONE_ROUND,
)
