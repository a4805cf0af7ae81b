"""How often one caller may ask."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Depends, Request
from starlette.types import Scope

from dependencies.services import Services, services_of
from domain.errors import Unauthenticated


@dataclass(frozen=True)
class Rate:
    limit: int
    per_seconds: int
    by: str
    """"address" or "user" (a caller without a token counts by address)."""


RATES: Mapping[str, Rate] = {
    "auth": Rate(60, 3600, "address"),
    "register": Rate(30, 3600, "address"),
    "forgot": Rate(20, 3600, "address"),
    "refresh": Rate(120, 3600, "address"),
    "read": Rate(300, 60, "user"),
    "write": Rate(120, 60, "user"),
    "search": Rate(120, 60, "address"),
    "order": Rate(10, 60, "user"),
    "payment": Rate(20, 60, "user"),
    "upload": Rate(20, 3600, "user"),
    "upload-url": Rate(40, 3600, "user"),
    "tryon": Rate(30, 3600, "user"),
    "adjust": Rate(60, 60, "user"),
    "import": Rate(10, 3600, "user"),
    "share": Rate(120, 60, "address"),
    "webhook": Rate(10_000, 60, "address"),
}
"""How often one caller may ask, by the class of a route."""

DEVELOPMENT_FACTOR = 10
"""On a developer's machine all browsers and scripts have one address."""


def limited(name: str) -> Any:
    """A dependency: count this request in a class of `RATES`. Raises TooManyRequests over its limit."""
    rate = RATES[name]

    async def counted(request: Request) -> None:
        services = services_of(request)
        if services.settings.rate_limits:
            key = _caller_key(request, services, rate)
            is_development = services.settings.app_env == "development"
            limit = rate.limit * (DEVELOPMENT_FACTOR if is_development else 1)
            await services.limiter.hit(
                bucket=name, key=key, limit=limit, per_seconds=rate.per_seconds
            )

    return Depends(counted)


async def count_address(scope: Scope, services: Services, name: str) -> None:
    """As `limited`, for a caller without a token whose request is answered before it is routed."""
    if services.settings.rate_limits:
        rate = RATES[name]
        factor = DEVELOPMENT_FACTOR if services.settings.app_env == "development" else 1
        client = scope.get("client")
        await services.limiter.hit(
            bucket=name,
            key=client[0] if client else "unknown",
            limit=rate.limit * factor,
            per_seconds=rate.per_seconds,
        )


def client_address(request: Request) -> str:
    """The peer's address. Behind a proxy uvicorn sets it from the headers of that proxy only."""
    return request.client.host if request.client else "unknown"


async def count_against(
    services: Services, *, bucket: str, key: str, limit: int, per_seconds: int
) -> None:
    """Count something else than a route: tries at one account. Raises TooManyRequests."""
    if services.settings.rate_limits:
        await services.limiter.hit(bucket=bucket, key=key, limit=limit, per_seconds=per_seconds)


def _caller_key(request: Request, services: Services, rate: Rate) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if rate.by == "user" and scheme.lower() == "bearer":
        try:
            return services.tokens.read(token, now=services.clock()).user_id
        except Unauthenticated:
            return client_address(request)
    return client_address(request)
