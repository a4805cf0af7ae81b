"""The HTTP process: what it serves, what surrounds a request, and which fault gets which status.

uvicorn main:app
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import structlog
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

import commands
import queries
from bootstrap import open_services
from commands.execution import Execution
from commands.reactions.starting import ensure_admin, load_demo
from contract.document import describe
from dependencies.lists import fresh
from dependencies.reading import Reading, ReadingServices
from domain import errors
from integrations.access_log import to_standard_error
from integrations.logs import configure_logs
from middleware import BodyLimit, KnownHosts, RequestContext, body_limits
from problems import Statuses, handle_problems, problem
from settings import Settings, SettingsError, load_settings
from shop_window import ShopWindow

log = structlog.get_logger()

STATUSES: Statuses = (
    (errors.Unreadable, 400),
    (errors.Unauthenticated, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.Gone, 410),
    (errors.RuleViolation, 409),
    (errors.PreconditionFailed, 412),
    (errors.TooLarge, 413),
    (errors.UnsupportedType, 415),
    (errors.Invalid, 422),
    (errors.KeyReused, 422),
    (errors.PreconditionRequired, 428),
    (errors.TooManyRequests, 429),
    (errors.Unavailable, 503),
    (errors.DomainError, 400),
)

PROBE_SECONDS = 1.0
TASKS = Gauge("kundan_api_tasks", "Tasks of the event loop")

EXPOSED_HEADERS = [
    "ETag",
    "Location",
    "Consistency-Token",
    "Idempotent-Replayed",
    "Retry-After",
    "X-Request-ID",
]
ACCEPTED_HEADERS = [
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Consistency-Token",
    "X-Request-ID",
    "traceparent",
]

Opener = Callable[[Settings], AbstractAsyncContextManager[ReadingServices]]


def create_app(settings: Settings, *, opener: Opener | None = None) -> FastAPI:
    """The application. `opener` gives it other services: a test's."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        opened = opener(settings) if opener else open_services(settings, role="api")
        async with opened as services:
            app.state.services = replace(services, views=queries.VIEWS)
            app.state.executor = Execution
            try:
                await ensure_admin(app.state.services)
            except errors.Invalid as fault:
                raise SettingsError(f"Settings: {fault.detail}") from None
            if settings.demo_catalogue:
                await load_demo(app.state.services)
            if opener is None:  # what the start has made stays: the collector need not look again
                gc.collect()
                gc.freeze()
            yield

    app = FastAPI(
        title="Kundan",
        summary="The backend of a jewellery shop with virtual try-on",
        version="0.1.0",
        lifespan=lifespan,
        debug=False,
        redoc_url=None,
        openapi_tags=TAGS,
    )
    handle_problems(app, STATUSES)
    _surround(app, settings)
    app.include_router(_operations())
    for router in queries.ROUTERS:
        app.include_router(router, dependencies=[Depends(fresh)])
    for router in commands.ROUTERS:
        app.include_router(router)
    app.openapi = lambda: _documented(app)  # type: ignore[method-assign]
    return app


def _surround(app: FastAPI, settings: Settings) -> None:
    """Added from the inside out."""
    app.add_middleware(ShopWindow)
    limits = body_limits(upload_mb=settings.max_upload_mb, import_mb=settings.max_import_mb)
    app.add_middleware(BodyLimit, limit_of=limits)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=ACCEPTED_HEADERS,
        expose_headers=EXPOSED_HEADERS,
        max_age=600,
    )
    app.add_middleware(KnownHosts, hosts=settings.allowed_hosts)
    app.add_middleware(RequestContext, access_log=to_standard_error(settings.log_level))


def _operations() -> APIRouter:
    """For those who run it."""
    router = APIRouter(tags=["operations"])

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "live"}

    @router.get("/health/ready")
    async def ready(request: Request, services: Reading) -> Response:
        """Everything that it needs answers, each within a second."""
        names = list(services.probes)
        answers = await asyncio.gather(*(_answers(services.probes[n]) for n in names))
        down = [name for name, is_up in zip(names, answers, strict=True) if not is_up]
        if not down:
            return JSONResponse({"status": "ready", "checked": names})
        detail = "down: " + ", ".join(down)
        headers = {"Retry-After": "5"}
        return problem(
            request.scope, 503, code="not-ready", detail=detail, headers=headers, down=down
        )

    @router.get("/metrics")
    async def metrics() -> Response:
        """Figures for Prometheus."""
        TASKS.set(len(asyncio.all_tasks()))
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


async def _answers(probe: Callable[[], Awaitable[None]]) -> bool:
    """A probe may fail in as many ways as its library has errors; each means that it is down."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await probe()
    except Exception as error:  # noqa: BLE001 - the answer is in the refusal, and in the log
        log.warning("a probe failed", reason=type(error).__name__)
        return False
    return True


TAGS = [
    {"name": "accounts", "description": "Registration, sign-in, sessions, the profile."},
    {"name": "products", "description": "Products: browse, search, maintain."},
    {"name": "imports", "description": "Product files: validate, import, history."},
    {"name": "orders", "description": "The cart, orders and their tracking."},
    {"name": "payments", "description": "Intents, confirmation, refunds, saved methods."},
    {"name": "webhooks", "description": "What payment gateways tell us."},
    {"name": "images", "description": "Photographs for the try-on."},
    {"name": "try-on", "description": "Jewellery on a photograph."},
    {"name": "media", "description": "Stored files, by signed address."},
    {"name": "audit", "description": "What happened, in order, with proof."},
    {"name": "operations", "description": "Health and figures."},
]


def _documented(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi_schema = describe(app)
    return app.openapi_schema


def __getattr__(name: str) -> FastAPI:
    """`uvicorn main:app` builds the application; importing this module for a test does not."""
    if name != "app":
        raise AttributeError(name)
    settings = load_settings()
    configure_logs(settings.log_level)
    return create_app(settings)
