"""Read models on MongoDB: fits `domain.read_models.ReadModels`.

One document, `checkpoints/live`, holds the position of all live projections, their versions and the
fence. Every batch moves it in its own transaction, so two runners can never both apply an event.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from bson.errors import InvalidDocument
from pymongo import DeleteMany, DeleteOne, IndexModel, ReplaceOne, UpdateMany, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, DocumentTooLarge, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from domain.errors import Unavailable
from domain.read_models import (
    Batch,
    Index,
    MovedError,
    ParkedEvent,
    RefusedWriteError,
    Standing,
    Write,
)

Document = dict[str, Any]
Operation = ReplaceOne[Document] | UpdateOne | UpdateMany | DeleteOne | DeleteMany
Work = Callable[[AsyncClientSession], Awaitable[None]]

LIVE = "live"
MAJORITY = WriteConcern("majority", j=True)
TRIES = 8
FIRST_WAIT_SECONDS = 0.01
MAX_PARKED = 10_000
"""Streams that one runner holds in mind; a shop with more has one broken fold, not many bad events."""


class MongoReadModels:
    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self.database = database
        self._checkpoints = database["checkpoints"]
        self._parked = database["parked"]

    async def prepare(self) -> None:
        """Make the bookkeeping's indexes. Safe to repeat."""
        await self._parked.create_index(
            [("projection", 1), ("stream", 1), ("position", 1)], unique=True
        )

    async def standing(self) -> Standing:
        with unavailable("the read models' checkpoint cannot be read"):
            live = await self._checkpoints.find_one({"_id": LIVE}) or {}
            groups = await self._parked.aggregate(
                [
                    {"$group": {"_id": {"projection": "$projection", "stream": "$stream"}}},
                    {"$limit": MAX_PARKED},
                ]
            )
            pairs = [(g["_id"]["projection"], g["_id"]["stream"]) async for g in groups]
        return Standing(
            position=live.get("position", 0),
            versions=live.get("versions", {}),
            parked=frozenset(pairs),
            fence=live["fence"]["projection"] if live.get("fence") else None,
        )

    async def adopt(self, name: str, *, version: int, indexes: Sequence[Index]) -> None:
        await ensure_collection(self.database, name, indexes)
        await self._checkpoints.with_options(write_concern=MAJORITY).update_one(
            {"_id": LIVE},
            {"$set": {f"versions.{name}": version}, "$setOnInsert": {"position": 0, "fence": None}},
            upsert=True,
        )

    async def apply(self, batch: Batch) -> None:
        async def work(session: AsyncClientSession) -> None:
            await self._move(batch, session)
            await self._write(batch, session)
            await self._park(batch.parked, session)

        await transact(self.database, work)

    async def _move(self, batch: Batch, session: AsyncClientSession) -> None:
        moved = await self._checkpoints.update_one(
            {"_id": LIVE, "position": batch.after, "fence": None},
            {"$set": {"position": batch.position}, "$currentDate": {"at": True}},
            session=session,
        )
        if moved.matched_count == 0:
            raise MovedError

    async def _write(self, batch: Batch, session: AsyncClientSession) -> None:
        for name, writes in batch.writes.items():
            await bulk(self.database, name, writes, session=session)

    async def _park(self, parked: Sequence[ParkedEvent], session: AsyncClientSession) -> None:
        """Touch the head of each stream that was parked before, so that a release of it conflicts."""
        begun = {(p.projection, p.stream) for p in parked if p.error is not None}
        for projection, stream in {(p.projection, p.stream) for p in parked} - begun:
            head = await self._parked.find_one_and_update(
                {"projection": projection, "stream": stream},
                {"$currentDate": {"waitedAt": True}},
                sort=[("position", 1)],
                session=session,
            )
            if head is None:
                raise MovedError
        if parked:
            await self._parked.insert_many([as_document(p) for p in parked], session=session)

    async def parked(self, *, projection: str, stream: str, limit: int) -> list[ParkedEvent]:
        query = {"projection": projection, "stream": stream}
        found = self._parked.find(query).sort("position", 1).limit(limit)
        return [as_parked(document) async for document in found]

    async def parked_heads(self, *, limit: int = 100) -> list[Document]:
        """For the CLI: the first parked event of each stream, with its error and how many wait."""
        first = {name: {"$first": f"${name}"} for name in ("position", "error", "at", "status")}
        cursor = await self._parked.aggregate(
            [
                {"$sort": {"projection": 1, "stream": 1, "position": 1}},
                {
                    "$group": {
                        "_id": {"projection": "$projection", "stream": "$stream"},
                        **first,
                        "events": {"$sum": 1},
                    }
                },
                {"$sort": {"position": 1}},
                {"$limit": limit},
            ]
        )
        return [{**document.pop("_id"), **document} async for document in cursor]

    async def release(
        self, batch: Batch, released: Sequence[ParkedEvent], *, failed: ParkedEvent | None = None
    ) -> None:
        async def work(session: AsyncClientSession) -> None:
            await self._stand_clear(session)
            await self._write(batch, session)
            await self._unpark(released, session)
            if failed is not None:
                await self._parked.update_one(
                    key_of(failed),
                    {"$set": {"error": failed.error, "status": "parked"}},
                    session=session,
                )

        await transact(self.database, work)

    async def _stand_clear(self, session: AsyncClientSession) -> None:
        """Conflict with a fence that is being raised; do not touch the position."""
        live = await self._checkpoints.update_one(
            {"_id": LIVE, "fence": None}, {"$inc": {"releases": 1}}, session=session
        )
        if live.matched_count == 0:
            raise MovedError

    async def _unpark(self, released: Iterable[ParkedEvent], session: AsyncClientSession) -> None:
        for event in released:
            gone = await self._parked.delete_one(key_of(event), session=session)
            if gone.deleted_count == 0:
                raise MovedError


def key_of(event: ParkedEvent) -> Document:
    return {"projection": event.projection, "stream": event.stream, "position": event.position}


def as_document(event: ParkedEvent) -> Document:
    status = "waiting" if event.error is None else "parked"
    return {**key_of(event), "error": event.error, "status": status, "at": datetime.now(UTC)}


def as_parked(document: Document) -> ParkedEvent:
    names = ("projection", "stream", "position", "error")
    return ParkedEvent(**{name: document[name] for name in names})


async def ensure_collection(
    database: AsyncDatabase[Document], name: str, indexes: Sequence[Index]
) -> None:
    """Make the collection and its indexes. Safe to repeat."""
    if name not in await database.list_collection_names(filter={"name": name}):
        await database.create_collection(name)
    if indexes:
        models = [IndexModel(list(i.keys), **dict(i.options)) for i in indexes]
        await database[name].create_indexes(models)


# --- Writing -------------------------------------------------------------------------------------


def operation(write: Write) -> Operation:
    if write.kind == "put":
        return ReplaceOne(write.where, dict(write.what), upsert=True)
    if write.kind == "update":
        return (UpdateMany if write.many else UpdateOne)(write.where, write.what)
    return (DeleteMany if write.many else DeleteOne)(write.where)


async def bulk(
    database: AsyncDatabase[Document],
    name: str,
    writes: Iterable[Write],
    *,
    session: AsyncClientSession,
    ordered: bool = True,
) -> None:
    """Raise RefusedWriteError for what the server, or BSON itself, will never take."""
    try:
        await database[name].bulk_write(
            [operation(write) for write in writes], ordered=ordered, session=session
        )
    except BulkWriteError as e:
        if e.has_error_label("TransientTransactionError"):
            raise
        raise RefusedWriteError(name, reason_of(e)) from e
    except (InvalidDocument, DocumentTooLarge, OverflowError) as e:
        raise RefusedWriteError(name, repr(e)) from e


def reason_of(error: BulkWriteError) -> str:
    faults = error.details.get("writeErrors") or [{"errmsg": str(error)}]
    return str(faults[0]["errmsg"])[:1_000]


async def transact(database: AsyncDatabase[Document], work: Work) -> None:
    """Run `work` in one transaction, again with growing jittered waits while it loses to others."""
    for attempt in range(TRIES):
        try:
            async with database.client.start_session() as session, transaction(session):
                await work(session)
        except PyMongoError as e:
            if not e.has_error_label("TransientTransactionError") or attempt == TRIES - 1:
                raise Unavailable(f"the read models cannot be written: {e}") from e
            spread = random.uniform(0.5, 1.5)  # noqa: S311 # spreads load, hides nothing
            await asyncio.sleep(FIRST_WAIT_SECONDS * 2**attempt * spread)
        else:
            return


@asynccontextmanager
async def transaction(session: AsyncClientSession) -> AsyncIterator[None]:
    """Snapshot reads, majority writes. The driver repeats a commit whose answer was lost once."""
    async with await session.start_transaction(
        read_concern=ReadConcern("snapshot"), write_concern=MAJORITY
    ):
        yield


class unavailable:  # noqa: N801 # a context manager, read as a word
    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, PyMongoError):
            raise Unavailable(f"{self.what}: {error}") from error
