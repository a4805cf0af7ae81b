"""The live log through the `eventsourcing` library's own, synchronous eyes.

    PERSISTENCE_MODULE=tests.integrations.event_store.library_view MONGODB_URL=mongodb://…/jewelry_store

An auditor can open the log with the stock library, and the library's conformance suite for storage
runs over our commits and our ledger. Every call runs on an event loop in a thread of its own. An
insert is sealed at once, so that positions can be returned.
"""

import asyncio
import base64
import threading
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, Self, TypeVar
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    IntegrityError,
    Notification,
    OperationalError,
    ProcessRecorder,
    StoredEvent,
    Subscription,
    Tracking,
    TrackingRecorder,
)
from eventsourcing.utils import Environment, resolve_topic
from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError

from integrations.event_store.canonical import canonical, leaf_of
from integrations.event_store.commits import INDEXES, durable_collection, placed
from integrations.event_store.ledger import Ledger
from integrations.event_store.mapping import uuid7

T = TypeVar("T")
FOREIGN = "foreign-"
"""Streams whose names are UUIDs, as the library's own aggregates have them."""
TRANSACTION_ATTEMPTS = 20


class Portal:
    """An event loop on a thread of its own, for synchronous callers."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        return self.submit(work).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _stream_name(originator_id: UUID | str) -> str:
    return f"{FOREIGN}{originator_id.hex}" if isinstance(originator_id, UUID) else originator_id


def _originator(stream: str) -> UUID | str:
    return UUID(stream.removeprefix(FOREIGN)) if stream.startswith(FOREIGN) else stream


def _as_stored_event(event: Mapping[str, Any]) -> StoredEvent:
    """Events of the library's own carry their bytes; ours show their data as JSON."""
    data = event["data"]
    state = base64.b64decode(data["state"]) if event["schema"] == 0 else canonical(data)
    return StoredEvent(_originator(event["stream"]), event["version"], event["type"], state)


def _as_event(event: StoredEvent) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "stream": _stream_name(event.originator_id),
        "version": event.originator_version,
        "type": event.topic,
        "schema": 0,
        "data": {"state": base64.b64encode(event.state).decode()},
    }


class Recording:
    """The asynchronous half: commits, ledger and tracking of one database."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], prefix: str = "") -> None:
        self._client = database.client
        self._ledger = Ledger(database)
        self._commits = self._ledger.commits
        self._tracking = durable_collection(database, f"{prefix}tracking")

    async def prepare(self) -> Self:
        await self._ledger.prepare()
        await self._commits.create_indexes(INDEXES)
        return self

    async def insert_events(
        self, events: Sequence[StoredEvent], tracking: Tracking | None = None
    ) -> list[int]:
        """Positions of the events, once they are sealed."""
        places = {(str(e.originator_id), e.originator_version) for e in events}
        if len(places) < len(events):
            raise IntegrityError("the same version twice in one commit")
        if not events:
            if tracking is not None:
                await self.insert_tracking(tracking)
            return []
        commit: dict[str, Any] = {
            "_id": uuid7(),
            "command": "Record",
            "actor": "eventsourcing",
            "correlation": "",
            "causation": None,
            "fingerprint": None,
            "answer": None,
            "at": datetime.now(UTC).replace(microsecond=0),
            "events": [_as_event(event) for event in events],
        }
        commit["leaf"] = leaf_of(commit)
        commit["pending"] = True
        await self._insert(commit, tracking)
        first = await self._sealed(commit["_id"])
        return list(range(first, first + len(events)))

    async def _insert(self, commit: dict[str, Any], tracking: Tracking | None) -> None:
        try:
            if tracking is None:
                await self._commits.insert_one(commit)
            else:
                await self._insert_with_tracking(commit, tracking)
        except DuplicateKeyError as e:
            raise IntegrityError("the version is recorded already") from e
        except PyMongoError as e:
            raise OperationalError(str(e)) from e

    async def _insert_with_tracking(self, commit: dict[str, Any], tracking: Tracking) -> None:
        for attempt in range(1, TRANSACTION_ATTEMPTS + 1):
            try:
                async with (
                    self._client.start_session() as session,
                    await session.start_transaction(),
                ):
                    await self.insert_tracking(tracking, session)
                    await self._commits.insert_one(commit, session=session)
            except OperationFailure as e:
                if attempt < TRANSACTION_ATTEMPTS and e.has_error_label(
                    "TransientTransactionError"
                ):
                    continue
                raise
            return

    async def _sealed(self, commit_id: str) -> int:
        """Seal until this commit has its place; another sequencer may be faster."""
        while True:
            sealed = await self._ledger.seal()
            if sealed is not None:
                await self._ledger.finish(sealed.block)
            found = await self._commits.find_one({"_id": commit_id}, {"position": 1})
            if found is not None and "position" in found:
                return int(found["position"])

    async def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None,
        lte: int | None,
        desc: bool,
        limit: int | None,
    ) -> list[StoredEvent]:
        stream = _stream_name(originator_id)
        bounds = {"$gt": gt, "$lte": lte}
        versions: dict[str, Any] = {"$exists": True}
        versions |= {name: bound for name, bound in bounds.items() if bound is not None}
        query = {"events": {"$elemMatch": {"stream": stream, "version": versions}}}
        found = [
            event
            async for commit in self._commits.find(query, {"events": 1})
            for event in commit["events"]
            if event["stream"] == stream
            and (gt is None or event["version"] > gt)
            and (lte is None or event["version"] <= lte)
        ]
        found.sort(key=lambda event: event["version"], reverse=desc)
        return [_as_stored_event(event) for event in found[:limit]]

    async def select_notifications(
        self, first: int, limit: int, stop: int | None, topics: Sequence[str]
    ) -> list[Notification]:
        """Notifications from position `first` on; their ids are positions."""
        page: list[Notification] = []
        query = placed(gt=first - 1_000)
        if topics:
            query["events.type"] = {"$in": list(topics)}
        async for commit in self._commits.find(query).sort("position", 1):
            for position, event in enumerate(commit["events"], commit["position"]):
                if position < first or (topics and event["type"] not in topics):
                    continue
                if len(page) == limit or (stop is not None and position > stop):
                    return page
                stored = _as_stored_event(event)
                page.append(
                    Notification(
                        stored.originator_id,
                        stored.originator_version,
                        stored.topic,
                        stored.state,
                        position,
                    )
                )
        return page

    async def max_notification_id(self) -> int | None:
        block = await self._ledger.last_block()
        return None if block is None else block["first"] + block["count"] - 1

    async def subscribe(
        self, gt: int | None, topics: Sequence[str]
    ) -> AsyncGenerator[Notification | None, None]:
        """Notifications after `gt`, for ever; None after half a second in which nothing came.

        Waits on a change stream of the ledger.
        """
        last = gt or 0
        async with await self._ledger.blocks.watch(max_await_time_ms=500) as changes:
            while True:
                page = await self.select_notifications(last + 1, 500, None, topics)
                for notification in page:
                    last = notification.id
                    yield notification
                if not page and await changes.try_next() is None:
                    yield None

    async def insert_tracking(
        self, tracking: Tracking, session: AsyncClientSession | None = None
    ) -> None:
        try:
            await self._tracking.update_one(
                {"_id": tracking.application_name, "n": {"$lt": tracking.notification_id}},
                {"$set": {"n": tracking.notification_id}},
                upsert=True,
                session=session,
            )
        except DuplicateKeyError as e:
            raise IntegrityError(f"{tracking} is not after what was tracked") from e

    async def max_tracking_id(self, application_name: str) -> int | None:
        found = await self._tracking.find_one({"_id": application_name})
        return None if found is None else int(found["n"])


class MongoRecorder:
    def __init__(self, portal: Portal, recording: Recording) -> None:
        self.portal, self.recording = portal, recording


class MongoAggregateRecorder(MongoRecorder, AggregateRecorder):
    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        self.portal.call(self.recording.insert_events(stored_events))
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        return self.portal.call(
            self.recording.select_events(originator_id, gt=gt, lte=lte, desc=desc, limit=limit)
        )


class MongoApplicationRecorder(MongoAggregateRecorder, ApplicationRecorder):
    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        tracking: Tracking | None = None,
        **_: Any,
    ) -> Sequence[int] | None:
        return self.portal.call(self.recording.insert_events(stored_events, tracking))

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        first = 1 if start is None else start if inclusive_of_start else start + 1
        return self.portal.call(
            self.recording.select_notifications(max(first, 1), limit, stop, topics)
        )

    def max_notification_id(self) -> int | None:
        return self.portal.call(self.recording.max_notification_id())

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> "MongoSubscription":
        return MongoSubscription(self, gt, topics)


class MongoSubscription(Subscription[MongoApplicationRecorder]):
    def __init__(
        self,
        recorder: MongoApplicationRecorder,
        gt: int | None = None,
        topics: Sequence[str] = (),
    ) -> None:
        super().__init__(recorder, gt, topics)
        self._events = recorder.recording.subscribe(gt, topics)

    def __next__(self) -> Notification:
        while not self._has_been_stopped:
            notification = self._recorder.portal.call(_next(self._events))
            if notification is not None:
                return notification
        self._recorder.portal.call(self._events.aclose())
        raise StopIteration


async def _next(events: AsyncGenerator[Notification | None, None]) -> Notification | None:
    return await anext(events)


class MongoTrackingRecorder(MongoRecorder, TrackingRecorder):
    def insert_tracking(self, tracking: Tracking) -> None:
        self.portal.call(self.recording.insert_tracking(tracking))

    def max_tracking_id(self, application_name: str) -> int | None:
        return self.portal.call(self.recording.max_tracking_id(application_name))


class MongoProcessRecorder(MongoTrackingRecorder, MongoApplicationRecorder, ProcessRecorder):
    pass


async def _connect(url: str) -> AsyncMongoClient[dict[str, Any]]:
    return AsyncMongoClient(url, tz_aware=True)


class MongoFactory(InfrastructureFactory[MongoTrackingRecorder]):
    """What `PERSISTENCE_MODULE` finds. Needs MONGODB_URL with a database in its path."""

    def __init__(self, env: Environment) -> None:
        super().__init__(env)
        url = env.get("MONGODB_URL")
        if not url:
            raise OSError("MONGODB_URL is not set: name the database whose log is to be opened")
        self.portal = Portal()
        self._client = self.portal.call(_connect(url))
        self._database = self._client[
            env.get("MONGODB_NAME") or self._client.get_default_database("jewelry_store").name
        ]
        self._closed = False

    def _recording(self, purpose: str = "events") -> Recording:
        prefix = f"{self.env.name.lower()}_" if self.env.name else ""
        database = self._database
        if purpose != "events":  # the library's snapshots and projections are no part of history
            database = self._client[f"{database.name}_{prefix}{purpose}"]
        return self.portal.call(Recording(database, prefix).prepare())

    def aggregate_recorder(self, purpose: str = "events") -> MongoAggregateRecorder:
        return MongoAggregateRecorder(self.portal, self._recording(purpose))

    def application_recorder(self) -> MongoApplicationRecorder:
        return MongoApplicationRecorder(self.portal, self._recording())

    def tracking_recorder(
        self, tracking_recorder_class: type[Any] | None = None
    ) -> MongoTrackingRecorder:
        topic = self.env.get(self.TRACKING_RECORDER_TOPIC)
        chosen = tracking_recorder_class or (
            resolve_topic(topic) if topic else MongoTrackingRecorder
        )
        recorder: MongoTrackingRecorder = chosen(self.portal, self._recording())
        return recorder

    def process_recorder(self) -> MongoProcessRecorder:
        return MongoProcessRecorder(self.portal, self._recording("projection"))

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self.portal.call(self._client.close())
            self.portal.close()
