"""The collection `tryOnResults`: the specification's fields, and ours beside them.

`resultImageUrl` and `previewImageUrl` hold `object:<key>`; readers get signed links that last five
minutes. `finished` is the revision whose full size was asked for last, and what came of it.
"""

from datetime import datetime
from typing import Literal, NotRequired

from bson import ObjectId
from typing_extensions import TypedDict

from domain.accounts import PersonalDataErased
from domain.albums import PhotoConsentWithdrawn
from domain.tryon_events import (
    TryOnAdjusted,
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
from projections.images import PointDocument, object_url
from projections.projection import Delete, DeleteWhere, Projection, Put, Set
from projections.stored import Hidden, Id, Stored, shape


@shape
class LeftOutDocument(TypedDict):
    """A piece that could not be worn: its place among `productIds`, and why."""

    index: int
    code: str
    message: str


@shape
class AdjustmentsDocument(TypedDict):
    scale: float
    rotation: float
    position: PointDocument
    face: int | None
    occlusion: bool
    shadow: float
    light: float
    sparkle: float


@shape
class FailedDocument(TypedDict):
    code: str
    reason: str


@shape
class FinishedDocument(TypedDict):
    revision: int
    failure: FailedDocument | None


@shape
class ResultDocument(Stored):
    userId: Id
    productId: Id
    productIds: list[Id]
    productName: str
    userImageId: Id
    resultImageUrl: str
    previewImageUrl: str
    previewWidth: NotRequired[int]
    previewHeight: NotRequired[int]
    leftOut: list[LeftOutDocument]
    adjustments: AdjustmentsDocument
    status: Literal["processing", "ready", "failed"]
    revision: int
    saved: bool
    fullSizeAsked: Hidden[bool]
    shared: bool
    shareUrl: str
    shareTokenSha256: NotRequired[Hidden[str]]
    shareExpiresAt: NotRequired[datetime | None]
    width: NotRequired[int]
    height: NotRequired[int]
    rendererVersion: NotRequired[str]
    failure: NotRequired[FailedDocument | None]
    finished: NotRequired[Hidden[FinishedDocument]]
    createdAt: datetime
    updatedAt: datetime
    expiresAt: datetime | None


RESULTS = Projection(
    "tryOnResults",
    document=ResultDocument,
    version=2,
    indexes=[
        [("userId", 1), ("createdAt", -1), ("_id", -1)],
        [("shareTokenSha256", 1)],
        [("userImageId", 1)],
        [("expiresAt", 1)],
    ],
)


@RESULTS.on(TryOnRequested)
def requested(event: TryOnRequested, at: datetime) -> Put:
    return Put(
        {
            "userId": ObjectId(event.user_id),
            "productId": ObjectId(event.product_id),
            "productIds": [ObjectId(i) for i in (event.product_id, *event.more_product_ids)],
            "productName": event.product_name,
            "userImageId": ObjectId(event.image_id),
            "resultImageUrl": "",
            "previewImageUrl": "",
            "leftOut": [],
            "adjustments": event.adjustments.model_dump(),
            "status": "processing",
            "revision": 1,
            "saved": False,
            "fullSizeAsked": False,
            "shared": False,
            "shareUrl": "",
            "createdAt": at,
            "updatedAt": at,
            "expiresAt": event.expires_at,
        }
    )


@RESULTS.on(TryOnAdjusted)
def adjusted(event: TryOnAdjusted, at: datetime) -> Set:
    return Set(
        {
            "adjustments": event.adjustments.model_dump(),
            "revision": event.revision,
            "status": "processing",
            "updatedAt": at,
        }
    )


@RESULTS.on(TryOnRendered)
def rendered(event: TryOnRendered, at: datetime) -> Set:
    return Set(
        {
            "resultImageUrl": object_url(event.key),
            "previewImageUrl": object_url(event.key),
            "previewWidth": event.width,
            "previewHeight": event.height,
            "leftOut": [piece.model_dump() for piece in event.left_out],
            "status": "ready",
            "width": event.width,
            "height": event.height,
            "rendererVersion": event.pipeline_version,
            "failure": None,
            "updatedAt": at,
        }
    )


@RESULTS.on(TryOnFailed)
def failed(event: TryOnFailed, at: datetime) -> Set:
    failure = {"code": event.code, "reason": event.reason}
    return Set({"status": "failed", "failure": failure, "updatedAt": at})


@RESULTS.on(TryOnSaved)
def saved(event: TryOnSaved, at: datetime) -> Set:
    asked = {"fullSizeAsked": event.full_size}
    return Set({"saved": True, **asked, "expiresAt": None, "updatedAt": at})


@RESULTS.on(TryOnFinished)
def finished(event: TryOnFinished, at: datetime) -> Set:
    return Set(
        {
            "resultImageUrl": object_url(event.key),
            "width": event.width,
            "height": event.height,
            "finished": {"revision": event.revision, "failure": None},
            "updatedAt": at,
        }
    )


@RESULTS.on(TryOnLeftAsPreview)
def left_as_preview(event: TryOnLeftAsPreview, at: datetime) -> Set:
    failure = {"code": event.code, "reason": event.reason}
    return Set({"finished": {"revision": event.revision, "failure": failure}, "updatedAt": at})


@RESULTS.on(TryOnShared)
def shared(event: TryOnShared, at: datetime) -> Set:
    return Set(
        {
            "shared": True,
            "shareUrl": f"/share/{event.token}" if event.token else "",
            "shareTokenSha256": event.token_sha256,
            "shareExpiresAt": event.expires_at,
            "updatedAt": at,
        }
    )


@RESULTS.on(TryOnUnshared)
def unshared(_: TryOnUnshared, at: datetime) -> Set:
    withdrawn = {"shared": False, "shareUrl": "", "shareTokenSha256": "", "shareExpiresAt": None}
    return Set({**withdrawn, "updatedAt": at})


@RESULTS.on(TryOnDeleted)
def deleted(_: TryOnDeleted, __: datetime) -> Delete:
    return Delete()


@RESULTS.on(PhotoConsentWithdrawn)
def consent_withdrawn(event: PhotoConsentWithdrawn, _: datetime) -> DeleteWhere:
    """Out of sight at once; the photographs themselves are removed one by one."""
    return DeleteWhere({"userId": ObjectId(event.object_id)})


@RESULTS.on(PersonalDataErased)
def erased(event: PersonalDataErased, _: datetime) -> DeleteWhere:
    return DeleteWhere({"userId": ObjectId(event.object_id)})
