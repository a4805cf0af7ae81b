"""What the shop window shows to everybody is kept ready, and handed out before routing begins.

An answer is kept with the position of the read models before it was made. It is old as soon as an event has
been applied that changes what products are and which there are. Orders change only how many are left: that
may be shown a second late. Nothing is kept from, or shown to, who says who they are or names a state. What
this process has not made yet may lie on a shelf that all processes share (Valkey).
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from prometheus_client import Counter
from pymongo.errors import PyMongoError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dependencies.limits import count_address
from dependencies.lists import position_of
from dependencies.reading import ReadingServices
from dependencies.recipes import Recipe, recipe_of
from domain.errors import DomainError, TooManyRequests
from projections.product_changes import CHANGING, COUNTING

log = structlog.get_logger(__name__)

HANDED_OUT = Counter("shop_window_answers_total", "Public answers", ["from_"])

PREFIX = "/api/products"
SHUT = ("/import", "/overlays", "/validate-import")
"""Staff's own pages below the prefix."""
MOST_BYTES = 64_000_000
MOST_RECIPES = 10_000
LONGEST_ADDRESS = 1_000
"""Of those that are known, in bytes: nobody fills the memory with filters that mean nothing."""
MOST_BYTES_OF_ONE = 400_000
LATE_SECONDS = 1.0
"""How long what is left of a piece may be shown as it was."""
CACHED = b"public, max-age=5, stale-while-revalidate=30"
"""By browsers and by what stands between: nobody orders by it, prices are the shop's at the order."""
VARIED = b"Authorization, Consistency-Token, Origin"
LONGEST_SECONDS = 30.0
"""Of anything: read models can be rebuilt and mended without an event."""

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Ready:
    headers: Headers
    body: bytes
    etag: bytes
    """Of the bytes: a product's own version, for If-Match, does not tell how many are left."""
    route: Any
    position: int
    made_at: float


@dataclass(frozen=True, slots=True)
class Known:
    """An address that was read once: the way to its answer, whatever that is by now."""

    recipe: Recipe
    route: Any


@dataclass(frozen=True, slots=True)
class KnownRoute:
    """As much of a route as figures and access lines need."""

    path: str


class ShopWindow:
    """Innermost of what surrounds a request: its answers get the same headers, figures and lines."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._ready: OrderedDict[bytes, Ready] = OrderedDict()
        self._bytes = 0
        self._making: dict[bytes, asyncio.Event] = {}
        self._recipes: OrderedDict[bytes, Known] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_public(scope):
            await self._app(scope, receive, send)
            return
        services: ReadingServices = scope["app"].state.services
        key = scope["raw_path"] + b"?" + scope["query_string"]
        if (token := named_state(scope)) is not None:
            await self._make_for(token, key, services, scope, receive, send)
            return
        ready = self._ready.get(key)
        if ready is None or not is_fresh(ready, services):
            ready = await self._awaited(key, services)
        if ready is None:
            await self._make(key, services, scope, receive, send)
            return
        await self._give(key, ready, services, scope, receive, send)

    async def _give(
        self,
        key: bytes,
        ready: Ready,
        services: ReadingServices,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        try:
            await count_address(scope, services, "read")
        except TooManyRequests:
            await self._app(scope, receive, send)  # which refuses it as any other
            return
        if key in self._ready:
            self._ready.move_to_end(key)
        HANDED_OUT.labels("shelf").inc()
        await hand_out(ready, scope, send)

    async def _awaited(self, key: bytes, services: ReadingServices) -> Ready | None:
        """What another request is making just now, if it is not old when it is ready."""
        making = self._making.get(key)
        if making is None:
            return None
        await making.wait()
        ready = self._ready.get(key)
        return ready if ready is not None and is_fresh(ready, services) else None

    async def _make(
        self, key: bytes, services: ReadingServices, scope: Scope, receive: Receive, send: Send
    ) -> None:
        making = self._making.setdefault(key, asyncio.Event())
        try:
            afar = read(await services.shelf.fetch(key))
            if afar is not None and is_fresh(afar, services):
                self._keep(key, afar)
                await self._give(key, afar, services, scope, receive, send)
            else:
                await self._cook(key, services, scope, receive, send)
        finally:
            making.set()
            if self._making.get(key) is making:
                del self._making[key]

    async def _make_for(
        self,
        token: str,
        key: bytes,
        services: ReadingServices,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Who names a state is never served from what lies ready."""
        known, position = self._recipes.get(key), position_of(token)
        if known is None or position is None or position > services.consistency.position:
            await self._by_routing(key, scope, receive, send)  # it waits, or refuses
        else:
            await self._by_recipe(known, key, services, scope, receive, send)

    async def _by_routing(self, key: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)
        recipe = recipe_of(scope)
        if recipe is not None and len(key) <= LONGEST_ADDRESS:
            self._recipes[key] = Known(recipe, scope.get("route"))
            if len(self._recipes) > MOST_RECIPES:
                self._recipes.popitem(last=False)

    async def _by_recipe(
        self,
        known: "Known",
        key: bytes,
        services: ReadingServices,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """What refuses it, or fails, is worded as anywhere: by the application, which tries it anew."""
        try:
            await count_address(scope, services, "read")
            response = await known.recipe()
        except (DomainError, PyMongoError):
            self._recipes.pop(key, None)
            await self._app(scope, receive, send)
            return
        if key in self._recipes:
            self._recipes.move_to_end(key)
        scope["route"] = known.route
        await response(scope, receive, send)

    async def _cook(
        self, key: bytes, services: ReadingServices, scope: Scope, receive: Receive, send: Send
    ) -> None:
        position, made_at = services.consistency.position, time.monotonic()
        start: Message | None = None
        parts: list[bytes] = []

        async def held_back(message: Message) -> None:
            """Until it is whole: what it is known by is made of it."""
            nonlocal start
            if message["type"] == "http.response.start" and message["status"] == 200:
                start = message
            elif start is None:
                await send(message)
            else:
                parts.append(message.get("body", b""))

        HANDED_OUT.labels("kitchen").inc()
        if (known := self._recipes.get(key)) is None:
            await self._by_routing(key, scope, receive, held_back)
        else:
            await self._by_recipe(known, key, services, scope, receive, held_back)
        if start is not None:
            body = b"".join(parts)
            etag = b'W/"%b"' % hashlib.blake2b(body, digest_size=12).hexdigest().encode()
            headers = [pair for pair in start["headers"] if pair[0] != b"etag"]
            headers += [(b"etag", etag), (b"cache-control", CACHED), (b"vary", VARIED)]
            ready = Ready(headers, body, etag, scope.get("route"), position, made_at)
            self._keep(key, ready)
            await hand_out(ready, scope, send)
            if len(body) <= MOST_BYTES_OF_ONE:
                await services.shelf.lay(key, written(ready), seconds=LONGEST_SECONDS)

    def _keep(self, key: bytes, ready: Ready) -> None:
        if len(ready.body) > MOST_BYTES_OF_ONE:
            return
        before = self._ready.pop(key, None)
        self._ready[key] = ready
        self._bytes += len(ready.body) - (len(before.body) if before else 0)
        while self._bytes > MOST_BYTES:
            self._bytes -= len(self._ready.popitem(last=False)[1].body)


def written(ready: Ready) -> bytes:
    """For the shelf that processes share: a line that says what it is, then the body."""
    about = {
        "position": ready.position,
        "at": time.time() - (time.monotonic() - ready.made_at),
        "route": getattr(ready.route, "path", None),
        "headers": [
            [name.decode("latin-1"), value.decode("latin-1")] for name, value in ready.headers
        ],
        "etag": ready.etag.decode("latin-1"),
    }
    return orjson.dumps(about) + b"\n" + ready.body


def read(told: bytes | None) -> Ready | None:
    """None for what another release has written otherwise."""
    if told is None:
        return None
    line, _, body = told.partition(b"\n")
    try:
        about = orjson.loads(line)
        headers = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in about["headers"]]
        age = max(0.0, time.time() - about["at"])
        etag, position = about["etag"].encode("latin-1"), int(about["position"])
        route = KnownRoute(str(about["route"]))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        log.warning("what lay on the shelf cannot be read")
        return None
    return Ready(headers, body, etag, route, position, time.monotonic() - age)


def is_public(scope: Scope) -> bool:
    """A read of the catalogue by nobody in particular."""
    path: str = scope["path"]
    if scope["method"] != "GET" or not path.startswith(PREFIX):
        return False
    if path.startswith(SHUT, len(PREFIX)):
        return False
    return not any(name in {b"authorization", b"origin"} for name, _ in scope["headers"])


def named_state(scope: Scope) -> str | None:
    """The Consistency-Token; an empty or a repeated one is for the application to judge."""
    for name, value in scope["headers"]:
        if name == b"consistency-token":
            return str(value.decode("latin-1"))
    return None


def is_fresh(ready: Ready, services: ReadingServices) -> bool:
    age = time.monotonic() - ready.made_at
    if age > LONGEST_SECONDS:
        return False
    changed = services.consistency.last_change(CHANGING)
    if changed is None:  # nobody tells us
        return age <= LATE_SECONDS
    if changed > ready.position:
        return False
    counted = services.consistency.last_change(COUNTING) or 0
    return counted <= ready.position or age <= LATE_SECONDS


async def hand_out(ready: Ready, scope: Scope, send: Send) -> None:
    scope["route"] = ready.route
    if (b"if-none-match", ready.etag) in scope["headers"]:
        headers = [(b"etag", ready.etag), (b"cache-control", CACHED), (b"vary", VARIED)]
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.start", "status": 200, "headers": list(ready.headers)})
    await send({"type": "http.response.body", "body": ready.body})
