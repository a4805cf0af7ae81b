"""The neck cut out of a photograph: a small crop with all that the masks are made from."""

import math
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from imaging.encode import fit
from imaging.landmarks import Mesh, mesh_near, rotation
from imaging.torso import Person, person_under
from imaging.types import Analysis, FloatArray, Neck, Point, Rgb

Truth: TypeAlias = NDArray[np.bool_]
"""(height, width), of the crop."""

LOOKED_AT = 1280
"""Long side in pixels of what the nets see, as in the analysis."""

_WIDTH = 256
"""Pixels across the crop on which colours are sorted."""

_ASIDE, _ABOVE, _BELOW = 1.9, 0.9, 1.3
"""How far the crop reaches from the neck's middle, chin and notch, in neck widths."""

OVAL = [
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
]
"""The face's outline on the mesh, from the forehead round by the picture's right."""

BARE = [
    *(50, 101, 118, 117, 123, 187, 205, 36, 280, 330, 347, 346, 352, 411, 425, 266),
    *(4, 5, 195, 197, 151, 9, 108, 337, 69, 299, 152, 175, 199, 200),
]
"""Mesh points on cheeks, nose, forehead and chin, where a face is skin."""

_HAIRLINE = [10, 338, 297, 109, 67, 103, 332, 21, 251, 162, 389]
"""Points of the outline above which hair begins."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The crop: rgb (h, w, 3) small, lab of it smoothed, float32; person (h, w) 0..1; places in
    crop pixels; width of the neck in crop pixels. window: left, top, right, bottom in the picture.
    skin_colours, hair_colours: Lab samples from the face and from above it, (n, 3). hands: each
    hand's corners, (4, 2).
    """

    window: tuple[int, int, int, int]
    rgb: Rgb
    lab: FloatArray
    person: FloatArray
    skin_colours: FloatArray
    hair_colours: FloatArray
    mesh: FloatArray
    hands: tuple[FloatArray, ...]
    left: FloatArray
    right: FloatArray
    chin: FloatArray
    notch: FloatArray
    turn: FloatArray
    width: float

    @property
    def shape(self) -> tuple[int, int]:
        return self.rgb.shape[0], self.rgb.shape[1]

    @property
    def face(self) -> Truth:
        return filled(self.shape, self.mesh[OVAL])


def scene_of(rgb: Rgb, analysis: Analysis) -> Scene:
    neck, primary = analysis.neck, analysis.primary_face
    assert neck is not None
    assert primary is not None
    small = fit(rgb, LOOKED_AT)
    scale = small.shape[1] / rgb.shape[1]
    own, others = face_boxes(analysis, scale)
    face = mesh_near(small, own, angle=math.radians(primary.pose.roll))
    person = person_under(small, face, others, angle=math.radians(neck.angle))
    return _cut(rgb, neck, face.scaled(1 / scale), person.scaled(1 / scale))


def face_boxes(analysis: Analysis, scale: float) -> tuple[FloatArray, list[FloatArray]]:
    """The primary's box (4,) and the other people's, in pixels of a picture of another scale."""
    boxes = [
        np.array([each.box.x, each.box.y, each.box.width, each.box.height], np.float32)
        * np.float32(scale)
        for each in analysis.faces
    ]
    return boxes.pop(analysis.primary or 0), boxes


def _cut(rgb: Rgb, neck: Neck, face: Mesh, person: Person) -> Scene:
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
    return Scene(
        window=window,
        rgb=small,
        lab=cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB).astype(np.float32),
        person=person.seen(window, size),
        skin_colours=colours(rgb, face.points[BARE, :2], radius=max(1, int(neck.width / 40))),
        hair_colours=colours(rgb, above_hairline(face), radius=2),
        mesh=(face.points[:, :2] - corner) * np.float32(scale),
        hands=tuple((hand - corner) * np.float32(scale) for hand in person.hands),
        left=inside(neck.left),
        right=inside(neck.right),
        chin=inside(neck.chin),
        notch=inside(neck.notch),
        turn=rotation(math.radians(neck.angle)),
        width=neck.width * scale,
    )


def colours(rgb: Rgb, places: FloatArray, *, radius: int) -> FloatArray:
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


def above_hairline(face: Mesh) -> FloatArray:
    middle: FloatArray = face.points[:, :2].mean(0)
    edge: FloatArray = face.points[_HAIRLINE, :2]
    return edge + (edge - middle) * np.float32(0.28)


def _window(neck: Neck, *, width: int, height: int) -> tuple[int, int, int, int]:
    middle = (neck.left.x + neck.right.x) / 2
    top = min(neck.chin.y, neck.notch.y) - _ABOVE * neck.width
    bottom = max(neck.chin.y, neck.notch.y) + _BELOW * neck.width
    left = max(0, min(int(middle - _ASIDE * neck.width), width - 2))
    right = max(left + 2, min(width, int(middle + _ASIDE * neck.width)))
    top = max(0, min(int(top), height - 2))
    return left, top, min(right, width), min(height, max(top + 2, int(bottom)))


def filled(shape: tuple[int, int], outline: FloatArray) -> Truth:
    mark = np.zeros(shape, np.uint8)
    cv2.fillPoly(mark, [outline.astype(np.int32)], 1)
    return np.asarray(mark > 0)
