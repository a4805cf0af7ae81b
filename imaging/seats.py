"""Where rings and bracelets sit: seats on finger and arm, measured from a hand's points.

Points say where a finger runs, not how wide it is: widths come from the hand's proportions, and
then from the edges that the photograph shows, if it shows them near there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from imaging.earrings import patch
from imaging.hands import FOREFINGER, LITTLE, MIDDLE, RING, WRIST, Skeleton
from imaging.landmarks import crop, rotation, wrapped
from imaging.types import FloatArray, Hand, Point, Rgb, Seat

ALONG_FINGER = 0.58
"""Part of the way from knuckle to the next joint at which a ring sits: beyond the web."""

ABOVE_WRIST = 0.30
"""Part of the palm's length by which a bracelet sits above the crease of the wrist."""

FINGER_MM, WRIST_MM = 18.0, 56.0
"""Usual widths."""

PALM_MM = 60.0
"""From the forefinger's knuckle to the little finger's."""

ARM_DEPTH = 0.74
"""A wrist is so much thinner than wide."""

ARM_TURNS = (0.0, -12.0, 12.0, -24.0, 24.0, -36.0, 36.0, -48.0, 48.0)
"""Degrees by which an arm may leave the direction of its hand, the likeliest first."""

SAME_SKIN = 4.0
"""Deviations from the hand's own colours within which a pixel is skin."""

LEAST_STEP = 0.35
"""How much more skin-like a limb must be than what is beside it, for its edges to be believed."""


def seats(rgb: Rgb, skeleton: Skeleton) -> Hand:
    """Measured on the picture that the skeleton is of."""
    skin = Skin.of(rgb, skeleton)
    return Hand(
        finger=fitted(rgb, [_finger(skeleton)], skin),
        wrist=fitted(rgb, _wrists(skeleton), skin),
        back=_shows_back(skeleton),
        score=skeleton.presence,
    )


def _shows_back(skeleton: Skeleton) -> bool:
    """Whether the ring finger's back is seen: away from the palm, and from where it bends to.

    Left and right hands are told apart only roughly, so a doubtful hand shows its back, as it
    does when people show rings.
    """
    points = skeleton.points
    side = 2 * skeleton.right - 1
    palm = _unit(np.cross(points[FOREFINGER] - points[WRIST], points[LITTLE] - points[WRIST]))
    base, joint, next_joint = points[RING : RING + 3]
    along, onwards = _unit(joint - base), _unit(next_joint - joint)
    bends = onwards - along * np.float32(along @ onwards)
    return float((palm * side + 2 * bends)[2]) > -0.6


def _unit(vector: FloatArray) -> FloatArray:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-6), np.float32)


def _finger(skeleton: Skeleton) -> Seat:
    base, joint = skeleton.points[RING], skeleton.points[RING + 1]
    place = base + (joint - base) * np.float32(ALONG_FINGER)
    return _seat(place, joint - base, FINGER_MM * skeleton.px_per_mm)


def _wrists(skeleton: Skeleton) -> list[Seat]:
    """Across the lower arm, if it goes on straight from the palm, and if it bends at the wrist."""
    points = skeleton.points
    along = points[[FOREFINGER, MIDDLE, RING, LITTLE]].mean(0) - points[WRIST]
    across = points[FOREFINGER] - points[LITTLE]
    flat = min(1.0, float(np.linalg.norm(across[:2])) / (PALM_MM * skeleton.px_per_mm))
    apparent = math.hypot(flat, ARM_DEPTH * math.sqrt(1 - flat * flat))
    width = WRIST_MM * skeleton.px_per_mm * apparent
    seats = []
    for turn in ARM_TURNS:
        arm = along.copy()
        arm[:2] = rotation(math.radians(turn)) @ along[:2]
        seats.append(_seat(points[WRIST] - arm * np.float32(ABOVE_WRIST), arm, width))
    return seats


def _seat(place: FloatArray, along: FloatArray, width: float) -> Seat:
    angle = math.degrees(math.atan2(along[0], -along[1]))
    tilt = math.degrees(math.atan2(-along[2], math.hypot(along[0], along[1])))
    return Seat(Point(float(place[0]), float(place[1])), angle, width, tilt)


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


def fitted(rgb: Rgb, expected: Sequence[Seat], skin: Skin) -> Seat:
    """The best of these seats, moved between the edges of the skin there; where no edges stand
    out, the first as it is. Of them the first is the likeliest.
    """
    found = [_edges(rgb, seat, skin, seat.angle - expected[0].angle) for seat in expected]
    score, better = max(found, key=lambda each: each[0])
    return better if score > LEAST_STEP else expected[0]


def _edges(rgb: Rgb, seat: Seat, skin: Skin, turned: float) -> tuple[float, Seat]:
    """The pair of lines along the limb between which there is skin and beside which there is
    none; and how well they part it, 0..1, less for being far from what was expected.
    """
    centre = np.array([seat.middle.x, seat.middle.y], np.float32)
    side, lean = _WIDE * seat.width, math.radians(seat.angle)
    square, to_picture = crop(rgb, centre=centre, side=side, angle=lean, pixels=_SIDE)
    middle = _SIDE // 2
    rows = slice(middle - _SIDE // 10, middle + _SIDE // 5)
    line = skin.likeness(square[rows]).mean(axis=0)
    within, beside = _parted(line)
    expected = _SIDE / _WIDE
    left, right = np.meshgrid(np.arange(_SIDE + 1), np.arange(_SIDE + 1), indexing="ij")
    far = np.abs((left + right) / 2 - middle) / expected + np.abs(
        np.log(np.maximum(right - left, 1) / expected)
    )
    score = within - beside - 0.35 * far - 0.004 * abs(wrapped(math.radians(turned))) * 57
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
