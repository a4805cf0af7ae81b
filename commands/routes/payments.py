"""Payments: asked for by the customer and confirmed by the browser.

Confirm, webhook and reconciliation are three ways to hear of the same facts. All carry out one command,
`record_gateway_observation`, which keeps each fact once; `settle_order` then lets the money take effect.
"""

from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import Request, Response, status

from commands.decisions.payments import (
    ConfirmPayment,
    CreateIntent,
    record_gateway_observation,
    request_payment,
)
from commands.decisions.settlement import settle_order
from commands.effects.gateway_calls import Caller, act, create_at_gateway
from dependencies.answers import answer, view_of
from dependencies.caller import CurrentUser
from dependencies.executor import CommandOutcome, Execute, Executor
from dependencies.limits import limited
from dependencies.routers import PrefixRouter
from dependencies.services import AllServices, Services
from domain.errors import NotFound, RuleViolation, Unreadable
from domain.orders import Order
from domain.payment_events import Source
from domain.payments import Payment
from domain.sessions import User
from domain.values import PaymentId

router = PrefixRouter(prefix="/api/payments", tags=["payments"])

PAYMENTS = "payments"


@router.post(
    "/create-intent", status_code=status.HTTP_201_CREATED, dependencies=[limited("payment")]
)
async def post_intent(
    command: CreateIntent,
    request: Request,
    user: CurrentUser,
    execute: Execute,
    services: AllServices,
) -> Response:
    """A second call for the same unpaid order answers with the same open payment."""
    asking = partial(request_payment, command, user.id, services.gateway.name)
    outcome: CommandOutcome = await execute.carry_out(asking)
    assert outcome.object_id is not None
    payment = await _payment(outcome.object_id, services)
    if payment.gateway_order_id is None:
        outcome = await create_at_gateway(payment, services, _caller(request, user))
        payment = await _payment(payment.object_id, services)
    document = await execute.shown(outcome, PAYMENTS) or {}
    data = view_of(services, PAYMENTS)(document) | intent(payment, services)
    return answer(data, status=201, headers=await execute.headers(outcome))


def intent(payment: Payment, services: Services) -> dict[str, Any]:
    """What the browser needs to open the gateway's checkout."""
    return {
        "paymentId": payment.object_id,
        "orderId": payment.order_id,
        "gateway": payment.gateway,
        "status": payment.status.value,
        "amount": payment.amount.major,
        "amountMinor": payment.amount.amount,
        "currency": payment.amount.currency,
        "razorpay": {
            "keyId": services.gateway.public_key,
            "orderId": payment.gateway_order_id,
        },
    }


@router.post("/confirm", dependencies=[limited("payment")])
async def post_confirmation(
    command: ConfirmPayment,
    request: Request,
    user: CurrentUser,
    execute: Execute,
    services: AllServices,
) -> Response:
    """The signature shows that the browser comes from the checkout; the gateway shows the money."""
    payment = await _payment(command.payment_id, services)
    if payment.customer_id != user.id:
        raise NotFound("there is no payment with this id")
    _check_signature(command, payment, services)
    seen = await services.gateway.payment(command.razorpay_payment_id)
    if seen.gateway_order_id != payment.gateway_order_id:
        raise RuleViolation("this payment is for another order", code="foreign-payment")
    caller = _caller(request, user)
    observing = partial(record_gateway_observation, seen, Source.CONFIRM)
    noted = await act(observing, services, caller)
    cause = None if noted.commit is None else noted.commit.last_event
    settling = replace(caller, causation=cause)
    outcome = await act(partial(settle_order, payment.object_id), services, settling)
    return await _confirmation(payment.object_id, outcome, execute, services)


def _check_signature(command: ConfirmPayment, payment: Payment, services: Services) -> None:
    """Over our own stored order id, never the one that the browser names."""
    if payment.gateway_order_id is None or not services.gateway.checkout_is_genuine(
        gateway_order_id=payment.gateway_order_id,
        gateway_payment_id=command.razorpay_payment_id,
        signature=command.razorpay_signature,
    ):
        raise Unreadable("this is not the gateway's signature", code="signature-mismatch")


async def _confirmation(
    payment_id: PaymentId, outcome: CommandOutcome, execute: Executor, services: Services
) -> Response:
    """The streams may be ahead of the read model when the webhook was first: they have the last word."""
    payment = await _payment(payment_id, services)
    order: Order = await services.store.load(Order, payment.order_id)
    document = await execute.shown(outcome, "orders") or {}
    shown = view_of(services, "orders")(document) | {
        "_id": order.object_id,
        "id": order.object_id,
        "status": order.status.value,
    }
    if order.is_paid and shown.get("paymentStatus") != "refunded":
        shown["paymentStatus"] = "completed"
    data = {"status": payment.status.value, "paymentId": payment_id, "order": shown}
    return answer(data, headers=await execute.headers(outcome))


async def _payment(payment_id: PaymentId, services: Services) -> Payment:
    payment: Payment | None = await services.store.load(Payment, payment_id)
    if payment is None:
        raise NotFound("there is no payment with this id")
    return payment


def _caller(request: Request, user: User) -> Caller:
    return Caller(actor=f"user-{user.id}", correlation=request.state.request_id)
