"""Mail to people, their passwords, tokens and sessions, and how often they may ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.sessions import AccessClaims, User


@dataclass(frozen=True, kw_only=True)
class Mail:
    key: str
    """The same key is sent once: event id and template."""
    to: str
    subject: str
    text: str
    html: str | None = None


class Mailer(Protocol):
    async def send(self, mail: Mail) -> None:
        """Hand the mail to the server. Raises Unavailable when it cannot be handed over."""


class RateLimiter(Protocol):
    async def hit(self, *, bucket: str, key: str, limit: int, per_seconds: int) -> None:
        """Count one. Raises TooManyRequests with the seconds to wait when over the limit."""


class PasswordHasher(Protocol):
    async def hash(self, password: str) -> str: ...

    async def verify(self, password: str, hashed: str | None) -> bool:
        """False for a wrong password; takes the same time when `hashed` is None."""


class Tokens(Protocol):
    def issue(self, *, user_id: str, session_id: str, roles: Sequence[str], now: datetime) -> str:
        """A signed access token."""

    def read(self, token: str, *, now: datetime) -> AccessClaims:
        """Raises Unauthenticated for a token that is malformed, forged, expired or not an access token."""


class Sessions(Protocol):
    async def user(self, *, user_id: str, session_id: str) -> User:
        """The caller, as the streams of session and account say. Raises Unauthenticated when it ended."""

    def forget(self, user_id: str) -> None:
        """Look again: one of this account's streams has just changed."""
