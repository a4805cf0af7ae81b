"""How a rebuilt collection takes the place of the one that serves, whatever dies on the way.

A rename cannot be part of a transaction. So the live group is fenced first, the fence naming the new
collection by its UUID: whoever comes later sees from the UUID whether the rename has happened, and
ends the move either way. A maker that wakes up after that finds its collection or its fence gone, or the
fence of another.
"""

from typing import Any

import structlog
from pymongo import ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from domain.errors import Unavailable
from domain.read_models import MovedError
from integrations.transactions import MAJORITY, transact

log = structlog.get_logger(__name__)

Document = dict[str, Any]
LIVE = "live"
STALE_MILLISECONDS = 60_000


class Move:
    """Moves are rare: every step may be repeated."""

    def __init__(
        self, database: AsyncDatabase[Document], *, stale_milliseconds: int = STALE_MILLISECONDS
    ) -> None:
        self._database = database
        self._checkpoints = database.get_collection("checkpoints", write_concern=MAJORITY)
        self._stale_milliseconds = stale_milliseconds
        self._fenced: Any = None
        """The UUID of the collection for which this maker has raised the fence."""

    async def fence(self, *, projection: str, version: int, building: str) -> int:
        """Pause the live group; return where it stands. Raises MovedError when another move is on."""
        uuid = await self._uuid(building)
        fence = {
            "projection": projection,
            "version": version,
            "building": building,
            "uuid": uuid,
            "at": "$$NOW",
        }
        await self._checkpoints.update_one(
            {"_id": LIVE}, {"$setOnInsert": {"position": 0, "epoch": 0, "fence": None}}, upsert=True
        )
        live = await self._checkpoints.find_one_and_update(
            {"_id": LIVE, "$or": [{"fence": None}, {"fence.uuid": uuid}]},
            [{"$set": {"fence": fence}}],
            return_document=ReturnDocument.AFTER,
        )
        if live is None:
            raise MovedError
        self._fenced = uuid
        return int(live["position"])

    async def swap(self) -> None:
        """Rename the fenced collection over the serving one, and lift the fence. Raises MovedError when the
        fence is not this maker's any more: another one's collection may not be filled yet.
        """
        fence = await self._fence()
        if fence is None or fence["uuid"] != self._fenced:
            raise MovedError
        try:
            await self._rename(fence)
        except PyMongoError as e:
            raise Unavailable(f"the rebuilt collection could not be moved in: {e}") from e
        await self._finish(fence)

    async def _rename(self, fence: Document) -> None:
        name = self._database.name
        await self._database.client.admin.command(
            "renameCollection",
            f"{name}.{fence['building']}",
            to=f"{name}.{fence['projection']}",
            dropTarget=True,
            writeConcern={"w": "majority"},
        )

    async def end_if_stale(self) -> None:
        """Finish a move whose rename has happened; undo one that stands still for a minute."""
        fence = await self._fence()
        if fence is None:
            return
        if await self._renamed(fence):
            await self._finish(fence)
        elif await self._is_stale():
            await self._database.drop_collection(fence["building"])
            if await self._renamed(fence):  # it came in between the look and the drop
                await self._finish(fence)
            else:
                log.warning("a rebuild was given up", projection=fence["projection"])
                await self._undo(fence)

    async def _fence(self) -> Document | None:
        live = await self._checkpoints.find_one({"_id": LIVE}) or {}
        fence: Document | None = live.get("fence")
        return fence

    async def _is_stale(self) -> bool:
        limit = {"$subtract": ["$$NOW", self._stale_milliseconds]}
        query = {"_id": LIVE, "$expr": {"$lt": ["$fence.at", limit]}}
        return await self._checkpoints.find_one(query) is not None

    async def _renamed(self, fence: Document) -> bool:
        return bool(await self._uuid(fence["projection"]) == fence["uuid"])

    async def _uuid(self, collection: str) -> Any:
        """The collection's own id, which it keeps when it is renamed; None when there is none."""
        cursor = await self._database.list_collections(filter={"name": collection})
        found = await cursor.to_list()
        return found[0]["info"]["uuid"] if found else None

    async def _finish(self, fence: Document) -> None:
        """The new collection's checkpoint and parked events take the place of the old ones."""

        async def work(session: AsyncClientSession) -> None:
            version = {f"versions.{fence['projection']}": fence["version"]}
            lifted = await self._lift(fence, version, session)
            if not lifted:
                return  # another one has finished it
            parked = self._database["parked"]
            await parked.delete_many({"projection": fence["projection"]}, session=session)
            await parked.update_many(
                {"projection": fence["building"]},
                {"$set": {"projection": fence["projection"]}},
                session=session,
            )
            await self._checkpoints.delete_one({"_id": fence["building"]}, session=session)

        await transact(self._database, work)

    async def _undo(self, fence: Document) -> None:
        async def work(session: AsyncClientSession) -> None:
            if await self._lift(fence, {}, session):
                await forget(self._database, fence["building"], session)

        await transact(self._database, work)

    async def _lift(self, fence: Document, also: Document, session: AsyncClientSession) -> bool:
        lifted = await self._database["checkpoints"].update_one(
            {"_id": LIVE, "fence.uuid": fence["uuid"]},
            {"$set": {"fence": None, **also}, "$inc": {"epoch": 1}},
            session=session,
        )
        return lifted.matched_count == 1


async def forget(
    database: AsyncDatabase[Document], building: str, session: AsyncClientSession
) -> None:
    """Drop what a rebuild has noted of itself."""
    await database["parked"].delete_many({"projection": building}, session=session)
    await database["checkpoints"].delete_one({"_id": building}, session=session)
