"""What an endpoint may ask for: the services, who is calling, a page of a list, and to carry a command out.

Read the sections in order: the services, the answer's form, the caller, the limits, lists, commands.
"""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Protocol

import orjson
from bson import ObjectId
from bson.errors import InvalidId
from fastapi import Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from nats.aio.client import Client as NatsConnection
from pydantic import BaseModel
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ExecutionTimeout
from starlette.types import Scope

from batching import Batched
from domain.errors import Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from domain.kernel import AggregateRoot
from domain.ports import (
    Commit,
    EventStore,
    ImageWorker,
    Mailer,
    ObjectStore,
    PasswordHasher,
    PaymentGateway,
    PersonalKeys,
    Pictures,
    RateLimiter,
    Setbacks,
    Tables,
)
from domain.sessions import AccessClaims, User
from domain.values import Role
from settings import Settings

Document = Mapping[str, Any]
View = Callable[[Document, "Services"], dict[str, Any]]

# --- Services ------------------------------------------------------------------------------------


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


class Consistency(Protocol):
    """What the read models have applied, as the projectors announce it."""

    @property
    def position(self) -> int:
        """Everything up to here can be read."""

    def last_change(self, types: frozenset[str]) -> int | None:
        """The position up to which an event of these types may have changed a document; None while
        announcements do not come.
        """

    async def wait_for_commit(
        self, commit_id: str, *, seconds: float, events: int | None = None
    ) -> int | None:
        """The position of the commit's last event once it can be read; None when time is up.

        `events` is how many the commit has, where that is known.
        """

    async def wait_for_position(self, position: int, *, seconds: float) -> bool:
        """True once everything up to this position can be read; False when time is up."""


@dataclass(frozen=True)
class Keyring:
    """Keys for one purpose each, derived from the master key."""

    claims: bytes
    requests: bytes
    refresh: bytes
    reset: bytes
    links: bytes

    @classmethod
    def of(cls, master_key: str) -> "Keyring":
        """From 64 hexadecimal characters: HMAC-SHA-256 of each purpose's name."""
        master = bytes.fromhex(master_key)
        names = ("claims", "requests", "refresh", "reset", "links")
        return cls(
            *(hmac.new(master, f"kundan {n}".encode(), hashlib.sha256).digest() for n in names)
        )


def utc_now() -> datetime:
    """The wall clock, aware, in whole milliseconds as MongoDB keeps them."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


MOST_TOTALS = 1_000
WITHOUT_TOKENS = {"_tokens": 0}
"""What a product is found by is most of its document, and never shown."""


class Documents:
    """Single documents of the read models; those that are asked for at one moment come in one question."""

    def __init__(self, read_models: AsyncDatabase[dict[str, Any]]) -> None:
        self._read_models = read_models
        self._collections: dict[str, Batched[ObjectId, dict[str, Any]]] = {}

    async def find(self, collection: str, object_id: str) -> dict[str, Any] | None:
        """Raise NotFound for what is no id."""
        batched = self._collections.get(collection)
        if batched is None:
            batched = self._collections[collection] = Batched(partial(self._fetch, collection))
        return await batched.get(object_id_or_404(object_id))

    async def _fetch(
        self, collection: str, ids: Sequence[ObjectId]
    ) -> Mapping[ObjectId, dict[str, Any]]:
        found = self._read_models[collection].find({"_id": {"$in": list(ids)}}, WITHOUT_TOKENS)
        return {document["_id"]: document for document in await found.to_list()}


class Totals:
    """How many a list has, until an event changes that."""

    def __init__(self, consistency: Consistency) -> None:
        self._consistency = consistency
        self._known: OrderedDict[str, tuple[int, int]] = OrderedDict()

    async def of(
        self,
        query: Mapping[str, Any],
        count: Callable[[], Awaitable[int]],
        *,
        changed_by: frozenset[str],
    ) -> int:
        """Counted anew after an event of these types: each is kept with the position before it."""
        key, position = repr(query), self._consistency.position
        changed = self._consistency.last_change(changed_by)
        known = self._known.get(key)
        if known is not None and changed is not None and changed <= known[0]:
            return known[1]
        total = await count()
        self._known[key] = (position, total)
        if len(self._known) > MOST_TOTALS:
            self._known.popitem(last=False)
        return total


@dataclass(frozen=True, kw_only=True)
class Services:
    """What the processes share, built by `bootstrap.open_services` alone."""

    settings: Settings
    store: EventStore
    keys: PersonalKeys
    read_models: AsyncDatabase[dict[str, Any]]
    gateway: PaymentGateway
    objects: ObjectStore
    mailer: Mailer
    limiter: RateLimiter
    setbacks: Setbacks
    hasher: PasswordHasher
    images: ImageWorker
    pictures: Pictures
    tables: Tables
    consistency: Consistency
    tokens: Tokens
    sessions: Sessions
    keyring: Keyring
    nats: NatsConnection | None
    """None only in tests that run without a broker."""
    views: Mapping[str, View] = field(default_factory=dict)
    probes: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    """Name of a server → a call that raises while it does not answer."""
    clock: Callable[[], datetime] = utc_now
    documents: Documents = field(init=False)
    totals: Totals = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "documents", Documents(self.read_models))
        object.__setattr__(self, "totals", Totals(self.consistency))


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def _services(request: Request) -> Services:
    """For endpoints. A dependency calls `services_of`: each one more to solve costs every request."""
    return services_of(request)


AllServices = Annotated[Services, Depends(_services)]


async def _read_models(request: Request) -> AsyncDatabase[dict[str, Any]]:
    return services_of(request).read_models


ReadModels = Annotated[AsyncDatabase[dict[str, Any]], Depends(_read_models)]

# --- Documents and answers -----------------------------------------------------------------------


def object_id_or_404(text: str) -> ObjectId:
    """A malformed id names nothing that exists."""
    try:
        return ObjectId(text)
    except InvalidId:
        raise NotFound("there is nothing with this id") from None


def iso(at: datetime) -> str:
    """2026-11-23T12:00:00.123Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def present(document: Document) -> dict[str, Any]:
    """A document without what is ours alone, `_id` also as `id`. Ids and dates are written by `Json`."""
    shown = {name: value for name, value in document.items() if name[0] != "_" and name not in OURS}
    if "_id" in document:
        shown["_id"] = shown["id"] = document["_id"]
    return shown


OURS = frozenset({"passwordHash", "position"})


def view_of(services: Services, collection: str) -> Callable[[Document], dict[str, Any]]:
    """How the documents of this collection are shown."""
    view = services.views.get(collection)
    if view is None:
        return present
    return lambda document: view(document, services)


class Json(JSONResponse):
    """Written in one pass, dates and ids as `present` shows them."""

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content, default=_written, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _written(value: Any) -> Any:
    return value.model_dump(by_alias=True) if isinstance(value, BaseModel) else jsonable(value)


def jsonable(value: Any) -> Any:
    """Ids, dates and decimal numbers. Raise TypeError for what has no place in an answer."""
    match value:
        case ObjectId():
            return str(value)
        case datetime():
            return iso(value)
        case Decimal():
            return float(value)
        case set() | frozenset():
            return sorted(value)
        case Mapping():
            return dict(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no place in an answer")


def answer(
    data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None, **beside: Any
) -> JSONResponse:
    """The envelope of success."""
    content = {"success": True, "data": data, **beside}
    return Json(content, status_code=status, headers=dict(headers or {}))


def etag(document: Document) -> dict[str, str]:
    """The header of a document's version, for If-Match."""
    return {"ETag": f'"v{document["version"]}"'} if "version" in document else {}


# --- Who is calling ------------------------------------------------------------------------------

bearer = HTTPBearer(
    auto_error=False, description="The `accessToken` of login, register or refresh."
)


async def current_user(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> User:
    """Raise Unauthenticated unless the token is genuine and its session alive."""
    if credentials is None:
        raise Unauthenticated("this needs an access token")
    services = services_of(request)
    claims = services.tokens.read(credentials.credentials, now=services.clock())
    user = await services.sessions.user(user_id=claims.user_id, session_id=claims.session_id)
    request.state.user = user
    return user


CurrentUser = Annotated[User, Depends(current_user)]


async def _optional_user(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> User | None:
    return None if credentials is None else await current_user(request, credentials)


OptionalUser = Annotated[User | None, Depends(_optional_user)]
"""The caller of a public route, when there is a token; a bad token is still refused."""


def RequireRole(*roles: Role) -> Any:  # noqa: N802 - reads like a type where it is used
    """A dependency: the caller, who has one of these roles or is an administrator."""

    async def required(user: CurrentUser) -> User:
        if not user.has(*roles):
            raise Forbidden("this needs the role " + " or ".join(sorted({*roles, Role.ADMIN})))
        return user

    return Depends(required)


Staff = Annotated[
    User,
    RequireRole(Role.SUPPORT, Role.CATALOG_MANAGER, Role.ORDER_MANAGER, Role.FINANCE),
]
CatalogManager = Annotated[User, RequireRole(Role.CATALOG_MANAGER)]
OrderManager = Annotated[User, RequireRole(Role.ORDER_MANAGER)]
Finance = Annotated[User, RequireRole(Role.FINANCE)]
Auditor = Annotated[User, RequireRole(Role.AUDITOR)]
Admin = Annotated[User, RequireRole()]

# --- Limits of rate ------------------------------------------------------------------------------


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


# --- Lists ---------------------------------------------------------------------------------------

COUNTED = 10_000


@dataclass(frozen=True)
class PageOfList:
    limit: int
    skip: int

    @property
    def page(self) -> int:
        return self.skip // self.limit + 1

    def pagination(self, total: int) -> dict[str, Any]:
        """The member beside `data` in the answer of a list."""
        pages = -(-total // self.limit)
        return {
            "page": self.page,
            "limit": self.limit,
            "skip": self.skip,
            "total": total,
            "pages": pages,
            "hasMore": self.skip + self.limit < total,
        }

    def answer(self, items: Sequence[Any], total: int) -> JSONResponse:
        return answer(list(items), pagination=self.pagination(total))

    async def total(
        self,
        collection: AsyncCollection[dict[str, Any]],
        query: Mapping[str, Any],
        **options: Any,
    ) -> int:
        """How many there are, counted up to `COUNTED` beyond this page: nobody pages through more, and the
        count of a large shop would cost more than its page.
        """
        if not query:
            return await collection.estimated_document_count()
        try:
            return await collection.count_documents(query, limit=self.skip + COUNTED, **options)
        except ExecutionTimeout:  # few among very many: there may be more
            return self.skip + self.limit + 1


async def _page(
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
    skip: Annotated[int | None, Query(ge=0, le=100_000)] = None,
) -> PageOfList:
    return PageOfList(limit=limit, skip=(page - 1) * limit if skip is None else skip)


Page = Annotated[PageOfList, Depends(_page)]
"""`?page=&limit=` or `?skip=&limit=`; at most 100 a page."""


async def fresh(
    request: Request,
    consistency_token: Annotated[str | None, Header(max_length=80)] = None,
) -> None:
    """A read that carries a Consistency-Token waits until it would not show an older state."""
    if consistency_token is None:
        return
    if not await _caught_up(consistency_token, services_of(request)):
        raise Unavailable("the read models have not caught up yet", retry_after_seconds=1)


async def _caught_up(token: str, services: Services) -> bool:
    """Tokens: `p<position>`, or `c<commit id>` for a commit that had no position yet."""
    seconds = services.settings.consistency_wait_seconds
    if token[:1] == "p" and token[1:].isascii() and token[1:].isdecimal() and len(token) <= 20:
        return await services.consistency.wait_for_position(int(token[1:]), seconds=seconds)
    commit = await services.store.commit(token[1:]) if token[:1] == "c" else None
    if commit is None:
        raise Invalid("this Consistency-Token is not one of ours", code="invalid-consistency-token")
    if commit.last_position is not None:
        return await services.consistency.wait_for_position(commit.last_position, seconds=seconds)
    position = await services.consistency.wait_for_commit(
        commit.id, seconds=seconds, events=commit.events
    )
    return position is not None


# --- Commands ------------------------------------------------------------------------------------


class CommandOutcome(Protocol):
    """What a command came to; `commands.unit_of_work.Outcome`."""

    @property
    def commit(self) -> Commit | None: ...
    @property
    def object_id(self) -> str | None: ...
    @property
    def version(self) -> int: ...


class Executor(Protocol):
    """Carries one request's command out and answers with what the projection then shows."""

    async def __call__(
        self,
        handler: Callable[[Any], Awaitable[AggregateRoot | None]],
        *,
        shows: str | None = None,
        status: int = 200,
        view: View | None = None,
        location: str | None = None,
        content_digest: bytes = b"",
    ) -> Response:
        """Load, decide, append, wait for the projection (bounded), answer.

        `shows` is the collection of the document to show (None: `data` is null), `view` shows it another
        way than the collection's own, `location` is the header's template (`/api/orders/{id}`) where
        it is not the request's path and the id. `content_digest` stands for a multipart body, which
        cannot be read again, in the fingerprint of an Idempotency-Key.
        """

    async def carry_out(
        self,
        handler: Callable[[Any], Awaitable[AggregateRoot | None]],
        *,
        content_digest: bytes = b"",
    ) -> CommandOutcome:
        """The same without an answer, for endpoints that make their own."""

    async def shown(self, outcome: CommandOutcome, collection: str) -> dict[str, Any] | None:
        """The document as soon as the projection has it; None when time is up or it is gone."""

    async def headers(self, outcome: CommandOutcome) -> dict[str, str]:
        """ETag and Consistency-Token of what the command came to."""


async def _executor(request: Request) -> Executor:
    """Built by `main.py`, so that this module, which queries use too, knows no commands."""
    executor: Executor = request.app.state.executor(request, services_of(request))
    return executor


Execute = Annotated[Executor, Depends(_executor)]
