"""Limits of rate, counted in Valkey so that all processes share them.

Without Valkey the classes of sign-in go on in this process's memory (they must stay limited), the others
are let through: a shop that only shows its window is better than one that is shut.
"""

import asyncio
import time

import structlog
from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from domain.errors import TooManyRequests

log = structlog.get_logger()

ALWAYS = frozenset({"auth", "account", "register", "forgot", "refresh", "reset"})
"""Limited even when Valkey is down."""
DEADLINE_SECONDS = 0.25
REST_SECONDS = 5.0
"""After a failure Valkey is left alone for so long."""


class SlidingRateLimiter:
    """Fits `domain.ports.people.RateLimiter`. `url` None: this process counts alone."""

    def __init__(self, url: str | None) -> None:
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._pool: ConnectionPool | None = None
        self._shared: SlidingWindowCounterRateLimiter | None = None
        if url is not None:
            self._pool = ConnectionPool.from_url(
                url, socket_timeout=DEADLINE_SECONDS, socket_connect_timeout=DEADLINE_SECONDS
            )
            storage = RedisStorage(
                f"async+{url}",
                implementation="redispy",
                wrap_exceptions=True,
                connection_pool=self._pool,  # type: ignore[arg-type]  # popped before use
            )
            self._shared = SlidingWindowCounterRateLimiter(storage)
        self._rest_until = 0.0

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()

    async def hit(self, *, bucket: str, key: str, limit: int, per_seconds: int) -> None:
        item = RateLimitItemPerSecond(limit, per_seconds, namespace="kundan")
        if self._shared is not None and time.monotonic() >= self._rest_until:
            try:
                async with asyncio.timeout(DEADLINE_SECONDS):
                    await _count(self._shared, item, bucket, key)
            except (StorageError, RedisError, TimeoutError, OSError) as e:
                self._rest_until = time.monotonic() + REST_SECONDS
                log.warning(
                    "rate limits are counted in this process alone", reason=type(e).__name__
                )
            else:
                return
        if self._shared is None or bucket in ALWAYS:
            await _count(self._own, item, bucket, key)


async def _count(
    limiter: SlidingWindowCounterRateLimiter, item: RateLimitItemPerSecond, bucket: str, key: str
) -> None:
    if await limiter.hit(item, bucket, key):
        return
    window = await limiter.get_window_stats(item, bucket, key)
    seconds = max(1, min(item.get_expiry(), round(window.reset_time - time.time()) + 1))
    raise TooManyRequests("too many requests; wait a little", retry_after_seconds=seconds)
