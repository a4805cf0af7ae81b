"""A payment gateway: what we ask it, and what it tells."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class GatewayOrder:
    gateway_order_id: str
    amount_minor: int
    currency: str
    status: str


class GatewayState(StrEnum):
    """How far a payment has come at its gateway. Adapters refuse what is none of these."""

    CREATED = "created"
    FAILED = "failed"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    REFUNDED = "refunded"


class GatewayRefundState(StrEnum):
    PENDING = "pending"
    PROCESSED = "processed"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class GatewayPayment:
    """What the gateway says of one payment, in our own words."""

    gateway_payment_id: str
    gateway_order_id: str
    amount_minor: int
    currency: str
    state: GatewayState
    method: str | None = None
    """card, upi, netbanking, wallet, emi, paylater, bank_transfer, other."""
    error_code: str | None = None
    error_description: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    """The part of the gateway's answer that may be kept: no personal or card data."""


@dataclass(frozen=True, kw_only=True)
class GatewayRefund:
    """What the gateway says of one refund, in our own words."""

    gateway_refund_id: str
    gateway_payment_id: str
    amount_minor: int
    currency: str
    state: GatewayRefundState
    key: str | None = None
    """The key that it was asked for with; None when it was made at the gateway's own desk."""


@dataclass(frozen=True, kw_only=True)
class WebhookEvent:
    event_id: str
    event: str
    payment: GatewayPayment | None
    refund: GatewayRefund | None = None


class PaymentGateway(Protocol):
    """Every method raises Unavailable when the outcome is unknown (time-out, cut, 5xx, nonsense) and
    RuleViolation or Invalid when the gateway definitely refused.
    """

    name: str
    public_key: str
    """The key id that a checkout page may see."""

    async def create_order(
        self, *, receipt: str, amount_minor: int, currency: str, notes: Mapping[str, str]
    ) -> GatewayOrder:
        """Make the gateway's order, or adopt the one made earlier for this receipt."""

    async def order_payments(self, gateway_order_id: str) -> list[GatewayPayment]: ...

    async def payment(self, gateway_payment_id: str) -> GatewayPayment: ...

    async def refund(
        self, *, key: str, gateway_payment_id: str, amount_minor: int, notes: Mapping[str, str]
    ) -> GatewayRefund:
        """Give so much of a captured payment back, or adopt the refund made earlier for this key.

        Safe to repeat, also after an unknown outcome: it looks before it sends. The key has 10 to 40
        characters of `[A-Za-z0-9_-]`. Raises RuleViolation `refund-key-used` when the key's refund is
        for another amount.
        """

    async def refunds(self, gateway_payment_id: str) -> list[GatewayRefund]:
        """Those of one payment, whoever made them: the newest hundred."""

    def checkout_is_genuine(
        self, *, gateway_order_id: str, gateway_payment_id: str, signature: str
    ) -> bool:
        """Constant-time check of the checkout's signature over our own order id. Never raises."""

    def read_webhook(self, *, body: bytes, signature: str, event_id: str) -> WebhookEvent:
        """Check and read a webhook's raw body. Raises Unauthenticated for a bad signature and
        Unreadable for a body that is not the gateway's.
        """
