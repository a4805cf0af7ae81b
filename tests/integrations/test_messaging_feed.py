"""History from a real JetStream, whatever happens to consumer, stream and server."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.js import JetStreamContext

from domain.read_models import Message
from embedded.servers import NatsServer
from integrations.messaging.connection import Connection, connect
from integrations.messaging.feed import HELD_MESSAGES, PULL_MESSAGES, JetStreamFeed


@pytest.fixture
async def connection(nats_url: str) -> AsyncIterator[Connection]:
    connection = await connect(nats_url, name="test")
    yield connection
    await connection.close()


@pytest.fixture
async def stream(connection: Connection, stream_name: str) -> JetStreamContext:
    manager = connection.jetstream()
    await manager.add_stream(name=stream_name, subjects=[f"{stream_name}.>"])
    return manager


@pytest.fixture
async def feed(connection: Connection, stream_name: str) -> AsyncIterator[JetStreamFeed]:
    feed = JetStreamFeed(connection, stream=stream_name)
    yield feed
    await feed.close()


async def publish(manager: JetStreamContext, name: str, *numbers: int) -> None:
    for number in numbers:
        await manager.publish(f"{name}.event", str(number).encode())


async def read(feed: JetStreamFeed, *, after: int, up_to: int) -> list[int]:
    """The positions that the feed brings, until it has brought `up_to`."""
    positions: list[int] = []
    async with asyncio.timeout(20):
        while not positions or positions[-1] < up_to:
            positions += [m.position for m in await feed.next(after=after)]
            after = positions[-1] if positions else after
    return positions


async def test_it_begins_behind_the_reader_s_position(
    stream: JetStreamContext, stream_name: str, feed: JetStreamFeed
) -> None:
    await publish(stream, stream_name, *range(1, 8))
    assert await read(feed, after=3, up_to=7) == [4, 5, 6, 7]


async def test_a_message_arrives_at_once(
    stream: JetStreamContext, stream_name: str, feed: JetStreamFeed
) -> None:
    await feed.next(after=0)
    waiting = asyncio.create_task(feed.next(after=0))
    await asyncio.sleep(0.2)
    start = asyncio.get_running_loop().time()
    await publish(stream, stream_name, 1)
    assert [m.body for m in await waiting] == [b"1"]
    assert asyncio.get_running_loop().time() - start < 0.2


async def test_more_messages_than_one_pull_takes_arrive_in_order_without_a_stall(
    connection: Connection, stream: JetStreamContext, stream_name: str, feed: JetStreamFeed
) -> None:
    count = PULL_MESSAGES * 5
    for number in range(count):
        await connection.publish(f"{stream_name}.event", str(number).encode())
    await connection.flush()
    start = asyncio.get_running_loop().time()
    assert await read(feed, after=0, up_to=count) == list(range(1, count + 1))
    assert asyncio.get_running_loop().time() - start < 10


async def test_silence_answers_nothing_in_about_a_second(
    stream: JetStreamContext, feed: JetStreamFeed
) -> None:
    async with asyncio.timeout(4):
        assert list(await feed.next(after=0)) == []


async def test_a_deleted_consumer_is_made_again(
    stream: JetStreamContext, stream_name: str, feed: JetStreamFeed
) -> None:
    await publish(stream, stream_name, 1, 2)
    await read(feed, after=0, up_to=2)
    [consumer] = await stream.consumers_info(stream_name)
    await stream.delete_consumer(stream_name, consumer.name)
    await publish(stream, stream_name, 3)
    assert (await read(feed, after=2, up_to=3))[-1] == 3


async def test_a_stream_deleted_and_filled_again_is_read_on(
    stream: JetStreamContext, stream_name: str, feed: JetStreamFeed
) -> None:
    await publish(stream, stream_name, 1, 2, 3)
    await read(feed, after=0, up_to=3)
    await stream.delete_stream(stream_name)
    assert list(await feed.next(after=3)) == []
    await stream.add_stream(name=stream_name, subjects=[f"{stream_name}.>"])
    await publish(stream, stream_name, 1, 2, 3, 4, 5)
    assert (await read(feed, after=3, up_to=5))[-2:] == [4, 5]


async def test_without_a_stream_it_waits_and_answers_nothing(
    connection: Connection,
) -> None:
    feed = JetStreamFeed(connection, stream=f"NONE_{secrets.token_hex(4)}")
    async with asyncio.timeout(8):
        assert list(await feed.next(after=0)) == []


# nats-py drops the socket of a handshake that timed out without closing it
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("fault", ["kill", "pause"])
async def test_nats_restarted_or_stopped_for_a_while_the_feed_goes_on(
    fault: str, tmp_path: Path
) -> None:
    with NatsServer(tmp_path / "nats", sync="lazy") as server:
        connection = await connect(server.url, name="test", ping_interval=1)
        manager = connection.jetstream()
        await manager.add_stream(name="GEMS", subjects=["GEMS.>"])
        feed = JetStreamFeed(connection, stream="GEMS")
        await publish(manager, "GEMS", 1, 2)
        await read(feed, after=0, up_to=2)
        if fault == "kill":
            await asyncio.to_thread(server.kill)
            assert list(await feed.next(after=2)) == []
            await asyncio.to_thread(server.start)
        else:
            server.pause()
            for _ in range(5):
                assert list(await feed.next(after=2)) == []
            server.resume()
        other = await connect(server.url, name="publisher")
        await publish(other.jetstream(), "GEMS", 3)
        assert (await read(feed, after=2, up_to=3))[-1] == 3
        await feed.close()
        await other.close()
        await connection.close()


async def test_what_this_process_knows_arrives_before_jetstream_has_it(
    stream: JetStreamContext, stream_name: str, feed: JetStreamFeed
) -> None:
    await feed.next(after=0)
    waiting = asyncio.create_task(feed.next(after=0))
    await asyncio.sleep(0)
    feed.offer([Message(1, b"1"), Message(2, b"2")])
    assert await waiting == [Message(1, b"1"), Message(2, b"2")]
    await publish(stream, stream_name, 1, 2, 3)
    assert await read(feed, after=2, up_to=3) == [1, 2, 3]


async def test_a_reader_that_is_behind_hears_the_rest_from_jetstream(
    stream: JetStreamContext, stream_name: str, feed: JetStreamFeed
) -> None:
    await publish(stream, stream_name, 1, 2)
    feed.offer([Message(n, b"") for n in range(1, HELD_MESSAGES + 1)])
    feed.offer([Message(HELD_MESSAGES + 1, b"")])
    offered: list[int] = []
    while len(offered) < HELD_MESSAGES:
        offered += [m.position for m in await feed.next(after=0) if m.body == b""]
    assert offered == list(range(1, HELD_MESSAGES + 1))
