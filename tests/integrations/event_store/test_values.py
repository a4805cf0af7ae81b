"""What an event may hold: only what MongoDB, JSON and an auditor's Python hold alike."""

import json
import math
import os
from typing import Any, ClassVar

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymongo.asynchronous.database import AsyncDatabase

from domain.errors import Invalid, TooLarge
from domain.kernel import DomainEvent, ValueObject
from integrations.event_store import Ledger, MongoEventStore, SubjectKeys
from integrations.event_store.canonical import canonical, check_plain, leaf_of
from integrations.event_store.mapping import message_body, uuid7
from integrations.event_store.memory import MemoryEventStore
from integrations.event_store.store import make_commit
from integrations.event_store.verify import Verification
from tests.integrations.event_store.ledgerbook import context, line, opened


class AnythingNoted(DomainEvent):
    TOPIC: ClassVar[str] = "TestAnythingNoted"
    note: Any


class Weighed(ValueObject):
    grams: float


def noted(value: object, stream: str = "note-1") -> AnythingNoted:
    return AnythingNoted(originator_id=stream, originator_version=1, note=value)  # type: ignore[call-arg]


PLAIN_FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda x: x == 0 or 1e-4 <= abs(x) < 1e16
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = TEXTS.filter(lambda text: "\0" not in text)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | PLAIN_FLOATS | TEXTS,
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(NAMES, parts, max_size=4),
    max_leaves=12,
)


@given(PLAIN)
def test_python_alone_writes_what_we_sealed(value: object) -> None:
    check_plain(value)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert text.encode() == canonical(value)
    assert orjson.loads(canonical(value)) == value


REFUSED = [
    math.nan,
    math.inf,
    -math.inf,
    1e16,
    5e-324,
    2**63,
    -(2**63) - 1,
    2**64,
    "\ud800",
    {"a\0b": 1},
    [[[{"deep": [-math.inf]}]]],
]


@pytest.mark.parametrize("value", REFUSED, ids=lambda value: ascii(value)[:20])
async def test_what_others_would_read_differently_is_refused(value: object) -> None:
    store = MemoryEventStore()
    with pytest.raises(Invalid) as refusal:
        await store.append([noted(value)], context())
    assert refusal.value.code == "not-storable"
    assert await store.history() == []


async def test_an_abyss_is_refused() -> None:
    value: list[Any] = []
    for _ in range(60):
        value = [value]
    with pytest.raises(Invalid, match="levels"):
        await MemoryEventStore().append([noted(value)], context())


def test_a_value_takes_no_number_that_is_none() -> None:
    for grams in (math.nan, math.inf):
        with pytest.raises(ValueError, match="finite"):
            Weighed(grams=grams)


@pytest.mark.parametrize("sneaked", [math.nan, "2026-11-23T12:00:00+00:00"])
async def test_a_date_in_place_of_its_text_does_not_keep_the_leaf(sneaked: object) -> None:
    store = MemoryEventStore()
    await store.append([noted("2026-11-23T12:00:00+00:00")], context())
    [commit] = store.commits
    commit["events"][0]["data"]["note"] = (
        commit["at"].fromisoformat(sneaked) if isinstance(sneaked, str) else sneaked
    )
    verification = Verification()
    verification.block(store.blocks[0], {commit["_id"]: commit})
    assert [found.check for found in verification.finish()] == ["leaf"]


async def test_every_plain_value_comes_back_from_mongodb_with_the_same_leaf(
    database: AsyncDatabase[dict[str, Any]],
) -> None:
    ledger, store = Ledger(database), MongoEventStore(database, SubjectKeys(database, b"k" * 32))
    await ledger.prepare()
    await store.prepare()
    odd = {
        "": "empty",
        "$set": 1,
        "a.b": 2,
        "\u2028": "\0\x1f\x7f\u2028\u2029𐏿",
        "numbers": [-0.0, 0.0, 1.0, 0.0001, 123.4567, 2**63 - 1, -(2**63), 2**31],
        "nothing": [None, [], {}],
    }
    await store.append([noted(odd)], context())
    [stored] = await database["commits"].find().to_list()
    assert leaf_of(stored) == stored["leaf"]
    [event] = await store.read_stream("note-1")
    assert isinstance(event, AnythingNoted)
    assert canonical(event.note) == canonical(odd)
    await store.close()


async def test_what_fits_into_a_commit_fits_into_a_message() -> None:
    store = MemoryEventStore()
    with pytest.raises(
        TooLarge
    ):  # 100 KB for MongoDB, 600 KB for NATS: it could never be published
        await store.append([*opened("b"), line("b", 2, "\x01" * 100_000)], context())
    await store.append([*opened("a"), line("a", 2, "\x01" * 80_000)], context())
    [commit] = store.commits
    largest = max(len(message_body(commit, event, 1)) for event in commit["events"])
    assert largest < 520_000


def test_a_commit_says_what_it_cannot_hold() -> None:
    with pytest.raises(Invalid, match="cannot hold this text"):
        make_commit(
            [noted("cut \ud83d")],
            context(),
            answer=None,
            keys={},
            now=AnythingNoted.create_timestamp(),
        )


def test_ids_of_a_process_and_of_its_child_never_meet() -> None:
    """Their random bytes are fetched for many at once."""
    ids = {uuid7() for _ in range(2_000)}
    assert len(ids) == 2_000
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, uuid7().encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 100).decode()[14:] != uuid7()[14:]
    os.close(read)
    os.close(write)
