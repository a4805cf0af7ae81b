"""The catalogue: products imported or created, changed, featured, archived.

Event topics and fields are a storage format: change them only by adding.
"""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from domain.errors import RuleViolation
from domain.import_rules.product import ProductFields
from domain.kernel import AggregateRoot, DomainEvent, InitialEvent, applies
from domain.overlays import (
    ImageUrl,
    Overlay,
    OverlayRefusal,
    OverlaySource,
    awaited_picture,
    next_try,
    typical_width_mm,
)
from domain.values import ImportId, Money, ProductId


class ProductStatus(StrEnum):
    ACTIVE = "active"
    ARCHIVED = "archived"


class ProductCreated(InitialEvent):
    TOPIC: ClassVar[str] = "ProductCreated"
    details: ProductFields


class ProductImported(InitialEvent):
    """`row` is the number of the row in the file as a spreadsheet shows it: the header is 1."""

    TOPIC: ClassVar[str] = "ProductImported"
    details: ProductFields
    import_id: ImportId
    row: int


PICTURED = frozenset({"images", "product_type", "try_on_region"})
"""Details whose change gives a piece's picture a new chance to become its overlay."""


class ProductChanged(DomainEvent):
    """The details as they are now, and which of them changed. With import and row if a file did it.
    `awaited_picture`: the one that is now to become an overlay, if its picture or type changed.
    """

    TOPIC: ClassVar[str] = "ProductChanged"
    details: ProductFields
    changed: tuple[str, ...]
    import_id: ImportId | None = None
    row: int | None = None
    awaited_picture: ImageUrl | None = None


class ProductFeatured(DomainEvent):
    TOPIC: ClassVar[str] = "ProductFeatured"
    rank: int


class ProductUnfeatured(DomainEvent):
    TOPIC: ClassVar[str] = "ProductUnfeatured"


class ProductOverlaySet(DomainEvent):
    TOPIC: ClassVar[str] = "ProductOverlaySet"
    overlay: Overlay


class ProductOverlayRefused(DomainEvent):
    """The catalogue picture has not become an overlay, and why. Without `retry_at` for good."""

    TOPIC: ClassVar[str] = "ProductOverlayRefused"
    picture: ImageUrl
    code: str
    reason: str
    tries: int = 1
    retry_at: datetime | None = None


class ProductArchived(DomainEvent):
    TOPIC: ClassVar[str] = "ProductArchived"


class ProductRestored(DomainEvent):
    TOPIC: ClassVar[str] = "ProductRestored"


class Product(AggregateRoot):
    TOPIC: ClassVar[str] = "Product"
    CATEGORY: ClassVar[str] = "product"

    @classmethod
    def create(cls, product_id: ProductId, details: ProductFields) -> Self:
        return cls.start(product_id, ProductCreated, details=details)

    @classmethod
    def take_in(
        cls, product_id: ProductId, details: ProductFields, *, import_id: ImportId, row: int
    ) -> Self:
        """A new product from a row of an import file."""
        return cls.start(product_id, ProductImported, details=details, import_id=import_id, row=row)

    @property
    def price(self) -> Money:
        return Money(amount=self.details.price_minor, currency=self.details.currency)

    def change(
        self,
        details: ProductFields,
        *,
        import_id: ImportId | None = None,
        row: int | None = None,
    ) -> None:
        """Raise RuleViolation for an archived product. The same details again are no change."""
        self._must_be_active("changed")
        changed = tuple(
            name
            for name in ProductFields.model_fields
            if getattr(details, name) != getattr(self.details, name)
        )
        if not changed:
            return
        self.record(
            ProductChanged,
            details=details,
            changed=changed,
            import_id=import_id,
            row=row,
            awaited_picture=self._picture_of(details) if PICTURED & set(changed) else None,
        )
        if {"width_mm", "product_type"} & set(changed):
            self._measure_anew()

    def _picture_of(self, details: ProductFields) -> str | None:
        """What is awaited with other details: an earlier refusal counts no more."""
        return awaited_picture(details, self.overlay)

    def _measure_anew(self) -> None:
        """An overlay that the shop cut is as wide as the product says, or as is usual for its type."""
        overlay, details = self.overlay, self.details
        if overlay is None or overlay.source is not OverlaySource.CATALOGUE:
            return
        usual = typical_width_mm(details.product_type) if overlay.width_estimated else None
        if width := details.width_mm or usual:
            wide = overlay.as_wide_as(width, product_type=details.product_type)
            estimated = details.width_mm is None
            self.set_overlay(wide.model_copy(update={"width_estimated": estimated}))

    def feature(self, *, rank: int) -> None:
        self._must_be_active("featured")
        if (self.details.featured, self.featured_rank) != (True, rank):
            self.record(ProductFeatured, rank=rank)

    def unfeature(self) -> None:
        if self.details.featured:
            self.record(ProductUnfeatured)

    def set_overlay(self, overlay: Overlay) -> None:
        self._must_be_active("changed")
        if self.overlay != overlay:
            self.record(ProductOverlaySet, overlay=overlay)

    @property
    def awaited_picture(self) -> str | None:
        """The catalogue picture that is still to become the overlay."""
        return awaited_picture(self.details, self.overlay, self.refusal)

    def take_cut_out(self, overlay: Overlay) -> None:
        """The overlay that the shop cut out by itself. Nothing, when the picture has changed meanwhile or
        somebody was faster.
        """
        cut_from = overlay.cut_from
        if cut_from is not None and cut_from.url == self.awaited_picture and self._is_active:
            self.record(ProductOverlaySet, overlay=overlay)

    def refuse_cut_out(self, *, picture: str, code: str, reason: str, now: datetime) -> None:
        """Say why the awaited picture has not become an overlay, and when it is tried again."""
        before = self.refusal
        if picture != self.awaited_picture or not self._is_active:
            return
        if before is not None and before.retry_at is not None and now < before.retry_at:
            return
        tries = 1 if before is None else before.tries + 1
        self.record(
            ProductOverlayRefused,
            picture=picture,
            code=code,
            reason=reason,
            tries=tries,
            retry_at=next_try(code, tries=tries, now=now),
        )

    def archive(self) -> None:
        if self._is_active:
            self.record(ProductArchived)

    def restore(self) -> None:
        if self.status is ProductStatus.ARCHIVED:
            self.record(ProductRestored)

    @property
    def _is_active(self) -> bool:
        return self.status is ProductStatus.ACTIVE

    def _must_be_active(self, verb: str) -> None:
        if not self._is_active:
            raise RuleViolation(
                f"an archived product cannot be {verb}; restore it first", code="product-archived"
            )

    @applies(ProductCreated)
    def _created(self, event: ProductCreated) -> None:
        self._begin(event.details)

    @applies(ProductImported)
    def _imported(self, event: ProductImported) -> None:
        self._begin(event.details)

    def _begin(self, details: ProductFields) -> None:
        self.details: ProductFields = details
        self.status: ProductStatus = ProductStatus.ACTIVE
        self.featured_rank: int = 0
        self.overlay: Overlay | None = None
        self.refusal: OverlayRefusal | None = None

    @applies(ProductChanged)
    def _changed(self, event: ProductChanged) -> None:
        self.details = event.details
        if PICTURED & set(event.changed):
            self.refusal = None

    @applies(ProductFeatured)
    def _featured(self, event: ProductFeatured) -> None:
        self.details = self.details.model_copy(update={"featured": True})
        self.featured_rank = event.rank

    @applies(ProductUnfeatured)
    def _unfeatured(self, _: ProductUnfeatured) -> None:
        self.details = self.details.model_copy(update={"featured": False})

    @applies(ProductOverlaySet)
    def _overlay_set(self, event: ProductOverlaySet) -> None:
        self.overlay = event.overlay
        self.refusal = None

    @applies(ProductOverlayRefused)
    def _overlay_refused(self, event: ProductOverlayRefused) -> None:
        self.refusal = OverlayRefusal(
            picture=event.picture,
            code=event.code,
            reason=event.reason,
            tries=event.tries,
            retry_at=event.retry_at,
        )

    @applies(ProductArchived)
    def _archived(self, _: ProductArchived) -> None:
        self.status = ProductStatus.ARCHIVED

    @applies(ProductRestored)
    def _restored(self, _: ProductRestored) -> None:
        self.status = ProductStatus.ACTIVE
