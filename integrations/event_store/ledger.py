"""The ledger: the one order of history, sealed with hashes.

The sequencer gives pending commits their place. Its to-do list is the partial index `pending`, so it
needs no log of its own, and anything may wake it. Inserting block n is the compare-and-set: of any
number of sequencers one wins, the others meet a duplicate key and begin again. Whoever inserts block
n has finished every block before it, so at most the last block is unfinished. A lease saves work; it
is never needed for safety.
"""

import functools
import heapq
from collections import ChainMap, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import bson
import pymongo
from pymongo import ASCENDING, DESCENDING, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from domain.errors import Unavailable
from integrations.event_store.canonical import GENESIS, block_hash, merkle_root
from integrations.event_store.commits import durable_collection, placed
from integrations.event_store.mapping import message_body
from integrations.namespaces import make_collection

MAX_BLOCK_COMMITS = 500
MAX_PAGES = 32
"""A block's worth of pending commits is a page; so many are read at once at most."""
MAX_PAGE_BYTES = 8_000_000
"""A page ends with the commit that passes it: a block and its messages fit into memory."""
KNOWN_STREAMS = 20_000
"""With more pending than one block holds: of others the ledger is asked. Two hundred bytes each."""
MAJORITY_SECONDS = 5.0
"""How long to ask a majority that may be away: the server itself would wait for ever."""

BLOCK_SHAPE = {
    "$jsonSchema": {
        "bsonType": "object",
        "required": ["_id", "first", "count", "entries", "prev", "hash", "root", "at"],
        "properties": {
            "_id": {"bsonType": ["int", "long"], "minimum": 1},
            "first": {"bsonType": ["int", "long"], "minimum": 1},
            "count": {"bsonType": ["int", "long"], "minimum": 1},
            "entries": {"bsonType": "array", "minItems": 1, "maxItems": MAX_BLOCK_COMMITS},
            "prev": {"bsonType": "string", "pattern": "^[0-9a-f]{64}$"},
            "hash": {"bsonType": "string", "pattern": "^[0-9a-f]{64}$"},
            "root": {"bsonType": "string", "pattern": "^[0-9a-f]{64}$"},
        },
    }
}


@dataclass(frozen=True)
class Sealed:
    """A block and the documents of its commits, in order: what the relay publishes."""

    block: dict[str, Any]
    commits: list[dict[str, Any]]

    @functools.cached_property
    def events(self) -> list[tuple[int, Mapping[str, Any], Mapping[str, Any], bytes]]:
        """(position, commit, stored event, its message) of each: whoever publishes and whoever hands on at
        once need the same bytes.
        """
        events = ((commit, stored) for commit in self.commits for stored in commit["events"])
        return [
            (position, commit, stored, message_body(commit, stored, position))
            for position, (commit, stored) in enumerate(events, self.block["first"])
        ]


class Ledger:
    """Reads and appends blocks. Holds no state that matters: any number may run."""

    def __init__(
        self, database: AsyncDatabase[dict[str, Any]], *, block_commits: int = MAX_BLOCK_COMMITS
    ) -> None:
        """`block_commits` is how many commits a block may have."""
        self._database = database
        self._block_commits = block_commits
        self.commits: AsyncCollection[dict[str, Any]] = durable_collection(database, "commits")
        self.blocks: AsyncCollection[dict[str, Any]] = durable_collection(database, "ledger")
        self._pending = self.commits.with_options(read_concern=ReadConcern("snapshot"))
        self._finished = 0
        self._last: dict[str, Any] | None = None
        """Our own last block. When another has gone on behind it, the next insert is refused."""
        self._placed: OrderedDict[str, int] = OrderedDict()

    async def prepare(self) -> None:
        """Make the collection with its validator and index. Safe to repeat."""
        await make_collection(self._database, "ledger", validator=BLOCK_SHAPE)
        await self.blocks.create_index("entries.commit", unique=True, name="commit")
        await self.blocks.create_index("first", unique=True, name="first")

    async def last_block(self) -> dict[str, Any] | None:
        return await self.blocks.find_one({}, sort=[("_id", DESCENDING)])

    async def block_at(self, position: int) -> dict[str, Any] | None:
        """The block that holds a position, None when the ledger ends before.

        A server that has just become primary may for a moment show its majority's past; so None is said
        only once it has asked the majority.
        """
        found = await self._block_at(self.blocks, position)
        if found is None:
            asked = self.blocks.with_options(read_concern=ReadConcern("linearizable"))
            with pymongo.timeout(MAJORITY_SECONDS):
                found = await self._block_at(asked, position)
        return found

    @staticmethod
    async def _block_at(
        blocks: AsyncCollection[dict[str, Any]], position: int
    ) -> dict[str, Any] | None:
        block = await blocks.find_one({"first": {"$lte": position}}, sort=[("first", -1)])
        return block if block and position < block["first"] + block["count"] else None

    async def seal(self) -> Sealed | None:
        """Finish the last block, then place what is pending in the next one.

        None when nothing is pending or another sequencer was faster: call again. Raises Unavailable when
        all that is pending waits for commits that are not there.
        """
        last = self._last or await self.last_block()
        if last is not None and last["_id"] > self._finished:
            await self.finish(last)
        ordered = await self._next_in_order()
        if not ordered:
            return None
        block = make_block(last, ordered, at=datetime.now(UTC))
        try:
            await self.blocks.insert_one(block)
        except DuplicateKeyError:
            self.forget()
            if last is not None:
                await self._mark_again(ordered, before=last["_id"])
            return None
        self._last = block
        self._remember_placed(ordered)
        return Sealed(block, ordered)

    def forget(self) -> None:
        """Look at the last block again: another was faster, or MongoDB came back as another one."""
        self._last, self._finished = None, 0
        self._placed.clear()

    async def _mark_again(self, commits: Sequence[Mapping[str, Any]], *, before: int) -> None:
        """A backup that was copied collection by collection may show commits as pending that stand in
        old blocks. No block would ever be taken while they do.
        """
        ids = [commit["_id"] for commit in commits]
        query = {"entries.commit": {"$in": ids}, "_id": {"$lte": before - 1}}
        async for block in self.blocks.find(query).limit(len(ids)):
            await self._mark(block)

    async def finish(self, block: Mapping[str, Any]) -> None:
        """Write the positions of a block onto its commits. Idempotent."""
        await self._mark(block)
        self._finished = block["_id"]

    async def _mark(self, block: Mapping[str, Any]) -> None:
        position, marks = block["first"], []
        for entry in block["entries"]:
            change = {"$set": {"position": position}, "$unset": {"pending": 1}}
            marks.append(UpdateOne({"_id": entry["commit"]}, change))
            position += entry["events"]
        await self.commits.bulk_write(marks, ordered=False)

    async def _next_in_order(self) -> list[dict[str, Any]]:
        """What the next block may hold. By wrong clocks a page may be full of commits whose predecessors
        come on later pages: then more is read at once.
        """
        limit = self._block_commits
        while True:
            pending, is_all = await self._read_pending(limit)
            ordered = await self._in_causal_order(pending, is_all=is_all)
            if ordered or not pending:
                return ordered[: self._block_commits]
            if is_all or limit >= self._block_commits * MAX_PAGES:
                raise Unavailable(
                    f"{len(pending)} commits wait for predecessors that are nowhere, the first is "
                    f"{pending[0]['_id']}"
                )
            limit *= 2

    async def _read_pending(self, limit: int) -> tuple[list[dict[str, Any]], bool]:
        """Pending commits by their writers' clocks, and whether that is all of them."""
        cursor = self._pending.find({"pending": True}).sort([("pending", 1), ("at", ASCENDING)])
        pending: list[dict[str, Any]] = []
        left = MAX_PAGE_BYTES * (limit // self._block_commits)
        async for commit in cursor.limit(limit):
            pending.append(commit)
            left -= len(bson.encode(commit))
            if left <= 0:
                await cursor.close()
                return pending, False
        return pending, len(pending) < limit

    async def _in_causal_order(
        self, pending: Sequence[dict[str, Any]], *, is_all: bool
    ) -> list[dict[str, Any]]:
        """When the snapshot shows every pending commit, a predecessor that is not among them has its
        place, since a writer reads version n before it writes n + 1.
        """
        known = None if is_all else await self._last_placed(pending)
        return causal_order(pending, placed=known)

    def _remember_placed(self, commits: Iterable[Mapping[str, Any]]) -> None:
        """Only once their block is written: another sequencer may have been faster."""
        for commit in commits:
            for event in commit["events"]:
                self._placed[event["stream"]] = event["version"]
                self._placed.move_to_end(event["stream"])
        while len(self._placed) > KNOWN_STREAMS:
            self._placed.popitem(last=False)

    async def _last_placed(self, pending: Iterable[Mapping[str, Any]]) -> Mapping[str, int]:
        """Stream → the version before the first pending one, where that has its place already."""
        wanted = [
            {"stream": event["stream"], "version": event["version"] - 1}
            for commit in pending
            for event in commit["events"]
            if event["version"] > 1 and self._placed.get(event["stream"], 0) < event["version"] - 1
        ]
        found = ChainMap[str, int]({}, self._placed)  # not a copy: it may have a hundred thousand
        for start in range(0, len(wanted), 200):
            branches = [{"events": {"$elemMatch": place}} for place in wanted[start : start + 200]]
            query = {"$or": branches, **placed()}
            async for commit in self.commits.find(query, {"events.stream": 1, "events.version": 1}):
                for event in commit["events"]:
                    best = max(found.get(event["stream"], 0), event["version"])
                    found[event["stream"]] = best
        return found


def causal_order(
    pending: Sequence[dict[str, Any]], *, placed: Mapping[str, int] | None
) -> list[dict[str, Any]]:
    """Pending commits so that version v of a stream comes before v + 1 and a cause before its effect.

    Writers' clocks only break ties: a slow clock would place version 2 before version 1. `placed`
    names the last placed version of a stream; a commit whose predecessor is neither placed nor here
    waits. None says that a predecessor that is not here is placed.
    """
    needs = _predecessors(pending, placed)
    followers: dict[str, list[dict[str, Any]]] = {}
    for commit in pending:
        for earlier in needs[commit["_id"]] or ():
            followers.setdefault(earlier, []).append(commit)
    missing = {
        commit_id: len(earlier) for commit_id, earlier in needs.items() if earlier is not None
    }
    ready = [_turn(commit) for commit in pending if missing.get(commit["_id"]) == 0]
    heapq.heapify(ready)
    by_id = {commit["_id"]: commit for commit in pending}
    order: list[dict[str, Any]] = []
    while ready:
        commit = by_id[heapq.heappop(ready)[1]]
        order.append(commit)
        for follower in followers.get(commit["_id"], ()):
            if follower["_id"] in missing:
                missing[follower["_id"]] -= 1
                if missing[follower["_id"]] == 0:
                    heapq.heappush(ready, _turn(follower))
    return order


def _turn(commit: Mapping[str, Any]) -> tuple[datetime, str]:
    return commit["at"], commit["_id"]


def _predecessors(
    pending: Sequence[Mapping[str, Any]], placed: Mapping[str, int] | None
) -> dict[str, set[str] | None]:
    """Commit id → ids of the pending commits that come first; None when a predecessor is not to be had."""
    by_place = {(e["stream"], e["version"]): c["_id"] for c in pending for e in c["events"]}
    by_event = {e["id"]: c["_id"] for c in pending for e in c["events"]}
    needs: dict[str, set[str] | None] = {}
    for commit in pending:
        before = {by_event[commit["causation"]]} if commit["causation"] in by_event else set()
        waits = False
        for event in commit["events"]:
            stream, version = event["stream"], event["version"] - 1
            if (stream, version) in by_place:
                before.add(by_place[stream, version])
            elif version > 0 and placed is not None and placed.get(stream, 0) < version:
                waits = True
        needs[commit["_id"]] = None if waits else before - {commit["_id"]}
    return needs


def make_block(
    last: Mapping[str, Any] | None, commits: Sequence[Mapping[str, Any]], *, at: datetime
) -> dict[str, Any]:
    """The block after `last` that seals these commits in this order."""
    block: dict[str, Any] = {
        "_id": last["_id"] + 1 if last else 1,
        "first": last["first"] + last["count"] if last else 1,
        "count": sum(len(commit["events"]) for commit in commits),
        "entries": [
            {"commit": c["_id"], "leaf": c["leaf"], "events": len(c["events"])} for c in commits
        ],
        "prev": last["hash"] if last else GENESIS,
        "root": merkle_root([commit["leaf"] for commit in commits]),
        "at": at.replace(microsecond=at.microsecond // 1000 * 1000),
    }
    block["hash"] = block_hash(block)
    return block
