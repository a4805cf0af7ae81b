"""What the shop window shows: lists, categories, featured pieces, search, one product and its likes."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response

from dependencies import (
    AllServices,
    Document,
    OptionalUser,
    Page,
    PageOfList,
    Services,
    answer,
    etag,
    limited,
    object_id_or_404,
    present,
)
from domain.errors import NotFound
from domain.sessions import User
from domain.values import Role
from queries.images import signed
from queries.product_filters import Filters, category_named, search_query
from queries.recommendations import likeness

router = APIRouter(prefix="/api/products", tags=["products"], dependencies=[limited("read")])

MAX_CANDIDATES = 300
FEW = 3
"""So many or fewer left are shown as limited."""

HEX_ID = re.compile(r"[0-9a-f]{24}", re.IGNORECASE)

SORTS: Mapping[str, Sequence[tuple[str, int]]] = {
    "newest": (("createdAt", -1), ("_id", -1)),
    "price": (("priceMinor", 1), ("_id", 1)),
    "-price": (("priceMinor", -1), ("_id", 1)),
    "rating": (("rating", -1), ("reviews", -1), ("_id", 1)),
    "name": (("name", 1), ("_id", 1)),
}
Sort = Literal["newest", "price", "-price", "rating", "name"]


def product_view(document: Document, services: Services) -> dict[str, Any]:
    """As customers see it: how an overlay came about, or why there is none, is not for them."""
    shown = staff_product_view(document, services)
    shown.pop("overlayRefusal", None)
    if shown["overlay"]:
        shown["overlay"] = {n: v for n, v in shown["overlay"].items() if n in OVERLAY}
    return shown


OVERLAY = {"image", "width", "height", "widthMm", "pxPerMm", "anchors"}
"""What a page needs to place an overlay."""


def staff_product_view(document: Document, services: Services) -> dict[str, Any]:
    shown = present(document)
    if shown["overlay"]:
        image = signed(document["overlay"]["image"], services)
        shown["overlay"] = {**shown["overlay"], "image": image}
    shown["tryOn"] = {"available": bool(shown["overlay"])}
    stock = document["stock"]
    on_hand, available = stock["onHand"], stock["available"]
    reserved = None if on_hand is None or available is None else on_hand - available
    shown["stock"] = {**stock, "reserved": reserved, "status": stock_status(document)}
    return shown


def stock_status(document: Document) -> str:
    """in_stock, limited, out_of_stock or preorder."""
    available = document["stock"]["available"]
    if not document["inStock"]:
        return "preorder" if document["preorderAvailable"] else "out_of_stock"
    if document["stock"]["limited"] or (available is not None and available <= FEW):
        return "limited"
    return "in_stock"


RANKED = (("featuredRank", 1), ("createdAt", -1), ("_id", 1))


async def _filters(filters: Annotated[Filters, Query()]) -> Filters:
    """By itself, because FastAPI spreads a model over the query only where it is alone."""
    return filters


ListFilters = Annotated[Filters, Depends(_filters)]


async def _answered(
    services: Services,
    query: Mapping[str, Any],
    page: PageOfList,
    order: Sequence[tuple[str, int]],
) -> Response:
    products = services.read_models["products"]
    found = await products.find(query).sort(order).skip(page.skip).limit(page.limit).to_list()
    shown = [product_view(document, services) for document in found]
    return page.answer(shown, await products.count_documents(query))


PUBLIC = {"status": "active"}


@router.get("")
async def get_products(
    services: AllServices,
    page: Page,
    filters: ListFilters,
    user: OptionalUser,
    sort: Sort = "newest",
    status: Literal["active", "archived"] = "active",
) -> Response:
    """Archived products are shown to catalogue managers only."""
    if status == "archived" and not _manages(user):
        status = "active"
    return await _answered(services, {"status": status} | filters.query(), page, SORTS[sort])


@router.get("/featured")
async def get_featured(services: AllServices, page: Page) -> Response:
    return await _answered(services, PUBLIC | {"featured": True}, page, RANKED)


@router.get("/search", dependencies=[limited("search")])
async def get_search(
    services: AllServices,
    q: Annotated[str, Query(max_length=100)],
    page: Page,
    filters: ListFilters,
    sort: Sort = "newest",
) -> Response:
    """Every word must occur, as it is, as a beginning, or by another name for the same."""
    wanted = filters.query()
    wanted["$and"] = wanted.get("$and", []) + search_query(q)
    return await _answered(services, PUBLIC | wanted, page, SORTS[sort])


@router.get("/category/{category}")
async def get_category(
    services: AllServices, category: str, page: Page, filters: ListFilters, sort: Sort = "newest"
) -> Response:
    query = PUBLIC | filters.query() | {"category": category_named(category).value}
    return await _answered(services, query, page, SORTS[sort])


async def _product(product_id: str, services: Services, user: User | None) -> dict[str, Any]:
    """By id or by slug. Archived ones exist for staff only."""
    by_id = HEX_ID.fullmatch(product_id) is not None
    key = {"_id": object_id_or_404(product_id)} if by_id else {"slug": product_id[:100]}
    found: dict[str, Any] | None = await services.read_models["products"].find_one(key)
    if found is None or (found["status"] != "active" and not _manages(user)):
        raise NotFound("there is no product with this id")
    return found


def _manages(user: User | None) -> bool:
    return user is not None and user.has(Role.CATALOG_MANAGER)


@router.get("/{product_id}")
async def get_product(product_id: str, services: AllServices, user: OptionalUser) -> Response:
    product = await _product(product_id, services, user)
    shown = staff_product_view if _manages(user) else product_view
    return answer(shown(product, services), headers=etag(product))


@router.get("/{product_id}/recommendations")
async def get_recommendations(
    product_id: str,
    services: AllServices,
    user: OptionalUser,
    limit: Annotated[int, Query(ge=1, le=24)] = 8,
) -> Response:
    """Pieces like this one that can be bought, the likest first, each with its reason."""
    product = await _product(product_id, services, user)
    near = services.read_models["products"].find(
        PUBLIC
        | {
            "_id": {"$ne": product["_id"]},
            "$and": [
                {"$or": [{"inStock": True}, {"preorderAvailable": True}]},
                {
                    "$or": [
                        {"productType": product["productType"]},
                        {"category": product["category"]},
                    ]
                },
            ],
        }
    )
    candidates = await near.sort([("createdAt", -1), ("_id", 1)]).limit(MAX_CANDIDATES).to_list()
    ranked = sorted(candidates, key=lambda other: (-likeness(product, other)[0], str(other["_id"])))
    return answer(
        [
            product_view(other, services) | {"reason": likeness(product, other)[1]}
            for other in ranked[:limit]
        ]
    )
