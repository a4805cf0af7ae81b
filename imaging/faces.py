"""Faces: BlazeFace full range over the whole picture; where it sees nobody, a closer search.

The detector's box reaches from the brows to the chin and from cheek to cheek. Each answer is the
average of the overlapping anchors, weighted by their scores (the authors' own suppression).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from imaging.models import net
from imaging.types import FloatArray, Rgb

SEEN = 0.5
"""Score from which an anchor sees a face; the lowest upright face of those measured has 0.80."""

SEEN_CLOSER = 0.65
"""The same for tiles, of which there are many, so that a chance likeness has many chances."""

SAME_FACE = 0.3
"""Overlap (intersection over union) from which two boxes are one face."""


@dataclass(frozen=True, slots=True)
class Detection:
    """box: (4,) x, y, width, height. points: (6, 2) eyes, nose, mouth, ears; of the pairs, the one
    that is left on the picture of an upright face comes first. All in pixels.
    """

    box: FloatArray
    score: float
    points: FloatArray

    @property
    def centre(self) -> FloatArray:
        return self.box[:2] + self.box[2:] * np.float32(0.5)


@dataclass(frozen=True, slots=True)
class Detector:
    """side: of the square input. grids: cells along a side and anchors in each cell."""

    name: str
    side: int
    grids: tuple[tuple[int, int], ...]


FULL_RANGE = Detector("face_detection_full_range", 192, ((48, 1),))
SHORT_RANGE = Detector("face_detection_short_range", 128, ((16, 2), (8, 6)))


@cache
def _anchors(detector: Detector) -> FloatArray:
    """Centres of the anchors as parts of the input's side, (n, 2): x, y."""
    grids: list[FloatArray] = []
    for cells, count in detector.grids:
        line = (np.arange(cells) + 0.5) / cells
        centres = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
        grids.append(np.repeat(centres, count, axis=0).astype(np.float32))
    return np.concatenate(grids)


def detect(rgb: Rgb) -> list[Detection]:
    """Every face on the picture, best first."""
    return _detect(rgb, FULL_RANGE)


def search(rgb: Rgb) -> list[Detection]:
    """Faces that `detect` misses: very near ones, then small ones. Slow, and it sees likenesses
    in clouds and cups: its answers need to be confirmed.
    """
    return _detect(rgb, SHORT_RANGE) + _in_tiles(rgb)


def _detect(rgb: Rgb, detector: Detector) -> list[Detection]:
    side = detector.side
    scale = side / max(rgb.shape[:2])
    padded, offset = letterbox(rgb, side, scale)
    blazeface = net(detector.name)
    blazeface.setInput(padded.transpose(2, 0, 1)[None])
    outputs = blazeface.forward(blazeface.getUnconnectedOutLayersNames())
    logits = next(out for out in outputs if out.shape[-1] == 1).ravel()
    values = next(out for out in outputs if out.shape[-1] == 16).reshape(-1, 16)
    scores = (1 / (1 + np.exp(-np.clip(logits, -80, 80)))).astype(np.float32)
    seen = scores > SEEN
    points = (values[seen] / np.float32(side)).astype(np.float32).reshape(-1, 8, 2)
    points[:, [0, 2, 3, 4, 5, 6, 7]] += _anchors(detector)[seen][:, None]
    points[:, 0] -= points[:, 1] / 2
    merged = merged_boxes(points, scores[seen])
    return [
        _to_picture(each, score, offset=offset, side=side, scale=scale) for each, score in merged
    ]


def letterbox(rgb: Rgb, side: int, scale: float) -> tuple[FloatArray, FloatArray]:
    """The picture in the middle of a black square, in -1..1; and where it begins."""
    height, width = (max(1, round(length * scale)) for length in rgb.shape[:2])
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    top, left = (side - height) // 2, (side - width) // 2
    square = np.zeros((side, side, 3), np.float32)
    square[top : top + height, left : left + width] = small
    return square / np.float32(127.5) - np.float32(1), np.array([left, top], np.float32)


def merged_boxes(points: FloatArray, scores: FloatArray) -> list[tuple[FloatArray, float]]:
    """Average what overlaps. points: (n, 8, 2): corner, size, and six key points of each anchor."""
    merged = []
    left = np.ones(len(scores), bool)
    for best in np.argsort(-scores, kind="stable"):
        if not left[best]:
            continue
        same = left & (
            _overlaps(points[best, :2].ravel(), points[:, :2].reshape(-1, 4)) > SAME_FACE
        )
        left &= ~same
        mean = np.average(points[same], axis=0, weights=scores[same]).astype(np.float32)
        merged.append((mean, float(scores[best])))
    return merged


def _overlaps(box: FloatArray, boxes: FloatArray) -> FloatArray:
    """Intersection over union of one box (4,) with each of many (n, 4): x, y, width, height."""
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    union = box[2] * box[3] + boxes[:, 2] * boxes[:, 3] - shared
    overlaps: FloatArray = shared / np.maximum(union, np.float32(1e-9))
    return overlaps


def _to_picture(
    points: FloatArray, score: float, *, offset: FloatArray, side: int, scale: float
) -> Detection:
    corner = (points[0] * side - offset) / scale
    size = points[1] * side / scale
    key_points = (points[2:] * side - offset) / scale
    return Detection(
        box=np.concatenate([corner, size]).astype(np.float32),
        score=score,
        points=key_points.astype(np.float32),
    )


def _in_tiles(rgb: Rgb) -> list[Detection]:
    """Look closer: four overlapping tiles, then nine."""
    for count in (2, 3):
        found = [
            _shifted(each, left=left, top=top)
            for left, top, tile in _tiles(rgb, count)
            for each in _detect(tile, FULL_RANGE)
            if each.score > SEEN_CLOSER
        ]
        if found:
            return _distinct(found)
    return []


def _tiles(rgb: Rgb, count: int) -> Iterator[tuple[int, int, Rgb]]:
    """Squares of tiles, each a quarter longer than its share, so that none cuts a face."""
    height, width = (math.ceil(side / count * 1.25) for side in rgb.shape[:2])
    for top in np.linspace(0, rgb.shape[0] - height, count).astype(int).tolist():
        for left in np.linspace(0, rgb.shape[1] - width, count).astype(int).tolist():
            yield left, top, rgb[top : top + height, left : left + width]


def _shifted(found: Detection, *, left: int, top: int) -> Detection:
    shift = np.array([left, top], np.float32)
    box = np.concatenate([found.box[:2] + shift, found.box[2:]])
    return Detection(box=box, score=found.score, points=found.points + shift)


def _distinct(found: list[Detection]) -> list[Detection]:
    """Of a face that several tiles saw, the best answer."""
    kept: list[Detection] = []
    for each in sorted(found, key=lambda one: -one.score):
        if all(_overlaps(each.box, other.box[None])[0] < SAME_FACE for other in kept):
            kept.append(each)
    return kept
