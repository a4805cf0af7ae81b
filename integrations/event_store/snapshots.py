"""Snapshots: only for aggregates that ask for them (`SNAPSHOT_EVERY`), never needed for correctness.

A snapshot is a cache of a fold: it names the class version that made it, a stale or unreadable one is
ignored, and a failed write is tried again by the next load.
"""

from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from domain.kernel import UNSTAMPED, AggregateRoot


class Snapshots:
    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._snapshots = database["snapshots"]

    async def prepare(self) -> None:
        """Nothing to make: the stream is the `_id`."""

    async def latest(self, aggregate_class: type[AggregateRoot], stream: str) -> Any:
        """The aggregate as of its newest usable snapshot, or None."""
        if not getattr(aggregate_class, "SNAPSHOT_EVERY", 0):
            return None
        document = await self._snapshots.find_one({"_id": stream})
        if document is None or document["schema"] != _schema(aggregate_class):
            return None
        aggregate: Any = aggregate_class.__new__(aggregate_class)
        aggregate.__base_init__(stream, document["version"], UNSTAMPED)
        try:
            aggregate.restore_snapshot(document["state"])
        except (KeyError, TypeError, ValueError):
            return None
        return aggregate

    async def offer(self, aggregate: Any, *, loaded_from: int) -> None:
        """Keep a snapshot when enough was replayed since the last one."""
        every = getattr(type(aggregate), "SNAPSHOT_EVERY", 0)
        if not every or aggregate.version - loaded_from < every:
            return
        await self._snapshots.replace_one(
            {"_id": aggregate.id},
            {
                "version": aggregate.version,
                "schema": _schema(type(aggregate)),
                "state": aggregate.snapshot_state(),
            },
            upsert=True,
        )


def _schema(aggregate_class: type[AggregateRoot]) -> int:
    return int(getattr(aggregate_class, "SNAPSHOT_SCHEMA", 1))
