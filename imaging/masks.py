"""Which pixels are bare skin, and which lie in front of a necklace.

No net is trained for it: the colours of the face make a model of this person's skin in this
light, GrabCut turns it into an outline on a small crop round the neck, and a guided filter carries
the outline to the photograph's own edges. Where colours cannot tell, as in black and white, the body's
geometry decides alone, and the confidence says so.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from imaging.encode import fit
from imaging.landmarks import Mesh, Person, mesh_near, person_under, rotation
from imaging.types import Alpha, Analysis, FloatArray, Masks, Neck, Point, Rgb

Truth = NDArray[np.bool_]

LOOKED_AT = 1280
"""Long side in pixels of what the nets see, as in the analysis."""

_WIDTH = 256
"""Pixels across the crop on which colours are sorted."""

_ASIDE, _ABOVE, _BELOW = 1.9, 0.9, 1.3
"""How far the crop reaches from the neck's middle, chin and notch, in neck widths."""

_OVAL = [
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
]
"""The face's outline on the mesh, from the forehead round by the picture's right."""

_BARE = [
    *(50, 101, 118, 117, 123, 187, 205, 36, 280, 330, 347, 346, 352, 411, 425, 266),
    *(4, 5, 195, 197, 151, 9, 108, 337, 69, 299, 152, 175, 199, 200),
]
"""Mesh points on cheeks, nose, forehead and chin, where a face is skin."""

_HAIRLINE = [10, 338, 297, 109, 67, 103, 332, 21, 251, 162, 389]
"""Points of the outline above which hair begins."""


BARE_NECK, COVERED_NECK, COLOURLESS = 1.0, 0.5, 0.25
"""Confidence: the neck has the face's colour; it has not, being covered or shaded; no colours."""


@dataclass(frozen=True, slots=True)
class _Scene:
    """The crop: rgb (h, w, 3) small, lab of it smoothed, float32; person (h, w) 0..1; places in
    crop pixels; width of the neck in crop pixels. window: left, top, right, bottom in the picture.
    skin_colours, hair_colours: Lab samples from the face and from above it, (n, 3).
    """

    window: tuple[int, int, int, int]
    rgb: Rgb
    lab: FloatArray
    person: FloatArray
    skin_colours: FloatArray
    hair_colours: FloatArray
    mesh: FloatArray
    left: FloatArray
    right: FloatArray
    chin: FloatArray
    notch: FloatArray
    turn: FloatArray
    width: float

    @property
    def shape(self) -> tuple[int, int]:
        return self.rgb.shape[0], self.rgb.shape[1]


def make(rgb: Rgb, analysis: Analysis) -> Masks:
    """Masks of the upright photograph; the analysis must have a neck."""
    scene = _scene(rgb, analysis)
    skin, confidence = _skin(scene)
    bare, front = _carried(rgb, scene, skin), _carried(rgb, scene, _front(scene, skin, confidence))
    return Masks(
        skin=bare, front=np.maximum(front, _strands(rgb, scene, bare)), confidence=confidence
    )


def _scene(rgb: Rgb, analysis: Analysis) -> _Scene:
    neck, primary = analysis.neck, analysis.primary_face
    assert neck is not None
    assert primary is not None
    small = fit(rgb, LOOKED_AT)
    scale = small.shape[1] / rgb.shape[1]
    boxes = [
        np.array([each.box.x, each.box.y, each.box.width, each.box.height], np.float32)
        * np.float32(scale)
        for each in analysis.faces
    ]
    own = boxes.pop(analysis.primary or 0)
    face = mesh_near(small, own, angle=math.radians(primary.pose.roll))
    person = person_under(small, face, boxes, angle=math.radians(neck.angle))
    return _cut(rgb, neck, face.scaled(1 / scale), person.scaled(1 / scale))


def _cut(rgb: Rgb, neck: Neck, face: Mesh, person: Person) -> _Scene:
    window = _window(neck, width=rgb.shape[1], height=rgb.shape[0])
    left, top, right, bottom = window
    scale = _WIDTH / (right - left)
    size = (_WIDTH, max(8, round((bottom - top) * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(rgb[top:bottom, left:right], size, interpolation=how).astype(np.uint8)
    smooth = cv2.bilateralFilter(small, 5, 25, 5)

    def inside(point: Point) -> FloatArray:
        return np.array([(point.x - left) * scale, (point.y - top) * scale], np.float32)

    corner = np.array([left, top], np.float32)
    return _Scene(
        window=window,
        rgb=small,
        lab=cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB).astype(np.float32),
        person=person.seen(window, size),
        skin_colours=_colours(rgb, face.points[_BARE, :2], radius=max(1, int(neck.width / 40))),
        hair_colours=_colours(rgb, _above_hairline(face), radius=2),
        mesh=(face.points[:, :2] - corner) * np.float32(scale),
        left=inside(neck.left),
        right=inside(neck.right),
        chin=inside(neck.chin),
        notch=inside(neck.notch),
        turn=rotation(math.radians(neck.angle)),
        width=neck.width * scale,
    )


def _colours(rgb: Rgb, places: FloatArray, *, radius: int) -> FloatArray:
    """Lab of small patches of the picture, (n, 3); what lies outside is left out."""
    patches = [np.zeros((0, 3), np.uint8)]
    for x, y in places.astype(int).tolist():
        if 0 <= x < rgb.shape[1] and 0 <= y < rgb.shape[0]:
            rows = slice(max(0, y - radius), y + radius + 1)
            patches.append(rgb[rows, max(0, x - radius) : x + radius + 1].reshape(-1, 3))
    pixels = np.concatenate(patches)
    if not len(pixels):
        return np.zeros((0, 3), np.float32)
    lab = cv2.cvtColor(pixels[:, None], cv2.COLOR_RGB2LAB)
    return np.asarray(lab[:, 0].astype(np.float32))


def _above_hairline(face: Mesh) -> FloatArray:
    middle: FloatArray = face.points[:, :2].mean(0)
    edge: FloatArray = face.points[_HAIRLINE, :2]
    return edge + (edge - middle) * np.float32(0.28)


def _window(neck: Neck, *, width: int, height: int) -> tuple[int, int, int, int]:
    middle = (neck.left.x + neck.right.x) / 2
    top = min(neck.chin.y, neck.notch.y) - _ABOVE * neck.width
    bottom = max(neck.chin.y, neck.notch.y) + _BELOW * neck.width
    left = min(max(0, int(middle - _ASIDE * neck.width)), width - 2)
    right = max(left + 2, min(width, int(middle + _ASIDE * neck.width)))
    top = min(max(0, int(top)), height - 2)
    return left, top, right, max(top + 2, min(height, int(bottom)))


def _skin(scene: _Scene) -> tuple[Truth, float]:
    """Bare skin of neck and chest, and how sure that is, 0..1."""
    if _colourless(scene.skin_colours):
        return _by_geometry(scene), COLOURLESS
    likely, neck_like_face = _likelihood(scene)
    reach = _reach(scene)
    face = _filled(scene.shape, scene.mesh[_OVAL])
    marks = _marks(scene, likely, reach=reach, face=face, sure=neck_like_face)
    found = _grabbed(scene, marks) & reach & ~face
    found = _without_crumbs(found)
    return found, BARE_NECK if neck_like_face else COVERED_NECK


def _likelihood(scene: _Scene) -> tuple[FloatArray, bool]:
    """How much each pixel has the colour of skin, 0..1; and whether the neck has it.

    Lightness counts less than colour, for the neck lies in the chin's shadow. A neck like the
    face adds its own, closer, model.
    """
    samples = _trimmed(scene.skin_colours)
    mean = samples.mean(0)
    likely, distance = _closeness(scene.lab, mean, _spread(samples, (150, 9, 14)), lightness=0.45)
    inner = _inner_neck(scene)
    if not inner.any() or float(np.median(distance[inner])) >= 6:
        return likely, False
    own = scene.lab[inner & (distance < 9)]
    closer, _ = _closeness(scene.lab, np.median(own, 0), _spread(own, (120, 8, 10)), lightness=0.7)
    return np.maximum(likely, closer), True


def _colourless(samples: FloatArray) -> bool:
    """A photograph in black and white, or a face that was not seen: skin has a hue elsewhere."""
    return len(samples) < 20 or float(np.median(np.hypot(*(samples[:, 1:].T - 128)))) < 5


def _by_geometry(scene: _Scene) -> Truth:
    """The neck as a column down to the notch, without the face."""
    up, foot = scene.turn[:, 1] * np.float32(-0.25 * scene.width), (scene.notch - scene.chin) * 0.8
    outline = [scene.left + up, scene.right + up, scene.right, scene.right + foot]
    outline += [scene.notch, scene.left + foot, scene.left]
    return _filled(scene.shape, np.stack(outline)) & ~_filled(scene.shape, scene.mesh[_OVAL])


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


def _inner_neck(scene: _Scene) -> Truth:
    """A small ellipse that is neck whatever the clothes, unless they cover all of it."""
    middle = scene.chin * 0.35 + scene.notch * 0.65
    half = (scene.width * 0.22, max(3.0, float(np.linalg.norm(scene.notch - scene.chin)) * 0.33))
    mark = np.zeros(scene.shape, np.uint8)
    angle = math.degrees(math.atan2(scene.turn[1, 0], scene.turn[0, 0]))
    centre = (int(middle[0]), int(middle[1]))
    cv2.ellipse(mark, centre, (max(2, int(half[0])), max(2, int(half[1]))), angle, 0, 360, 1, -1)
    return np.asarray(mark > 0)


def _filled(shape: tuple[int, int], outline: FloatArray) -> Truth:
    mark = np.zeros(shape, np.uint8)
    cv2.fillPoly(mark, [outline.astype(np.int32)], 1)
    return np.asarray(mark > 0)


def _reach(scene: _Scene) -> Truth:
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
    return _filled(scene.shape, np.stack(outline))


def _marks(
    scene: _Scene, likely: FloatArray, *, reach: Truth, face: Truth, sure: bool
) -> NDArray[np.uint8]:
    """GrabCut's start: certain and probable skin, certain and probable other."""
    person = scene.person
    marks = np.full(scene.shape, cv2.GC_PR_BGD, np.uint8)
    marks[(likely > 0.35) & reach & (person > 0.4)] = cv2.GC_PR_FGD
    if sure:
        marks[_inner_neck(scene) & (likely > 0.5)] = cv2.GC_FGD
    marks[(likely < 0.03) | (person < 0.15)] = cv2.GC_BGD
    elsewhere = ~reach & ~face
    marks[elsewhere] = np.where(likely[elsewhere] > 0.5, cv2.GC_PR_BGD, cv2.GC_BGD)
    core = cv2.erode(face.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    marks[core & (likely > 0.3)] = cv2.GC_PR_FGD
    return marks


def _grabbed(scene: _Scene, marks: NDArray[np.uint8]) -> Truth:
    """GrabCut needs pixels of both kinds; without them the marks stand as they are."""
    skin = (marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)
    if min(int(skin.sum()), int((~skin).sum())) < 30:
        return np.asarray(skin)
    cv2.setRNGSeed(0)
    other, own = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(scene.rgb, marks, (0, 0, 0, 0), other, own, 3, cv2.GC_INIT_WITH_MASK)
    return np.asarray((marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD))


def _without_crumbs(found: Truth) -> Truth:
    """Without specks: parts below 6 % of the whole, and what a 3 x 3 brush does not fill."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8))
    large = stats[:, cv2.CC_STAT_AREA] > 0.06 * max(1, int(found.sum()))
    large[0] = False
    kept = large[labels].astype(np.uint8) if count > 1 else found.astype(np.uint8)
    return np.asarray(cv2.morphologyEx(kept, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0)


def _front(scene: _Scene, skin: Truth, confidence: float) -> Truth:
    """The face, hair, and what is beside the person. On a bare neck also, above the collar bones,
    all that is not skin (collar, scarf); on a covered one the jewellery lies over the cloth.
    """
    face = _filled(scene.shape, scene.mesh[_OVAL])
    rows, columns = np.mgrid[: scene.shape[0], : scene.shape[1]]
    down = scene.turn[:, 1]
    below = ((columns - scene.notch[0]) * down[0] + (rows - scene.notch[1]) * down[1]) / scene.width
    beside = (scene.person < 0.2) & (below < 0.5)
    front = beside
    if confidence != COLOURLESS:
        front |= _hair(scene, skin, below)
    if confidence == BARE_NECK:
        front |= below < 0.12
    whole = ((front & ~skin) | face).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(whole, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0)


def _hair(scene: _Scene, skin: Truth, below: FloatArray) -> Truth:
    """Pixels of the hair's colour on the person, if they hang together with the head's.

    below: how far a pixel lies under the notch, neck widths, (h, w).
    """
    samples = scene.hair_colours
    if len(samples) <= 20:
        return np.zeros(scene.shape, bool)
    middle = np.median(samples, axis=0)
    usual = np.median(np.abs(samples - middle), axis=0) * 1.48 + np.array([14, 4, 5])
    alike = (((scene.lab - middle) / usual) ** 2).sum(axis=2) < 9
    alike &= (scene.person > 0.3) & ~skin
    _, labels = cv2.connectedComponents(alike.astype(np.uint8))
    chin = float((scene.chin - scene.notch) @ scene.turn[:, 1]) / scene.width
    return np.asarray(alike & np.isin(labels, np.unique(labels[alike & (below < chin)])))


def _strands(rgb: Rgb, scene: _Scene, skin: Alpha) -> Alpha:
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
    """A median of at most 31 pixels a side: larger ones are taken on a smaller picture."""
    shrink = max(1, math.ceil(side / 31))
    size = (max(1, lab.shape[1] // shrink), max(1, lab.shape[0] // shrink))
    small = cv2.resize(lab, size, interpolation=cv2.INTER_AREA)
    blurred = cv2.medianBlur(small, (side // shrink) | 1)
    whole = (lab.shape[1], lab.shape[0])
    return cv2.resize(blurred, whole, interpolation=cv2.INTER_LINEAR).astype(np.uint8)


def _carried(rgb: Rgb, scene: _Scene, mask: Truth) -> Alpha:
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
