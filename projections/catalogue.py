"""The `products` collection, as the specification names its fields, and what a shop window needs besides.

Stock's own events fold into the same documents: see `projections/stock.py`.
"""

from datetime import datetime
from typing import Any, Literal, NotRequired

from bson import ObjectId
from typing_extensions import TypedDict

from domain.catalogue import (
    PICTURED,
    ProductArchived,
    ProductChanged,
    ProductCreated,
    ProductFeatured,
    ProductImported,
    ProductOverlayRefused,
    ProductOverlaySet,
    ProductRestored,
    ProductUnfeatured,
)
from domain.import_rules.kinds import Category, ProductType, TryOnRegion
from domain.import_rules.price import format_inr
from domain.import_rules.product import ProductFields
from domain.overlays import Overlay, OverlaySource, awaited_picture
from domain.values import Money
from projections.images import PointDocument
from projections.projection import Change, Projection, Put, Set, index
from projections.stored import Id, Stored, Word, shape
from projections.words import tokens_of, words_of

NEWEST = (("createdAt", -1), ("_id", -1))
CHEAPEST = (("priceMinor", 1), ("_id", 1))
BEST = (("rating", -1), ("reviews", -1), ("_id", -1))
BY_NAME = (("name", 1), ("_id", 1))
FEATURED = (("featuredRank", 1), ("createdAt", -1), ("_id", -1))
FOUND = (("inStock", -1), ("createdAt", -1), ("_id", -1))
"""The orders in which products are listed; in that of `FOUND` a search looks at them."""


@shape
class SpecificationsDocument(TypedDict):
    material: str
    weight: str
    dimensions: str
    gemstone: str


@shape
class StockDocument(TypedDict):
    policy: Literal["tracked", "untracked"]
    onHand: int | None
    available: int | None
    limited: bool


@shape
class PictureDocument(TypedDict):
    url: str
    sha256: str


@shape
class OverlayPlacing(TypedDict):
    """What a page needs to place an overlay; anchors in its pixels."""

    image: str
    width: int
    height: int
    widthMm: float
    pxPerMm: float
    anchors: dict[str, PointDocument]


@shape
class OverlayDocument(OverlayPlacing):
    source: Word[OverlaySource]
    picture: PictureDocument | None
    widthEstimated: bool


@shape
class RefusalDocument(TypedDict):
    """Why the product's picture has not become an overlay, and when it is looked at next."""

    code: str
    reason: str
    picture: str
    at: datetime
    tries: int
    retryAt: datetime | None


@shape
class ProductCommon(Stored):
    """What customers and staff see alike."""

    name: str
    category: Word[Category]
    description: str
    price: float
    priceMinor: int
    priceFormatted: str
    currency: str
    images: list[str]
    preorderAvailable: bool
    inStock: bool
    specifications: SpecificationsDocument
    attributes: dict[str, str]
    rating: float
    reviews: int
    featured: bool
    featuredRank: int
    status: Literal["active", "archived"]
    sku: str | None
    slug: str
    productType: Word[ProductType]
    tryOnRegion: Word[TryOnRegion]
    widthMm: float | None
    hsn: str | None
    huid: list[str]
    importId: NotRequired[Id]
    importRow: NotRequired[int]
    createdAt: datetime
    updatedAt: datetime


@shape
class ProductDocument(ProductCommon):
    stock: StockDocument
    overlay: OverlayDocument | None
    overlayRefusal: RefusalDocument | None
    _tokens: list[str]
    _pictureDue: datetime | None


PRODUCTS = Projection(
    "products",
    document=ProductDocument,
    version=3,
    indexes=[
        *(index(("status", 1), *order) for order in (NEWEST, CHEAPEST, BEST, BY_NAME)),
        *(index(("status", 1), ("category", 1), *order) for order in (NEWEST, CHEAPEST)),
        *(index(("status", 1), ("productType", 1), *order) for order in (NEWEST, CHEAPEST)),
        index(("status", 1), *FEATURED, partialFilterExpression={"featured": True}),
        index(("_tokens", 1), ("status", 1), *FOUND),
        [("slug", 1)],
        [("sku", 1)],
        index(("_pictureDue", 1), partialFilterExpression={"_pictureDue": {"$type": "date"}}),
        index(
            ("status", 1),
            ("overlayRefusal.at", -1),
            ("_id", -1),
            partialFilterExpression={"overlayRefusal.at": {"$type": "date"}},
        ),
        index(
            ("status", 1),
            ("updatedAt", -1),
            ("_id", -1),
            name="estimated_overlays",
            partialFilterExpression={"overlay.widthEstimated": True},
        ),
    ],
)
"""Lists by equal values walk an index in their order; other filters are applied on the way."""


@PRODUCTS.on(ProductCreated)
def created(event: ProductCreated, at: datetime) -> Change:
    return Put(_new(event.details, event.object_id, at))


@PRODUCTS.on(ProductImported)
def imported(event: ProductImported, at: datetime) -> Change:
    origin = {"importId": ObjectId(event.import_id), "importRow": event.row}
    return Put(_new(event.details, event.object_id, at) | origin)


@PRODUCTS.on(ProductChanged)
def changed(event: ProductChanged, at: datetime) -> Change:
    shown = _shown(event.details, event.object_id) | {"updatedAt": at}
    if PICTURED & set(event.changed):
        due = at if event.awaited_picture else None
        shown |= {"_pictureDue": due, "overlayRefusal": None}
    return Set(shown)


@PRODUCTS.on(ProductFeatured)
def featured(event: ProductFeatured, at: datetime) -> Change:
    return Set({"featured": True, "featuredRank": event.rank, "updatedAt": at})


@PRODUCTS.on(ProductUnfeatured)
def unfeatured(_: ProductUnfeatured, at: datetime) -> Change:
    return Set({"featured": False, "featuredRank": 0, "updatedAt": at})


@PRODUCTS.on(ProductOverlaySet)
def overlay_set(event: ProductOverlaySet, at: datetime) -> Change:
    return Set(
        {
            "overlay": _overlay(event.overlay),
            "overlayRefusal": None,
            "_pictureDue": None,
            "updatedAt": at,
        }
    )


def _overlay(overlay: Overlay) -> dict[str, Any]:
    """`source`, `picture` and `widthEstimated` are shown to staff only."""
    cut_from = overlay.cut_from
    return {
        "image": overlay.image,
        "width": overlay.width,
        "height": overlay.height,
        "widthMm": overlay.width_mm,
        "pxPerMm": overlay.px_per_mm,
        "anchors": {name: {"x": p.x, "y": p.y} for name, p in overlay.anchors.items()},
        "source": overlay.source.value,
        "picture": cut_from and {"url": cut_from.url, "sha256": cut_from.sha256},
        "widthEstimated": overlay.width_estimated,
    }


@PRODUCTS.on(ProductOverlayRefused)
def overlay_refused(event: ProductOverlayRefused, at: datetime) -> Change:
    """`_pictureDue`: when the picture is looked at next; the round of the worker asks for it."""
    refusal = {
        "code": event.code,
        "reason": event.reason,
        "picture": event.picture,
        "at": at,
        "tries": event.tries,
        "retryAt": event.retry_at,
    }
    return Set({"overlayRefusal": refusal, "_pictureDue": event.retry_at, "updatedAt": at})


@PRODUCTS.on(ProductArchived)
def archived(_: ProductArchived, at: datetime) -> Change:
    return Set({"status": "archived", "updatedAt": at})


@PRODUCTS.on(ProductRestored)
def restored(_: ProductRestored, at: datetime) -> Change:
    return Set({"status": "active", "updatedAt": at})


def _new(details: ProductFields, product_id: str, at: datetime) -> dict[str, Any]:
    """Nothing is in stock before the first word of its stock, which is in the same commit."""
    return {
        **_shown(details, product_id),
        "inStock": False,
        "stock": {"policy": "tracked", "onHand": 0, "available": 0, "limited": False},
        "rating": 0,
        "reviews": 0,
        "featuredRank": 0,
        "status": "active",
        "overlay": None,
        "overlayRefusal": None,
        "_pictureDue": at if awaited_picture(details) else None,
        "createdAt": at,
        "updatedAt": at,
    }


def _shown(details: ProductFields, product_id: str) -> dict[str, Any]:
    specifications = details.specifications
    return {
        "name": details.name,
        "category": details.category.value,
        "description": details.description,
        "price": Money(amount=details.price_minor, currency=details.currency).major,
        "priceMinor": details.price_minor,
        "priceFormatted": format_inr(details.price_minor),
        "currency": details.currency,
        "images": list(details.images),
        "preorderAvailable": details.preorder,
        "specifications": {
            "material": specifications.material or "",
            "weight": specifications.weight or "",
            "dimensions": specifications.dimensions or "",
            "gemstone": specifications.gemstone or "",
        },
        "attributes": dict(specifications.attributes),
        "featured": details.featured,
        "sku": details.sku,
        "slug": f"{slug_of(details.name)}-{product_id[-6:]}",
        "productType": details.product_type.value,
        "tryOnRegion": details.try_on_region.value,
        "widthMm": details.width_mm,
        "hsn": details.hsn,
        "huid": list(details.huid),
        "_tokens": _tokens(details),
    }


def _tokens(details: ProductFields) -> list[str]:
    telling = [
        details.name,
        details.category.value,
        details.product_type.value.replace("_", " "),
        details.specifications.material or "",
        details.specifications.gemstone or "",
    ]
    return tokens_of(telling, [details.sku or "", details.description])


def slug_of(name: str) -> str:
    """For addresses: `gold-pearl-necklace`, at most 60 characters, `product` when nothing is left."""
    ascii_words = (word for word in words_of(name) if word.isascii())
    return "-".join(ascii_words)[:60].strip("-") or "product"
