"""Looking after payments whose money may still come: we ask the gateway, and it tells what it knows."""

from datetime import timedelta
from functools import partial

import structlog

from commands.gateway_calls import Caller, act, create_at_gateway, record_gateway_observation
from commands.rounds import is_due
from dependencies import Services
from domain.errors import DomainError, Unavailable
from domain.payment_events import Source
from domain.payments import Payment
from domain.values import PaymentId

log = structlog.get_logger(__name__)

YOUNGEST = timedelta(minutes=2)
"""The browser and the webhook have the first two minutes to themselves."""
MAX_OPEN_PAYMENTS, MAX_ASKED_IN_ONE_ROUND = 1_000, 100


async def reconcile_payment(payment_id: PaymentId, services: Services) -> None:
    """Ask the gateway how a payment stands, and record what it says. Raise Unavailable when it is silent."""
    caller = Caller(actor="system", correlation=f"reconcile-{payment_id}")
    payment: Payment | None = await services.store.load(Payment, payment_id)
    if payment is None:
        return
    if payment.gateway_order_id is None:
        if payment.is_open:
            await create_at_gateway(payment, services, caller)
        return
    for seen in await services.gateway.order_payments(payment.gateway_order_id):
        returned = seen.state == "refunded"
        refunds = await services.gateway.refunds(seen.gateway_payment_id) if returned else []
        observing = partial(
            record_gateway_observation, seen, Source.RECONCILIATION, refunds=refunds
        )
        await act(observing, services, caller)


async def reconcile_open_payments(services: Services) -> int:
    """Look after the payments whose money may still come; the worker's timer calls it once a minute.

    Young ones are asked about in each round, older ones in one of thirty. A silent gateway ends the round.
    Answers how many were asked about.
    """
    now = services.clock()
    found = services.read_models["openPayments"].find({"since": {"$lte": now - YOUNGEST}})
    documents = await found.sort("since", -1).limit(MAX_OPEN_PAYMENTS).to_list()
    due = [str(d["_id"]) for d in documents if is_due(str(d["_id"]), since=d["since"], now=now)]
    for payment_id in due[:MAX_ASKED_IN_ONE_ROUND]:
        try:
            await reconcile_payment(payment_id, services)
        except Unavailable as e:
            log.warning("gateway-silent", payment=payment_id, detail=e.detail)
            break
        except DomainError as e:
            log.warning("payment-not-reconciled", payment=payment_id, code=e.code)
    return len(due)
