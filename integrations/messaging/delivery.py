"""What becomes of the messages of a policy's consumer: done, tried again, or a dead letter.

Messages come in the order of history. Each stream has a lane: within it one after the other, retries
included; lanes beside each other, `AT_ONCE` of them at work. So a stream that fails holds up itself, and a
slow mail server the mails.

| what happens                        | what we do                                                        |
|-------------------------------------|-------------------------------------------------------------------|
| handled, or handled before          | mark, ack                                                         |
| cannot be decoded                   | dead letter, ack                                                  |
| its stream waits behind a letter    | waiting letter, ack                                               |
| the handler raises                  | again after a growing, jittered delay; after `tries` dead letter  |
| something that it needs is down     | the same, with the much larger bound `outage_tries`               |
| handled, and the mark cannot be written | the mark again; the handler not                               |
| it takes long                       | in progress, every third of the time that JetStream waits         |
| the worker stops                    | what is begun is finished, the rest given back                    |
| one was lost on the way             | nothing more is taken until the durable begins anew               |

Marks of many lanes go into one write: everything up to a position is done, and these few behind it. A worker
that is killed between handling and its mark handles again: commands have ids, a mail may come twice.
"""

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import nats.errors
import structlog
from faststream.nats import NatsMessage
from pymongo.errors import AutoReconnect, PyMongoError

from batching import Batched
from domain.errors import Unavailable
from domain.kernel import UnreadableEvent
from domain.ports.events import RecordedEvent
from integrations.event_store.mapping import UndecodableEventError
from integrations.messaging.dead_letters import DeadLetter, Desk, Handle

log = structlog.get_logger(__name__)

ACK_WAIT_SECONDS = 30.0
AT_ONCE = 16
"""Lanes at work: as many connections to a mail server, as many decisions at once."""
MOST_IN_HAND = 256
"""Messages that wait in lanes or are at work; JetStream gives out no more."""
LETTERS_SECONDS = 1.0
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


@dataclass(slots=True)
class _InHand:
    message: NatsMessage
    position: int
    stream: str
    tries: int


class Delivery:
    """The lanes of one consumer."""

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
        self.has_gap = False
        """Messages were lost on the way here; the watchdog lets the durable begin anew."""
        self._delivered = 0
        self._done: set[int] = set()
        """Behind `position`."""
        self._in_hand: dict[int, _InHand] = {}
        self._lanes: dict[str, deque[_InHand]] = {}
        self._walks: set[asyncio.Task[None]] = set()
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._closing = asyncio.Event()
        self._marks: Batched[int, bool] = Batched(self._mark, under_way=1)
        self._blocked: Batched[str, bool] = Batched(self._which_are_blocked)
        self._reminding: asyncio.Task[None] | None = None
        self._has_letters = True
        self._looked_at = 0.0

    async def resume(self) -> int:
        """Learn where this consumer stands; return it. Its durable begins anew behind that."""
        self.position, done = await self._desk.standing(self.name)
        self._done = set(done)
        self._in_hand.clear()
        self._delivered = 0
        self.has_gap = False
        self._closing.clear()
        return self.position

    async def receive(self, message: NatsMessage) -> None:
        """Called in the order of history, one message at a time. Returns once it lies in its lane."""
        place = message.raw_message.metadata
        if self.has_gap or self._closing.is_set() or not self._is_next(place.sequence.consumer):
            return
        position, tries = place.sequence.stream, place.num_delivered or 1
        self.redelivered += tries > 1
        if position in self._in_hand:
            return
        if position <= self.position or position in self._done:
            await message.ack()
            return
        stream = (message.raw_message.headers or {}).get("Kundan-Stream", "")
        taken = _InHand(message, position, stream, tries)
        self._in_hand[position] = taken
        self._remind()
        if (lane := self._lanes.get(stream)) is not None:
            lane.append(taken)
            return
        self._lanes[stream] = deque([taken])
        walk = asyncio.create_task(self._walk(stream), name=f"{self.name} {stream}")
        self._walks.add(walk)
        walk.add_done_callback(self._walks.discard)

    def _is_next(self, delivered: int) -> bool:
        """JetStream counts what it gives out. After a gap nothing is taken: what was lost comes first."""
        self.has_gap = delivered != self._delivered + 1
        self._delivered += 1
        return not self.has_gap

    async def close(self) -> None:
        """Finish what is begun, give back the rest."""
        self._closing.set()
        if self._walks:
            await asyncio.wait(set(self._walks))
        if self._reminding is not None:
            self._reminding.cancel()

    async def _walk(self, stream: str) -> None:
        lane = self._lanes[stream]
        while lane:
            if self._closing.is_set() or not await self._settle(lane[0]):
                break
            lane.popleft()
        for left in lane:
            del self._in_hand[left.position]
            with contextlib.suppress(nats.errors.Error):  # its time runs out, and it comes again
                await left.message.nack()
        del self._lanes[stream]

    async def _settle(self, taken: _InHand) -> bool:
        """False when the worker stops before it is settled."""
        while (error := await self._attempt(taken)) is not None:
            if self._is_enough(error, taken.tries):
                await self._bury_surely(taken, repr(error))
                break
            delay = self._patience.delay(taken.tries)
            facts = {"consumer": self.name, "position": taken.position, "tries": taken.tries}
            log.warning("tried again later", **facts, seconds=round(delay, 1), error=repr(error))
            taken.tries += 1
            if await self._closes_within(delay):
                return False
        with contextlib.suppress(nats.errors.Error):  # it comes again, and is known to be done
            await taken.message.ack()
        return True

    def _is_enough(self, error: Exception, tries: int) -> bool:
        bound = self._patience.outage_tries if _is_outage(error) else self._patience.tries
        return tries >= bound and not isinstance(error, PyMongoError)

    async def _closes_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        return self._closing.is_set()

    async def _attempt(self, taken: _InHand) -> Exception | None:
        """What it failed on. Whatever a handler raises is tried again, in bounds."""
        try:
            async with self._at_once:
                await self._take(taken)
        except Exception as error:  # noqa: BLE001 - told to the caller, who decides
            return error
        await self._mark_surely(taken.position)
        return None

    async def _take(self, taken: _InHand) -> None:
        try:
            [recorded] = await self._decoder.decode([taken.message.raw_message.data])
        except UndecodableEventError as e:
            await self._bury(taken, repr(e))
            return
        if isinstance(recorded.event, UnreadableEvent):
            await self._bury(taken, recorded.event.reason)
        elif await self._is_blocked(recorded.stream):
            await self._bury(taken, None)
        else:
            await self._handle(recorded)

    async def _is_blocked(self, stream: str) -> bool:
        """Most consumers have no dead letter at all: that is asked once a second, not for each event."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at > LETTERS_SECONDS:
            self._looked_at = now
            self._has_letters = await self._desk.has_letters(self.name)
        return self._has_letters and bool(await self._blocked.get(stream))

    async def _which_are_blocked(self, streams: Sequence[str]) -> Mapping[str, bool]:
        blocked = await self._desk.blocked(consumer=self.name, streams=streams)
        return dict.fromkeys(blocked, True)

    async def _bury(self, taken: _InHand, error: str | None) -> None:
        letter = DeadLetter(
            consumer=self.name,
            stream=taken.stream,
            position=taken.position,
            error=error and error[:1_000],
        )
        await self._desk.bury(letter)
        self._has_letters = True
        if error is not None:
            self.dead += 1
            facts = {"consumer": self.name, "stream": taken.stream, "position": taken.position}
            log.error("dead letter", **facts, error=error)

    async def _bury_surely(self, taken: _InHand, error: str) -> None:
        await self._surely(self._bury, taken, error)
        await self._mark_surely(taken.position)

    async def _mark_surely(self, position: int) -> None:
        await self._surely(self._marks.get, position)

    async def _surely(self, write: Callable[..., Awaitable[object]], *what: object) -> None:
        """A store that is away must not make us handle again what is done."""
        tries = 1
        while True:
            try:
                await write(*what)
            except PyMongoError as error:
                log.warning("mark waits", consumer=self.name, reason=repr(error))
                if await self._closes_within(self._patience.delay(tries)):
                    return
                tries += 1
            else:
                return

    async def _mark(self, positions: Sequence[int]) -> Mapping[int, bool]:
        """One write for all that were done since the last one."""
        done = self._done | set(positions)
        waiting = self._in_hand.keys() - set(positions)
        end = min(waiting) - 1 if waiting else max([self.position, *done])
        end = max(self.position, end)
        beyond = sorted(position for position in done if position > end)
        await self._desk.advance(self.name, end, done=beyond)
        self.position, self._done = end, set(beyond)
        for position in positions:
            self._in_hand.pop(position, None)
        return dict.fromkeys(positions, True)

    def _remind(self) -> None:
        if self._reminding is None or self._reminding.done():
            self._reminding = asyncio.create_task(self._keep_reminding(), name=f"{self.name} waits")

    async def _keep_reminding(self) -> None:
        """Tell JetStream, while there are messages in hand, that they are being worked on."""
        while self._in_hand:
            await asyncio.sleep(ACK_WAIT_SECONDS / 3)
            for taken in list(self._in_hand.values()):
                with contextlib.suppress(nats.errors.Error):  # then it comes again, and is known
                    await taken.message.in_progress()


def _is_outage(error: Exception) -> bool:
    return isinstance(error, OUTAGES)
