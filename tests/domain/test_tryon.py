"""Try-on results: rendered for each revision, shared and taken back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain import tryon
from domain.errors import NotFound, RuleViolation
from domain.kernel import DomainEvent
from domain.tryon import Picture, TryOn
from domain.tryon_events import (
    Position,
    TryOnAdjusted,
    TryOnAdjustments,
    TryOnDeleted,
    TryOnFailed,
    TryOnFinished,
    TryOnLeftAsPreview,
    TryOnRendered,
    TryOnRequested,
    TryOnSaved,
    TryOnShared,
    TryOnUnshared,
)
from tests.given import OBJECT_ID, given, replayed

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=30)
USER, OTHER, PRODUCT, IMAGE = "c" * 24, "d" * 24, "1" * 24, "2" * 24
LARGER = TryOnAdjustments(scale=2.0)

REQUESTED = TryOnRequested(
    user_id=USER,
    product_id=PRODUCT,
    product_name="Rani Haar",
    image_id=IMAGE,
    adjustments=TryOnAdjustments(),
)
ADJUSTED = TryOnAdjusted(adjustments=LARGER, revision=2)
FAILED = TryOnFailed(revision=1, code="no-neck", reason="no neck was found", pipeline_version="1")
SHARED = TryOnShared(user_id=USER, token="t", token_sha256="s", expires_at=LATER)
UNSHARED = TryOnUnshared()
PICTURE = Picture(key="r/1.jpg", width=60, height=80, pipeline_version="1")
LARGE = Picture(key="r/1-full.jpg", width=600, height=800, pipeline_version="1")
SAVED = TryOnSaved(full_size=True)
SAVED_AT_FIRST = TryOnSaved()


def rendered(revision: int = 1) -> TryOnRendered:
    return TryOnRendered(user_id=USER, revision=revision, **PICTURE.as_facts())


def finished(revision: int = 1) -> TryOnFinished:
    return TryOnFinished(user_id=USER, revision=revision, **LARGE.as_facts())


READY: tuple[DomainEvent, ...] = (REQUESTED, rendered())


def test_a_result_is_asked_for() -> None:
    asking = given().when(
        TryOn.request,
        OBJECT_ID,
        user_id=USER,
        product_id=PRODUCT,
        product_name="Rani Haar",
        image_id=IMAGE,
        adjustments=TryOnAdjustments(),
    )
    assert asking.then(REQUESTED).product_ids == (PRODUCT,)


def test_at_most_four_pieces_are_worn_at_once() -> None:
    facts = REQUESTED.model_dump() | {"more_product_ids": (PRODUCT,) * 4}
    with pytest.raises(ValidationError, match="at most 4 pieces"):
        TryOnRequested(**facts)


def test_a_picture_is_noted_once() -> None:
    given(REQUESTED).when(TryOn.render, revision=1, picture=PICTURE).then(rendered())


def test_a_picture_of_an_older_revision_is_ignored() -> None:
    given(REQUESTED, ADJUSTED).when(TryOn.render, revision=1, picture=PICTURE).then_nothing()
    given(REQUESTED, ADJUSTED).when(TryOn.render, revision=2, picture=PICTURE).then(rendered(2))
    given(REQUESTED, ADJUSTED).when(
        TryOn.fail, revision=1, code="no-neck", reason="no neck was found", pipeline_version="1"
    ).then_nothing()


def test_a_failure_is_noted_once_and_a_late_picture_does_not_undo_it() -> None:
    failing = {"code": "no-neck", "reason": "no neck was found", "pipeline_version": "1"}
    given(REQUESTED).when(TryOn.fail, revision=1, **failing).then(FAILED)
    given(REQUESTED, FAILED).when(TryOn.render, revision=1, picture=PICTURE).then_nothing()


def test_an_adjustment_asks_for_a_new_picture_and_the_same_one_does_not() -> None:
    given(*READY).when(TryOn.adjust, LARGER).then(ADJUSTED)
    given(*READY).when(TryOn.adjust, TryOnAdjustments()).then_nothing()


def test_adjustments_are_kept_to_four_places() -> None:
    assert TryOnAdjustments(scale=1.00001, position=Position(x=1 / 3)).position.x == 0.3333
    assert TryOnAdjustments(scale=1.00001) == TryOnAdjustments()


@pytest.mark.parametrize(
    "changes", [{"scale": 0.05}, {"rotation": 200}, {"shadow": -1}, {"scale": float("nan")}]
)
def test_adjustments_have_bounds(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TryOnAdjustments(**changes)


def test_a_result_is_saved_once() -> None:
    given(*READY).when(TryOn.save).then(SAVED)


def test_what_was_saved_before_there_was_a_full_size_is_asked_for_when_saved_again() -> None:
    given(*READY, SAVED_AT_FIRST).when(TryOn.save).then(SAVED)
    assert replayed(TryOn, (*READY, SAVED_AT_FIRST)).saved


def share(*events: DomainEvent, now: datetime = NOW) -> Any:
    named = {"token": "t", "token_sha256": "s", "expires_at": LATER, "now": now}
    return given(*events).when(TryOn.share, **named)


def test_a_picture_is_shared_by_one_link_as_long_as_it_holds() -> None:
    share(*READY).then(SHARED)
    share(*READY, SHARED, now=LATER - timedelta(seconds=1)).then_nothing()
    share(*READY, SHARED, UNSHARED).then(SHARED)


@pytest.mark.parametrize("days", [-29, 30])
def test_a_link_that_holds_may_end_sooner_or_later(days: int) -> None:
    wanted = LATER + timedelta(days=days)
    moved = SHARED.model_copy(update={"expires_at": wanted})
    given(*READY, SHARED).when(TryOn.hold_link_until, wanted).then(moved)


def test_where_no_link_is_or_it_ends_then_nothing_is_moved() -> None:
    given(*READY, SHARED).when(TryOn.hold_link_until, LATER + timedelta(seconds=5)).then_nothing()
    given(*READY, SHARED, UNSHARED).when(TryOn.hold_link_until, LATER).then_nothing()


def test_a_result_is_shared_so_often_and_can_always_be_withdrawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tryon, "MAX_SHARES", 1)
    share(*READY, SHARED, UNSHARED).then_raises(
        RuleViolation, "at most 1 times", code="quota-exceeded"
    )
    given(*READY, SHARED).when(TryOn.unshare).then(UNSHARED)


def test_a_link_that_expired_gives_way_to_a_new_one() -> None:
    longer = {"expires_at": LATER + timedelta(days=1), "now": LATER}
    renewed = SHARED.model_copy(update={"expires_at": LATER + timedelta(days=1)})
    given(*READY, SHARED).when(TryOn.share, token="t", token_sha256="s", **longer).then(renewed)


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((REQUESTED,), "processing"),
        ((REQUESTED, FAILED), "failed"),
        ((*READY, ADJUSTED), "processing"),
    ],
)
def test_without_a_picture_there_is_nothing_to_share(
    events: tuple[DomainEvent, ...], state: str
) -> None:
    share(*events).then_raises(RuleViolation, f"a {state} result", code="not-ready")


def test_a_link_is_withdrawn_once() -> None:
    given(*READY, SHARED).when(TryOn.unshare).then(UNSHARED)
    given(*READY).when(TryOn.unshare).then_nothing()


def test_a_saved_result_gets_its_full_size_once() -> None:
    finishing = {"revision": 1, "picture": LARGE}
    given(*READY, SAVED).when(TryOn.finish, **finishing).then(finished())
    given(*READY).when(TryOn.finish, **finishing).then_nothing()
    given(REQUESTED, SAVED).when(TryOn.finish, **finishing).then_nothing()
    given(*READY, SAVED, ADJUSTED, rendered(2)).when(TryOn.finish, **finishing).then_nothing()


def test_an_adjusted_saved_result_waits_for_its_full_size_again() -> None:
    events = (*READY, SAVED, finished())
    assert not replayed(TryOn, events).awaits_full_size
    assert not replayed(TryOn, (*events, ADJUSTED)).awaits_full_size
    assert replayed(TryOn, (*events, ADJUSTED, rendered(2))).awaits_full_size


def test_a_full_size_that_cannot_be_made_is_told_once() -> None:
    why = {"code": "too-large", "reason": "It is too large.", "pipeline_version": "1"}
    left = TryOnLeftAsPreview(revision=1, **why)
    given(*READY, SAVED).when(TryOn.leave_as_preview, revision=1, **why).then(left)
    given(*READY, SAVED, finished()).when(TryOn.leave_as_preview, revision=1, **why).then_nothing()


def test_a_result_is_moved_so_often_and_not_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tryon, "MAX_REVISIONS", 2)
    given(*READY).when(TryOn.adjust, LARGER).then(ADJUSTED)
    given(*READY, ADJUSTED).when(TryOn.adjust, TryOnAdjustments(scale=3.0)).then_raises(
        RuleViolation, "at most 2 times", code="quota-exceeded"
    )


def test_a_link_holds_no_longer_than_what_it_shows() -> None:
    week = NOW + timedelta(days=7)
    events = (REQUESTED.model_copy(update={"expires_at": week}), rendered())
    share(*events).then(SHARED.model_copy(update={"expires_at": week}))
    share(*events, SAVED).then(SHARED)


def test_a_deleted_result_names_the_pictures_that_it_shows() -> None:
    second = TryOnRendered(user_id=USER, revision=2, **PICTURE.as_facts() | {"key": "r/2.jpg"})
    deleted = TryOnDeleted(user_id=USER, keys=("r/2.jpg", "r/1-full.jpg"), reason="by its owner")
    events = (*READY, SAVED, ADJUSTED, second, finished(2))
    given(*events).when(TryOn.delete, reason="by its owner").then(deleted)
    given(REQUESTED, deleted).when(TryOn.render, revision=1, picture=PICTURE).then_nothing()
    given(REQUESTED, deleted).when(TryOn.must_belong_to, USER).then_raises(NotFound)


def test_a_result_is_its_owners_alone() -> None:
    given(*READY).when(TryOn.must_belong_to, USER).then_nothing()
    given(*READY).when(TryOn.must_belong_to, OTHER).then_raises(NotFound, "no such result")
