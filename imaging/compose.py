"""Jewellery on a photograph, so that a customer believes it.

Order of work: place (necklace, earrings, rings), bend (warp), hide what is behind (visible), light as the
photograph is lit (light), blend in linear light. Nothing outside the jewellery, its shadow and
its sparkle changes, and the same input gives the same bytes.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from imaging import earrings, light, necklace, nose, rings, tikka
from imaging.anchors import Anchors
from imaging.cutout import Cutout, split_pair
from imaging.errors import ImageRefused
from imaging.head import Head, lit_skin
from imaging.types import Adjustments, Analysis, FloatArray, Masks, Rgb, Rgba
from imaging.warp import BAND_PIXELS, Layer, Region, bend
from imaging.wearing import (
    EAR_TYPES,
    FACE_TYPES,
    FINGER_TYPES,
    NECK_TYPES,
    NOSE_TYPES,
    SETS,
    WRIST_TYPES,
)

FAINT = 1 / 128
"""Coverage, shadow and glow up to here are not painted: what hides jewellery hides it wholly."""


def compose(photo: Rgb, analysis: Analysis, masks: Masks, cutout: Cutout,
            adjustments: Adjustments, *, product_type: str = "necklace",
            width_mm: float | None = None, anchors: Anchors | None = None,
            onto: Rgb | None = None, head: Head | None = None) -> Rgb:  # fmt: skip
    """A new photograph with the product worn on it. Raise ImageRefused("not-wearable-here").

    width_mm: a necklace's distance between its ends; an earring picture's whole width. anchors:
    the chain's ends in cut-out pixels, where staff have marked them. onto: the photograph with
    what is worn already; light and places are measured on `photo`, which wears nothing. head: of
    `head_of`, for pieces on the face.
    """
    place = _placing(product_type, head)
    worn = place(photo, analysis, masks, cutout, adjustments, width_mm, anchors or cutout.anchors)
    result = (photo if onto is None else onto).copy()
    if head is not None and product_type in FACE_TYPES:
        masks = replace(masks, skin=lit_skin(head, masks))
    for layer, seen, unit, down in worn:
        _blend(result, photo, layer, seen, masks, adjustments, unit, down)
    return result


Worn = list[tuple[Layer, FloatArray, float, tuple[float, float]]]
"""Layers, each with its visibility, the length (pixels) that shadows scale with, and down."""

Placing = Callable[
    [Rgb, Analysis, Masks, Cutout, Adjustments, float | None, Anchors],
    Worn,
]


def _placing(product_type: str, head: Head | None) -> Placing:
    if product_type in NECK_TYPES:
        return _on_neck
    if product_type in EAR_TYPES:
        return partial(_on_ears, head)
    if product_type in SETS:
        return partial(_on_neck_and_ears, head)
    if product_type in FACE_TYPES:
        return partial(_on_nose if product_type in NOSE_TYPES else _on_forehead, _needed(head))
    if product_type in FINGER_TYPES | WRIST_TYPES:
        return partial(_on_hand, product_type)
    raise ImageRefused("not-wearable-here", f"{product_type} cannot be tried on yet")


def _on_neck(photo: Rgb, analysis: Analysis, masks: Masks, cutout: Cutout,
             adjustments: Adjustments, width_mm: float | None, anchors: Anchors
             ) -> Worn:  # fmt: skip
    neck = analysis.neck
    if neck is None:
        raise ImageRefused("not-wearable-here", "no neck was found on the photograph")
    shape = necklace.column(neck, masks)
    how = necklace.fit(neck, shape, anchors, adjustments, width_mm)
    layer = bend(cutout.rgba, anchors, how, size=(photo.shape[1], photo.shape[0]))
    if layer.region.empty:
        return []
    seen = np.ones(layer.coverage.shape, np.float32)
    if adjustments.occlusion:
        seen = necklace.visible(layer, shape, masks)
    down = (-float(np.sin(shape.angle)), float(np.cos(shape.angle)))
    return [(layer, seen, shape.unit, down)]


def _on_ears(head: Head | None, photo: Rgb, analysis: Analysis, _masks: Masks, cutout: Cutout,
             adjustments: Adjustments, width_mm: float | None, _anchors: Anchors
             ) -> Worn:  # fmt: skip
    mm_per_px = width_mm / cutout.rgba.shape[1] if width_mm else None
    return _hung(photo, analysis, cutout.rgba, adjustments, mm_per_px, head)


def _on_neck_and_ears(head: Head | None, photo: Rgb, analysis: Analysis, masks: Masks, cutout: Cutout,
                      adjustments: Adjustments, width_mm: float | None, anchors: Anchors
                      ) -> Worn:  # fmt: skip
    """A set: its earrings have its necklace's automatic scale and stay at the ears, whatever the
    customer moves. Without a bare ear the necklace is worn alone.
    """
    worn = _on_neck(photo, analysis, masks, cutout, adjustments, width_mm, anchors)
    neck = analysis.neck
    if cutout.earrings is None or neck is None:
        return worn
    plain = Adjustments(occlusion=adjustments.occlusion)
    how = necklace.fit(neck, necklace.column(neck, masks), anchors, plain, width_mm)
    if not earrings.ears_to_wear(photo, analysis, adjustments, head):
        return worn
    mm_per_px = how.scale / neck.px_per_mm
    still = replace(adjustments, scale=1.0, rotation=0.0, dx=0.0, dy=0.0)
    return worn + _hung(photo, analysis, cutout.earrings, still, mm_per_px, head)


def _hung(photo: Rgb, analysis: Analysis, pair: Rgba, adjustments: Adjustments,
          mm_per_px: float | None, head: Head | None) -> Worn:  # fmt: skip
    layers = earrings.hung(photo, analysis, pair, adjustments, mm_per_px=mm_per_px, head=head)
    return [(layer, seen, unit, (0.0, 1.0)) for layer, seen, unit in layers]


def _needed(head: Head | None) -> Head:
    if head is None:
        raise ImageRefused("not-wearable-here", "the face is not seen well on the photograph")
    return head


def _on_nose(head: Head, photo: Rgb, analysis: Analysis, _masks: Masks, cutout: Cutout,
             adjustments: Adjustments, width_mm: float | None, _anchors: Anchors
             ) -> Worn:  # fmt: skip
    layer, seen = nose.pinned(
        head, cutout.rgba, adjustments, mm_per_px=width_mm and width_mm / cutout.rgba.shape[1],
        upright=earrings.gravity(analysis), size=(photo.shape[1], photo.shape[0]),
    )  # fmt: skip
    return _on_face(head, layer, seen, nose.SHADOW_MM)


def _on_forehead(head: Head, photo: Rgb, _analysis: Analysis, _masks: Masks, cutout: Cutout,
                 adjustments: Adjustments, width_mm: float | None, _anchors: Anchors
                 ) -> Worn:  # fmt: skip
    layer, seen = tikka.worn(
        head, cutout.rgba, adjustments, mm_per_px=width_mm and width_mm / cutout.rgba.shape[1],
        size=(photo.shape[1], photo.shape[0]),
    )  # fmt: skip
    return _on_face(head, layer, seen, tikka.SHADOW_MM)


def _on_face(head: Head, layer: Layer, seen: FloatArray, shadow_mm: float) -> Worn:
    if layer.region.empty:
        return []
    down = (-float(np.sin(head.mesh.roll)), float(np.cos(head.mesh.roll)))
    return [(layer, seen, shadow_mm * head.px_per_mm, down)]


def _on_hand(product_type: str, photo: Rgb, analysis: Analysis, _masks: Masks, cutout: Cutout,
             adjustments: Adjustments, _width_mm: float | None, _anchors: Anchors
             ) -> Worn:  # fmt: skip
    """A ring or a bracelet is worn in its wearer's size, whatever its own; of two shown side by
    side, the left one.
    """
    piece = split_pair(cutout.rgba)[0] if cutout.kind == "pair" else cutout.whole
    layer, seen, unit = rings.worn(photo, analysis, piece, adjustments, product_type)
    return [] if layer.region.empty else [(layer, seen, unit, (0.0, 1.0))]


def _blend(result: Rgb, photo: Rgb, layer: Layer, seen: FloatArray, masks: Masks,
           adjustments: Adjustments, unit: float, down: tuple[float, float]) -> None:  # fmt: skip
    """Light one layer and put it on the result, in place."""
    here = layer.region.slices
    lit_by = light.measure(photo, _around(photo, layer.region, unit), strength=adjustments.light)
    pixels = light.match_blur(layer.pixels, lit_by.blur)
    cover = pixels[..., 3] * seen
    factor = _factor(light.to_linear(photo[here]), masks, layer, cover, adjustments, unit) * seen
    jewel = pixels[..., :3] * factor[..., None]
    jewel *= lit_by.gain
    del pixels, factor  # of a whole photograph each is a hundred megabytes
    shadow = light.contact_shadow(cover, down=down, unit=unit, strength=adjustments.shadow)
    shadow *= seen
    glow = light.sparkle(jewel, unit=unit, strength=adjustments.sparkle) * seen
    noise = light.grain_of(cover, lit_by.grain)
    for rows in _strips(cover):
        part = result[here][rows]
        blended = light.to_linear(part)
        blended *= 1 - shadow[rows, :, None] * light.SHADOW_TINT
        blended *= (1 - cover[rows])[..., None]
        blended += jewel[rows]
        blended += glow[rows, :, None]
        painted = light.to_srgb(blended)
        if noise is not None:
            painted = light.grained(painted, noise[rows])
        touched = (cover[rows] > FAINT) | (shadow[rows] > FAINT) | (glow[rows] > FAINT)
        part[touched] = painted[touched]


def _strips(cover: FloatArray) -> Iterator[slice]:
    """Rows that are painted at a time, so that a photograph in full size fits into memory."""
    rows = max(1, BAND_PIXELS // cover.shape[1])
    for top in range(0, cover.shape[0], rows):
        yield slice(top, top + rows)


def _factor(ground: FloatArray, masks: Masks, layer: Layer, cover: FloatArray,
            adjustments: Adjustments, unit: float) -> FloatArray:  # fmt: skip
    """Light and shade of the skin around, darker where the chain turns out of sight."""
    skin = layer.skin
    if skin is None:
        skin = (masks.skin[layer.region.slices] > 127).astype(np.float32)
    shade = light.shading(
        ground, skin, cover, sigma=max(2.0, 0.10 * unit), strength=adjustments.light
    )
    turned = 1.0 - 0.45 * adjustments.light * (1.0 - layer.facing)
    generous = light.overexposure(ground, skin, strength=adjustments.light)
    return np.asarray(shade * turned * generous, np.float32)


def _around(photo: Rgb, region: Region, unit: float) -> Rgb:
    """The jewellery's surroundings, where the photograph's sharpness is measured."""
    reach = round(0.8 * unit)
    return photo[
        max(0, region.y0 - reach) : region.y1 + reach, max(0, region.x0 - reach) : region.x1 + reach
    ]
