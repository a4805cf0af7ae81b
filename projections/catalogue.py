"""The `products` collection, as the specification names its fields, and what a shop window needs besides.

Stock's own events fold into the same documents: see `projections/stock.py`.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from bson import ObjectId

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
from domain.import_rules.price import format_inr
from domain.import_rules.product import ProductFields
from domain.overlays import Overlay, awaited_picture
from domain.values import Money
from projections.projection import Change, Projection, Put, Set, index

MAX_TOKENS = 100
LATIN_MARKS = re.compile("[\u0300-\u036f]")

PRODUCTS = Projection(
    "products",
    version=2,
    indexes=[
        [("status", 1), ("createdAt", -1)],
        [("status", 1), ("priceMinor", 1)],
        [("status", 1), ("category", 1), ("createdAt", -1)],
        [("status", 1), ("productType", 1), ("createdAt", -1)],
        [("status", 1), ("featured", 1), ("featuredRank", 1)],
        [("_tokens", 1), ("status", 1)],
        [("slug", 1)],
        [("sku", 1)],
        [("status", 1), ("tryOnRegion", 1), ("overlay.image", 1)],
        index(("_pictureDue", 1), partialFilterExpression={"_pictureDue": {"$type": "date"}}),
        index(
            ("overlayRefusal.at", -1),
            partialFilterExpression={"overlayRefusal.at": {"$type": "date"}},
        ),
        index(
            ("updatedAt", -1),
            name="estimated_overlays",
            partialFilterExpression={"overlay.widthEstimated": True},
        ),
    ],
)


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
        "_tokens": tokens_of(_searchable(details)),
    }


def _searchable(details: ProductFields) -> list[str]:
    return [
        details.name,
        details.category.value,
        details.product_type.value.replace("_", " "),
        details.sku or "",
        details.specifications.material or "",
        details.specifications.gemstone or "",
        details.description,
    ]


def words_of(text: str) -> list[str]:
    """The words as they are searched: letters and digits of any script, without case and accents."""
    marks_apart = unicodedata.normalize("NFKD", text.casefold())
    plain = unicodedata.normalize("NFC", LATIN_MARKS.sub("", marks_apart))
    return "".join(sign if _belongs_to_a_word(sign) else " " for sign in plain).split()


def _belongs_to_a_word(sign: str) -> bool:
    """Letters, marks (the vowels of Devanagari) and numbers."""
    return unicodedata.category(sign)[0] in "LMN"


def tokens_of(texts: Iterable[str]) -> list[str]:
    """Each word once, the most telling texts first, at most MAX_TOKENS."""
    return list(dict.fromkeys(word for text in texts for word in words_of(text)))[:MAX_TOKENS]


def slug_of(name: str) -> str:
    """For addresses: `gold-pearl-necklace`, at most 60 characters, `product` when nothing is left."""
    ascii_words = (word for word in words_of(name) if word.isascii())
    return "-".join(ascii_words)[:60].strip("-") or "product"
