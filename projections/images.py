"""The collection `uploadedImages`: the specification's fields, and ours beside them.

`originalUrl` and `processedUrl` hold `object:<key>`; readers get signed links that last five minutes.

`metadata` is in pixels of the upright stored original, angles in degrees clockwise: `neckPosition` is the
neck's box, `neckPoints` its narrowest left and right, the chin and the notch between the collar bones;
`torsoAngle` the lean that a necklace follows, `torsoYaw` the turn to the picture's right.
"""

from datetime import datetime
from typing import Any

from bson import ObjectId

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

IMAGES = Projection(
    "uploadedImages",
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
