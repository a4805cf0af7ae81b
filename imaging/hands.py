"""Hands: 21 points each, left or right, and how sure it is that a hand is there.

A palm tells where to look; the net's own points aim a second, closer look. Numbers of points are
the net's: 0 the wrist, then four a finger from thumb (1) to little finger (17), base to tip.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imaging.landmarks import crop, rotation, run
from imaging.palms import Palm, palms
from imaging.types import FloatArray, Rgb

MOST_HANDS = 4
"""Looked at, of all palms the best; each costs two looks."""

PRESENT = 0.8
"""The net's belief from which a hand counts. Hands that were measured: 0.99; a head taken for one: 0.76."""

FINGER_MM = 18.0
"""A ring finger's usual width."""

WRIST = 0
THUMB, FOREFINGER, MIDDLE, RING, LITTLE = 1, 5, 9, 13, 17
"""The bases of the fingers."""

_PIXELS = 224
_PALM_MARGIN, _PALM_UP = 2.6, 0.5
"""The first crop, in sides of the palm's square: its own side, and how far up its centre lies."""

_HAND_MARGIN, _HAND_UP = 2.0, 0.1
"""The second crop, in sides of the square about the points that do not bend much."""

_STIFF = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18]

_BONES = {(0, 5): 93, (0, 9): 94, (0, 17): 84, (5, 17): 60,
          (5, 6): 42, (9, 10): 45, (13, 14): 42, (17, 18): 33}  # fmt: skip
"""Usual distances in a grown person's hand, mm, palm and first parts of the fingers."""

_SAME_HAND = 0.5
"""Distance of two hands' middles, in their size, below which they are one."""


@dataclass(frozen=True, slots=True, eq=False)
class Skeleton:
    """points: (21, 3) float32, pixels; z away from the camera, from the wrist. presence: 0..1.
    right: 0..1, how sure it is a right hand.
    """

    points: FloatArray
    presence: float
    right: float

    @property
    def angle(self) -> float:
        """Radians clockwise from fingers up, by wrist and the bases of three fingers."""
        flat = self.points[:, :2]
        bases = (flat[FOREFINGER] + flat[RING]) / 2
        along = (bases + flat[MIDDLE]) / 2 - flat[WRIST]
        return math.atan2(along[0], -along[1])

    @property
    def px_per_mm(self) -> float:
        """From the stiff bones that are least foreshortened."""
        ends = self.points[list(_BONES)]
        lengths = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1) / list(_BONES.values())
        return float(np.sort(lengths)[-3:].mean())

    @property
    def size(self) -> float:
        """The longer side of the hand's box, pixels."""
        return float(np.ptp(self.points[:, :2], axis=0).max())


def hands(rgb: Rgb) -> list[Skeleton]:
    """At most four hands, best first. Costs one look for palms, and two for each hand."""
    found = [_hand(rgb, palm) for palm in palms(rgb)[:MOST_HANDS]]
    return _distinct([hand for hand in found if hand.presence >= PRESENT])


def _hand(rgb: Rgb, palm: Palm) -> Skeleton:
    up = np.array([math.sin(palm.angle), -math.cos(palm.angle)], np.float32)
    first = _look(
        rgb,
        centre=palm.centre + up * np.float32(_PALM_UP * palm.side),
        side=_PALM_MARGIN * palm.side,
        angle=palm.angle,
    )
    return _closer(rgb, first)


def _closer(rgb: Rgb, first: Skeleton) -> Skeleton:
    turn = rotation(first.angle)
    straight = first.points[_STIFF, :2] @ turn
    low, high = straight.min(0), straight.max(0)
    side = float((high - low).max())
    middle = (low + high) / 2 - np.array([0, _HAND_UP * side], np.float32)
    return _look(
        rgb,
        centre=(turn @ middle).astype(np.float32),
        side=_HAND_MARGIN * side,
        angle=first.angle,
    )


def _look(rgb: Rgb, *, centre: FloatArray, side: float, angle: float) -> Skeleton:
    square, to_picture = crop(rgb, centre=centre, side=side, angle=angle, pixels=_PIXELS)
    outputs = run("hand_landmark_full", square)
    points = outputs["Identity"].reshape(21, 3)
    flat = points[:, :2] @ to_picture[:, :2].T + to_picture[:, 2]
    return Skeleton(
        points=np.hstack([flat, points[:, 2:] * (side / _PIXELS)]).astype(np.float32),
        presence=float(outputs["Identity_1"].item()),
        right=float(outputs["Identity_2"].item()),
    )


def _distinct(found: Sequence[Skeleton]) -> list[Skeleton]:
    """Of answers about one hand, the surest."""
    kept: list[Skeleton] = []
    for hand in sorted(found, key=lambda each: -each.presence):
        if all(_apart(hand, other) for other in kept):
            kept.append(hand)
    return kept


def _apart(hand: Skeleton, other: Skeleton) -> bool:
    away = hand.points[:, :2].mean(0) - other.points[:, :2].mean(0)
    return float(np.linalg.norm(away)) > _SAME_HAND * max(hand.size, other.size)
