"""The event store on MongoDB: fits `domain.ports.events.EventStore`."""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pymongo import ASCENDING
from pymongo.asynchronous.database import AsyncDatabase

from batching import Batched
from domain.errors import ConcurrencyConflict, Invalid, TooLarge
from domain.kernel import AggregateRoot, DomainEvent
from domain.ports.events import CommandContext, Commit, PersonalKeys, RecordedEvent, commit_id_of
from integrations.event_store import commits as c
from integrations.event_store.canonical import instant, leaf_of
from integrations.event_store.loading import Loading
from integrations.event_store.mapping import (
    from_message,
    recorded,
    subject_of,
    subjects_of,
    to_event,
    to_stored,
    uuid7,
)
from integrations.event_store.snapshots import Snapshots
from integrations.event_store.streams import PAGE_EVENTS, Streams
from integrations.transactions import unavailable

MAX_STREAM_EVENTS = 100_000
MAX_PAGE = 5_000
MAX_PAGE_ROWS = 1_000
PAGE_COMMITS = 50
MAX_STREAMS = 1_000


def make_commit(
    events: Sequence[DomainEvent],
    context: CommandContext,
    *,
    answer: str | None,
    keys: Mapping[str, bytes],
    now: datetime,
) -> dict[str, Any]:
    """The commit document of one command. Raise ConcurrencyConflict for a repeated (stream, version),
    Invalid for what cannot be stored.
    """
    places = {(e.originator_id, e.originator_version) for e in events}
    if len(places) < len(events):  # a unique multikey index does not look inside one document
        raise ConcurrencyConflict("one command recorded the same version of a stream twice")
    try:
        document: dict[str, Any] = {
            "_id": commit_id_of(context.command_id) if context.command_id else uuid7(),
            "command": context.command,
            "actor": context.actor,
            "correlation": context.correlation,
            "causation": context.causation,
            "fingerprint": context.fingerprint,
            "answer": answer,
            "at": now.replace(microsecond=now.microsecond // 1000 * 1000),
            "events": [to_stored(event, keys) for event in events],
        }
        document["leaf"] = leaf_of(document)
    except (TypeError, UnicodeError) as e:  # half a surrogate pair, as JavaScript may cut a text
        raise Invalid(f"an event cannot hold this text: {e}", code="not-storable") from e
    document["pending"] = True
    return document


class MongoEventStore:
    def __init__(
        self,
        database: AsyncDatabase[dict[str, Any]],
        keys: PersonalKeys,
        *,
        inserted: Callable[[int], Awaitable[None]] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`inserted(n)` wakes the sequencer after each group of commits."""
        self._commits = c.durable_collection(database, "commits")
        self._ledger = c.durable_collection(database, "ledger")
        self._keys = keys
        self._clock = clock
        self._snapshots = Snapshots(database)
        self._streams = Streams(self._commits)
        self._loading = Loading(self._streams, keys, self._snapshots)
        self._by_id: Batched[str, dict[str, Any]] = Batched(self._commits_by_id)
        self._committer = c.Committer(self._commits, inserted=inserted)

    async def prepare(self) -> None:
        """Make the indexes. Safe to repeat."""
        await self._commits.create_indexes(c.INDEXES)
        await self._snapshots.prepare()

    async def close(self) -> None:
        await self._committer.close()

    # --- writing ---

    async def append(
        self, events: Sequence[DomainEvent], context: CommandContext, *, answer: str | None = None
    ) -> Commit:
        if not events:
            raise Invalid("a commit without events", code="empty-commit")
        subjects = list({s for e in events if (s := subject_of(e)) is not None})
        keys = await self._keys.ensure(subjects) if subjects else {}
        document = make_commit(events, context, answer=answer, keys=keys, now=self._clock())
        commit = await self._committer.submit(document)
        if not commit.repeated:
            self._loading.kept.advance(events)
        return commit

    async def _commits_by_id(self, ids: Sequence[str]) -> Mapping[str, dict[str, Any]]:
        found = self._commits.find({"_id": {"$in": list(ids)}})
        return {document["_id"]: document async for document in found}

    async def commit_of(self, command_id: str, *, fingerprint: str | None = None) -> Commit | None:
        first = await self._by_id.get(commit_id_of(command_id))
        if first is None:
            return None
        outcome = c.repeated(first, fingerprint)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def commit(self, commit_id: str) -> Commit | None:
        found = await self._by_id.get(commit_id)
        return None if found is None else c.as_commit(found)

    # --- reading a stream ---
    # Only what a majority has is read; a read that is a moment behind costs a conflict and a new try.

    async def read_stream(
        self, stream: str, *, after_version: int = 0, up_to_version: int | None = None
    ) -> list[DomainEvent]:
        """Raise TooLarge rather than let anybody decide on a part of a stream."""
        found: list[DomainEvent] = []
        while page := await self._streams.page(stream, after_version=after_version):
            subjects = subjects_of(stored for stored, _ in page)
            keys = await self._keys.get(subjects) if subjects else {}
            found += [
                to_event(stored, at, keys)
                for stored, at in page
                if up_to_version is None or stored["version"] <= up_to_version
            ]
            after_version += PAGE_EVENTS
            if len(page) < PAGE_EVENTS or (up_to_version or after_version) < after_version:
                break
            if len(found) >= MAX_STREAM_EVENTS:
                raise TooLarge(f"{stream} has more than {MAX_STREAM_EVENTS} events")
        return found

    async def load_many(
        self, aggregate_class: type[AggregateRoot], object_ids: Sequence[str]
    ) -> dict[str, Any]:
        assert len(object_ids) <= MAX_STREAMS
        streams = {aggregate_class.stream(object_id): object_id for object_id in object_ids}
        found = await self._loading.load(aggregate_class, list(streams))
        return {streams[stream]: aggregate for stream, aggregate in found.items()}

    async def load(self, aggregate_class: type[AggregateRoot], object_id: str) -> Any:
        return (await self.load_many(aggregate_class, [object_id])).get(object_id)

    # --- reading history ---

    async def read_history(
        self, *, after_position: int, limit: int, up_to_position: int | None = None
    ) -> list[RecordedEvent]:
        limit = min(limit, MAX_PAGE)
        with unavailable("history cannot be read"):
            raw = await self.read_commits(after_position=after_position, limit=limit)
            keys = await self._keys.get(subjects_of(e for doc in raw for e in doc["events"]))
        page = [
            recorded(document, stored, position, keys)
            for document in raw
            for position, stored in enumerate(document["events"], document["position"])
            if position > after_position and (up_to_position is None or position <= up_to_position)
        ]
        return page[:limit]

    async def read_commits(self, *, after_position: int, limit: int) -> list[dict[str, Any]]:
        """Sequenced commit documents that hold positions after this one, in order, without a hole.

        A commit is marked after its block is written, in no order; so a page ends before the first
        commit whose mark is still missing.
        """
        start = await self._commits.find_one(
            c.placed(lte=after_position + 1), {"position": 1}, sort=[("position", -1)]
        )
        if start is None:
            return []
        expected: int = start["position"]
        wanted = c.placed(gte=expected, lte=after_position + limit)
        cursor = self._commits.find(wanted).sort("position", ASCENDING)
        page: list[dict[str, Any]] = []
        async for document in cursor.limit(limit + 1).batch_size(min(limit + 1, 1_000)):
            if document["position"] != expected:
                break
            expected += len(document["events"])
            if expected > after_position + 1:
                page.append(document)
            if expected > after_position + limit:
                break
        await cursor.close()
        return page

    async def last_position(self) -> int:
        block = await self._ledger.find_one({}, sort=[("_id", -1)])
        return 0 if block is None else block["first"] + block["count"] - 1

    async def decode(self, messages: Sequence[bytes]) -> list[RecordedEvent]:
        """Published messages as events, personal fields in clear where the key exists."""
        raw = [from_message(body) for body in messages]
        with unavailable("personal keys cannot be read"):
            keys = await self._keys.get(subjects_of(stored for _, stored, _ in raw))
        return [recorded(commit, stored, position, keys) for commit, stored, position in raw]

    # --- for auditors ---

    async def history_of(
        self,
        streams: Sequence[str],
        *,
        beside: Sequence[str] = (),
        after_position: int = 0,
        limit: int = MAX_PAGE_ROWS,
    ) -> list[dict[str, Any]]:
        wanted = {*streams, *beside}
        ids = await self._commits_after(after_position, streams, limit)
        rows: list[dict[str, Any]] = []
        for start in range(0, len(ids), PAGE_COMMITS):
            part = ids[start : start + PAGE_COMMITS]
            found = await self._commits.find({"_id": {"$in": part}}).to_list()
            chain, by_id = await self._chain_of(part), {d["_id"]: d for d in found}
            rows += [
                history_row(by_id[commit_id], stored, index, chain.get(commit_id))
                for commit_id in part
                for index, stored in enumerate(by_id[commit_id]["events"])
                if stored["stream"] in wanted
            ]
            rows = [r for r in rows if r["position"] is None or r["position"] > after_position]
            if sum(row["position"] is not None for row in rows) >= limit:
                return rows[:limit]
        return rows

    async def _commits_after(self, position: int, streams: Sequence[str], limit: int) -> list[str]:
        """Ids of those that hold the next `limit` events of each stream, in order; at the end those without
        a place.
        """
        places: dict[str, float] = {}
        for stream in streams:
            first = await self._version_after(position, stream)
            versions = {"$gte": first, "$lt": first + limit}
            query = {"events": {"$elemMatch": {"stream": stream, "version": versions}}}
            for document in await self._commits.find(query, {"position": 1}).to_list():
                places[document["_id"]] = document.get("position", math.inf)
        return sorted(places, key=places.__getitem__)

    async def _version_after(self, position: int, stream: str) -> int:
        """The first version of a stream behind a position. Places grow with versions: it is found by halving,
        however long the stream is.
        """
        low, high = 1, 1
        while position and await self._place(stream, high) <= position:
            low, high = high + 1, high * 2
        while low < high:
            middle = (low + high) // 2
            if await self._place(stream, middle) <= position:
                low = middle + 1
            else:
                high = middle
        return low

    async def _place(self, stream: str, version: int) -> float:
        """Of one event; infinite while it has none."""
        wanted = {"stream": stream, "version": version}
        shape = {"position": 1, "events.stream": 1, "events.version": 1}
        commit = await self._commits.find_one({"events": {"$elemMatch": wanted}}, shape)
        if commit is None or "position" not in commit:
            return math.inf
        return float(commit["position"] + commit["events"].index(wanted))

    async def _chain_of(self, ids: Sequence[str]) -> dict[str, str]:
        cursor = self._ledger.find(
            {"entries.commit": {"$in": list(ids)}}, {"hash": 1, "entries.commit": 1}
        )
        return {e["commit"]: block["hash"] async for block in cursor for e in block["entries"]}


def history_row(
    document: Mapping[str, Any], stored: Mapping[str, Any], index: int, chain: str | None
) -> dict[str, Any]:
    """An event as auditors see it; `chain` is the hash of its block, None while it waits for one."""
    position = document.get("position")
    return {
        "position": None if position is None else position + index,
        "stream": stored["stream"],
        "version": stored["version"],
        "type": stored["type"],
        "time": instant(document["at"]),
        "actor": document["actor"],
        "command": document["command"],
        "commit": document["_id"],
        "eventId": stored["id"],
        "causation": document["causation"],
        "data": stored["data"],
        "personal": stored.get("personal"),
        "hash": document["leaf"],
        "blockHash": chain,
    }
