"""Canonical bytes and the hashes of the ledger.

Canonical JSON: UTF-8, keys sorted by code point, no white space, no NaN; the standard library prints the
same bytes with `json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)`, so an
auditor needs only Python. The Merkle tree is that of RFC 6962, section 2.1 (prefix 0 for leaves, 1 for
nodes); the domain of each hash has a prefix of its own, so that no hash can be taken for another.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from domain.errors import Invalid

COMMIT_FIELDS = (
    "_id",
    "command",
    "actor",
    "correlation",
    "causation",
    "fingerprint",
    "answer",
    "at",
    "events",
)
"""The immutable part of a commit. `leaf`, `position` and `pending` are bookkeeping."""

BLOCK_FIELDS = ("_id", "first", "count", "entries", "prev", "root", "at")
"""The part of a block under its hash."""

GENESIS = "0" * 64
"""What the first block names as its predecessor."""


MAX_DEPTH = 50
"""Of lists and objects in an event; MongoDB ends at about 100, and would refuse the whole group."""


def canonical(value: object) -> bytes:
    """The one way to write a JSON value. Raise TypeError for what JSON cannot hold."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME)


def check_plain(value: object, *, depth: int = 1) -> None:
    """Raise Invalid for a value that MongoDB, JSON and an auditor's Python do not hold alike.

    Not a number has no JSON; floats under 0.0001 and from 1e16 are written with an exponent, for which
    each language has its own form; MongoDB's integers have 64 bits.
    """
    if depth > MAX_DEPTH:
        raise _not_plain(f"more than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        for name, part in value.items():
            if not isinstance(name, str) or "\0" in name:
                raise _not_plain(f"the name {name!r}")
            check_plain(part, depth=depth + 1)
    elif isinstance(value, list):
        for part in value:
            check_plain(part, depth=depth + 1)
    elif isinstance(value, float):
        if value and not (math.isfinite(value) and 1e-4 <= abs(value) < 1e16):
            raise _not_plain(f"the number {value}")
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise _not_plain("an integer of more than 64 bits")


def _not_plain(what: str) -> Invalid:
    return Invalid(f"an event cannot hold {what}", code="not-storable")


def instant(at: datetime) -> str:
    """An instant with milliseconds, as MongoDB keeps it: 2026-11-23T12:00:00.123Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def immutable_part(document: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    part = {name: document.get(name) for name in fields}
    part["at"] = instant(document["at"])
    return part


def leaf_of(commit: Mapping[str, Any]) -> str:
    """SHA-256 of a commit: what the ledger seals."""
    return hashlib.sha256(b"\x03" + canonical(immutable_part(commit, COMMIT_FIELDS))).hexdigest()


def block_hash(block: Mapping[str, Any]) -> str:
    """SHA-256 of a block with its predecessor's hash in it: the chain."""
    return hashlib.sha256(b"\x02" + canonical(immutable_part(block, BLOCK_FIELDS))).hexdigest()


def merkle_root(leaves: Sequence[str]) -> str:
    """The root over a block's leaves (RFC 6962): proves one commit without showing the others."""
    level = [hashlib.sha256(b"\x00" + bytes.fromhex(leaf)).digest() for leaf in leaves]
    if not level:
        return hashlib.sha256().hexdigest()
    return _root(level).hex()


def _root(hashes: Sequence[bytes]) -> bytes:
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    return hashlib.sha256(b"\x01" + _root(hashes[:split]) + _root(hashes[split:])).digest()
