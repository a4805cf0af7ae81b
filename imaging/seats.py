"""Where rings and bracelets sit: seats on finger and arm, measured from a hand's points.

Points say where a finger runs, not how wide it is: widths come from the hand's proportions, and
then from the edges that the photograph shows, if it shows them near there.
"""

import math
from dataclasses import replace

import numpy as np

from imaging.edges import Skin, fitted
from imaging.hands import FINGER_MM, FOREFINGER, LITTLE, MIDDLE, RING, WRIST, Skeleton
from imaging.landmarks import rotation
from imaging.silhouettes import silhouette
from imaging.types import Alpha, FloatArray, Hand, Point, Rgb, Seat

ALONG_FINGER = 0.58
"""Part of the way from knuckle to the next joint at which a ring sits: beyond the web."""

ABOVE_WRIST = 0.30
"""Part of the palm's length by which a bracelet sits above the crease of the wrist."""

WRIST_MM = 56.0
"""A usual wrist's width."""

PALM_SEEN = -0.7
"""How far palm and bent finger face the camera (-3..3) up to which the palm's side of a finger is
seen: palms measured -0.86 and less, hands closed round something -0.61, backs 0.57 and more.
"""

PALM_MM = 60.0
"""From the forefinger's knuckle to the little finger's."""

ARM_DEPTH = 0.74
"""A wrist is so much thinner than wide."""

SMALL_TURNS = (0.0, -8.0, 8.0)
ARM_TURNS = (0.0, -12.0, 12.0, -24.0, 24.0, -36.0, 36.0, -48.0, 48.0)
"""Degrees by which an arm may leave the direction of its hand, the likeliest first."""


def seats(rgb: Rgb, skeleton: Skeleton) -> Hand:
    """Measured on the picture that the skeleton is of.

    The arm's colours change with the light on it more than the hand's do, so its outline has the
    last word on its edges.
    """
    wrist = arm(rgb, skeleton)
    outline = silhouette(rgb, skeleton, wrist)
    turned = [replace(wrist, angle=wrist.angle + turn) for turn in SMALL_TURNS]
    skin = Skin.of(rgb, skeleton)
    return Hand(
        finger=fitted(rgb, [_finger(skeleton)], skin.likeness),
        wrist=fitted(outline, turned, _covered),
        back=_shows_back(skeleton),
        score=skeleton.presence,
    )


def _covered(outline: Alpha) -> FloatArray:
    return np.asarray(outline, np.float32) * np.float32(1 / 255)


def arm(rgb: Rgb, skeleton: Skeleton) -> Seat:
    """The wrist's seat between edges of the hand's own colours."""
    return fitted(rgb, _wrists(skeleton), Skin.of(rgb, skeleton).likeness)


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
    return float((palm * side + 2 * bends)[2]) > PALM_SEEN


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
