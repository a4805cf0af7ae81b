"""Palms: where hands are, each a square with the way from wrist to fingers, over a whole picture.

The net's anchors stand on grids of strides 8 and 16, as the net was trained (MediaPipe's published
graph of palm detection); overlapping answers are averaged as in `faces`.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from imaging.faces import letterbox, merged_boxes
from imaging.models import net
from imaging.types import FloatArray, Rgb

SEEN = 0.5
"""Score from which an anchor sees a palm, as its authors use it."""

_SIDE = 192
_GRIDS = ((24, 2), (12, 6))
"""Cells along the input's side, and anchors in each."""

_WRIST, _MIDDLE_BASE = 0, 2
"""Of a palm's seven key points, those that show its direction."""


@dataclass(frozen=True, slots=True)
class Palm:
    """centre: (2,); side: of a square about the palm, pixels. angle: radians by which it is
    turned clockwise from fingers up. score: 0..1.
    """

    centre: FloatArray
    side: float
    angle: float
    score: float


def palms(rgb: Rgb) -> list[Palm]:
    """Every palm on the picture, best first."""
    scale = _SIDE / max(rgb.shape[:2])
    square, offset = letterbox(rgb, _SIDE, scale)
    logits, values = _outputs((square + np.float32(1)) / np.float32(2))
    scores = (1 / (1 + np.exp(-np.clip(logits, -80, 80)))).astype(np.float32)
    seen = scores > SEEN
    points = (values[seen] / np.float32(_SIDE)).reshape(-1, 9, 2)
    points[:, [0, *range(2, 9)]] += _anchors()[seen][:, None]
    points[:, 0] -= points[:, 1] / 2
    return [
        _on_picture(each, score, offset=offset, scale=scale)
        for each, score in merged_boxes(points, scores[seen])
    ]


def _outputs(square: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Logits (2016,) and values (2016, 18) of the anchors; square: (192, 192, 3), 0..1."""
    network = net("palm_detection_full")
    network.setInput(square.transpose(2, 0, 1)[None])
    outputs = network.forward(network.getUnconnectedOutLayersNames())
    logits = next(out for out in outputs if out.shape[-1] == 1).ravel()
    values = next(out for out in outputs if out.shape[-1] == 18).reshape(-1, 18)
    return np.asarray(logits, np.float32), np.asarray(values, np.float32)


@cache
def _anchors() -> FloatArray:
    """Centres as parts of the input's side, (2016, 2)."""
    grids = []
    for cells, count in _GRIDS:
        line = (np.arange(cells) + 0.5) / cells
        centres = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
        grids.append(np.repeat(centres, count, axis=0))
    return np.concatenate(grids).astype(np.float32)


def _on_picture(points: FloatArray, score: float, *, offset: FloatArray, scale: float) -> Palm:
    places = (points[2:] * _SIDE - offset) / scale
    corner, size = (points[0] * _SIDE - offset) / scale, points[1] * _SIDE / scale
    along = places[_MIDDLE_BASE] - places[_WRIST]
    return Palm(
        centre=(corner + size / 2).astype(np.float32),
        side=float(size.max()),
        angle=math.atan2(along[0], -along[1]),
        score=score,
    )
