"""What the shop window shows: lists, categories, featured pieces, search, one product and its likes."""

import asyncio
import re
from collections.abc import Mapping
from functools import partial
from operator import itemgetter
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Request, Response
from pymongo.asynchronous.collection import AsyncCollection
from typing_extensions import TypedDict

from dependencies.answers import JSON, answer, enveloped, etag, present, written
from dependencies.caller import OptionalUser
from dependencies.documents import WITHOUT_TOKENS, Document
from dependencies.limits import limited
from dependencies.lists import FoundRaw, Page, PageOfList
from dependencies.reading import Reading, ReadingServices, Rendering
from dependencies.recipes import Recipe, leave_recipe
from dependencies.routers import PrefixRouter
from dependencies.services import Services
from domain.errors import Invalid, NotFound
from domain.sessions import User
from domain.values import Role
from projections.catalogue import (
    FEATURED,
    NEWEST,
    OverlayDocument,
    OverlayPlacing,
    ProductCommon,
    RefusalDocument,
    StockDocument,
)
from projections.product_changes import CHANGING, EITHER
from projections.stored import shape
from queries.by_index import Keys, by_index
from queries.images import signed
from queries.product_facets import counted, counted_of
from queries.product_filters import SORTS, Filters, Order, Sort, category_named, index_for
from queries.product_search import search, sought, words_sought
from queries.recommendations import likeness

router = PrefixRouter(prefix="/api/products", tags=["products"], dependencies=[limited("read")])

MAX_CANDIDATES = 100
COUNT_MILLISECONDS = 500
INDEXED = {SORTS["-price"]: SORTS["price"]}
"""An order that walks the index of another one backwards."""
PUBLIC = {"status": "active"}
FEW = 3
"""So many or fewer left are shown as limited."""

HEX_ID = re.compile(r"[0-9a-f]{24}", re.IGNORECASE)


@shape
class StockShown(StockDocument):
    reserved: int | None
    status: Literal["in_stock", "limited", "out_of_stock", "preorder"]


@shape
class CanBeTriedOn(TypedDict):
    available: bool


@shape
class ProductShown(ProductCommon):
    """As customers see it."""

    stock: StockShown
    overlay: OverlayPlacing | None
    tryOn: CanBeTriedOn


@shape
class ProductForStaff(ProductCommon):
    stock: StockShown
    overlay: OverlayDocument | None
    overlayRefusal: RefusalDocument | None
    tryOn: CanBeTriedOn


@shape
class ProductAlike(ProductShown):
    reason: str
    """Why it may please: another necklace, say."""


def product_view(document: Document, services: Services) -> dict[str, Any]:
    """As customers see it: how an overlay came about, or why there is none, is not for them."""
    shown = staff_product_view(document, services)
    shown.pop("overlayRefusal", None)
    if shown["overlay"]:
        shown["overlay"] = {n: v for n, v in shown["overlay"].items() if n in OVERLAY}
    return shown


OVERLAY = frozenset(OverlayPlacing.__annotations__)


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


async def _filters(filters: Annotated[Filters, Query()]) -> Filters:
    """By itself, because FastAPI spreads a model over the query only where it is alone."""
    return filters


ListFilters = Annotated[Filters, Depends(_filters)]


def _rendered(raw: bytes, services: ReadingServices) -> Rendering:
    """As customers see it, in JSON. Links to pictures end, so what has one is written each time."""
    shown = services.renderings.get(raw)
    if shown is None:
        document = services.documents.decoded(raw)
        shown = Rendering(
            json=written(product_view(document, services)),
            is_public=document["status"] == "active",
            version=document["version"],
        )
        if not document["overlay"]:
            services.renderings.keep(raw, shown)
    return shown


async def _answered(
    services: ReadingServices, query: Mapping[str, Any], page: PageOfList, order: Order
) -> Response:
    """Those who wait for the same page of the same list read it together."""
    key = (repr(query), page, order)
    body = await services.lists.of(key, partial(_page_of, services, query, page, order))
    return Response(body, media_type=JSON)


async def _page_of(
    services: ReadingServices, query: Mapping[str, Any], page: PageOfList, order: Order
) -> bytes:
    products = services.read_models["products"]
    path = index_for(query, INDEXED.get(order, order))

    async def read(hint: Keys | None) -> FoundRaw:
        return await page.find_raw(products, query, order, fields=WITHOUT_TOKENS, hint=hint)

    counted_as = {**query, "upTo": page.skip}
    changed_by = EITHER if "inStock" in query else CHANGING
    known = services.totals.known(counted_as, changed_by=changed_by)
    if known is None:
        count = partial(_count, products, query, page, path)
        found, total = await asyncio.gather(
            by_index(path, read), services.totals.of(counted_as, count, changed_by=changed_by)
        )
    else:
        found, total = await by_index(path, read), known
    shown = [_rendered(raw, services).json for raw in found.documents]
    return enveloped(shown, pagination=page.pagination(total, next_cursor=found.next_cursor))


async def _count(
    products: AsyncCollection[dict[str, Any]],
    query: Mapping[str, Any],
    page: PageOfList,
    path: Keys,
) -> int:
    async def read(hint: Keys | None) -> int:
        options: dict[str, Any] = {"hint": hint} if hint else {}
        return await page.total(products, query, maxTimeMS=COUNT_MILLISECONDS, **options)

    return await by_index(path, read)


async def _for_anybody(request: Request, recipe: Recipe) -> Response:
    """The answer; whoever asks for the same address again is answered without reading it anew."""
    response = await recipe()
    leave_recipe(request.scope, recipe)
    return response


@router.get("")
async def get_products(
    request: Request,
    services: Reading,
    page: Page,
    filters: ListFilters,
    user: OptionalUser,
    sort: Sort = "newest",
    status: Literal["active", "archived"] = "active",
) -> Response:
    """Archived products are shown to catalogue managers only."""
    if status == "archived" and not _manages(user):
        status = "active"
    query = {"status": status} | filters.query()
    if user is not None:
        return await _answered(services, query, page, SORTS[sort])
    return await _for_anybody(request, partial(_answered, services, query, page, SORTS[sort]))


@router.get("/featured")
async def get_featured(request: Request, services: Reading, page: Page) -> Response:
    query = PUBLIC | {"featured": True}
    return await _for_anybody(request, partial(_answered, services, query, page, FEATURED))


@router.get("/search", dependencies=[limited("search")])
async def get_search(
    services: Reading,
    q: Annotated[str, Query(max_length=100)],
    page: Page,
    filters: ListFilters,
    sort: Sort | None = None,
) -> Response:
    """Every word must occur: as it is, as a beginning, by another name for the same, or misspelt.

    The best first, of the 200 that are in stock and newest; `sort` puts those in another order.
    """
    if page.cursor is not None:
        raise Invalid("a search shows its 200 best by page and limit", code="invalid-cursor")
    products = services.read_models["products"]
    words = await sought(words_sought(q), products)
    found = await search(words, filters.query(), products)
    if sort is not None:
        for name, way in reversed(SORTS[sort]):
            found.sort(key=itemgetter(name), reverse=way < 0)
    end = page.skip + page.limit
    shown = [product_view(document, services) for document in found[page.skip : end]]
    return page.answer(shown, len(found), has_more=end < len(found))


@router.get("/facets")
async def get_facets(
    services: Reading,
    filters: ListFilters,
    q: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """How many there are by category, type, place where they are worn, stock and price; of a search with `q`.

    `isComplete` is false where only the newest 10,000 were counted.
    """
    products = services.read_models["products"]
    if q is None:
        return answer(await counted(PUBLIC | filters.query(), products))
    words = await sought(words_sought(q), products)
    return answer(counted_of(await search(words, filters.query(), products)))


@router.get("/category/{category}")
async def get_category(
    request: Request,
    services: Reading,
    category: str,
    page: Page,
    filters: ListFilters,
    sort: Sort = "newest",
) -> Response:
    query = PUBLIC | filters.query() | {"category": category_named(category).value}
    return await _for_anybody(request, partial(_answered, services, query, page, SORTS[sort]))


async def _product(product_id: str, services: ReadingServices, user: User | None) -> dict[str, Any]:
    """By id or by slug. Archived ones exist for staff only."""
    found: dict[str, Any] | None
    if HEX_ID.fullmatch(product_id):
        found = await services.documents.find("products", product_id)
    else:
        by_slug = {"slug": product_id[:100]}
        found = await services.read_models["products"].find_one(by_slug, WITHOUT_TOKENS)
    if found is None or (found["status"] != "active" and not _manages(user)):
        raise NotFound("there is no product with this id")
    return found


def _manages(user: User | None) -> bool:
    return user is not None and user.has(Role.CATALOG_MANAGER)


@router.get("/{product_id}")
async def get_product(
    request: Request, product_id: str, services: Reading, user: OptionalUser
) -> Response:
    if user is None and HEX_ID.fullmatch(product_id):
        return await _for_anybody(request, partial(_public_product, product_id, services))
    product = await _product(product_id, services, user)
    shown = staff_product_view if _manages(user) else product_view
    return answer(shown(product, services), headers=etag(product))


async def _public_product(product_id: str, services: ReadingServices) -> Response:
    raw = await services.documents.find_raw("products", product_id)
    shown = _rendered(raw, services) if raw else None
    if shown is None or not shown.is_public:
        raise NotFound("there is no product with this id")
    headers = {"ETag": f'"v{shown.version}"'}
    return Response(enveloped(shown.json), media_type=JSON, headers=headers)


@router.get("/{product_id}/recommendations")
async def get_recommendations(
    product_id: str,
    services: Reading,
    user: OptionalUser,
    limit: Annotated[int, Query(ge=1, le=24)] = 8,
) -> Response:
    """Pieces like this one that can be bought, the likest first, each with its reason."""
    product = await _product(product_id, services, user)
    alike = await asyncio.gather(
        *(_near(product, name, services) for name in ("productType", "category"))
    )
    candidates = {other["_id"]: other for some in alike for other in some}.values()
    ranked = sorted(candidates, key=lambda other: (-likeness(product, other)[0], str(other["_id"])))
    return answer(
        [
            product_view(other, services) | {"reason": likeness(product, other)[1]}
            for other in ranked[:limit]
        ]
    )


async def _near(product: Document, name: str, services: ReadingServices) -> list[dict[str, Any]]:
    """The newest with the same value that can be bought; it is looked for among so many."""
    query = PUBLIC | {name: product[name]}
    products = services.read_models["products"]

    async def read(hint: Keys | None) -> list[dict[str, Any]]:
        found = products.find(query, WITHOUT_TOKENS, sort=list(NEWEST), hint=hint)
        return await found.limit(MAX_CANDIDATES).to_list()

    return [
        other
        for other in await by_index(index_for(query, NEWEST), read)
        if other["_id"] != product["_id"] and (other["inStock"] or other["preorderAvailable"])
    ]
