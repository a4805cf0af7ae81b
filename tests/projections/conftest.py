"""The two stores of read models: every promise of the runner is kept on both."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from domain.read_models import ReadModels
from integrations.read_models import MongoReadModels
from projections.memory import MemoryReadModels

Documents = Callable[[str], Awaitable[list[dict[str, Any]]]]


@pytest.fixture(params=["memory", "mongodb"])
async def read_models(
    request: pytest.FixtureRequest, database: AsyncDatabase[dict[str, Any]]
) -> ReadModels:
    if request.param == "memory":
        return MemoryReadModels()
    store = MongoReadModels(database)
    await store.prepare()
    return store


@pytest.fixture
def documents(read_models: ReadModels, database: AsyncDatabase[dict[str, Any]]) -> Documents:
    """All documents of a collection, by id."""

    async def of(name: str) -> list[dict[str, Any]]:
        if isinstance(read_models, MemoryReadModels):
            found = read_models.collections.get(name, {})
            return [found[key] for key in sorted(found, key=str)]
        return await database[name].find().sort("_id", 1).to_list()

    return of
