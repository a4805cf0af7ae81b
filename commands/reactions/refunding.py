"""Giving money back: what is flagged is requested, what is requested is sent, what is open is asked about."""

from collections.abc import Collection
from datetime import timedelta
from functools import partial

import structlog

from commands.context import policy_context
from commands.decisions.refunds import request_owed_refund
from commands.effects.gateway_calls import Caller
from commands.effects.refunding import settle_refund
from commands.reactions.policy import Policy, policy
from commands.reactions.rounds import Round, is_due
from commands.unit_of_work import perform
from dependencies.services import Services
from domain.errors import Unavailable
from domain.payment_events import PaymentRefundNeeded, RefundReason
from domain.ports.events import RecordedEvent
from domain.refund_events import RefundRequested

log = structlog.get_logger(__name__)


YOUNGEST = timedelta(minutes=2)
"""The policy and the webhook have the first two minutes to themselves."""
MAX_OPEN_REFUNDS, MAX_ASKED_IN_ONE_ROUND = 1_000, 100


async def due_refunds(services: Services, waiting: Collection[str]) -> list[str]:
    """`payment/refund`. Young ones are asked about in each round, older ones in one of thirty."""
    now = services.clock()
    found = await services.proposals.open_refunds(before=now - YOUNGEST, limit=MAX_OPEN_REFUNDS)
    due = [each.name for each in found if is_due(each.name, since=each.since, now=now)]
    return [name for name in due if name not in waiting]


async def settle_named(name: str, services: Services) -> bool:
    payment_id, refund_id = name.split("/")
    caller = Caller(actor="system", correlation=f"reconcile-{refund_id}")
    await settle_refund(payment_id, refund_id, services, caller)
    return True


reconcile_open_refunds = Round(
    name="open refunds are asked about",
    every_seconds=60,
    propose=due_refunds,
    carry_out=settle_named,
    most=MAX_ASKED_IN_ONE_ROUND,
)


# --- Policies ------------------------------------------------------------------------------------


@policy("money_to_be_refunded_is_sent_back", on=(PaymentRefundNeeded,))
async def money_to_be_refunded_is_sent_back(recorded: RecordedEvent, services: Services) -> None:
    """Money that is flagged to go back is requested, if no refund of it is under way."""
    event = recorded.event
    assert isinstance(event, PaymentRefundNeeded)
    if event.reason is RefundReason.STAFF:  # flagged and requested in one decision
        return
    requesting = partial(
        request_owed_refund, event.object_id, event.gateway_payment_id, event.reason
    )
    name = "money_to_be_refunded_is_sent_back"
    await perform(requesting, policy_context(name, recorded, command="RequestOwedRefund"), services)


@policy("requested_refund_goes_to_the_gateway", on=(RefundRequested,))
async def requested_refund_goes_to_the_gateway(recorded: RecordedEvent, services: Services) -> None:
    """A requested refund is sent to the gateway; without an answer, reconciliation asks again."""
    event = recorded.event
    assert isinstance(event, RefundRequested)
    caller = Caller(
        actor="policy-requested_refund_goes_to_the_gateway", correlation=recorded.correlation
    )
    try:
        await settle_refund(event.object_id, event.refund_id, services, caller)
    except Unavailable as e:
        log.warning("refund-unknown", refund=event.refund_id, detail=e.detail)


REFUNDING: tuple[Policy, ...] = (
    money_to_be_refunded_is_sent_back,
    requested_refund_goes_to_the_gateway,
)
