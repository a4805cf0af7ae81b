"""Products over HTTP, for catalogue managers."""

from functools import partial
from typing import Annotated

from fastapi import Depends, Header, Response, status

from commands.decisions.catalogue import (
    FeatureProduct,
    archive_product,
    change_product,
    create_product,
    feature_product,
    restore_product,
    unfeature_product,
)
from commands.decisions.product_bodies import ChangeProduct, CreateProduct
from dependencies.caller import CatalogManager
from dependencies.documents import object_id_or_404
from dependencies.executor import Execute
from dependencies.limits import limited
from dependencies.routers import PrefixRouter
from domain.errors import PreconditionRequired
from domain.values import ProductId

router = PrefixRouter(prefix="/api/products", tags=["products"], dependencies=[limited("write")])

PRODUCTS = "products"


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
