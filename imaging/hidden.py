"""What hides an earring: hair that hangs before the ear, and the cheek of a head that turns."""

from dataclasses import dataclass

import cv2
import numpy as np

from imaging.head import Head
from imaging.scene import BARE, OVAL, above_hairline, colours
from imaging.types import Ear, FloatArray, Rgb
from imaging.warp import Region

LIKE_SKIN = np.array([40, 7, 8], np.float32)
"""Lab differences within which a sample from above the forehead is skin."""

LEAST_SAMPLES = 20

LEAST_SKIN = 0.30
"""Part of an ear that has the face's colours; bare ears: 0.48 and more, under dark hair: 0.13 and
less (37 ears on 21 photographs).
"""

MORE_HAIR, LESS_RED = 0.3, 1.5
"""From so much more of an ear that is hair than is skin, and so much less red than the face (Lab),
hair lies over it. Bare ears that are as pale: at most 0.07 more; hair over them: 0.50 and more.
"""

HAIR_BEFORE = 0.6
"""Part of the strip between lobe and cheek from which hair comes down before the earring."""

EAR_MM = (16.0, 4.0, 5.0)
"""What is looked at: up from the lobe, towards the face, away from it."""

STRIP_MM = (10.0, 8.0, 1.0)
"""The strip that is looked at: up from the lobe, towards the face, away from it. Hair behind the
ear is not seen there.
"""

SPREADS = 0.3
"""Pixels by which hair that falls moves aside for one down, at most."""

TURNED_YAW = 6.0
"""Degrees by the mesh from which the far earring hangs behind the cheek."""

CHEEK_MM = 2.0
"""How far inside the mesh's outline a cheek surely hides."""


@dataclass(frozen=True, slots=True, eq=False)
class Tones:
    """Of one person in one light: Lab (3,), and what varies about it; no hair for a bald head."""

    skin: FloatArray
    skin_inverse: FloatArray
    hair: FloatArray | None
    hair_spread: FloatArray

    def skinlike(self, lab: FloatArray) -> FloatArray:
        """Distance from skin in deviations, (...); lightness counts less than half."""
        away = (lab - self.skin) * np.array([0.45, 1, 1], np.float32)
        squared = np.einsum("...i,ij,...j->...", away, self.skin_inverse, away)
        return np.asarray(np.sqrt(squared), np.float32)

    def hairlike(self, lab: FloatArray) -> FloatArray:
        if self.hair is None:
            return np.full(lab.shape[:-1], np.inf, np.float32)
        away: FloatArray = (lab - self.hair) / self.hair_spread
        return np.asarray(np.sqrt((away**2).sum(axis=-1)), np.float32)


def tones_of(photo: Rgb, head: Head) -> Tones:
    radius = max(1, int(2 * head.px_per_mm))
    face = colours(photo, head.mesh.points[BARE, :2], radius=radius)
    skin = np.median(face, axis=0)
    near = (np.abs(face - skin) <= 2 * LIKE_SKIN).all(axis=1)
    variance = np.cov(face[near].T) + np.diag((60.0, 6.0, 8.0))
    above = colours(photo, above_hairline(head.mesh), radius=max(2, radius))
    above = above[(np.abs(above - skin) > LIKE_SKIN).any(axis=1)]
    hair = np.median(above, axis=0) if len(above) > LEAST_SAMPLES else None
    varies = np.median(np.abs(above - hair), axis=0) * 1.48 if hair is not None else np.zeros(3)
    spread = np.minimum(varies + np.array([14, 4, 5]), [35, 8, 10])
    return Tones(skin, np.linalg.inv(variance).astype(np.float32), hair, spread.astype(np.float32))


def covered(photo: Rgb, head: Head, ear: Ear) -> bool:
    """Whether hair lies over an ear. Blond hair has nearly skin's colours, and is less red."""
    tones = tones_of(photo, head)
    lab = _lab(photo, _window(photo, ear, EAR_MM, head.px_per_mm))
    if not lab.size:
        return False
    skin, hair = tones.skinlike(lab), tones.hairlike(lab)
    if float((skin < 3).mean()) < LEAST_SKIN:
        return True
    more = float((hair < 2).mean()) - float(((skin < 3) & (skin < hair)).mean())
    return more > MORE_HAIR and float(lab[..., 1].mean()) < tones.skin[1] - LESS_RED


def seen(photo: Rgb, head: Head, ear: Ear, region: Region) -> FloatArray:
    """1 where an earring at this ear is seen, 0 where it hangs behind hair or cheek; (h, w)."""
    hidden = np.maximum(_behind_hair(photo, head, ear, region), _behind_cheek(head, ear, region))
    return np.asarray(1 - hidden, np.float32)


def _behind_cheek(head: Head, ear: Ear, region: Region) -> FloatArray:
    """The far earring of a turned head: the face's outline, less a little, lies before it."""
    outward = -1 if ear.side == "left" else 1
    shape = (region.y1 - region.y0, region.x1 - region.x0)
    if head.axes.yaw * outward < TURNED_YAW:
        return np.zeros(shape, np.float32)
    outline = head.mesh.points[OVAL, :2]
    middle = outline.mean(0)
    away = outline - middle
    inner = middle + away * (
        1 - CHEEK_MM * head.px_per_mm / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1)
    )
    cheek = np.zeros(shape, np.uint8)
    cv2.fillPoly(cheek, [(inner - (region.x0, region.y0)).round().astype(np.int32)], 255)
    soft = cv2.GaussianBlur(cheek, (0, 0), 0.7)
    return np.asarray(soft, np.float32) / np.float32(255)


def _behind_hair(photo: Rgb, head: Head, ear: Ear, region: Region) -> FloatArray:
    """Hair that lies over lobe and cheek, and from there as far down as it falls without a gap.
    Hair beside a bare lobe hangs behind the earring and hides nothing.
    """
    tones = tones_of(photo, head)
    strip = _window(photo, ear, STRIP_MM, head.px_per_mm)
    shape = (region.y1 - region.y0, region.x1 - region.x0)
    over = _hair(tones, _lab(photo, strip))
    if not over.size or float(over.mean()) < HAIR_BEFORE:
        return np.zeros(shape, np.float32)
    top = min(strip.y0, region.y0)
    whole = Region(region.x0, top, region.x1, region.y1)
    hair = _hair(tones, _lab(photo, whole))
    first = np.zeros(hair.shape[1], bool)
    first[max(0, strip.x0 - region.x0) : max(0, strip.x1 - region.x0)] = True
    fallen = _fallen(hair, first, from_row=strip.y1 - top)
    soft = cv2.GaussianBlur(fallen.astype(np.float32), (0, 0), 0.7)
    return np.asarray(soft[region.y0 - top :], np.float32)


def _fallen(hair: np.ndarray, first: np.ndarray, *, from_row: int) -> np.ndarray:
    """What hangs together, downwards, with hair in the columns `first` of the rows before."""
    fallen = np.zeros(hair.shape, bool)
    fallen[:from_row, first] = hair[:from_row, first]
    wide = np.ones((1, 3), np.uint8)
    for row in range(max(1, from_row), len(hair)):
        above = fallen[row - 1]
        if int(row * SPREADS) != int((row - 1) * SPREADS):
            above = cv2.dilate(above[None].astype(np.uint8), wide)[0] > 0
        fallen[row] = hair[row] & above
    return fallen


def _hair(tones: Tones, lab: FloatArray) -> np.ndarray:
    return np.asarray((tones.hairlike(lab) < 3) & (tones.skinlike(lab) > 3))


def _window(photo: Rgb, ear: Ear, mm: tuple[float, float, float], px_per_mm: float) -> Region:
    """Up from a lobe, towards the face and away from it; within the photograph."""
    up, inwards, outwards = (each * px_per_mm for each in mm)
    left, right = (inwards, outwards) if ear.side == "right" else (outwards, inwards)
    height, width = photo.shape[:2]
    x0, x1 = np.clip((int(ear.lobe.x - left), int(ear.lobe.x + right) + 1), 0, width)
    y0, y1 = np.clip((int(ear.lobe.y - up), int(ear.lobe.y) + 1), 0, height)
    return Region(int(x0), int(y0), int(x1), int(y1))


def _lab(photo: Rgb, region: Region) -> FloatArray:
    """Lab colours (h, w, 3), OpenCV's 0..255."""
    part = np.ascontiguousarray(photo[region.slices])
    if not part.size:
        return np.zeros((*part.shape[:2], 3), np.float32)
    return np.asarray(cv2.cvtColor(part, cv2.COLOR_RGB2LAB), np.float32)
