"""Stock over HTTP, for catalogue managers."""

from functools import partial

from fastapi import Response

from commands.decisions.stock import CountStock, ReceiveStock, count_stock, receive_stock
from commands.routes.catalogue import KnownProduct
from dependencies.caller import CatalogManager
from dependencies.executor import Execute
from dependencies.limits import limited
from dependencies.routers import PrefixRouter

router = PrefixRouter(prefix="/api/products", tags=["products"], dependencies=[limited("write")])

PRODUCTS = "products"


@router.put("/{product_id}/stock")
async def put_stock(
    product_id: KnownProduct, command: CountStock, _: CatalogManager, execute: Execute
) -> Response:
    return await execute(partial(count_stock, product_id, command), shows=PRODUCTS)


@router.post("/{product_id}/stock/receipts")
async def post_stock_receipt(
    product_id: KnownProduct, command: ReceiveStock, _: CatalogManager, execute: Execute
) -> Response:
    return await execute(partial(receive_stock, product_id, command), shows=PRODUCTS)
