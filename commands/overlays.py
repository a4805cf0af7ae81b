"""Overlays for the try-on by staff: uploaded, cut out of the catalogue's picture, corrected by hand.

What the shop does by itself is in `commands/catalogue_pictures.py`.
"""

import hashlib
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Response, UploadFile
from pydantic import Field, StringConstraints

from commands.catalogue import KnownProduct
from commands.context import Command
from commands.cutting import (
    REFUSALS,
    Width,
    overlay_of_picture,
    prepared_overlay,
    stored,
)
from commands.keys import is_overlay_of
from commands.product_bodies import Key
from commands.rendering import demo_picture
from commands.unit_of_work import UnitOfWork, perform
from dependencies import AllServices, CatalogManager, Execute, Services, limited
from domain.catalogue import Product
from domain.errors import DomainError, Invalid, NotFound, TooLarge
from domain.kernel import Measure
from domain.overlays import WEB, Anchor, Overlay, OverlaySource
from domain.ports import CommandContext
from domain.sessions import User
from domain.values import ProductId

router = APIRouter(prefix="/api/products", tags=["products"])

PRODUCTS = "products"
OBJECT = "object:"


# --- Made of a picture ---------------------------------------------------------------------------


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


async def give_overlay(product_id: ProductId, overlay: Overlay, work: UnitOfWork) -> Product:
    product = await work.load(Product, product_id)
    product.set_overlay(overlay)
    return product


async def refuse_cut_out(
    product_id: ProductId, work: UnitOfWork, *, picture: str, code: str, reason: str
) -> Product:
    product = await work.load(Product, product_id)
    product.refuse_cut_out(picture=picture, code=code, reason=reason, now=work.now)
    return product


# --- Corrected by hand ---------------------------------------------------------------------------


class SetOverlay(Command):
    """The transparent picture for try-on; anchors in its pixels. What is left out stays as it is, and
    `pxPerMm` follows the width.
    """

    image: Annotated[str, StringConstraints(min_length=1, max_length=2048)] | None = None
    width: Annotated[int, Field(ge=1, le=10_000)] | None = None
    height: Annotated[int, Field(ge=1, le=10_000)] | None = None
    width_mm: Annotated[Measure, Field(gt=0, le=2000)] | None = None
    px_per_mm: Annotated[Measure, Field(gt=0, le=1000)] | None = None
    anchors: Annotated[dict[Key, Anchor], Field(max_length=10)] | None = None


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


async def set_overlay(product_id: ProductId, command: SetOverlay, work: UnitOfWork) -> Product:
    product = await work.load(Product, product_id)
    product.set_overlay(_corrected(product, command))
    return product


def _corrected(product: Product, command: SetOverlay) -> Overlay:
    """Raise Invalid for a first overlay that is not whole."""
    before = product.overlay
    stated = {name: value for name, value in command if value is not None}
    if before is None:
        corrected = _first(stated)
    else:
        marks = {
            "source": OverlaySource.STAFF,
            "cut_from": before.cut_from if stated.get("image") in {None, before.image} else None,
            "width_estimated": before.width_estimated and command.width_mm is None,
        }
        corrected = Overlay.model_validate({**dict(before), **stated, **marks})
    if command.px_per_mm is not None:
        return corrected
    return corrected.as_wide_as(corrected.width_mm, product_type=product.details.product_type)


def _first(stated: dict[str, Any]) -> Overlay:
    missing = {"image", "width", "height", "width_mm"} - stated.keys()
    if missing:
        raise Invalid(
            f"a first overlay needs {', '.join(sorted(missing))}", code="overlay-incomplete"
        )
    return Overlay.model_validate({"px_per_mm": 1.0, **stated})
