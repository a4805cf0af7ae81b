"""A payment is asked for, and what its gateway says of it is recorded: each fact once."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AliasChoices, Field, StringConstraints
from pydantic.alias_generators import to_camel

from commands.context import Command
from commands.unit_of_work import UnitOfWork
from domain.claims import Claim
from domain.errors import Invalid, NotFound, RuleViolation, Unavailable
from domain.orders import Order
from domain.payment_events import Source
from domain.payments import Payment
from domain.ports.gateway import GatewayPayment, GatewayRefund, GatewayState
from domain.refunds import observe_refund
from domain.values import ObjectIdText, PaymentId

GatewayText = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class CreateIntent(Command):
    order_id: ObjectIdText


def _as(name: str) -> Any:
    """Under Razorpay's own name; in our manner too, as it was documented before."""
    return Field(validation_alias=AliasChoices(name, to_camel(name)))


class ConfirmPayment(Command):
    """What Razorpay's checkout gave the browser, under its own names."""

    payment_id: ObjectIdText
    razorpay_order_id: Annotated[GatewayText, _as("razorpay_order_id")]
    razorpay_payment_id: Annotated[GatewayText, _as("razorpay_payment_id")]
    razorpay_signature: Annotated[GatewayText, _as("razorpay_signature")]


async def request_payment(
    command: CreateIntent, customer_id: str, gateway: str, work: UnitOfWork
) -> Payment:
    """The order's open payment, or a new one. Its amount is always the order's."""
    order = await work.find(Order, command.order_id)
    if order is None or order.customer_id != customer_id:
        raise NotFound("there is no order with this id")
    order.must_await_payment()
    if order.payment_id is not None:
        payment = await work.load(Payment, order.payment_id)
        if payment.is_open:
            return payment
    payment = Payment.request(
        work.new_id(),
        order_id=order.object_id,
        customer_id=customer_id,
        amount=order.total,
        gateway=gateway,
    )
    order.request_payment(payment.object_id)
    return work.add(payment)


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
        observe_refund(payment, refund, source=source)
    payment.observe(seen, source=source)
    return payment
