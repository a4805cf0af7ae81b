"""Points of the body: BlazePose, aimed from the face, looked at four times and averaged."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from imaging.landmarks import Mesh, crop, logistic, run, wrapped
from imaging.types import FloatArray, Rgb

_BODY_SIDE = 256
_BODY_WIDE, _BODY_NEAR = 7.5, 4.5
"""Sides of the two body crops in face heights; each is looked at straight and mirrored, and the
four answers are averaged: a single look is off by up to a third of a neck's width."""

_BODY_DOWN = 1.6 / 6.0
"""The crop's centre lies this part of its side below the face's."""

_OTHER_REACH, _OWN_REACH = 0.75, 0.6
"""Half the column painted over another person, and half of what is never painted, face widths."""

_WITH_HEAD = 0.7
"""Part of the head's tilt by which the first look is tilted. The net takes a tilted person for more
upright than he is: with 0 a photograph that is turned by 12 degrees moves the neck by up to 0.12 of its
width, with 0.7 by 0.09, with 1 by 0.06; but with 1 tilted heads pull upright bodies along."""

_LEANS = math.radians(12)
_LYING = math.radians(70)

_MIRRORED = [0, 4, 5, 6, 1, 2, 3, 8, 7, 10, 9]
_MIRRORED += [each for pair in range(11, 33, 2) for each in (pair + 1, pair)]
_MIRRORED += list(range(33, 39))
"""Which joint takes which place in a mirrored picture."""


_HANDS = ([15, 17, 19, 21], [16, 18, 20, 22])
_TO_TIPS = np.array([[1.0], [1.9], [1.9], [1.3]], np.float32)
"""Fingers are about as long again as the way from the wrist to their knuckles."""

_SEEN_HAND = 0.65
"""Visibility of the least seen of a hand's joints; hands near necks: 0.70 and more, none: 0.48."""


@dataclass(frozen=True, slots=True)
class Body:
    """points: (39, 2) pixels of the BlazePose joints; depth: (39,) pixels, away from the camera;
    visibility: (39,) 0..1. spread: pixels by which the looks disagree about the notch.
    """

    points: FloatArray
    depth: FloatArray
    visibility: FloatArray
    spread: float

    def scaled(self, factor: float) -> "Body":
        return replace(
            self,
            points=self.points * np.float32(factor),
            depth=self.depth * np.float32(factor),
            spread=self.spread * factor,
        )

    @property
    def shoulders(self) -> tuple[FloatArray, FloatArray]:
        """Left and right on the picture of a person who faces the camera."""
        return self.points[12], self.points[11]

    @property
    def angle(self) -> float:
        """Tilt of the line of the shoulders, radians clockwise."""
        left, right = self.shoulders
        return math.atan2(right[1] - left[1], right[0] - left[0])


@dataclass(frozen=True, slots=True)
class Person:
    """mask: (256, 256) 0..1, how sure a pixel of a crop is of this person; to_picture: 2 x 3,
    from the crop's pixels to the picture's. hands: for each hand that is surely seen, its outline
    in pixels of the picture, (4, 2): wrist, little finger, forefinger, thumb.
    """

    mask: FloatArray
    to_picture: NDArray[np.float64]
    hands: tuple[FloatArray, ...]

    def scaled(self, factor: float) -> "Person":
        hands = tuple(hand * np.float32(factor) for hand in self.hands)
        return Person(self.mask, self.to_picture * factor, hands)

    def seen(self, window: tuple[int, int, int, int], size: tuple[int, int]) -> FloatArray:
        """The mask over a window (left, top, right, bottom) in (width, height) pixels."""
        left, top, right, bottom = window
        across, down = np.meshgrid(
            np.linspace(left, right - 1, size[0]), np.linspace(top, bottom - 1, size[1])
        )
        back = cv2.invertAffineTransform(self.to_picture)
        x = (back[0, 0] * across + back[0, 1] * down + back[0, 2]).astype(np.float32)
        y = (back[1, 0] * across + back[1, 1] * down + back[1, 2]).astype(np.float32)
        return np.asarray(cv2.remap(self.mask, x, y, cv2.INTER_LINEAR), np.float32)


def body(rgb: Rgb, face: Mesh, others: Sequence[FloatArray] = ()) -> Body:
    """The body under a face. others: boxes (4,) of other people's faces, who are painted out, or
    the net takes their shoulders.
    """
    alone = _without(rgb, others, face)
    quarter = math.pi / 2
    lying = round(face.roll / quarter) * quarter
    angle = lying + _WITH_HEAD * wrapped(face.roll - lying)
    wide = _both_ways(alone, face, reach=_BODY_WIDE, angle=angle)
    torso = _lean(wide)
    if abs(wrapped(torso - face.roll)) > _LYING:
        torso = angle
    if abs(wrapped(torso - angle)) > _LEANS:
        wide = _both_ways(alone, face, reach=_BODY_WIDE, angle=torso)
    near = _both_ways(alone, face, reach=_BODY_NEAR, angle=torso)
    return _averaged([*wide, *near])


def person_under(rgb: Rgb, face: Mesh, others: Sequence[FloatArray], *, angle: float) -> Person:
    """The person's outline from shoulders to hair; angle: of the torso, radians clockwise."""
    looks = _both_ways(_without(rgb, others, face), face, reach=_BODY_NEAR, angle=angle)
    mask = (looks[0].person + looks[1].person) * np.float32(0.5)
    joints = np.mean([look.joints for look in looks], 0)
    hands = [_hand(joints[numbers]) for numbers in _HANDS]
    return Person(mask, looks[0].to_picture, tuple(hand for hand in hands if hand is not None))


def _hand(joints: FloatArray) -> FloatArray | None:
    """From wrist and knuckles (4, 5) to the tips of the fingers; None for a hand not seen."""
    if float(logistic(joints[:, 3]).min()) < _SEEN_HAND:
        return None
    wrist = joints[0, :2]
    return wrist + (joints[:, :2] - wrist) * _TO_TIPS


def under(rgb: Rgb, box: FloatArray) -> bool:
    """Whether a body with shoulders hangs under a face's box (4,): for faces without a mesh.

    Of people the net is sure (0.74 and more), of cups and clocks it is not, or it sees no shoulders.
    """
    side = _BODY_WIDE * 1.1 * float(box[3])
    middle = box[:2] + box[2:] * np.float32(0.5)
    centre = middle + np.array([0, _BODY_DOWN * side], np.float32)
    square, _ = crop(rgb, centre=centre, side=side, angle=0.0, pixels=_BODY_SIDE)
    outputs = run("pose_landmark_full", square)
    shoulders = logistic(outputs["Identity"].reshape(39, 5)[11:13, 3])
    return min(float(outputs["Identity_1"].item()), float(shoulders.min())) > 0.5


@dataclass(frozen=True, slots=True)
class _Look:
    """One answer of the net. joints: (39, 5) x, y, z in pixels, logits of visibility, presence."""

    joints: FloatArray
    person: FloatArray
    to_picture: NDArray[np.float64]


def _both_ways(rgb: Rgb, face: Mesh, *, reach: float, angle: float) -> list[_Look]:
    """Look at the body straight and in the mirror. reach: the crop's side in face heights."""
    side = reach * face.height
    down = np.array([-math.sin(angle), math.cos(angle)], np.float32)
    centre = face.points[:, :2].mean(0) + down * np.float32(_BODY_DOWN * side)
    square, to_picture = crop(rgb, centre=centre, side=side, angle=angle, pixels=_BODY_SIDE)
    joints, person = _joints(np.ascontiguousarray(square[:, ::-1]))
    joints[:, 0] = _BODY_SIDE - 1 - joints[:, 0]
    looks = []
    for points, mask in (_joints(square), (joints[_MIRRORED], person[:, ::-1])):
        points[:, :2] = points[:, :2] @ to_picture[:, :2].T + to_picture[:, 2]
        points[:, 2] *= side / _BODY_SIDE
        looks.append(_Look(points, mask, to_picture))
    return looks


def _joints(square: Rgb) -> tuple[FloatArray, FloatArray]:
    """Joints in the square's pixels (39, 5), and the person's mask (256, 256)."""
    outputs = run("pose_landmark_full", square)
    return outputs["Identity"].reshape(39, 5).copy(), logistic(outputs["Identity_2"][0, 0])


def _lean(looks: Sequence[_Look]) -> float:
    joints = np.mean([look.joints for look in looks], 0)
    across = joints[11, :2] - joints[12, :2]
    return math.atan2(across[1], across[0])


def _averaged(looks: Sequence[_Look]) -> Body:
    every = np.stack([look.joints for look in looks])
    joints = every.mean(0)
    notches = every[:, 11:13, :2].mean(1)
    return Body(
        points=joints[:, :2],
        depth=joints[:, 2],
        visibility=logistic(joints[:, 3]),
        spread=float(np.linalg.norm(notches - notches.mean(0), axis=1).max()),
    )


def _without(rgb: Rgb, others: Sequence[FloatArray], face: Mesh) -> Rgb:
    """Paint grey, for each other face, a column from above the head to the picture's edge."""
    if not others:
        return rgb
    painted = rgb.copy()
    middle = float(face.points[:, 0].mean())
    own = _OWN_REACH * float(np.ptp(face.points[:, 0]))
    for other in others:
        x, width = float(other[0] + other[2] / 2), float(other[2])
        left, right = x - _OTHER_REACH * width, x + _OTHER_REACH * width
        left, right = (
            (left, min(right, middle - own)) if x < middle else (max(left, middle + own), right)
        )
        top = max(0, int(other[1] + other[3] / 2 - 1.1 * width))
        painted[top:, max(0, int(left)) : max(0, int(right))] = 128
    return painted
