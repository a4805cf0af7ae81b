"""Events of single streams: of each only what is wanted leaves MongoDB, and many are asked for at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection

from batching import Batched

PAGE_EVENTS = 500
"""Versions of one stream that are read at once; versions have no holes, so this bounds what comes."""
MOST_STREAMS = 64
"""In one question: each may bring a page."""

Stored = tuple[dict[str, Any], datetime]
"""A stored event, and the time of its commit."""
Place = tuple[str, int]
"""A stream, and the version after which it is read."""


class Streams:
    """Only what a majority has is read; a read that is a moment behind costs a conflict and a new try."""

    def __init__(self, commits: AsyncCollection[dict[str, Any]]) -> None:
        self._commits = commits
        self._pages: Batched[Place, list[Stored]] = Batched(self._read, most=MOST_STREAMS)

    async def page(self, stream: str, *, after_version: int) -> list[Stored]:
        """The next `PAGE_EVENTS` of a stream, oldest first; fewer at its end."""
        return await self._pages.get((stream, after_version)) or []

    async def pages(self, places: Sequence[Place]) -> dict[Place, list[Stored]]:
        return await self._pages.get_many(places)

    async def _read(self, places: Sequence[Place]) -> Mapping[Place, list[Stored]]:
        wanted = [stream for stream, _ in places]
        query, shape = query_of(places), only_of(wanted)
        rows = [
            (stored, document["at"])
            for document in await self._commits.find(query, shape).to_list()
            for stored in document["events"]
        ]
        found: dict[Place, list[Stored]] = {place: [] for place in places}
        by_stream: dict[str, list[Place]] = {}
        for place in places:
            by_stream.setdefault(place[0], []).append(place)
        for row in rows:
            for place in by_stream[row[0]["stream"]]:
                if place[1] < row[0]["version"] <= place[1] + PAGE_EVENTS:
                    found[place].append(row)
        for page in found.values():
            page.sort(key=lambda row: row[0]["version"])
        return found


def query_of(places: Sequence[Place]) -> dict[str, Any]:
    """Each branch of an $or costs the server five times what one more stream in a branch does."""
    by_start: dict[int, list[str]] = {}
    for stream, after in places:
        by_start.setdefault(after, []).append(stream)
    branches = [_events_of(streams, after) for after, streams in by_start.items()]
    return branches[0] if len(branches) == 1 else {"$or": branches}


def _events_of(streams: Sequence[str], after: int) -> dict[str, Any]:
    versions = {"$gt": after, "$lte": after + PAGE_EVENTS}
    return {"events": {"$elemMatch": {"stream": {"$in": list(streams)}, "version": versions}}}


def only_of(streams: Sequence[str]) -> dict[str, Any]:
    """An import's commit holds the events of hundreds of products: those of other streams stay there."""
    of_these = {"$in": ["$$event.stream", list(streams)]}
    return {
        "at": 1,
        "events": {"$filter": {"input": "$events", "as": "event", "cond": of_these}},
    }
