#!/usr/bin/env python3
"""Verify an exported ledger with nothing but Python 3.

    python verify_export.py LEDGER.ndjson [--head NUMBER:HASH]...

The file has a line for each block, {"block": {...}}, followed by a line for each of its commits,
{"commit": {...}}. What is checked:
  leaf   SHA-256 of byte 3 and the commit's canonical JSON
  root   Merkle root over the block's leaves (RFC 6962: byte 0 before a leaf, byte 1 before a node)
  hash   SHA-256 of byte 2 and the block's canonical JSON without `hash`
  chain  each block names its predecessor's hash, the first one 64 zeros
  order  positions 1, 2, 3 ... without holes; versions of each stream 1, 2, 3 ...
  head   the block that you kept is there, with the hash that you kept
Canonical JSON: keys sorted, no white space, UTF-8. Exit code 0: nothing was changed; 1: it was.
"""

import argparse
import hashlib
import json
import sys


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(prefix, data):
    return hashlib.sha256(prefix + data)


def merkle_root(leaves):
    def root(hashes):
        if len(hashes) == 1:
            return hashes[0]
        split = 1 << ((len(hashes) - 1).bit_length() - 1)
        return sha256(b"\x01", root(hashes[:split]) + root(hashes[split:])).digest()

    return root([sha256(b"\x00", bytes.fromhex(leaf)).digest() for leaf in leaves]).hex()


class Fault(Exception):
    pass


def not_json(word):
    raise ValueError(f"{word} is not JSON")


def read(lines):
    """(block, commits) pairs."""
    block, commits = None, []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line, parse_constant=not_json)
            kind, value = next(iter(row.items()))
            again = canonical(row)
        except (ValueError, AttributeError, StopIteration, RecursionError):
            raise Fault(f"line {number} is not a row of a ledger") from None
        if again != line.rstrip(b"\n"):
            raise Fault(f"line {number} is not in canonical form")
        if kind == "block":
            if block is not None:
                yield block, commits
            block, commits = value, []
        elif kind == "commit" and block is not None:
            commits.append(value)
        else:
            raise Fault(f"line {number} is neither a block nor a commit")
    if block is not None:
        yield block, commits


def verify(lines, heads):
    number, position, previous, versions = 0, 0, "0" * 64, {}
    for block, commits in read(lines):
        where = f"block {block['_id']}"
        expect(block["_id"] == number + 1, f"{where} follows block {number}")
        expect(
            block["first"] == position + 1,
            f"{where} begins at position {block['first']}, not {position + 1}",
        )
        expect(block["prev"] == previous, f"{where} does not name its predecessor's hash")
        body = {name: value for name, value in block.items() if name != "hash"}
        expect(
            sha256(b"\x02", canonical(body)).hexdigest() == block["hash"], f"{where} was changed"
        )
        leaves = [sha256(b"\x03", canonical(commit)).hexdigest() for commit in commits]
        entries = [
            {"commit": c["_id"], "leaf": leaf, "events": len(c["events"])}
            for c, leaf in zip(commits, leaves, strict=True)
        ]
        expect(
            entries == block["entries"], f"a commit of {where} was changed, dropped, added or moved"
        )
        expect(leaves, f"{where} is empty")
        expect(merkle_root(leaves) == block["root"], f"the Merkle root of {where} is wrong")
        expect(
            sum(e["events"] for e in entries) == block["count"],
            f"{where} counts its events wrongly",
        )
        for event in (event for commit in commits for event in commit["events"]):
            expected = versions.get(event["stream"], 0) + 1
            expect(
                event["version"] == expected,
                f"{event['stream']} jumps to version {event['version']} in {where}",
            )
            versions[event["stream"]] = expected
        number, position, previous = block["_id"], position + block["count"], block["hash"]
        expect(
            heads.pop(number, previous) == previous, f"{where} is not the one whose hash you kept"
        )
    expect(not heads, f"the ledger ends at block {number}, before the block that you kept")
    return number, position, previous


def expect(truth, otherwise):
    if not truth:
        raise Fault(otherwise)


def main():
    parser = argparse.ArgumentParser(description="Verify an exported ledger.")
    parser.add_argument("file")
    parser.add_argument(
        "--head",
        action="append",
        default=[],
        metavar="NUMBER:HASH",
        help="a block hash that you kept",
    )
    options = parser.parse_args()
    heads = {}
    for head in options.head:
        number, _, digest = head.partition(":")
        if not number.isdigit() or len(digest) != 64:
            parser.error("a head is the number of a block, a colon and its hash")
        heads[int(number)] = digest
    try:
        with open(options.file, "rb") as lines:
            number, position, digest = verify(lines, heads)
    except (Fault, AttributeError, KeyError, TypeError) as fault:
        print(f"CHANGED: {fault}")
        return 1
    print(f"intact: {number} blocks, {position} events; keep this head: {number}:{digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
