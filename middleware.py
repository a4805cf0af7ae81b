"""What surrounds every request: its id and trace, its line in the log, its figures, its limits of size.

Plain ASGI, so that bodies stream, background work is not held up, and a cancelled client is seen.
"""

import functools
import random
import re
import secrets
import time
from collections.abc import Callable, Mapping

import structlog
from fastapi.exceptions import HTTPException
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from integrations.access_log import AccessLog
from problems import problem, unexpected

REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
TRACE_PARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
MAX_QUERY_BYTES = 8_192
MEGABYTE = 1_048_576
ENVELOPE_BYTES = 65_536
"""What multipart adds to a file: its boundaries, headers and small fields."""

REQUESTS = Counter("http_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram("http_request_seconds", "Time to the last byte", ["method", "route"])

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Cross-Origin-Opener-Policy": "same-origin",
}
JSON_POLICY = "default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' https://cdn.jsdelivr.net; "
    "style-src 'self' 'unsafe-inline' https://cdn.jsdelivr.net; "
    "img-src 'self' data: blob: https:; connect-src 'self'; frame-ancestors 'none'"
)


def _dress_of(policy: str) -> list[tuple[bytes, bytes]]:
    dress = {**SECURITY_HEADERS, "Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return [(name.lower().encode(), value.encode()) for name, value in dress.items()]


JSON_DRESS, PAGE_DRESS = _dress_of(JSON_POLICY), _dress_of(PAGE_POLICY)
DICE = random.Random(secrets.randbits(128))  # noqa: S311 - tells apart, guards nothing


class RequestContext:
    """Outermost: gives the request an id, and every answer its headers, line and figures."""

    def __init__(self, app: ASGIApp, *, access_log: AccessLog | None = None) -> None:
        self._app = app
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = scope["method"]
        if asked == "HEAD":  # the server sends no body to who asked so
            scope = {**scope, "method": "GET"}
        given = dict(scope["headers"])
        request_id = _given(REQUEST_ID, given.get(b"x-request-id")) or new_id()
        trace = TRACE_PARENT.fullmatch(given.get(b"traceparent", b"").decode("latin-1"))
        trace_id = trace[1] if trace else new_id()
        scope.setdefault("state", {}).update(request_id=request_id, trace_id=trace_id)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id, trace_id=trace_id)
        await self._answer(scope, receive, send, asked=asked)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, *, asked: str) -> None:
        began = time.perf_counter()
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _dress(message, scope)
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            response = unexpected(scope, error)
            if status:
                raise
            await response(scope, receive, watched)
        finally:
            self._account(scope, status, time.perf_counter() - began, asked=asked)

    def _account(self, scope: Scope, status: int, seconds: float, *, asked: str) -> None:
        """By the route's template: an address with ids in it would be a label without end."""
        route = getattr(scope.get("route"), "path", "unknown")
        method = asked if asked in METHODS else "other"
        requests, times = _figures(method, route, status)
        requests.inc()
        times.observe(seconds)
        if self._access_log is not None and self._access_log.is_on:
            self._access_log.write(
                method=method,
                route=route,
                status=status,
                seconds=seconds,
                request_id=scope["state"]["request_id"],
                trace=scope["state"]["trace_id"],
            )


def new_id() -> str:
    """32 hexadecimal characters. They tell requests apart and guard nothing, so no system call for each."""
    return f"{DICE.getrandbits(128):032x}"


def _given(pattern: re.Pattern[str], text: bytes | None) -> str | None:
    if text is None or not pattern.fullmatch(plain := text.decode("latin-1")):
        return None
    return plain


def _dress(message: Message, scope: Scope) -> None:
    """What the answer does not say of itself."""
    headers: list[tuple[bytes, bytes]] = list(message["headers"])
    said = dict(headers)
    is_page = said.get(b"content-type", b"").startswith(b"text/html")
    headers.append((b"x-request-id", scope["state"]["request_id"].encode()))
    headers += [pair for pair in (PAGE_DRESS if is_page else JSON_DRESS) if pair[0] not in said]
    message["headers"] = headers


@functools.lru_cache(maxsize=4_096)
def _figures(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Looked up once: there are as many as routes and kinds of answers."""
    return REQUESTS.labels(method, route, str(status)), SECONDS.labels(method, route)


METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class KnownHosts:
    """Refuse names that are not ours in the Host header. Probes come by address: health is exempt."""

    def __init__(self, app: ASGIApp, *, hosts: list[str]) -> None:
        self._app = app
        self._hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._knows(scope):
            await self._app(scope, receive, send)
            return
        refusal = problem(
            scope, 400, code="unknown-host", detail="this host name is not one of ours"
        )
        await refusal(scope, receive, send)

    def _knows(self, scope: Scope) -> bool:
        if "*" in self._hosts or scope["path"].startswith("/health/"):
            return True
        host = Headers(scope=scope).get("host", "").lower()
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        return name in self._hosts or any(
            known.startswith("*.") and name.endswith(known[1:]) for known in self._hosts
        )


class BodyLimit:
    """Refuse a body over its limit: at once when it says its length, else when the byte too many comes."""

    def __init__(self, app: ASGIApp, *, limit_of: Callable[[str, str], int]) -> None:
        """`limit_of(path, content type)` in bytes."""
        self._app = app
        self._limit_of = limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        limit = self._limit_of(scope["path"], headers.get("content-type", ""))
        length = headers.get("content-length", "")
        if len(scope.get("query_string", b"")) > MAX_QUERY_BYTES:
            refusal = problem(scope, 414, code="too-long", detail="this address is too long")
            await refusal(scope, receive, send)
        elif length.isdecimal() and int(length) > limit:
            refusal = problem(
                scope, 413, code="too-large", detail=_too_large(limit), maxBytes=limit
            )
            await refusal(scope, receive, send)
        else:
            await self._app(scope, _counted(receive, limit), send)


def _counted(receive: Receive, limit: int) -> Receive:
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise HTTPException(413, _too_large(limit))
        return message

    return counted


def _too_large(limit: int) -> str:
    return f"a request here has at most {limit} bytes"


def body_limits(*, upload_mb: int, import_mb: int) -> Callable[[str, str], int]:
    """One megabyte, but for files."""
    imports: Mapping[str, int] = {
        "/api/products/import": import_mb,
        "/api/products/validate-import": import_mb,
    }

    def limit_of(path: str, content_type: str) -> int:
        if not content_type.startswith("multipart/form-data"):
            return MEGABYTE
        return imports.get(path.rstrip("/"), upload_mb) * MEGABYTE + ENVELOPE_BYTES

    return limit_of
