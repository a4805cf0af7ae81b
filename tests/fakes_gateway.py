"""A payment gateway in memory. `tests/contracts/test_payment_gateway.py` holds it to the real one."""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from domain.errors import (
    DomainError,
    Invalid,
    RuleViolation,
    Unauthenticated,
    Unavailable,
    Unreadable,
)
from domain.ports.gateway import (
    GatewayOrder,
    GatewayPayment,
    GatewayRefund,
    GatewayRefundState,
    GatewayState,
    WebhookEvent,
)
from integrations.payments.signatures import checkout_message, is_signed, sign

KEY = re.compile(r"[A-Za-z0-9_-]{10,40}", re.ASCII)
NO_SUCH_ID = "The id provided does not exist"


@dataclass(frozen=True, kw_only=True)
class CheckoutAnswer:
    """What the gateway's checkout gives the browser."""

    payment_id: str
    order_id: str
    signature: str


@dataclass(frozen=True, kw_only=True)
class SentWebhook:
    body: bytes
    signature: str
    event_id: str


class FakeGateway:
    """`domain.ports.gateway.PaymentGateway`; `pay` plays the customer, `webhooks` collects what was sent."""

    name = "fake"
    public_key = "rzp_test_fake"

    def __init__(self) -> None:
        self.webhooks: list[SentWebhook] = []
        self.failures: list[DomainError] = []
        """Raised by the next calls, one each, before anything is done."""
        self.notes: dict[str, dict[str, str]] = {}
        """What was noted on each receipt's order, and on each key's refund."""
        self.refunds_start_as = "processed"
        """processed, or pending until `settle_refund`."""
        self.lost_answers = 0
        """So many of the next refunds are made, and nobody is told."""
        self._refunds: dict[str, GatewayRefund] = {}
        self._key = secrets.token_bytes(32)
        self._receipts: dict[str, GatewayOrder] = {}
        self._payments: dict[str, GatewayPayment] = {}

    async def create_order(
        self, *, receipt: str, amount_minor: int, currency: str, notes: Mapping[str, str]
    ) -> GatewayOrder:
        self._fail_when_told()
        self.notes.setdefault(receipt, dict(notes))
        if amount_minor < 100:
            raise Invalid("The amount must be at least INR 1.00", code="gateway-refused")
        order = self._receipts.setdefault(
            receipt,
            GatewayOrder(
                gateway_order_id=f"order_{secrets.token_hex(7)}",
                amount_minor=amount_minor,
                currency=currency,
                status="created",
            ),
        )
        if (order.amount_minor, order.currency) != (amount_minor, currency):
            raise RuleViolation("The receipt is for another amount.", code="receipt-used")
        return order

    async def order_payments(self, gateway_order_id: str) -> list[GatewayPayment]:
        self._fail_when_told()
        self._order(gateway_order_id)
        return [p for p in self._payments.values() if p.gateway_order_id == gateway_order_id]

    async def payment(self, gateway_payment_id: str) -> GatewayPayment:
        self._fail_when_told()
        if gateway_payment_id not in self._payments:
            raise Invalid(NO_SUCH_ID, code="gateway-refused")
        return self._payments[gateway_payment_id]

    async def refund(
        self, *, key: str, gateway_payment_id: str, amount_minor: int, notes: Mapping[str, str]
    ) -> GatewayRefund:
        payment = await self.payment(gateway_payment_id)
        earlier = self._refunds_of(gateway_payment_id, key=key)
        if not KEY.fullmatch(key):
            raise Invalid("A key has 10 to 40 letters, digits, - or _.", code="refund-key")
        if earlier and earlier[0].amount_minor != amount_minor:
            raise RuleViolation("The key is for another amount.", code="refund-key-used")
        if earlier:
            return earlier[0]
        self._check_refund(payment, amount_minor)
        self.notes[key] = dict(notes)
        return self._tell_unless_lost(self.refund_at_desk(gateway_payment_id, amount_minor, key))

    async def refunds(self, gateway_payment_id: str) -> list[GatewayRefund]:
        await self.payment(gateway_payment_id)
        return self._refunds_of(gateway_payment_id)

    def checkout_is_genuine(
        self, *, gateway_order_id: str, gateway_payment_id: str, signature: str | None
    ) -> bool:
        message = checkout_message(
            gateway_order_id=gateway_order_id, gateway_payment_id=gateway_payment_id
        )
        return is_signed(message, signature, secrets=(self._key,))

    def read_webhook(self, *, body: bytes, signature: str | None, event_id: str) -> WebhookEvent:
        if not is_signed(body, signature, secrets=(self._key,)):
            raise Unauthenticated("The webhook's signature is wrong.", code="webhook-signature")
        try:
            webhook = json.loads(body)
            told = webhook["payment"]
            payment = GatewayPayment(**told | {"state": GatewayState(told["state"])})
            about = webhook.get("refund")
            refund = _refund(about) if about else None
            return WebhookEvent(
                event_id=event_id, event=webhook["event"], payment=payment, refund=refund
            )
        except (ValueError, KeyError, TypeError) as e:
            raise Unreadable("The webhook is not one of ours.", code="webhook-body") from e

    async def close(self) -> None:
        self.failures.clear()

    def pay(
        self, gateway_order_id: str, *, method: str = "card", outcome: str = "success"
    ) -> CheckoutAnswer:
        """Outcomes: success, failure, authorized, failed_then_captured. A failure is not signed."""
        order = self._order(gateway_order_id)
        if order.status == "paid":
            raise RuleViolation("The order is already paid.", code="gateway-refused")
        payment = GatewayPayment(
            gateway_payment_id=f"pay_{secrets.token_hex(7)}",
            gateway_order_id=gateway_order_id,
            amount_minor=order.amount_minor,
            currency=order.currency,
            state=GatewayState.CREATED,
            method=method,
        )
        for state in STATES[outcome]:
            self._observe(_moved(payment, GatewayState(state)))
        message = checkout_message(
            gateway_order_id=gateway_order_id, gateway_payment_id=payment.gateway_payment_id
        )
        return CheckoutAnswer(
            payment_id=payment.gateway_payment_id,
            order_id=gateway_order_id,
            signature="" if outcome == "failure" else sign(self._key, message),
        )

    def refund_at_desk(
        self, gateway_payment_id: str, amount_minor: int, key: str | None = None
    ) -> GatewayRefund:
        """Without a key: somebody refunds by the gateway's own pages."""
        refund = GatewayRefund(
            gateway_refund_id=f"rfnd_{secrets.token_hex(7)}",
            gateway_payment_id=gateway_payment_id,
            amount_minor=amount_minor,
            currency=self._payments[gateway_payment_id].currency,
            state=GatewayRefundState.PENDING,
            key=key,
        )
        self._keep_refund(refund, "created")
        if self.refunds_start_as == "pending":
            return refund
        return self.settle_refund(refund.gateway_refund_id, "processed")

    def settle_refund(self, gateway_refund_id: str, outcome: str) -> GatewayRefund:
        """processed, or failed: the money then stays with the shop."""
        refund = replace(self._refunds[gateway_refund_id], state=GatewayRefundState(outcome))
        self._keep_refund(refund, outcome)
        return refund

    def refunded(self, gateway_payment_id: str) -> int:
        """Paise that are back or on their way."""
        made = self._refunds_of(gateway_payment_id)
        return sum(refund.amount_minor for refund in made if refund.state != "failed")

    def signed(self, body: bytes) -> str:
        """The signature of any webhook body."""
        return sign(self._key, body)

    def _observe(self, payment: GatewayPayment) -> None:
        self._payments[payment.gateway_payment_id] = payment
        self._mark(payment.gateway_order_id, paid=payment.state == "captured")
        self._send({"event": f"payment.{payment.state}", "payment": vars(payment)})

    def _keep_refund(self, refund: GatewayRefund, news: str) -> None:
        """The payment is `refunded` as soon as all of it is on its way, as Razorpay's."""
        self._refunds[refund.gateway_refund_id] = refund
        payment = self._payments[refund.gateway_payment_id]
        whole = self.refunded(payment.gateway_payment_id) >= payment.amount_minor
        payment = replace(payment, state=GatewayState.REFUNDED if whole else GatewayState.CAPTURED)
        self._payments[payment.gateway_payment_id] = payment
        self._send({"event": f"refund.{news}", "payment": vars(payment), "refund": vars(refund)})

    def _refunds_of(
        self, gateway_payment_id: str, *, key: str | None = None
    ) -> list[GatewayRefund]:
        return [
            refund
            for refund in self._refunds.values()
            if refund.gateway_payment_id == gateway_payment_id and key in {None, refund.key}
        ]

    def _check_refund(self, payment: GatewayPayment, amount_minor: int) -> None:
        if amount_minor < 100:
            raise Invalid("The amount must be at least INR 1.00", code="gateway-refused")
        if payment.state not in {"captured", "refunded"}:
            raise RuleViolation("The payment should be captured", code="gateway-refused")
        if amount_minor > payment.amount_minor - self.refunded(payment.gateway_payment_id):
            raise RuleViolation("More than is left of the payment", code="gateway-refused")

    def _tell_unless_lost(self, refund: GatewayRefund) -> GatewayRefund:
        if self.lost_answers:
            self.lost_answers -= 1
            raise Unavailable("the answer was lost")
        return refund

    def _send(self, event: Mapping[str, object]) -> None:
        body = json.dumps(event).encode()
        self.webhooks.append(
            SentWebhook(
                body=body, signature=self.signed(body), event_id=f"evt_{secrets.token_hex(7)}"
            )
        )

    def _mark(self, gateway_order_id: str, *, paid: bool) -> None:
        for receipt, order in self._receipts.items():
            if order.gateway_order_id == gateway_order_id:
                self._receipts[receipt] = replace(order, status="paid" if paid else "attempted")

    def _order(self, gateway_order_id: str) -> GatewayOrder:
        for order in self._receipts.values():
            if order.gateway_order_id == gateway_order_id:
                return order
        raise Invalid(NO_SUCH_ID, code="gateway-refused")

    def _fail_when_told(self) -> None:
        if self.failures:
            raise self.failures.pop(0)


STATES = {
    "success": ("authorized", "captured"),
    "failure": ("failed",),
    "authorized": ("authorized",),
    "failed_then_captured": ("failed", "captured"),
}


def _refund(told: dict[str, Any]) -> GatewayRefund:
    return GatewayRefund(**told | {"state": GatewayRefundState(told["state"])})


def _moved(payment: GatewayPayment, state: GatewayState) -> GatewayPayment:
    if state is not GatewayState.FAILED:
        return replace(payment, state=state)
    return replace(
        payment,
        state=state,
        error_code="BAD_REQUEST_ERROR",
        error_description="Payment failed",
    )
