"""The collection `uploadedImages`: the specification's fields, and ours beside them.

`originalUrl` and `processedUrl` hold `object:<key>`; readers get signed links that last five minutes.

`metadata` is in pixels of the upright stored original, angles in degrees clockwise: `neckPosition` is the
neck's box, `neckPoints` its narrowest left and right, the chin and the notch between the collar bones;
`torsoAngle` the lean that a necklace follows, `torsoYaw` the turn to the picture's right.
"""

from datetime import datetime
from typing import Any, Literal, NotRequired

from bson import ObjectId
from typing_extensions import TypedDict

from domain.accounts import PersonalDataErased
from domain.albums import PhotoConsentWithdrawn
from domain.images import (
    ImageDeleted,
    ImageProcessed,
    ImageProcessingRequested,
    ImageRejected,
    ImageUploaded,
)
from projections.projection import Delete, DeleteWhere, Projection, Put, Set
from projections.stored import Id, Stored, shape


@shape
class PointDocument(TypedDict):
    x: float
    y: float


@shape
class BoxDocument(TypedDict):
    """An upright rectangle; x and y are its top left corner."""

    x: float
    y: float
    width: float
    height: float


@shape
class PoseDocument(TypedDict):
    yaw: float
    pitch: float
    roll: float


@shape
class FaceDocument(TypedDict):
    box: BoxDocument
    score: float
    pose: PoseDocument
    presence: float


@shape
class EarDocument(TypedDict):
    lobe: PointDocument
    side: Literal["left", "right"]
    visible: bool


@shape
class NeckPointsDocument(TypedDict):
    left: PointDocument
    right: PointDocument
    chin: PointDocument
    notch: PointDocument


@shape
class NeckDocument(NeckPointsDocument):
    box: BoxDocument
    angle: float
    width: float
    px_per_mm: float
    yaw: float
    confidence: float


@shape
class MetadataDocument(TypedDict):
    """Of a photograph that was looked at, all; before that the size alone."""

    width: int
    height: int
    faceDetected: bool
    neckPosition: BoxDocument | None
    neckPoints: NotRequired[NeckPointsDocument | None]
    neckWidth: NotRequired[float | None]
    torsoAngle: NotRequired[float | None]
    torsoYaw: NotRequired[float | None]
    pixelsPerMm: NotRequired[float | None]
    neck: NotRequired[NeckDocument | None]
    faces: NotRequired[list[FaceDocument]]
    primaryFace: NotRequired[int | None]
    ears: NotRequired[list[EarDocument]]
    shoulders: NotRequired[list[PointDocument] | None]
    confidence: NotRequired[float]
    reasons: NotRequired[list[str]]
    coordinateSpace: NotRequired[Literal["pixels"]]
    pipelineVersion: NotRequired[str]


@shape
class ImageDocument(Stored):
    userId: Id
    originalUrl: str
    processedUrl: str
    thumbnailUrl: str
    largeUrl: str
    fileName: str
    fileSize: int
    mimeType: str
    metadata: MetadataDocument
    status: Literal["processing", "ready", "rejected"]
    purpose: str
    sha256: str
    consent: str
    uploadedAt: datetime
    processedAt: NotRequired[datetime]
    expiresAt: datetime | None


IMAGES = Projection(
    "uploadedImages",
    document=ImageDocument,
    version=2,
    indexes=[[("userId", 1), ("uploadedAt", -1), ("_id", -1)], [("expiresAt", 1)]],
)


NECK_POINTS = ("left", "right", "chin", "notch")


def object_url(key: str) -> str:
    return f"object:{key}" if key else ""


@IMAGES.on(ImageUploaded)
def uploaded(event: ImageUploaded, at: datetime) -> Put:
    return Put(
        {
            "userId": ObjectId(event.user_id),
            "originalUrl": object_url(event.keys.original),
            "processedUrl": object_url(event.keys.medium),
            "thumbnailUrl": object_url(event.keys.small),
            "largeUrl": object_url(event.keys.large),
            "fileName": event.file_name,
            "fileSize": event.size,
            "mimeType": event.mime_type,
            "metadata": {
                "width": event.width,
                "height": event.height,
                "faceDetected": False,
                "neckPosition": None,
            },
            "status": "processing",
            "purpose": event.purpose,
            "sha256": event.sha256,
            "consent": event.consent,
            "uploadedAt": at,
            "expiresAt": event.expires_at,
        }
    )


@IMAGES.on(ImageProcessingRequested)
def processing_requested(_: ImageProcessingRequested, __: datetime) -> Set:
    return Set({"status": "processing"})


@IMAGES.on(ImageProcessed)
def processed(event: ImageProcessed, at: datetime) -> Set:
    neck: dict[str, Any] = event.analysis.get("neck") or {}
    return Set(
        {
            "status": "ready",
            "processedAt": at,
            "metadata.faceDetected": event.face_detected,
            "metadata.neckPosition": neck.get("box"),
            "metadata.neckPoints": {name: neck[name] for name in NECK_POINTS} if neck else None,
            "metadata.neckWidth": neck.get("width"),
            "metadata.torsoAngle": neck.get("angle"),
            "metadata.torsoYaw": neck.get("yaw"),
            "metadata.pixelsPerMm": neck.get("px_per_mm"),
            "metadata.neck": neck or None,
            "metadata.faces": event.analysis.get("faces", []),
            "metadata.primaryFace": event.analysis.get("primary"),
            "metadata.ears": event.analysis.get("ears", []),
            "metadata.shoulders": event.analysis.get("shoulders"),
            "metadata.confidence": neck.get("confidence", 0),
            "metadata.reasons": list(event.reasons),
            "metadata.coordinateSpace": "pixels",
            "metadata.pipelineVersion": event.pipeline_version,
        }
    )


@IMAGES.on(ImageRejected)
def rejected(event: ImageRejected, at: datetime) -> Set:
    return Set(
        {"status": "rejected", "processedAt": at, "metadata.reasons": [event.code, event.reason]}
    )


@IMAGES.on(ImageDeleted)
def deleted(_: ImageDeleted, __: datetime) -> Delete:
    return Delete()


@IMAGES.on(PhotoConsentWithdrawn)
def consent_withdrawn(event: PhotoConsentWithdrawn, _: datetime) -> DeleteWhere:
    """Out of sight at once; the photographs themselves are removed one by one."""
    return DeleteWhere({"userId": ObjectId(event.object_id)})


@IMAGES.on(PersonalDataErased)
def erased(event: PersonalDataErased, _: datetime) -> DeleteWhere:
    return DeleteWhere({"userId": ObjectId(event.object_id)})
