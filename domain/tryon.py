"""Try-on: a product on a customer's photograph, moved, saved, shared, taken back.

A result is rendered anew for each revision: TryOnRequested and TryOnAdjusted ask, TryOnRendered or
TryOnFailed answers with the revision that it is about, so a late answer to an older question is ignored.
A saved result is rendered in full size as well: TryOnFinished or TryOnLeftAsPreview answers.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from domain.errors import NotFound, RuleViolation
from domain.kernel import AggregateRoot, applies
from domain.tryon_events import (
    LeftOut,
    MadeOf,
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
    TryOnStatus,
    TryOnUnshared,
)
from domain.values import ImageId, ProductId, ResultId, UserId

MAX_REVISIONS = 1_000
MAX_SHARES = 200
SAME_CLICK = timedelta(minutes=1)
"""Two wishes for the end of a link that are no further apart are one."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture as it was made: where it lies, its size in pixels, what it was made of."""

    key: str
    width: int
    height: int
    pipeline_version: str
    made_of: MadeOf | None = None
    left_out: tuple[LeftOut, ...] = ()

    def as_facts(self) -> dict[str, Any]:
        return dict(vars(self))


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
        """Raise RuleViolation when it was moved too often: its stream ends somewhere."""
        if adjustments == self.adjustments:
            return
        if self.revision >= MAX_REVISIONS:
            raise RuleViolation(
                f"a result is adjusted at most {MAX_REVISIONS} times; ask for a new one",
                code="quota-exceeded",
            )
        self.record(TryOnAdjusted, adjustments=adjustments, revision=self.revision + 1)

    def render(self, *, revision: int, picture: Picture) -> None:
        """Record the preview of a revision; one that nobody waits for any more is ignored."""
        if revision == self.revision and self.status is TryOnStatus.PROCESSING:
            self.record(
                TryOnRendered, user_id=self.user_id, revision=revision, **picture.as_facts()
            )

    def fail(self, *, revision: int, code: str, reason: str, pipeline_version: str) -> None:
        if revision == self.revision and self.status is TryOnStatus.PROCESSING:
            self.record(
                TryOnFailed,
                revision=revision,
                code=code,
                reason=reason,
                pipeline_version=pipeline_version,
            )

    def save(self) -> None:
        """Once more for what was saved before there was a full size: that is asked for then."""
        if not self.full_size_asked:
            self.record(TryOnSaved, full_size=True)

    @property
    def awaits_full_size(self) -> bool:
        """Saved, and there is no answer yet to the question for the present revision's full size."""
        is_ready = self.status is TryOnStatus.READY
        return self.saved and is_ready and self.finished_revision != self.revision

    def finish(self, *, revision: int, picture: Picture) -> None:
        """Record the full size of a revision, if it is still waited for."""
        if revision == self.revision and self.awaits_full_size:
            self.record(
                TryOnFinished, user_id=self.user_id, revision=revision, **picture.as_facts()
            )

    def leave_as_preview(
        self, *, revision: int, code: str, reason: str, pipeline_version: str
    ) -> None:
        if revision == self.revision and self.awaits_full_size:
            self.record(
                TryOnLeftAsPreview,
                revision=revision,
                code=code,
                reason=reason,
                pipeline_version=pipeline_version,
            )

    def share(self, *, token: str, token_sha256: str, expires_at: datetime, now: datetime) -> None:
        """Raise RuleViolation while there is no picture, and when it was shared too often. A link that
        still holds is kept; none holds longer than the result does.
        """
        if self.status is not TryOnStatus.READY:
            raise RuleViolation(f"a {self.status} result cannot be shared", code="not-ready")
        if self.shared_until is not None and self.shared_until > now:
            return
        self._share(token=token, token_sha256=token_sha256, expires_at=self._while_kept(expires_at))

    def hold_link_until(self, expires_at: datetime) -> None:
        """The same link with another end, sooner or later. A wish that comes twice is told once."""
        wanted = self._while_kept(expires_at)
        if self.shared_until is not None and abs(wanted - self.shared_until) >= SAME_CLICK:
            self._share(token=self.token, token_sha256=self.token_sha256, expires_at=wanted)

    def _share(self, *, token: str, token_sha256: str, expires_at: datetime) -> None:
        if self.shares >= MAX_SHARES:
            raise RuleViolation(
                f"a result is shared at most {MAX_SHARES} times; ask for a new one",
                code="quota-exceeded",
            )
        self.record(
            TryOnShared,
            user_id=self.user_id,
            token=token,
            token_sha256=token_sha256,
            expires_at=expires_at,
        )

    def _while_kept(self, at: datetime) -> datetime:
        return at if self.saved or self.expires_at is None else min(at, self.expires_at)

    def unshare(self) -> None:
        if self.shared_until is not None:
            self.record(TryOnUnshared)

    def has_expired(self, now: datetime) -> bool:
        """A saved result is kept for good."""
        return not self.saved and self.expires_at is not None and self.expires_at <= now

    def delete(self, *, reason: str) -> None:
        if self.status is not TryOnStatus.DELETED:
            self.record(TryOnDeleted, user_id=self.user_id, keys=self.keys, reason=reason)

    @applies(TryOnRequested)
    def _requested(self, event: TryOnRequested) -> None:
        self.user_id: str = event.user_id
        self.product_ids: tuple[str, ...] = (event.product_id, *event.more_product_ids)
        self.image_id: str = event.image_id
        self.adjustments: TryOnAdjustments = event.adjustments
        self.revision: int = 1
        self.status: TryOnStatus = TryOnStatus.PROCESSING
        self.keys: tuple[str, ...] = ()
        self.finished_revision: int = 0
        self.saved: bool = False
        self.full_size_asked: bool = False
        self.expires_at: datetime | None = event.expires_at
        self.shared_until: datetime | None = None
        self.token: str = ""
        self.token_sha256: str = ""
        self.shares: int = 0

    @applies(TryOnAdjusted)
    def _adjusted(self, event: TryOnAdjusted) -> None:
        self.adjustments = event.adjustments
        self.revision = event.revision
        self.status = TryOnStatus.PROCESSING

    @applies(TryOnRendered)
    def _rendered(self, event: TryOnRendered) -> None:
        self.status = TryOnStatus.READY
        self.keys = (event.key,)

    @applies(TryOnFailed)
    def _failed(self, _: TryOnFailed) -> None:
        self.status = TryOnStatus.FAILED

    @applies(TryOnSaved)
    def _saved(self, event: TryOnSaved) -> None:
        self.saved = True
        self.full_size_asked = event.full_size

    @applies(TryOnFinished)
    def _finished(self, event: TryOnFinished) -> None:
        self.finished_revision = event.revision
        self.keys = tuple(dict.fromkeys((*self.keys, event.key)))

    @applies(TryOnLeftAsPreview)
    def _left_as_preview(self, event: TryOnLeftAsPreview) -> None:
        self.finished_revision = event.revision

    @applies(TryOnShared)
    def _shared(self, event: TryOnShared) -> None:
        self.shared_until = event.expires_at
        self.token = event.token
        self.token_sha256 = event.token_sha256
        self.shares += 1

    @applies(TryOnUnshared)
    def _unshared(self, _: TryOnUnshared) -> None:
        self.shared_until = None
        self.token = ""

    @applies(TryOnDeleted)
    def _deleted(self, _: TryOnDeleted) -> None:
        self.status = TryOnStatus.DELETED
