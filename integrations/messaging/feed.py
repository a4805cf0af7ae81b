"""History from JetStream as it happens: an own pull loop over a consumer that needs no acknowledgement.

The reader keeps its position in its own transaction, so the consumer is only a hint: it is made anew,
from the reader's position, whenever it is lost, silent or deleted. See docs/decisions/0010.
"""

import asyncio
import contextlib
import json
import secrets
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any

import nats.errors
import nats.js.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from domain.read_models import Message

log = structlog.get_logger(__name__)

PULL_MESSAGES = 500
PULL_SECONDS = 30.0
HEARTBEAT_SECONDS = 1.0
SILENCE_SECONDS = 3.0
"""Neither message nor heartbeat for so long: the consumer is gone."""
INACTIVE_SECONDS = 60.0
"""The server removes the consumer of a reader that went away."""
REQUEST_SECONDS = 2.0
HELD_MESSAGES = 4 * PULL_MESSAGES
"""A hint beyond them is left to JetStream."""
FORGET = frozenset({"409", "503"})
"""Consumer deleted or leadership lost; nobody serves the request."""
NANOSECONDS = 1_000_000_000


class JetStreamFeed:
    """Fits `projections.runner.Feed`. One reader; nothing is lost by dropping what it holds."""

    def __init__(self, connection: Client, *, stream: str) -> None:
        self._connection = connection
        self._stream = stream
        self._consumer: str | None = None
        self._subscription: Subscription | None = None
        self._arrived: deque[Message] = deque()
        self._requested = 0
        self._inbox = ""
        self._news = asyncio.Event()
        self._heard = 0.0
        self._lost: str | None = None

    async def next(self, *, after: int) -> Sequence[Message]:
        """What has arrived, at once when there is something; nothing after about a second of silence."""
        if self._lost is not None or self._silent():
            await self.close()
        if self._consumer is None and not await self._begin(after):
            return ()
        self._news.clear()
        await self._request_more()
        if not self._arrived:
            await self._wait(HEARTBEAT_SECONDS)
        arrived = [self._arrived.popleft() for _ in range(min(len(self._arrived), PULL_MESSAGES))]
        await self._request_more()
        return arrived

    def offer(self, messages: Sequence[Message]) -> None:
        """Take in what this process knows to be in the ledger, before JetStream brings the same.

        It saves the broker's sync to disk. A reader takes each position once, so coming twice is no harm,
        and nothing is lost by forgetting it here.
        """
        if len(self._arrived) + len(messages) <= HELD_MESSAGES:
            self._arrived.extend(messages)
            self._news.set()

    async def close(self) -> None:
        """Forget the consumer; `next` makes another."""
        if self._consumer is not None:
            log.info("feed begins anew", stream=self._stream, reason=self._lost or "closed")
        if self._subscription is not None and not self._connection.is_closed:
            await self._subscription.unsubscribe()
        self._consumer = self._subscription = self._lost = None
        self._arrived.clear()
        self._requested = 0

    def _silent(self) -> bool:
        return self._consumer is not None and self._now() - self._heard > SILENCE_SECONDS

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    async def _begin(self, after: int) -> bool:
        """Make a consumer that starts behind `after`. False, after a pause, when there is no stream."""
        name = f"projections-{secrets.token_hex(4)}"
        config = ConsumerConfig(
            name=name,
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=after + 1,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=INACTIVE_SECONDS,
            mem_storage=True,
            max_waiting=8,
        )
        manager = self._connection.jetstream(timeout=REQUEST_SECONDS)
        try:
            await manager.add_consumer(self._stream, config)
        except (nats.errors.Error, nats.js.errors.Error) as e:
            log.info("feed has no stream to read", stream=self._stream, reason=repr(e))
            self._news.clear()
            await self._wait(HEARTBEAT_SECONDS)
            return False
        inbox = self._connection.new_inbox()
        self._consumer, self._inbox, self._heard = name, inbox, self._now()
        self._subscription = await self._connection.subscribe(
            inbox, cb=partial(self._receive, name)
        )
        await self._request_more()
        return True

    async def _request_more(self) -> None:
        """Keep between one and two pulls open, so that the server never waits for us."""
        if self._consumer is None or self._requested > PULL_MESSAGES // 2:
            return
        request = {
            "batch": PULL_MESSAGES,
            "expires": int(PULL_SECONDS * NANOSECONDS),
            "idle_heartbeat": int(HEARTBEAT_SECONDS * NANOSECONDS),
        }
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._consumer}"
        try:
            await self._connection.publish(subject, json.dumps(request).encode(), self._inbox)
        except nats.errors.Error as e:
            self._lost = repr(e)
        else:
            self._requested += PULL_MESSAGES

    async def _receive(self, consumer: str, message: Msg) -> None:
        if consumer != self._consumer:
            return  # of a consumer that was given up
        self._heard = self._now()
        status = message.headers.get("Status") if message.headers else None
        if status is None:
            self._requested = max(0, self._requested - 1)
            self._arrived.append(Message(message.metadata.sequence.stream, message.data))
            self._news.set()
        else:
            self._note(status, message.headers or {})

    def _note(self, status: str, headers: dict[str, Any]) -> None:
        """100 is a heartbeat; 408 ends a pull that was not filled; the rest ends the consumer."""
        if status in FORGET:
            self._lost = f"{status} {headers.get('Description', '')}"
            self._news.set()
        elif status == "408":
            unfilled = int(headers.get("Nats-Pending-Messages", PULL_MESSAGES))
            self._requested = max(0, self._requested - unfilled)
            self._news.set()
