"""The overlay of a product: given, corrected by hand, cut out of a picture, or refused with a reason."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from commands.context import Command
from commands.decisions.product_bodies import Key
from commands.unit_of_work import UnitOfWork
from domain.catalogue import Product
from domain.errors import Invalid
from domain.kernel import Measure
from domain.overlays import Anchor, Overlay, OverlaySource
from domain.values import ProductId

UNREACHABLE = "picture-unreachable"
"""The host cannot be reached now: nothing is said of this picture."""


FAILED = "picture-failed"
"""Something went wrong with this picture alone: it may go better later."""


async def give_overlay(product_id: ProductId, overlay: Overlay, work: UnitOfWork) -> Product:
    product = await work.load(Product, product_id)
    product.set_overlay(overlay)
    return product


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


async def refuse_cut_out(
    product_id: ProductId, work: UnitOfWork, *, picture: str, code: str, reason: str
) -> Product:
    product = await work.load(Product, product_id)
    product.refuse_cut_out(picture=picture, code=code, reason=reason, now=work.now)
    return product


async def take_cut_out(product_id: ProductId, overlay: Overlay, work: UnitOfWork) -> Product:
    product = await work.load(Product, product_id)
    product.take_cut_out(overlay)
    return product


async def refuse_awaited(product_id: ProductId, work: UnitOfWork) -> Product:
    product = await work.load(Product, product_id)
    if (picture := product.awaited_picture) is not None:
        reason = "this picture could not be worked on"
        product.refuse_cut_out(picture=picture, code=FAILED, reason=reason, now=work.now)
    return product
