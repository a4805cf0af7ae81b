"""A flat overlay becomes a layer of the photograph: bent round the neck, or hung upright.

Everything is an inverse map, so that a single resampling keeps the overlay sharp: for each pixel
of the photograph, which pixel of the overlay is seen there. Layers are premultiplied and in
linear light, shrunk beforehand, so that fine chains neither flicker nor fringe.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from imaging.anchors import Anchors
from imaging.light import to_linear
from imaging.types import FloatArray, Rgba

WRAP = 0.94
"""Sine of the angle, from the front, at which the chain leaves the sight: about 70 degrees."""

BAND_PIXELS = 1_000_000
"""Of a photograph, that are bent at a time: it takes about 100 bytes for each."""


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of the photograph in whole pixels: x0 <= x < x1, y0 <= y < y1."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def empty(self) -> bool:
        return self.x1 <= self.x0 or self.y1 <= self.y0

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return max(0, self.y1 - self.y0), max(0, self.x1 - self.x0)

    def bands(self) -> "Iterator[Region]":
        """The region in strips of whole rows, of at most BAND_PIXELS each or one row."""
        rows = max(1, BAND_PIXELS // max(1, self.x1 - self.x0))
        for top in range(self.y0, self.y1, rows):
            yield Region(self.x0, top, self.x1, min(self.y1, top + rows))

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def grid(self) -> tuple[FloatArray, FloatArray]:
        """The places x and y of every pixel of the region, in the photograph."""
        x, y = np.meshgrid(
            np.arange(self.x0, self.x1, dtype=np.float32),
            np.arange(self.y0, self.y1, dtype=np.float32),
        )
        return x, y


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Jewellery in the photograph's pixels. pixels: (h, w, 4) float32 over the region,
    premultiplied linear light and coverage 0..1. facing: (h, w), 1 where the surface faces the
    camera, less where the chain turns away. skin: (h, w), 1 where it lies on skin that the masks,
    which are of the neck, do not know.
    """

    region: Region
    pixels: FloatArray
    facing: FloatArray
    skin: FloatArray | None = None

    @property
    def coverage(self) -> FloatArray:
        return np.asarray(self.pixels[..., 3], np.float32)


@dataclass(frozen=True, slots=True)
class Bend:
    """How an overlay lies on the neck, pixels of the photograph, angles in radians.

    x, y: the middle between the chain's ends. angle: of the line from end to end, clockwise.
    half: half the neck's width there. scale: pixels of the photograph per overlay pixel.
    turn: the torso's yaw, > 0 to the picture's right. reach: how far above its ends the chain is
    drawn on, until the neck hides it.
    """

    x: float
    y: float
    angle: float
    half: float
    scale: float
    turn: float
    reach: float


def bend(rgba: Rgba, anchors: Anchors, how: Bend, *, size: tuple[int, int]) -> Layer:
    """The overlay on an elliptic cylinder. size: width and height of the photograph."""
    region = _region(rgba, anchors, how, size)
    if region.empty:
        return nothing(region)
    shrunk = _Shrunk.to(rgba, how.scale)
    pixels, facing = np.empty((*region.shape, 4), np.float32), np.empty(region.shape, np.float32)
    for band in region.bands():
        rows = slice(band.y0 - region.y0, band.y1 - region.y0)
        x, y = band.grid()
        across, down = _turned(x - how.x, y - how.y, how.angle)
        part, facing[rows] = _unrolled(across / how.half, how.turn)
        own_x, own_y = _on_overlay(part * how.half / how.scale, down / how.scale, anchors)
        own_x, own_y, drawn = _drawn_on(rgba, anchors, how, own_x, own_y)
        np.multiply(shrunk.at(own_x, own_y), drawn[..., None], out=pixels[rows])
    return Layer(region, pixels, facing)


def hang(rgba: Rgba, *, hook: tuple[float, float], place: tuple[float, float],
         scale: tuple[float, float], angle: float, size: tuple[int, int]) -> Layer:  # fmt: skip
    """A flat piece: the overlay's pixel hook at the photograph's place, scaled across and down,
    turned clockwise by angle (radians) about the place.
    """
    height, width = rgba.shape[:2]
    corners = [(cx, cy) for cx in (0, width) for cy in (0, height)]
    xs, ys = zip(*(_turned_back((cx - hook[0]) * scale[0], (cy - hook[1]) * scale[1], angle)
                   for cx, cy in corners), strict=True)  # fmt: skip
    region = clipped(
        place[0] + min(xs), place[1] + min(ys), place[0] + max(xs), place[1] + max(ys), size
    )
    if region.empty:
        return nothing(region)
    x, y = region.grid()
    across, down = _turned(x - np.float32(place[0]), y - np.float32(place[1]), angle)
    pixels = sample(rgba, across / scale[0] + hook[0], down / scale[1] + hook[1], min(scale))
    return Layer(region, pixels, np.ones(pixels.shape[:2], np.float32))


def sample(rgba: Rgba, x: FloatArray, y: FloatArray, scale: float) -> FloatArray:
    """The overlay at overlay pixels x, y; scale tells how much smaller it will be seen."""
    return _Shrunk.to(rgba, scale).at(x, y)


@dataclass(frozen=True, slots=True, eq=False)
class _Shrunk:
    """An overlay, premultiplied and about as large as it will be seen; its size over its own."""

    pixels: FloatArray
    factor_x: float
    factor_y: float

    @classmethod
    def to(cls, rgba: Rgba, scale: float) -> "_Shrunk":
        whole = premultiplied(rgba)
        height, width = whole.shape[:2]
        small = (
            max(1, min(width, round(width * scale * 1.1))),
            max(1, min(height, round(height * scale * 1.1))),
        )
        if small != (width, height):
            whole = np.asarray(cv2.resize(whole, small, interpolation=cv2.INTER_AREA), np.float32)
        return cls(whole, small[0] / width, small[1] / height)

    def at(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """At pixels of the overlay as it was."""
        map_x = ((x + 0.5) * self.factor_x - 0.5).astype(np.float32)
        map_y = ((y + 0.5) * self.factor_y - 0.5).astype(np.float32)
        found = cv2.remap(
            self.pixels, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
        )
        return np.asarray(found, np.float32)


def premultiplied(rgba: Rgba) -> FloatArray:
    """(H, W, 4) float32: linear light times coverage, and coverage."""
    alpha = rgba[..., 3:].astype(np.float32) / 255
    return np.dstack([to_linear(rgba[..., :3]) * alpha, alpha]).astype(np.float32)


def nothing(region: Region) -> Layer:
    shape = region.shape
    return Layer(region, np.zeros((*shape, 4), np.float32), np.ones(shape, np.float32))


def _turned(x: FloatArray, y: FloatArray, angle: float) -> tuple[FloatArray, FloatArray]:
    """Along and across an axis that is turned clockwise by the angle."""
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return x * cosine + y * sine, y * cosine - x * sine


def _turned_back(x: float, y: float, angle: float) -> tuple[float, float]:
    cosine, sine = float(np.cos(angle)), float(np.sin(angle))
    return x * cosine - y * sine, x * sine + y * cosine


def _unrolled(part: FloatArray, turn: float) -> tuple[FloatArray, FloatArray]:
    """From places across the neck, -1..1, to the same on the flat overlay; and how much the
    surface faces the camera there. Beyond the neck the map goes on straight.
    """
    inside = np.clip(part, -1.0, 1.0)
    around = np.arcsin(inside * np.float32(WRAP))
    own = np.sin(around - np.float32(turn)) / np.float32(WRAP)
    return (own + (part - inside)).astype(np.float32), np.cos(around).astype(np.float32)


def _on_overlay(
    across: FloatArray, down: FloatArray, anchors: Anchors
) -> tuple[FloatArray, FloatArray]:
    """From the frame of the chain's ends to the overlay's pixels."""
    left, right = anchors.left, anchors.right
    tilt = float(np.arctan2(right.y - left.y, right.x - left.x))
    cosine, sine = np.float32(np.cos(tilt)), np.float32(np.sin(tilt))
    middle_x, middle_y = (left.x + right.x) / 2, (left.y + right.y) / 2
    x = np.float32(middle_x) + across * cosine - down * sine
    y = np.float32(middle_y) + across * sine + down * cosine
    return x, y


def _drawn_on(
    rgba: Rgba, anchors: Anchors, how: Bend, x: FloatArray, y: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Above its ends the chain goes on: its last links, mirrored again and again, leaning
    outwards as a chain does that runs to the back of the neck. What the picture shows there, the
    back of a closed loop, is left out. Returns where to look, and how much of it is to be seen.
    """
    drawn = np.ones(x.shape, np.float32)
    highest = max(anchors.left.y, anchors.right.y) + 1.0
    rows = np.flatnonzero(y.min(axis=1, initial=highest) < highest)
    if len(rows):
        above = slice(int(rows[0]), int(rows[-1]) + 1)
        x[above], y[above], drawn[above] = _continued(rgba, anchors, how, x[above], y[above])
    return x, y, drawn


def _continued(
    rgba: Rgba, anchors: Anchors, how: Bend, x: FloatArray, y: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    repeat = max(4.0, 0.07 * anchors.span)
    middle = (anchors.left.x + anchors.right.x) / 2
    drawn = np.ones(x.shape, np.float32)
    for end, outwards in ((anchors.left, -1.0), (anchors.right, 1.0)):
        slope, thickness = _last_links(rgba, end.x, end.y, repeat)
        above = np.clip(end.y + 1.0 - y, 0.0, None)
        continued = (above > 0) & ((x - middle) * outwards > 0)
        rest = np.mod(above, 2 * repeat)
        folded = np.minimum(rest, 2 * repeat - rest)
        lean = outwards * 0.25 * above * above / (above + 0.10 * max(anchors.span, 1.0))
        beside = x - (end.x - slope * above + lean)
        near = np.abs(beside) < thickness
        shown = np.clip(2.0 - 2.0 * above * how.scale / how.reach, 0.0, 1.0) * near
        drawn = np.where(continued, shown, drawn)
        x = np.where(continued, end.x + slope * folded + beside, x)
        y = np.where(continued, end.y + 1.0 + folded, y)
    return x.astype(np.float32), y.astype(np.float32), drawn.astype(np.float32)


def _last_links(rgba: Rgba, x: float, y: float, length: float) -> tuple[float, float]:
    """The slope (pixels across for one down) and half the thickness of the chain at its end."""
    top = max(0, round(y))
    rows = rgba[top : top + max(3, round(length)), :, 3] > 80
    reach = round(2.0 * length)
    left = max(0, round(x) - reach)
    nearby = rows[:, left : round(x) + reach + 1]
    found_y, found_x = np.nonzero(nearby)
    if len(np.unique(found_y)) < 3:
        return 0.0, length
    mean_y, mean_x = found_y.mean(), found_x.mean()
    spread = float(((found_y - mean_y) ** 2).mean())
    slope = float(((found_y - mean_y) * (found_x - mean_x)).mean()) / max(spread, 1e-6)
    off = np.abs(found_x - mean_x - slope * (found_y - mean_y))
    return float(np.clip(slope, -1.5, 1.5)), float(np.percentile(off, 98)) + 2.0


def _region(rgba: Rgba, anchors: Anchors, how: Bend, size: tuple[int, int]) -> Region:
    """Where the bent overlay can be seen at all."""
    height, width = rgba.shape[:2]
    middle_x, middle_y = (anchors.left.x + anchors.right.x) / 2, anchors.left.y
    aside = max(middle_x, width - middle_x) * how.scale + 0.45 * how.half
    below = (height - middle_y) * how.scale + 0.1 * how.half
    above = -(how.reach + 4.0)
    corners = [_turned_back(cx, cy, how.angle) for cx in (-aside, aside) for cy in (above, below)]
    xs, ys = zip(*corners, strict=True)
    return clipped(how.x + min(xs), how.y + min(ys), how.x + max(xs), how.y + max(ys), size)


def clipped(x0: float, y0: float, x1: float, y1: float, size: tuple[int, int]) -> Region:
    width, height = size
    return Region(
        int(np.clip(np.floor(x0) - 2, 0, width)),
        int(np.clip(np.floor(y0) - 2, 0, height)),
        int(np.clip(np.ceil(x1) + 3, 0, width)),
        int(np.clip(np.ceil(y1) + 3, 0, height)),
    )
