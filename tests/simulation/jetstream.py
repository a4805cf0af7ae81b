"""The part of NATS that the relay uses, and what a consumer gets of it."""

import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeout

from domain.read_models import Message
from integrations.event_store.relay import (
    NO_MESSAGE,
    STREAM_NOT_FOUND,
    WRONG_LAST_SEQUENCE,
    stream_config,
)
from tests.simulation.world import Process, World

FETCHED = 20
INCOMPLETE_BATCH = 10176


@dataclass(frozen=True)
class Reply:
    data: bytes


class FakeNats:
    """One connection: requests reach the broker in the order in which they were made."""

    def __init__(self, world: World, process: Process) -> None:
        self._world = world
        self._process = process
        self._line = asyncio.Lock()
        self._batches: dict[str, list[tuple[bytes, dict[str, str]]]] = {}

    async def request(
        self,
        subject: str,
        body: bytes,
        *,
        timeout: float,  # noqa: ASYNC109 - as the library names it
        headers: dict[str, str] | None = None,
    ) -> Reply:
        async with self._line:
            await self._world.pause(self._process)
            if self._world.fails(self._world.chances.lost_request):
                raise NatsTimeout
            answer = self._serve(subject, body, headers or {})
        await self._world.pause(self._process)
        if self._world.fails(self._world.chances.lost_answer):
            await asyncio.sleep(timeout)
            raise NatsTimeout
        return Reply(json.dumps(answer).encode())

    async def publish(self, subject: str, body: bytes, *, headers: dict[str, str]) -> None:
        """The first messages of a batch. Nobody says so when one is lost."""
        del subject
        async with self._line:
            await self._world.pause(self._process)
            if not self._world.fails(self._world.chances.lost_request):
                self._batches.setdefault(headers["Nats-Batch-Id"], []).append((body, headers))

    def _commit(self, stream: list[bytes], body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        """All or nothing."""
        batch = [*self._batches.pop(headers["Nats-Batch-Id"], []), (body, headers)]
        numbers = [int(head["Nats-Batch-Sequence"]) for _, head in batch]
        if numbers != list(range(1, len(batch) + 1)):
            return fault(INCOMPLETE_BATCH, "the batch has a gap")
        expected = int(batch[0][1]["Nats-Expected-Last-Sequence"])
        if self._world.on.expected_last_sequence and expected != len(stream):
            return fault(WRONG_LAST_SEQUENCE, f"wrong last sequence: {len(stream)}")
        for part, _ in batch:
            stream.append(part)
            self._world.published(len(stream), part)
        seq = len(stream) if self._world.on.expected_last_sequence else expected + len(batch)
        return {"stream": "EVENTS", "seq": seq}

    def _serve(self, subject: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        stream = self._world.stream
        if subject.startswith("$JS.API.STREAM.CREATE."):
            self._world.stream = [] if stream is None else stream
            return {}
        if stream is None and subject.startswith("$JS.API."):
            return fault(STREAM_NOT_FOUND, "stream not found")
        if stream is None:
            raise NoRespondersError
        if subject.startswith("$JS.API.STREAM.INFO."):
            config = stream_config("EVENTS", replicas=1, first_seq=1)
            return {"state": {"last_seq": len(stream)}, "config": config}
        if subject.startswith("$JS.API.STREAM.MSG.GET."):
            return self._stored(stream, json.loads(body)["seq"])
        if "Nats-Batch-Id" in headers:
            return self._commit(stream, body, headers)
        return self._store(stream, body, headers)

    def _stored(self, stream: list[bytes], sequence: int) -> dict[str, Any]:
        if not 0 < sequence <= len(stream):
            return fault(NO_MESSAGE, "no message found")
        return {"message": {"data": base64.b64encode(stream[sequence - 1]).decode()}}

    def _store(self, stream: list[bytes], body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        expected = int(headers["Nats-Expected-Last-Sequence"])
        if self._world.on.expected_last_sequence and expected != len(stream):
            return fault(WRONG_LAST_SEQUENCE, f"wrong last sequence: {len(stream)}")
        stream.append(body)
        self._world.published(len(stream), body)
        # Without the mechanism the relay must not be told: it would see the wrong sequence at once.
        seq = len(stream) if self._world.on.expected_last_sequence else expected + 1
        return {"stream": "EVENTS", "seq": seq}


class FakeFeed:
    """Messages late, twice, in disorder or not at all. Fits `projections.runner.Feed`."""

    def __init__(self, world: World, process: Process) -> None:
        self._world = world
        self._process = process
        self._offered: list[Message] = []

    def offer(self, messages: Sequence[Message]) -> None:
        """Of a block of this process's own, before JetStream has it."""
        self._offered.extend(messages)

    async def next(self, *, after: int) -> Sequence[Message]:
        await self._world.pause(self._process)
        dice, stream = self._world.dice, self._world.stream or []
        start = max(0, after - dice.choice([0, 0, 3]))
        window = list(enumerate(stream, 1))[start : start + FETCHED]
        known = [*self._offered, *(Message(n, body) for n, body in window)]
        chosen = [message for message in known if dice.random() > 0.1]
        self._offered.clear()
        if dice.random() < 0.2:
            dice.shuffle(chosen)
        if not chosen:
            await asyncio.sleep(1.0)
        return chosen


def fault(code: int, description: str) -> dict[str, Any]:
    return {"error": {"err_code": code, "description": description}}
