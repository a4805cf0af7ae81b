"""What a fold says, in MongoDB's terms."""

from datetime import UTC, datetime
from typing import ClassVar

import pytest
from bson import ObjectId

from domain.kernel import DomainEvent, InitialEvent
from domain.ports.events import RecordedEvent
from projections import PROJECTIONS
from projections.projection import (
    Append,
    Change,
    Delete,
    DeleteWhere,
    Increment,
    Projection,
    Put,
    Set,
    SetWhere,
    Unset,
    index,
)

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RING = "65f000000000000000000001"
OTHER = "65f000000000000000000002"


class RingForged(InitialEvent):
    TOPIC: ClassVar[str] = "TestRingForged"
    metal: str


class RingPolished(DomainEvent):
    TOPIC: ClassVar[str] = "TestRingPolished"
    times: int = 1


def recorded(event: DomainEvent, *, position: int = 7, version: int = 3) -> RecordedEvent:
    stream = {"originator_id": f"ring-{RING}", "originator_version": version}
    return RecordedEvent(
        position=position,
        event_id="e",
        commit_id="c",
        command="Polish",
        actor="system",
        correlation="r",
        causation=None,
        at=AT,
        event=event.model_copy(update=stream),
    )


def folded(*changes: Change) -> list[tuple[object, ...]]:
    rings = Projection("rings", version=1)
    rings.on(RingPolished)(lambda _event, _at: changes)
    return [tuple(write) for write in rings.writes(recorded(RingPolished()))]


OWN = {"_id": ObjectId(RING)}
MARKS = {"version": 3, "position": 7}


def test_a_put_is_the_whole_document_with_its_id_version_and_position() -> None:
    assert folded(Put({"metal": "gold"})) == [("put", OWN, {"metal": "gold", **OWN, **MARKS})]


def test_fields_are_set_on_the_event_s_own_document() -> None:
    assert folded(Set({"a.b": 1})) == [("update", OWN, {"$set": {"a.b": 1, **MARKS}})]


def test_fields_are_unset() -> None:
    assert folded(Unset(["a"])) == [("update", OWN, {"$unset": {"a": ""}, "$set": MARKS})]


def test_numbers_are_added() -> None:
    assert folded(Increment({"n": 2})) == [("update", OWN, {"$inc": {"n": 2}, "$set": MARKS})]


def test_a_list_grows_at_its_end_and_may_keep_only_its_last_items() -> None:
    assert folded(Append("log", "x"), Append("log", "y", keep=5)) == [
        ("update", OWN, {"$push": {"log": {"$each": ["x"]}}, "$set": MARKS}),
        ("update", OWN, {"$push": {"log": {"$each": ["y"], "$slice": -5}}, "$set": MARKS}),
    ]


def test_a_document_is_deleted() -> None:
    assert folded(Delete()) == [("delete", OWN, {})]


def test_another_document_gets_the_position_but_not_this_stream_s_version() -> None:
    there = {"_id": ObjectId(OTHER)}
    assert folded(Set({"a": 1}, id=OTHER), Put({}, id=ObjectId(OTHER)), Delete(id=OTHER)) == [
        ("update", there, {"$set": {"a": 1, "position": 7}}),
        ("put", there, {**there, "position": 7}),
        ("delete", there, {}),
    ]


def test_many_documents_are_changed_by_what_they_have_in_common() -> None:
    assert folded(SetWhere({"owner": "u"}, {"owner": None}), DeleteWhere({"owner": None})) == [
        ("update", {"owner": "u"}, {"$set": {"owner": None, "position": 7}}),
        ("delete", {"owner": None}, {}),
    ]


def test_an_id_that_is_no_object_id_stays_text() -> None:
    assert folded(Delete(id="daily-2026"))[0][1] == {"_id": "daily-2026"}


def test_a_fold_gets_the_event_and_the_time_of_its_commit() -> None:
    rings = Projection("rings", version=1)

    @rings.on(RingForged)
    def forged(event: RingForged, at: datetime) -> Change:
        return Put({"metal": event.metal, "at": at})

    [write] = rings.writes(recorded(RingForged(metal="gold")))
    assert write.what == {"metal": "gold", "at": AT, **OWN, **MARKS}


def test_one_fold_may_serve_several_events_but_an_event_has_one_fold() -> None:
    rings = Projection("rings", version=1)

    @rings.on(RingForged, RingPolished)
    def touched(event: RingForged | RingPolished, at: datetime) -> Change:
        return Set({"at": at, "by": type(event).__name__})

    assert rings.writes(recorded(RingPolished())) != []
    with pytest.raises(TypeError, match="rings folds RingForged twice"):
        rings.on(RingForged)(lambda _event, _at: None)


def test_an_event_of_no_interest_and_a_fold_with_nothing_to_say_write_nothing() -> None:
    rings = Projection("rings", version=1)
    rings.on(RingPolished)(lambda _event, _at: None)
    assert rings.writes(recorded(RingPolished())) == []
    assert rings.writes(recorded(RingForged(metal="gold"))) == []


def test_indexes_are_pairs_with_or_without_options() -> None:
    rings = Projection(
        "rings", version=1, indexes=[[("owner", 1), ("at", -1)], index(("sku", 1), unique=True)]
    )
    assert [(i.keys, dict(i.options)) for i in rings.indexes] == [
        ((("owner", 1), ("at", -1)), {}),
        ((("sku", 1),), {"unique": True}),
    ]


def test_every_read_model_says_what_its_documents_look_like() -> None:
    assert [projection.name for projection in PROJECTIONS if projection.document is None] == []
