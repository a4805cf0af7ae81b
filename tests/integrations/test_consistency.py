"""A reader who waits for what was written, reads it."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client

from domain.errors import Unavailable
from domain.ports.events import Commit
from integrations.consistency import RECENT_COMMITS, Consistency
from integrations.messaging.announcements import Announcement, Announcer, applied_subject
from integrations.messaging.connection import Connection, connect


class Shop:
    """Where the read models stand, and which commits have their place."""

    def __init__(self) -> None:
        self.position = 0
        self.commits: dict[str, tuple[int, int]] = {}
        self.reads = 0
        self.size = 1
        self.down = False

    async def checkpoint(self) -> int:
        if self.down:
            raise Unavailable("no store")
        return self.position

    async def commit(self, commit_id: str) -> Commit | None:
        self.reads += 1
        if commit_id not in self.commits:
            return Commit(id=commit_id, answer=None, streams={}, events=self.size)
        first, last = self.commits[commit_id]
        size = last - first + 1
        return Commit(id=commit_id, answer=None, streams={}, position=first, events=size)


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def stream() -> str:
    return f"T{secrets.token_hex(4)}"


@pytest.fixture
async def connection(nats_url: str) -> AsyncIterator[Connection]:
    connection = await connect(nats_url, name="test")
    yield connection
    await connection.close()


@pytest.fixture
async def consistency(
    connection: Connection, shop: Shop, stream: str
) -> AsyncIterator[Consistency]:
    consistency = Consistency(connection, commits=shop, checkpoint=shop.checkpoint, stream=stream)
    await consistency.start()
    await connection.flush()
    yield consistency
    await consistency.close()


@pytest.fixture
def announcer(nats_connection: Client, stream: str) -> Announcer:
    return Announcer(nats_connection, subject=applied_subject(stream))


def applied(after: int, position: int, **commits: tuple[int, int]) -> Announcement:
    return Announcement(after=after, position=position, commits=commits)


async def test_without_announcements_the_checkpoint_is_read_before_giving_up(
    consistency: Consistency, shop: Shop
) -> None:
    """As while NATS is away: the read models have it, and nobody can say so."""
    shop.position = 7
    assert await consistency.wait_for_position(7, seconds=0.05)
    assert not await consistency.wait_for_position(8, seconds=0.05)
    shop.down = True
    assert not await consistency.wait_for_position(8, seconds=0.05)


async def test_a_position_is_waited_for(consistency: Consistency, announcer: Announcer) -> None:
    waiting = asyncio.create_task(consistency.wait_for_position(7, seconds=5))
    await announcer(applied(0, 6))
    await announcer(applied(6, 8))
    assert await waiting
    assert await consistency.wait_for_position(8, seconds=0)


async def test_a_position_that_does_not_come_in_time_is_false(consistency: Consistency) -> None:
    assert not await consistency.wait_for_position(10**18, seconds=0.02)


async def test_a_commit_is_waited_for_without_reading_the_store(
    consistency: Consistency, announcer: Announcer, shop: Shop
) -> None:
    waiting = asyncio.create_task(consistency.wait_for_commit("c", seconds=5, events=3))
    await announcer(applied(0, 2, other=(1, 1), c=(2, 2)))
    await announcer(applied(2, 4, c=(3, 4)))
    assert await waiting == 4
    assert shop.reads == 0


async def test_a_commit_applied_in_two_parts_is_not_shown_by_its_first_part(
    consistency: Consistency, announcer: Announcer, shop: Shop
) -> None:
    shop.commits["c"] = (1, 3)
    waiting = asyncio.create_task(consistency.wait_for_commit("c", seconds=5))
    await announcer(applied(0, 2, c=(1, 2)))
    done, _ = await asyncio.wait([waiting], timeout=0.1)
    assert not done
    await announcer(applied(2, 3, c=(3, 3)))
    assert await waiting == 3


async def test_a_commit_heard_of_before_its_place_is_marked_is_waited_for_whole(
    consistency: Consistency, announcer: Announcer, shop: Shop
) -> None:
    shop.size = 3
    waiting = asyncio.create_task(consistency.wait_for_commit("c", seconds=5))
    await announcer(applied(0, 2, c=(1, 2)))
    done, _ = await asyncio.wait([waiting], timeout=0.1)
    assert not done
    await announcer(applied(2, 3, c=(3, 3)))
    assert await waiting == 3


async def test_a_commit_applied_before_anybody_asked_is_answered(
    consistency: Consistency, announcer: Announcer
) -> None:
    await announcer(applied(0, 1, c=(1, 1)))
    assert await consistency.wait_for_position(1, seconds=5)
    assert await consistency.wait_for_commit("c", seconds=0, events=1) == 1


async def test_a_commit_applied_before_the_process_listened_is_answered_by_the_store(
    connection: Connection, shop: Shop, stream: str
) -> None:
    shop.position, shop.commits["c"] = 9, (4, 5)
    late = Consistency(connection, commits=shop, checkpoint=shop.checkpoint, stream=stream)
    await late.start()
    assert await late.wait_for_commit("c", seconds=2) == 5
    assert shop.reads == 1
    await late.close()


async def test_after_a_missed_announcement_a_waiting_commit_is_looked_up(
    consistency: Consistency, announcer: Announcer, shop: Shop
) -> None:
    waiting = asyncio.create_task(consistency.wait_for_commit("c", seconds=20, events=1))
    await asyncio.sleep(0)
    shop.commits["c"] = (3, 3)
    await announcer(applied(5, 6))
    async with asyncio.timeout(1):
        assert await waiting == 3


async def test_a_commit_that_is_never_applied_is_none_in_time(consistency: Consistency) -> None:
    async with asyncio.timeout(5):
        assert await consistency.wait_for_commit("c", seconds=0.3) is None


async def test_when_nats_comes_back_the_checkpoint_is_read(
    connection: Connection, consistency: Consistency, shop: Shop
) -> None:
    waiting = asyncio.create_task(consistency.wait_for_position(3, seconds=5))
    await asyncio.sleep(0)
    shop.position = 3
    await connection.reconnected()
    assert await waiting


async def test_a_store_that_is_down_leaves_the_waiters_waiting(
    connection: Connection, consistency: Consistency, shop: Shop, announcer: Announcer
) -> None:
    shop.down = True
    await connection.reconnected()
    waiting = asyncio.create_task(consistency.wait_for_position(3, seconds=5))
    await announcer(applied(0, 3))
    assert await waiting


async def test_a_stray_message_is_no_announcement(
    nats_connection: Client, consistency: Consistency, announcer: Announcer, stream: str
) -> None:
    await nats_connection.publish(applied_subject(stream), b"hello")
    await nats_connection.publish(applied_subject(stream), b"{}")
    await announcer(applied(0, 1))
    assert await consistency.wait_for_position(1, seconds=5)


async def test_memory_is_bounded(consistency: Consistency, announcer: Announcer) -> None:
    for start in range(0, RECENT_COMMITS + 1_000, 1_000):
        commits = {f"c{n}": (n, n) for n in range(start + 1, start + 1_001)}
        await announcer(applied(start, start + 1_000, **commits))
    assert await consistency.wait_for_position(RECENT_COMMITS + 1_000, seconds=10)
    assert not await consistency.wait_for_position(10**18, seconds=0.01)
    assert len(consistency._recent) == RECENT_COMMITS
    assert consistency._waiting == {}
