"""Proof that nothing was changed: every leaf, block, root and link, and JetStream against MongoDB.

A truncation of the ledger's end cannot be seen from inside when all stores were truncated alike; for
that an auditor keeps the hash of a block (`python -m cli audit verify --head N:HASH`).
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.event_store.canonical import (
    BLOCK_FIELDS,
    COMMIT_FIELDS,
    GENESIS,
    block_hash,
    canonical,
    immutable_part,
    leaf_of,
    merkle_root,
)
from integrations.event_store.ledger import Ledger
from integrations.event_store.mapping import message_body
from integrations.event_store.relay import Relay

MAX_FINDINGS = 1_000


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

    def block(
        self, block: Mapping[str, Any], commits: Mapping[str, Mapping[str, Any]]
    ) -> list[tuple[Mapping[str, Any], int]]:
        """Check one block; return its commits with their positions, for further comparison."""
        number = block["_id"]
        self._check_links(block)
        position = block["first"]
        placed: list[tuple[Mapping[str, Any], int]] = []
        for entry in block["entries"]:
            commit = commits.get(entry["commit"])
            if commit is None:
                self._find(number, position, "missing", f"commit {entry['commit']} is gone")
            else:
                self._check_commit(number, position, entry, commit)
                placed.append((commit, position))
            position += entry["events"]
        self.head = Head(number, position - 1, block["hash"])
        return placed

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
        if not entry["leaf"] == commit["leaf"] == leaf_of(commit):
            self._find(number, position, "leaf", f"commit {commit['_id']} was changed")
        if entry["events"] != len(commit["events"]):
            self._find(number, position, "events", f"commit {commit['_id']} has another size")
        if commit.get("position") not in {None, position}:
            self._find(number, position, "mark", f"commit {commit['_id']} is marked elsewhere")
        for event in commit["events"]:
            stream, version = event["stream"], event["version"]
            if version != self._versions.get(stream, 0) + 1:
                self._find(number, position, "version", f"{stream} jumps to version {version}")
            self._versions[stream] = version

    def _find(self, block: int | None, position: int | None, check: str, detail: str) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(block, position, check, detail))


async def blocks_with_commits(
    ledger: Ledger, *, after_block: int = 0
) -> AsyncIterator[tuple[dict[str, Any], dict[str, dict[str, Any]]]]:
    """Every block with the commits that it names, oldest first, a block in memory at a time."""
    async for block in ledger.blocks.find({"_id": {"$gt": after_block}}).sort("_id", 1):
        ids = [entry["commit"] for entry in block["entries"]]
        commits = {c["_id"]: c async for c in ledger.commits.find({"_id": {"$in": ids}})}
        yield block, commits


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
    async for block, commits in blocks_with_commits(ledger):
        placed = verification.block(block, commits)
        if relay is not None:
            await _compare_with_jetstream(verification, relay, placed, sequence)
        progress(verification.head.position)
    await _check_outside_the_ledger(verification, ledger)
    if sequence > verification.head.position:
        detail = f"JetStream goes on to {sequence}, the ledger ends before"
        verification.findings.append(Finding(None, sequence, "truncated", detail))
    return verification.finish(), verification.head


async def _compare_with_jetstream(
    verification: Verification,
    relay: Relay,
    placed: Sequence[tuple[Mapping[str, Any], int]],
    sequence: int,
) -> None:
    for commit, first in placed:
        for position, stored in enumerate(commit["events"], first):
            if position > sequence:
                return  # the relay has not come so far yet
            if await relay.message_at(position) != message_body(commit, stored, position):
                detail = f"JetStream holds other bytes than {stored['id']}"
                verification.findings.append(
                    Finding(verification.head.block, position, "jetstream", detail)
                )


async def _check_outside_the_ledger(verification: Verification, ledger: Ledger) -> None:
    """Commits that say they have a place but stand in no block, or beyond the last one."""
    head = verification.head
    placed = {"position": {"$type": "number"}}
    async for commit in ledger.commits.find(
        {"position": {"$gt": head.position}}, {"position": 1}
    ).limit(MAX_FINDINGS):
        detail = f"commit {commit['_id']} has a place after the ledger's end"
        verification.findings.append(Finding(None, commit["position"], "truncated", detail))
    pipeline: list[dict[str, Any]] = [
        {"$match": {"_id": {"$lte": head.block}}},
        {"$group": {"_id": None, "entries": {"$sum": {"$size": "$entries"}}}},
    ]
    sealed = await (await ledger.blocks.aggregate(pipeline)).to_list()
    expected = sealed[0]["entries"] if sealed else 0
    marked = await ledger.commits.count_documents(
        {**placed, "position": {"$gte": 1, "$lte": head.position}}
    )
    if marked > expected:
        detail = f"{marked - expected} commits have a place but stand in no block"
        verification.findings.append(Finding(None, None, "inserted", detail))


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
