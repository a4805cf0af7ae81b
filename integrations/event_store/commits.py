"""Appending: one command is one document, many commands are one insert.

An append is atomic without a transaction, however many streams it touches, since it is one document.
The committer gathers what waits (group commit) and inserts it unordered; conflicts come back for each
document. An unknown outcome (connection lost) is settled by inserting the same documents again: an
`_id` that is already there with the same leaf is our own earlier write.
"""

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bson
from bson.raw_bson import DEFAULT_RAW_BSON_OPTIONS as RAW
from bson.raw_bson import RawBSONDocument
from pymongo import ASCENDING, IndexModel
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from domain.errors import ConcurrencyConflict, KeyReused, TooLarge, Unavailable
from domain.ports.events import Commit
from integrations.event_store.canonical import canonical

MAX_EVENTS = 1_000
MAX_COMMIT_BYTES = 1_000_000
MAX_EVENT_BYTES = 512_000
"""Of its JSON. With envelope and in base64 it stays below the `max_payload` of NATS (1 MiB): a larger one
could never be published, and all of history would wait behind it.
"""
JSON_GROWTH = 6
"""A control character has one byte in BSON and six in JSON."""
MAX_GROUP = 1_000
MAX_GROUP_BYTES = 8_000_000
MAX_QUEUE = 20_000
ATTEMPTS = 6
WAKE_SECONDS = 0.1
DUPLICATE_KEY = 11000

INDEXES = [
    IndexModel(
        [("events.stream", ASCENDING), ("events.version", ASCENDING)], unique=True, name="version"
    ),
    IndexModel(
        [("pending", ASCENDING), ("at", ASCENDING)],
        partialFilterExpression={"pending": True},
        name="pending",
    ),
    IndexModel(
        [("position", ASCENDING)],
        unique=True,
        partialFilterExpression={"position": {"$type": "number"}},
        name="position",
    ),
]


def placed(**bounds: int) -> dict[str, Any]:
    """Commits by their place: `placed(gte=7, lt=9)`. The index is partial, and MongoDB does not take it
    for granted that a number between two bounds is a number: without the type it reads every commit.
    """
    return {"position": {"$type": "number", **{f"${sign}": at for sign, at in bounds.items()}}}


def durable_collection(
    database: AsyncDatabase[dict[str, Any]], name: str
) -> AsyncCollection[dict[str, Any]]:
    """A collection that acknowledges what a majority has in its journal, and shows nothing else."""
    return database.get_collection(
        name,
        write_concern=WriteConcern("majority", j=True),
        read_concern=ReadConcern("majority"),
    )


def as_commit(document: Mapping[str, Any], *, repeated: bool = False) -> Commit:
    return Commit(
        id=document["_id"],
        answer=document["answer"],
        streams={e["stream"]: e["version"] for e in document["events"]},
        repeated=repeated,
        position=document.get("position"),
        events=len(document["events"]),
        last_event=document["events"][-1].get("id"),
    )


@dataclass(slots=True)
class _Waiting:
    document: dict[str, Any]
    bson: RawBSONDocument
    """The document as it is sent: encoded once."""
    outcome: asyncio.Future[Commit]


class Committer:
    """One a process: queues commits, inserts them in groups, tells each its outcome."""

    def __init__(
        self,
        commits: AsyncCollection[dict[str, Any]],
        *,
        inserted: Callable[[int], Awaitable[None]] | None = None,
        deadline_seconds: float = 10.0,
    ) -> None:
        """`inserted(n)` is called after a group of n commits, to wake the sequencer."""
        self._commits = commits
        self._raw_commits: AsyncCollection[RawBSONDocument] = commits.with_options(
            codec_options=RAW
        )
        self._inserted = inserted
        self._deadline_seconds = deadline_seconds
        self._queue: deque[_Waiting] = deque()
        self._work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    async def submit(self, document: dict[str, Any]) -> Commit:
        """Insert one commit. Safe to cancel: the insert goes on, and a retry meets its `_id`."""
        encoded = checked(document)
        if self._closing or len(self._queue) >= MAX_QUEUE:
            raise Unavailable(
                "the event store cannot take more work just now", retry_after_seconds=1
            )
        waiting = _Waiting(document, encoded, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="committer")
        self._work.set()
        return await waiting.outcome

    async def close(self) -> None:
        """Finish what is queued, then stop."""
        self._closing = True
        self._work.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        try:
            await self._insert_what_comes()
        finally:  # cancelled, or killed by a fault: nobody waits for ever
            self._fail(self._queue, Unavailable("the event store is stopping"))
            self._queue.clear()

    async def _insert_what_comes(self) -> None:
        while True:
            while self._queue:
                await self._insert(self._next_group())
            if self._closing:
                return
            self._work.clear()
            await self._work.wait()

    def _next_group(self) -> list[_Waiting]:
        group = [self._queue.popleft()]
        size = len(group[0].bson.raw)
        while self._queue and len(group) < MAX_GROUP:
            size += len(self._queue[0].bson.raw)
            if size > MAX_GROUP_BYTES:
                break
            group.append(self._queue.popleft())
        return group

    async def _insert(self, group: list[_Waiting]) -> None:
        """Settle every future of the group, whatever happens."""
        try:
            await self._insert_until_known(group)
        except (ConnectionFailure, ExecutionTimeout, WriteConcernError) as e:
            self._fail(group, Unavailable(f"the event store does not answer: {type(e).__name__}"))
        except OperationFailure as e:
            if len(group) > 1:  # one that the server refuses must not take its neighbours with it
                for waiting in group:
                    await self._insert([waiting])
                return
            self._fail(group, Unavailable(f"the event store refused the commit: {e.code}"))
        except PyMongoError as e:
            self._fail(group, Unavailable(f"the event store does not answer: {type(e).__name__}"))
        except BaseException:
            self._fail(group, Unavailable("the event store is stopping", retry_after_seconds=1))
            raise
        await self._wake(len(group))

    async def _wake(self, count: int) -> None:
        """A lost word costs the sequencer one poll; a broker that hangs must not hold up commits."""
        if self._inserted is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAKE_SECONDS):
                await self._inserted(count)

    @staticmethod
    def _fail(group: Iterable[_Waiting], reason: Exception) -> None:
        for waiting in group:
            if not waiting.outcome.done():
                waiting.outcome.set_exception(reason)

    async def _insert_until_known(self, group: list[_Waiting]) -> None:
        deadline = asyncio.get_running_loop().time() + self._deadline_seconds
        for attempt in range(1, ATTEMPTS + 1):
            try:
                refused = await self._insert_once(group)
            except (ConnectionFailure, ExecutionTimeout):
                if attempt == ATTEMPTS or asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(random.uniform(0, min(2.0, 0.05 * 2**attempt)))  # noqa: S311 - jitter
                continue
            await self._settle(group, refused)
            return

    async def _insert_once(self, group: Sequence[_Waiting]) -> dict[int, Mapping[str, Any]]:
        """Index in the group → why the server refused it. Raises when the outcome is unknown."""
        try:
            await self._raw_commits.insert_many([w.bson for w in group], ordered=False)
        except BulkWriteError as e:
            details = e.details
            if details.get("writeConcernErrors"):
                raise ConnectionFailure("the majority did not confirm in time") from e
            return {fault["index"]: fault for fault in details["writeErrors"]}
        return {}

    async def _settle(
        self, group: Sequence[_Waiting], refused: Mapping[int, Mapping[str, Any]]
    ) -> None:
        for index, waiting in enumerate(group):
            if index not in refused:
                self._tell(waiting, as_commit(waiting.document))
        if not refused:
            return
        faulty = [group[index] for index in refused]
        earlier = await self._earlier([w.document["_id"] for w in faulty])
        for index, fault in refused.items():
            waiting = group[index]
            self._tell(waiting, _judge(waiting.document, fault, earlier))

    async def _earlier(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        found = self._commits.find({"_id": {"$in": list(ids)}})
        return {document["_id"]: document async for document in found}

    @staticmethod
    def _tell(waiting: _Waiting, outcome: Commit | Exception) -> None:
        if waiting.outcome.done():  # the caller has gone; the commit stands all the same
            return
        if isinstance(outcome, Exception):
            waiting.outcome.set_exception(outcome)
        else:
            waiting.outcome.set_result(outcome)


def _judge(
    document: Mapping[str, Any],
    fault: Mapping[str, Any],
    earlier: Mapping[str, Mapping[str, Any]],
) -> Commit | Exception:
    """What a refused insert means: our own earlier write, a repeated command, or a lost race."""
    first = earlier.get(document["_id"])
    if first is not None and first["leaf"] == document["leaf"]:
        return as_commit(first)
    if first is not None:
        return repeated(first, document["fingerprint"])
    if fault.get("keyPattern") == {"_id": 1}:  # there, but not yet on a majority
        return Unavailable("this command is being carried out just now", retry_after_seconds=1)
    if fault.get("code") == DUPLICATE_KEY:
        return ConcurrencyConflict(
            "somebody else changed it first; read it again and repeat", code="conflict"
        )
    return Unavailable(f"the event store refused the commit: {fault.get('errmsg', '')[:200]}")


def repeated(first: Mapping[str, Any], fingerprint: str | None) -> Commit | Exception:
    """The first result of a repeated command, or KeyReused when the request was another one."""
    if fingerprint is not None and first["fingerprint"] not in {None, fingerprint}:
        return KeyReused("this Idempotency-Key was used for another request; use a new one")
    return as_commit(first, repeated=True)


def checked(document: Mapping[str, Any]) -> RawBSONDocument:
    """The commit in BSON. Raise TooLarge over the limits of a commit or of an event."""
    if len(document["events"]) > MAX_EVENTS:
        raise TooLarge(f"a command may record at most {MAX_EVENTS} events")
    encoded = bson.encode(document)
    size = len(encoded)
    if size > MAX_COMMIT_BYTES:
        raise TooLarge(f"a command may record at most {MAX_COMMIT_BYTES} bytes; this has {size}")
    if size > MAX_EVENT_BYTES // JSON_GROWTH:
        for stored in document["events"]:
            if (length := len(canonical(stored))) > MAX_EVENT_BYTES:
                raise TooLarge(f"an event may have {MAX_EVENT_BYTES} bytes; this has {length}")
    return RawBSONDocument(encoded)
