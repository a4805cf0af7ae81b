"""What customers may ask of a list of products, in MongoDB's terms. No pattern of theirs reaches it."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from domain.errors import Invalid, NotFound
from domain.import_rules.kinds import Category, ProductType, TryOnRegion
from projections.catalogue import words_of

MAX_WORDS = 8

SYNONYMS = (
    {"necklace", "necklaces", "haar", "haram", "हार", "neckpiece", "mala"},
    {"earrings", "earring", "jhumka", "jhumkas", "jhumki", "studs", "bali", "झुमका"},
    {"ring", "rings", "anguthi", "अंगूठी"},
    {"bangle", "bangles", "kada", "kangan", "chudi", "कंगन"},
    {"bracelet", "bracelets"},
    {"anklet", "anklets", "payal", "पायल"},
    {"nosepin", "nath", "nathni", "nathuni", "mukkuthi", "नथ"},
    {"tikka", "tika", "teeka", "maangtikka", "mangtikka", "mangtika", "टीका"},
    {"mangalsutra", "tanmaniya", "thali", "मंगलसूत्र"},
    {"pendant", "pendants", "locket"},
    {"chain", "chains"},
    {"gold", "sona", "सोना"},
    {"silver", "chandi", "चांदी"},
    {"diamond", "diamonds", "heera", "हीरा"},
)
"""Words that a customer may use for one another. Each group is matched as one."""


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
            found["$and"] = [token(word) for word in words[:MAX_WORDS]]
        return found


def _between(low: Decimal | None, high: Decimal | None) -> dict[str, int]:
    limits = {"$gte": low, "$lte": high}
    return {sign: int(price * 100) for sign, price in limits.items() if price is not None}


def category_named(text: str) -> Category:
    """Case makes no difference. Raise NotFound that names the categories there are."""
    for category in Category:
        if category.value.casefold() == text.strip().casefold():
            return category
    raise NotFound(f"the categories are {', '.join(Category)}", code="unknown-category")


def token(word: str) -> dict[str, Any]:
    """Documents with a word that is this one, begins with it, or means the same."""
    group = next((group for group in SYNONYMS if word in group), frozenset({word}))
    return {"$or": [{"_tokens": {"$elemMatch": _beginning(w)}} for w in sorted(group)]}


def _beginning(word: str) -> dict[str, str]:
    return {"$gte": word, "$lt": word + "\uffff"}


def search_query(text: str) -> list[dict[str, Any]]:
    """Conditions that all must hold. Raise Invalid when there is no word in it."""
    words = words_of(text)
    if not words:
        raise Invalid("q must hold at least one word", code="empty-search")
    return [token(word) for word in words[:MAX_WORDS]]
