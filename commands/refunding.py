"""Giving money back: what is flagged is requested, what is requested is sent, what is open is asked about.

The request is an event before the call, and the answer an event after it. A call without an answer is neither
repeated blindly nor given up: the gateway's adapter looks for the refund of our key first.
"""

from collections.abc import Collection
from datetime import timedelta
from functools import partial

import structlog

from commands.context import policy_context
from commands.gateway_calls import Caller, act
from commands.policy import Policy, policy
from commands.rounds import Round, is_due
from commands.unit_of_work import UnitOfWork, perform
from dependencies import Services
from domain.errors import Invalid, RuleViolation, Unavailable
from domain.payment_events import PaymentRefundNeeded, RefundReason, Source
from domain.payment_states import SETTLED, UNANSWERED, Refund
from domain.payments import Payment
from domain.ports import GatewayRefund, RecordedEvent
from domain.refund_events import RefundRequested
from domain.values import PaymentId

log = structlog.get_logger(__name__)

YOUNGEST = timedelta(minutes=2)
"""The policy and the webhook have the first two minutes to themselves."""
MAX_OPEN_REFUNDS, MAX_ASKED_IN_ONE_ROUND = 1_000, 100


# --- Commands ------------------------------------------------------------------------------------


async def request_owed_refund(
    payment_id: PaymentId, gateway_payment_id: str, reason: RefundReason, work: UnitOfWork
) -> Payment:
    payment = await work.load(Payment, payment_id)
    payment.request_owed(work.new_id(), gateway_payment_id=gateway_payment_id, reason=reason)
    return payment


async def record_unknown_refund(
    payment_id: PaymentId, refund_id: str, error: Unavailable, work: UnitOfWork
) -> Payment:
    payment = await work.load(Payment, payment_id)
    payment.refund_outcome_unknown(refund_id, reason=error.detail)
    return payment


async def record_refused_refund(
    payment_id: PaymentId, refund_id: str, error: Invalid | RuleViolation, work: UnitOfWork
) -> Payment:
    payment = await work.load(Payment, payment_id)
    payment.refund_refused(refund_id, reason=error.detail)
    return payment


async def record_refund(
    payment_id: PaymentId, seen: GatewayRefund, source: Source, work: UnitOfWork
) -> Payment:
    payment = await work.load(Payment, payment_id)
    payment.observe_refund(seen, source=source)
    return payment


# --- Talking with the gateway --------------------------------------------------------------------


async def settle_refund(
    payment_id: PaymentId, refund_id: str, services: Services, caller: Caller
) -> None:
    """Send what has no answer yet, ask about what is on its way; safe to repeat.

    Raise Unavailable when the gateway is silent; that the outcome is unknown is recorded then.
    """
    payment: Payment | None = await services.store.load(Payment, payment_id)
    refund = None if payment is None else payment.refunds.get(refund_id)
    if payment is None or refund is None or refund.status in SETTLED:
        return
    if refund.status in UNANSWERED:
        await _send(payment, refund_id, refund, services, caller)
        return
    for seen in await services.gateway.refunds(refund.gateway_payment_id):
        recording = partial(record_refund, payment_id, seen, Source.RECONCILIATION)
        await act(recording, services, caller)


async def _send(
    payment: Payment, refund_id: str, refund: Refund, services: Services, caller: Caller
) -> None:
    payment_id = payment.object_id
    try:
        seen = await services.gateway.refund(
            key=refund_id,
            gateway_payment_id=refund.gateway_payment_id,
            amount_minor=refund.amount.amount,
            notes={"orderId": payment.order_id, "paymentId": payment_id, "refundId": refund_id},
        )
    except Unavailable as e:
        await act(partial(record_unknown_refund, payment_id, refund_id, e), services, caller)
        raise
    except (Invalid, RuleViolation) as e:
        log.warning("refund-refused", payment=payment_id, refund=refund_id, detail=e.detail)
        await act(partial(record_refused_refund, payment_id, refund_id, e), services, caller)
        return
    await act(partial(record_refund, payment_id, seen, Source.ANSWER), services, caller)


async def due_refunds(services: Services, waiting: Collection[str]) -> list[str]:
    """`payment/refund`. Young ones are asked about in each round, older ones in one of thirty."""
    now = services.clock()
    found = services.read_models["openRefunds"].find({"since": {"$lte": now - YOUNGEST}})
    documents = await found.sort("since", -1).limit(MAX_OPEN_REFUNDS).to_list()
    due = [d for d in documents if is_due(str(d["_id"]), since=d["since"], now=now)]
    names = [f"{document['paymentId']}/{document['_id']}" for document in due]
    return [name for name in names if name not in waiting]


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
