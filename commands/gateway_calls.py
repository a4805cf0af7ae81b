"""Talking with the payment gateway: the call between two events, and each fact that it tells, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from commands.execution import command_name
from commands.unit_of_work import Handler, Outcome, UnitOfWork, carry_out
from dependencies import Services
from domain.claims import Claim
from domain.errors import Invalid, RuleViolation, Unavailable
from domain.payment_events import Source
from domain.payments import Payment
from domain.ports import CommandContext, GatewayPayment, GatewayRefund, GatewayState
from domain.values import PaymentId


@dataclass(frozen=True, kw_only=True)
class Caller:
    actor: str
    correlation: str


async def act(
    handler: Handler, services: Services, caller: Caller, *, command_id: str | None = None
) -> Outcome:
    """Carry out a command that is one step of several and so cannot be the request's own."""
    context = CommandContext(
        command=command_name(handler),
        actor=caller.actor,
        correlation=caller.correlation,
        command_id=command_id,
    )
    return await carry_out(
        handler,
        context,
        services.store,
        claims_key=services.keyring.claims,
        clock=services.clock,
    )


async def record_gateway_order(
    payment_id: PaymentId, gateway_order_id: str, work: UnitOfWork
) -> Payment:
    """The claim leads from the gateway's order back to our payment, for webhooks."""
    payment = await work.load(Payment, payment_id)
    payment.created_at_gateway(gateway_order_id)
    if payment.gateway_order_id == gateway_order_id:
        await work.claim("gateway-order", gateway_order_id, owner=payment_id)
    return payment


async def record_rejection(
    payment_id: PaymentId, error: Invalid | RuleViolation, work: UnitOfWork
) -> Payment:
    payment = await work.load(Payment, payment_id)
    payment.rejected_by_gateway(code=error.code, reason=error.detail)
    return payment


async def record_unknown_outcome(
    payment_id: PaymentId, error: Unavailable, work: UnitOfWork
) -> Payment:
    payment = await work.load(Payment, payment_id)
    payment.left_unknown_by_gateway(reason=error.detail)
    return payment


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


async def record_gateway_observation(
    seen: GatewayPayment, source: Source, work: UnitOfWork, *, refunds: Sequence[GatewayRefund] = ()
) -> Payment | None:
    """None when the gateway's order is none of ours.

    Money is captured before it is refunded, and known refunds explain why a payment is `refunded`.
    """
    claim = await work.find(Claim, work.claim_id("gateway-order", seen.gateway_order_id))
    if claim is None or claim.owner is None:
        return None
    payment = await work.load(Payment, claim.owner)
    if seen.state is not GatewayState.REFUNDED:
        payment.observe(seen, source=source)
    for refund in refunds:
        payment.observe_refund(refund, source=source)
    payment.observe(seen, source=source)
    return payment
