"""The read models' port over a collection that is being rebuilt: fits `projections.rebuild.Building`."""

from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.write_concern import WriteConcern

from domain.read_models import Batch, RefusedWriteError, Write
from integrations.moves import Move, forget
from integrations.read_models import LIVE, MongoReadModels
from integrations.transactions import Operation, insertion, operation, transact

Document = dict[str, Any]


class MongoBuilding(MongoReadModels):
    """`orders__v2` with a checkpoint of the same name. Only the rename has to be durable."""

    write_concern = WriteConcern(1)

    def __init__(self, database: AsyncDatabase[Document], projection: str, *, version: int) -> None:
        super().__init__(database)
        self.projection = projection
        self.version = version
        self.checkpoint = f"{projection}__v{version}"
        self._mover = Move(database)
        self._inserts = True

    def label(self, projection: str) -> str:
        return f"{projection}__v{self.version}"

    async def apply(self, batch: Batch) -> None:
        """Insert what is put, until a document is met that was there before."""
        try:
            await super().apply(batch)
        except RefusedWriteError:
            if not self._inserts:
                raise
            self._inserts = False
            await super().apply(batch)

    def operation(self, write: Write) -> Operation:
        return insertion(write) if self._inserts else operation(write)

    async def begin(self) -> None:
        await self.prepare()
        await self._mover.end_if_stale()
        names = await self.database.list_collection_names(filter={"name": self.checkpoint})
        if not names:
            await self.start_over()

    async def start_over(self) -> None:
        """Forget an earlier rebuild's work: its folds may have been others."""
        await self.database.drop_collection(self.checkpoint)

        async def work(session: AsyncClientSession) -> None:
            await forget(self.database, self.checkpoint, session)

        await transact(self.database, work)

    async def live_position(self) -> int:
        live = await self.database["checkpoints"].find_one({"_id": LIVE}) or {}
        return int(live.get("position", 0))

    async def fence(self) -> int:
        return await self._mover.fence(
            projection=self.projection, version=self.version, building=self.checkpoint
        )

    async def swap(self) -> None:
        await self._mover.swap()
