"""The simulator as an ASGI application: the gateway's API, its controls, and a page to pay on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.applications import Starlette
from starlette.middleware.trustedhost import TrustedHostMiddleware

from integrations.payments.simulator.api import razorpay_api, refused
from integrations.payments.simulator.books import Books
from integrations.payments.simulator.controls import router
from integrations.payments.simulator.desk import Clock, Desk
from integrations.payments.simulator.faults import Faults, FaultyTransport
from integrations.payments.simulator.refusals import Refusal
from integrations.payments.simulator.storage import Storage
from integrations.payments.simulator.webhooks import WebhookSender

PAGE = Path(__file__).with_name("page.html")
TICK_SECONDS = 1.0
CONTENT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'"
)


@dataclass(frozen=True, kw_only=True)
class Options:
    key_id: str
    key_secret: str
    webhook_secret: str
    webhook_url: str | None = None
    data: Path | None = None
    webhook_retry_seconds: float = 0.5


def simulator(options: Options) -> FastAPI:
    faults = Faults()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with Storage(options.data) as storage:
            desk = _desk(options, storage, faults)
            app.state.desk = desk
            app.mount("/v1", _api(desk, options))
            async with asyncio.TaskGroup() as group:
                ticking = group.create_task(_tick(desk))
                yield
                ticking.cancel()
            await desk.sender.close()

    app = FastAPI(
        title="Razorpay simulator", lifespan=lifespan, exception_handlers={Refusal: refused}
    )
    app.include_router(router)
    app.add_api_route("/", page, include_in_schema=False)
    app.add_middleware(FaultyTransport, faults=faults)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1", "[::1]"])
    return app


async def page() -> FileResponse:
    return FileResponse(PAGE, headers={"Content-Security-Policy": CONTENT_POLICY})


def _desk(options: Options, storage: Storage, faults: Faults) -> Desk:
    clock = Clock()
    sender = WebhookSender(
        secret=options.webhook_secret,
        url=options.webhook_url,
        next_fault=lambda: faults.next("webhooks"),
        now=clock.now,
        retry_seconds=options.webhook_retry_seconds,
    )
    books = Books(storage=storage, emit=sender.emit, now=clock.now)
    return Desk(
        books=books, sender=sender, faults=faults, clock=clock, key_secret=options.key_secret
    )


def _api(desk: Desk, options: Options) -> Starlette:
    return razorpay_api(desk.books, key_id=options.key_id, key_secret=options.key_secret)


async def _tick(desk: Desk) -> None:
    while True:
        await asyncio.sleep(TICK_SECONDS)
        desk.books.tick()
