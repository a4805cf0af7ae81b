"""Passwords and access tokens.

bcrypt over SHA-256 (so that no password is cut at 72 bytes) costs about a quarter of a second of CPU: it
runs in two threads of its own, never on the event loop, and that is the ceiling of log-ins per second.
"""

import asyncio
import functools
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import jwt
from passlib.context import CryptContext

from domain.errors import Unauthenticated, Unavailable
from domain.sessions import AccessClaims

ISSUER = "kundan"
AUDIENCE = "kundan-api"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - the media type of RFC 9068
LEEWAY = timedelta(seconds=5)
MAX_TOKEN_CHARACTERS = 4_096
REQUIRED = ("sub", "sid", "jti", "iat", "exp", "iss", "aud")
MOST_REMEMBERED = 5_000
"""Genuine tokens; about a kilobyte each."""
THREADS = 2
MAX_WAITING = 64


class BcryptHasher:
    """Fits `domain.ports.people.PasswordHasher`. Raises Unavailable rather than let many pile up."""

    def __init__(self, *, rounds: int = 12) -> None:
        self._context: Any = CryptContext(
            schemes=["bcrypt_sha256", "bcrypt"],
            deprecated="auto",
            bcrypt_sha256__rounds=rounds,
            bcrypt__rounds=rounds,
        )
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="password")
        self._waiting = 0
        self._dummy: str = self._context.hash(secrets.token_hex(16))

    async def hash(self, password: str) -> str:
        return str(await self._run(self._context.hash, password))

    async def verify(self, password: str, hashed: str | None) -> bool:
        """False for a wrong password; as slow when there is no hash to compare with."""
        same = await self._run(self._verify, password, hashed or self._dummy)
        return bool(same) and bool(hashed)

    def _verify(self, password: str, hashed: str) -> bool:
        if "\0" in password or len(password) > 1_000:
            return False
        return bool(self._context.verify(password, hashed))

    async def _run(self, function: Any, *arguments: Any) -> Any:
        if self._waiting >= MAX_WAITING:
            raise Unavailable("too many people sign in just now", retry_after_seconds=5)
        self._waiting += 1
        try:
            call = functools.partial(function, *arguments)
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class JwtTokens:
    """Access tokens (RFC 9068). The algorithm is ours to choose, never the token's (RFC 8725, 3.1)."""

    def __init__(self, *, secret: str, algorithm: str, lifetime: timedelta) -> None:
        self._secret = secret
        self._algorithm = algorithm
        self._lifetime = lifetime
        self._jwt = jwt.PyJWT(options={"enforce_minimum_key_length": True})
        self._genuine: OrderedDict[str, tuple[dict[str, Any], dict[str, Any]]] = OrderedDict()

    def issue(self, *, user_id: str, session_id: str, roles: Sequence[str], now: datetime) -> str:
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": user_id,
            "sid": session_id,
            "jti": secrets.token_hex(16),
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int((now + self._lifetime).timestamp()),
            "roles": list(roles),
        }
        headers = {"typ": TOKEN_TYPE}
        return self._jwt.encode(claims, self._secret, algorithm=self._algorithm, headers=headers)

    def read(self, token: str, *, now: datetime) -> AccessClaims:
        """Raise Unauthenticated for a token that is malformed, forged, expired or of another kind.

        A signature that was right once is right for ever: it is checked once, the times each time.
        """
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise Unauthenticated("this access token is too long", code="invalid-token")
        whole = self._genuine.get(token)
        if whole is None:
            whole = self._verified(token)
            self._genuine[token] = whole
            if len(self._genuine) > MOST_REMEMBERED:
                self._genuine.popitem(last=False)
        return _checked(*whole, now)

    def _verified(self, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Header and claims of a token of ours, whose times are still to be looked at."""
        try:
            whole = self._jwt.decode_complete(
                token,
                self._secret,
                algorithms=[self._algorithm],
                issuer=ISSUER,
                audience=AUDIENCE,
                # The times are compared with the clock that we are given.
                options={
                    "require": list(REQUIRED),
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.InvalidTokenError as e:
            raise Unauthenticated("this access token is not valid", code="invalid-token") from e
        return whole["header"], whole["payload"]


def _checked(header: dict[str, Any], claims: dict[str, Any], now: datetime) -> AccessClaims:
    if header.get("typ") != TOKEN_TYPE or not isinstance(claims["sid"], str):
        raise Unauthenticated("this is not an access token", code="invalid-token")
    times = [claims["iat"], claims.get("nbf", claims["iat"]), claims["exp"]]
    if not all(isinstance(t, int) for t in times):
        raise Unauthenticated("this access token is not valid", code="invalid-token")
    if (now - LEEWAY).timestamp() >= claims["exp"]:
        raise Unauthenticated("this access token has expired", code="token-expired")
    if (now + LEEWAY).timestamp() < max(times[:2]):
        raise Unauthenticated("this access token is not valid yet", code="invalid-token")
    return AccessClaims(user_id=claims["sub"], session_id=claims["sid"])
