"""A requested refund is sent to the gateway, and one that is on its way is asked about.

The request is an event before the call, and the answer an event after it. A call without an answer is neither
repeated blindly nor given up: the gateway's adapter looks for the refund of our key first.
"""

from functools import partial

import structlog

from commands.decisions.refunds import record_refund, record_refused_refund, record_unknown_refund
from commands.effects.gateway_calls import Caller, act
from dependencies.services import Services
from domain.errors import Invalid, RuleViolation, Unavailable
from domain.payment_events import Source
from domain.payment_states import SETTLED, UNANSWERED, Refund
from domain.payments import Payment
from domain.values import PaymentId

log = structlog.get_logger(__name__)


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
