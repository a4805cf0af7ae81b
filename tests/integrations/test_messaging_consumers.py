"""Policies' consumers on a real JetStream: tried again with patience, buried, retried, never lost."""

import ast
import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from faststream.nats import NatsMessage
from nats.aio.client import Client
from nats.js import JetStreamContext
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import AutoReconnect

from domain.errors import Unavailable
from domain.ports.events import RecordedEvent
from integrations.event_store.mapping import UndecodableEventError
from integrations.messaging import dead_letters
from integrations.messaging.consumers import Consumer, Consumers
from integrations.messaging.dead_letters import Desk
from integrations.messaging.delivery import AT_ONCE, Patience
from tests.projections.gems import GemCut, GemFound, Ledger, gem

QUICK = Patience(tries=3, outage_tries=5, first_seconds=0.01, longest_seconds=0.05)
ROOT = Path(__file__).parents[2]


class Shop:
    """A ledger, its stream, and a policy that the test may make fail."""

    def __init__(
        self, url: str, name: str, database: AsyncDatabase[dict[str, Any]], stream: JetStreamContext
    ) -> None:
        self.ledger = Ledger()
        self.desk = Desk(database)
        self.stream = stream
        self.name = name
        self.url = url
        self.seen: list[int] = []
        self.faults: dict[int, list[Exception]] = {}
        self.stop = asyncio.Event()
        self.news = asyncio.Event()
        self.started: list[tuple[Consumers, asyncio.Task[None]]] = []
        self.patience = QUICK

    async def decode(self, messages: Sequence[bytes]) -> list[RecordedEvent]:
        if messages[0] == b"nonsense":
            raise UndecodableEventError("nonsense")
        return await self.ledger.decode(messages)

    async def act(self, recorded: RecordedEvent) -> None:
        self.seen.append(recorded.position)
        self.news.set()
        if faults := self.faults.get(recorded.position):
            raise faults.pop(0)

    async def open(self, *, topics: tuple[str, ...] = ("TestGemCut",)) -> Consumers:
        consumers = Consumers(
            self.url,
            [Consumer(name=f"policy_{self.name}", topics=topics, handle=self.act)],
            stream=self.name,
            decoder=self,
            desk=self.desk,
            patience=self.patience,
            watch_seconds=0.3,
        )
        await consumers.start(last_position=len(self.ledger.events))
        self.stop.clear()
        self.started.append((consumers, asyncio.create_task(consumers.run(stop=self.stop))))
        return consumers

    async def close(self) -> None:
        self.stop.set()
        for consumers, running in self.started:
            await running
            await consumers.close()
        self.started.clear()

    async def cut(self, number: int, facets: int) -> int:
        """Record and publish; the position."""
        [message] = self.ledger.add(number, GemCut(facets=facets))
        await self.publish(message.position, message.body)
        return message.position

    async def publish(self, position: int, body: bytes) -> None:
        event = self.ledger.events[position - 1]
        subject = f"{self.name.lower()}.gem.{event.type}"
        headers = {"Kundan-Stream": event.stream}
        await self.stream.publish(subject, body, stream=self.name, headers=headers)

    async def until(self, reached: Callable[[], bool | Awaitable[bool]]) -> None:
        async with asyncio.timeout(20):
            while True:
                answer = reached()
                if answer if isinstance(answer, bool) else await answer:
                    return
                self.news.clear()
                await asyncio.wait([asyncio.create_task(self.news.wait())], timeout=0.05)

    async def done(self, position: int) -> bool:
        return await self.desk.position(f"policy_{self.name}") >= position

    async def marked(self, behind: list[int]) -> bool:
        return (await self.desk.standing(f"policy_{self.name}"))[1] == behind

    async def leave_first(self) -> None:
        consumers, running = self.started.pop(0)
        running.cancel()
        await asyncio.wait({running})
        await consumers.close()

    async def letters(self) -> list[tuple[int, str, str]]:
        return [(d["position"], d["stream"], d["status"]) for d in await self.desk.listed()]


@pytest.fixture
async def shop(
    nats_url: str,
    stream_name: str,
    nats_connection: Client,
    database: AsyncDatabase[dict[str, Any]],
) -> AsyncIterator[Shop]:
    manager = nats_connection.jetstream()
    await make_stream(manager, stream_name)
    shop = Shop(nats_url, stream_name, database, manager)
    yield shop
    await shop.close()
    await manager.delete_stream(stream_name)


async def make_stream(manager: JetStreamContext, name: str) -> None:
    await manager.add_stream(name=name, subjects=[f"{name.lower()}.>"])


async def test_a_policy_sees_its_events_in_order_and_no_others(shop: Shop) -> None:
    await shop.open()
    [found] = shop.ledger.add(1, GemFound(name="ruby"))
    await shop.publish(found.position, found.body)
    for facets in range(20):
        await shop.cut(1, facets)
    await shop.until(lambda: shop.done(21))
    assert shop.seen == list(range(2, 22))


async def test_a_handler_that_fails_is_called_again_before_later_events(shop: Shop) -> None:
    shop.faults[1] = [ValueError("not now"), ValueError("not now either")]
    for facets in range(3):
        await shop.cut(1, facets)
    await shop.open()
    await shop.until(lambda: shop.done(3))
    assert shop.seen == [1, 1, 1, 2, 3]
    assert await shop.letters() == []


async def test_after_its_last_try_an_event_is_a_dead_letter_and_its_stream_waits_behind_it(
    shop: Shop,
) -> None:
    shop.faults[1] = [ValueError("never")] * QUICK.tries
    for number in (1, 2, 1):
        await shop.cut(number, facets=1)
    consumers = await shop.open()
    await shop.until(lambda: shop.done(3))
    assert sorted(shop.seen) == [1, 1, 1, 2]
    stream = f"gem-{gem(1)}"
    assert await shop.letters() == [(1, stream, "dead"), (3, stream, "waiting")]
    assert [d.dead for d in consumers.deliveries] == [1]


async def test_a_retry_handles_the_dead_letter_and_what_waits_behind_it_in_order(
    shop: Shop,
) -> None:
    shop.faults[1] = [ValueError("never")] * QUICK.tries
    for number in (1, 1, 2):
        await shop.cut(number, facets=1)
    await shop.open()
    await shop.until(lambda: shop.done(3))
    shop.seen.clear()
    assert await retry(shop) == (2, None)
    assert shop.seen == [1, 2]
    await shop.until(lambda: shop.done(3))
    await shop.cut(1, facets=1)
    await shop.until(lambda: shop.done(4))
    assert shop.seen == [1, 2, 4]


async def test_a_retry_that_fails_again_leaves_the_letters_in_order(shop: Shop) -> None:
    shop.faults[1] = [ValueError("never")] * (QUICK.tries + 1)
    for _ in range(2):
        await shop.cut(1, facets=1)
    await shop.open()
    await shop.until(lambda: shop.done(2))
    done, failed = await retry(shop)
    assert (done, failed and failed.position) == (0, 1)
    assert [position for position, _, _ in await shop.letters()] == [1, 2]


async def retry(shop: Shop) -> tuple[int, dead_letters.DeadLetter | None]:
    async def event_at(position: int) -> RecordedEvent:
        return shop.ledger.events[position - 1]

    return await dead_letters.retry(
        shop.desk,
        consumer=f"policy_{shop.name}",
        stream=f"gem-{gem(1)}",
        event_at=event_at,
        handle=shop.act,
    )


# --- Lanes ---------------------------------------------------------------------------------------


async def test_a_stream_that_fails_holds_up_itself_alone(shop: Shop) -> None:
    shop.faults[1] = [Unavailable("the gateway is down")] * 1_000
    shop.patience = replace(QUICK, outage_tries=10_000)
    for number in (1, 1, 2, 3, 4):
        await shop.cut(number, facets=1)
    await shop.open()
    await shop.until(lambda: {3, 4, 5} <= set(shop.seen))
    assert 2 not in shop.seen
    shop.faults.clear()
    await shop.until(lambda: shop.done(5))
    assert [position for position in shop.seen if position <= 2][-2:] == [1, 2]


async def test_each_stream_keeps_its_order_whatever_takes_how_long(shop: Shop) -> None:
    dice = random.Random(7)
    streams: dict[int, list[int]] = {number: [] for number in range(1, 6)}
    for _ in range(60):
        number = dice.randint(1, 5)
        streams[number].append(await shop.cut(number, facets=1))

    async def slow(recorded: RecordedEvent) -> None:
        await asyncio.sleep(dice.random() / 50)
        shop.seen.append(recorded.position)

    shop.act = slow  # type: ignore[method-assign]
    await shop.open()
    await shop.until(lambda: shop.done(60))
    assert len(shop.seen) == 60
    for positions in streams.values():
        assert [position for position in shop.seen if position in positions] == positions


async def test_streams_are_looked_after_beside_each_other(shop: Shop) -> None:
    begun, may_end = asyncio.Semaphore(0), asyncio.Event()

    async def slow(recorded: RecordedEvent) -> None:
        begun.release()
        await may_end.wait()

    shop.act = slow  # type: ignore[method-assign]
    for number in range(1, 30):
        await shop.cut(number, facets=1)
    await shop.open()
    async with asyncio.timeout(10):
        for _ in range(AT_ONCE):
            await begun.acquire()
    assert begun.locked(), "no more than so many"
    may_end.set()
    await shop.until(lambda: shop.done(29))


async def test_what_is_done_behind_what_is_not_is_not_done_again_after_a_restart(
    shop: Shop,
) -> None:
    shop.faults[1] = [Unavailable("down")] * 10_000
    shop.patience = replace(QUICK, outage_tries=10_000)
    for number in (1, 2, 3):
        await shop.cut(number, facets=1)
    await shop.open()
    await shop.until(lambda: {2, 3} <= set(shop.seen))
    await shop.until(lambda: shop.marked([2, 3]))
    await shop.close()
    shop.faults.clear()
    shop.seen.clear()
    await shop.open()
    await shop.until(lambda: shop.done(3))
    assert shop.seen == [1]


async def test_a_mark_that_cannot_be_written_does_not_make_it_done_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = 0
    advance = Desk.advance

    async def often_down(self: Desk, *args: Any, **options: Any) -> None:
        nonlocal refused
        if refused < 3:
            refused += 1
            raise AutoReconnect("MongoDB is away")
        await advance(self, *args, **options)

    monkeypatch.setattr(Desk, "advance", often_down)
    await shop.cut(1, facets=1)
    await shop.open()
    await shop.until(lambda: shop.done(1))
    assert (shop.seen, refused) == ([1], 3)


async def test_what_a_killed_worker_had_in_hand_is_done_before_what_comes_later(
    shop: Shop,
) -> None:
    """JetStream gives the later event out at once, and those of the dead after half a minute."""
    await shop.cut(1, facets=1)
    await shop.open()
    await shop.until(lambda: shop.done(1))
    await shop.close()
    for facets in (2, 3):
        await shop.cut(1, facets)
    pulled = await shop.stream.pull_subscribe_bind(f"policy_{shop.name}", stream=shop.name)
    assert len(await pulled.fetch(2, timeout=5)) == 2
    await shop.cut(1, facets=4)
    await shop.open()
    await shop.until(lambda: shop.done(4))
    assert shop.seen == [1, 2, 3, 4]


async def test_what_is_lost_on_the_way_is_done_before_what_comes_later(shop: Shop) -> None:
    await shop.cut(1, facets=1)
    await shop.open()
    await shop.until(lambda: shop.done(1))
    [(consumers, _)] = shop.started
    [delivery] = consumers.deliveries
    receive = delivery.receive
    lost: list[NatsMessage] = []

    async def receive_but_lose_one(message: NatsMessage) -> None:
        if not lost:
            lost.append(message)
            return
        await receive(message)

    delivery.receive = receive_but_lose_one  # type: ignore[method-assign]
    for facets in (2, 3, 4):
        await shop.cut(1, facets)
    await shop.until(lambda: shop.done(4))
    assert (len(lost), shop.seen) == (1, [1, 2, 3, 4])


async def test_one_worker_pulls_and_another_takes_over(shop: Shop) -> None:
    await shop.open()
    await shop.cut(1, facets=1)
    await shop.until(lambda: shop.done(1))
    await shop.open()
    for facets in range(10):
        await shop.cut(1, facets)
    await shop.until(lambda: shop.done(11))
    at_work = [d.position > 0 for consumers, _ in shop.started for d in consumers.deliveries]
    assert at_work == [True, False]
    await shop.leave_first()
    await shop.cut(1, facets=1)
    await shop.until(lambda: shop.done(12))
    assert shop.seen == [*range(1, 13)]


async def test_while_a_dependency_is_down_the_event_is_not_given_up(shop: Shop) -> None:
    shop.faults[1] = [Unavailable("the gateway is down")] * (QUICK.tries + 1)
    await shop.cut(1, facets=1)
    await shop.open()
    await shop.until(lambda: shop.done(1))
    assert shop.seen == [1] * (QUICK.tries + 2)
    assert await shop.letters() == []


async def test_an_outage_without_end_is_a_dead_letter_at_last(shop: Shop) -> None:
    shop.faults[1] = [Unavailable("for ever")] * QUICK.outage_tries
    await shop.cut(1, facets=1)
    await shop.open()
    await shop.until(lambda: shop.done(1))
    assert [status for _, _, status in await shop.letters()] == ["dead"]


async def test_a_body_that_cannot_be_read_is_a_dead_letter_at_once(shop: Shop) -> None:
    shop.ledger.add(1, GemCut(facets=1))
    await shop.publish(1, b"nonsense")
    await shop.cut(2, facets=1)
    await shop.open()
    await shop.until(lambda: shop.done(2))
    assert shop.seen == [2]
    assert await shop.letters() == [(1, f"gem-{gem(1)}", "dead")]


async def test_a_consumer_goes_on_where_it_stood_after_a_restart(shop: Shop) -> None:
    await shop.open()
    await shop.cut(1, facets=1)
    await shop.until(lambda: shop.done(1))
    await shop.close()
    await shop.cut(1, facets=2)
    await shop.open()
    await shop.until(lambda: shop.done(2))
    assert shop.seen == [1, 2]


async def test_a_deleted_consumer_is_made_again_and_repeats_nothing(shop: Shop) -> None:
    await shop.open()
    await shop.cut(1, facets=1)
    await shop.until(lambda: shop.done(1))
    await shop.stream.delete_consumer(shop.name, f"policy_{shop.name}")
    await shop.cut(1, facets=2)
    await shop.until(lambda: shop.done(2))
    assert shop.seen == [1, 2]


async def test_after_the_stream_is_lost_and_filled_again_a_consumer_goes_on_where_it_stood(
    shop: Shop,
) -> None:
    await shop.open()
    for _ in range(3):
        await shop.cut(1, facets=1)
    await shop.until(lambda: shop.done(3))
    await shop.stream.delete_stream(shop.name)
    await make_stream(shop.stream, shop.name)
    for position in (1, 2, 3):
        await shop.publish(position, str(position).encode())
    await shop.cut(1, facets=2)
    await shop.until(lambda: shop.done(4))
    assert shop.seen == [1, 2, 3, 4]


async def test_a_policy_that_comes_to_an_old_shop_begins_with_today(shop: Shop) -> None:
    await shop.desk.enrol(["another"], last_position=0)
    await shop.cut(1, facets=1)
    await shop.open()
    await shop.cut(1, facets=2)
    await shop.until(lambda: shop.done(2))
    assert shop.seen == [2]


async def test_a_policy_that_learns_of_another_event_gets_it(shop: Shop) -> None:
    await shop.open()
    await shop.cut(1, facets=1)
    await shop.until(lambda: shop.done(1))
    await shop.close()
    await shop.open(topics=("TestGemCut", "TestGemFound"))
    [found] = shop.ledger.add(2, GemFound(name="opal"))
    await shop.publish(found.position, found.body)
    await shop.until(lambda: shop.done(2))
    assert shop.seen == [1, 2]


async def test_asked_to_stop_a_consumer_finishes_the_message_in_hand(shop: Shop) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(recorded: RecordedEvent) -> None:
        begun.set()
        await may_end.wait()
        shop.seen.append(recorded.position)

    shop.act = slow  # type: ignore[method-assign]
    await shop.open()
    await shop.cut(1, facets=1)
    async with asyncio.timeout(10):
        await begun.wait()
    closing = asyncio.create_task(shop.close())
    await asyncio.sleep(0)
    may_end.set()
    await closing
    assert shop.seen == [1]
    assert await shop.done(1)


def test_delays_grow_and_are_spread() -> None:
    patience = Patience()
    delays = [[patience.delay(tries) for _ in range(50)] for tries in (1, 2, 5, 40)]
    assert [round(sum(d) / 50) for d in delays[:2]] == [1, 2]
    assert max(delays[3]) <= 75
    assert all(len(set(d)) > 40 for d in delays)


def test_every_subscriber_says_how_it_acknowledges() -> None:
    """FastStream's own policy throws away what a handler fails on."""
    sources = [p for p in ROOT.rglob("*.py") if not {".venv", "tests"} & set(p.parts)]
    calls = [call for p in sources for call in subscriber_calls(p.read_text(encoding="utf-8"))]
    assert calls
    assert [call for call in calls if not is_explicit(call)] == []
    assert not is_explicit(subscriber_calls("broker.subscriber('orders')")[0])


def subscriber_calls(source: str) -> list[ast.Call]:
    nodes = ast.walk(ast.parse(source))
    return [
        node
        for node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "subscriber"
    ]


def is_explicit(call: ast.Call) -> bool:
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    return given.get("ack_policy") == "AckPolicy.MANUAL" and given.get("max_workers") == "1"
