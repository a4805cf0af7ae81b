"""The two layers of a photograph: bare skin, and what lies in front of a necklace.

Both are decided on a small crop round the neck and carried to the photograph's own edges by a
guided filter; thin things like single hairs are looked for at full size.
"""

import math

import cv2
import numpy as np

from imaging.encode import fit
from imaging.hands import hands
from imaging.scene import LOOKED_AT, Scene, Truth, scene_of
from imaging.seats import arm
from imaging.silhouettes import silhouette
from imaging.skin import BARE_NECK, COLOURLESS, bare_skin, inner_neck
from imaging.types import Alpha, Analysis, FloatArray, Masks, Rgb

_LIKE_SKIN = np.array([40, 7, 8], np.float32)
"""Lab differences within which a sample from above the forehead is forehead."""

CHEST_WIDE, CHEST_LOW = 2.0, 3.0
"""How far from the notch, in neck widths, a hand may hide a necklace: aside, and below."""

_HAIR_VARIES = np.array([35, 8, 10], np.float32)
"""Deviations beyond which the samples are not of one head of hair but of what is behind it too."""


def make(rgb: Rgb, analysis: Analysis) -> Masks:
    """Masks of the upright photograph; the analysis must have a neck."""
    scene = scene_of(rgb, analysis)
    held = _held(rgb, scene)
    skin, confidence = bare_skin(scene)
    bare, front = _carried(rgb, scene, skin), _carried(rgb, scene, _front(scene, skin, confidence))
    return Masks(
        skin=bare,
        front=np.maximum(front, _strands(rgb, scene, bare)),
        confidence=confidence,
        hands=held,
    )


def enlarged(masks: Masks, *, width: int, height: int) -> Masks:
    """The same layers for a larger copy of the photograph."""

    def layer(mask: Alpha) -> Alpha:
        large = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(large, np.uint8)

    return Masks(
        skin=layer(masks.skin),
        front=layer(masks.front),
        confidence=masks.confidence,
        hands=None if masks.hands is None else layer(masks.hands),
    )


def _held(rgb: Rgb, scene: Scene) -> Alpha | None:
    """The hands, where the body shows one before neck or chest; otherwise nobody looks for them."""
    if not any(_before_chest(scene, hand) for hand in scene.hands):
        return None
    small = fit(rgb, LOOKED_AT)
    shapes = [silhouette(small, each, arm(small, each)) for each in hands(small)]
    if not shapes:
        return None
    size = (rgb.shape[1], rgb.shape[0])
    whole = cv2.resize(np.maximum.reduce(shapes), size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(whole, np.uint8)


def _before_chest(scene: Scene, hand: FloatArray) -> bool:
    """Whether a corner of its outline lies where a necklace may hang."""
    down = (hand - scene.notch) @ scene.turn[:, 1] / scene.width
    across = (hand - scene.notch) @ scene.turn[:, 0] / scene.width
    return bool(((np.abs(across) < CHEST_WIDE) & (down > -1.2) & (down < CHEST_LOW)).any())


def _front(scene: Scene, skin: Truth, confidence: float) -> Truth:
    """The face, hair, hands, and what is beside the person. On a bare neck also, above the collar bones,
    all that is not skin (collar, scarf); on a covered one the jewellery lies over the cloth.
    """
    face = scene.face
    rows, columns = np.mgrid[: scene.shape[0], : scene.shape[1]]
    down = scene.turn[:, 1]
    below = ((columns - scene.notch[0]) * down[0] + (rows - scene.notch[1]) * down[1]) / scene.width
    beside = (scene.person < 0.2) & (below < 0.5)
    front = beside
    if confidence != COLOURLESS:
        front |= _hair(scene, skin, below)
    if confidence == BARE_NECK:
        front |= below < 0.12
    whole = ((front & ~skin) | face | _hands(scene, skin)).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(whole, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0)


def _hands(scene: Scene, skin: Truth) -> Truth:
    """Skin where a hand is held before the neck, and with it all that hangs together with the
    hand alone and not with the neck: its fingers, which the net does not point at.
    """
    mark = np.zeros(scene.shape, np.uint8)
    for hand in scene.hands:
        cv2.fillConvexPoly(mark, cv2.convexHull(hand.astype(np.int32)), 1)
    side = max(3, int(0.3 * scene.width)) | 1
    held = (cv2.dilate(mark, np.ones((side, side), np.uint8)) > 0) & skin
    _, labels = cv2.connectedComponents(skin.astype(np.uint8))
    hands = np.setdiff1d(labels[held], labels[inner_neck(scene)])
    return np.asarray(held | (skin & np.isin(labels, hands)))


def _hair(scene: Scene, skin: Truth, below: FloatArray) -> Truth:
    """Pixels of the hair's colour on the person, if they hang together with the head's.

    below: how far a pixel lies under the notch, neck widths, (h, w).
    """
    skin_tone = np.median(scene.skin_colours, axis=0)
    other = (np.abs(scene.hair_colours - skin_tone) > _LIKE_SKIN).any(axis=1)
    samples = scene.hair_colours[other]
    if len(samples) <= 20:
        return np.zeros(scene.shape, bool)
    middle = np.median(samples, axis=0)
    usual = np.median(np.abs(samples - middle), axis=0) * 1.48 + np.array([14, 4, 5])
    usual = np.minimum(usual, _HAIR_VARIES)
    alike = (((scene.lab - middle) / usual) ** 2).sum(axis=2) < 9
    alike &= (scene.person > 0.3) & ~skin
    _, labels = cv2.connectedComponents(alike.astype(np.uint8))
    chin = float((scene.chin - scene.notch) @ scene.turn[:, 1]) / scene.width
    return np.asarray(alike & np.isin(labels, np.unique(labels[alike & (below < chin)])))


def _strands(rgb: Rgb, scene: Scene, skin: Alpha) -> Alpha:
    """Thin things on bare skin, at the photograph's own size: hairs, cords, a chain worn already.

    They stand out from the skin around them by 30 levels and are longer than wide.
    """
    left, top, right, bottom = scene.window
    scale = (right - left) / scene.shape[1]
    lab = np.asarray(cv2.cvtColor(rgb[top:bottom, left:right], cv2.COLOR_RGB2LAB), np.uint8)
    reach = 2 * max(4, round(0.06 * scene.width * scale)) + 1
    apart = cv2.absdiff(lab, _median(lab, reach)).astype(np.uint16).sum(axis=2)
    on_skin = cv2.dilate(skin[top:bottom, left:right], np.ones((reach, reach), np.uint8)) > 127
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        ((apart > 30) & on_skin).astype(np.uint8)
    )
    extent = np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    slender = extent > np.maximum(
        0.12 * scene.width * scale, np.sqrt(stats[:, cv2.CC_STAT_AREA]) * 2
    )
    slender[0] = False
    found = np.zeros(rgb.shape[:2], np.uint8)
    found[top:bottom, left:right][slender[labels]] = 255
    return found


def _median(lab: Rgb, side: int) -> Rgb:
    """A median of at most 15 pixels a side: larger ones are taken on a smaller picture."""
    shrink = max(1, math.ceil(side / 15))
    size = (max(1, lab.shape[1] // shrink), max(1, lab.shape[0] // shrink))
    small = cv2.resize(lab, size, interpolation=cv2.INTER_AREA)
    blurred = cv2.medianBlur(small, (side // shrink) | 1)
    whole = (lab.shape[1], lab.shape[0])
    return cv2.resize(blurred, whole, interpolation=cv2.INTER_LINEAR).astype(np.uint8)


def _carried(rgb: Rgb, scene: Scene, mask: Truth) -> Alpha:
    """From the crop to the whole photograph, drawn to its edges by a guided filter."""
    left, top, right, bottom = scene.window
    whole = np.zeros(rgb.shape[:2], np.uint8)
    grey = cv2.cvtColor(rgb[top:bottom, left:right], cv2.COLOR_RGB2GRAY)
    size = (right - left, bottom - top)
    rough = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    radius = max(2, int(0.022 * scene.width * size[0] / scene.shape[1]))
    fine = _guided(grey.astype(np.float32) / np.float32(255), np.asarray(rough, np.float32), radius)
    alpha = np.clip((fine - 0.2) / 0.6, 0, 1) * 255 + 0.5
    whole[top:bottom, left:right] = alpha.astype(np.uint8)
    return whole


def _guided(guide: FloatArray, mask: FloatArray, radius: int) -> FloatArray:
    """The guided filter of He, Sun and Tang (2010): locally, the mask as a line of the guide."""

    def mean(values: FloatArray) -> FloatArray:
        side = (2 * radius + 1, 2 * radius + 1)
        return np.asarray(cv2.boxFilter(values, -1, side), np.float32)

    guide_mean, mask_mean = mean(guide), mean(mask)
    variance = mean(guide * guide) - guide_mean * guide_mean
    covariance = mean(guide * mask) - guide_mean * mask_mean
    slope = (covariance / (variance + np.float32(4e-4))).astype(np.float32)
    offset = (mask_mean - slope * guide_mean).astype(np.float32)
    return (mean(slope) * guide + mean(offset)).astype(np.float32)
