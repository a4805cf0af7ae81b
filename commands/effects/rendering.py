"""How a result's picture is made, and what it was made of, so that it can be made again.

The same inputs, adjustments and version of the pipeline give the same bytes in any process.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands.effects.analysis import CANNOT, analysis_of
from commands.effects.imaging import ask_again
from dependencies.services import Services
from domain.catalogue import Product
from domain.errors import Invalid, NotFound, RuleViolation
from domain.images import Image, ImageStatus
from domain.tryon import TryOn
from domain.tryon_events import LeftOut, MadeOf, PieceWorn, TryOnAdjustments
from imaging import pipeline
from imaging.pipeline import OverlaySpec
from imaging.wearing import lack

DEMO_URL = "/media/demo/"
DEMO_PICTURES = Path(__file__).parents[2] / "demo" / "overlays"
DEMO_PICTURE = re.compile(r"[a-z0-9-]{1,80}\.png")
UNWORN = (*CANNOT, RuleViolation)
"""Why there is no picture of a result, and will be none until something else is asked for."""


@dataclass(frozen=True)
class Worn:
    """A piece with its overlay's picture."""

    piece: PieceWorn
    png: bytes

    def as_spec(self) -> OverlaySpec:
        anchors = self.piece.anchors
        return OverlaySpec(
            png=self.png,
            product_type=self.piece.product_type,
            width_mm=self.piece.width_mm,
            anchors=None if anchors is None else {n: a.model_dump() for n, a in anchors.items()},
        )


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """All that a picture is made of, but the adjustments. max_side: pixels, of the longest side."""

    original: bytes
    analysis: dict[str, Any]
    worn: tuple[Worn, ...]
    max_side: int

    def named(self) -> MadeOf:
        return MadeOf(
            image_sha256=sha256(self.original),
            analysis_sha256=analysis_sha256(self.analysis),
            face=self.analysis["primary"],
            pieces=tuple(worn.piece for worn in self.worn),
            max_side=self.max_side,
        )


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def analysis_sha256(analysis: dict[str, Any]) -> str:
    """The same before and after storage, which writes 20.0 as 20."""
    same = json.loads(json.dumps(analysis), parse_int=float)
    return sha256(json.dumps(same, sort_keys=True).encode())


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """A JPEG; width and height in pixels; the pieces that could not be worn."""

    jpeg: bytes
    width: int
    height: int
    left_out: tuple[LeftOut, ...] = ()


async def render(inputs: Inputs, adjustments: TryOnAdjustments, services: Services) -> Rendering:
    """Raise `UNWORN`."""
    worn = await ask_again(
        services,
        pipeline.render_pieces,
        inputs.original,
        inputs.analysis,
        [each.as_spec() for each in inputs.worn],
        for_imaging(adjustments),
        max_side=inputs.max_side,
    )
    left_out = tuple(
        LeftOut(index=each.index, code=each.code, message=each.message) for each in worn.left_out
    )
    return Rendering(jpeg=worn.jpeg, width=worn.width, height=worn.height, left_out=left_out)


def for_imaging(chosen: TryOnAdjustments) -> dict[str, Any]:
    """`imaging.types.Adjustments` as a dictionary."""
    return {
        "scale": chosen.scale,
        "rotation": chosen.rotation,
        "dx": chosen.position.x,
        "dy": chosen.position.y,
        "occlusion": chosen.occlusion,
        "shadow": chosen.shadow,
        "light": chosen.light,
        "sparkle": chosen.sparkle,
    }


# --- What goes in --------------------------------------------------------------------------------


async def inputs_of(result: TryOn, services: Services, *, max_side: int | None) -> Inputs:
    """As they are now. max_side None: the photograph's own. Raise `UNWORN`."""
    image: Image | None = await services.store.load(Image, result.image_id)
    if image is None or image.status is ImageStatus.DELETED or not image.keys.original:
        raise RuleViolation("the photograph is gone", code="photo-deleted")
    original = await services.objects.get(image.keys.original)
    analysis = await _analysis(result, image, original, services)
    worn = tuple([await _worn(product_id, services) for product_id in result.product_ids])
    _must_carry(analysis, worn, face=result.adjustments.face)
    whole = max(analysis["width"], analysis["height"])
    return Inputs(original=original, analysis=analysis, worn=worn, max_side=max_side or whole)


async def _analysis(
    result: TryOn, image: Image, original: bytes, services: Services
) -> dict[str, Any]:
    """Of the face that the customer chose for this result; else of the photograph's own."""
    face, known = result.adjustments.face, image.analysis
    if known and face in {None, known["primary"]}:
        return known
    return await analysis_of(original, services, face=image.face if face is None else face)


def _must_carry(analysis: dict[str, Any], worn: tuple[Worn, ...], *, face: int | None) -> None:
    """Raise RuleViolation when there is nothing to hang a piece on."""
    if face is not None and face >= len(analysis["faces"]) > 0:
        raise RuleViolation("there are not as many faces on the photograph", code="no-such-face")
    if lacking := lack((each.piece.product_type for each in worn), analysis):
        code, reason = lacking
        raise RuleViolation(reason, code=code)


async def _worn(product_id: str, services: Services) -> Worn:
    """As its product has it now. Raise NotFound when the picture is lost."""
    product: Product = await services.store.load(Product, product_id)
    overlay = product.overlay
    assert overlay is not None, "an overlay is exchanged, and never taken away"
    png = await overlay_bytes(overlay.image, services)
    piece = PieceWorn(
        product_id=product_id,
        image=overlay.image,
        sha256=sha256(png),
        product_type=product.details.product_type.value,
        width_mm=overlay.width_mm,
        anchors=overlay.anchors if {"left", "right"} <= overlay.anchors.keys() else None,
    )
    return Worn(piece, png)


async def overlay_bytes(image: str, services: Services) -> bytes:
    """An overlay's picture: one of the demo's, or an object of ours. Raise NotFound."""
    if image.startswith(DEMO_URL):
        file = demo_picture(image)
        if file is None:
            raise NotFound("there is no such demo picture")
        return file.read_bytes()
    try:
        return await services.objects.get(image.removeprefix("object:"))
    except Invalid as e:  # recorded before names were checked
        raise NotFound("this is no picture of ours") from e


def demo_picture(image: str) -> Path | None:
    """The file of a demo picture, by its address; None for any other, and for one that is not there."""
    name = image.removeprefix(DEMO_URL)
    file = DEMO_PICTURES / name
    is_one = name != image and DEMO_PICTURE.fullmatch(name) is not None
    return file if is_one and file.is_file() else None
