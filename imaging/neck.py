"""The neck from the face mesh and the shoulders: a small linear model.

The neck is described in the torso's frame: the origin is the chin of the mesh, one unit is the
face's size, u runs along the shoulders to the picture's right, v down the torso. Each output is a
weighted sum of a few measures (`neck_coefficients.json`, fitted and judged by leave-one-out in
`benchmarks/neck_fit.py`). The model is mirror-symmetric: outputs along u use only measures that
change sign in the mirror, all others only measures that do not.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np

from imaging.landmarks import (
    CHEEK_LEFT,
    CHEEK_RIGHT,
    CHIN,
    FOREHEAD,
    Mesh,
    rotation,
    wrapped,
)
from imaging.torso import Body
from imaging.types import Box, FloatArray, Neck, Point

COEFFICIENTS = Path(__file__).with_name("neck_coefficients.json")

FACE_WIDTH_MM = 132.0
"""Cheek to cheek on the mesh; people differ by 8.5 mm (one standard deviation)."""

_ASTRAY = 1.2
"""Radians between shoulders and eyes from which the shoulders are not believed."""

Model: TypeAlias = Mapping[str, Mapping[str, float]]
"""Output name to measure name to weight."""

NECK_OUTPUTS = (
    *("centre_u", "half_width", "edge_v", "edge_tilt"),
    *("chin_u", "chin_v", "notch_u", "notch_v"),
)


@cache
def coefficients() -> Model:
    model: Model = json.loads(COEFFICIENTS.read_text(encoding="utf-8"))["outputs"]
    return model


@dataclass(frozen=True, slots=True)
class Frame:
    """Where u and v lie on the picture. turn: (2, 2), columns u and v; size: pixels of a unit."""

    origin: FloatArray
    turn: FloatArray
    size: float

    def to_picture(self, u: float, v: float) -> Point:
        x, y = self.origin + self.turn @ np.array([u, v], np.float32) * np.float32(self.size)
        return Point(float(x), float(y))

    def from_picture(self, place: FloatArray) -> FloatArray:
        return (self.turn.T @ (place - self.origin) / np.float32(self.size)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class HeadAxes:
    """across: unit vector from left to right cheek; down: from forehead to chin, at right angles
    to it; width, height: pixels between those points. In space: x, y, depth.
    """

    across: FloatArray
    down: FloatArray
    width: float
    height: float

    @property
    def size(self) -> float:
        return math.sqrt(self.width * self.height)

    @property
    def yaw(self) -> float:
        return math.degrees(math.asin(float(np.clip(self.across[2], -1, 1))))

    @property
    def pitch(self) -> float:
        return -math.degrees(math.asin(float(np.clip(self.down[2], -1, 1))))


def head_axes(face: Mesh) -> HeadAxes:
    across = face.points[CHEEK_RIGHT] - face.points[CHEEK_LEFT]
    down = face.points[CHIN] - face.points[FOREHEAD]
    width, height = float(np.linalg.norm(across)), float(np.linalg.norm(down))
    across = across / np.float32(max(width, 1e-6))
    down -= (down @ across) * across
    return HeadAxes(
        across, down / np.float32(max(float(np.linalg.norm(down)), 1e-6)), width, height
    )


def torso_angle(face: Mesh, body: Body) -> float:
    """Radians clockwise; the head's own when the shoulders cannot be right."""
    return face.roll if abs(wrapped(body.angle - face.roll)) > _ASTRAY else body.angle


def torso_frame(face: Mesh, body: Body) -> Frame:
    turn = rotation(torso_angle(face, body))
    return Frame(face.points[CHIN, :2], turn, head_axes(face).size)


def measures(face: Mesh, body: Body, frame: Frame) -> dict[str, float]:
    """What the model looks at. In the mirror head_yaw and shoulders_u change sign, no other."""
    head = head_axes(face)
    left, right = body.shoulders
    middle = frame.from_picture((left + right) * np.float32(0.5))
    cheeks = frame.from_picture((face.points[CHEEK_LEFT] + face.points[CHEEK_RIGHT])[:2] / 2)
    return {
        "one": 1.0,
        "head_yaw": float(head.across[2]),
        "head_pitch": float(head.down[2]),
        "face_aspect": math.log(head.width / head.height),
        "cheeks_v": float(cheeks[1]),
        "shoulders_u": float(middle[0]),
        "shoulders_v": float(middle[1]),
        "shoulder_width": float(np.linalg.norm(right - left)) / frame.size,
    }


def outputs(names: Sequence[str], values: Mapping[str, float], model: Model) -> dict[str, float]:
    return {
        name: sum(weight * values[measure] for measure, weight in model[name].items())
        for name in names
    }


def locate(face: Mesh, body: Body, *, width: int, height: int, model: Model | None = None) -> Neck:
    """The neck of a face on a picture of this size; parts may lie outside the picture."""
    frame = torso_frame(face, body)
    out = outputs(NECK_OUTPUTS, measures(face, body, frame), model or coefficients())
    left = frame.to_picture(out["centre_u"] - out["half_width"], out["edge_v"] - out["edge_tilt"])
    right = frame.to_picture(out["centre_u"] + out["half_width"], out["edge_v"] + out["edge_tilt"])
    chin = frame.to_picture(out["chin_u"], out["chin_v"])
    notch = frame.to_picture(out["notch_u"], out["notch_v"])
    neck_width = math.hypot(right.x - left.x, right.y - left.y)
    return Neck(
        box=_clipped(left, right, chin, notch, width=width, height=height),
        left=left,
        right=right,
        chin=chin,
        notch=notch,
        angle=math.degrees(torso_angle(face, body)),
        width=neck_width,
        px_per_mm=head_axes(face).width / FACE_WIDTH_MM,
        yaw=torso_yaw(body),
        confidence=_confidence(face, body, neck_width),
    )


def guess(box: FloatArray, body: Body, *, width: int, height: int) -> Neck:
    """A neck for a face that the mesh does not fit, as a profile: from its box (4,) alone.

    The proportions are the medians of the measured photographs; the confidence is low.
    """
    centre, size = box[:2] + box[2:] * np.float32(0.5), float(box[3])
    frame = Frame(centre, rotation(body.angle if abs(body.angle) < _ASTRAY else 0.0), size)
    left, right = frame.to_picture(-0.29, 0.62), frame.to_picture(0.29, 0.62)
    chin, notch = frame.to_picture(0.0, 0.54), frame.to_picture(0.0, 0.94)
    return Neck(
        box=_clipped(left, right, chin, notch, width=width, height=height),
        left=left,
        right=right,
        chin=chin,
        notch=notch,
        angle=math.degrees(body.angle),
        width=0.58 * size,
        px_per_mm=size / FACE_WIDTH_MM,
        yaw=torso_yaw(body),
        confidence=0.1,
    )


def _clipped(
    left: Point, right: Point, chin: Point, notch: Point, *, width: int, height: int
) -> Box:
    """Left to right, chin to notch; turned bodies make the points change places."""
    x = sorted(min(max(point.x, 0.0), width - 1.0) for point in (left, right))
    y = sorted(min(max(point.y, 0.0), height - 1.0) for point in (chin, notch))
    return Box(x[0], y[0], x[1] - x[0], y[1] - y[0])


def torso_yaw(body: Body) -> float:
    """Degrees, from how much deeper the right shoulder lies."""
    left, right = body.shoulders
    across = max(float(np.linalg.norm(right - left)), 1e-6)
    return math.degrees(math.atan2(float(body.depth[11] - body.depth[12]), across))


def _confidence(face: Mesh, body: Body, neck_width: float) -> float:
    """Falls with a weak mesh, hidden shoulders, looks that disagree, and a turned head."""
    agreement = 1 - _ramp(body.spread / max(neck_width, 1e-6), low=0.3, high=1.5)
    frontal = 1 - 0.6 * _ramp(abs(head_axes(face).yaw), low=15, high=45)
    shoulders = 0.5 + 0.5 * float(body.visibility[11:13].min())
    return face.presence * agreement * frontal * shoulders


def _ramp(value: float, *, low: float, high: float) -> float:
    return min(1.0, max(0.0, (value - low) / (high - low)))
