"""Access tokens: only ours, only of this kind, only in time."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from domain.errors import Unauthenticated
from integrations.security import JwtTokens

SECRET = "s" * 40
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOKENS = JwtTokens(secret=SECRET, algorithm="HS256", lifetime=timedelta(minutes=30))


def issued() -> str:
    return TOKENS.issue(user_id="u1", session_id="s1", roles=["customer"], now=NOW)


def claims(**changes: Any) -> dict[str, Any]:
    whole: dict[str, Any] = jwt.decode(issued(), options={"verify_signature": False})
    return {name: value for name, value in (whole | changes).items() if value is not None}


def signed(
    payload: dict[str, Any], *, secret: str = SECRET, algorithm: str = "HS256", **headers: Any
) -> str:
    return jwt.encode(payload, secret, algorithm=algorithm, headers={"typ": "at+jwt"} | headers)


def unsigned(payload: dict[str, Any]) -> str:
    parts = [{"alg": "none", "typ": "at+jwt"}, payload]
    texts = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts]
    return ".".join([*texts, ""])


def test_a_token_says_whose_it_is_and_of_which_session() -> None:
    read = TOKENS.read(issued(), now=NOW + timedelta(minutes=30))
    assert (read.user_id, read.session_id) == ("u1", "s1")


def test_no_two_tokens_are_alike() -> None:
    assert issued() != issued()


@pytest.mark.parametrize("at", [NOW + timedelta(minutes=30, seconds=5), NOW + timedelta(days=9)])
def test_a_token_that_ran_out_is_refused(at: datetime) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        TOKENS.read(issued(), now=at)
    assert refusal.value.code == "token-expired"


def test_a_token_from_the_future_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        TOKENS.read(issued(), now=NOW - timedelta(seconds=6))


FORGERIES = {
    "no signature": unsigned(claims()),
    "another secret": signed(claims(), secret="x" * 40),
    "another algorithm": signed(claims(), secret="s" * 64, algorithm="HS512"),
    "another audience": signed(claims(aud="kundan-web")),
    "another issuer": signed(claims(iss="evil")),
    "an id token": signed(claims(), typ="JWT"),
    "a key by header": signed(claims(), secret="x" * 40, jwk={"kty": "oct", "k": "eHg"}),
    "a key by path": signed(claims(), secret="x" * 40, kid="../../dev/null"),
    "a body changed": issued().replace(".", ".eyJ", 1),
    "too long": issued() + "A" * 5_000,
    "not a token": "a.b.c",
    "nothing": "",
    "a number for a session": signed(claims(sid=7)),
    "text for a time": signed(claims(exp="tomorrow")),
    **{
        f"no {name}": signed(claims(**{name: None})) for name in ("sub", "sid", "jti", "iat", "exp")
    },
    "no iss": signed(claims(iss=None)),
    "no aud": signed(claims(aud=None)),
}


@pytest.mark.parametrize("token", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_token_that_is_not_ours_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        TOKENS.read(token, now=NOW)
    assert refusal.value.code == "invalid-token"
