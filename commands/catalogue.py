"""What catalogue managers do with products: create, change, feature, archive, restore."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response, status
from pydantic import Field

from commands.context import Command
from commands.product_bodies import ChangeProduct, CreateProduct
from commands.unit_of_work import UnitOfWork
from dependencies import CatalogManager, Execute, limited, object_id_or_404
from domain.catalogue import Product
from domain.errors import PreconditionRequired
from domain.import_rules.availability import StockStatus
from domain.import_rules.product import ProductFields
from domain.import_rules.words import normalised
from domain.stock import Stock
from domain.values import ImportId, ProductId

router = APIRouter(prefix="/api/products", tags=["products"], dependencies=[limited("write")])

PRODUCTS = "products"


# --- Bodies ---------------------------------------------------------------------------------------


class FeatureProduct(Command):
    rank: Annotated[int, Field(ge=0, le=10_000)] = 0


# --- Handlers ------------------------------------------------------------------------------------


async def create_product(command: CreateProduct, work: UnitOfWork) -> Product:
    product = Product.create(work.new_id(), command.details())
    return await _introduce(product, work)


async def import_product(
    details: ProductFields, work: UnitOfWork, *, import_id: ImportId, row: int
) -> Product:
    """A new product from a row of a file, with its stock as the row declares it."""
    product = Product.take_in(work.new_id(), details, import_id=import_id, row=row)
    return await _introduce(product, work)


async def _introduce(product: Product, work: UnitOfWork) -> Product:
    """The product, its SKU's claim and its stock are one commit, the product first."""
    work.add(product)
    details = product.details
    if details.sku:
        await work.claim("sku", normalised(details.sku), owner=product.object_id)
    on_hand, limited = declared_stock(details)
    work.add(Stock.open(product.object_id, on_hand=on_hand, limited=limited))
    return product


def declared_stock(details: ProductFields) -> tuple[int | None, bool]:
    """Units on hand (None: not counted) and whether they are few, as the shop declares them."""
    if details.availability in {StockStatus.OUT_OF_STOCK, StockStatus.PREORDER}:
        return details.quantity or 0, False
    return details.quantity, details.availability is StockStatus.LIMITED


async def change_product(
    product_id: ProductId, command: ChangeProduct, work: UnitOfWork
) -> Product:
    product = await work.load(Product, product_id)
    before = product.details
    after = before.model_copy(
        update=command.stated() | {"specifications": command.specified(before.specifications)}
    )
    return await rewrite_product(product, after, work)


async def rewrite_product(
    product: Product,
    details: ProductFields,
    work: UnitOfWork,
    *,
    import_id: ImportId | None = None,
    row: int | None = None,
) -> Product:
    """Give a product new details; in the same commit a new SKU is claimed, the old one given back, and
    the stock counted anew when the shop declares it otherwise than before.
    """
    before = product.details
    if normalised(details.sku or "") != normalised(before.sku or ""):
        if before.sku:
            await work.release("sku", normalised(before.sku), owner=product.object_id)
        if details.sku:
            await work.claim("sku", normalised(details.sku), owner=product.object_id)
    product.change(ProductFields.model_validate(dict(details)), import_id=import_id, row=row)
    if declared_stock(details) != declared_stock(before):
        on_hand, limited = declared_stock(details)
        stock = await work.load(Stock, product.object_id)
        at_least = None if on_hand is None else max(on_hand, stock.held)
        stock.count(on_hand=at_least, limited=limited)
    return product


async def archive_product(product_id: ProductId, work: UnitOfWork) -> Product:
    product = await work.load(Product, product_id)
    product.archive()
    return product


async def restore_product(product_id: ProductId, work: UnitOfWork) -> Product:
    product = await work.load(Product, product_id)
    product.restore()
    return product


async def feature_product(
    product_id: ProductId, command: FeatureProduct, work: UnitOfWork
) -> Product:
    product = await work.load(Product, product_id)
    product.feature(rank=command.rank)
    return product


async def unfeature_product(product_id: ProductId, work: UnitOfWork) -> Product:
    product = await work.load(Product, product_id)
    product.unfeature()
    return product


# --- Endpoints -----------------------------------------------------------------------------------


async def known_product(product_id: str) -> ProductId:
    """A malformed id names no product."""
    return str(object_id_or_404(product_id))


KnownProduct = Annotated[ProductId, Depends(known_product)]


async def _version_is_named(if_match: Annotated[str | None, Header()] = None) -> None:
    """Executing the command compares it."""
    if if_match is None:
        raise PreconditionRequired("If-Match must name the version that you saw, from ETag")


@router.post("", status_code=status.HTTP_201_CREATED)
async def post_product(command: CreateProduct, _: CatalogManager, execute: Execute) -> Response:
    return await execute(partial(create_product, command), shows=PRODUCTS, status=201)


@router.patch("/{product_id}", dependencies=[Depends(_version_is_named)])
async def patch_product(
    product_id: KnownProduct, command: ChangeProduct, _: CatalogManager, execute: Execute
) -> Response:
    return await execute(partial(change_product, product_id, command), shows=PRODUCTS)


@router.delete("/{product_id}")
async def delete_product(product_id: KnownProduct, _: CatalogManager, execute: Execute) -> Response:
    """Archived, not gone: orders refer to it."""
    return await execute(partial(archive_product, product_id), shows=PRODUCTS)


@router.post("/{product_id}/restore")
async def post_restore(product_id: KnownProduct, _: CatalogManager, execute: Execute) -> Response:
    return await execute(partial(restore_product, product_id), shows=PRODUCTS)


@router.put("/{product_id}/feature")
async def put_feature(
    product_id: KnownProduct, command: FeatureProduct, _: CatalogManager, execute: Execute
) -> Response:
    return await execute(partial(feature_product, product_id, command), shows=PRODUCTS)


@router.delete("/{product_id}/feature")
async def delete_feature(product_id: KnownProduct, _: CatalogManager, execute: Execute) -> Response:
    return await execute(partial(unfeature_product, product_id), shows=PRODUCTS)
