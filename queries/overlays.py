"""Products whose overlays need somebody's attention, for catalogue managers."""

from collections.abc import Mapping
from typing import Any, Literal

from fastapi import Response

from dependencies.caller import CatalogManager
from dependencies.documents import WITHOUT_TOKENS
from dependencies.limits import limited
from dependencies.lists import Page
from dependencies.reading import Reading
from dependencies.routers import PrefixRouter
from queries.catalogue import staff_product_view

router = PrefixRouter(prefix="/api/products", tags=["products"], dependencies=[limited("read")])

Status = Literal["refused", "estimated", "missing"]

ATTENTION: Mapping[str, Mapping[str, Any]] = {
    "refused": {"overlayRefusal.at": {"$type": "date"}},
    "estimated": {"overlay.widthEstimated": True},
    "missing": {"tryOnRegion": {"$ne": "none"}, "overlay": None, "overlayRefusal": None},
}
"""refused: a picture has not become an overlay, and says why. estimated: nobody has measured the piece.
missing: it could be worn, and nothing has been tried yet.
"""
ORDERS: Mapping[str, str] = {
    "refused": "overlayRefusal.at",
    "estimated": "updatedAt",
    "missing": "createdAt",
}


@router.get("/overlays")
async def get_overlays(
    services: Reading, _: CatalogManager, page: Page, status: Status = "refused"
) -> Response:
    """Products that cannot be tried on as they should, the latest first, with the reason."""
    query = {"status": "active", **ATTENTION[status]}
    products = services.read_models["products"]
    order = ((ORDERS[status], -1), ("_id", -1))
    found = await page.find(products, query, order, fields=WITHOUT_TOKENS)
    shown = [staff_product_view(document, services) for document in found.documents]
    return page.answer(shown, await page.total(products, query), next_cursor=found.next_cursor)
