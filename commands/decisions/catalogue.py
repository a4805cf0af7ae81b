"""What catalogue managers do with products: create, change, feature, archive, restore; and imports do."""

from typing import Annotated

from pydantic import Field

from commands.context import Command
from commands.decisions.product_bodies import ChangeProduct, CreateProduct
from commands.unit_of_work import UnitOfWork
from domain.catalogue import Product
from domain.import_rules.availability import StockStatus
from domain.import_rules.product import ProductFields
from domain.import_rules.words import normalised
from domain.stock import Stock
from domain.values import ImportId, ProductId


class FeatureProduct(Command):
    rank: Annotated[int, Field(ge=0, le=10_000)] = 0


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
