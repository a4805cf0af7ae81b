"""What a catalogue manager may say about a product, and the catalogue's own fields that it comes to."""

from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from commands.context import Command
from domain.import_rules.availability import StockStatus
from domain.import_rules.images import parse_images
from domain.import_rules.kinds import Category, ProductType, try_on_region
from domain.import_rules.problems import CellRefused
from domain.import_rules.product import ProductFields
from domain.import_rules.specifications import Specifications
from domain.kernel import Measure
from domain.stock import Units
from domain.values import Paise

Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
Name = Annotated[Words, StringConstraints(min_length=1)]
Sku = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/\-]{0,63}$")]
Price = Annotated[Decimal, Field(gt=0, le=10**8, decimal_places=2)]
Images = Annotated[list[str], Field(max_length=20)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,60}$")]
"""The name of a field in a document: never an operator or a path of the database."""
Attributes = Annotated[dict[Key, Words], Field(max_length=50)]


class SpecificationsBody(Command):
    material: Words | None = None
    weight: Words | None = None
    dimensions: Words | None = None
    gemstone: Words | None = None


class ProductBody(Command):
    """What may be said about a product; `price` in rupees, or `priceMinor` in paise."""

    description: Annotated[str, StringConstraints(strip_whitespace=True, max_length=5000)] = ""
    price: Price | None = None
    price_minor: Annotated[Paise, Field(gt=0)] | None = None
    category: Category = Category.OTHER
    images: Images = Field(default_factory=list)
    preorder_available: bool = False
    specifications: SpecificationsBody = SpecificationsBody()
    attributes: Attributes = Field(default_factory=dict)
    sku: Sku | None = None
    product_type: ProductType = ProductType.OTHER
    width_mm: Annotated[Measure, Field(gt=0, le=2000)] | None = None
    hsn: Annotated[str, StringConstraints(pattern=r"^([0-9]{2}){2,4}$")] | None = None

    @field_validator("images")
    @classmethod
    def _addresses(cls, images: list[str]) -> list[str]:
        """The rules of imported pictures."""
        try:
            return [address for image in images for address in parse_images(image)]
        except CellRefused as e:
            raise ValueError(e.detail) from e

    @model_validator(mode="after")
    def _one_price(self) -> Self:
        if self.price is not None and self.price_minor is not None:
            raise ValueError("give price or priceMinor, not both")
        return self

    def stated(self) -> dict[str, Any]:
        """The fields of the catalogue that this body names."""
        fields = {
            FIELD_NAMES.get(name, name): getattr(self, name)
            for name in self.model_fields_set - OTHERWISE_STATED
        }
        if (price_minor := self._in_paise()) is not None:
            fields["price_minor"] = price_minor
        if "images" in fields:
            fields["images"] = tuple(self.images)
        if "product_type" in fields:
            fields["try_on_region"] = try_on_region(self.product_type)
        return fields

    def _in_paise(self) -> int | None:
        return self.price_minor if self.price is None else int(self.price * 100)

    def specified(self, before: Specifications) -> Specifications:
        """The specifications after this body: what it does not name stays."""
        named = self.specifications.model_dump(exclude_unset=True)
        if "attributes" in self.model_fields_set:
            named["attributes"] = dict(self.attributes)
        return before.model_copy(update=named)


FIELD_NAMES = {"preorder_available": "preorder"}
OTHERWISE_STATED = {"price", "price_minor", "specifications", "attributes", "in_stock", "quantity"}


class CreateProduct(ProductBody):
    name: Name
    quantity: Units | None = None
    """Units on hand; without it they are not counted."""
    in_stock: bool = True

    @model_validator(mode="after")
    def _priced(self) -> Self:
        if not (self.price or self.price_minor):
            raise ValueError("price is required")
        return self

    def details(self) -> ProductFields:
        on_hand = self.quantity if self.in_stock else 0
        status = StockStatus.OUT_OF_STOCK if on_hand == 0 else StockStatus.IN_STOCK
        fields: dict[str, Any] = {
            "description": self.name,
            "availability": status,
            "images": (),
            **self.stated(),
            "quantity": on_hand,
            "specifications": self.specified(Specifications()),
        }
        return ProductFields.model_validate(fields)


class ChangeProduct(ProductBody):
    """Only what is named changes."""

    name: Name = ""
