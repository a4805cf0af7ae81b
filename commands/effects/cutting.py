"""A picture becomes an overlay: fetched, cut out, kept as an object that its content names.

What cannot be done is a DomainError with a code and a sentence for the staff. Nothing is decided here.
"""

import hashlib
from dataclasses import dataclass

from commands.decisions.overlays import FAILED, UNREACHABLE
from commands.effects.imaging import ask
from commands.effects.keys import overlay_key
from commands.effects.photographs import as_domain_error
from dependencies.services import Services
from domain.catalogue import Product
from domain.errors import Invalid, NotFound, TooLarge, Unavailable, Unreadable, UnsupportedType
from domain.overlays import (
    Anchor,
    Overlay,
    OverlaySource,
    PictureVersion,
    measured_px,
    typical_width_mm,
)
from imaging import pipeline
from imaging.errors import ImageRefused
from imaging.pipeline import PreparedOverlay

REFUSALS = (Invalid, TooLarge, Unreadable, UnsupportedType)
"""What is told of a picture that has not become an overlay. Anything else is about us."""


@dataclass(frozen=True)
class Width:
    millimetres: float
    estimated: bool = False


async def overlay_of_picture(
    product: Product, picture: str, services: Services, *, width: Width | None = None
) -> Overlay:
    """The overlay of a picture of the catalogue. One that was cut from the same bytes is not cut again."""
    return await overlay_of_bytes(
        product, picture, await fetched(picture, services), services, width=width
    )


async def fetched(picture: str, services: Services) -> bytes:
    """Raise Invalid `picture-unreachable` where the host cannot be reached now, `picture-failed` where it
    answers this time with nonsense, and `picture-missing`.
    """
    try:
        return await services.pictures.fetch(picture)
    except NotFound as e:
        raise Invalid(e.detail, code=e.code) from e
    except Unavailable as e:
        raise Invalid(e.detail, code=FAILED if e.code == FAILED else UNREACHABLE) from e


async def overlay_of_bytes(
    product: Product, picture: str, data: bytes, services: Services, *, width: Width | None = None
) -> Overlay:
    version = PictureVersion(url=picture, sha256=hashlib.sha256(data).hexdigest())
    before = product.overlay
    if before is not None and _is_cut_from(before, version):
        again = before.model_copy(update={"cut_from": version})
        return again if width is None else _sized(again, product, width)
    prepared = await prepared_overlay(data, services)
    return await stored(
        product,
        prepared,
        width or width_of(product, prepared.kind),
        services,
        source=OverlaySource.CATALOGUE,
        cut_from=version,
    )


def _is_cut_from(overlay: Overlay, version: PictureVersion) -> bool:
    """The same bytes, and nobody has touched the cut-out since."""
    cut_from = overlay.cut_from
    is_ours = overlay.source is OverlaySource.CATALOGUE
    return is_ours and cut_from is not None and cut_from.sha256 == version.sha256


def _sized(overlay: Overlay, product: Product, width: Width) -> Overlay:
    sized = overlay.as_wide_as(width.millimetres, product_type=product.details.product_type)
    return sized.model_copy(update={"width_estimated": width.estimated})


def width_of(product: Product, kind: str) -> Width:
    """As the product says, as somebody has measured, or as is usual for its type. Raise Invalid
    `not-wearable` for what is none of these.
    """
    details, before = product.details, product.overlay
    if details.width_mm is not None:
        return Width(details.width_mm)
    if before is not None and not before.width_estimated:
        return Width(before.width_mm)
    usual = typical_width_mm(details.product_type, kind=kind)
    if usual is None:
        raise Invalid(f"a piece of type {details.product_type} is not worn", code="not-wearable")
    return Width(usual, estimated=True)


async def prepared_overlay(data: bytes, services: Services) -> PreparedOverlay:
    """Raise what imaging refuses as a problem, Invalid `imaging-unavailable` when it does not come back."""
    try:
        return await ask(services, pipeline.prepare_overlay, data)
    except ImageRefused as refused:
        raise as_domain_error(refused) from refused
    except Unavailable as e:
        raise Invalid(e.detail, code="imaging-unavailable") from e


async def stored(
    product: Product,
    prepared: PreparedOverlay,
    width: Width,
    services: Services,
    *,
    source: OverlaySource,
    cut_from: PictureVersion | None = None,
) -> Overlay:
    """The object is named by its content: to store it twice changes nothing."""
    key = overlay_key(product.object_id, prepared.sha256)
    await services.objects.put(key, prepared.png, content_type="image/png")
    anchors = {name: Anchor(**point) for name, point in prepared.anchors.items()}
    measured = measured_px(prepared.width, anchors, product_type=product.details.product_type)
    return Overlay(
        image=f"object:{key}",
        width=prepared.width,
        height=prepared.height,
        width_mm=width.millimetres,
        px_per_mm=measured / width.millimetres,
        anchors=anchors,
        source=source,
        cut_from=cut_from,
        width_estimated=width.estimated,
    )
