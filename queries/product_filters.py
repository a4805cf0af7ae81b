"""What customers may ask of a list of products, in MongoDB's terms. No pattern of theirs reaches it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from domain.errors import NotFound
from domain.import_rules.kinds import Category, ProductType, TryOnRegion
from projections.catalogue import BEST, BY_NAME, CHEAPEST, FEATURED, NEWEST
from projections.words import words_of

MAX_WORDS = 8

Order = Sequence[tuple[str, int]]
Sort = Literal["newest", "price", "-price", "rating", "name"]
SORTS: Mapping[str, Order] = {
    "newest": NEWEST,
    "price": CHEAPEST,
    "-price": tuple((name, -way) for name, way in CHEAPEST),
    "rating": BEST,
    "name": BY_NAME,
}
NARROWED = frozenset({NEWEST, CHEAPEST})
"""Orders that have an index for each category and each type too."""


class Filters(BaseModel):
    """Of lists and searches. Prices are in rupees."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")

    category: Annotated[str | None, Field(max_length=20)] = None
    product_type: ProductType | None = None
    try_on_region: TryOnRegion | None = None
    min_price: Annotated[Decimal | None, Field(ge=0, le=10**9)] = None
    max_price: Annotated[Decimal | None, Field(ge=0, le=10**9)] = None
    in_stock: bool | None = None
    preorder: bool | None = None
    featured: bool | None = None
    min_rating: Annotated[float | None, Field(ge=0, le=5)] = None
    gemstone: Annotated[str | None, Field(max_length=60)] = None
    material: Annotated[str | None, Field(max_length=60)] = None

    def query(self) -> dict[str, Any]:
        """In MongoDB's terms; every value is a plain number, flag or word of ours."""
        exact = {
            "productType": self.product_type and self.product_type.value,
            "tryOnRegion": self.try_on_region and self.try_on_region.value,
            "category": self.category and category_named(self.category).value,
            "inStock": self.in_stock,
            "preorderAvailable": self.preorder,
            "featured": self.featured,
        }
        found: dict[str, Any] = {name: value for name, value in exact.items() if value is not None}
        if prices := _between(self.min_price, self.max_price):
            found["priceMinor"] = prices
        if self.min_rating is not None:
            found["rating"] = {"$gte": self.min_rating}
        if words := words_of(f"{self.gemstone or ''} {self.material or ''}"):
            found["_tokens"] = {"$all": words[:MAX_WORDS]}
        return found


def index_for(query: Mapping[str, Any], order: Order) -> list[tuple[str, int]]:
    """The index that is walked in this order, narrowed by the most telling of the equal values.

    The planner is not left to choose: it would sometimes rather sort a whole category in memory.
    """
    if query.get("featured") is True and order == FEATURED:
        return [("status", 1), *FEATURED]
    narrowed = [name for name in ("productType", "category") if name in query]
    if narrowed and order in NARROWED:
        return [("status", 1), (narrowed[0], 1), *order]
    return [("status", 1), *order]


def _between(low: Decimal | None, high: Decimal | None) -> dict[str, int]:
    limits = {"$gte": low, "$lte": high}
    return {sign: int(price * 100) for sign, price in limits.items() if price is not None}


def category_named(text: str) -> Category:
    """Case makes no difference. Raise NotFound that names the categories there are."""
    for category in Category:
        if category.value.casefold() == text.strip().casefold():
            return category
    raise NotFound(f"the categories are {', '.join(Category)}", code="unknown-category")
