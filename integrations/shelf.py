"""Ready answers in Valkey, so that the API's processes share them and a restart does not begin with none."""

import asyncio
import hashlib
import time

import structlog
from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

DEADLINE_SECONDS = 0.03
"""To make an answer takes less than a hundredth of a second: longer the shelf is not worth waiting for."""
CONNECT_SECONDS = 0.25
REST_SECONDS = 5.0
"""After a failure Valkey is left alone for so long."""
MOST_CONNECTIONS = 16


class ValkeyShelf:
    """Fits `domain.ports.shelf.Shelf`. `of`: whose answers these are; another build has its own."""

    def __init__(self, url: str, *, of: str) -> None:
        self._pool: ConnectionPool = ConnectionPool.from_url(
            url,
            max_connections=MOST_CONNECTIONS,
            socket_timeout=CONNECT_SECONDS,
            socket_connect_timeout=CONNECT_SECONDS,
        )
        self._redis: Redis = Redis(connection_pool=self._pool)
        self._prefix = f"kundan:shelf:{of}:".encode()
        self._rest_until = 0.0

    async def close(self) -> None:
        await self._pool.aclose()

    async def fetch(self, name: bytes) -> bytes | None:
        if self._rests:
            return None
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                found = await self._redis.get(self._key(name))
        except (RedisError, TimeoutError, OSError) as e:
            self._rest(e)
            return None
        return found if isinstance(found, bytes) else None

    async def lay(self, name: bytes, what: bytes, *, seconds: float) -> None:
        if self._rests:
            return
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                await self._redis.set(self._key(name), what, px=max(1, round(seconds * 1e3)))
        except (RedisError, TimeoutError, OSError) as e:
            self._rest(e)

    @property
    def _rests(self) -> bool:
        return time.monotonic() < self._rest_until

    def _rest(self, fault: Exception) -> None:
        self._rest_until = time.monotonic() + REST_SECONDS
        log.warning("answers are kept in this process alone", reason=type(fault).__name__)

    def _key(self, name: bytes) -> bytes:
        """An address may be long, and is a stranger's."""
        return self._prefix + hashlib.blake2b(name, digest_size=20).hexdigest().encode()


class NoShelf:
    """Fits `domain.ports.shelf.Shelf` where there is none."""

    async def fetch(self, name: bytes) -> bytes | None:
        del name
        return None

    async def lay(self, name: bytes, what: bytes, *, seconds: float) -> None:
        """It holds nothing."""
