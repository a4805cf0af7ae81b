"""Policies on JetStream: each a durable pull consumer, explicit acknowledgement, lanes by stream.

A consumer keeps its position in MongoDB too, so a watchdog can make a lost durable, or all of them after
the stream was lost, again from there. One worker at a time pulls for a consumer, by a lease, so that the
events of a stream stay in order; another takes over when it is gone.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import nats.errors
import nats.js.errors
import structlog
from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, NatsMessage, PullSub
from nats.aio.msg import Msg
from nats.js import JetStreamContext, api
from pymongo.errors import PyMongoError

from integrations.event_store.sequencer import Lease
from integrations.messaging.dead_letters import Desk, Handle
from integrations.messaging.delivery import (
    ACK_WAIT_SECONDS,
    MOST_IN_HAND,
    Decoder,
    Delivery,
    Patience,
)

log = structlog.get_logger(__name__)

WATCH_SECONDS = 5.0
PULL_SECONDS = 5.0
PULLED_AT_ONCE = 64
LEASE_SECONDS = 12.0
"""Longer than two looks of the watchdog."""
GRACE_SECONDS = 20.0
REQUEST_SECONDS = 2.0
SETTLE_SECONDS = 0.2
"""After an advisory: a deleted stream takes all its consumers with it at once."""


@dataclass(frozen=True, kw_only=True)
class Consumer:
    """A durable's name, the topics of the events that it waits for, and what it does with each."""

    name: str
    topics: tuple[str, ...]
    handle: Handle
    description: str = ""

    def subjects(self, stream: str) -> list[str]:
        """`events.*.OrderPlaced`: the relay names subjects after its stream."""
        return [f"{stream.lower()}.*.{topic}" for topic in self.topics]


class Consumers:
    def __init__(
        self,
        url: str,
        consumers: Sequence[Consumer],
        *,
        stream: str,
        decoder: Decoder,
        desk: Desk,
        patience: Patience | None = None,
        watch_seconds: float = WATCH_SECONDS,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """`options` go to the broker's connection."""
        self._stream = stream
        self._desk = desk
        self._watch_seconds = watch_seconds
        self._news = asyncio.Event()
        self.broker = NatsBroker(
            url.split(","),
            apply_types=False,
            graceful_timeout=GRACE_SECONDS,
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            logger=logging.getLogger("faststream"),
            log_level=logging.DEBUG,
            **dict(options or {}),
        )
        self._watched = [
            Watched(
                consumer,
                Delivery(
                    consumer.name,
                    consumer.handle,
                    decoder=decoder,
                    desk=desk,
                    patience=patience or Patience(),
                ),
                self.broker,
                stream,
                lease=desk.lease(consumer.name, seconds=LEASE_SECONDS),
            )
            for consumer in consumers
        ]

    @property
    def deliveries(self) -> list[Delivery]:
        return [watched.delivery for watched in self._watched]

    async def start(self, *, last_position: int) -> None:
        """Connect and enrol; `run` subscribes. `last_position` is where history ends now."""
        await self._desk.prepare()
        names = [watched.consumer.name for watched in self._watched]
        await self._desk.enrol(names, last_position=last_position)
        connection = await self.broker.connect()
        for kind in ("STREAM", "CONSUMER"):
            subject = f"$JS.EVENT.ADVISORY.{kind}.DELETED.{self._stream}"
            for name in (subject, f"{subject}.>"):
                await connection.subscribe(name, cb=self._advised)

    async def _advised(self, _message: Msg) -> None:
        self._news.set()

    async def run(self, *, stop: asyncio.Event) -> None:
        """Keep every consumer subscribed until `stop`: look every few seconds, and at advisories."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._news.clear()
                await self.check()
                await self._until_news(stopping)
        finally:
            stopping.cancel()

    async def _until_news(self, stopping: "asyncio.Task[Any]") -> None:
        spread = random.uniform(0.8, 1.2)  # noqa: S311 # spreads load, hides nothing
        news = asyncio.create_task(self._news.wait())
        await asyncio.wait(
            {news, stopping},
            timeout=self._watch_seconds * spread,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if news.done() and not stopping.done():
            await asyncio.wait({stopping}, timeout=SETTLE_SECONDS)
        news.cancel()

    async def check(self) -> None:
        """Make again what is lost. What cannot be made now is tried at the next look."""
        for watched in self._watched:
            try:
                await watched.check()
            except (nats.errors.Error, nats.js.errors.Error, PyMongoError, OSError) as e:
                log.warning("consumer waits", consumer=watched.consumer.name, reason=repr(e))

    async def close(self) -> None:
        """Finish the messages in hand, then leave."""
        await asyncio.gather(*(watched.leave() for watched in self._watched))
        await self.broker.stop()


class Watched:
    """One consumer's durable and its FastStream subscriber."""

    def __init__(
        self,
        consumer: Consumer,
        delivery: Delivery,
        broker: NatsBroker,
        stream: str,
        *,
        lease: Lease,
    ) -> None:
        self.consumer = consumer
        self._lease = lease
        self.delivery = delivery
        self._broker = broker
        self._stream = stream
        self._subjects = consumer.subjects(stream)
        self._subscriber = broker.subscriber(
            subject="",
            durable=consumer.name,
            stream=JStream(stream, declare=False),
            config=self._config(start=1),
            pull_sub=PullSub(batch_size=PULLED_AT_ONCE, timeout=PULL_SECONDS),
            ack_policy=AckPolicy.MANUAL,
            max_workers=1,
            title=consumer.name,
            description=consumer.description,
        )
        self._subscriber(self._receive, decoder=_undecoded)
        self._idle: tuple[int, int] | None = None

    async def _receive(self, message: NatsMessage) -> None:
        await self.delivery.receive(message)

    def _config(self, *, start: int) -> api.ConsumerConfig:
        return api.ConsumerConfig(
            name=self.consumer.name,
            durable_name=self.consumer.name,
            description=self.consumer.description[:200] or None,
            filter_subjects=self._subjects,
            deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=start,
            ack_policy=api.AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_SECONDS,
            max_ack_pending=MOST_IN_HAND,
            max_deliver=-1,
        )

    async def check(self) -> None:
        if not await self._lease.held():
            await self.unsubscribe()
            return
        manager = (await self._broker.connect()).jetstream(timeout=REQUEST_SECONDS)
        try:
            info = await manager.consumer_info(self._stream, self.consumer.name)
        except nats.js.errors.NotFoundError:
            await self.unsubscribe()
        else:
            await self._mend(info, manager)
        if not self._subscriber.running:
            await self._begin(manager)

    async def _begin(self, manager: JetStreamContext) -> None:
        """From where MongoDB says, by a new durable: what a killed worker had in hand would come half a
        minute late, after events that must come behind it.
        """
        with contextlib.suppress(nats.js.errors.NotFoundError):
            await manager.delete_consumer(self._stream, self.consumer.name)
        start = await self.delivery.resume() + 1
        await manager.add_consumer(self._stream, self._config(start=start))
        await self._subscriber.start()
        log.info("consumer made", consumer=self.consumer.name, start=start)

    async def _mend(self, info: api.ConsumerInfo, manager: JetStreamContext) -> None:
        known = set(info.config.filter_subjects or []), info.config.max_ack_pending
        if known != (set(self._subjects), MOST_IN_HAND):
            config = replace(
                info.config, filter_subjects=self._subjects, max_ack_pending=MOST_IN_HAND
            )
            await manager.add_consumer(self._stream, config)
        if self.delivery.has_gap or self._is_stuck(info):
            log.warning("messages were lost on the way", consumer=self.consumer.name)
            await self.unsubscribe()

    def _is_stuck(self, info: api.ConsumerInfo) -> bool:
        """Events wait, none is in hand, and nothing was delivered since the last look."""
        delivered = info.delivered.consumer_seq if info.delivered else 0
        idle = (delivered, info.num_ack_pending or 0)
        stuck = bool(info.num_pending) and idle[1] == 0 and idle == self._idle
        self._idle = idle
        return stuck

    async def unsubscribe(self) -> None:
        if self._subscriber.running:
            await self._subscriber.stop()
            await self.delivery.close()

    async def leave(self) -> None:
        """Let another worker go on at once."""
        await self.unsubscribe()
        await self._lease.release()


async def _undecoded(message: NatsMessage) -> NatsMessage:
    """The wrapper decodes: FastStream would answer a bad body with an endless retry."""
    return message
