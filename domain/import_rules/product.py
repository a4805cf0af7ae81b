"""A product as a row describes it, and as the catalogue knows it: the same fields, so they compare."""

from typing import Annotated, Any, Self

from pydantic import Field

from domain.import_rules.availability import MAX_QUANTITY, StockStatus
from domain.import_rules.kinds import Category, ProductType, TryOnRegion
from domain.import_rules.specifications import Specifications
from domain.import_rules.words import normalised
from domain.kernel import Measure, ValueObject
from domain.values import Paise


class ProductFields(ValueObject):
    """What an import may set. `quantity` None means that nobody has counted.

    Events store it: change it only by adding fields with defaults.
    """

    name: str
    description: str
    price_minor: Paise
    currency: str = "INR"
    availability: StockStatus
    quantity: Annotated[int, Field(ge=0, le=MAX_QUANTITY)] | None = None
    images: tuple[str, ...]
    category: Category = Category.OTHER
    specifications: Specifications = Specifications()
    sku: str | None = None
    product_type: ProductType = ProductType.OTHER
    try_on_region: TryOnRegion = TryOnRegion.NONE
    preorder: bool = False
    featured: bool = False
    width_mm: Measure | None = None
    hsn: str | None = None
    huid: tuple[str, ...] = ()

    @property
    def attributes(self) -> dict[str, str]:
        return self.specifications.attributes

    @property
    def key(self) -> str:
        """By this a row finds its product."""
        return product_key(sku=self.sku, description=self.description, category=self.category)


class ProductDraft(ProductFields):
    """A row without errors. An optional column is in one of three sets, or the file has no such column:
    `given` a value, `cleared` with `__CLEAR__`, or left `blank`.
    """

    given: frozenset[str] = frozenset()
    cleared: frozenset[str] = frozenset()
    blank: frozenset[str] = frozenset()

    @property
    def details(self) -> ProductFields:
        """The product that the row describes, without where its values come from."""
        return ProductFields.model_construct(**_fields(self))


class ProductSnapshot(ProductFields):
    """A product that exists. `images` are the addresses it was imported with, not the copies we made;
    `availability` is what was last declared, not what sales have made of it.
    """

    product_id: str

    @classmethod
    def of(cls, product_id: str, details: ProductFields) -> Self:
        return cls.model_construct(product_id=product_id, **_fields(details))


def _fields(fields: ProductFields) -> dict[str, Any]:
    """Validated once; not again."""
    return {name: getattr(fields, name) for name in ProductFields.model_fields}


def product_key(*, sku: str | None, description: str, category: Category) -> str:
    """The SKU when there is one, else description and category; case and spaces make no difference."""
    if sku:
        return f"sku:{normalised(sku)}"
    return f"text:{normalised(description)}|{category.casefold()}"
