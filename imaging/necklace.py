"""Where a necklace lies on a neck, and where the neck hides it.

Lengths are in neck widths unless they say pixels; heights are measured upwards from the notch
along the torso, sides from the neck's middle line to the picture's right.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from imaging.anchors import Anchors
from imaging.types import Adjustments, Alpha, FloatArray, Masks, Neck, Point
from imaging.warp import Bend, Layer, Region

ENDS_HEIGHT = 0.60
"""Part of the height of the neck's narrowest place at which a chain goes out of sight."""

OUTLINE = ((-9.0, 9.0), (0.0, 2.4), (0.10, 1.15), (0.20, 0.80), (0.32, 0.63), (0.45, 0.55),
           (0.60, 0.51), (0.75, 0.50), (9.0, 0.50))  # fmt: skip
"""Half the width of a neck, and below it of the shoulders, at heights; the narrowest is 0.75."""

FADE = 0.05
"""Where no edge is seen, a chain turns out of sight over this width."""

TRUSTED = 0.6
"""From this confidence on, the skin mask tells where the neck ends."""

LEAST_SEEN, MOSTLY_ON_CLOTH = 0.16, 0.35
"""A necklace of which less than the one part is seen, or of which more than the other is seen on
cloth, is worn over the clothes.
"""

COLLAR_BONES = 0.14
"""Height below which a necklace may also lie on cloth."""


@dataclass(frozen=True, slots=True)
class Column:
    """The neck as a standing shape: what of the picture is neck or shoulder, not background.

    x, y: the notch, pixels. angle: radians. unit: the neck's width, pixels. height: of the
    narrowest place. shift: how far the narrowest place lies to the right of the notch.
    chin: its height. left, right: factors by which this neck is wider than the usual outline.
    """

    x: float
    y: float
    angle: float
    unit: float
    height: float
    shift: float
    chin: float
    left: float = 1.0
    right: float = 1.0

    @property
    def ends_height(self) -> float:
        return float(np.clip(ENDS_HEIGHT * self.height, 0.20, 0.48))

    def middle(self, height: FloatArray | float) -> FloatArray:
        """The side of the neck's middle line at heights."""
        return np.asarray(self.shift * np.clip(0.5 + 0.5 * height / self.height, 0.5, 1.3))

    def half(self, height: FloatArray | float) -> FloatArray:
        """Half the usual width at heights."""
        heights, halves = zip(*OUTLINE, strict=True)
        return np.asarray(np.interp(height * 0.75 / self.height, heights, halves))

    def place(self, side: float, height: float) -> tuple[float, float]:
        """Pixels of the photograph."""
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        return (
            float(self.x + self.unit * (side * cosine + height * sine)),
            float(self.y + self.unit * (side * sine - height * cosine)),
        )


def column(neck: Neck, masks: Masks) -> Column:
    """The neck's outline, moved to the edge of the skin where the mask can be trusted."""
    angle = float(np.radians(neck.angle))
    middle = Point((neck.left.x + neck.right.x) / 2, (neck.left.y + neck.right.y) / 2)
    shift, height = _from_notch(neck, middle, angle)
    plain = Column(
        x=neck.notch.x,
        y=neck.notch.y,
        angle=angle,
        unit=neck.width,
        height=float(np.clip(height, 0.35, 1.1)),
        shift=shift,
        chin=max(0.4, _from_notch(neck, neck.chin, angle)[1]),
    )
    if masks.confidence < TRUSTED:
        return plain
    left, right = (_measured(plain, masks, direction) for direction in (-1.0, 1.0))
    return replace(plain, left=left, right=right)


def _from_notch(neck: Neck, place: Point, angle: float) -> tuple[float, float]:
    """Side and height of a place."""
    dx, dy = (place.x - neck.notch.x) / neck.width, (place.y - neck.notch.y) / neck.width
    cosine, sine = float(np.cos(angle)), float(np.sin(angle))
    return dx * cosine + dy * sine, dx * sine - dy * cosine


def _measured(plain: Column, masks: Masks, direction: float) -> float:
    """How far the skin goes from the middle, as a factor of the outline. Hair that covers the
    neck, and shoulders that widen it, say little: far factors return to 1.
    """
    height = plain.ends_height
    sides = np.arange(0.15, 1.0, 0.01)
    middle = float(plain.middle(height))
    places = [plain.place(middle + direction * side, height) for side in sides]
    rows, columns = masks.skin.shape
    skin = np.array([
        masks.skin[round(y), round(x)] if 0 <= round(y) < rows and 0 <= round(x) < columns else 0
        for x, y in places
    ])  # fmt: skip
    gaps = np.flatnonzero(skin < 128)
    edge = float(sides[gaps[0]]) if len(gaps) else float(sides[-1])
    factor = edge / float(plain.half(height))
    return float(np.interp(factor, (0.65, 0.85, 1.2, 1.4), (1.0, 0.85, 1.2, 1.0)))


def fit(neck: Neck, shape: Column, anchors: Anchors, adjustments: Adjustments,
        width_mm: float | None) -> Bend:  # fmt: skip
    """The automatic place, then what the customer moved. width_mm: between the chain's ends."""
    height, unit = shape.ends_height, shape.unit
    left = float(shape.middle(height) - shape.half(height) * shape.left)
    right = float(shape.middle(height) + shape.half(height) * shape.right)
    x, y = shape.place((left + right) / 2, height)
    half = (right - left) / 2 * unit
    true_size = 1.0
    if width_mm is not None:
        true_size = float(np.clip(width_mm * neck.px_per_mm / (2 * half), 0.9, 1.2))
    size = true_size * adjustments.scale
    return Bend(
        x=x + adjustments.dx,
        y=y + adjustments.dy,
        angle=shape.angle + float(np.radians(adjustments.rotation)),
        half=half * size,
        scale=2 * half * size / max(anchors.span, 1.0),
        turn=_turn(neck, shape, half),
        reach=0.30 * unit if adjustments.occlusion else 0.04 * unit * size,
    )


def _turn(neck: Neck, shape: Column, half: float) -> float:
    """The torso's yaw, from the shoulders' depth and from where the notch stands in the neck.
    Both are rough, so small turns count as none.
    """
    aside = -float(shape.middle(shape.ends_height)) * shape.unit / half
    by_notch = float(np.arcsin(np.clip(0.9 * aside, -0.7, 0.7)))
    turn = 0.5 * by_notch + 0.35 * float(np.radians(neck.yaw))
    return float(np.sign(turn) * np.clip(abs(turn) - 0.05, 0.0, 0.5))


def visible(layer: Layer, shape: Column, masks: Masks) -> FloatArray:
    """1 where a necklace is seen, 0 where neck, hair, chin, collar or hands hide it; (h, w)."""
    seen = _behind_nothing(layer, shape, masks)
    if masks.hands is None:
        return seen
    held = masks.hands[layer.region.slices].astype(np.float32) * np.float32(1 / 255)
    return np.asarray(seen * (1.0 - held), np.float32)


def _behind_nothing(layer: Layer, shape: Column, masks: Masks) -> FloatArray:
    """The same without regard to hands.

    Where the masks are not sure, and where clothes would hide nearly all of it, the necklace is
    worn over the clothes: what customers want to see, and how they would wear it.
    """
    side, height = _sides_and_heights(layer.region, shape)
    inside = _inside(layer.region, shape, masks, side, height)
    hidden = _in_front(layer.region, masks)
    over_clothes = hidden * np.clip((height - 0.9 * shape.chin) / FADE + 1.0, 0.0, 1.0)
    if masks.confidence < TRUSTED:
        return np.asarray(inside * (1.0 - over_clothes), np.float32)
    seen = np.asarray(inside * (1.0 - hidden), np.float32)
    if not _over_clothes(layer, masks, seen):
        return seen
    low = np.clip((2 * COLLAR_BONES - height) / FADE, 0.0, 1.0)
    central = np.clip((0.62 - np.abs(side - shape.middle(height))) / FADE, 0.0, 1.0)
    return np.asarray(inside * (1.0 - hidden * (1.0 - low * central)), np.float32)


def _over_clothes(layer: Layer, masks: Masks, seen: FloatArray) -> bool:
    """Whether this necklace lies on cloth: then a round neckline above it is cloth as well, and
    no collar that hides it.
    """
    cover = layer.coverage
    total = max(float(cover.sum()), 1.0)
    on_cloth = cover * seen * (masks.skin[layer.region.slices] < 128)
    hardly_seen = float((cover * seen).sum()) < LEAST_SEEN * total
    return hardly_seen or float(on_cloth.sum()) > MOSTLY_ON_CLOTH * total


def _sides_and_heights(region: Region, shape: Column) -> tuple[FloatArray, FloatArray]:
    x, y = region.grid()
    dx, dy = (x - np.float32(shape.x)) / shape.unit, (y - np.float32(shape.y)) / shape.unit
    cosine, sine = np.float32(np.cos(shape.angle)), np.float32(np.sin(shape.angle))
    return dx * cosine + dy * sine, dx * sine - dy * cosine


def _inside(region: Region, shape: Column, masks: Masks, side: FloatArray, height: FloatArray
            ) -> FloatArray:  # fmt: skip
    """1 on neck, shoulders and chest, 0 on the background beside the neck."""
    from_middle = side - shape.middle(height)
    limit = shape.half(height) * np.where(from_middle < 0, shape.left, shape.right)
    inside = np.clip((limit - np.abs(from_middle)) / FADE + 1.0, 0.0, 1.0)
    if masks.confidence >= TRUSTED:
        skin = _filled_in(masks.skin[region.slices], shape.unit)
        above = np.clip((height - COLLAR_BONES) / FADE + 1.0, 0.0, 1.0)
        inside = np.maximum(inside, skin) * (1.0 - above * (1.0 - skin))
    return np.asarray(inside, np.float32)


def _in_front(region: Region, masks: Masks) -> FloatArray:
    """What hides a necklace, 0..1. Below the part of the picture that was measured, clothes go on
    as they were at its lower edge.
    """
    hidden = masks.front[region.slices].astype(np.float32) * np.float32(1 / 255)
    measured = np.flatnonzero(masks.front.any(axis=1) | masks.skin.any(axis=1))
    if len(measured) and (last := int(measured[-1]) - region.y0) + 1 < len(hidden) and last > 0:
        hidden[last:] = hidden[last - 1]
    return hidden


def _filled_in(skin: Alpha, unit: float) -> FloatArray:
    """Skin 0..1 without the small gaps that moles, shadows and chains already worn leave."""
    size = 2 * max(1, round(0.03 * unit)) + 1
    whole = cv2.morphologyEx(skin, cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))
    return np.asarray(whole, np.float32) * np.float32(1 / 255)
