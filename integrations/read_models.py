"""Read models on MongoDB: fits `domain.read_models.ReadModels`.

One document, `checkpoints/live`, holds the position of all live projections, their versions and the
fence. Every batch moves it in its own transaction, so two runners can never both apply an event.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from pymongo import IndexModel
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

from domain.read_models import Batch, Index, MovedError, ParkedEvent, Standing, Write
from integrations.moves import Move
from integrations.namespaces import make_collection
from integrations.transactions import MAJORITY, Operation, bulk, operation, transact, unavailable

Document = dict[str, Any]

LIVE = "live"
INDEX_NOT_FOUND = 27
MAX_PARKED = 10_000
"""Streams that one runner holds in mind; a shop with more has one broken fold, not many bad events."""


class MongoReadModels:
    checkpoint = LIVE
    write_concern = MAJORITY

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self.database = database
        self._checkpoints = database["checkpoints"]
        self._parked = database["parked"]

    def operation(self, write: Write) -> Operation:
        return operation(write)

    def label(self, projection: str) -> str:
        """The projection's name in the database: of its collection, and on its parked events."""
        return projection

    async def prepare(self) -> None:
        """Make the bookkeeping's indexes. Safe to repeat."""
        await self._parked.create_index(
            [("projection", 1), ("stream", 1), ("position", 1)], unique=True
        )

    async def standing(self) -> Standing:
        with unavailable("the read models' checkpoint cannot be read"):
            stands = await self._checkpoints.find_one({"_id": self.checkpoint}) or {}
            pairs = await self._parked_streams(list(stands.get("versions", {})))
        return Standing(
            position=stands.get("position", 0),
            epoch=stands.get("epoch", 0),
            versions=stands.get("versions", {}),
            parked=frozenset(pairs),
            fence=stands["fence"]["projection"] if stands.get("fence") else None,
        )

    async def _parked_streams(self, projections: Sequence[str]) -> list[tuple[str, str]]:
        names = {self.label(projection): projection for projection in projections}
        groups = await self._parked.aggregate(
            [
                {"$match": {"projection": {"$in": list(names)}}},
                {"$group": {"_id": {"projection": "$projection", "stream": "$stream"}}},
                {"$limit": MAX_PARKED},
            ]
        )
        return [(names[g["_id"]["projection"]], g["_id"]["stream"]) async for g in groups]

    async def ensure_indexes(self, name: str, indexes: Sequence[Index]) -> None:
        with unavailable("the read models' indexes cannot be made"):
            await ensure_collection(self.database, self.label(name), indexes)

    async def drop_unwanted_indexes(self, name: str, indexes: Sequence[Index]) -> None:
        """When no build at work wants others: each index costs every write."""
        collection = self.database[self.label(name)]
        wanted = {str(model.document["name"]) for model in models_of(indexes)} | {"_id_"}
        with unavailable("unwanted indexes cannot be dropped"):
            for known in set(await collection.index_information()) - wanted:
                await _drop_index(collection, known)

    async def adopt(self, name: str, *, version: int, indexes: Sequence[Index]) -> None:
        await ensure_collection(self.database, self.label(name), indexes)
        await self._checkpoints.with_options(write_concern=MAJORITY).update_one(
            {"_id": self.checkpoint},
            {
                "$set": {f"versions.{name}": version},
                "$inc": {"epoch": 1},
                "$setOnInsert": {"position": 0, "fence": None},
            },
            upsert=True,
        )

    async def forget(self, names: Collection[str]) -> None:
        """Of projections that no build at work has any more: they will be filled anew if they come back."""
        if names:
            await self._checkpoints.with_options(write_concern=MAJORITY).update_one(
                {"_id": self.checkpoint},
                {"$unset": {f"versions.{name}": "" for name in names}, "$inc": {"epoch": 1}},
            )

    async def apply(self, batch: Batch) -> None:
        async def work(session: AsyncClientSession) -> None:
            await self._move(batch, session)
            await self._write(batch, session)
            await self._park(batch.parked, session)

        await transact(self.database, work, write_concern=self.write_concern)

    async def _move(self, batch: Batch, session: AsyncClientSession) -> None:
        moved = await self._checkpoints.update_one(
            {
                "_id": self.checkpoint,
                "position": batch.after,
                "epoch": batch.epoch,
                "fence": None,
            },
            {"$set": {"position": batch.position}, "$currentDate": {"at": True}},
            session=session,
        )
        if moved.matched_count == 0:
            raise MovedError

    async def _write(self, batch: Batch, session: AsyncClientSession) -> None:
        for name, writes in batch.writes.items():
            collection = self.database[self.label(name)]
            await bulk(
                collection, writes, session=session, projection=name, operation=self.operation
            )

    async def _park(self, parked: Sequence[ParkedEvent], session: AsyncClientSession) -> None:
        """Touch the head of each stream that was parked before, so that a release of it conflicts."""
        begun = {(p.projection, p.stream) for p in parked if p.error is not None}
        for projection, stream in {(p.projection, p.stream) for p in parked} - begun:
            head = await self._parked.find_one_and_update(
                {"projection": self.label(projection), "stream": stream},
                {"$currentDate": {"waitedAt": True}},
                sort=[("position", 1)],
                session=session,
            )
            if head is None:
                raise MovedError
        if parked:
            documents = [self._key(p) | as_document(p) for p in parked]
            await self._parked.insert_many(documents, session=session)

    async def end_stale_fence(self) -> None:
        await Move(self.database).end_if_stale()

    async def parked(self, *, projection: str, stream: str, limit: int) -> list[ParkedEvent]:
        query = {"projection": self.label(projection), "stream": stream}
        found = self._parked.find(query).sort("position", 1).limit(limit)
        return [
            ParkedEvent(
                projection=projection,
                stream=stream,
                position=document["position"],
                error=document["error"],
            )
            async for document in found
        ]

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
                    self._key(failed),
                    {"$set": {"error": failed.error, "status": "parked"}},
                    session=session,
                )

        await transact(self.database, work)

    async def _stand_clear(self, session: AsyncClientSession) -> None:
        """Conflict with a fence that is being raised; do not touch the position."""
        live = await self._checkpoints.update_one(
            {"_id": self.checkpoint, "fence": None}, {"$inc": {"releases": 1}}, session=session
        )
        if live.matched_count == 0:
            raise MovedError

    async def _unpark(self, released: Iterable[ParkedEvent], session: AsyncClientSession) -> None:
        for event in released:
            gone = await self._parked.delete_one(self._key(event), session=session)
            if gone.deleted_count == 0:
                raise MovedError

    def _key(self, event: ParkedEvent) -> Document:
        projection = self.label(event.projection)
        return {"projection": projection, "stream": event.stream, "position": event.position}


def as_document(event: ParkedEvent) -> Document:
    status = "waiting" if event.error is None else "parked"
    return {"error": event.error, "status": status, "at": datetime.now(UTC)}


async def ensure_collection(
    database: AsyncDatabase[Document], name: str, indexes: Sequence[Index]
) -> None:
    """Make the collection and its indexes. Safe to repeat."""
    await make_collection(database, name)
    if models := models_of(indexes):
        await database[name].create_indexes(models)


def models_of(indexes: Sequence[Index]) -> list[IndexModel]:
    return [IndexModel(list(index.keys), **dict(index.options)) for index in indexes]


async def _drop_index(collection: AsyncCollection[Document], name: str) -> None:
    try:
        await collection.drop_index(name)
    except OperationFailure as e:  # another process was faster
        if e.code != INDEX_NOT_FOUND:
            raise
