"""Earrings: one at each ear that is seen, hanging as gravity wants."""

import numpy as np

from imaging.cutout import Cutout, split_pair
from imaging.errors import ImageRefused
from imaging.types import Adjustments, Analysis, Ear, FloatArray, Masks
from imaging.warp import Layer, Region, hang

FACE_WIDTH_MM = 132.0
"""Between the ears, over people (imaging design, section 4: standard deviation 8.5)."""

STUD_ASPECT = 1.4
"""Pieces less high than this times their width sit on the lobe; others hang from it."""

Hung = list[tuple[Layer, float]]


def hung(analysis: Analysis, cutout: Cutout, adjustments: Adjustments, *,
         width_mm: float | None, size: tuple[int, int]) -> Hung:  # fmt: skip
    """A layer for each visible ear, and the length in pixels that shadows scale with.

    width_mm: of the whole overlay. Raise ImageRefused("not-wearable-here") without an ear.
    """
    face = analysis.primary_face
    ears = [ear for ear in analysis.ears if ear.visible]
    if face is None or not ears:
        raise ImageRefused("not-wearable-here", "no ear is seen on the photograph")
    px_per_mm = analysis.neck.px_per_mm if analysis.neck else face.box.width / FACE_WIDTH_MM
    pieces = dict(zip(("left", "right"), split_pair(cutout), strict=True))
    overlay_mm = width_mm / cutout.rgba.shape[1] if width_mm else None
    upright = _gravity(analysis)
    layers = [
        (
            _hang_one(ear, pieces[ear.side], px_per_mm, overlay_mm, adjustments,
                      upright, _turned_away(ear, face.pose.yaw), size),
            110.0 * px_per_mm,
        )
        for ear in ears
    ]  # fmt: skip
    return [(layer, unit) for layer, unit in layers if not layer.region.empty]


def _gravity(analysis: Analysis) -> float:
    """Radians by which the whole photograph leans: head and torso alike, or not at all."""
    face, neck = analysis.primary_face, analysis.neck
    if face is None or neck is None:
        return 0.0
    both = np.array([face.pose.roll, neck.angle])
    leaning = bool(np.abs(both).min() > 18) and bool(np.sign(both[0]) == np.sign(both[1]))
    return float(np.radians(both.mean())) if leaning else 0.0


def _turned_away(ear: Ear, yaw: float) -> float:
    """The far ear's piece looks narrower; the near one's does not."""
    far = (yaw > 0) == (ear.side == "right")
    return float(np.cos(np.radians(min(60.0, abs(yaw) * 1.5)))) if far else 1.0


def _hang_one(ear: Ear, piece: Cutout, px_per_mm: float, overlay_mm: float | None,
              adjustments: Adjustments, upright: float, narrow: float,
              size: tuple[int, int]) -> Layer:  # fmt: skip
    height, width = piece.rgba.shape[:2]
    aspect = height / width
    mm = overlay_mm or _usual_height(aspect) / height
    scale = mm * px_per_mm * adjustments.scale
    stud = aspect < STUD_ASPECT
    hole_mm = 4.0
    hook = (width / 2, height / 2 if stud else min(height * 0.12, 3.0 / mm))
    lean = float(np.radians(adjustments.rotation))
    place = (
        ear.lobe.x + np.sin(upright) * hole_mm * px_per_mm + adjustments.dx,
        ear.lobe.y - np.cos(upright) * hole_mm * px_per_mm + adjustments.dy,
    )
    return hang(
        piece.rgba, hook=hook, place=place, scale=(scale * narrow, scale),
        angle=upright + lean, size=size,
    )  # fmt: skip


def _usual_height(aspect: float) -> float:
    """mm, for pieces whose size nobody told: studs small, drops by their slenderness."""
    return 9.0 if aspect < STUD_ASPECT else float(np.clip(16.0 * aspect, 22.0, 55.0))


def visible(region: Region, masks: Masks, *, occlusion: bool) -> FloatArray:
    """Earrings hang before the neck and the hair behind them; nothing measured hides them."""
    del masks, occlusion
    return np.ones((region.y1 - region.y0, region.x1 - region.x0), np.float32)
