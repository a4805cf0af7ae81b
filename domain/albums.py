"""Albums: which photographs a customer has, whether with consent, and how much of them.

Event topics and fields are a storage format: change them only by adding.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar, Self

from domain.errors import NotFound, RuleViolation
from domain.images import Sha256
from domain.kernel import AggregateRoot, DomainEvent, InitialEvent, applies
from domain.values import ImageId, ResultId, UserId

MAX_PHOTOS = 200
MAX_PHOTO_BYTES = 500_000_000
MAX_SAVED = 500
"""Results: each keeps a preview and a picture as large as its photograph."""
MAX_WITHDRAWALS = 100
"""Then no new consent is taken: to withdraw one is never refused."""


class AlbumOpened(InitialEvent):
    TOPIC: ClassVar[str] = "AlbumOpened"
    user_id: UserId


class PhotoConsentGiven(DomainEvent):
    """Photographs of a face may be stored for try-on, until this is withdrawn."""

    TOPIC: ClassVar[str] = "PhotoConsentGiven"
    version: str
    """Of the text that the customer agreed to."""
    given_at: datetime


class PhotoConsentWithdrawn(DomainEvent):
    """Every photograph, with all that was made from it, is to go."""

    TOPIC: ClassVar[str] = "PhotoConsentWithdrawn"
    withdrawn_at: datetime


class PhotoAdded(DomainEvent):
    TOPIC: ClassVar[str] = "PhotoAdded"
    image_id: ImageId
    sha256: Sha256
    size: int


class PhotoRemoved(DomainEvent):
    TOPIC: ClassVar[str] = "PhotoRemoved"
    image_id: ImageId
    sha256: Sha256
    size: int


class ResultKept(DomainEvent):
    """A result was saved: its pictures stay for good, so they count."""

    TOPIC: ClassVar[str] = "ResultKept"
    result_id: ResultId


class ResultsReleased(DomainEvent):
    TOPIC: ClassVar[str] = "ResultsReleased"
    result_ids: tuple[ResultId, ...]


class Album(AggregateRoot):
    """One a customer: says whether a photograph is there already, holds the consent and the quotas."""

    TOPIC: ClassVar[str] = "Album"
    CATEGORY: ClassVar[str] = "album"

    @classmethod
    def open(cls, user_id: UserId) -> Self:
        return cls.start(user_id, AlbumOpened, user_id=user_id)

    def holds(self, sha256: str) -> ImageId | None:
        """The photograph with these bytes, if it is there."""
        return self.photos.get(sha256)

    def add(self, image_id: ImageId, *, sha256: str, size: int) -> None:
        """Raise RuleViolation over the quota. Adding the same bytes again changes nothing."""
        if sha256 in self.photos:
            return
        self.must_have_room(size)
        self.record(PhotoAdded, image_id=image_id, sha256=sha256, size=size)

    def must_have_room(self, size: int) -> None:
        """Raise RuleViolation when another photograph of so many bytes would be over the quota."""
        if len(self.photos) + len(self.leaving) >= MAX_PHOTOS or self.size + size > MAX_PHOTO_BYTES:
            raise RuleViolation(
                f"an album holds {MAX_PHOTOS} photographs and {MAX_PHOTO_BYTES // 1_000_000} MB; "
                "delete some first",
                code="quota-exceeded",
            )

    def remove(self, image_id: ImageId, *, sha256: str, size: int) -> None:
        if self.photos.get(sha256) == image_id or image_id in self.leaving:
            self.record(PhotoRemoved, image_id=image_id, sha256=sha256, size=size)

    def keep(self, result_id: ResultId) -> None:
        """Raise RuleViolation over the quota of saved results."""
        if result_id in self.kept:
            return
        if len(self.kept) >= MAX_SAVED:
            raise RuleViolation(
                f"at most {MAX_SAVED} results can be saved; delete some first",
                code="quota-exceeded",
            )
        self.record(ResultKept, result_id=result_id)

    def release(self, result_ids: Iterable[ResultId]) -> None:
        """Deleted results count no longer: one event for all of them."""
        if released := self.kept.intersection(result_ids):
            self.record(ResultsReleased, result_ids=tuple(sorted(released)))

    def consent(self, *, version: str, now: datetime) -> None:
        """Raise RuleViolation once it was withdrawn too often."""
        if self.consented_to == version:
            return
        if self.withdrawals >= MAX_WITHDRAWALS:
            raise RuleViolation(
                f"the consent to photographs was withdrawn {MAX_WITHDRAWALS} times; "
                "this account takes no more of them",
                code="quota-exceeded",
            )
        self.record(PhotoConsentGiven, version=version, given_at=now)

    def withdraw_consent(self, *, now: datetime) -> None:
        """From here on the photographs are no longer the album's; they leave one by one. Saved results
        of photographs that are gone already leave too.
        """
        if self.consented_to or self.has_held:
            self.record(PhotoConsentWithdrawn, withdrawn_at=now)

    def must_hold(self, image_id: ImageId) -> None:
        """Raise NotFound for a photograph whose consent was withdrawn: it is on its way out."""
        if image_id in self.leaving:
            raise NotFound("there is no such photograph")

    @applies(AlbumOpened)
    def _opened(self, _: AlbumOpened) -> None:
        self.photos: dict[str, str] = {}
        self.leaving: set[str] = set()
        self.kept: set[str] = set()
        self.has_held: bool = False
        self.consented_to: str = ""
        self.withdrawals: int = 0
        self.size: int = 0

    @applies(PhotoConsentGiven)
    def _consented(self, event: PhotoConsentGiven) -> None:
        self.consented_to = event.version

    @applies(PhotoConsentWithdrawn)
    def _consent_withdrawn(self, _: PhotoConsentWithdrawn) -> None:
        self.consented_to = ""
        self.withdrawals += 1
        self.leaving |= set(self.photos.values())
        self.photos = {}
        self.has_held = False

    @applies(PhotoAdded)
    def _added(self, event: PhotoAdded) -> None:
        self.photos[event.sha256] = event.image_id
        self.has_held = True
        self.size += event.size

    @applies(PhotoRemoved)
    def _removed(self, event: PhotoRemoved) -> None:
        if event.image_id in self.leaving:
            self.leaving.remove(event.image_id)
        else:
            del self.photos[event.sha256]
        self.size -= event.size

    @applies(ResultKept)
    def _kept(self, event: ResultKept) -> None:
        self.kept.add(event.result_id)

    @applies(ResultsReleased)
    def _released(self, event: ResultsReleased) -> None:
        self.kept.difference_update(event.result_ids)
