"""Any change to history is found: by the product, and by a stranger with one script and one hash."""

import copy
import json
import random
import secrets
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from integrations.event_store.canonical import (
    BLOCK_FIELDS,
    COMMIT_FIELDS,
    canonical,
    immutable_part,
    leaf_of,
)
from integrations.event_store.ledger import make_block
from integrations.event_store.memory import MemoryKeys
from integrations.event_store.store import make_commit
from integrations.event_store.verify import Finding, Verification, export_lines
from tests.integrations.event_store.ledgerbook import context, line, opened

VERIFIER = Path(__file__).parents[3] / "tools" / "verify_export.py"
Book = tuple[list[dict[str, Any]], list[list[dict[str, Any]]]]


@pytest.fixture(scope="module")
async def book() -> Book:
    """Blocks, and the commits of each."""
    keys = await MemoryKeys().ensure(["asha"])
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    blocks: list[dict[str, Any]] = []
    commits: list[list[dict[str, Any]]] = []
    known: list[tuple[str, int]] = []
    dice = random.Random(7)
    for _ in range(12):
        batch = []
        for _ in range(dice.randint(1, 9)):
            if known and dice.random() < 0.6:
                name, version = known.pop(dice.randrange(len(known)))
                events: list[Any] = [line(name, version + 1, "₹2,99,999 हार")]
                known.append((name, version + 1))
            else:
                name, lines = secrets.token_hex(12), dice.randint(0, 3)
                events = opened(name, lines=lines)
                known.append((name, 1 + lines))
            now += timedelta(milliseconds=7)
            batch.append(make_commit(events, context(), answer=None, keys=keys, now=now))
        blocks.append(make_block(blocks[-1] if blocks else None, batch, at=now))
        commits.append(batch)
    return blocks, commits


def checked(book: Book, anchor: dict[int, str] | None = None) -> list[Finding]:
    verification = Verification(anchor)
    for block, commits in zip(*book, strict=True):
        verification.block(block, {c["_id"]: c for c in commits})
    return verification.finish()


def exported(book: Book, file: Path) -> None:
    rows = [
        row
        for block, commits in zip(*book, strict=True)
        for row in export_lines(block, {c["_id"]: c for c in commits})
    ]
    file.write_bytes(b"\n".join(rows) + b"\n")


def run_verifier(file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", str(VERIFIER), str(file), *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_an_untouched_ledger_verifies(book: Book, tmp_path: Path) -> None:
    head = book[0][-1]
    assert checked(book, {head["_id"]: head["hash"]}) == []
    exported(book, tmp_path / "ledger.ndjson")
    result = run_verifier(tmp_path / "ledger.ndjson", "--head", f"{head['_id']}:{head['hash']}")
    assert (result.returncode, result.stdout[:6]) == (0, "intact")


# --- Tampering: an insider with full access to MongoDB, who may even compute hashes again ------------


def _pick(book: Book, dice: random.Random) -> tuple[int, int]:
    block = dice.randrange(len(book[0]))
    return block, dice.randrange(len(book[1][block]))


def flip_a_byte(book: Book, dice: random.Random) -> None:
    b, c = _pick(book, dice)
    commit = book[1][b][c]
    event = dice.choice(commit["events"])
    target, name = dice.choice(
        [
            (event["data"], dice.choice(sorted(event["data"]))),
            (event, "type"),
            (event, "id"),
            (event, "stream"),
            (commit, "actor"),
            (commit, "command"),
            (commit, "leaf"),
        ]
    )
    text = target[name]
    at = dice.randrange(len(text))
    target[name] = text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]


def drop_a_commit(book: Book, dice: random.Random) -> None:
    b, c = _pick(book, dice)
    del book[1][b][c]


def drop_an_event(book: Book, dice: random.Random) -> None:
    b, c = _pick(book, dice)
    events = book[1][b][c]["events"]
    del events[dice.randrange(len(events))]


def swap_two_entries(book: Book, dice: random.Random) -> None:
    candidates = [b for b in book[0] if len(b["entries"]) > 1]
    entries = dice.choice(candidates)["entries"]
    i, j = dice.sample(range(len(entries)), 2)
    entries[i], entries[j] = entries[j], entries[i]


def insert_an_entry(book: Book, dice: random.Random) -> None:
    b, c = _pick(book, dice)
    forged = copy.deepcopy(book[1][b][c])
    forged["_id"] = "forged"
    forged["leaf"] = leaf_of(forged)
    book[1][b].append(forged)
    book[0][b]["entries"].append(
        {"commit": "forged", "leaf": forged["leaf"], "events": len(forged["events"])}
    )


def drop_a_block(book: Book, dice: random.Random) -> None:
    b = dice.randrange(len(book[0]) - 1)
    del book[0][b], book[1][b]


def truncate(book: Book, dice: random.Random) -> None:
    b = dice.randrange(1, len(book[0]))
    del book[0][b:], book[1][b:]


def rewrite_with_new_hashes(book: Book, dice: random.Random) -> None:
    """Change one event and compute every later hash again: only the kept head tells."""
    b, c = _pick(book, dice)
    commit = book[1][b][c]
    commit["actor"] = "user-mallory"
    commit["leaf"] = leaf_of(commit)
    for n in range(b, len(book[0])):
        old = book[0][n]
        book[0][n] = make_block(book[0][n - 1] if n else None, book[1][n], at=old["at"])


TAMPERINGS: list[Callable[[Book, random.Random], None]] = [
    flip_a_byte,
    drop_a_commit,
    drop_an_event,
    swap_two_entries,
    insert_an_entry,
    drop_a_block,
    truncate,
    rewrite_with_new_hashes,
]


def test_a_thousand_random_tamperings_are_all_found(book: Book) -> None:
    head = book[0][-1]
    missed = []
    for seed in range(1_000):
        dice = random.Random(seed)
        forged = copy.deepcopy(book)
        tampering = dice.choice(TAMPERINGS)
        tampering(forged, dice)
        if not checked(forged, {head["_id"]: head["hash"]}):
            missed.append((seed, tampering.__name__))
    assert missed == []


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_stranger_finds_the_tampering_in_an_export(
    book: Book, tmp_path: Path, tampering: Callable[[Book, random.Random], None]
) -> None:
    head = book[0][-1]
    forged = copy.deepcopy(book)
    tampering(forged, random.Random(3))
    rows = []
    for block, commits in zip(*forged, strict=True):
        rows.append(canonical({"block": {**_plain(block), "hash": block["hash"]}}))
        rows += [canonical({"commit": _plain_commit(commit)}) for commit in commits]
    file = tmp_path / "ledger.ndjson"
    file.write_bytes(b"\n".join(rows) + b"\n")
    result = run_verifier(file, "--head", f"{head['_id']}:{head['hash']}")
    changed_only_bookkeeping = tampering is flip_a_byte and all(
        leaf_of(c) == leaf_of(o)
        for cs, os in zip(forged[1], book[1], strict=True)
        for c, o in zip(cs, os, strict=True)
    )
    assert (result.returncode == 1) is not changed_only_bookkeeping, result.stdout


def _plain(block: dict[str, Any]) -> dict[str, Any]:
    return immutable_part(block, BLOCK_FIELDS)


def _plain_commit(commit: dict[str, Any]) -> dict[str, Any]:
    return immutable_part(commit, COMMIT_FIELDS)


def test_the_standard_library_writes_the_same_canonical_bytes(book: Book) -> None:
    for commits in book[1]:
        for commit in commits:
            value = _plain_commit(commit)
            text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            assert text.encode() == canonical(value)


@pytest.mark.parametrize(
    "row",
    [
        b'{"block":{"_id":1}}',
        b'{"commit":{}}',
        b"[]",
        b"{}",
        b"nonsense",
        b'{"block":NaN}',
        b'{"block":"\\ud800"}',
        b'{"block":1e999}',
        b'{"block":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"block":{"_id":1},"block":{"_id":1}}',
        b"\xff\xfe",
    ],
    ids=range(11),
)
def test_what_is_no_ledger_is_told_in_a_sentence(tmp_path: Path, row: bytes) -> None:
    file = tmp_path / "ledger.ndjson"
    file.write_bytes(row + b"\n")
    result = run_verifier(file)
    assert (result.returncode, result.stdout[:8], result.stderr) == (1, "CHANGED:", "")


def test_a_head_that_is_none_is_refused(book: Book, tmp_path: Path) -> None:
    exported(book, tmp_path / "ledger.ndjson")
    result = run_verifier(tmp_path / "ledger.ndjson", "--head", "12")
    assert (result.returncode, "a head is the number" in result.stderr) == (2, True)
