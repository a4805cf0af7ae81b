"""Razorpay's signatures: hexadecimal HMAC-SHA256, over bytes, compared in constant time.

Our own code, because the SDK's helper raises TypeError for a header that is not ASCII and for a
body that is bytes.
"""

import hashlib
import hmac
from collections.abc import Sequence


def sign(secret: bytes, message: bytes) -> str:
    return hmac.new(secret, message, hashlib.sha256).hexdigest()


def is_signed(message: bytes, signature: str | None, *, secrets: Sequence[bytes]) -> bool:
    """Whether one of the secrets made the signature. Never raises, whatever the header holds."""
    given = (signature or "").encode("utf-8", "surrogatepass")
    # Each secret is tried, whichever matches: the time tells nothing.
    matches = [hmac.compare_digest(sign(secret, message).encode(), given) for secret in secrets]
    return any(matches)


def checkout_message(*, gateway_order_id: str, gateway_payment_id: str) -> bytes:
    """What the checkout signs with the key secret: order id, a bar, payment id."""
    return f"{gateway_order_id}|{gateway_payment_id}".encode("utf-8", "surrogatepass")
