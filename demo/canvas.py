"""A drawing board in millimetres: shapes with relief, painted back to front, supersampled.

Each shape knows its signed distance (mm, negative inside), so that it can also darken what lies
just behind it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np

from demo.studio import Array, Material, cut_stone, shade

SUPERSAMPLING = 3

Shape: TypeAlias = Callable[[Array, Array], Array]
"""Signed distance in mm of a place (x, y) in mm from the shape's own middle."""


def disc(radius: float) -> Shape:
    return lambda x, y: np.hypot(x, y) - radius


def oval(half_width: float, half_height: float) -> Shape:
    def distance(x: Array, y: Array) -> Array:
        rho = np.hypot(x / half_width, y / half_height)
        slope = np.hypot(x / half_width**2, y / half_height**2)
        return np.asarray((rho - 1.0) * rho / np.maximum(slope, 1e-6))

    return distance


def drop(half_width: float, half_height: float) -> Shape:
    """A pear: round below, pointed above; a circle and its two tangents from the tip."""
    axis = 2 * half_height - half_width
    sine = half_width / axis
    cosine = float(np.sqrt(1.0 - sine * sine))

    def distance(x: Array, y: Array) -> Array:
        along = np.abs(x) * sine + (y + half_height) * cosine
        side = np.abs(x) * cosine - (y + half_height) * sine
        belly = np.hypot(x, y - (half_height - half_width)) - half_width
        tip = np.hypot(x, y + half_height)
        return np.where(along > axis * cosine, belly, np.where(along < 0, tip, side))

    return distance


def leaf(half_width: float, half_height: float) -> Shape:
    """A marquise: two arcs that meet in points above and below."""
    bulge = (half_height**2 - half_width**2) / (2 * half_width)
    return lambda x, y: np.hypot(np.abs(x) + bulge, y) - (bulge + half_width)


@dataclass(slots=True)
class Patch:
    """A square of the board around a place, turned by an angle; u, v in mm in its own axes."""

    rows: slice
    columns: slice
    u: Array
    v: Array
    cosine: float
    sine: float

    def normal(self, across: Array, along: Array) -> Array:
        """Unit normals on the board from slopes in the patch's own axes."""
        x = across * self.cosine - along * self.sine
        y = across * self.sine + along * self.cosine
        flat = np.stack([x, y, np.sqrt(np.clip(1.0 - x * x - y * y, 0.0, 1.0))], -1)
        return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=-1, keepdims=True), 1e-6))


class Canvas:
    """width, height in mm; x runs from -width/2, y from top; px_per_mm of the finished picture."""

    def __init__(self, width: float, height: float, *, top: float, px_per_mm: float) -> None:
        self.scale = px_per_mm * SUPERSAMPLING
        self.left, self.top = -width / 2, top
        size = (round(height * self.scale), round(width * self.scale))
        self.colour: Array = np.zeros((*size, 3), np.float32)
        self.alpha: Array = np.zeros(size, np.float32)

    def patch(self, x: float, y: float, reach: float, angle: float = 0.0) -> Patch:
        """The square of half side reach (mm) around (x, y), axes turned by angle (radians)."""
        column, row = (x - self.left) * self.scale, (y - self.top) * self.scale
        half = int(np.ceil(reach * self.scale)) + 1
        rows = slice(max(0, int(row) - half), max(0, int(row) + half + 1))
        columns = slice(max(0, int(column) - half), max(0, int(column) + half + 1))
        height, width = self.alpha[rows, columns].shape
        across = (np.arange(columns.start, columns.start + width) - column) / self.scale
        down = (np.arange(rows.start, rows.start + height) - row) / self.scale
        cosine, sine = float(np.cos(angle)), float(np.sin(angle))
        dx, dy = np.meshgrid(across, down)
        u, v = dx * cosine + dy * sine, dy * cosine - dx * sine
        return Patch(rows, columns, u, v, cosine, sine)

    def paint(self, patch: Patch, distance: Array, colour: Array) -> None:
        """Put colour where distance < 0 and darken what lies up to a millimetre around it."""
        ground = self.colour[patch.rows, patch.columns]
        ground *= 1.0 - 0.55 * np.exp(-np.clip(distance, 0.0, None) / 0.22)[..., None]
        inside = distance < 0
        ground[inside] = colour[inside]
        self.alpha[patch.rows, patch.columns][inside] = 1.0

    def bead(self, x: float, y: float, radius: float, material: Material) -> None:
        self.pebble(x, y, radius, radius, 0.0, material)

    def pebble(self, x: float, y: float, a: float, b: float, angle: float, m: Material) -> None:
        """An ellipsoid with half axes a (along angle) and b, mm."""
        patch = self.patch(x, y, max(a, b) + 0.6, angle)
        distance = oval(a, b)(patch.u, patch.v)
        ru, rv = patch.u / a, patch.v / b
        out = np.sqrt(np.clip(1.0 - ru * ru - rv * rv, 0.0, 1.0))
        low = min(a, b)
        raw = np.stack([ru / a * low, rv / b * low, out], -1)
        raw /= np.maximum(np.linalg.norm(raw, axis=-1, keepdims=True), 1e-6)
        self.paint(patch, distance, shade(patch.normal(raw[..., 0], raw[..., 1]), m))

    def tube(self, x: float, y: float, line: Shape, thickness: float, reach: float,
             m: Material, angle: float = 0.0) -> None:  # fmt: skip
        """Round wire of a half thickness (mm) along the zero line of a shape."""
        patch = self.patch(x, y, reach + thickness + 0.6, angle)
        away = line(patch.u, patch.v)
        slope_v, slope_u = np.gradient(away, 1.0 / self.scale)
        length = np.maximum(np.hypot(slope_u, slope_v), 1e-6)
        bend = np.clip(away / thickness, -1.0, 1.0)
        normal = patch.normal(bend * slope_u / length, bend * slope_v / length)
        self.paint(patch, np.abs(away) - thickness, shade(normal, m))

    def plate(self, x: float, y: float, shape: Shape, relief: Shape, reach: float,
              m: Material, angle: float = 0.0) -> None:  # fmt: skip
        """Sheet metal with an embossed relief: height in mm as a function of the place."""
        patch = self.patch(x, y, reach + 0.6, angle)
        edge = shape(patch.u, patch.v)
        height = relief(patch.u, patch.v) - 0.9 * np.exp(np.clip(edge, -3.0, 0.0) / 0.35)
        slope_v, slope_u = np.gradient(height, 1.0 / self.scale)
        steep = np.sqrt(1.0 + slope_u**2 + slope_v**2)
        self.paint(patch, edge, shade(patch.normal(-slope_u / steep, -slope_v / steep), m))

    def stone(self, x: float, y: float, shape: Shape, half: tuple[float, float],
              m: Material, angle: float = 0.0) -> None:  # fmt: skip
        """A cut stone with half axes in mm."""
        patch = self.patch(x, y, max(half) + 0.6, angle)
        seed = int(round(x * 7) + round(y * 13)) % 97
        colour = cut_stone(patch.u / half[0], patch.v / half[1], m, seed=seed)
        self.paint(patch, shape(patch.u, patch.v), colour)

    def finished(self) -> Array:
        """(height, width, 4) float32: premultiplied linear light and alpha, averaged down."""
        whole = np.dstack([np.clip(self.colour, 0.0, 1.0) * self.alpha[..., None], self.alpha])
        size = (whole.shape[1] // SUPERSAMPLING, whole.shape[0] // SUPERSAMPLING)
        return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA))
