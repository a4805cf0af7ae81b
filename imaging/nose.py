"""Nose pins: a stud sits on the nostril's wing, a ring (nath) hangs through it.

In India the left nostril is the usual one: the right one on the picture. When the head is turned
so far that this wing lies behind the nose, the other one wears the pin.
"""

import cv2
import numpy as np

from imaging.head import Head
from imaging.types import Adjustments, Alpha, FloatArray, Rgba, Side
from imaging.warp import Layer, Region, hang

WING: dict[Side, list[int]] = {"left": [115, 48, 219], "right": [344, 278, 439]}
"""Mesh points round the place where a wing is pierced. They lie a little far out: the place is
their middle, moved INWARDS (a part of the way) to the tip."""

INWARDS = 0.12

WING_FOOT: dict[Side, int] = {"left": 98, "right": 327}
NOSE_TIP, NOSE_FOOT = 1, 2
"""With a wing's foot, the rim of the nostril: what is above it and inside is hidden."""

TURNED_YAW = 15.0
"""Degrees of yaw by the mesh (20 or more in truth) from which the far wing is not seen well."""

WING_FACES = 30.0
"""Degrees by which a wing looks aside when the face looks into the camera."""

STUD_MM, RING_MM = 4.5, 14.0
"""Widths of pieces whose size nobody told."""

LEAST_HOLE = 0.25
"""Part of its own rectangle that a ring encloses."""

SHADOW_MM = 40.0
"""What shadows scale with, in place of a neck's width: the pieces are small."""


def pinned(head: Head, rgba: Rgba, adjustments: Adjustments, *, mm_per_px: float | None,
           upright: float, size: tuple[int, int]) -> tuple[Layer, FloatArray]:  # fmt: skip
    """The layer, and where it is seen, 0..1. upright: radians by which the photograph leans.
    size: its width and height. mm_per_px: of the overlay.
    """
    side = worn_side(head)
    height, width = rgba.shape[:2]
    ring = is_ring(np.asarray(rgba[..., 3], np.uint8))
    mm = mm_per_px or (RING_MM if ring else STUD_MM) / width
    scale = mm * head.px_per_mm * adjustments.scale
    x, y = place_of(head, side)
    place = (x + adjustments.dx, y + adjustments.dy)
    layer = hang(
        rgba,
        hook=_top(rgba) if ring else ((width - 1) / 2, (height - 1) / 2),
        place=place,
        scale=(scale * _narrow(head, side), scale),
        angle=(upright if ring else head.mesh.roll) + float(np.radians(adjustments.rotation)),
        size=size,
    )
    if not ring or not adjustments.occlusion or layer.region.empty:
        return layer, np.ones(layer.coverage.shape, np.float32)
    return layer, 1 - _inside(layer.region, head, side, place)


def worn_side(head: Head) -> Side:
    return "left" if head.axes.yaw > TURNED_YAW else "right"


def place_of(head: Head, side: Side) -> tuple[float, float]:
    """Where the wing is pierced, pixels."""
    points = head.mesh.points[:, :2]
    wing = points[WING[side]].mean(0)
    x, y = wing + (points[NOSE_TIP] - wing) * np.float32(INWARDS)
    return float(x), float(y)


def is_ring(alpha: Alpha) -> bool:
    """Whether metal runs round a hole; a small gap, where the ring opens, counts as metal."""
    height, width = alpha.shape
    gap = 2 * max(1, round(0.05 * max(height, width))) + 1
    edge = gap + 1
    framed = cv2.copyMakeBorder(alpha, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=0)
    metal = (framed > 80).astype(np.uint8)
    metal = np.asarray(cv2.morphologyEx(metal, cv2.MORPH_CLOSE, np.ones((gap, gap))), np.uint8)
    outside = metal.copy()
    cv2.floodFill(outside, None, (0, 0), 2)
    return bool((outside == 0).sum() > LEAST_HOLE * height * width)


def _top(rgba: Rgba) -> tuple[float, float]:
    """The middle of the highest part, where a ring goes through the wing."""
    solid = rgba[..., 3] > 80
    top = int(solid.any(axis=1).argmax())
    depth = max(1, round(0.04 * rgba.shape[0]))
    return float(np.nonzero(solid[top : top + depth])[1].mean()), top + depth / 2


def _narrow(head: Head, side: Side) -> float:
    """How much narrower the wing's surface looks; the mesh reads two thirds of a turn."""
    outward = -1 if side == "left" else 1
    aside = WING_FACES + 1.5 * head.axes.yaw * outward
    return float(np.cos(np.radians(np.clip(aside, 0, 65))))


def _inside(region: Region, head: Head, side: Side, place: tuple[float, float]) -> FloatArray:
    """1 in the nostril: on the nose's side of the hole and above the rim; soft over a pixel."""
    x, y = region.grid()
    points = head.mesh.points[:, :2]
    hole = np.array(place_of(head, side), np.float32)
    foot = points[WING_FOOT[side]]
    inner = (points[NOSE_TIP] + points[NOSE_FOOT]) * np.float32(0.5)
    along = (inner - foot) / np.float32(max(float(np.linalg.norm(inner - foot)), 1e-3))
    x, y = x - np.float32(place[0]), y - np.float32(place[1])
    medial = x * along[0] + y * along[1]
    up = np.array([along[1], -along[0]], np.float32)
    up = up if float((hole - foot) @ up) > 0 else -up
    above = x * up[0] + y * up[1] + np.float32((hole - foot) @ up)
    in_nose = np.clip(medial + 0.5, 0, 1) * np.clip(above + 0.5, 0, 1)
    return np.asarray(in_nose, np.float32)
