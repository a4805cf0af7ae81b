"""A worker that is killed inside a transaction leaves it open on the server, with its locks."""

import asyncio
import time
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from domain.errors import Unavailable
from domain.read_models import Batch
from embedded.servers import TRANSACTION_SECONDS
from integrations.read_models import MongoReadModels

PATIENCE_SECONDS = TRANSACTION_SECONDS * 2 + 15
"""The server looks for abandoned transactions now and then; the machine may be busy."""


@pytest.mark.faults
async def test_the_read_models_go_on_soon_after_a_worker_died_in_its_transaction(
    database: AsyncDatabase[dict[str, Any]],
) -> None:
    read_models = MongoReadModels(database)
    await read_models.adopt("orders", version=1, indexes=[])
    standing = await read_models.standing()
    batch = Batch(after=0, position=7, writes={}, epoch=standing.epoch)
    async with database.client.start_session() as abandoned:
        await abandoned.start_transaction()
        held = {"$set": {"position": 5}}
        await database["checkpoints"].update_one({"_id": "live"}, held, session=abandoned)
        began = time.monotonic()
        while (await read_models.standing()).position != 7:
            assert time.monotonic() - began < PATIENCE_SECONDS, "the checkpoint is still locked"
            try:
                await read_models.apply(batch)
            except Unavailable:
                await asyncio.sleep(0.2)
