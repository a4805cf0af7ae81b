"""Looking after payments whose money may still come: we ask the gateway, and it tells what it knows."""

from collections.abc import Collection
from datetime import timedelta
from functools import partial

from commands.gateway_calls import Caller, act, create_at_gateway, record_gateway_observation
from commands.rounds import Round, is_due
from dependencies import Services
from domain.payment_events import Source
from domain.payments import Payment
from domain.ports import GatewayState
from domain.values import PaymentId

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
        returned = seen.state is GatewayState.REFUNDED
        refunds = await services.gateway.refunds(seen.gateway_payment_id) if returned else []
        observing = partial(
            record_gateway_observation, seen, Source.RECONCILIATION, refunds=refunds
        )
        await act(observing, services, caller)


async def due_payments(services: Services, waiting: Collection[str]) -> list[str]:
    """Young ones are asked about in each round, older ones in one of thirty."""
    now = services.clock()
    found = services.read_models["openPayments"].find({"since": {"$lte": now - YOUNGEST}})
    documents = await found.sort("since", -1).limit(MAX_OPEN_PAYMENTS).to_list()
    due = [str(d["_id"]) for d in documents if is_due(str(d["_id"]), since=d["since"], now=now)]
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
