"""The picture of a ring or a bangle read as a hoop: which way its front is, how wide its band.

A catalogue shows a hoop whole: from the front as a circle with the stone on top, or from above as
an oval. Worn, half of it is seen, straight across the finger or the arm. Angles run round the
hoop's middle line from `down` by `right`; lengths are pixels of the picture.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from imaging.anchors import SOLID
from imaging.types import Alpha, FloatArray, Rgba

LEAST_HOLE = 0.04
"""Part of the picture that the largest hole of a hoop fills; smaller ones are openwork."""

ROUND = 0.85
"""Aspect of the hole from which on a hoop is seen from the front and its lean means nothing."""

SEEN_FLAT = 0.55
"""Aspect below which a hoop is seen from above: its near side is the lower one."""

HEAD_RISES = 1.6
"""A stone or its setting stands out where the hoop is so many times as thick as usual."""

BAND_VARIES = 1.3
"""Where the hoop is not thicker than this, in its usual thickness, there is only band."""

RIM = 0.3
"""Thickness of a band that is seen from above only, in its widths."""

_RAYS = np.radians(np.arange(0, 360, 3)).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Hoop:
    """x, y: the middle. right, down: unit vectors (2,) of its own axes. across, along: half axes
    of the band's middle line. band: half the band's width. front: the angle of what is worn
    outside. head: the stone with its setting alone, None for a plain band; rise: from the middle
    line to the head's middle.
    """

    rgba: Rgba
    x: float
    y: float
    right: FloatArray
    down: FloatArray
    across: float
    along: float
    band: float
    rim: float
    front: float
    head: Rgba | None = None
    rise: float = 0.0

    @property
    def inner(self) -> float:
        """Half the hole's width."""
        return self.across - self.rim

    @property
    def outer(self) -> float:
        return self.across + self.rim

    @property
    def rear(self) -> "Hoop":
        """The same hoop with its other side outside, as a palm sees a ring."""
        return replace(self, front=self.front + float(np.pi), head=None)

    def line(self, angle: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Places on the middle line."""
        right, down = self.across * np.sin(angle), self.along * np.cos(angle)
        return self._place(right.astype(np.float32), down.astype(np.float32))

    def outwards(self, angle: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Unit vectors away from the middle, across the band: from the front by its radius; from
        above, where the band is seen edge on at the sides, downwards.
        """
        flat = (self.along / self.across) ** 2
        both = np.stack([np.sin(angle) * flat, np.cos(angle)]).astype(np.float32)
        x, y = self._place(*(both / np.maximum(np.hypot(*both), np.float32(1e-6))))
        return x - np.float32(self.x), y - np.float32(self.y)

    def _place(self, right: FloatArray, down: FloatArray) -> tuple[FloatArray, FloatArray]:
        x = self.x + right * self.right[0] + down * self.down[0]
        y = self.y + right * self.right[1] + down * self.down[1]
        return np.asarray(x, np.float32), np.asarray(y, np.float32)


def read(rgba: Rgba) -> Hoop | None:
    """None when the picture shows no hoop that one could look through."""
    solid = rgba[..., 3] >= SOLID
    hole = _hole(solid)
    if hole is None:
        return None
    bare = _about(rgba, hole)
    thick = _thickness(bare, solid)
    if bare.along < SEEN_FLAT * bare.across:
        return _from_above(bare, solid, thick)
    half = max(float(np.median(thick)) / 2, 0.5)
    banded = replace(bare, across=bare.across + half, along=bare.along + half, band=half, rim=half)
    front = _front(thick, 2 * half)
    if front is None:
        return banded
    return _with_head(replace(banded, front=front), thick > BAND_VARIES * 2 * half)


def _from_above(bare: Hoop, solid: NDArray[np.bool_], thick: FloatArray) -> Hoop:
    """An oval, or several together: the near side is the band, and the far one is not worn."""
    near = np.minimum(_RAYS, 2 * np.pi - _RAYS) < np.radians(35)
    half = max(float(np.median(thick[near])) / 2, 0.5)
    rows, columns = np.nonzero(solid)
    right = (columns - bare.x) * bare.right[0] + (rows - bare.y) * bare.right[1]
    outer = float(np.abs(right).max())
    rim = RIM * half
    return replace(bare, across=outer - rim, along=bare.along + half, band=half, rim=rim)


def _hole(solid: NDArray[np.bool_]) -> Alpha | None:
    """The largest part of the picture that is surrounded, 1 inside."""
    outside = cv2.copyMakeBorder(
        (~solid).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1
    )
    _, label, stats, _ = cv2.connectedComponentsWithStats(outside, connectivity=4)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[[0, label[0, 0]]] = 0
    largest = int(areas.argmax())
    if areas[largest] < max(LEAST_HOLE * solid.size, 30):
        return None
    return np.asarray(label[1:-1, 1:-1] == largest, np.uint8)


def _about(rgba: Rgba, hole: Alpha) -> Hoop:
    """A hoop whose middle line is still the hole's edge."""
    (outline,), _ = cv2.findContours(hole, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    (x, y), (one, other), lean = cv2.fitEllipse(outline)
    long, short = max(one, other) / 2, min(one, other) / 2
    turn = np.radians(lean if one > other else lean - 90)
    if short > ROUND * long:
        turn = 0.0
    turn = (turn + np.pi / 2) % np.pi - np.pi / 2
    right = np.array([np.cos(turn), np.sin(turn)], np.float32)
    down = np.array([-right[1], right[0]], np.float32)
    return Hoop(rgba, x, y, right, down, long, short, 0.0, 0.0, 0.0)


def _thickness(hoop: Hoop, solid: NDArray[np.bool_]) -> FloatArray:
    """From the hole's edge to the last of the metal outside, for each ray."""
    steps = np.arange(0.0, 2.0 * hoop.across, 0.5, dtype=np.float32)
    x, y = hoop.line(_RAYS)
    out_x, out_y = hoop.outwards(_RAYS)
    columns = np.round(x[:, None] + out_x[:, None] * steps).astype(int)
    rows = np.round(y[:, None] + out_y[:, None] * steps).astype(int)
    height, width = solid.shape
    within = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    metal = within & solid[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
    return np.asarray((metal * steps).max(axis=1), np.float32)


def _front(thick: FloatArray, usual: float) -> float | None:
    """The middle of what rises above the band; None for a plain hoop."""
    rises = np.clip(thick - HEAD_RISES * usual, 0.0, None)
    if not rises.any():
        return None
    return float(np.arctan2((rises * np.sin(_RAYS)).sum(), (rises * np.cos(_RAYS)).sum()))


def _with_head(hoop: Hoop, tall: NDArray[np.bool_]) -> Hoop:
    """Cut off what stands outside the band, on the front's side. tall: rays of more than band."""
    height, width = hoop.rgba.shape[:2]
    x, y = np.meshgrid(np.arange(width) - hoop.x, np.arange(height) - hoop.y)
    right = x * hoop.right[0] + y * hoop.right[1]
    down = x * hoop.down[0] + y * hoop.down[1]
    outside = np.hypot(right / (hoop.across + hoop.band), down / (hoop.along + hoop.band)) > 1
    front_x, front_y = (float(each[0]) for each in hoop.outwards(np.array([hoop.front])))
    head = hoop.rgba.copy()
    angle = np.arctan2(right / hoop.across, down / hoop.along) % (2 * np.pi)
    risen = tall[np.round(angle / _RAYS[1]).astype(int) % len(_RAYS)]
    head[~(outside & risen & (x * front_x + y * front_y > 0))] = 0
    weight = head[..., 3].astype(np.float64)
    line_x, line_y = (float(each[0]) for each in hoop.line(np.array([hoop.front])))
    rise = (weight * ((x + hoop.x - line_x) * front_x + (y + hoop.y - line_y) * front_y)).sum()
    return replace(hoop, head=head, rise=float(rise / max(weight.sum(), 1.0)))
