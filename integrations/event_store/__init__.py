"""The event store: commits, the ledger and the relay (ARCHITECTURE.md says what they promise)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from pymongo import AsyncMongoClient

from integrations.event_store.ledger import Ledger
from integrations.event_store.store import MongoEventStore
from integrations.event_store.subject_keys import SubjectKeys

__all__ = ["COMMITTED_SUBJECT", "Ledger", "MongoEventStore", "SubjectKeys", "open_event_store"]

COMMITTED_SUBJECT = "kundan.committed"
"""Core NATS: an API process has inserted commits; sequencers wake."""


@asynccontextmanager
async def open_event_store(
    client: AsyncMongoClient[dict[str, Any]],
    *,
    database: str,
    master_key: bytes,
    inserted: Callable[[int], Awaitable[None]] | None = None,
) -> AsyncIterator[tuple[MongoEventStore, SubjectKeys]]:
    """The store and its personal keys, with their indexes made. Finishes queued commits on leaving."""
    keys = SubjectKeys(client[f"{database}_keys"], master_key)
    store = MongoEventStore(client[database], keys, inserted=inserted)
    await Ledger(client[database]).prepare()
    await store.prepare()
    try:
        yield store, keys
    finally:
        await store.close()
