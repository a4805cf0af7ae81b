"""The catalogue: products imported or created, changed, featured, archived.

Event topics and fields are a storage format: change them only by adding.
"""

from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import Field, StringConstraints

from domain.errors import RuleViolation
from domain.import_rules.product import ProductFields
from domain.kernel import (
    AggregateRoot,
    DomainEvent,
    InitialEvent,
    Measure,
    ValueObject,
    applies,
)
from domain.values import ImportId, Money, ProductId


class ProductStatus(StrEnum):
    ACTIVE = "active"
    ARCHIVED = "archived"


ImageUrl = Annotated[str, StringConstraints(min_length=1, max_length=2048)]


class Anchor(ValueObject):
    """A point of the overlay picture, pixels from the centre of its top left one."""

    x: Measure
    y: Measure


class Overlay(ValueObject):
    """The transparent picture for try-on: where it hangs and how large the piece really is."""

    image: ImageUrl
    width: Annotated[int, Field(ge=1, le=10_000)]
    height: Annotated[int, Field(ge=1, le=10_000)]
    width_mm: Measure
    px_per_mm: Measure
    anchors: dict[str, Anchor] = Field(default_factory=dict)


class ProductCreated(InitialEvent):
    TOPIC: ClassVar[str] = "ProductCreated"
    details: ProductFields


class ProductImported(InitialEvent):
    """`row` is the number of the row in the file as a spreadsheet shows it: the header is 1."""

    TOPIC: ClassVar[str] = "ProductImported"
    details: ProductFields
    import_id: ImportId
    row: int


class ProductChanged(DomainEvent):
    """The details as they are now, and which of them changed. With import and row if a file did it."""

    TOPIC: ClassVar[str] = "ProductChanged"
    details: ProductFields
    changed: tuple[str, ...]
    import_id: ImportId | None = None
    row: int | None = None


class ProductFeatured(DomainEvent):
    TOPIC: ClassVar[str] = "ProductFeatured"
    rank: int


class ProductUnfeatured(DomainEvent):
    TOPIC: ClassVar[str] = "ProductUnfeatured"


class ProductOverlaySet(DomainEvent):
    TOPIC: ClassVar[str] = "ProductOverlaySet"
    overlay: Overlay


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
        if changed:
            self.record(
                ProductChanged, details=details, changed=changed, import_id=import_id, row=row
            )

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

    def archive(self) -> None:
        if self.status is ProductStatus.ACTIVE:
            self.record(ProductArchived)

    def restore(self) -> None:
        if self.status is ProductStatus.ARCHIVED:
            self.record(ProductRestored)

    def _must_be_active(self, verb: str) -> None:
        if self.status is ProductStatus.ARCHIVED:
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

    @applies(ProductChanged)
    def _changed(self, event: ProductChanged) -> None:
        self.details = event.details

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

    @applies(ProductArchived)
    def _archived(self, _: ProductArchived) -> None:
        self.status = ProductStatus.ARCHIVED

    @applies(ProductRestored)
    def _restored(self, _: ProductRestored) -> None:
        self.status = ProductStatus.ACTIVE
