"""Where a necklace lies on a neck, and where the neck hides it.

Lengths are in neck widths unless they say pixels; heights are measured upwards from the notch
along the torso, sides from the neck's middle line to the picture's right.
"""

from dataclasses import dataclass

import numpy as np

from imaging.anchors import Anchors
from imaging.types import Adjustments, FloatArray, Masks, Neck
from imaging.warp import Bend, Region

ENDS_HEIGHT = 0.60
"""Part of the height of the neck's narrowest place at which a chain goes out of sight."""

OUTLINE = ((-9.0, 9.0), (0.0, 2.4), (0.10, 1.15), (0.20, 0.80), (0.32, 0.63), (0.45, 0.55),
           (0.60, 0.51), (0.75, 0.50), (9.0, 0.50))  # fmt: skip
"""Half the width of a neck, and below it of the shoulders, at heights; the narrowest is 0.75."""

FADE = 0.05
"""Where no edge is seen, a chain turns out of sight over this width."""

TRUSTED = 0.5
"""From this confidence on, the skin mask moves the outline."""


@dataclass(frozen=True, slots=True)
class Column:
    """The neck as a standing shape: what of the picture is neck or shoulder, not background.

    x, y: the notch, pixels. angle: radians. unit: the neck's width, pixels. height: of the
    narrowest place. shift: how far the narrowest place lies to the right of the notch.
    left, right: factors by which this neck is wider than the usual outline.
    """

    x: float
    y: float
    angle: float
    unit: float
    height: float
    shift: float
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
    dx = (neck.left.x + neck.right.x) / 2 - neck.notch.x
    dy = (neck.left.y + neck.right.y) / 2 - neck.notch.y
    height = (dx * np.sin(angle) - dy * np.cos(angle)) / neck.width
    shift = (dx * np.cos(angle) + dy * np.sin(angle)) / neck.width
    plain = Column(
        neck.notch.x, neck.notch.y, angle, neck.width, float(np.clip(height, 0.35, 1.1)), shift
    )
    if masks.confidence < TRUSTED:
        return plain
    left, right = (_measured(plain, masks, direction) for direction in (-1.0, 1.0))
    return Column(plain.x, plain.y, plain.angle, plain.unit, plain.height, plain.shift, left, right)


def _measured(plain: Column, masks: Masks, direction: float) -> float:
    """How far the skin goes from the middle, as a factor of the outline; 1 if it is unclear."""
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
    return factor if 0.78 < factor < 1.28 else 1.0


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
        reach=0.30 * unit,
    )


def _turn(neck: Neck, shape: Column, half: float) -> float:
    """The torso's yaw, from the shoulders' depth and from where the notch stands in the neck.
    Both are rough, so small turns count as none.
    """
    aside = -float(shape.middle(shape.ends_height)) * shape.unit / half
    by_notch = float(np.arcsin(np.clip(0.9 * aside, -0.7, 0.7)))
    turn = 0.5 * by_notch + 0.35 * float(np.radians(neck.yaw))
    return float(np.sign(turn) * np.clip(abs(turn) - 0.05, 0.0, 0.5))


def visible(region: Region, shape: Column, masks: Masks, *, occlusion: bool) -> FloatArray:
    """1 where a necklace is seen, 0 where neck, hair, chin or collar hide it; (h, w) float32."""
    if not occlusion:
        return np.ones((region.y1 - region.y0, region.x1 - region.x0), np.float32)
    x, y = region.grid()
    dx, dy = (x - shape.x) / shape.unit, (y - shape.y) / shape.unit
    cosine, sine = np.cos(shape.angle), np.sin(shape.angle)
    height, side = dx * sine - dy * cosine, dx * cosine + dy * sine
    from_middle = side - shape.middle(height)
    limit = shape.half(height) * np.where(from_middle < 0, shape.left, shape.right)
    inside = np.clip((limit - np.abs(from_middle)) / FADE + 1.0, 0.0, 1.0)
    if masks.confidence >= TRUSTED:
        inside = np.maximum(inside, masks.skin[region.slices].astype(np.float32) / 255)
    hidden = masks.front[region.slices].astype(np.float32) / 255
    return np.asarray(inside * (1.0 - hidden), np.float32)
