"""Earrings: one at each ear that is seen, hanging as gravity wants."""

import cv2
import numpy as np

from imaging.cutout import split_pair
from imaging.errors import ImageRefused
from imaging.head import Head
from imaging.hidden import covered, seen
from imaging.neck import FACE_WIDTH_MM
from imaging.types import Adjustments, Analysis, Ear, Face, FloatArray, Rgb, Rgba
from imaging.warp import Layer, hang

STUD_ASPECT = 1.4
"""Pieces less high than this times their width sit on the lobe; others hang from it."""

Hung = list[tuple[Layer, FloatArray, float]]


def hung(photo: Rgb, analysis: Analysis, pair: Rgba, adjustments: Adjustments, *,
         mm_per_px: float | None, head: Head | None = None) -> Hung:  # fmt: skip
    """A layer for each visible ear, where it is seen (0..1), and the length in pixels that shadows
    scale with.

    pair: one or two earrings; mm_per_px: of that overlay. Ears under hair wear nothing unless
    occlusion is off. head: with it, hair and cheek before an earring hide it.
    Raise ImageRefused("not-wearable-here") without an ear.
    """
    face = analysis.primary_face
    ears = ears_to_wear(photo, analysis, adjustments, head)
    if face is None or not ears:
        hidden = any(ear.visible for ear in analysis.ears)
        reason = "hair covers the ears" if hidden else "no ear is seen"
        raise ImageRefused("not-wearable-here", f"{reason} on the photograph")
    px_per_mm = _px_per_mm(analysis, face)
    size = (photo.shape[1], photo.shape[0])
    pieces = dict(zip(("left", "right"), split_pair(pair), strict=True))
    upright = gravity(analysis)
    layers = [
        (
            ear,
            _hang_one(ear, pieces[ear.side], px_per_mm, mm_per_px, adjustments,
                      upright, _turned_away(ear, face.pose.yaw), size),
        )
        for ear in ears
    ]  # fmt: skip
    return [
        (layer, _seen(photo, head, ear, layer, adjustments), 110.0 * px_per_mm)
        for ear, layer in layers
        if not layer.region.empty
    ]


def _seen(photo: Rgb, head: Head | None, ear: Ear, layer: Layer, adjustments: Adjustments
          ) -> FloatArray:  # fmt: skip
    if head is None or not adjustments.occlusion:
        return np.ones(layer.coverage.shape, np.float32)
    return seen(photo, head, ear, layer.region)


def ears_to_wear(photo: Rgb, analysis: Analysis, adjustments: Adjustments,
                 head: Head | None = None) -> list[Ear]:  # fmt: skip
    """The ears that are turned to the camera and, unless occlusion is off, not under hair."""
    face = analysis.primary_face
    if face is None:
        return []
    px_per_mm = _px_per_mm(analysis, face)
    return [
        ear
        for ear in analysis.ears
        if ear.visible and (not adjustments.occlusion or _bare(photo, face, ear, px_per_mm, head))
    ]


def _px_per_mm(analysis: Analysis, face: Face) -> float:
    return analysis.neck.px_per_mm if analysis.neck else face.box.width / FACE_WIDTH_MM


def gravity(analysis: Analysis) -> float:
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


def _hang_one(ear: Ear, piece: Rgba, px_per_mm: float, mm_per_px: float | None,
              adjustments: Adjustments, upright: float, narrow: float,
              size: tuple[int, int]) -> Layer:  # fmt: skip
    height, width = piece.shape[:2]
    aspect = height / width
    mm = mm_per_px or _usual_height(aspect) / height
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
        piece, hook=hook, place=place, scale=(scale * narrow, scale),
        angle=upright + lean, size=size,
    )  # fmt: skip


def _usual_height(aspect: float) -> float:
    """mm, for pieces whose size nobody told: studs small, drops by their slenderness."""
    return 9.0 if aspect < STUD_ASPECT else float(np.clip(16.0 * aspect, 22.0, 55.0))


CHEEKS = ((0.30, 0.60), (0.70, 0.60), (0.50, 0.55), (0.35, 0.65), (0.65, 0.65))
"""Places in a face's box that show its skin."""

LEAST_SKIN = 0.22
"""Part of an ear that has the face's colour; hair over it leaves less (21 photographs)."""


def _bare(photo: Rgb, face: Face, ear: Ear, px_per_mm: float, head: Head | None) -> bool:
    """Whether ear and lobe have the colour of the face, so that no hair lies over them: of the
    cheeks as the mesh knows them, or, without one, as the box does.
    """
    if head is not None:
        return not covered(photo, head, ear)
    box = face.box
    cheeks = np.concatenate([
        patch(photo, box.x + box.width * x, box.y + box.height * y, 0.05 * box.width)
        for x, y in CHEEKS
    ])  # fmt: skip
    if not len(cheeks):
        return True
    skin = np.median(cheeks, axis=0)
    spread = np.maximum(1.48 * np.median(np.abs(cheeks - skin), axis=0), (12, 3, 4))
    up = (14.0, 9.0, 4.0, 0.0)
    ears = [
        patch(photo, ear.lobe.x, ear.lobe.y - mm * px_per_mm, 3 * px_per_mm) for mm in up
    ]  # fmt: skip
    like = [_like(patch, skin, spread) for patch in ears if len(patch)]
    return not like or float(np.mean(like)) >= LEAST_SKIN


def patch(photo: Rgb, x: float, y: float, radius: float) -> FloatArray:
    """Lab colours of a square, (n, 3), OpenCV's 0..255."""
    rows = slice(max(0, int(y - radius)), max(0, int(y + radius) + 1))
    columns = slice(max(0, int(x - radius)), max(0, int(x + radius) + 1))
    part = np.ascontiguousarray(photo[rows, columns])
    if not part.size:
        return np.zeros((0, 3), np.float32)
    lab = cv2.cvtColor(part, cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.float32)
    return np.asarray(lab, np.float32)


def _like(patch: FloatArray, skin: FloatArray, spread: FloatArray) -> float:
    """Part of the pixels that have the skin's colour; lightness counts less than half."""
    off = (patch - skin) / spread * np.array([0.45, 1, 1], np.float32)
    away = np.sqrt((off**2).sum(axis=1))
    return float((away < 3).mean())
