"""Overlays for the try-on by staff: uploaded, cut out of the catalogue's picture, corrected by hand.

What the shop does by itself is in `reactions/catalogue_pictures.py`.
"""

import hashlib
from functools import partial
from typing import Annotated

from fastapi import File, Form, Response, UploadFile

from commands.decisions.overlays import SetOverlay, give_overlay, refuse_cut_out, set_overlay
from commands.effects.cutting import REFUSALS, Width, overlay_of_picture, prepared_overlay, stored
from commands.effects.keys import is_overlay_of
from commands.effects.rendering import demo_picture
from commands.routes.catalogue import KnownProduct
from commands.unit_of_work import perform
from dependencies.caller import CatalogManager
from dependencies.executor import Execute
from dependencies.limits import limited
from dependencies.routers import PrefixRouter
from dependencies.services import AllServices, Services
from domain.catalogue import Product
from domain.errors import DomainError, Invalid, NotFound, TooLarge
from domain.overlays import WEB, Overlay, OverlaySource
from domain.ports.events import CommandContext
from domain.sessions import User
from domain.values import ProductId

router = PrefixRouter(prefix="/api/products", tags=["products"])

PRODUCTS = "products"
OBJECT = "object:"


@router.post("/{product_id}/overlay", dependencies=[limited("upload")])
async def post_overlay(
    product_id: KnownProduct,
    user: CatalogManager,
    execute: Execute,
    services: AllServices,
    *,
    file: Annotated[
        UploadFile | None, File(description="the piece on a plain backdrop, or cut out")
    ] = None,
    picture: Annotated[
        int, Form(ge=0, le=19, description="without a file: which of the product's pictures")
    ] = 0,
    width_mm: Annotated[float | None, Form(alias="widthMm", gt=0, le=2000)] = None,
) -> Response:
    """Cut a picture out of its backdrop and make it the product's overlay: the file, or without one a
    picture of the catalogue, which is fetched now.
    """
    product: Product | None = await services.store.load(Product, product_id)
    if product is None:
        raise NotFound("there is no such product")
    if file is not None:
        data = await _read(file, services)
        overlay = await _of_upload(product, data, width_mm, services)
        digest = hashlib.sha256(data).digest()
    else:
        overlay = await _of_catalogue(product, picture, width_mm, services, user=user)
        digest = hashlib.sha256(f"{picture}:{width_mm}".encode()).digest()
    return await execute(
        partial(give_overlay, product_id, overlay), shows=PRODUCTS, content_digest=digest
    )


async def _read(file: UploadFile, services: Services) -> bytes:
    limit = services.settings.max_upload_mb * 1_000_000
    data = await file.read(limit + 1)
    if len(data) > limit:
        raise TooLarge(f"a picture may have {services.settings.max_upload_mb} MB")
    return data


async def _of_upload(
    product: Product, data: bytes, width_mm: float | None, services: Services
) -> Overlay:
    """Who has the piece at hand can measure it: its width is not guessed."""
    width = width_mm or product.details.width_mm
    if width is None:
        raise Invalid(
            "say how wide the piece is: send widthMm, or give the product a width_mm",
            code="width-unknown",
        )
    prepared = await prepared_overlay(data, services)
    return await stored(product, prepared, Width(width), services, source=OverlaySource.STAFF)


async def _of_catalogue(
    product: Product, place: int, width_mm: float | None, services: Services, *, user: User
) -> Overlay:
    """Raise why the picture cannot become an overlay; the product remembers it as well.

    A choice of another picture than the first is the staff's, and is kept.
    """
    picture = _picture(product, place)
    width = None if width_mm is None else Width(width_mm)
    try:
        overlay = await overlay_of_picture(product, picture, services, width=width)
    except REFUSALS as refused:
        await _remember(product, picture, refused, services, user=user)
        raise
    chosen = OverlaySource.STAFF if place else OverlaySource.CATALOGUE
    return overlay.model_copy(update={"source": chosen})


def _picture(product: Product, place: int) -> str:
    images = product.details.images
    if place >= len(images):
        raise Invalid(f"the product has {len(images)} pictures", code="no-such-picture")
    if not images[place].lower().startswith(WEB):
        raise Invalid("this picture is one of our own: upload it", code="picture-not-on-the-web")
    return images[place]


async def _remember(
    product: Product, picture: str, refused: DomainError, services: Services, *, user: User
) -> None:
    await perform(
        partial(
            refuse_cut_out,
            product.object_id,
            picture=picture,
            code=refused.code,
            reason=refused.detail,
        ),
        CommandContext(
            command="RefuseCutOut",
            actor=f"user-{user.id}",
            correlation=f"overlay-{product.object_id}",
        ),
        services,
    )


@router.put("/{product_id}/overlay", dependencies=[limited("write")])
async def put_overlay(
    product_id: KnownProduct,
    command: SetOverlay,
    _: CatalogManager,
    execute: Execute,
    services: AllServices,
) -> Response:
    """Correct the overlay by hand: the shop then never replaces it by itself."""
    if command.image is not None:
        await _must_be_its_own(command.image, product_id, services)
    return await execute(partial(set_overlay, product_id, command), shows=PRODUCTS)


async def _must_be_its_own(image: str, product_id: ProductId, services: Services) -> None:
    """Overlays are shown to everybody: no other object, a customer's photograph say, may become one. Raise
    Invalid also for one that is not there: it would be shown to nobody.
    """
    key = image.removeprefix(OBJECT)
    if demo_picture(image) is not None:
        return
    if image == key or not is_overlay_of(product_id, key):
        raise Invalid("this is no overlay picture of this product", code="overlay-picture")
    if not await services.objects.exists(key):
        raise Invalid("there is no such overlay picture", code="overlay-picture")
