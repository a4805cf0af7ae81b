"""What went wrong with single items of rounds: when each is tried again, and how often it was tried."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase

from integrations.transactions import MAJORITY

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
MOST_TRIES = 30
"""About a week. What fails then waits for an operator."""
MOST_WAITING = 1_000
"""Of one round. With more, something else is broken than single items."""
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class MongoSetbacks:
    """Fits `domain.ports.rounds.Setbacks`."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._setbacks = database.get_collection("setbacks", write_concern=MAJORITY)
        self._is_prepared = False

    async def _prepare(self) -> None:
        """With the first setback: most shops never have one."""
        if not self._is_prepared:
            await self._setbacks.create_index([("round", 1), ("retryAt", 1)])
            self._is_prepared = True

    async def waiting(self, round_name: str, *, now: datetime) -> Mapping[str, int]:
        found = self._setbacks.find({"round": round_name, "retryAt": {"$gt": now}})
        documents = await found.sort("retryAt", -1).limit(MOST_WAITING).to_list()
        return {document["name"]: document["tries"] for document in documents}

    async def note(self, round_name: str, name: str, *, error: str, now: datetime) -> None:
        await self._prepare()
        said = {"round": round_name, "name": name, "error": error[:1_000], "at": now}
        noted = await self._setbacks.find_one_and_update(
            {"_id": _id(round_name, name)},
            {"$set": said, "$inc": {"tries": 1}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        assert noted is not None  # an upsert always answers
        retry_at = now + pause(noted["tries"]) if noted["tries"] < MOST_TRIES else NEVER
        await self._setbacks.update_one({"_id": noted["_id"]}, {"$set": {"retryAt": retry_at}})

    async def settle(self, round_name: str, name: str) -> None:
        await self._setbacks.delete_one({"_id": _id(round_name, name)})

    async def retry(self, round_name: str, name: str, *, now: datetime) -> bool:
        """Let the next round try it again. False when nothing of that name was set back."""
        found = await self._setbacks.update_one(
            {"_id": _id(round_name, name)}, {"$set": {"retryAt": now, "tries": 0}}
        )
        return found.matched_count == 1

    async def listed(self, *, limit: int) -> list[dict[str, Any]]:
        """For the CLI."""
        return await self._setbacks.find().limit(limit).to_list()

    async def count(self) -> int:
        return await self._setbacks.estimated_document_count()


def pause(tries: int) -> timedelta:
    """A minute, then twice as long each time, up to six hours; a little more or less."""
    spread = random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, hides nothing
    longest: timedelta = min(FIRST_PAUSE * 2 ** (tries - 1), LONGEST_PAUSE)
    return longest * spread


def _id(round_name: str, name: str) -> str:
    return f"{round_name}/{name}"
