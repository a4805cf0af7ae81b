"""Proof that nothing was changed: every leaf, block, root and link, and JetStream against MongoDB.

A truncation of the ledger's end cannot be seen from inside when all stores were truncated alike; for
that an auditor keeps the hash of a block (`python -m cli audit verify --head N:HASH`).
"""

from collections import deque
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
PAGE_BLOCKS = 100
PAGE_COMMITS = 500
"""Read at once. MongoDB ends a page at 16 MB, however many it has."""
NOWHERE: dict[str, Any] = {
    "$nor": [{"position": {"$gte": 1}}, {"position": {"$exists": False}, "pending": True}]
}
"""Neither placed nor waiting for a place. No index shows them: an audit looks at every commit."""


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


class _ByPlace:
    """Commits by their places, read once from beginning to end: blocks come in the same order."""

    def __init__(self, ledger: Ledger, *, first: int) -> None:
        found = ledger.commits.find(placed(gte=first)).sort("position", 1)
        self._cursor = found.batch_size(PAGE_COMMITS)
        self._page: deque[dict[str, Any]] = deque()

    async def before(self, position: int, *, most: int) -> list[dict[str, Any]]:
        """The next ones before a position, `most` at most: the rest comes with the next block."""
        found: list[dict[str, Any]] = []
        while len(found) < most:
            if not self._page:
                self._page.extend(await self._cursor.to_list(PAGE_COMMITS))
            if not self._page or not _is_before(self._page[0]["position"], position):
                break
            found.append(self._page.popleft())
        return found

    async def close(self) -> None:
        await self._cursor.close()


def _is_before(place: object, position: int) -> bool:
    """What MongoDB calls a number and Python cannot compare is nobody's place: shown to the next block."""
    return not isinstance(place, int | float) or place < position


async def blocks_with_commits(
    ledger: Ledger, *, after_block: int = 0
) -> AsyncIterator[tuple[dict[str, Any], dict[str, dict[str, Any]]]]:
    """Every block with the commits that it names or that claim a place in it, oldest first.

    Two cursors go through ledger and commits side by side, whatever the size of blocks; a page of each is in
    memory. What is not at its place is asked for by its id.
    """
    blocks = ledger.blocks.find({"_id": {"$gt": after_block}}).sort("_id", 1)
    by_place: _ByPlace | None = None
    while page := await blocks.to_list(PAGE_BLOCKS):
        by_place = by_place or _ByPlace(ledger, first=page[0]["first"] if after_block else 1)
        for block in page:
            ids = [entry["commit"] for entry in block["entries"]]
            end = block["first"] + block["count"]
            here = await by_place.before(end, most=len(ids) + MAX_FINDINGS)
            commits = {commit["_id"]: commit for commit in here}
            if missing := [commit_id for commit_id in ids if commit_id not in commits]:
                query = {"_id": {"$in": missing}}
                commits |= {c["_id"]: c for c in await ledger.commits.find(query).to_list()}
            yield block, commits
    if by_place is not None:
        await by_place.close()


async def verify(
    ledger: Ledger,
    *,
    relay: Relay | None = None,
    anchor: Mapping[int, str] | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[list[Finding], Head]:
    """Verify the whole ledger and, with a relay, JetStream against it. Linear in events.

    `progress` is told the last position checked.
    """
    verification = Verification(anchor)
    sequence = await relay.last_sequence() if relay is not None else 0
    jetstream = None if relay is None else _JetStream(relay, sequence)
    async for block, commits in blocks_with_commits(ledger):
        standing = verification.block(block, commits)
        if jetstream is not None:
            await jetstream.compare(verification, standing)
        progress(verification.head.position)
    await _check_outside_the_ledger(verification, ledger)
    if sequence > verification.head.position:
        detail = f"JetStream goes on to {sequence}, the ledger ends before"
        verification.add(Finding(None, sequence, "truncated", detail))
    return verification.finish(), verification.head


class _JetStream:
    """JetStream beside the ledger, as far as `sequence`: the relay has not come further yet."""

    def __init__(self, relay: Relay, sequence: int) -> None:
        self._relay = relay
        self._sequence = sequence
        self._bodies = relay.bodies(1, sequence)
        self._next: tuple[int, bytes] | None = None

    async def compare(
        self, verification: Verification, standing: Sequence[tuple[Mapping[str, Any], int]]
    ) -> None:
        for commit, first in standing:
            for position, stored in enumerate(commit["events"], first):
                if position > self._sequence:
                    return
                body = message_body(commit, stored, position)
                if not await self._holds(position, body):
                    detail = f"JetStream holds other bytes than {stored['id']}"
                    block = verification.head.block
                    verification.add(Finding(block, position, "jetstream", detail))

    async def _holds(self, position: int, body: bytes) -> bool:
        """What does not fit is asked of the leader itself: a follower may be behind."""
        while self._next is None or self._next[0] < position:
            self._next = await anext(self._bodies, None) or (self._sequence + 1, b"")
        if self._next == (position, body):
            return True
        return await self._relay.message_at(position) == body


async def _check_outside_the_ledger(verification: Verification, ledger: Ledger) -> None:
    """Commits without their mark, and those that nothing in the ledger accounts for."""
    head = verification.head
    for block, position, commit_id in verification.unmarked:
        if block < head.block and await ledger.commits.count_documents(
            {"_id": commit_id, "position": {"$exists": False}}
        ):
            detail = f"commit {commit_id} has lost its place"
            verification.add(Finding(block, position, "mark", detail))
    behind = (
        await ledger.commits.find(placed(gt=head.position), {"position": 1})
        .limit(MAX_FINDINGS)
        .to_list()
    )
    for commit in behind:
        place = commit["position"]
        if isinstance(place, int) and await ledger.block_at(place) is not None:
            continue  # sealed while we looked
        _inserted(verification, commit, "has a place after the ledger's end")
    for commit in await ledger.commits.find(NOWHERE, {"position": 1}).limit(MAX_FINDINGS).to_list():
        has_place = "position" in commit
        _inserted(
            verification, commit, "has no place that can be" if has_place else "was never pending"
        )


def _inserted(verification: Verification, commit: Mapping[str, Any], meaning: str) -> None:
    detail = f"commit {commit['_id']} {meaning}"
    verification.add(Finding(None, commit.get("position"), "inserted", detail))


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
