"""The gateway's own messages. The signature is the authority; the same fact twice is one fact."""

from functools import partial
from typing import Annotated

import structlog
from fastapi import Header, Request, Response

from commands.decisions.payments import record_gateway_observation
from commands.effects.gateway_calls import Caller, act
from dependencies.answers import answer
from dependencies.limits import limited
from dependencies.routers import PrefixRouter
from dependencies.services import AllServices, Services
from domain.errors import TooLarge
from domain.payment_events import Source
from domain.ports.gateway import GatewayPayment, GatewayRefund

log = structlog.get_logger(__name__)
router = PrefixRouter(prefix="/api/webhooks", tags=["webhooks"])

MAX_WEBHOOK_BYTES = 256 * 1024


@router.post("/razorpay", dependencies=[limited("webhook")])
async def post_razorpay_webhook(
    request: Request,
    services: AllServices,
    x_razorpay_signature: Annotated[str, Header(max_length=512)] = "",
    x_razorpay_event_id: Annotated[str, Header(max_length=128)] = "",
) -> Response:
    """Answered as soon as the fact is durable. What is none of our business is acknowledged, too."""
    webhook = services.gateway.read_webhook(
        body=await _bounded_body(request),
        signature=x_razorpay_signature,
        event_id=x_razorpay_event_id,
    )
    known = webhook.payment is not None and await _take_in(
        webhook.payment, webhook.refund, webhook.event_id, services
    )
    if not known:
        log.info("webhook-ignored", event_name=webhook.event, event_id=webhook.event_id)
    return answer({"received": True})


async def _take_in(
    seen: GatewayPayment, refund: GatewayRefund | None, event_id: str, services: Services
) -> bool:
    """Whether the payment is one of ours."""
    gateway = services.gateway.name
    caller = Caller(actor=f"gateway-{gateway}", correlation=f"{gateway}-{event_id}")
    refunds = () if refund is None else (refund,)
    observing = partial(record_gateway_observation, seen, Source.WEBHOOK, refunds=refunds)
    outcome = await act(observing, services, caller, command_id=f"webhook:{gateway}:{event_id}")
    return outcome.stream is not None


async def _bounded_body(request: Request) -> bytes:
    """The raw bytes, which the signature covers. Raise TooLarge over the limit, read no further."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_WEBHOOK_BYTES:
            raise TooLarge(f"a webhook has at most {MAX_WEBHOOK_BYTES} bytes")
    return bytes(body)
