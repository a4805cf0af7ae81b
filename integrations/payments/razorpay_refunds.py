"""Giving money back by Razorpay: look first, send with an idempotency key, look again when in doubt.

The key goes out twice: as the header that makes Razorpay answer a repeat with the first refund (its own pages
say that test accounts may not heed it), and as the refund's receipt, by which we find it again.
"""

import re
from collections.abc import Mapping
from typing import Any

from domain.errors import Invalid, RuleViolation, Unavailable
from domain.ports.gateway import GatewayRefund
from integrations.payments.razorpay_entities import items_of, refund_from

KEY = re.compile(r"[A-Za-z0-9_-]{10,40}", re.ASCII)
"""Razorpay asks for ten characters at least; a receipt has forty at most."""
MAX_REFUNDS_LISTED = 100


def refunds_of(client: Any, payment_id: str) -> list[GatewayRefund]:
    """In the thread: the newest hundred."""
    asked = {"count": MAX_REFUNDS_LISTED}
    return [
        refund_from(i) for i in items_of(client.payment.fetch_multiple_refund(payment_id, asked))
    ]


def adopt_or_refund(
    client: Any, payment_id: str, *, key: str, amount_minor: int, notes: Mapping[str, str]
) -> GatewayRefund:
    """In the thread. Unavailable when the outcome stays unknown after one look.

    The amount is always named: Razorpay takes a refund without one for a refund of everything. What it
    refuses, it may refuse because it had done it before, so a refusal is looked at as well.
    """
    if earlier := _refund_of_key(client, payment_id, key=key, amount_minor=amount_minor):
        return earlier
    body = {"amount": amount_minor, "speed": "normal", "receipt": key, "notes": dict(notes)}
    try:
        made = client.payment.refund(payment_id, body, headers={"X-Refund-Idempotency": key})
        return _of_amount(refund_from(made), amount_minor)
    except (Unavailable, Invalid, RuleViolation):
        if found := _refund_of_key(client, payment_id, key=key, amount_minor=amount_minor):
            return found
        raise


def _refund_of_key(
    client: Any, payment_id: str, *, key: str, amount_minor: int
) -> GatewayRefund | None:
    """Raise RuleViolation when the key's refund is for another amount."""
    for refund in refunds_of(client, payment_id):
        if refund.key == key and refund.amount_minor != amount_minor:
            raise RuleViolation(
                "The gateway's refund of this key is for another amount.", code="refund-key-used"
            )
        if refund.key == key:
            return refund
    return None


def _of_amount(made: GatewayRefund, amount_minor: int) -> GatewayRefund:
    """Raise Unavailable when the answer is about another amount: who knows what was done."""
    if made.amount_minor != amount_minor:
        raise Unavailable("The payment gateway's answer is about another refund.")
    return made
