"""The connection to NATS: it comes back by itself, and tells those who must look again that it did."""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from nats.aio.client import Client

log = structlog.get_logger(__name__)

RECONNECT_SECONDS = 0.5
CONNECT_SECONDS = 5
PING_SECONDS = 5
"""Two unanswered pings and the connection counts as lost: a stopped server is noticed in 15 s."""

Listener = Callable[[], Awaitable[None]]


class Connection(Client):
    """A `nats` client with listeners for the moment after it has reconnected."""

    def __init__(self) -> None:
        super().__init__()
        self._listeners: list[Listener] = []

    def on_reconnect(self, listener: Listener) -> None:
        """Messages may have been missed in between: `listener` reads what it must not miss."""
        self._listeners.append(listener)

    async def reconnected(self) -> None:
        log.info("NATS is back")
        for listener in self._listeners:
            await listener()


async def connect(url: str, *, name: str, **options: Any) -> Connection:
    """Connect, and stay so: for ever, twice a second."""
    connection = Connection()

    async def disconnected() -> None:
        if not connection.is_closed:  # by ourselves
            log.warning("NATS is away")

    async def failed(error: Exception) -> None:
        log.warning("NATS complains", error=repr(error))

    chosen: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "ping_interval": PING_SECONDS,
        "max_outstanding_pings": 2,
        "max_reconnect_attempts": -1,
        "reconnect_time_wait": RECONNECT_SECONDS,
    }
    await connection.connect(
        servers=url.split(","),
        name=name,
        reconnected_cb=connection.reconnected,
        disconnected_cb=disconnected,
        error_cb=failed,
        **chosen | options,
    )
    return connection
