"""Maang tikkas: a pendant on the middle of the forehead, and its chain up to the parting.

Lengths are pixels of the photograph. The way s runs from the pendant's tip upwards along the
head: straight over the forehead, then over the hair on an arc that turns out of sight where the
head's outline ends. The pendant lies over a fringe, as it is worn.
"""

from dataclasses import dataclass

import numpy as np

from imaging.head import Head
from imaging.landmarks import FOREHEAD
from imaging.types import Adjustments, Alpha, FloatArray, Rgba
from imaging.warp import Layer, Region, sample

TIP = 0.45
"""The tip's place on the way from the mesh's upper end to the brows."""

HAIRLINE_MM = 12.0
"""How far above the mesh's upper end the hair begins, and with it the head's curve."""

USUAL_RISE_MM = 45.0
"""How high the hair stands above that, where the picture's edge cuts it off."""

SHADOW_MM = 100.0
"""What shadows scale with, in place of a neck's width."""

FADE_MM = 9.0
"""At its upper end the chain goes into the hair over this length."""

OUT_OF_SIGHT = (0.75, 0.97)
"""Heights, as parts of the rise, between which the chain turns away."""


@dataclass(frozen=True, slots=True)
class Way:
    """x, y: the tip's place. across, up: unit vectors (2,). squeeze: of lengths on the forehead,
    by its pitch. bend: the height above the tip where the arc begins; rise: of the arc.
    """

    x: float
    y: float
    across: FloatArray
    up: FloatArray
    squeeze: float
    bend: float
    rise: float

    def lengths(self, height: FloatArray) -> FloatArray:
        """The way s at heights (pixels on the picture)."""
        over = np.clip((height - self.bend) / self.rise, 0.0, 1.0)
        arc = self.rise * np.arcsin(over)
        return np.asarray((np.minimum(height, self.bend) + arc) / self.squeeze, np.float32)


def worn(head: Head, rgba: Rgba, adjustments: Adjustments, *, mm_per_px: float | None,
         size: tuple[int, int]) -> tuple[Layer, FloatArray]:  # fmt: skip
    """The layer, and where it is seen, 0..1: on the person. size: of the photograph, w and h."""
    height, width = rgba.shape[:2]
    mm = mm_per_px or _usual_height(height / width) / height
    scale = mm * head.px_per_mm * adjustments.scale
    way = way_of(head, adjustments)
    aside = float(np.cos(np.radians(min(60.0, 1.5 * abs(head.axes.yaw)))))
    region = _region(way, width * scale * aside, height * scale, size)
    if region.empty:
        return Layer(region, np.zeros((0, 0, 4), np.float32), np.ones((0, 0), np.float32)), _none()
    x, y = region.grid()
    x, y = x - np.float32(way.x), y - np.float32(way.y)
    height_here = x * way.up[0] + y * way.up[1]
    own_x = (x * way.across[0] + y * way.across[1]) / (scale * aside) + _axis(rgba)
    way_here = way.lengths(height_here)
    pixels = sample(rgba, own_x, height - 0.5 - way_here / scale, scale * way.squeeze)
    over = np.clip((height_here - way.bend) / way.rise, 0.0, 1.0)
    facing = np.sqrt(1 - over**2).astype(np.float32)
    seen = _faded(way, way_here, over, height * scale, FADE_MM * head.px_per_mm)
    on_head = np.clip((head.person[region.slices].astype(np.float32) - 96) / 96, 0, 1)
    return Layer(region, pixels, facing), np.asarray(seen * on_head, np.float32)


def way_of(head: Head, adjustments: Adjustments) -> Way:
    forehead = head.forehead
    flat = float(np.hypot(forehead[0], forehead[1]))
    lean = np.arctan2(-forehead[0], forehead[1]) + np.radians(adjustments.rotation)
    up = np.array([np.sin(lean), -np.cos(lean)], np.float32)
    moved = np.array([adjustments.dx, adjustments.dy], np.float32)
    top = head.mesh.points[FOREHEAD, :2] + moved
    tip = top + forehead[:2] * np.float32(TIP)
    bend = TIP * flat + HAIRLINE_MM * head.px_per_mm
    end = TIP * flat + _hair_above(head.person, top, up, USUAL_RISE_MM * head.px_per_mm)
    return Way(
        x=float(tip[0]),
        y=float(tip[1]),
        across=np.array([-up[1], up[0]], np.float32),
        up=up,
        squeeze=flat / max(float(np.linalg.norm(forehead)), 1e-3),
        bend=min(bend, end),
        rise=max(1.0, end - bend),
    )


def _hair_above(person: Alpha, start: FloatArray, up: FloatArray, usual: float) -> float:
    """How far the person reaches up from a place; the usual where the picture's edge cuts it."""
    height, width = person.shape
    steps = np.arange(0.0, float(height + width), 1.0)
    columns = np.round(start[0] + steps * up[0]).astype(int)
    rows = np.round(start[1] + steps * up[1]).astype(int)
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    last = int(inside.argmin()) if inside[0] else 0
    gone = np.flatnonzero(person[rows[:last], columns[:last]] < 128)
    return float(gone[0]) if len(gone) else max(float(last), usual)


def _usual_height(aspect: float) -> float:
    """mm, for pieces whose size nobody told: with a chain, or a pendant alone."""
    return float(np.clip(25.0 * aspect, 25.0, 110.0))


def _axis(rgba: Rgba) -> float:
    """The column on which the piece hangs: the middle of its weight."""
    weights = rgba[..., 3].astype(np.float64).sum(axis=0)
    return float((weights * np.arange(len(weights))).sum() / max(float(weights.sum()), 1.0))


def _faded(way: Way, lengths: FloatArray, over: FloatArray, total: float, fade: float
           ) -> FloatArray:  # fmt: skip
    """1, less where the chain goes into the hair and where it turns away. A pendant without a
    chain ends on the forehead and does not fade.
    """
    low, high = OUT_OF_SIGHT
    seen = np.clip((high - over) / (high - low), 0.0, 1.0)
    if total * way.squeeze > way.bend:
        seen = seen * np.clip((total - lengths) / fade, 0.0, 1.0)
    return np.asarray(seen, np.float32)


def _region(way: Way, width: float, length: float, size: tuple[int, int]) -> Region:
    top = min(length * way.squeeze, way.bend + way.rise)
    tip = np.array([way.x, way.y], np.float32)
    corners = np.stack([
        tip + way.across * np.float32(side) + way.up * np.float32(height)
        for side in (-width, width)
        for height in (-2.0, top)
    ])  # fmt: skip
    x0, y0 = np.clip(np.floor(corners.min(0)) - 2, 0, size).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(corners.max(0)) + 3, 0, size).astype(int).tolist()
    return Region(x0, y0, x1, y1)


def _none() -> FloatArray:
    return np.ones((0, 0), np.float32)
