"""Razorpay as our payment gateway: its orders, its payments, its signatures and its webhooks."""

import json
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from domain.errors import Invalid, RuleViolation, Unauthenticated, Unavailable, Unreadable
from domain.ports.gateway import GatewayOrder, GatewayPayment, GatewayRefund, WebhookEvent
from integrations.payments.razorpay_calls import CONNECT_AND_READ_SECONDS, RazorpayCalls
from integrations.payments.razorpay_entities import items_of, order_from, payment_from, refund_from
from integrations.payments.razorpay_refunds import KEY, adopt_or_refund, refunds_of
from integrations.payments.signatures import checkout_message, is_signed

ORDER_ID = re.compile(r"order_[A-Za-z0-9]{1,40}", re.ASCII)
PAYMENT_ID = re.compile(r"pay_[A-Za-z0-9]{1,40}", re.ASCII)
EVENT_ID = re.compile(r"[!-~]{1,128}", re.ASCII)
RECEIPT_TAKEN = re.compile(r"receipt.*unique", re.IGNORECASE)
MAX_SAME_RECEIPT = 100


class RazorpayGateway:
    """`domain.ports.gateway.PaymentGateway` over the real SDK. Money is captured by the gateway itself."""

    name = "razorpay"

    def __init__(
        self,
        *,
        key_id: str,
        key_secret: str,
        base_url: str,
        webhook_secrets: Sequence[str],
        threads: int = 4,
        timeout: tuple[float, float] = CONNECT_AND_READ_SECONDS,
    ) -> None:
        """`webhook_secrets`: the present one and the one before, since retries of old events keep
        the secret they were first signed with. Raise ValueError for an empty key or secret, which
        anybody could sign with.
        """
        if not all((key_id, key_secret, *webhook_secrets)):
            raise ValueError("a Razorpay key or secret is empty")
        self.public_key = key_id
        self._key_secret = key_secret.encode()
        self._webhook_secrets = tuple(secret.encode() for secret in webhook_secrets)
        self._calls = RazorpayCalls(
            key_id=key_id,
            key_secret=key_secret,
            base_url=base_url,
            threads=threads,
            timeout=timeout,
        )

    async def create_order(
        self, *, receipt: str, amount_minor: int, currency: str, notes: Mapping[str, str]
    ) -> GatewayOrder:
        """Adopt the receipt's order or make it: safe to repeat, also after an unknown outcome.

        Looks up first, because accounts differ in what they do with a receipt that comes twice.
        """
        body = {
            "amount": amount_minor,
            "currency": currency,
            "receipt": receipt,
            "notes": dict(notes),
        }
        return await self._calls.run(lambda client: _adopt_or_create(client, body))

    async def order_payments(self, gateway_order_id: str) -> list[GatewayPayment]:
        order_id = _checked(ORDER_ID, gateway_order_id)
        found = await self._calls.run(lambda client: client.order.payments(order_id, {}))
        return [payment_from(item) for item in items_of(found)]

    async def payment(self, gateway_payment_id: str) -> GatewayPayment:
        payment_id = _checked(PAYMENT_ID, gateway_payment_id)
        with_card = {"expand[]": "card"}
        found = await self._calls.run(lambda client: client.payment.fetch(payment_id, with_card))
        return payment_from(found)

    async def refund(
        self, *, key: str, gateway_payment_id: str, amount_minor: int, notes: Mapping[str, str]
    ) -> GatewayRefund:
        """Adopt the key's refund or make it: safe to repeat, also after an unknown outcome."""
        payment_id = _checked(PAYMENT_ID, gateway_payment_id)
        if not KEY.fullmatch(key):
            raise Invalid("A key has 10 to 40 letters, digits, - or _.", code="refund-key")
        asked = dict(notes)
        return await self._calls.run(
            lambda client: adopt_or_refund(
                client, payment_id, key=key, amount_minor=amount_minor, notes=asked
            )
        )

    async def refunds(self, gateway_payment_id: str) -> list[GatewayRefund]:
        payment_id = _checked(PAYMENT_ID, gateway_payment_id)
        return await self._calls.run(lambda client: refunds_of(client, payment_id))

    def checkout_is_genuine(
        self, *, gateway_order_id: str, gateway_payment_id: str, signature: str | None
    ) -> bool:
        message = checkout_message(
            gateway_order_id=gateway_order_id, gateway_payment_id=gateway_payment_id
        )
        return is_signed(message, signature, secrets=(self._key_secret,))

    def read_webhook(self, *, body: bytes, signature: str | None, event_id: str) -> WebhookEvent:
        """The signature does not cover `event_id` nor a time: replays are met by idempotent facts."""
        if not is_signed(body, signature, secrets=self._webhook_secrets):
            raise Unauthenticated("The webhook's signature is wrong.", code="webhook-signature")
        try:
            return _webhook_event(
                json.loads(body), event_id or f"sha256:{sha256(body).hexdigest()}"
            )
        except (ValueError, KeyError, TypeError, RecursionError, Unavailable) as e:
            raise Unreadable("The webhook is not one of Razorpay's.", code="webhook-body") from e

    async def close(self) -> None:
        await self._calls.close()


def _adopt_or_create(client: Any, body: dict[str, Any]) -> GatewayOrder:
    """In the thread. Unavailable when the outcome stays unknown after one look."""
    if earlier := _order_of_receipt(client, body):
        return earlier
    try:
        return order_from(client.order.create(body))
    except Unavailable:
        if made := _order_of_receipt(client, body):
            return made
        raise
    except (Invalid, RuleViolation) as e:
        if RECEIPT_TAKEN.search(e.detail) and (made := _order_of_receipt(client, body)):
            return made
        raise


def _order_of_receipt(client: Any, wanted: Mapping[str, Any]) -> GatewayOrder | None:
    """The receipt's oldest order. Raise RuleViolation when it is for another amount."""
    asked = {"receipt": wanted["receipt"], "count": MAX_SAME_RECEIPT}
    items = [i for i in items_of(client.order.all(asked)) if i.get("receipt") == wanted["receipt"]]
    if not items:
        return None
    order = order_from(min(items, key=_age))
    if (order.amount_minor, order.currency) != (wanted["amount"], wanted["currency"]):
        raise RuleViolation(
            "The gateway's order of this receipt is for another amount.", code="receipt-used"
        )
    return order


def _age(item: Mapping[str, Any]) -> tuple[int, str]:
    made = item.get("created_at")
    return made if isinstance(made, int) else 0, str(item.get("id"))


def _checked(pattern: re.Pattern[str], gateway_id: str) -> str:
    """An id goes into a URL's path: raise Invalid unless it is an id."""
    if not pattern.fullmatch(gateway_id):
        raise Invalid("That is not one of Razorpay's ids.", code="gateway-id")
    return gateway_id


def _webhook_event(webhook: Mapping[str, Any], event_id: str) -> WebhookEvent:
    """Raise KeyError, TypeError, ValueError or Unavailable for what is not an event."""
    name, payload = webhook["event"], webhook["payload"]
    if (
        webhook["entity"] != "event"
        or not isinstance(name, str)
        or not EVENT_ID.fullmatch(event_id)
    ):
        raise ValueError("not an event")
    parts = payload if isinstance(payload, Mapping) else {}  # [] when empty
    payment, refund = parts.get("payment"), parts.get("refund")
    return WebhookEvent(
        event_id=event_id,
        event=name,
        payment=payment_from(payment["entity"]) if payment else None,
        refund=refund_from(refund["entity"]) if refund else None,
    )
