"""The API's own door for files, over real HTTP: what a browser talks to where there is no S3."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import uvicorn
from fastapi import FastAPI

from commands.routes.direct_uploads import media_router
from dependencies.services import utc_now
from domain.ports.files import ObjectStore
from embedded.ports import LOOPBACK
from main import STATUSES
from middleware import BodyLimit, RequestContext, body_limits
from problems import handle_problems
from queries.media import router
from tests.samples import settings_for_tests

START_SECONDS = 10


def media_app(objects: ObjectStore) -> FastAPI:
    """`/media` as `main.py` serves it, over these objects."""
    app = FastAPI()
    handle_problems(app, STATUSES)
    app.add_middleware(BodyLimit, limit_of=body_limits(upload_mb=1, import_mb=1))
    app.add_middleware(RequestContext)
    app.include_router(router)
    app.include_router(media_router)
    services: Any = SimpleNamespace(
        objects=objects, clock=utc_now, settings=settings_for_tests(), limiter=None
    )
    app.state.services = services
    return app


@contextmanager
def serving(objects: ObjectStore, *, port: int) -> Iterator[None]:
    config = uvicorn.Config(
        media_app(objects), host=LOOPBACK, port=port, log_level="warning", ws="none"
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, name="media")
    thread.start()
    try:
        assert server.up.wait(START_SECONDS), "the media server does not start"
        yield
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.up.set()
