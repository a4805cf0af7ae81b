"""Opaque tokens that are made from keys of ours, so that events need hold only their hashes or nonces.

A refresh token is `<session>.<secret>`; the secret after another one is an HMAC of it, so that the same
token always has the same successor. A reset token is `<account>.<nonce>.<proof>`.
"""

import base64
import hashlib
import hmac
import re

from domain.errors import Invalid, Unauthenticated

REFRESH = re.compile(r"([0-9a-f]{24})\.[A-Za-z0-9_-]{43}")
RESET = re.compile(r"([0-9a-f]{24})\.([0-9a-f]{24})\.([A-Za-z0-9_-]{43})")


def first_refresh_token(key: bytes, session_id: str) -> str:
    return f"{session_id}.{_proof(key, 'first', session_id)}"


def next_refresh_token(key: bytes, token: str) -> str:
    """The only successor of this token."""
    return f"{session_of(token)}.{_proof(key, 'next', token)}"


def token_hash(token: str) -> str:
    """What is recorded: 256 bits of secret need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def session_of(token: str) -> str:
    """Raise Unauthenticated for what cannot be a refresh token."""
    if found := REFRESH.fullmatch(token):
        return found[1]
    raise Unauthenticated("this is not a refresh token", code="invalid-token")


def reset_token(key: bytes, *, account_id: str, nonce: str) -> str:
    return f"{account_id}.{nonce}.{_proof(key, account_id, nonce)}"


def read_reset_token(key: bytes, token: str) -> tuple[str, str]:
    """The account and the nonce. Raise Invalid for a token that we did not make."""
    found = RESET.fullmatch(token)
    if found is None or not hmac.compare_digest(found[3], _proof(key, found[1], found[2])):
        raise invalid_reset_token()
    return found[1], found[2]


def invalid_reset_token() -> Invalid:
    """One answer for forged, used, replaced and late ones."""
    return Invalid(
        "this link is not valid any more; ask for a new one", code="invalid-or-expired-token"
    )


def _proof(key: bytes, purpose: str, value: str) -> str:
    """HMAC-SHA-256 as 43 characters."""
    digest = hmac.new(key, f"{purpose}\0{value}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
