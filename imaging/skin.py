"""Which pixels of the crop are bare skin of neck and chest.

No net is trained for it: the colours of the face make a model of this person's skin in this
light, and GrabCut turns likely pixels into an outline. Where colours cannot tell, as in black and
white, the body's geometry decides alone, and the confidence says so.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from imaging.scene import Scene, Truth, filled
from imaging.types import FloatArray

BARE_NECK, COVERED_NECK, COLOURLESS = 1.0, 0.5, 0.25
"""Confidence: the neck has the face's colour; it has not, being covered or shaded; no colours."""

ROUNDS = 1
"""Of GrabCut. Measured on outlined skin, a second and a third add 0.002 IoU and half the time."""


def bare_skin(scene: Scene) -> tuple[Truth, float]:
    """Bare skin of neck and chest, and how sure that is, 0..1."""
    if _colourless(scene.skin_colours):
        return _by_geometry(scene), COLOURLESS
    likely, neck_like_face = _likelihood(scene)
    reach = _reach(scene)
    face = scene.face
    marks = _marks(scene, likely, reach=reach, face=face, sure=neck_like_face)
    found = _grabbed(scene, marks) & reach & ~face
    found = _without_crumbs(found)
    return found, BARE_NECK if neck_like_face else COVERED_NECK


def _likelihood(scene: Scene) -> tuple[FloatArray, bool]:
    """How much each pixel has the colour of skin, 0..1; and whether the neck has it.

    Lightness counts less than colour, for the neck lies in the chin's shadow. A neck like the
    face adds its own, closer, model.
    """
    samples = _trimmed(scene.skin_colours)
    mean = samples.mean(0)
    likely, distance = _closeness(scene.lab, mean, _spread(samples, (150, 9, 14)), lightness=0.45)
    inner = inner_neck(scene)
    if not inner.any() or float(np.median(distance[inner])) >= 6:
        return likely * _hued(scene.lab, samples), False
    own = scene.lab[inner & (distance < 9)]
    closer, _ = _closeness(scene.lab, np.median(own, 0), _spread(own, (120, 8, 10)), lightness=0.7)
    return np.maximum(likely, closer) * _hued(scene.lab, own), True


def _hued(lab: FloatArray, samples: FloatArray) -> FloatArray:
    """Doubt of pale cloth, 0..1: 1 for six tenths of the samples' saturation, 0 for three."""
    usual = float(np.median(_saturation(samples)))
    share = _saturation(lab) / np.float32(max(usual, 1e-3))
    return np.asarray(np.clip((share - np.float32(0.3)) / np.float32(0.3), 0, 1))


def _saturation(lab: FloatArray) -> FloatArray:
    """Colour over lightness, which stays the same in shade; near black there is only noise."""
    colour = np.hypot(lab[..., 1] - 128, lab[..., 2] - 128)
    return (colour / np.maximum(lab[..., 0], 40)).astype(np.float32)


def _colourless(samples: FloatArray) -> bool:
    """A photograph in black and white, or a face that was not seen: skin has a hue elsewhere."""
    return len(samples) < 20 or float(np.median(np.hypot(*(samples[:, 1:].T - 128)))) < 5


def _by_geometry(scene: Scene) -> Truth:
    """The neck as a column down to the notch, without the face."""
    up, foot = scene.turn[:, 1] * np.float32(-0.25 * scene.width), (scene.notch - scene.chin) * 0.8
    outline = [scene.left + up, scene.right + up, scene.right, scene.right + foot]
    outline += [scene.notch, scene.left + foot, scene.left]
    return filled(scene.shape, np.stack(outline)) & ~scene.face


def _trimmed(samples: FloatArray) -> FloatArray:
    """Without beard, lips, glints and deep shadow: within 2.5 deviations of the median."""
    lit: Truth = samples[:, 0] >= 0.45 * np.percentile(samples[:, 0], 75)
    samples = samples[lit]
    middle = np.median(samples, axis=0)
    usual = np.median(np.abs(samples - middle), axis=0) * 1.48 + np.array([10, 2.5, 3])
    kept: Truth = (np.abs(samples - middle) < 2.5 * usual).all(axis=1)
    return samples[kept]


def _spread(samples: FloatArray, extra: tuple[int, int, int]) -> NDArray[np.float64]:
    """Inverse covariance; extra variances stand for what few samples cannot show."""
    return np.asarray(np.linalg.inv(np.cov(samples.T) + np.diag(extra)), np.float64)


def _closeness(
    lab: FloatArray, mean: FloatArray, inverse: NDArray[np.float64], *, lightness: float
) -> tuple[FloatArray, FloatArray]:
    """A likelihood 0..1 and the squared Mahalanobis distance that it comes from, both (h, w)."""
    apart = lab - mean
    apart[..., 0] *= lightness
    distance = np.einsum("hwi,ij,hwj->hw", apart, inverse, apart).astype(np.float32)
    return np.exp(-np.clip(distance - 2, 0, None) / 6).astype(np.float32), distance


def inner_neck(scene: Scene) -> Truth:
    """A small ellipse that is neck whatever the clothes, unless they cover all of it."""
    middle = scene.chin * 0.35 + scene.notch * 0.65
    half = (scene.width * 0.22, max(3.0, float(np.linalg.norm(scene.notch - scene.chin)) * 0.33))
    mark = np.zeros(scene.shape, np.uint8)
    angle = math.degrees(math.atan2(scene.turn[1, 0], scene.turn[0, 0]))
    centre = (int(middle[0]), int(middle[1]))
    cv2.ellipse(mark, centre, (max(2, int(half[0])), max(2, int(half[1]))), angle, 0, 360, 1, -1)
    return np.asarray(mark > 0)


def _reach(scene: Scene) -> Truth:
    """Where skin that a necklace can touch may be: the neck, and below it the chest."""
    unit = scene.width
    drop = max(float((scene.notch - scene.chin) @ scene.turn[:, 1]), 0.4 * unit)

    def beside(place: FloatArray, across: float, down: float) -> FloatArray:
        return place + scene.turn @ np.array([across * unit, down * drop], np.float32)

    outline = [
        beside(scene.left, -0.12, -0.5),
        beside(scene.right, 0.12, -0.5),
        beside(scene.right, 0.15, 0.1),
        beside(scene.notch, 1.9, 0.35),
        beside(scene.notch, 1.9, 3.0),
        beside(scene.notch, -1.9, 3.0),
        beside(scene.notch, -1.9, 0.35),
        beside(scene.left, -0.15, 0.1),
    ]
    return filled(scene.shape, np.stack(outline))


def _marks(
    scene: Scene, likely: FloatArray, *, reach: Truth, face: Truth, sure: bool
) -> NDArray[np.uint8]:
    """GrabCut's start: certain and probable skin, certain and probable other."""
    person = scene.person
    marks = np.full(scene.shape, cv2.GC_PR_BGD, np.uint8)
    marks[(likely > 0.35) & reach & (person > 0.4)] = cv2.GC_PR_FGD
    if sure:
        marks[inner_neck(scene) & (likely > 0.5)] = cv2.GC_FGD
    marks[(likely < 0.03) | (person < 0.15)] = cv2.GC_BGD
    elsewhere = ~reach & ~face
    marks[elsewhere] = np.where(likely[elsewhere] > 0.5, cv2.GC_PR_BGD, cv2.GC_BGD)
    core = cv2.erode(face.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    marks[core & (likely > 0.3)] = cv2.GC_PR_FGD
    return marks


def _grabbed(scene: Scene, marks: NDArray[np.uint8]) -> Truth:
    """GrabCut needs pixels of both kinds; without them the marks stand as they are."""
    skin = (marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)
    if min(int(skin.sum()), int((~skin).sum())) < 30:
        return np.asarray(skin)
    cv2.setRNGSeed(0)
    other, own = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(scene.rgb, marks, (0, 0, 0, 0), other, own, ROUNDS, cv2.GC_INIT_WITH_MASK)
    return np.asarray((marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD))


def _without_crumbs(found: Truth) -> Truth:
    """Without specks: parts below 6 % of the whole, and what a 3 x 3 brush does not fill."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8))
    large = stats[:, cv2.CC_STAT_AREA] > 0.06 * max(1, int(found.sum()))
    large[0] = False
    kept = large[labels].astype(np.uint8) if count > 1 else found.astype(np.uint8)
    return np.asarray(cv2.morphologyEx(kept, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0)
