"""Refunds that the shop's finance asks for. Customers get their money back by cancelling."""

from decimal import Decimal
from functools import partial
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Response, status
from pydantic import Field, StringConstraints, model_validator

from commands.context import Command
from commands.unit_of_work import UnitOfWork
from dependencies import Execute, Finance, limited, object_id_or_404
from domain.accounts import Account
from domain.errors import NotFound
from domain.payments import Payment
from domain.values import Paise, PaymentId

router = APIRouter(prefix="/api/payments", tags=["payments"])

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
    payment.refund(refund_id, amount=command.paise, gateway_payment_id=command.transaction_id)
    account = await work.find(Account, payment.customer_id)
    if account is not None and not account.erased:
        payment.explain_refund(refund_id, note=command.reason)
    return payment


async def known_payment(payment_id: str) -> PaymentId:
    """A malformed id names no payment."""
    return str(object_id_or_404(payment_id))


KnownPayment = Annotated[PaymentId, Depends(known_payment)]


@router.post(
    "/{payment_id}/refund",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[limited("payment")],
)
async def post_refund(
    payment_id: KnownPayment, command: RefundPayment, _: Finance, execute: Execute
) -> Response:
    """The money is on its way when `refunds` say `processed`; until then the refund is pending."""
    refunding = partial(refund_payment, payment_id, command)
    return await execute(refunding, shows="payments", status=202, location="/api/payments/{id}")
