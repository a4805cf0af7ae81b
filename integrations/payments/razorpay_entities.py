"""Razorpay's JSON in our own words, and the part of it that may be kept.

A payment carries the customer's e-mail address, phone, VPA and card holder. Only what is listed
here leaves this module: last four digits and issuer of a card (the residue that the Reserve Bank
of India allows), and the banks' reference numbers, which trace money and name nobody.
"""

import re
from collections.abc import Mapping
from typing import Any

from domain.errors import Unavailable
from domain.ports.gateway import (
    GatewayOrder,
    GatewayPayment,
    GatewayRefund,
    GatewayRefundState,
    GatewayState,
)

METHODS = {
    "card": "card", "upi": "upi", "netbanking": "netbanking", "wallet": "wallet", "emi": "emi",
    "cardless_emi": "emi", "paylater": "paylater", "bank_transfer": "bank_transfer",
}  # fmt: skip

KEPT = {
    "": (
        "amount_refunded", "bank", "captured", "created_at", "error_reason", "error_source",
        "error_step", "fee", "international", "refund_status", "tax", "wallet",
    ),
    "card": ("emi", "international", "issuer", "last4", "network", "type"),
    "upi": ("flow", "payer_account_type"),
    "acquirer_data": ("arn", "auth_code", "bank_transaction_id", "rrn", "upi_transaction_id", "utr"),
}  # fmt: skip
"""Which members may be kept, by the object that holds them; the empty name is the payment itself."""

_PERSONAL = re.compile(r"\S+@\S+|\+?\d(?:[ -]?\d){8,}")
"""An e-mail address, a VPA, a phone or card number inside a sentence."""


def order_from(entity: Mapping[str, Any]) -> GatewayOrder:
    """Raise Unavailable when it is not an order: nonsense from the gateway says nothing."""
    try:
        return GatewayOrder(
            gateway_order_id=_text(entity["id"]),
            amount_minor=_whole(entity["amount"]),
            currency=_text(entity["currency"]),
            status=_text(entity["status"]),
        )
    except (KeyError, TypeError, ValueError) as e:
        raise Unavailable("The payment gateway's answer is not an order.") from e


def payment_from(entity: Mapping[str, Any]) -> GatewayPayment:
    """Raise Unavailable when it is not a payment. A payment without an order has the order id ``."""
    try:
        return _payment_from(entity)
    except (KeyError, TypeError, ValueError) as e:
        raise Unavailable("The payment gateway's answer is not a payment.") from e


def _payment_from(entity: Mapping[str, Any]) -> GatewayPayment:
    state = GatewayState(_text(entity["status"]))
    method = entity.get("method")
    return GatewayPayment(
        gateway_payment_id=_text(entity["id"]),
        gateway_order_id=_text(entity.get("order_id") or ""),
        amount_minor=_whole(entity["amount"]),
        currency=_text(entity["currency"]),
        state=state,
        method=METHODS.get(_text(method), "other") if method else None,
        error_code=sentence(entity.get("error_code")),
        error_description=sentence(entity.get("error_description")),
        details=kept(entity),
    )


def refund_from(entity: Mapping[str, Any]) -> GatewayRefund:
    """Raise Unavailable when it is not a refund. Our key is its receipt."""
    try:
        return _refund_from(entity)
    except (KeyError, TypeError, ValueError) as e:
        raise Unavailable("The payment gateway's answer is not a refund.") from e


def _refund_from(entity: Mapping[str, Any]) -> GatewayRefund:
    return GatewayRefund(
        gateway_refund_id=_text(entity["id"]),
        gateway_payment_id=_text(entity["payment_id"]),
        amount_minor=_whole(entity["amount"]),
        currency=_text(entity["currency"]),
        state=GatewayRefundState(_text(entity["status"])),
        key=_text(entity.get("receipt") or "") or None,
    )


def kept(entity: Mapping[str, Any]) -> dict[str, Any]:
    """The members on the list that hold something; nested objects keep their name."""
    details = _members(entity, KEPT[""])
    for name in ("card", "upi", "acquirer_data"):
        part = entity.get(name)  # Razorpay writes an empty object as []
        if isinstance(part, Mapping) and (members := _members(part, KEPT[name])):
            details[name] = members
    return details


def items_of(collection: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    items = collection.get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Unavailable("The payment gateway's answer is not a list.")
    return items


def sentence(value: object) -> str | None:
    """A gateway's sentence without anybody's address or number; None for null and for ``."""
    if not isinstance(value, str) or not value:
        return None
    return _PERSONAL.sub("…", value)[:255]


def _members(entity: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    found = {name: _plain(entity.get(name)) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _plain(value: object) -> str | int | bool | None:
    if isinstance(value, str):
        return value[:64] or None
    return value if isinstance(value, int) else None


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > 64:  # ids have 20 characters
        raise TypeError("not a short text")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError("not a whole amount")
    return value
