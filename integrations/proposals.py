"""What the read models propose to the worker's rounds, and where its sweeps stand."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase

from domain.ports.rounds import Open, Place


class MongoProposals:
    """Fits `domain.ports.rounds.Proposals`."""

    def __init__(self, read_models: AsyncDatabase[dict[str, Any]]) -> None:
        self._read_models = read_models

    async def unpaid_orders(
        self, *, until: datetime, without: Collection[str], limit: int
    ) -> list[str]:
        query = {"until": {"$lte": until}, "_id": {"$nin": [ObjectId(name) for name in without]}}
        due = self._read_models["orderDeadlines"].find(query, {"_id": 1})
        return [str(d["_id"]) for d in await due.sort("until").limit(limit).to_list()]

    async def open_payments(self, *, before: datetime, limit: int) -> list[Open]:
        return [
            Open(str(d["_id"]), d["since"]) for d in await self._open("openPayments", before, limit)
        ]

    async def open_refunds(self, *, before: datetime, limit: int) -> list[Open]:
        found = await self._open("openRefunds", before, limit)
        return [Open(f"{d['paymentId']}/{d['_id']}", d["since"]) for d in found]

    async def _open(self, collection: str, before: datetime, limit: int) -> list[dict[str, Any]]:
        found = self._read_models[collection].find({"since": {"$lte": before}})
        return await found.sort("since", -1).limit(limit).to_list()

    async def expired(self, kind: str, *, by: datetime, limit: int) -> list[str]:
        due = self._read_models[kind].find({"expiresAt": {"$lte": by}}, {"_id": 1})
        return [str(d["_id"]) for d in await due.sort("expiresAt").limit(limit).to_list()]

    async def due_pictures(
        self, *, by: datetime, limit: int
    ) -> AsyncIterator[tuple[str, Sequence[str]]]:
        due = {"_pictureDue": {"$type": "date", "$lte": by}, "status": "active"}
        found = self._read_models["products"].find(due, {"images": 1})
        async for document in found.sort("_pictureDue", -1).limit(limit):
            yield str(document["_id"]), document["images"]

    async def imports_of(self, keys: Collection[str], *, limit: int) -> list[str]:
        query = {"_key": {"$in": list(keys)}}
        found = self._read_models["importLogs"].find(query, {"_id": 1}).limit(limit)
        return [str(document["_id"]) async for document in found]


class MongoSweeps:
    """Fits `domain.ports.rounds.Sweeps`."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._sweeps = database["sweeps"]

    async def place(self, folder: str) -> Place:
        known = await self._sweeps.find_one({"_id": folder}) or {}
        return Place(after=known.get("after", ""), refused=known.get("refused", 0))

    async def keep(self, folder: str, place: Place) -> None:
        kept = {"after": place.after, "refused": place.refused}
        await self._sweeps.update_one({"_id": folder}, {"$set": kept}, upsert=True)
