"""Necks, masks and jewellery whose every edge is known."""

import cv2
import numpy as np

from imaging.anchors import Anchors
from imaging.cutout import Cutout
from imaging.types import (
    Adjustments,
    Alpha,
    Analysis,
    Box,
    Ear,
    Face,
    FloatArray,
    Masks,
    Neck,
    Point,
    Pose,
    Rgb,
)

SKIN = (205, 160, 132)
PLAIN = Adjustments(occlusion=False, shadow=0, light=0, sparkle=0)
"""Geometry alone: every effect that changes colours is off."""

UNIT = 160.0
"""The neck's width in pixels."""

MAGENTA, CYAN, GREEN = (230, 20, 200), (20, 210, 220), (40, 190, 60)


def card(width: int = 640, height: int = 720, colour: tuple[int, int, int] = SKIN) -> Rgb:
    """A flat sheet of one colour with faint noise-free surface."""
    return np.full((height, width, 3), colour, np.uint8)


def neck_at(x: float = 320, y: float = 300, *, angle: float = 0, yaw: float = 0) -> Neck:
    """A neck whose notch is at (x, y)."""
    lean = np.radians(angle)
    across, up = np.array([np.cos(lean), np.sin(lean)]), np.array([np.sin(lean), -np.cos(lean)])
    notch = np.array([x, y])
    middle = notch + 0.75 * UNIT * up
    left, right = middle - across * UNIT / 2, middle + across * UNIT / 2
    chin = notch + 0.95 * UNIT * up
    xs, ys = (left[0], right[0]), (float(chin[1]), y)
    return Neck(
        box=Box(min(xs), min(ys), abs(xs[1] - xs[0]), abs(ys[1] - ys[0])),
        left=Point(*map(float, left)), right=Point(*map(float, right)),
        chin=Point(*map(float, chin)), notch=Point(x, y),
        angle=angle, width=UNIT, px_per_mm=UNIT / 110, yaw=yaw, confidence=0.9,
    )  # fmt: skip


def seen(photo: Rgb, neck: Neck | None, ears: tuple[Ear, ...] = (), *, yaw: float = 0,
         roll: float = 0) -> Analysis:  # fmt: skip
    height, width = photo.shape[:2]
    face = Face(Box(220, 40, 200, 240), 0.99, Pose(yaw, 0, roll), 0.99)
    return Analysis(width, height, (face,), 0, neck, ears)


def bare(photo: Rgb) -> Masks:
    """Skin wherever the card is, and nothing in front."""
    height, width = photo.shape[:2]
    return Masks(np.full((height, width), 255, np.uint8), np.zeros((height, width), np.uint8), 0.9)


def _distance_to_chain(x: FloatArray, y: FloatArray, width: float) -> FloatArray:
    """From a parabola that hangs between (0, 0) and (width, 0), 0.7 widths deep."""
    at = np.linspace(0, 1, 600)
    points = np.stack([at * width, 2.8 * width * at * (1 - at)], -1)
    best = np.full(x.shape, np.inf)
    for px, py in points:
        best = np.minimum(best, (x - px) ** 2 + (y - py) ** 2)
    return np.asarray(np.sqrt(best), np.float32)


def chain_alpha(x: FloatArray, y: FloatArray, width: float) -> FloatArray:
    """The coded necklace as a shape: 1 inside, 0 outside; a chain with a disc at its bottom."""
    chain = _distance_to_chain(x, y, width) < 0.016 * width
    disc = np.hypot(x - width / 2, y - 0.76 * width) < 0.07 * width
    return np.asarray(chain | disc, np.float32)


MARGIN, SPAN = 20, 400


def coded_necklace() -> Cutout:
    """Green chain, cyan disc, drawn at 4 x 4 samples a pixel; its ends are 400 pixels apart."""
    width, height = SPAN + 2 * MARGIN, 380
    sub = (np.arange(4) + 0.5) / 4 - 0.5
    alpha = np.zeros((height, width))
    for dy in sub:
        for dx in sub:
            x, y = np.meshgrid(np.arange(width) + dx - MARGIN, np.arange(height) + dy - 10.0)
            alpha += chain_alpha(x, y, SPAN) / 16
    rgba = np.zeros((height, width, 4), np.uint8)
    rgba[..., :3] = GREEN
    rgba[300 - 20 :, 160:280, :3] = CYAN
    rgba[..., 3] = np.round(alpha * 255)
    rgba[rgba[..., 3] == 0] = 0
    ends = Anchors(Point(MARGIN, 10.0), Point(MARGIN + SPAN, 10.0))
    return Cutout(rgba, ends, "single")


def comb(teeth: int = 11) -> Cutout:
    """Straight black teeth at equal distances, to see how space is bent."""
    rgba = np.zeros((200, 420, 4), np.uint8)
    for tooth in range(teeth):
        x = 10 + round(tooth * 400 / (teeth - 1))
        rgba[10:190, x - 2 : x + 3] = (10, 10, 10, 255)
    return Cutout(rgba, Anchors(Point(10, 10), Point(410, 10)), "single")


def changed(before: Rgb, after: Rgb) -> Alpha:
    """255 where a pixel differs."""
    return np.where((before != after).any(axis=-1), 255, 0).astype(np.uint8)


def centroid(mask: Alpha) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    return float(columns.mean()), float(rows.mean())


def axis(mask: Alpha) -> float:
    """Degrees of the longest direction of a shape, 0..180."""
    moments = cv2.moments(mask, binaryImage=True)
    angle = 0.5 * np.arctan2(2 * moments["mu11"], moments["mu20"] - moments["mu02"])
    return float(np.degrees(angle)) % 180
