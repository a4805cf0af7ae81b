"""One contract for everything that counts: in memory, in this process, in Valkey."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from domain.errors import TooManyRequests
from domain.ports.people import RateLimiter
from integrations.rate_limit import SlidingRateLimiter
from tests.fakes import CountingLimiter


@asynccontextmanager
async def sliding(url: str | None) -> AsyncIterator[SlidingRateLimiter]:
    limiter = SlidingRateLimiter(url)
    yield limiter
    await limiter.close()


@pytest.fixture
async def valkey(redis_url: str) -> AsyncIterator[SlidingRateLimiter]:
    async with sliding(redis_url) as limiter:
        yield limiter


@pytest.fixture(params=["fake", "process", "valkey"])
def limiter(request: pytest.FixtureRequest, valkey: SlidingRateLimiter) -> RateLimiter:
    limiters: dict[str, RateLimiter] = {
        "fake": CountingLimiter(),
        "process": SlidingRateLimiter(None),
        "valkey": valkey,
    }
    return limiters[request.param]


@pytest.fixture
def key() -> str:
    return secrets.token_hex(8)


async def test_the_one_over_the_limit_is_refused_and_told_how_long(
    limiter: RateLimiter, key: str
) -> None:
    for _ in range(3):
        await limiter.hit(bucket="auth", key=key, limit=3, per_seconds=60)
    with pytest.raises(TooManyRequests) as refusal:
        await limiter.hit(bucket="auth", key=key, limit=3, per_seconds=60)
    assert 1 <= refusal.value.retry_after_seconds <= 60


async def test_callers_and_classes_are_counted_apart(limiter: RateLimiter, key: str) -> None:
    await limiter.hit(bucket="auth", key=key, limit=1, per_seconds=60)
    await limiter.hit(bucket="auth", key=f"other-{key}", limit=1, per_seconds=60)
    await limiter.hit(bucket="search", key=key, limit=1, per_seconds=60)
    with pytest.raises(TooManyRequests):
        await limiter.hit(bucket="search", key=key, limit=1, per_seconds=60)


async def test_two_processes_share_what_valkey_counts(redis_url: str, key: str) -> None:
    async with sliding(redis_url) as one, sliding(redis_url) as other:
        await one.hit(bucket="read", key=key, limit=1, per_seconds=60)
        with pytest.raises(TooManyRequests):
            await other.hit(bucket="read", key=key, limit=1, per_seconds=60)


async def test_without_valkey_reads_go_on_and_sign_in_stays_limited(key: str) -> None:
    async with sliding("redis://127.0.0.1:1") as limiter:
        for _ in range(5):
            await limiter.hit(bucket="read", key=key, limit=1, per_seconds=60)
        await limiter.hit(bucket="auth", key=key, limit=1, per_seconds=60)
        with pytest.raises(TooManyRequests):
            await limiter.hit(bucket="auth", key=key, limit=1, per_seconds=60)
