"""Snapshots: only for aggregates that ask for them (`SNAPSHOT_EVERY`), never needed for correctness.

A snapshot is a cache of a fold: it names the class version that made it, a stale or unreadable one is
ignored, and a failed write is tried again by the next load.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.write_concern import WriteConcern

from batching import Batched
from domain.kernel import UNSTAMPED, AggregateRoot


class Snapshots:
    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        """A lost snapshot costs a longer fold: none is waited for on a majority."""
        self._snapshots = database.get_collection("snapshots", write_concern=WriteConcern(1))
        self._newest: Batched[str, dict[str, Any]] = Batched(self._read)

    async def prepare(self) -> None:
        """Nothing to make: the stream is the `_id`."""

    async def _read(self, streams: Sequence[str]) -> Mapping[str, dict[str, Any]]:
        found = self._snapshots.find({"_id": {"$in": list(streams)}})
        return {document["_id"]: document async for document in found}

    async def latest(
        self, aggregate_class: type[AggregateRoot], streams: Sequence[str]
    ) -> dict[str, Any]:
        """Aggregates as of their newest usable snapshots, by stream."""
        if not aggregate_class.SNAPSHOT_EVERY:
            return {}
        documents = await self._newest.get_many(streams)
        found = {s: _restored(aggregate_class, s, d) for s, d in documents.items()}
        return {stream: aggregate for stream, aggregate in found.items() if aggregate is not None}

    async def offer(self, aggregate: Any, *, newest: int, every: int = 0) -> bool:
        """Keep a snapshot when enough events came after the `newest` one. False when it was not."""
        due = type(aggregate).SNAPSHOT_EVERY
        if not due or aggregate.version - newest < max(due, every):
            return False
        await self._snapshots.replace_one(
            {"_id": aggregate.id},
            {
                "version": aggregate.version,
                "schema": _schema(type(aggregate)),
                "state": aggregate.snapshot_state(),
            },
            upsert=True,
        )
        return True


def _restored(
    aggregate_class: type[AggregateRoot], stream: str, document: Mapping[str, Any]
) -> Any:
    if document["schema"] != _schema(aggregate_class):
        return None
    aggregate: Any = aggregate_class.__new__(aggregate_class)
    aggregate.__base_init__(stream, document["version"], UNSTAMPED)
    try:
        aggregate.restore_snapshot(document["state"])
    except (KeyError, TypeError, ValueError):
        return None
    return aggregate


def _schema(aggregate_class: type[AggregateRoot]) -> int:
    return int(getattr(aggregate_class, "SNAPSHOT_SCHEMA", 1))
