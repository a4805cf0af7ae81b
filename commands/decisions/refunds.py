"""Refunds: asked for by finance, owed by the shop, and what the gateway says of them."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from commands.context import Command
from commands.unit_of_work import UnitOfWork
from domain.accounts import Account
from domain.errors import Invalid, NotFound, RuleViolation, Unavailable
from domain.payment_events import RefundReason, Source
from domain.payments import Payment
from domain.ports.gateway import GatewayRefund
from domain.refunds import (
    explain_refund,
    observe_refund,
    refund_outcome_unknown,
    refund_refused,
    request_owed,
    request_refund,
)
from domain.values import Paise, PaymentId

ONE_RUPEE = 100
"""In paise: the least that a gateway gives back."""


Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class RefundPayment(Command):
    """`amount` in rupees or `amountMinor` in paise; neither: all that is left."""

    amount: Annotated[Decimal, Field(ge=1, le=10**8, decimal_places=2)] | None = None
    amount_minor: Annotated[Paise, Field(ge=ONE_RUPEE)] | None = None
    reason: Reason
    transaction_id: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    """Which of the gateway's payments, where there are several."""

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if self.amount is not None and self.amount_minor is not None:
            raise ValueError("give amount or amountMinor, not both")
        return self

    @property
    def paise(self) -> int | None:
        return self.amount_minor if self.amount is None else int(self.amount * 100)


async def refund_payment(
    payment_id: PaymentId, command: RefundPayment, work: UnitOfWork
) -> Payment:
    """Request it; a policy sends it. The note of a person who was forgotten is not kept."""
    payment = await work.find(Payment, payment_id)
    if payment is None:
        raise NotFound("there is no payment with this id")
    refund_id = work.new_id()
    request_refund(
        payment, refund_id, amount=command.paise, gateway_payment_id=command.transaction_id
    )
    account = await work.find(Account, payment.customer_id)
    if account is not None and not account.erased:
        explain_refund(payment, refund_id, note=command.reason)
    return payment


async def request_owed_refund(
    payment_id: PaymentId, gateway_payment_id: str, reason: RefundReason, work: UnitOfWork
) -> Payment:
    payment = await work.load(Payment, payment_id)
    request_owed(payment, work.new_id(), gateway_payment_id=gateway_payment_id, reason=reason)
    return payment


async def record_unknown_refund(
    payment_id: PaymentId, refund_id: str, error: Unavailable, work: UnitOfWork
) -> Payment:
    payment = await work.load(Payment, payment_id)
    refund_outcome_unknown(payment, refund_id, reason=error.detail)
    return payment


async def record_refused_refund(
    payment_id: PaymentId, refund_id: str, error: Invalid | RuleViolation, work: UnitOfWork
) -> Payment:
    payment = await work.load(Payment, payment_id)
    refund_refused(payment, refund_id, reason=error.detail)
    return payment


async def record_refund(
    payment_id: PaymentId, seen: GatewayRefund, source: Source, work: UnitOfWork
) -> Payment:
    payment = await work.load(Payment, payment_id)
    observe_refund(payment, seen, source=source)
    return payment
