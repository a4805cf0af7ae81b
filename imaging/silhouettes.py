"""A hand's outline: what of the photograph is hand and lower arm, so that a necklace goes behind it.

Skin before skin has no colour of its own. So the hand's points say what is surely hand and what
surely is not, and between the two the strongest edge is the outline (watershed).
"""

import math
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from imaging.hands import FINGER_MM, FOREFINGER, LITTLE, MIDDLE, RING, THUMB, WRIST, Skeleton
from imaging.types import Alpha, FloatArray, Rgb, Seat

SURE, AT_MOST = 0.55, 1.45
"""Parts of a limb's half width within which is surely hand, and beyond which surely is none."""

ARM = 2.2
"""How far along the arm the outline goes, in widths of the wrist."""

TAPERS = (1.15, 1.0, 0.92, 0.72)
"""Half widths of a finger from base to tip, in the usual one."""

_ACROSS = 256
"""Pixels across the crop on which the outline is found."""

_INSIDE, _OUTSIDE = 1, 2


def silhouette(rgb: Rgb, skeleton: Skeleton, wrist: Seat) -> Alpha:
    """255 on the hand and its lower arm, with soft edges, (h, w) of the picture. wrist: how wide
    and which way the arm goes on.
    """
    limbs = _limbs(skeleton, wrist)
    left, top, right, bottom = _window(rgb, limbs)
    whole = np.zeros(rgb.shape[:2], np.uint8)
    if right - left < 8 or bottom - top < 8:
        return whole
    scale = _ACROSS / max(right - left, bottom - top)
    size = (max(2, round((right - left) * scale)), max(2, round((bottom - top) * scale)))
    part = cv2.resize(rgb[top:bottom, left:right], size, interpolation=cv2.INTER_AREA)
    small = np.asarray(cv2.bilateralFilter(part, 5, 30, 5), np.uint8)
    moved = [(line - np.array([left, top], np.float32)) * np.float32(scale) for line, _ in limbs]
    widths = [half * np.float32(scale) for _, half in limbs]
    outline = _between(small, moved, widths)
    smooth = cv2.GaussianBlur(outline.astype(np.float32), (0, 0), 1.2)
    soft = cv2.resize(smooth, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    whole[top:bottom, left:right] = np.clip((soft - 0.3) / 0.4 * 255 + 0.5, 0, 255)
    return whole


Limb = tuple[FloatArray, FloatArray]
"""A line of places (n, 2) and the half widths there (n,), pixels."""


def _limbs(skeleton: Skeleton, wrist: Seat) -> list[Limb]:
    """Fingers, the rays of the palm, and the arm."""
    flat, usual = skeleton.points[:, :2], FINGER_MM / 2 * skeleton.px_per_mm
    half = np.array(TAPERS, np.float32) * np.float32(usual)
    limbs = [(flat[base : base + 4], half) for base in (THUMB, FOREFINGER, MIDDLE, RING, LITTLE)]
    rays = [[WRIST, base] for base in (FOREFINGER, MIDDLE, RING, LITTLE)]
    rays += [[WRIST, THUMB], [THUMB, THUMB + 1]]
    limbs += [(flat[ray], np.full(2, 1.25 * usual, np.float32)) for ray in rays]
    web = flat[[THUMB + 1, FOREFINGER]], np.full(2, 0.8 * usual, np.float32)
    return [*limbs, web, _arm(flat[WRIST], wrist)]


def _arm(crease: FloatArray, seat: Seat) -> Limb:
    lean = math.radians(seat.angle)
    middle = np.array([seat.middle.x, seat.middle.y], np.float32)
    away = np.array([-math.sin(lean), math.cos(lean)], np.float32)
    end = middle + away * np.float32(ARM * seat.width)
    line = np.stack([crease, middle, end])
    return line, np.array([0.5, 0.5, 0.55], np.float32) * np.float32(seat.width)


def _window(rgb: Rgb, limbs: list[Limb]) -> tuple[int, int, int, int]:
    places = np.concatenate([line for line, _ in limbs])
    reach = 2 * AT_MOST * max(float(half.max()) for _, half in limbs)
    low, high = places.min(0) - reach, places.max(0) + reach
    height, width = rgb.shape[:2]
    return (
        int(np.clip(low[0], 0, width)),
        int(np.clip(low[1], 0, height)),
        int(np.clip(high[0], 0, width)),
        int(np.clip(high[1], 0, height)),
    )


def _between(small: Rgb, lines: list[FloatArray], widths: list[FloatArray]) -> NDArray[np.bool_]:
    """The outline on the crop, by the strongest edges between sure and at most."""
    sure, at_most = (_drawn(small, lines, widths, part) for part in (SURE, AT_MOST))
    knuckles, wrist = [line[:1] for line in lines[1:5]], lines[5][:1]
    _fill(sure, np.concatenate([*knuckles, wrist]))
    _fill(at_most, np.concatenate([*knuckles, wrist, lines[0][:2]]))
    marks = np.zeros(small.shape[:2], np.int32)
    marks[at_most == 0] = _OUTSIDE
    marks[sure > 0] = _INSIDE
    cv2.watershed(np.ascontiguousarray(small), marks)
    return np.asarray((marks == _INSIDE) | (sure > 0))


def _drawn(small: Rgb, lines: list[FloatArray], widths: list[FloatArray], part: float) -> Alpha:
    """All limbs as capsules, 1 inside."""
    mark = np.zeros(small.shape[:2], np.uint8)
    for line, half in zip(lines, widths, strict=True):
        for (one, other), (wide, narrow) in zip(pairwise(line), pairwise(half), strict=True):
            _fill(mark, _capsule(one, other, float(wide) * part, float(narrow) * part))
    return mark


def _fill(mark: Alpha, places: FloatArray) -> None:
    """The hull of places."""
    cv2.fillConvexPoly(mark, cv2.convexHull(np.round(places).astype(np.int32)), 1)


def _capsule(one: FloatArray, other: FloatArray, wide: float, narrow: float) -> FloatArray:
    """The rims of two discs."""
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    disc = np.stack([np.cos(turn), np.sin(turn)], -1)
    both = [one + disc * max(wide, 1.0), other + disc * max(narrow, 1.0)]
    return np.concatenate(both).astype(np.float32)
