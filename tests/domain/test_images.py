"""Photographs: what an album holds, and what a photograph goes through."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain import albums, images
from domain.albums import (
    Album,
    AlbumOpened,
    PhotoAdded,
    PhotoConsentGiven,
    PhotoConsentWithdrawn,
    PhotoRemoved,
    ResultKept,
    ResultsReleased,
)
from domain.errors import Invalid, NotFound, RuleViolation
from domain.images import (
    Image,
    ImageDeleted,
    ImageProcessed,
    ImageProcessingRequested,
    ImageRejected,
    ImageTriedOn,
    ImageUploaded,
    PhotoKeys,
)
from tests.given import given, replayed

USER, OTHER = "c" * 24, "d" * 24
IMAGE, ANOTHER, RESULT = "1" * 24, "2" * 24, "3" * 24
SHA, OTHER_SHA = "a" * 64, "b" * 64
KEYS = PhotoKeys(original="p/o.jpg", large="p/o.jpg", medium="p/m.jpg", small="p/s.jpg")
ANALYSIS: dict[str, Any] = {"faces": [{}, {}], "primary": 0, "neck": {"box": {}}, "reasons": []}
HAND_ALONE: dict[str, Any] = {
    "faces": [], "primary": None, "neck": None, "reasons": ["no-face"], "hands": [{"score": 1}],
}  # fmt: skip
NOBODY: dict[str, Any] = {"faces": [], "primary": None, "neck": None, "reasons": ["no-face"]}

OPENED = AlbumOpened(user_id=USER)
ADDED = PhotoAdded(image_id=IMAGE, sha256=SHA, size=10)
UPLOADED = ImageUploaded(
    user_id=USER,
    file_name="me.jpg",
    keys=KEYS,
    sha256=SHA,
    size=10,
    mime_type="image/jpeg",
    width=60,
    height=80,
    purpose="tryon",
    consent="photo-try-on-1",
)
DELETED = ImageDeleted(user_id=USER, keys=KEYS, reason="deleted by its owner")


def processed(analysis: dict[str, Any] = ANALYSIS, version: str = "1") -> ImageProcessed:
    return ImageProcessed(
        user_id=USER,
        analysis=analysis,
        face_detected=bool(analysis["faces"]),
        neck_found=analysis["neck"] is not None,
        reasons=tuple(analysis["reasons"]),
        pipeline_version=version,
    )


FOUND = processed()
REJECTED = ImageRejected(code="unreadable-image", reason="It has no end.", pipeline_version="1")
CHOSEN = ImageProcessingRequested(face=1)


def test_an_album_takes_a_photograph_once() -> None:
    given(OPENED).when(Album.add, IMAGE, sha256=SHA, size=10).then(ADDED)
    given(OPENED, ADDED).when(Album.add, ANOTHER, sha256=SHA, size=10).then_nothing()


def test_an_album_knows_what_it_holds() -> None:
    album = replayed(Album, [OPENED, ADDED])
    assert (album.holds(SHA), album.holds(OTHER_SHA)) == (IMAGE, None)


def test_a_full_album_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(albums, "MAX_PHOTOS", 1)
    adding = given(OPENED, ADDED).when(Album.add, ANOTHER, sha256=OTHER_SHA, size=1)
    adding.then_raises(RuleViolation, "holds 1 photographs", code="quota-exceeded")


def test_a_heavy_album_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(albums, "MAX_PHOTO_BYTES", 15)
    adding = given(OPENED, ADDED).when(Album.add, ANOTHER, sha256=OTHER_SHA, size=6)
    adding.then_raises(RuleViolation, code="quota-exceeded")
    fits = PhotoAdded(image_id=ANOTHER, sha256=OTHER_SHA, size=5)
    given(OPENED, ADDED).when(Album.add, ANOTHER, sha256=OTHER_SHA, size=5).then(fits)


def test_a_photograph_leaves_its_album_once() -> None:
    removed = PhotoRemoved(image_id=IMAGE, sha256=SHA, size=10)
    given(OPENED, ADDED).when(Album.remove, IMAGE, sha256=SHA, size=10).then(removed)
    given(OPENED, ADDED).when(Album.remove, ANOTHER, sha256=SHA, size=10).then_nothing()
    empty = replayed(Album, [OPENED, ADDED, removed])
    assert (empty.size, empty.photos) == (0, {})


NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GIVEN = PhotoConsentGiven(version="photo-try-on-1", given_at=NOW)
WITHDRAWN = PhotoConsentWithdrawn(withdrawn_at=NOW)


def test_consent_is_noted_once_for_each_text() -> None:
    given(OPENED).when(Album.consent, version="photo-try-on-1", now=NOW).then(GIVEN)
    given(OPENED, GIVEN).when(Album.consent, version="photo-try-on-1", now=NOW).then_nothing()
    newer = PhotoConsentGiven(version="photo-try-on-2", given_at=NOW)
    given(OPENED, GIVEN).when(Album.consent, version="photo-try-on-2", now=NOW).then(newer)
    given(OPENED, GIVEN, WITHDRAWN).when(Album.consent, version="photo-try-on-1", now=NOW).then(
        GIVEN
    )


def test_consent_is_withdrawn_once_and_from_albums_of_before_it_was_noted_too() -> None:
    given(OPENED, GIVEN).when(Album.withdraw_consent, now=NOW).then(WITHDRAWN)
    given(OPENED, ADDED).when(Album.withdraw_consent, now=NOW).then(WITHDRAWN)
    given(OPENED).when(Album.withdraw_consent, now=NOW).then_nothing()


def test_consent_is_given_anew_so_often_and_can_always_be_withdrawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(albums, "MAX_WITHDRAWALS", 1)
    given(OPENED, GIVEN).when(Album.withdraw_consent, now=NOW).then(WITHDRAWN)
    again = given(OPENED, GIVEN, WITHDRAWN).when(Album.consent, version="photo-try-on-1", now=NOW)
    again.then_raises(RuleViolation, "withdrawn 1 times", code="quota-exceeded")


def test_photographs_without_consent_leave_one_by_one_and_may_come_again() -> None:
    before = (OPENED, GIVEN, ADDED, WITHDRAWN)
    removed = PhotoRemoved(image_id=IMAGE, sha256=SHA, size=10)
    given(*before).when(Album.remove, IMAGE, sha256=SHA, size=10).then(removed)
    again = PhotoAdded(image_id=ANOTHER, sha256=SHA, size=10)
    given(*before).when(Album.add, ANOTHER, sha256=SHA, size=10).then(again)
    album = replayed(Album, [*before, again, removed])
    assert (album.holds(SHA), album.size) == (ANOTHER, 10)


KEPT = ResultKept(result_id=RESULT)


def test_saved_results_are_counted_until_they_are_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(albums, "MAX_SAVED", 1)
    given(OPENED).when(Album.keep, RESULT).then(KEPT)
    given(OPENED, KEPT).when(Album.keep, RESULT).then_nothing()
    another = given(OPENED, KEPT).when(Album.keep, ANOTHER)
    another.then_raises(RuleViolation, "at most 1 results", code="quota-exceeded")
    released = ResultsReleased(result_ids=(RESULT,))
    given(OPENED, KEPT).when(Album.release, (ANOTHER, RESULT)).then(released)
    given(OPENED, KEPT).when(Album.release, (ANOTHER,)).then_nothing()
    given(OPENED, KEPT, released).when(Album.keep, ANOTHER).then(ResultKept(result_id=ANOTHER))


def test_a_photograph_without_consent_is_not_there() -> None:
    given(OPENED, GIVEN, ADDED).when(Album.must_hold, IMAGE).then_nothing()
    given(OPENED, GIVEN, ADDED, WITHDRAWN).when(Album.must_hold, IMAGE).then_raises(
        NotFound, "no such photograph"
    )


def test_what_leaves_counts_until_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(albums, "MAX_PHOTOS", 1)
    before = (OPENED, GIVEN, ADDED, WITHDRAWN)
    adding = given(*before).when(Album.add, ANOTHER, sha256=OTHER_SHA, size=1)
    adding.then_raises(RuleViolation, code="quota-exceeded")


def test_consent_is_withdrawn_once_all_photographs_of_before_are_gone_too() -> None:
    """Saved results may have outlived them."""
    removed = PhotoRemoved(image_id=IMAGE, sha256=SHA, size=10)
    given(OPENED, ADDED, removed).when(Album.withdraw_consent, now=NOW).then(WITHDRAWN)


def test_keys_of_equal_sizes_are_named_once() -> None:
    assert KEYS.all() == ("p/o.jpg", "p/m.jpg", "p/s.jpg")


def test_what_was_found_is_noted_once() -> None:
    given(UPLOADED).when(Image.process, analysis=ANALYSIS, pipeline_version="1").then(FOUND)


def test_another_pipeline_may_find_the_same_and_says_so() -> None:
    looking = given(UPLOADED, FOUND).when(Image.process, analysis=ANALYSIS, pipeline_version="2")
    looking.then(processed(version="2"))


def test_another_face_is_asked_for_once() -> None:
    given(UPLOADED, FOUND).when(Image.request_processing, face=1).then(CHOSEN)
    given(UPLOADED, FOUND, CHOSEN).when(Image.request_processing, face=1).then_nothing()


def test_a_face_that_was_not_found_cannot_be_chosen() -> None:
    choosing = given(UPLOADED, FOUND).when(Image.request_processing, face=2)
    choosing.then_raises(Invalid, "2 faces were found", code="no-such-face")


def test_a_face_may_be_chosen_before_anybody_has_looked() -> None:
    given(UPLOADED).when(Image.request_processing, face=1).then(CHOSEN)


def test_what_was_found_decides_which_face_may_wear_something() -> None:
    given(UPLOADED, FOUND).when(Image.must_show, 2).then_raises(Invalid, code="no-such-face")
    for face in (None, 0, 1):
        given(UPLOADED, FOUND).when(Image.must_show, face).then_nothing()
    given(UPLOADED).when(Image.must_show, 2).then_nothing()


def test_what_is_gone_can_carry_nothing_new() -> None:
    given(UPLOADED, DELETED).when(Image.must_be_there).then_raises(
        RuleViolation, code="photo-deleted"
    )
    given(UPLOADED).when(Image.must_be_there).then_nothing()


def test_who_asked_is_answered_even_when_nothing_else_was_found() -> None:
    looking = given(UPLOADED, FOUND, CHOSEN).when(
        Image.process, analysis=ANALYSIS, pipeline_version="1"
    )
    looking.then(FOUND)


def test_a_photograph_that_cannot_be_read_is_rejected_once() -> None:
    reason = {"code": "unreadable-image", "reason": "It has no end.", "pipeline_version": "1"}
    given(UPLOADED).when(Image.reject, **reason).then(REJECTED)
    given(UPLOADED, FOUND).when(Image.reject, **reason).then_nothing()
    given(UPLOADED, FOUND, CHOSEN).when(Image.reject, **reason).then(REJECTED)


def test_a_photograph_carries_results_if_somebody_is_on_it() -> None:
    tried = ImageTriedOn(result_id=RESULT)
    given(UPLOADED).when(Image.try_on, RESULT).then(tried)
    given(UPLOADED, FOUND).when(Image.try_on, RESULT).then(tried)
    given(UPLOADED, processed(HAND_ALONE)).when(Image.try_on, RESULT).then(tried)
    given(UPLOADED, processed(NOBODY)).when(Image.try_on, RESULT).then_raises(
        RuleViolation, "no face", code="no-face"
    )
    given(UPLOADED, REJECTED).when(Image.try_on, RESULT).then_raises(RuleViolation, code="no-face")


def test_one_photograph_carries_so_many_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_RESULTS", 1)
    asking = given(UPLOADED, ImageTriedOn(result_id=ANOTHER)).when(Image.try_on, RESULT)
    asking.then_raises(RuleViolation, code="quota-exceeded")


def test_a_deleted_photograph_is_deleted_once_and_for_all() -> None:
    given(UPLOADED).when(Image.delete, reason="deleted by its owner").then(DELETED)
    late = given(UPLOADED, DELETED).when(Image.process, analysis=ANALYSIS, pipeline_version="1")
    late.then_nothing()
    given(UPLOADED, DELETED).when(
        Image.reject, code="x", reason="y", pipeline_version="1"
    ).then_nothing()
    given(UPLOADED, DELETED).when(Image.must_belong_to, USER).then_raises(NotFound)


def test_a_photograph_is_its_owners_alone() -> None:
    given(UPLOADED).when(Image.must_belong_to, USER).then_nothing()
    given(UPLOADED).when(Image.must_belong_to, OTHER).then_raises(NotFound, "no such photograph")
