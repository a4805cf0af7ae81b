"""Try-on: a product on a customer's photograph, moved, saved, shared, taken back.

A result is rendered anew for each revision: TryOnRequested and TryOnAdjusted ask, TryOnRendered or
TryOnFailed answers with the revision that it is about, so a late answer to an older question is ignored.
"""

from datetime import datetime
from typing import ClassVar, Self

from domain.errors import NotFound, RuleViolation
from domain.kernel import AggregateRoot, applies
from domain.tryon_events import (
    TryOnAdjusted,
    TryOnAdjustments,
    TryOnDeleted,
    TryOnFailed,
    TryOnRendered,
    TryOnRequested,
    TryOnSaved,
    TryOnShared,
    TryOnStatus,
    TryOnUnshared,
)
from domain.values import ImageId, ProductId, ResultId, UserId


class TryOn(AggregateRoot):
    TOPIC: ClassVar[str] = "TryOn"
    CATEGORY: ClassVar[str] = "tryon"

    @classmethod
    def request(
        cls,
        result_id: ResultId,
        *,
        user_id: UserId,
        product_id: ProductId,
        product_name: str,
        image_id: ImageId,
        adjustments: TryOnAdjustments,
        more_product_ids: tuple[ProductId, ...] = (),
        expires_at: datetime | None = None,
    ) -> Self:
        return cls.start(
            result_id,
            TryOnRequested,
            user_id=user_id,
            product_id=product_id,
            product_name=product_name,
            image_id=image_id,
            adjustments=adjustments,
            more_product_ids=more_product_ids,
            expires_at=expires_at,
        )

    def must_belong_to(self, user_id: UserId) -> None:
        """Raise NotFound for another's result and for a deleted one."""
        if self.user_id != user_id or self.status is TryOnStatus.DELETED:
            raise NotFound("there is no such result")

    def adjust(self, adjustments: TryOnAdjustments) -> None:
        if adjustments != self.adjustments:
            self.record(TryOnAdjusted, adjustments=adjustments, revision=self.revision + 1)

    def render(
        self, *, revision: int, key: str, width: int, height: int, pipeline_version: str
    ) -> None:
        """Record the picture of a revision; one that nobody waits for any more is ignored."""
        if revision != self.revision or self.status is not TryOnStatus.PROCESSING:
            return
        self.record(
            TryOnRendered,
            user_id=self.user_id,
            revision=revision,
            key=key,
            width=width,
            height=height,
            pipeline_version=pipeline_version,
        )

    def fail(self, *, revision: int, code: str, reason: str) -> None:
        if revision == self.revision and self.status is TryOnStatus.PROCESSING:
            self.record(TryOnFailed, revision=revision, code=code, reason=reason)

    def save(self) -> None:
        if not self.saved:
            self.record(TryOnSaved)

    def share(self, *, token: str, token_sha256: str, expires_at: datetime, now: datetime) -> None:
        """Raise RuleViolation while there is no picture. A link that still holds is kept."""
        if self.status is not TryOnStatus.READY:
            raise RuleViolation(f"a {self.status} result cannot be shared", code="not-ready")
        if self.shared_until is not None and self.shared_until > now:
            return
        self.record(
            TryOnShared,
            user_id=self.user_id,
            token=token,
            token_sha256=token_sha256,
            expires_at=expires_at,
        )

    def unshare(self) -> None:
        if self.shared_until is not None:
            self.record(TryOnUnshared)

    def has_expired(self, now: datetime) -> bool:
        """A saved result is kept for good."""
        return not self.saved and self.expires_at is not None and self.expires_at <= now

    def delete(self, *, reason: str) -> None:
        if self.status is not TryOnStatus.DELETED:
            keys = tuple(self.keys)
            self.record(TryOnDeleted, user_id=self.user_id, keys=keys, reason=reason)

    @applies(TryOnRequested)
    def _requested(self, event: TryOnRequested) -> None:
        self.user_id: str = event.user_id
        self.product_ids: tuple[str, ...] = (event.product_id, *event.more_product_ids)
        self.image_id: str = event.image_id
        self.adjustments: TryOnAdjustments = event.adjustments
        self.revision: int = 1
        self.status: TryOnStatus = TryOnStatus.PROCESSING
        self.keys: list[str] = []
        self.saved: bool = False
        self.expires_at: datetime | None = event.expires_at
        self.shared_until: datetime | None = None
        self.token: str = ""

    @applies(TryOnAdjusted)
    def _adjusted(self, event: TryOnAdjusted) -> None:
        self.adjustments = event.adjustments
        self.revision = event.revision
        self.status = TryOnStatus.PROCESSING

    @applies(TryOnRendered)
    def _rendered(self, event: TryOnRendered) -> None:
        self.status = TryOnStatus.READY
        if event.key not in self.keys:
            self.keys.append(event.key)

    @applies(TryOnFailed)
    def _failed(self, _: TryOnFailed) -> None:
        self.status = TryOnStatus.FAILED

    @applies(TryOnSaved)
    def _saved(self, _: TryOnSaved) -> None:
        self.saved = True

    @applies(TryOnShared)
    def _shared(self, event: TryOnShared) -> None:
        self.shared_until = event.expires_at
        self.token = event.token

    @applies(TryOnUnshared)
    def _unshared(self, _: TryOnUnshared) -> None:
        self.shared_until = None
        self.token = ""

    @applies(TryOnDeleted)
    def _deleted(self, _: TryOnDeleted) -> None:
        self.status = TryOnStatus.DELETED
