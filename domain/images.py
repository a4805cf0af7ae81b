"""Photographs of customers: uploaded with consent, analysed, kept for a while, deleted for good.

Events hold keys, hashes and geometry, never pictures. Where a photograph lies and what was found on it
is personal: encrypted under the customer's key.

Event topics and fields are a storage format: change them only by adding.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import StringConstraints

from domain.errors import Invalid, NotFound, RuleViolation
from domain.kernel import (
    AggregateRoot,
    DomainEvent,
    InitialEvent,
    PersonalData,
    ValueObject,
    applies,
)
from domain.values import ImageId, ResultId, UserId

MAX_RESULTS = 900
"""Below the 1,000 events of one commit, since deleting a photograph deletes its results with it."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class PhotoKeys(ValueObject):
    """Where the sizes lie in the object store: `original` is the upright full size, without metadata."""

    original: str
    large: str
    medium: str
    small: str

    def all(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.original, self.large, self.medium, self.small)))


ERASED_KEYS = {"original": "", "large": "", "medium": "", "small": ""}


class ImageStatus(StrEnum):
    UPLOADED = "uploaded"
    READY = "ready"
    REJECTED = "rejected"
    DELETED = "deleted"


class ImageUploaded(InitialEvent):
    TOPIC: ClassVar[str] = "ImageUploaded"
    SUBJECT: ClassVar[str | None] = "user_id"
    user_id: UserId
    file_name: Annotated[str, PersonalData(erased="erased")]
    keys: Annotated[PhotoKeys, PersonalData(erased=ERASED_KEYS)]
    sha256: Sha256
    size: int
    mime_type: str
    width: int
    height: int
    purpose: str
    consent: str
    """The version of the text that the customer agreed to."""
    expires_at: datetime | None = None
    pipeline_version: str = ""
    """Of the imaging that made the stored sizes."""


class ImageProcessingRequested(DomainEvent):
    TOPIC: ClassVar[str] = "ImageProcessingRequested"
    face: int | None = None
    """Which face wears the jewellery; None: the largest."""


class ImageProcessed(DomainEvent):
    """What imaging found; `analysis` is `imaging.types.Analysis` as a dictionary."""

    TOPIC: ClassVar[str] = "ImageProcessed"
    SUBJECT: ClassVar[str | None] = "user_id"
    user_id: UserId
    analysis: Annotated[dict[str, Any], PersonalData(erased={})]
    face_detected: bool
    neck_found: bool
    reasons: tuple[str, ...] = ()
    pipeline_version: str


class ImageRejected(DomainEvent):
    TOPIC: ClassVar[str] = "ImageRejected"
    code: str
    reason: str
    pipeline_version: str = ""


class ImageTriedOn(DomainEvent):
    """A result was made from this photograph: it goes when the photograph goes."""

    TOPIC: ClassVar[str] = "ImageTriedOn"
    result_id: ResultId


class ImageDeleted(DomainEvent):
    TOPIC: ClassVar[str] = "ImageDeleted"
    SUBJECT: ClassVar[str | None] = "user_id"
    user_id: UserId
    keys: Annotated[PhotoKeys, PersonalData(erased=ERASED_KEYS)]
    reason: str


class Image(AggregateRoot):
    TOPIC: ClassVar[str] = "Image"
    CATEGORY: ClassVar[str] = "image"

    @classmethod
    def upload(cls, image_id: ImageId, **facts: Any) -> Self:
        """The facts are the fields of ImageUploaded."""
        return cls.start(image_id, ImageUploaded, **facts)

    def must_belong_to(self, user_id: UserId) -> None:
        """Raise NotFound for another's photograph and for a deleted one."""
        if self.user_id != user_id or self.status is ImageStatus.DELETED:
            raise NotFound("there is no such photograph")

    def must_be_there(self) -> None:
        """Raise RuleViolation once it is deleted: what was made from it stays as it is."""
        if self.status is ImageStatus.DELETED:
            raise RuleViolation("the photograph is gone", code="photo-deleted")

    def request_processing(self, *, face: int | None) -> None:
        """The same analysis is not asked for twice. Raise Invalid for a face that was not found."""
        if face == self.face:
            return
        self.must_show(face)
        self.record(ImageProcessingRequested, face=face)

    def must_show(self, face: int | None) -> None:
        """Raise Invalid for a face that was not found; before anybody has looked, any may be there."""
        if face is not None and self.analysis is not None and face >= len(self._faces()):
            raise Invalid(
                f"{len(self._faces())} faces were found on this photograph, numbered from 0",
                code="no-such-face",
            )

    def process(self, *, analysis: dict[str, Any], pipeline_version: str) -> None:
        """Record what was found; unasked, the same analysis by the same pipeline is not told again."""
        if self.status is ImageStatus.DELETED:
            return
        known = (self.analysis, self.pipeline_version) == (analysis, pipeline_version)
        if known and not self.is_awaited:
            return
        self.record(
            ImageProcessed,
            user_id=self.user_id,
            analysis=analysis,
            face_detected=bool(analysis["faces"]),
            neck_found=analysis["neck"] is not None,
            reasons=tuple(analysis["reasons"]),
            pipeline_version=pipeline_version,
        )

    def reject(self, *, code: str, reason: str, pipeline_version: str) -> None:
        if self.is_awaited and self.status is not ImageStatus.DELETED:
            self.record(ImageRejected, code=code, reason=reason, pipeline_version=pipeline_version)

    def try_on(self, result_id: ResultId) -> None:
        """Raise RuleViolation when it can carry no jewellery, or has carried too much."""
        if result_id in self.results:
            return
        if self.status is ImageStatus.REJECTED or self.shows_nobody():
            raise RuleViolation(
                "no face and no hand was found on this photograph; use one that shows face and "
                "neck, or for a ring a hand",
                code="no-face",
            )
        if len(self.results) >= MAX_RESULTS:
            raise RuleViolation(
                f"one photograph carries at most {MAX_RESULTS} results; upload it again",
                code="quota-exceeded",
            )
        self.record(ImageTriedOn, result_id=result_id)

    def shows_nobody(self) -> bool:
        """True once it was analysed and neither a face nor a hand was found. What else a piece needs,
        imaging says when it is rendered.
        """
        if self.analysis is None:
            return False
        return not self._faces() and not self.analysis.get("hands")

    def _faces(self) -> list[Any]:
        return list((self.analysis or {}).get("faces", ()))

    def has_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def delete(self, *, reason: str) -> None:
        if self.status is not ImageStatus.DELETED:
            self.record(ImageDeleted, user_id=self.user_id, keys=self.keys, reason=reason)

    @applies(ImageUploaded)
    def _uploaded(self, event: ImageUploaded) -> None:
        self.user_id: str = event.user_id
        self.keys: PhotoKeys = event.keys
        self.sha256: str = event.sha256
        self.size: int = event.size
        self.expires_at: datetime | None = event.expires_at
        self.status: ImageStatus = ImageStatus.UPLOADED
        self.face: int | None = None
        self.analysis: dict[str, Any] | None = None
        self.pipeline_version: str = ""
        self.is_awaited: bool = True
        self.results: set[str] = set()

    @applies(ImageProcessingRequested)
    def _processing_requested(self, event: ImageProcessingRequested) -> None:
        self.face = event.face
        self.is_awaited = True

    @applies(ImageProcessed)
    def _processed(self, event: ImageProcessed) -> None:
        self.status = ImageStatus.READY
        self.is_awaited = False
        self.analysis = event.analysis
        self.pipeline_version = event.pipeline_version

    @applies(ImageRejected)
    def _rejected(self, _: ImageRejected) -> None:
        self.status = ImageStatus.REJECTED
        self.is_awaited = False

    @applies(ImageTriedOn)
    def _tried_on(self, event: ImageTriedOn) -> None:
        self.results.add(event.result_id)

    @applies(ImageDeleted)
    def _deleted(self, _: ImageDeleted) -> None:
        self.status = ImageStatus.DELETED
