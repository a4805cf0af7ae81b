"""Proof that nothing was changed: every leaf, block, root and link, and JetStream against MongoDB.

A truncation of the ledger's end cannot be seen from inside when all stores were truncated alike; for
that an auditor keeps the hash of a block (`python -m cli audit verify --head N:HASH`).
"""

import math
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.errors import Invalid
from integrations.event_store.canonical import (
    BLOCK_FIELDS,
    COMMIT_FIELDS,
    GENESIS,
    block_hash,
    canonical,
    check_plain,
    immutable_part,
    leaf_of,
    merkle_root,
)
from integrations.event_store.commits import placed
from integrations.event_store.ledger import Ledger
from integrations.event_store.mapping import message_body
from integrations.event_store.relay import Relay

MAX_FINDINGS = 1_000
READ_EVENTS = 2_000
READ_BLOCKS = 500


@dataclass(frozen=True)
class Finding:
    """One thing that does not fit: where, which check, and what it means."""

    block: int | None
    position: int | None
    check: str
    detail: str


@dataclass(frozen=True)
class Head:
    """What an auditor keeps: the number, last position and hash of a block."""

    block: int
    position: int
    hash: str


class Verification:
    """Folds over the blocks in order. Feed it each block with its commits, then ask `finish`."""

    def __init__(self, anchor: Mapping[int, str] | None = None) -> None:
        """`anchor` is block number → hash as somebody outside holds it."""
        self.findings: list[Finding] = []
        self.head = Head(0, 0, GENESIS)
        self._anchor = dict(anchor or {})
        self._versions: dict[str, int] = {}
        self.unmarked: list[tuple[int, int, str]] = []
        """(block, position, commit) of those without their mark: right in the last block only."""

    def block(
        self, block: Mapping[str, Any], commits: Mapping[str, Mapping[str, Any]]
    ) -> list[tuple[Mapping[str, Any], int]]:
        """Check one block; return its commits with their positions, for further comparison."""
        number = block["_id"]
        self._check_links(block)
        position = block["first"]
        standing: list[tuple[Mapping[str, Any], int]] = []
        for entry in block["entries"]:
            commit = commits.get(entry["commit"])
            if commit is None:
                self._find(number, position, "missing", f"commit {entry['commit']} is gone")
            else:
                self._check_commit(number, position, entry, commit)
                standing.append((commit, position))
            position += entry["events"]
        for stray in commits.keys() - {entry["commit"] for entry in block["entries"]}:
            detail = f"commit {stray} has a place of this block but does not stand in it"
            self._find(number, commits[stray].get("position"), "inserted", detail)
        self.head = Head(number, position - 1, block["hash"])
        return standing

    def finish(self) -> list[Finding]:
        for number in sorted(self._anchor):
            if number > self.head.block:
                self._find(number, None, "truncated", f"the ledger ends at block {self.head.block}")
        return self.findings

    def _check_links(self, block: Mapping[str, Any]) -> None:
        number = block["_id"]
        if number != self.head.block + 1:
            self._find(number, None, "block", f"follows block {self.head.block}")
        if block["first"] != self.head.position + 1:
            self._find(number, block["first"], "position", f"follows {self.head.position}")
        if block["prev"] != self.head.hash:
            self._find(number, None, "chain", "does not name its predecessor's hash")
        if block["hash"] != block_hash(block):
            self._find(number, None, "hash", "the block was changed")
        if block["root"] != merkle_root([entry["leaf"] for entry in block["entries"]]):
            self._find(number, None, "root", "the Merkle root does not fit the leaves")
        if block["count"] != sum(entry["events"] for entry in block["entries"]):
            self._find(number, None, "count", "the number of events does not fit the entries")
        if self._anchor.get(number, block["hash"]) != block["hash"]:
            self._find(number, None, "anchor", "differs from the hash that was kept outside")

    def _check_commit(
        self,
        number: int,
        position: int,
        entry: Mapping[str, Any],
        commit: Mapping[str, Any],
    ) -> None:
        if not entry["leaf"] == commit["leaf"] == _leaf_now(commit):
            self._find(number, position, "leaf", f"commit {commit['_id']} was changed")
        if entry["events"] != len(commit["events"]):
            self._find(number, position, "events", f"commit {commit['_id']} has another size")
        if "position" not in commit and len(self.unmarked) < MAX_FINDINGS:
            self.unmarked.append((number, position, commit["_id"]))
        if commit.get("position", position) != position:
            self._find(number, position, "mark", f"commit {commit['_id']} is marked elsewhere")
        for event in commit["events"]:
            stream, version = event["stream"], event["version"]
            if version != self._versions.get(stream, 0) + 1:
                self._find(number, position, "version", f"{stream} jumps to version {version}")
            self._versions[stream] = version

    def _find(self, block: int | None, position: int | None, check: str, detail: str) -> None:
        self.add(Finding(block, position, check, detail))

    def add(self, finding: Finding) -> None:
        """Beyond the thousandth the list says no more."""
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(finding)


def _leaf_now(commit: Mapping[str, Any]) -> str | None:
    """None for what the store would never have taken: it has no bytes of its own."""
    try:
        for event in commit["events"]:
            check_plain(event["data"])
        return leaf_of(commit)
    except (Invalid, TypeError, UnicodeError):
        return None


Block = dict[str, Any]
Commits = dict[str, dict[str, Any]]


async def blocks_with_commits(
    ledger: Ledger, *, after_block: int = 0
) -> AsyncIterator[tuple[Block, Commits]]:
    """Every block with the commits that it names or that claim a place in it, oldest first.

    Small blocks are read many at a time: about `READ_EVENTS` events are in memory, or one block.
    """
    blocks: list[Block] = []
    async for block in ledger.blocks.find({"_id": {"$gt": after_block}}).sort("_id", 1):
        blocks.append(block)
        if sum(b["count"] for b in blocks) >= READ_EVENTS or len(blocks) >= READ_BLOCKS:
            for whole in await _with_commits(ledger, blocks):
                yield whole
            blocks = []
    for whole in await _with_commits(ledger, blocks):
        yield whole


async def _with_commits(ledger: Ledger, blocks: Sequence[Block]) -> list[tuple[Block, Commits]]:
    if not blocks:
        return []
    ids = [entry["commit"] for block in blocks for entry in block["entries"]]
    ranges = [placed(gte=b["first"], lt=b["first"] + b["count"]) for b in _runs(blocks)]
    found = await ledger.commits.find({"$or": [{"_id": {"$in": ids}}, *ranges]}).to_list()
    by_id = {commit["_id"]: commit for commit in found}
    return [(block, _commits_of(block, by_id, found)) for block in blocks]


def _runs(blocks: Sequence[Block]) -> list[Block]:
    """Blocks that follow one another as one: a branch of the query for each run, not for each block."""
    runs: list[Block] = []
    for block in blocks:
        if runs and runs[-1]["first"] + runs[-1]["count"] == block["first"]:
            runs[-1] = {**runs[-1], "count": runs[-1]["count"] + block["count"]}
        else:
            runs.append(block)
    return runs


def _commits_of(
    block: Block, by_id: Mapping[str, dict[str, Any]], found: Sequence[dict[str, Any]]
) -> Commits:
    named = [entry["commit"] for entry in block["entries"]]
    commits = {name: by_id[name] for name in named if name in by_id}
    end = block["first"] + block["count"]
    return commits | {c["_id"]: c for c in found if block["first"] <= _place(c) < end}


def _place(commit: Mapping[str, Any]) -> float:
    """An insider may have written anything there."""
    place = commit.get("position")
    return place if isinstance(place, int | float) else math.nan


async def verify(
    ledger: Ledger,
    *,
    relay: Relay | None = None,
    anchor: Mapping[int, str] | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[list[Finding], Head]:
    """Verify the whole ledger and, with a relay, JetStream against it.

    `progress` is told the last position checked.
    """
    verification = Verification(anchor)
    sequence = await relay.last_sequence() if relay is not None else 0
    published = None if relay is None else _Published(relay)
    async for block, commits in blocks_with_commits(ledger):
        standing = verification.block(block, commits)
        if published is not None:
            await published.compare(verification, standing, up_to=sequence)
        progress(verification.head.position)
    if published is not None:
        await published.close()
    await _check_outside_the_ledger(verification, ledger)
    if sequence > verification.head.position:
        detail = f"JetStream goes on to {sequence}, the ledger ends before"
        verification.add(Finding(None, sequence, "truncated", detail))
    return verification.finish(), verification.head


class _Published:
    """What JetStream holds, read on from the first position, compared position by position."""

    def __init__(self, relay: Relay) -> None:
        self._messages = relay.messages()
        self._next: tuple[int, bytes] | None = None

    async def body(self, position: int) -> bytes | None:
        """Ask in order. None where JetStream has nothing."""
        while self._next is None or self._next[0] < position:
            try:
                self._next = await anext(self._messages)
            except StopAsyncIteration:
                return None
        return self._next[1] if self._next[0] == position else None

    async def close(self) -> None:
        await self._messages.aclose()

    async def compare(
        self,
        verification: Verification,
        placed_commits: Sequence[tuple[Mapping[str, Any], int]],
        *,
        up_to: int,
    ) -> None:
        """The relay has not come further than `up_to` yet."""
        for commit, first in placed_commits:
            for position, stored in enumerate(commit["events"], first):
                if position > up_to:
                    return
                if await self.body(position) != message_body(commit, stored, position):
                    detail = f"JetStream holds other bytes than {stored['id']}"
                    found = Finding(verification.head.block, position, "jetstream", detail)
                    verification.add(found)


async def _check_outside_the_ledger(verification: Verification, ledger: Ledger) -> None:
    """Commits without their mark, and those that nothing in the ledger accounts for."""
    head = verification.head
    for block, position, commit_id in verification.unmarked:
        if block < head.block and await ledger.commits.count_documents(
            {"_id": commit_id, "position": {"$exists": False}}
        ):
            detail = f"commit {commit_id} has lost its place"
            verification.add(Finding(block, position, "mark", detail))
    queries: tuple[tuple[str, dict[str, Any]], ...] = (
        ("has a place after the ledger's end", placed(gt=head.position)),
        ("has no place that can be", {"position": {"$exists": True, "$not": {"$gte": 1}}}),
        ("was never pending", {"position": {"$exists": False}, "pending": {"$ne": True}}),
    )
    for meaning, query in queries:
        suspects = await ledger.commits.find(query, {"position": 1}).limit(MAX_FINDINGS).to_list()
        for commit in suspects:
            place = commit.get("position")
            if isinstance(place, int) and await ledger.block_at(place) is not None:
                continue  # sealed while we looked
            detail = f"commit {commit['_id']} {meaning}"
            verification.add(Finding(None, place, "inserted", detail))


# --- Export -------------------------------------------------------------------------------------


def export_lines(
    block: Mapping[str, Any], commits: Mapping[str, Mapping[str, Any]]
) -> Iterator[bytes]:
    """A block and its commits as NDJSON lines of canonical JSON, each in the bytes that were hashed.

    `tools/verify_export.py` checks such a file with nothing but Python.
    """
    yield canonical({"block": {**immutable_part(block, BLOCK_FIELDS), "hash": block["hash"]}})
    for entry in block["entries"]:
        commit = commits[entry["commit"]]
        yield canonical({"commit": immutable_part(commit, COMMIT_FIELDS)})
