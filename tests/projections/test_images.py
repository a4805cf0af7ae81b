"""The documents of `uploadedImages`, as events make them."""

from datetime import timedelta
from typing import Any

from bson import ObjectId

from domain.accounts import Account, PersonalDataErased
from domain.albums import Album, PhotoConsentWithdrawn
from domain.images import (
    Image,
    ImageDeleted,
    ImageProcessed,
    ImageProcessingRequested,
    ImageRejected,
    ImageUploaded,
    PhotoKeys,
)
from domain.kernel import DomainEvent
from imaging.types import Analysis, Box, Face, Neck, Point, Pose
from projections.images import IMAGES, object_url
from tests.folding import AT, folded

USER, IMAGE = "c" * 24, "1" * 24
KEYS = PhotoKeys(original="p/o.jpg", large="p/l.jpg", medium="p/m.jpg", small="p/s.jpg")
BOX = {"x": 20, "y": 40, "width": 20, "height": 10}
UPLOADED = ImageUploaded(
    user_id=USER,
    file_name="me.jpg",
    keys=KEYS,
    sha256="a" * 64,
    size=10,
    mime_type="image/jpeg",
    width=60,
    height=80,
    purpose="tryon",
    consent="photo-try-on-1",
    expires_at=AT + timedelta(days=30),
)
NECK = Neck(
    box=Box(20, 40, 20, 10),
    left=Point(20, 45),
    right=Point(40, 45),
    chin=Point(30, 40),
    notch=Point(30, 50),
    angle=-3.5,
    width=20.0,
    px_per_mm=0.2,
    yaw=12.0,
    confidence=0.9,
)
FACE = Face(box=Box(18, 10, 24, 30), score=0.9, pose=Pose(0, 0, 0), presence=1.0)
ANALYSIS = Analysis(
    60, 80, faces=(FACE,), primary=0, neck=NECK, shoulders=(Point(5, 70), Point(55, 70))
)
FOUND = ImageProcessed(
    user_id=USER,
    analysis=ANALYSIS.to_dict(),
    face_detected=True,
    neck_found=True,
    pipeline_version="1",
)


def images(*events: DomainEvent) -> dict[Any, dict[str, Any]]:
    return folded(IMAGES, *((Image, IMAGE, event) for event in events))


def image(*events: DomainEvent) -> dict[str, Any]:
    return images(*events)[ObjectId(IMAGE)]


def test_a_photograph_has_the_fields_of_the_specification() -> None:
    document = image(UPLOADED)
    specified = {
        "_id": ObjectId(IMAGE),
        "userId": ObjectId(USER),
        "originalUrl": "object:p/o.jpg",
        "processedUrl": "object:p/m.jpg",
        "thumbnailUrl": "object:p/s.jpg",
        "metadata": {"width": 60, "height": 80, "faceDetected": False, "neckPosition": None},
        "uploadedAt": AT,
    }
    assert document.items() >= specified.items()
    assert (document["status"], document["version"]) == ("processing", 1)


def test_what_was_found_is_shown() -> None:
    document = image(UPLOADED, FOUND)
    found = document["metadata"]
    assert (document["status"], document["processedAt"]) == ("ready", AT + timedelta(seconds=1))
    assert (found["faceDetected"], found["neckPosition"], found["confidence"]) == (True, BOX, 0.9)
    assert (found["width"], found["primaryFace"]) == (60, 0)


def test_the_metadata_say_all_that_a_front_end_needs_to_lay_a_necklace() -> None:
    found = image(UPLOADED, FOUND)["metadata"]
    assert found["neckPoints"] == {
        "left": {"x": 20, "y": 45},
        "right": {"x": 40, "y": 45},
        "chin": {"x": 30, "y": 40},
        "notch": {"x": 30, "y": 50},
    }
    assert (found["torsoAngle"], found["torsoYaw"]) == (-3.5, 12.0)
    assert (found["pixelsPerMm"], found["neckWidth"]) == (0.2, 20.0)
    assert found["shoulders"] == [{"x": 5, "y": 70}, {"x": 55, "y": 70}]
    assert (found["coordinateSpace"], found["reasons"]) == ("pixels", [])
    assert not any("_" in name for name in found)


def test_without_a_neck_the_place_is_empty_and_the_reasons_are_told() -> None:
    nobody = FOUND.model_copy(
        update={"analysis": {"faces": [], "neck": None}, "reasons": ("no-face",)}
    )
    found = image(UPLOADED, FOUND, nobody)["metadata"]
    assert (found["neckPosition"], found["confidence"], found["reasons"]) == (None, 0, ["no-face"])
    for name in ("neckPoints", "torsoAngle", "torsoYaw", "pixelsPerMm", "neckWidth", "neck"):
        assert found[name] is None


def test_what_a_forgotten_person_s_analysis_left_can_be_shown() -> None:
    """In a rebuild the analysis stands as erased."""
    erased = FOUND.model_copy(update={"analysis": {}})
    assert image(UPLOADED, erased)["metadata"]["neckPosition"] is None
    assert object_url("") == ""


def test_another_look_is_awaited_and_a_rejection_told() -> None:
    assert image(UPLOADED, FOUND, ImageProcessingRequested(face=1))["status"] == "processing"
    rejected = image(UPLOADED, ImageRejected(code="unreadable-image", reason="It has no end."))
    assert rejected["status"] == "rejected"
    assert rejected["metadata"]["reasons"] == ["unreadable-image", "It has no end."]


def test_a_deleted_photograph_is_gone() -> None:
    assert images(UPLOADED, ImageDeleted(user_id=USER, keys=KEYS, reason="by its owner")) == {}


def test_a_forgotten_person_has_no_photographs() -> None:
    theirs, other = (Image, IMAGE, UPLOADED), "2" * 24
    kept = (Image, other, UPLOADED.model_copy(update={"user_id": "d" * 24}))
    erased = (Account, USER, PersonalDataErased(account_id=USER))
    assert folded(IMAGES, theirs, kept, erased).keys() == {ObjectId(other)}


def test_without_consent_nothing_is_shown_but_what_came_with_a_new_one() -> None:
    withdrawn = (Album, USER, PhotoConsentWithdrawn(withdrawn_at=AT))
    other, later = "8" * 24, "9" * 24
    told = (
        (Image, IMAGE, UPLOADED),
        (Image, other, UPLOADED.model_copy(update={"user_id": "d" * 24})),
        withdrawn,
        (Image, later, UPLOADED),
    )
    assert folded(IMAGES, *told).keys() == {ObjectId(other), ObjectId(later)}
