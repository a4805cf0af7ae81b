"""What the local store signs: links that read one file, and forms that bring one.

HMAC-SHA-256 over the purpose and every value, a line each; no value has a line break in it.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from domain.errors import Forbidden

READ, BRING = "GET", "POST"


class Signer:
    def __init__(self, key: bytes) -> None:
        """Raise ValueError for a key under 32 bytes."""
        if len(key) < hashlib.sha256().digest_size:
            raise ValueError("the signing key is shorter than 32 bytes")
        self._key = key

    def sign(self, purpose: str, *values: str) -> str:
        message = "\n".join((purpose, *values)).encode("utf-8", "surrogatepass")
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()

    def is_genuine(self, signature: str, purpose: str, *values: str) -> bool:
        """In constant time. Never raises, whatever comes from outside."""
        wanted = self.sign(purpose, *values).encode()
        return hmac.compare_digest(wanted, signature.encode("utf-8", "surrogatepass"))


def has_expired(expires: str, *, now: float) -> bool:
    """`expires` and `now` in Unix seconds; what is no number has expired."""
    is_number = expires.isascii() and expires.isdigit() and len(expires) <= 12
    return not is_number or now >= int(expires)


@dataclass(frozen=True, kw_only=True)
class UploadForm:
    """The fields of a form that brings a file, as texts; `signature` is over all others."""

    key: str
    content_type: str
    max_bytes: str
    expires: str
    signature: str = ""

    def signed(self, signer: Signer) -> dict[str, str]:
        """The fields that a browser sends, the file behind them."""
        return {
            "key": self.key,
            "Content-Type": self.content_type,
            "max-bytes": self.max_bytes,
            "expires": self.expires,
            "signature": signer.sign(BRING, *self._values()),
        }

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> "UploadForm":
        return cls(
            key=fields.get("key", ""),
            content_type=fields.get("Content-Type", ""),
            max_bytes=fields.get("max-bytes", ""),
            expires=fields.get("expires", ""),
            signature=fields.get("signature", ""),
        )

    def must_be_ours(self, signer: Signer, *, now: float) -> None:
        """Raise Forbidden for a form that we did not sign, or that holds no longer."""
        if not signer.is_genuine(self.signature, BRING, *self._values()) or has_expired(
            self.expires, now=now
        ):
            raise Forbidden("this form was not made here, or has expired", code="upload-refused")

    def _values(self) -> tuple[str, ...]:
        return (self.key, self.content_type, self.max_bytes, self.expires)
