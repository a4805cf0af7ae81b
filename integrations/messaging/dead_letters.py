"""What consumers have done and what they could not do: positions and dead letters, on MongoDB.

A dead letter is a reference (position, stream, error), never a copy: the event stays in the ledger, and
a person's data stays erasable. While a stream has a dead letter, its later events wait behind it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pymongo import ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.write_concern import WriteConcern

from domain.ports.events import RecordedEvent
from integrations.event_store.sequencer import Lease

Document = dict[str, Any]
Handle = Callable[[RecordedEvent], Awaitable[None]]

MAJORITY = WriteConcern("majority", j=True)
MAX_LISTED = 1_000
FOUNDERS = "*"
"""Document of the consumers that were there when the shop opened."""


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    consumer: str
    stream: str
    position: int
    error: str | None
    """None for an event that only waits behind another one."""

    @property
    def key(self) -> str:
        return f"{self.consumer}/{self.position}"


class Desk:
    """Collections `consumers` and `dead_letters`."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._database = database
        self._consumers = database.get_collection("consumers", write_concern=MAJORITY)
        self._letters = database.get_collection("dead_letters", write_concern=MAJORITY)

    def lease(self, consumer: str, *, seconds: float) -> Lease:
        """Says which worker pulls for a consumer."""
        return Lease(self._database, f"consumer {consumer}", seconds=seconds)

    async def prepare(self) -> None:
        """Make the indexes. Safe to repeat."""
        await self._letters.create_index([("consumer", 1), ("stream", 1), ("position", 1)])

    async def enrol(self, names: Sequence[str], *, last_position: int) -> None:
        """Give new consumers their first position: in a new shop the beginning of history, in an old one
        its present end, since a policy invented today does not react to last year's orders.
        """
        founders = await self._consumers.find_one_and_update(
            {"_id": FOUNDERS},
            {"$setOnInsert": {"names": list(names)}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        assert founders is not None  # an upsert always answers
        for name in names:
            position = 0 if name in founders["names"] else last_position
            first = {"position": position, "at": datetime.now(UTC)}
            await self._consumers.update_one({"_id": name}, {"$setOnInsert": first}, upsert=True)

    async def position(self, consumer: str) -> int:
        found = await self._consumers.find_one({"_id": consumer})
        return 0 if found is None else int(found["position"])

    async def standing(self, consumer: str) -> tuple[int, list[int]]:
        """Everything up to this position is done, and these few behind it."""
        found = await self._consumers.find_one({"_id": consumer})
        return (0, []) if found is None else (int(found["position"]), found.get("done", []))

    async def advance(self, consumer: str, position: int, *, done: Sequence[int] = ()) -> None:
        """Everything up to here is done, or lies in a dead letter; and these behind it."""
        await self._consumers.update_one(
            {"_id": consumer},
            {
                "$max": {"position": position},
                "$set": {"done": list(done)},
                "$currentDate": {"at": True},
            },
            upsert=True,
        )

    async def positions(self) -> list[Document]:
        named = self._consumers.find({"_id": {"$ne": FOUNDERS}})
        return await named.limit(MAX_LISTED).to_list()

    async def has_letters(self, consumer: str) -> bool:
        return await self._letters.find_one({"consumer": consumer}, {"_id": 1}) is not None

    async def blocked(self, *, consumer: str, streams: Sequence[str]) -> list[str]:
        """Those of the streams that wait behind a dead letter."""
        query = {"consumer": consumer, "stream": {"$in": list(streams)}}
        return [str(stream) for stream in await self._letters.distinct("stream", query)]

    async def bury(self, letter: DeadLetter) -> None:
        """Keep the reference. Repeating it changes nothing."""
        document = {
            "consumer": letter.consumer,
            "stream": letter.stream,
            "position": letter.position,
            "error": letter.error,
            "status": "waiting" if letter.error is None else "dead",
            "at": datetime.now(UTC),
        }
        await self._letters.update_one({"_id": letter.key}, {"$setOnInsert": document}, upsert=True)

    async def oldest(self, *, consumer: str, stream: str) -> DeadLetter | None:
        query = {"consumer": consumer, "stream": stream}
        found = await self._letters.find_one(query, sort=[("position", 1)])
        return None if found is None else as_letter(found)

    async def fail_again(self, letter: DeadLetter, error: str) -> None:
        await self._letters.update_one(
            {"_id": letter.key}, {"$set": {"error": error, "status": "dead"}}
        )

    async def settle(self, letter: DeadLetter) -> None:
        await self._letters.delete_one({"_id": letter.key})

    async def listed(self, *, limit: int = 100) -> list[Document]:
        """For the CLI, oldest first."""
        found = self._letters.find().sort("position", 1)
        return await found.limit(min(limit, MAX_LISTED)).to_list()

    async def count(self) -> int:
        return await self._letters.estimated_document_count()


def as_letter(document: Document) -> DeadLetter:
    return DeadLetter(
        consumer=document["consumer"],
        stream=document["stream"],
        position=document["position"],
        error=document["error"],
    )


async def retry(
    desk: Desk,
    *,
    consumer: str,
    stream: str,
    event_at: Callable[[int], Awaitable[RecordedEvent]],
    handle: Handle,
) -> tuple[int, DeadLetter | None]:
    """Handle a stream's dead letters in order, until none is left or one fails again.

    Returns how many were handled, and the one that failed. A handler acts once however often it is
    called, so this is safe beside the consumer.
    """
    done = 0
    while letter := await desk.oldest(consumer=consumer, stream=stream):
        try:
            await handle(await event_at(letter.position))
        except Exception as error:  # noqa: BLE001 # whatever it raises stays on the letter
            await desk.fail_again(letter, repr(error))
            return done, letter
        await desk.settle(letter)
        done += 1
    return done, None
