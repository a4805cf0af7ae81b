"""What Razorpay accepts in a body or a query, checked in its words."""

import re
from collections.abc import Mapping
from typing import Any

from integrations.payments.simulator.refusals import Refusal

Body = Mapping[str, Any]

ORDER_FIELDS = frozenset({
    "amount", "currency", "receipt", "notes", "payment", "payment_capture", "partial_payment",
})  # fmt: skip
CAPTURE_FIELDS = frozenset({"amount", "currency"})
REFUND_FIELDS = frozenset({"amount", "speed", "notes", "receipt"})
LIST_FIELDS = frozenset({"from", "to", "count", "skip", "receipt", "authorized", "expand[]"})
MIN_AMOUNT = 100
"""One rupee in paise."""


def order(body: Body) -> dict[str, Any]:
    """The fields of a new order, with defaults."""
    only(body, ORDER_FIELDS)
    receipt = body.get("receipt")
    if receipt is not None and (not isinstance(receipt, str) or len(receipt) > 40):
        raise Refusal("The receipt may not be greater than 40 characters.", field="receipt")
    return {
        "amount": amount(body),
        "currency": currency(body),
        "receipt": receipt,
        "notes": notes(body),
        "capture": _captures(body),
    }


def only(body: Body, fields: frozenset[str]) -> None:
    extra = sorted(set(body) - fields)
    if extra:
        raise Refusal(
            f"{', '.join(extra)} is/are not required and should not be sent",
            reason="extra_field_sent",
        )


def amount(body: Body) -> int:
    value = body.get("amount")
    if value is None:
        raise Refusal("The amount field is required.", field="amount")
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refusal("The amount must be an integer.", field="amount")
    if value < MIN_AMOUNT:
        raise Refusal(
            "The amount must be at least INR 1.00",
            field="amount",
            reason="amount_less_than_minimum_amount",
        )
    return value


def currency(body: Body) -> str:
    value = body.get("currency")
    if value is None:
        raise Refusal("The currency field is required.", field="currency")
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z]{3}", value):
        raise Refusal("The currency is not supported.", field="currency")
    return value


def notes(body: Body) -> dict[str, str] | list[str]:
    """An object of at most 15 pairs of at most 256 characters; an empty one is `[]`, as Razorpay's."""
    value = body.get("notes") or {}
    if not isinstance(value, dict):
        raise Refusal("The notes must be an array.", field="notes")
    if len(value) > 15:
        raise Refusal("Number of fields in notes should be less than or equal to 15", field="notes")
    if any(len(str(part)) > 256 for pair in value.items() for part in pair):
        raise Refusal("The notes may not be greater than 256 characters.", field="notes")
    return {str(key): str(text) for key, text in value.items()} or []


def refund_amount(body: Body, *, captured: int, refunded: int) -> int:
    """The amount to refund: what is left when none is named."""
    if refunded >= captured:
        raise Refusal("The payment has been fully refunded already")
    value = amount(body) if "amount" in body else captured - refunded
    if value > captured - refunded:
        raise Refusal("The refund amount provided is greater than amount captured", field="amount")
    return value


def page(query: Mapping[str, str]) -> dict[str, int]:
    """`from`, `to` (Unix seconds), `count` (default 10, at most 100), `skip`."""
    only(query, LIST_FIELDS)
    asked = {
        "from": _number(query, "from", 0),
        "to": _number(query, "to", 2**40),
        "count": _number(query, "count", 10),
        "skip": _number(query, "skip", 0),
    }
    if not 1 <= asked["count"] <= 100:
        raise Refusal("The count must be between 1 and 100.", field="count")
    return asked


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,13}", text, re.ASCII):
        raise Refusal(f"The {name} must be an integer.", field=name)
    return int(text)


def _captures(body: Body) -> str:
    """Automatic or manual: `payment.capture`, or the older `payment_capture` 0 or 1."""
    payment = body.get("payment")
    if isinstance(payment, dict) and payment.get("capture") in ("automatic", "manual"):
        return str(payment["capture"])
    return "manual" if body.get("payment_capture") in (0, "0") else "automatic"
