"""The documents of `tryOnResults`, as events make them."""

from datetime import timedelta
from typing import Any

from bson import ObjectId

from domain.accounts import Account, PersonalDataErased
from domain.albums import Album, PhotoConsentWithdrawn
from domain.kernel import DomainEvent
from domain.tryon import TryOn
from domain.tryon_events import (
    LeftOut,
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
from projections.tryon import RESULTS
from tests.folding import AT, folded

USER, RESULT, PRODUCT, IMAGE = "c" * 24, "1" * 24, "2" * 24, "3" * 24
LATER = AT + timedelta(days=30)
REQUESTED = TryOnRequested(
    user_id=USER,
    product_id=PRODUCT,
    product_name="Rani Haar",
    image_id=IMAGE,
    adjustments=TryOnAdjustments(),
    expires_at=LATER,
)
RENDERED = TryOnRendered(
    user_id=USER, revision=1, key="r/1.jpg", width=60, height=80, pipeline_version="1"
)
SHARED = TryOnShared(user_id=USER, token="t", token_sha256="s", expires_at=LATER)


def results(*events: DomainEvent) -> dict[Any, dict[str, Any]]:
    return folded(RESULTS, *((TryOn, RESULT, event) for event in events))


def result(*events: DomainEvent) -> dict[str, Any]:
    return results(*events)[ObjectId(RESULT)]


def test_a_result_has_the_fields_of_the_specification() -> None:
    document = result(REQUESTED)
    specified = {
        "_id": ObjectId(RESULT),
        "userId": ObjectId(USER),
        "productId": ObjectId(PRODUCT),
        "userImageId": ObjectId(IMAGE),
        "resultImageUrl": "",
        "shared": False,
        "shareUrl": "",
        "createdAt": AT,
    }
    assert document.items() >= specified.items()
    assert (
        document["adjustments"].items()
        >= {
            "scale": 1.0,
            "rotation": 0.0,
            "position": {"x": 0.0, "y": 0.0},
        }.items()
    )
    assert (document["status"], document["revision"]) == ("processing", 1)


def test_a_picture_makes_it_ready() -> None:
    document = result(REQUESTED, RENDERED)
    assert (document["status"], document["resultImageUrl"]) == ("ready", "object:r/1.jpg")
    assert (document["width"], document["height"]) == (60, 80)


def test_the_full_size_takes_the_previews_place() -> None:
    full = TryOnFinished(
        user_id=USER, revision=1, key="r/f.jpg", width=600, height=800, pipeline_version="1"
    )
    document = result(REQUESTED, RENDERED, TryOnSaved(), full)
    assert (document["resultImageUrl"], document["previewImageUrl"]) == (
        "object:r/f.jpg",
        "object:r/1.jpg",
    )
    assert (document["width"], document["finished"]) == (600, {"revision": 1, "failure": None})
    again = result(REQUESTED, full, RENDERED.model_copy(update={"key": "r/2.jpg"}))
    assert again["resultImageUrl"] == "object:r/2.jpg"


def test_why_a_saved_result_stays_a_preview_is_told() -> None:
    left = TryOnLeftAsPreview(revision=1, code="too-large", reason="It is too large.")
    document = result(REQUESTED, RENDERED, TryOnSaved(), left)
    assert document["resultImageUrl"] == "object:r/1.jpg"
    assert document["finished"]["failure"] == {"code": "too-large", "reason": "It is too large."}


def test_pieces_that_could_not_be_worn_are_told() -> None:
    left_out = (LeftOut(index=1, code="not-wearable-here", message="No hand is seen."),)
    document = result(REQUESTED, RENDERED.model_copy(update={"left_out": left_out}))
    assert document["leftOut"] == [
        {"index": 1, "code": "not-wearable-here", "message": "No hand is seen."}
    ]
    assert result(REQUESTED, RENDERED)["leftOut"] == []


def test_an_adjusted_result_shows_its_last_picture_until_the_next_is_there() -> None:
    adjusted = TryOnAdjusted(adjustments=TryOnAdjustments(scale=2.0), revision=2)
    document = result(REQUESTED, RENDERED, adjusted)
    assert (document["status"], document["revision"]) == ("processing", 2)
    assert document["adjustments"]["scale"] == 2.0
    assert document["resultImageUrl"] == "object:r/1.jpg"


def test_a_failure_is_told_and_a_picture_takes_it_back() -> None:
    failed = TryOnFailed(revision=1, code="no-neck", reason="no neck was found")
    document = result(REQUESTED, failed)
    assert document["status"] == "failed"
    assert document["failure"] == {"code": "no-neck", "reason": "no neck was found"}
    assert result(REQUESTED, failed, RENDERED)["failure"] is None


def test_what_is_saved_does_not_expire() -> None:
    assert result(REQUESTED)["expiresAt"] == LATER
    document = result(REQUESTED, TryOnSaved())
    assert (document["saved"], document["expiresAt"]) == (True, None)


def test_a_link_is_shown_while_it_is_there() -> None:
    shared = result(REQUESTED, RENDERED, SHARED)
    assert (shared["shared"], shared["shareUrl"]) == (True, "/share/t")
    assert (shared["shareTokenSha256"], shared["shareExpiresAt"]) == ("s", LATER)
    withdrawn = result(REQUESTED, RENDERED, SHARED, TryOnUnshared())
    assert (withdrawn["shared"], withdrawn["shareUrl"]) == (False, "")
    assert withdrawn["shareTokenSha256"] == ""


def test_a_forgotten_person_s_link_is_empty_in_a_rebuild() -> None:
    assert result(REQUESTED, SHARED.model_copy(update={"token": ""}))["shareUrl"] == ""


def test_a_deleted_result_is_gone() -> None:
    deleted = TryOnDeleted(user_id=USER, keys=("r/1.jpg",), reason="by its owner")
    assert results(REQUESTED, RENDERED, deleted) == {}


def test_a_late_event_does_not_bring_a_deleted_result_back() -> None:
    deleted = TryOnDeleted(user_id=USER, keys=(), reason="by its owner")
    assert results(REQUESTED, deleted, TryOnSaved()) == {}


def test_a_forgotten_person_has_no_results() -> None:
    other = "9" * 24
    told = (
        (TryOn, RESULT, REQUESTED),
        (TryOn, other, REQUESTED.model_copy(update={"user_id": "d" * 24})),
        (Account, USER, PersonalDataErased(account_id=USER)),
    )
    assert folded(RESULTS, *told).keys() == {ObjectId(other)}


def test_without_consent_nothing_is_shown_but_what_came_with_a_new_one() -> None:
    withdrawn = (Album, USER, PhotoConsentWithdrawn(withdrawn_at=AT))
    other, later = "8" * 24, "9" * 24
    told = (
        (TryOn, RESULT, REQUESTED),
        (TryOn, other, REQUESTED.model_copy(update={"user_id": "d" * 24})),
        withdrawn,
        (TryOn, later, REQUESTED),
    )
    assert folded(RESULTS, *told).keys() == {ObjectId(other), ObjectId(later)}
