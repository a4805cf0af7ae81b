"""The documents of `products`, as the events of products and of their stock make them."""

from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from domain.catalogue import (
    Product,
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
from domain.kernel import DomainEvent
from domain.overlays import Anchor, Overlay, OverlaySource, PictureVersion
from domain.stock import (
    Stock,
    StockCommitted,
    StockCounted,
    StockDispatched,
    StockOpened,
    StockReceived,
    StockReleased,
    StockReserved,
)
from projections.catalogue import PRODUCTS, slug_of
from tests.folding import AT, Told, folded
from tests.shop import IMPORT_ID, NECKLACE, NOW, ORDER_ID, PRODUCT_ID

CREATED = ProductCreated(details=NECKLACE)
OVERLAY = Overlay(
    image="object:overlays/1.png",
    width=600,
    height=400,
    width_mm=124,
    px_per_mm=4.8,
    anchors={"left": Anchor(x=1, y=2), "right": Anchor(x=599, y=2)},
    source=OverlaySource.CATALOGUE,
    cut_from=PictureVersion(url="https://example.com/necklace.jpg", sha256="a" * 64),
    width_estimated=True,
)
REFUSED = ProductOverlayRefused(
    picture="https://example.com/necklace.jpg",
    code="product-not-cuttable",
    reason="no plain backdrop",
    retry_at=NOW,
)


def of_product(*events: DomainEvent) -> list[Told]:
    return [(Product, PRODUCT_ID, event) for event in events]


def of_stock(*events: DomainEvent) -> list[Told]:
    return [(Stock, PRODUCT_ID, event) for event in events]


def product(*told: Told) -> dict[str, Any]:
    return folded(PRODUCTS, *told)[ObjectId(PRODUCT_ID)]


def test_a_created_product_is_this_document() -> None:
    document = product(*of_product(CREATED))
    tokens = document.pop("_tokens")
    assert {"gold", "pearl", "necklace"} <= set(tokens)
    assert document == {
        "_id": ObjectId(PRODUCT_ID),
        "name": "Gold Pearl Necklace",
        "category": "Gold",
        "description": "Gold Pearl Necklace",
        "price": 89_999,
        "priceMinor": 89_999_00,
        "priceFormatted": "₹89,999",
        "currency": "INR",
        "images": ["https://example.com/necklace.jpg"],
        "preorderAvailable": False,
        "inStock": False,
        "stock": {"policy": "tracked", "onHand": 0, "available": 0, "limited": False},
        "specifications": {
            "material": "22k Gold",
            "weight": "",
            "dimensions": "",
            "gemstone": "Freshwater Pearls",
        },
        "attributes": {},
        "rating": 0,
        "reviews": 0,
        "featured": False,
        "featuredRank": 0,
        "status": "active",
        "sku": "KUN-NK-001",
        "slug": f"gold-pearl-necklace-{PRODUCT_ID[-6:]}",
        "productType": "necklace",
        "tryOnRegion": "neck",
        "widthMm": 124.0,
        "hsn": None,
        "huid": [],
        "overlay": None,
        "overlayRefusal": None,
        "_pictureDue": AT,
        "createdAt": AT,
        "updatedAt": AT,
        "version": 1,
        "position": 1,
    }


def test_an_imported_product_says_from_which_row_it_came() -> None:
    imported = ProductImported(details=NECKLACE, import_id=IMPORT_ID, row=7)
    origin = {"importId": ObjectId(IMPORT_ID), "importRow": 7}
    assert product(*of_product(imported)) == product(*of_product(CREATED)) | origin


@pytest.mark.parametrize(
    ("event", "changed"),
    [
        (ProductFeatured(rank=3), {"featured": True, "featuredRank": 3}),
        (ProductUnfeatured(), {"featured": False, "featuredRank": 0}),
        (ProductArchived(), {"status": "archived"}),
        (ProductRestored(), {"status": "active"}),
        (
            ProductOverlaySet(overlay=OVERLAY),
            {
                "overlay": {
                    "image": "object:overlays/1.png",
                    "width": 600,
                    "height": 400,
                    "widthMm": 124,
                    "pxPerMm": 4.8,
                    "anchors": {"left": {"x": 1, "y": 2}, "right": {"x": 599, "y": 2}},
                    "source": "catalogue",
                    "picture": {
                        "url": "https://example.com/necklace.jpg",
                        "sha256": "a" * 64,
                    },
                    "widthEstimated": True,
                },
                "_pictureDue": None,
            },
        ),
        (
            REFUSED,
            {
                "overlayRefusal": {
                    "code": "product-not-cuttable",
                    "reason": "no plain backdrop",
                    "picture": "https://example.com/necklace.jpg",
                    "at": AT + timedelta(seconds=1),
                    "tries": 1,
                    "retryAt": NOW,
                },
                "_pictureDue": NOW,
            },
        ),
    ],
)
def test_each_event_of_a_product_changes_this_and_nothing_else(
    event: DomainEvent, changed: dict[str, Any]
) -> None:
    moved = {"updatedAt": AT + timedelta(seconds=1), "version": 2, "position": 2}
    assert product(*of_product(CREATED, event)) == product(*of_product(CREATED)) | changed | moved


def test_new_details_leave_stock_overlay_and_birthday_as_they_are() -> None:
    cheaper = NECKLACE.model_copy(update={"price_minor": 50_000_00})
    changed = ProductChanged(details=cheaper, changed=("price_minor",))
    begun = [*of_product(CREATED, ProductOverlaySet(overlay=OVERLAY))]
    begun += of_stock(StockOpened(on_hand=5, available=5))
    before, after = product(*begun), product(*begun, *of_product(changed))
    assert (after["price"], after["priceFormatted"]) == (50_000, "₹50,000")
    for name in ("stock", "inStock", "overlay", "createdAt", "slug"):
        assert after[name] == before[name]


def test_another_picture_waits_to_be_cut_out_and_forgives_the_last() -> None:
    other = NECKLACE.model_copy(update={"images": ("https://example.com/other.jpg",)})
    changed = ProductChanged(
        details=other, changed=("images",), awaited_picture="https://example.com/other.jpg"
    )
    after = product(*of_product(CREATED, REFUSED, changed))
    assert (after["overlayRefusal"], after["_pictureDue"]) == (None, AT + timedelta(seconds=2))


@pytest.mark.parametrize(
    ("event", "stock", "in_stock"),
    [
        (StockCounted(on_hand=0, available=0), {"onHand": 0, "available": 0}, False),
        (
            StockCounted(on_hand=None, available=None),
            {"policy": "untracked", "onHand": None, "available": None},
            True,
        ),
        (StockReceived(quantity=2, on_hand=7, available=7), {"onHand": 7, "available": 7}, True),
        (
            StockReserved(order_id=ORDER_ID, quantity=5, until=NOW, available=0),
            {"available": 0},
            False,
        ),
        (StockReleased(order_id=ORDER_ID, quantity=5, available=5), {"available": 5}, True),
        (StockCommitted(order_id=ORDER_ID, quantity=2, available=3), {"available": 3}, True),
        (
            StockDispatched(order_id=ORDER_ID, quantity=2, on_hand=3, available=3),
            {"onHand": 3, "available": 3},
            True,
        ),
    ],
)
def test_each_event_of_a_stock_shows_what_is_left(
    event: DomainEvent, stock: dict[str, Any], in_stock: bool
) -> None:
    opened = of_stock(StockOpened(on_hand=5, available=5))
    shown = product(*of_product(CREATED), *opened, *of_stock(event))
    counted = {"policy": "tracked", "onHand": 5, "available": 5, "limited": False}
    assert (shown["stock"], shown["inStock"]) == (counted | stock, in_stock)
    assert shown["version"] == 1  # of the product's own stream, for If-Match


def test_a_slug_is_never_empty() -> None:
    assert slug_of("Gold & Pearl — Necklace") == "gold-pearl-necklace"
    assert slug_of("हार") == "product"
