"""The edges of a finger or an arm: where, across it, what looks like it begins and ends."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import cv2
import numpy as np

from imaging.earrings import patch
from imaging.hands import FOREFINGER, LITTLE, MIDDLE, RING, WRIST, Skeleton
from imaging.landmarks import crop, wrapped
from imaging.types import Alpha, FloatArray, Point, Rgb, Seat

Likeness: TypeAlias = Callable[[Rgb | Alpha], FloatArray]
"""How much each pixel of a part of a picture, or of a mask, looks like the limb, 0..1."""

SAME_SKIN = 4.0
"""Deviations from the hand's own colours within which a pixel is skin."""

LEAST_STEP = 0.35
"""How much more skin-like a limb must be than what is beside it, for its edges to be believed."""


@dataclass(frozen=True, slots=True)
class Skin:
    """The colours of one hand: Lab of their middle and deviation, (3,)."""

    middle: FloatArray
    spread: FloatArray

    @classmethod
    def of(cls, rgb: Rgb, skeleton: Skeleton) -> "Skin":
        """From round the palm's points and the bones of the fingers."""
        flat = skeleton.points[:, :2]
        places = [(flat[WRIST] + flat[base]) / 2 for base in (FOREFINGER, MIDDLE, RING, LITTLE)]
        places += [*flat[[FOREFINGER, MIDDLE, RING, LITTLE]], *(flat[6:8] + flat[5:7]) / 2]
        radius = max(1.0, 3 * skeleton.px_per_mm)
        samples = np.concatenate([patch(rgb, float(x), float(y), radius) for x, y in places])
        if not len(samples):
            return cls(np.zeros(3, np.float32), np.ones(3, np.float32))
        middle = np.median(samples, axis=0)
        spread = np.maximum(1.48 * np.median(np.abs(samples - middle), axis=0), (12, 3, 4))
        return cls(middle.astype(np.float32), spread.astype(np.float32))

    def likeness(self, rgb: Rgb) -> FloatArray:
        """1 for the hand's own colours, 0 for others, (h, w); lightness counts less than half."""
        lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
        off = (lab - self.middle) / self.spread * np.array([0.45, 1, 1], np.float32)
        away = np.sqrt((off * off).sum(axis=2))
        return np.asarray(np.clip(SAME_SKIN + 0.5 - away, 0, 1), np.float32)


_WIDE, _SIDE = 2.6, 78
"""Side of the square in which edges are looked for, in widths, and its pixels."""


def fitted(picture: Rgb | Alpha, expected: Sequence[Seat], like: Likeness) -> Seat:
    """The best of these seats, moved between the limb's edges there; where no edges stand out, the
    first as it is. Of them the first is the likeliest.
    """
    found = [_edges(picture, seat, like, seat.angle - expected[0].angle) for seat in expected]
    score, better = max(found, key=lambda each: each[0])
    return better if score > LEAST_STEP else expected[0]


def _edges(picture: Rgb | Alpha, seat: Seat, like: Likeness, turned: float) -> tuple[float, Seat]:
    """The pair of lines along the limb between which there is limb and beside which there is
    none; and how well they part it, 0..1, less for being far from what was expected.
    """
    centre = np.array([seat.middle.x, seat.middle.y], np.float32)
    side, lean = _WIDE * seat.width, math.radians(seat.angle)
    square, to_picture = crop(picture, centre=centre, side=side, angle=lean, pixels=_SIDE)
    middle = _SIDE // 2
    rows = slice(middle - _SIDE // 10, middle + _SIDE // 5)
    line = like(square[rows]).mean(axis=0)
    within, beside = _parted(line)
    expected = _SIDE / _WIDE
    left, right = np.meshgrid(np.arange(_SIDE + 1), np.arange(_SIDE + 1), indexing="ij")
    aside = np.abs((left + right) / 2 - middle) / expected
    wrong = np.log(np.maximum(right - left, 1) / expected)
    turn = abs(wrapped(math.radians(turned)))
    score = within - beside - 0.35 * aside - 2.5 * wrong * wrong - 0.12 * turn
    score[(right - left < 0.7 * expected) | (right - left > 1.35 * expected)] = -1
    best = np.unravel_index(int(score.argmax()), score.shape)
    x = (best[0] + best[1]) / 2
    place = to_picture @ np.array([x, middle, 1.0])
    width = float(best[1] - best[0]) / _SIDE * side
    moved = replace(seat, middle=Point(float(place[0]), float(place[1])), width=width)
    return float(score[best]), moved


def _parted(line: FloatArray) -> tuple[FloatArray, FloatArray]:
    """For each pair of columns (left, right): the mean between them, and close outside them."""
    reach = _SIDE // 10
    total = np.concatenate([[0.0], np.cumsum(line)]).astype(np.float32)
    columns = np.arange(len(line) + 1)
    apart = np.maximum(columns[None, :] - columns[:, None], 1).astype(np.float32)
    between = (total[None, :] - total[:, None]) / apart
    before = total - total[np.maximum(columns - reach, 0)]
    after = total[np.minimum(columns + reach, len(line))] - total
    beside = (before[:, None] + after[None, :]) / np.float32(2 * reach)
    return between.astype(np.float32), beside.astype(np.float32)
