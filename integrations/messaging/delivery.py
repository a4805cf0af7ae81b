"""What becomes of one message of a policy's consumer: done, tried again later, or a dead letter.

| what happens                        | what we say to JetStream                                         |
|-------------------------------------|------------------------------------------------------------------|
| handled, or handled before          | ack                                                              |
| cannot be decoded                   | dead letter, ack                                                 |
| its stream waits behind a letter    | waiting letter, ack                                              |
| the handler raises                  | nak with a growing, jittered delay; after `tries` dead letter, ack |
| something that it needs is down     | the same, with the much larger bound `outage_tries`              |
| the handler takes long              | in progress, every third of the time that JetStream waits       |
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import nats.errors
import structlog
from faststream.nats import NatsMessage
from pymongo.errors import AutoReconnect, PyMongoError

from domain.errors import Unavailable
from domain.kernel import UnreadableEvent
from domain.ports import RecordedEvent
from integrations.event_store.mapping import UndecodableEventError
from integrations.messaging.dead_letters import DeadLetter, Desk, Handle

log = structlog.get_logger(__name__)

ACK_WAIT_SECONDS = 30.0
OUTAGES = (Unavailable, AutoReconnect, ConnectionError, TimeoutError, nats.errors.Error)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a consumer tries, counted in deliveries."""

    tries: int = 6
    outage_tries: int = 1_500
    """About a day of a dependency being down."""
    first_seconds: float = 1.0
    longest_seconds: float = 60.0

    def delay(self, tries: int) -> float:
        """1, 2, 4 … 60 seconds, give or take a quarter."""
        spread = random.uniform(0.75, 1.25)  # noqa: S311 # spreads load, hides nothing
        return min(self.first_seconds * 2.0 ** min(tries - 1, 30), self.longest_seconds) * spread


class Decoder(Protocol):
    async def decode(self, messages: Sequence[bytes]) -> list[RecordedEvent]: ...


class Delivery:
    """The wrapper of one consumer. Messages come one at a time, in the order of history."""

    def __init__(
        self, name: str, handle: Handle, *, decoder: Decoder, desk: Desk, patience: Patience
    ) -> None:
        self.name = name
        self._handle = handle
        self._decoder = decoder
        self._desk = desk
        self._patience = patience
        self.position = 0
        self.redelivered = 0
        self.dead = 0

    async def resume(self) -> int:
        """Learn where this consumer stands; return it."""
        self.position = await self._desk.position(self.name)
        return self.position

    async def receive(self, message: NatsMessage) -> None:
        place = message.raw_message.metadata
        tries = place.num_delivered or 1
        self.redelivered += tries > 1
        position = place.sequence.stream
        try:
            if position > self.position:
                await self._take(message, position)
        except Exception as error:  # noqa: BLE001 # whatever a handler raises is tried again, in bounds
            await self._failed(message, error, position=position, tries=tries)
        else:
            await message.ack()

    async def _take(self, message: NatsMessage, position: int) -> None:
        try:
            [recorded] = await self._decoder.decode([message.raw_message.data])
        except UndecodableEventError as e:
            await self._bury(message, position, repr(e))
            return
        if isinstance(recorded.event, UnreadableEvent):
            await self._bury(message, position, recorded.event.reason)
            return
        if await self._desk.is_blocked(consumer=self.name, stream=recorded.stream):
            await self._bury(message, position, None)
            return
        async with in_progress(message):
            await self._handle(recorded)
        await self._done(position)

    async def _failed(
        self, message: NatsMessage, error: Exception, *, position: int, tries: int
    ) -> None:
        outage = isinstance(error, OUTAGES)
        bound = self._patience.outage_tries if outage else self._patience.tries
        if tries >= bound and not isinstance(error, PyMongoError):
            await self._bury(message, position, repr(error))
            await message.ack()
            return
        delay = self._patience.delay(tries)
        facts = {"consumer": self.name, "position": position, "tries": tries}
        log.warning("tried again later", **facts, seconds=round(delay, 1), error=repr(error))
        await message.nack(delay=delay)

    async def _bury(self, message: NatsMessage, position: int, error: str | None) -> None:
        stream = (message.raw_message.headers or {}).get("Kundan-Stream", "")
        letter = DeadLetter(
            consumer=self.name, stream=stream, position=position, error=error and error[:1_000]
        )
        await self._desk.bury(letter)
        if error is not None:
            self.dead += 1
            facts = {"consumer": self.name, "stream": stream, "position": position}
            log.error("dead letter", **facts, error=error)
        await self._done(position)

    async def _done(self, position: int) -> None:
        await self._desk.advance(self.name, position)
        self.position = position


@asynccontextmanager
async def in_progress(message: NatsMessage) -> AsyncIterator[None]:
    """Tell JetStream, while the block runs, that the message is being worked on."""

    async def remind() -> None:
        while True:
            await asyncio.sleep(ACK_WAIT_SECONDS / 3)
            await message.in_progress()

    reminder = asyncio.create_task(remind())
    try:
        yield
    finally:
        reminder.cancel()
