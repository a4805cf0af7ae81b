"""Refunds that the shop's finance asks for. Customers get their money back by cancelling."""

from functools import partial
from typing import Annotated

from fastapi import Depends, Response, status

from commands.decisions.refunds import RefundPayment, refund_payment
from dependencies.caller import Finance
from dependencies.documents import object_id_or_404
from dependencies.executor import Execute
from dependencies.limits import limited
from dependencies.routers import PrefixRouter
from domain.values import PaymentId

router = PrefixRouter(prefix="/api/payments", tags=["payments"])


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
