"""Which builds of the product have a worker at work: each says so every few seconds.

An older build that finds newer read models must know whether a newer worker is still there (a rolling
deployment) or gone for good (a rollback).
"""

import secrets
from collections.abc import Mapping
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from domain.errors import Unavailable
from integrations.transactions import unavailable

ALIVE_MILLISECONDS = 30_000
FORGOTTEN_MILLISECONDS = 86_400_000


class Builds:
    """One document a worker, on the database's clock."""

    def __init__(
        self,
        database: AsyncDatabase[dict[str, Any]],
        versions: Mapping[str, int],
        *,
        indexes: str = "",
    ) -> None:
        """`versions`: of the projections that this build has. `indexes`: their digest, all together."""
        self._builds = database["builds"]
        self._versions = dict(versions)
        self._indexes = indexes
        self._name = secrets.token_hex(8)

    async def beat(self) -> None:
        """Raise Unavailable when nobody can hear it."""
        said = {"indexes": {"$literal": self._indexes}}
        with unavailable("the builds at work cannot be told"):
            await self._builds.update_one(
                {"_id": self._name},
                [{"$set": {"versions": {"$literal": self._versions}, **said, "at": "$$NOW"}}],
                upsert=True,
            )
            await self._builds.delete_many(_at("$lt", FORGOTTEN_MILLISECONDS))

    async def is_newer_at_work(self) -> bool:
        """Somebody has a projection of a higher version than ours, or one that we do not know."""
        return any(
            version > self._versions.get(name, 0)
            for build in await self._alive()
            for name, version in build["versions"].items()
        )

    async def agree(self) -> bool:
        """All that are at work want the same indexes as we do."""
        return all(build.get("indexes") == self._indexes for build in await self._alive())

    async def _alive(self) -> list[dict[str, Any]]:
        with unavailable("the builds at work cannot be told"):
            return await self._builds.find(_at("$gte", ALIVE_MILLISECONDS)).limit(1_000).to_list()

    async def leave(self) -> None:
        """Its last word; without it the build is counted for half a minute more."""
        try:
            with unavailable("the builds at work cannot be told"):
                await self._builds.delete_one({"_id": self._name})
        except Unavailable:
            return


def _at(sign: str, milliseconds: int) -> dict[str, Any]:
    return {"$expr": {sign: ["$at", {"$subtract": ["$$NOW", milliseconds]}]}}
