"""Points of the face: a mesh of 468.

The net looks at a square cut out of the picture, turned so that the head is upright, and its
points are carried back. Points are named by their number in the mesh.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from imaging.faces import Detection
from imaging.models import net
from imaging.types import FloatArray, Rgb

FOREHEAD, CHIN = 10, 152
CHEEK_LEFT, CHEEK_RIGHT = 234, 454
EYE_LEFT, EYE_RIGHT = 33, 263
"""Outer corners of the eyes; left and right as the picture shows an upright face."""

_MESH_SIDE = 192
_MESH_MARGIN = 1.5
"""The crop reaches this far beyond the points, as when the mesh was trained."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """points: (468, 3) float32, pixels; z away from the camera. logit: of a face being there."""

    points: FloatArray
    logit: float

    @property
    def presence(self) -> float:
        return 1 / (1 + math.exp(-max(-80.0, min(80.0, self.logit))))

    def scaled(self, factor: float) -> "Mesh":
        return Mesh(self.points * np.float32(factor), self.logit)

    @property
    def roll(self) -> float:
        """Tilt of the line of the eyes, radians clockwise."""
        across = self.points[EYE_RIGHT, :2] - self.points[EYE_LEFT, :2]
        return math.atan2(across[1], across[0])

    @property
    def height(self) -> float:
        """A face's height in pixels, brows to chin and a little more: the mesh ends lower."""
        return float(np.linalg.norm(self.points[CHIN] - self.points[FOREHEAD])) * 1.18


def mesh(rgb: Rgb, detection: Detection) -> Mesh:
    """The mesh of a detected face."""
    across = detection.points[1] - detection.points[0]
    return mesh_near(rgb, detection.box, angle=math.atan2(across[1], across[0]))


def mesh_near(rgb: Rgb, box: FloatArray, *, angle: float) -> Mesh:
    """The mesh of a face that fills about this box, x, y, width, height, tilted by radians; the
    second look is aimed by the first one's points.
    """
    side = _MESH_MARGIN * float(box[2:].max())
    first = _mesh_once(rgb, centre=box[:2] + box[2:] * np.float32(0.5), side=side, angle=angle)
    turn = rotation(first.roll)
    straight = first.points[:, :2] @ turn
    low, high = straight.min(0), straight.max(0)
    return _mesh_once(
        rgb,
        centre=(turn @ ((low + high) * np.float32(0.5))).astype(np.float32),
        side=_MESH_MARGIN * float((high - low).max()),
        angle=first.roll,
    )


def _mesh_once(rgb: Rgb, *, centre: FloatArray, side: float, angle: float) -> Mesh:
    square, to_picture = crop(rgb, centre=centre, side=side, angle=angle, pixels=_MESH_SIDE)
    outputs = run("face_landmark", square)
    points = next(out for out in outputs.values() if out.size == 1404).reshape(-1, 3)
    logit = float(next(out for out in outputs.values() if out.size == 1).item())
    flat = points[:, :2] @ to_picture[:, :2].T + to_picture[:, 2]
    depth = points[:, 2:] * (side / _MESH_SIDE)
    return Mesh(np.hstack([flat, depth]).astype(np.float32), logit)


def crop(
    rgb: Rgb, *, centre: FloatArray, side: float, angle: float, pixels: int
) -> tuple[Rgb, NDArray[np.float64]]:
    """A turned square as (pixels, pixels, 3), black outside; and the matrix back, 2 x 3."""
    step = side / pixels
    to_picture = np.empty((2, 3))
    to_picture[:, :2] = rotation(angle) * step
    to_picture[:, 2] = centre - to_picture[:, :2] @ np.full(2, pixels / 2)
    shrink = max(1, int(step))
    source = rgb
    if shrink > 1:
        size = (max(1, rgb.shape[1] // shrink), max(1, rgb.shape[0] // shrink))
        source = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    ratio = np.array([[source.shape[1] / rgb.shape[1]], [source.shape[0] / rgb.shape[0]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    square = cv2.warpAffine(source, to_picture * ratio, (pixels, pixels), flags=flags)
    return square.astype(np.uint8, copy=False), to_picture


def run(name: str, square: Rgb) -> dict[str, FloatArray]:
    network = net(name)
    network.setInput((square.astype(np.float32) / np.float32(255)).transpose(2, 0, 1)[None])
    names = network.getUnconnectedOutLayersNames()
    outputs = (np.asarray(out, np.float32) for out in network.forward(names))
    return dict(zip(names, outputs, strict=True))


def rotation(angle: float) -> FloatArray:
    """Turns (x, y) clockwise as seen on the picture; radians."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.array([[cosine, -sine], [sine, cosine]], np.float32)


def wrapped(angle: float) -> float:
    """The same direction between -pi and pi."""
    return (angle + math.pi) % (2 * math.pi) - math.pi


def logistic(logits: FloatArray) -> FloatArray:
    return (1 / (1 + np.exp(-np.clip(logits, -60, 60)))).astype(np.float32)
