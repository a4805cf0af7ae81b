"""Writes in one MongoDB transaction: again when it loses to others, refused when it can never succeed."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from bson.errors import InvalidDocument
from pymongo import DeleteMany, DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, DocumentTooLarge, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from domain.errors import Unavailable
from domain.read_models import RefusedWriteError, Write

Document = dict[str, Any]
Operation = (
    InsertOne[Document] | ReplaceOne[Document] | UpdateOne | UpdateMany | DeleteOne | DeleteMany
)
Work = Callable[[AsyncClientSession], Awaitable[None]]

MAJORITY = WriteConcern("majority", j=True)
TRIES = 8
FIRST_WAIT_SECONDS = 0.01


def insertion(write: Write) -> Operation:
    """As `operation`, for documents that are new: several times quicker, refused where one is there."""
    return InsertOne(dict(write.what)) if write.kind == "put" else operation(write)


def operation(write: Write) -> Operation:
    if write.kind == "put":
        return ReplaceOne(write.where, dict(write.what), upsert=True)
    if write.kind == "update":
        return (UpdateMany if write.many else UpdateOne)(write.where, write.what)
    return (DeleteMany if write.many else DeleteOne)(write.where)


async def bulk(
    collection: AsyncCollection[Document],
    writes: Iterable[Write],
    *,
    session: AsyncClientSession,
    projection: str,
    operation: Callable[[Write], Operation] = operation,
) -> None:
    """Raise RefusedWriteError for what the server, or BSON itself, will never take."""
    try:
        await collection.bulk_write([operation(write) for write in writes], session=session)
    except BulkWriteError as e:
        if e.has_error_label("TransientTransactionError"):
            raise
        raise RefusedWriteError(projection, reason_of(e)) from e
    except (InvalidDocument, DocumentTooLarge, OverflowError) as e:
        raise RefusedWriteError(projection, repr(e)) from e


def reason_of(error: BulkWriteError) -> str:
    faults = error.details.get("writeErrors") or [{"errmsg": str(error)}]
    return str(faults[0]["errmsg"])[:1_000]


async def transact(
    database: AsyncDatabase[Document], work: Work, *, write_concern: WriteConcern = MAJORITY
) -> None:
    """Run `work` in one transaction, again with growing jittered waits while it loses to others."""
    for attempt in range(TRIES):
        try:
            async with (
                database.client.start_session() as session,
                transaction(session, write_concern),
            ):
                await work(session)
        except PyMongoError as e:
            if not e.has_error_label("TransientTransactionError") or attempt == TRIES - 1:
                raise Unavailable(f"the read models cannot be written: {e}") from e
            spread = random.uniform(0.5, 1.5)  # noqa: S311 # spreads load, hides nothing
            await asyncio.sleep(FIRST_WAIT_SECONDS * 2**attempt * spread)
        else:
            return


@asynccontextmanager
async def transaction(
    session: AsyncClientSession, write_concern: WriteConcern
) -> AsyncIterator[None]:
    """Snapshot reads. The driver repeats a commit whose answer was lost once."""
    async with await session.start_transaction(
        read_concern=ReadConcern("snapshot"), write_concern=write_concern
    ):
        yield


class unavailable:  # noqa: N801 # a context manager, read as a word
    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, PyMongoError):
            raise Unavailable(f"{self.what}: {error}") from error
