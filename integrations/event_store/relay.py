"""The relay: publishes the ledger to JetStream, sequence = position.

Every publish carries `Nats-Expected-Last-Sequence`, so a duplicate or a hole is impossible for all time,
and the relay's checkpoint is the stream's own `last_seq`. When a sequence is already taken its body is
compared: equal, go on; different, halt and alarm.
"""

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError, NoRespondersError

from domain.errors import Unavailable
from integrations.event_store.ledger import Ledger, Sealed
from integrations.event_store.mapping import subject_name
from integrations.event_store.published import Published

PIPELINE = 256
ATOMIC_FROM = 16
"""So many events at once go as one batch. Measured with `sync_interval: always`: 256 one by one took 130
to 440 ms, as one batch 20 to 27 ms; four took 22 ms as a batch, about 2 ms each one by one.
"""
PUBLISH_SECONDS = 10.0
WRONG_LAST_SEQUENCE = 10071
STREAM_NOT_FOUND = 10059
NO_MESSAGE = 10037
GRANTED = frozenset({"allow_atomic", "allow_direct", "deny_delete", "deny_purge"})
"""What a stream that exists may still be taught."""
FREE_SETTINGS = frozenset({"description", "num_replicas", "duplicate_window", "first_seq"})
UNLIMITED = {"max_msgs": -1, "max_bytes": -1, "max_msgs_per_subject": -1, "max_msg_size": -1}
"""A limit would make the oldest events go, or keep the next one out."""


RESTORED = (
    "Restore the newer one, or accept the ledger as it is with `python -m cli stream rebuild`, which "
    "publishes it to a new stream."
)


class LedgerDivergedError(Exception):
    """JetStream holds other bytes than the ledger, or more of them. An operator must choose."""


class WrongStreamError(Exception):
    """The stream is there, but not as the ledger needs it: it would lose, mix or forget events."""


class Relay:
    def __init__(
        self, client: Client, ledger: Ledger, *, stream: str = "EVENTS", replicas: int = 1
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._stream = stream
        self._replicas = replicas
        self._published = 0
        """Position up to which JetStream is known to hold the ledger."""

    @property
    def published(self) -> int:
        return self._published

    # --- the stream ---

    async def ensure_stream(self) -> None:
        """Make the stream when it is missing, beginning where the ledger's next publish will be.

        After a loss the whole history is published again from position 1.
        """
        info = await self._api(f"STREAM.INFO.{self._stream}", {})
        if info.get("error", {}).get("err_code") == STREAM_NOT_FOUND:
            await self._create_stream(first_position=1)
        elif "error" in info:
            raise Unavailable(f"JetStream: {info['error'].get('description')}")
        elif set(self._wrong_settings(info["config"])) <= GRANTED:
            await self._grant(info["config"])
        else:
            self._check_settings(info["config"])

    async def _grant(self, config: Mapping[str, Any]) -> None:
        """A stream of an earlier release learns what may be added to one."""
        if not self._wrong_settings(config):
            return
        granted = {**config, **dict.fromkeys(GRANTED, True)}
        answer = await self._api(f"STREAM.UPDATE.{self._stream}", granted)
        if "error" in answer:
            raise WrongStreamError(
                f"stream {self._stream} cannot be changed: {answer['error'].get('description')}"
            )
        self._check_settings(answer["config"])

    async def _create_stream(self, *, first_position: int) -> None:
        config = stream_config(self._stream, replicas=self._replicas, first_seq=first_position)
        answer = await self._api(f"STREAM.CREATE.{self._stream}", config)
        if "error" in answer:
            raise Unavailable(f"JetStream refused the stream: {answer['error'].get('description')}")
        self._check_settings(answer.get("config", config))

    def _check_settings(self, config: Mapping[str, Any]) -> None:
        """A server that does not know a setting leaves it out."""
        if wrong := self._wrong_settings(config):
            raise WrongStreamError(
                f"stream {self._stream} has other settings than the ledger needs: {wrong}"
            )

    def _wrong_settings(self, config: Mapping[str, Any]) -> dict[str, Any]:
        needed = stream_config(self._stream, replicas=0, first_seq=0) | UNLIMITED
        return {
            name: config.get(name)
            for name, value in needed.items()
            if name not in FREE_SETTINGS and config.get(name, UNLIMITED.get(name)) != value
        }

    async def last_sequence(self) -> int:
        """The stream's last sequence. Makes the stream again when somebody deleted it."""
        info = await self._api(f"STREAM.INFO.{self._stream}", {})
        if info.get("error", {}).get("err_code") == STREAM_NOT_FOUND:
            await self._create_stream(first_position=1)
            return 0
        if "error" in info:
            raise Unavailable(f"JetStream: {info['error'].get('description')}")
        return int(info["state"]["last_seq"])

    async def check_not_ahead(self) -> None:
        """Raise LedgerDivergedError unless the ledger has JetStream's last event, byte for byte.

        If not, one of them was restored from an older or another copy: sequencing on would give positions
        twice.
        """
        await self._check_fits(await self.last_sequence())

    async def _check_fits(self, sequence: int) -> None:
        if sequence == 0:
            return
        block = await self._ledger.block_at(sequence)
        if block is None:
            last = await self._ledger.last_block()
            position = 0 if last is None else last["first"] + last["count"] - 1
            raise LedgerDivergedError(
                f"JetStream stands at {sequence}, the ledger at {position}: MongoDB seems to be restored "
                f"from an older backup. {RESTORED}"
            )
        _, ours, _ = (await self._messages(block))[sequence - block["first"]]
        if await self.message_at(sequence) not in {None, ours}:
            raise LedgerDivergedError(
                f"JetStream holds another event at its last position {sequence} than the ledger: one of "
                f"them seems to be restored from another copy. {RESTORED}"
            )

    # --- publishing ---

    async def publish(self, *blocks: Sealed) -> bool:
        """Publish blocks just sealed, in one go. False when JetStream is behind them: call `catch_up`."""
        first = self._published + 1
        messages: list[Message] = []
        for sealed in blocks:
            if sealed.block["first"] != first + len(messages):
                return False
            messages += messages_of(self._stream, sealed)
        return await self._send(messages, first)

    async def catch_up(self, *, progress: Callable[[int], None] = lambda _: None) -> int:
        """Publish whatever of the ledger JetStream does not have yet; return the last position.

        `progress` is told each position that a block reached.
        """
        sequence = await self.last_sequence()
        if sequence != self._published:
            await self._check_fits(sequence)
        self._published = sequence
        while True:
            block = await self._ledger.blocks.find_one(
                {"first": {"$lte": self._published + 1}}, sort=[("first", -1)]
            )
            if block is None or block["first"] + block["count"] <= self._published + 1:
                return self._published
            before = self._published
            await self._publish_rest_of(block)
            progress(self._published)
            if self._published == before:
                self._published = await self.last_sequence()
                if self._published == before:
                    raise Unavailable("JetStream does not take the next event")

    async def _publish_rest_of(self, block: Mapping[str, Any]) -> None:
        messages = await self._messages(block)
        skip = self._published - block["first"] + 1
        await self._send(messages[skip:], block["first"] + skip)

    async def _messages(self, block: Mapping[str, Any]) -> list["Message"]:
        ids = [entry["commit"] for entry in block["entries"]]
        found = {c["_id"]: c async for c in self._ledger.commits.find({"_id": {"$in": ids}})}
        if missing := [commit_id for commit_id in ids if commit_id not in found]:
            raise LedgerDivergedError(
                f"commit {missing[0]} of block {block['_id']} is gone: MongoDB is damaged or restored "
                "from a backup that was not taken at one moment"
            )
        commits = [found[commit_id] for commit_id in ids]
        return messages_of(self._stream, Sealed(dict(block), commits))

    async def _send(self, messages: Sequence["Message"], first: int) -> bool:
        """Publish in order. False when JetStream refused because it stands elsewhere.

        Many go as one atomic batch, which is synced to disk once; few go one by one, pipelined, which is
        quicker for them.
        """
        for start in range(0, len(messages), PIPELINE):
            part = messages[start : start + PIPELINE]
            if len(part) >= ATOMIC_FROM:
                answers = await self._publish_batch(part, first + start)
            else:
                answers = await _all(
                    [self._publish_one(m, first + start + i) for i, m in enumerate(part)]
                )
            for offset, answer in enumerate(answers):
                position = first + start + offset
                if not await self._accepted(answer, part[offset], position):
                    return False
                self._published = position
        return True

    async def _publish_batch(
        self, messages: Sequence["Message"], first: int
    ) -> list[dict[str, Any]]:
        """All or nothing (NATS ADR-50): an answer for each message, as if they had gone one by one."""
        batch, last = secrets.token_hex(12), len(messages)
        for number, (subject, body, headers) in enumerate(messages[:-1], 1):
            place = {"Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number)}
            if number == 1:
                place["Nats-Expected-Last-Sequence"] = str(first - 1)
            try:
                await self._client.publish(subject, body, headers=headers | place)
            except NatsError as e:
                raise self._unpublished(e, body) from e
        subject, body, headers = messages[-1]
        place = {"Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(last), "Nats-Batch-Commit": "1"}
        answer = await self._request(subject, body, headers | place)
        if "error" in answer:
            return [answer] * last
        return [{"seq": answer["seq"] - last + number} for number in range(1, last + 1)]

    async def _publish_one(self, message: "Message", position: int) -> dict[str, Any]:
        subject, body, headers = message
        return await self._request(
            subject, body, {**headers, "Nats-Expected-Last-Sequence": str(position - 1)}
        )

    async def _request(self, subject: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        try:
            reply = await self._client.request(
                subject, body, timeout=PUBLISH_SECONDS, headers=headers
            )
        except NoRespondersError:
            return {"error": {"err_code": STREAM_NOT_FOUND, "description": "no stream listens"}}
        except NatsError as e:
            raise self._unpublished(e, body) from e
        answer: dict[str, Any] = json.loads(reply.data)
        return answer

    def _unpublished(self, error: NatsError, body: bytes) -> Unavailable:
        if isinstance(error, MaxPayloadError):
            return Unavailable(
                f"NATS takes {self._client.max_payload} bytes a message, an event has {len(body)}: all "
                "of history waits behind it until max_payload is 1 MiB"
            )
        return Unavailable(f"JetStream does not acknowledge, the relay goes on later: {error!r}")

    async def _accepted(self, answer: Mapping[str, Any], message: "Message", position: int) -> bool:
        error = answer.get("error")
        if error is None:
            if answer["seq"] == position:
                return True
            raise LedgerDivergedError(
                f"JetStream stored position {position} as sequence {answer['seq']}"
            )
        if error.get("err_code") in {WRONG_LAST_SEQUENCE, STREAM_NOT_FOUND}:
            return await self._already_there(message, position)
        raise Unavailable(f"JetStream refused position {position}: {error.get('description')}")

    async def _already_there(self, message: "Message", position: int) -> bool:
        """True when JetStream holds these very bytes at this position (a lost acknowledgement)."""
        stored = await self.message_at(position)
        if stored is None:
            return False
        if stored != message[1]:
            raise LedgerDivergedError(f"JetStream holds another event at position {position}")
        return True

    async def message_at(self, position: int) -> bytes | None:
        """The body at a position, or None."""
        answer = await self._api(f"STREAM.MSG.GET.{self._stream}", {"seq": position})
        if "error" in answer:
            if answer["error"].get("err_code") in {NO_MESSAGE, STREAM_NOT_FOUND}:
                return None
            raise Unavailable(f"JetStream: {answer['error'].get('description')}")
        return base64.b64decode(answer["message"].get("data", ""))

    def bodies(self, first: int, last: int) -> AsyncIterator[tuple[int, bytes]]:
        """(position, body) of what is stored, in order. A follower may answer, and end early."""
        return Published(self._client, self._stream).between(first, last)

    async def _api(self, subject: str, body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            reply: Msg = await self._client.request(
                f"$JS.API.{subject}", json.dumps(body).encode(), timeout=5
            )
        except NatsError as e:
            raise Unavailable("JetStream does not answer") from e
        answer: dict[str, Any] = json.loads(reply.data)
        return answer


async def _all(requests: Sequence[Awaitable[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Their answers, or the first failure once all have ended: none is left running behind it."""
    answers = await asyncio.gather(*requests, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]


Message = tuple[str, bytes, dict[str, str]]
"""Subject, body, headers."""


def messages_of(stream: str, sealed: Sealed) -> list[Message]:
    """What JetStream holds of a block: a pure function of ledger and commits."""
    chain = sealed.block["hash"]
    return [
        (subject_name(stream, stored), body, _headers(commit, stored, position, chain))
        for position, commit, stored, body in sealed.events
    ]


def _headers(
    commit: Mapping[str, Any], stored: Mapping[str, Any], position: int, chain: str
) -> dict[str, str]:
    return {
        "Kundan-Position": str(position),
        "Kundan-Stream": stored["stream"],
        "Kundan-Version": str(stored["version"]),
        "Kundan-Commit": commit["_id"],
        "Kundan-Correlation": commit["correlation"],
        "Kundan-Causation": commit["causation"] or "",
        "Kundan-Chain": chain,
    }


def stream_config(name: str, *, replicas: int, first_seq: int) -> dict[str, Any]:
    return {
        "name": name,
        "description": "Kundan: every event, sequence = position in the ledger",
        "subjects": [f"{name.lower()}.>"],
        "retention": "limits",
        "storage": "file",
        "num_replicas": replicas,
        "discard": "old",
        "max_age": 0,
        "duplicate_window": 120_000_000_000,
        "deny_delete": True,
        "deny_purge": True,
        "allow_direct": True,
        "allow_atomic": True,
        "first_seq": first_seq,
    }
