"""Talking with the payment gateway: the call between two events."""

from dataclasses import dataclass
from functools import partial

from commands.context import command_name
from commands.decisions.payments import (
    record_gateway_observation,
    record_gateway_order,
    record_rejection,
    record_unknown_outcome,
)
from commands.unit_of_work import Handler, Outcome, carry_out
from dependencies.services import Services
from domain.errors import Invalid, RuleViolation, Unavailable
from domain.payment_events import Source
from domain.payments import Payment
from domain.ports.events import CommandContext
from domain.ports.gateway import GatewayState
from domain.values import PaymentId


@dataclass(frozen=True, kw_only=True)
class Caller:
    actor: str
    correlation: str
    causation: str | None = None
    """The event that led to it, which then has its place in history before what follows."""


async def act(
    handler: Handler, services: Services, caller: Caller, *, command_id: str | None = None
) -> Outcome:
    """Carry out a command that is one step of several and so cannot be the request's own."""
    context = CommandContext(
        command=command_name(handler),
        actor=caller.actor,
        correlation=caller.correlation,
        causation=caller.causation,
        command_id=command_id,
    )
    return await carry_out(
        handler,
        context,
        services.store,
        claims_key=services.keyring.claims,
        clock=services.clock,
    )


async def create_at_gateway(payment: Payment, services: Services, caller: Caller) -> Outcome:
    """The call between two events. Safe to repeat: the gateway's adapter adopts what was made before.

    Raise Unavailable when nobody knows what came of it, RuleViolation when the gateway refused.
    """
    payment_id = payment.object_id
    try:
        made = await services.gateway.create_order(
            receipt=payment_id,
            amount_minor=payment.amount.amount,
            currency=payment.amount.currency,
            notes={"orderId": payment.order_id, "paymentId": payment_id},
        )
    except Unavailable as e:
        await act(partial(record_unknown_outcome, payment_id, e), services, caller)
        raise
    except (Invalid, RuleViolation) as e:
        await act(partial(record_rejection, payment_id, e), services, caller)
        raise RuleViolation(
            "the payment gateway refuses this payment", code="gateway-refused"
        ) from e
    return await act(
        partial(record_gateway_order, payment_id, made.gateway_order_id), services, caller
    )


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
