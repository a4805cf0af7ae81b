"""Processes that start at the same moment make the same collections."""

import asyncio
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

from integrations.event_store import Ledger
from integrations.namespaces import make_collection
from integrations.read_models import MongoReadModels

AT_ONCE = 8


async def test_many_may_make_a_read_model_at_once(database: AsyncDatabase[dict[str, Any]]) -> None:
    several = [MongoReadModels(database) for _ in range(AT_ONCE)]
    await asyncio.gather(*(one.adopt("gems", version=1, indexes=()) for one in several))
    standing = await several[0].standing()
    assert standing.versions == {"gems": 1}
    assert standing.epoch == AT_ONCE


async def test_many_may_make_the_ledger_at_once(database: AsyncDatabase[dict[str, Any]]) -> None:
    await asyncio.gather(*(Ledger(database).prepare() for _ in range(AT_ONCE)))
    assert "commit" in await database["ledger"].index_information()


async def test_a_collection_that_cannot_be_made_is_told(
    database: AsyncDatabase[dict[str, Any]],
) -> None:
    with pytest.raises(OperationFailure, match="unknown top level operator"):
        await make_collection(database, "gems", validator={"$no": 1})
