"""What of a catalogue picture is its plain backdrop, and what is the product.

The backdrop is a smooth surface fitted to the picture's border; what differs from it is the
product, soft shadows apart. Closed patches of backdrop are holes only if they match it exactly,
so that the insides of pearls and polished silver stay. Colours are Lab, L 0..100.
"""

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from imaging.errors import ImageRefused
from imaging.matting import soft
from imaging.types import FloatArray, Rgb, Rgba

Mask: TypeAlias = NDArray[np.bool_]
Labels: TypeAlias = NDArray[np.int32]


GAP = 5
"""Pixels. Outlines of polished silver have narrower openings, where a highlight meets the edge."""


def refused(reason: str) -> ImageRefused:
    return ImageRefused("product-not-cuttable", reason)


@dataclass(frozen=True, slots=True, eq=False)
class _Backdrop:
    """lab: the fitted surface. away: each pixel's distance from it. noise: what is still it.
    coloured: whether the product is mostly gold, stones or black, and not grey like a shadow.
    """

    lab: FloatArray
    difference: FloatArray
    away: FloatArray
    noise: float
    coloured: bool


def without_backdrop(rgb: Rgb) -> Rgba:
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).astype(np.float32)
    backdrop = _fit_backdrop(lab)
    product = _product(backdrop)
    _refuse_worn(product)
    part = _around(product)
    behind = cv2.cvtColor(backdrop.lab[part], cv2.COLOR_LAB2RGB).astype(np.float32) * 255
    colour = rgb[part].astype(np.float32)
    rgba = np.zeros((*product.shape, 4), np.uint8)
    rgba[part] = soft(colour, np.clip(behind, 0, 255), product[part], backdrop.away[part])
    return rgba


def _around(product: Mask) -> tuple[slice, slice]:
    """The part of the picture with the product and a little backdrop."""
    rows, columns = np.flatnonzero(product.any(axis=1)), np.flatnonzero(product.any(axis=0))
    return (
        slice(max(0, int(rows[0]) - 8), int(rows[-1]) + 9),
        slice(max(0, int(columns[0]) - 8), int(columns[-1]) + 9),
    )


def _border(height: int, width: int) -> Mask:
    thickness = max(2, round(0.04 * min(height, width)))
    border = np.ones((height, width), np.bool_)
    border[thickness:-thickness, thickness:-thickness] = False
    return border


def _fit_backdrop(lab: FloatArray) -> _Backdrop:
    """Quadratic in x and y: plain, shaded and vignetted backdrops alike."""
    height, width = lab.shape[:2]
    rows, columns = np.nonzero(_border(height, width))
    thinned = slice(None, None, max(1, len(rows) // 8000))
    seen = lab[rows[thinned], columns[thinned]]
    y, x = _centred(rows[thinned], height), _centred(columns[thinned], width)
    basis = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], -1)
    near = _distance(seen - np.median(seen, axis=0)) < 12
    if near.mean() < 0.5:
        raise refused("the backdrop is not plain")
    for _ in range(3):
        weights = np.linalg.lstsq(basis[near], seen[near], rcond=None)[0]
        left_over = _distance(seen - basis @ weights)
        near = left_over < 8
        if near.mean() < 0.72:
            raise refused("the backdrop is not plain")
    spread = float(np.median(left_over[near]))
    if spread > 3.0:
        raise refused("the backdrop is not plain but patterned")
    surface = _surface(weights.astype(np.float32), height, width)
    difference = lab - surface
    away = _distance(difference)
    return _Backdrop(surface, difference, away, max(0.7, 1.5 * spread), _coloured(difference, away))


def _centred(place: NDArray[np.integer], size: int) -> FloatArray:
    """-1..1 over a side."""
    return (2 * place.astype(np.float32) / max(1, size - 1) - 1).astype(np.float32)


def _surface(weights: FloatArray, height: int, width: int) -> FloatArray:
    """The quadratic everywhere; weights: of 1, x, y, xy, xx, yy for each channel, (6, 3)."""
    x = _centred(np.arange(width), width)[None, :, None]
    y = _centred(np.arange(height), height)[:, None, None]
    one, to_x, to_y, to_xy, to_xx, to_yy = weights
    surface: FloatArray = (to_xy * y) * x
    surface += one + to_x * x + to_xx * x * x
    surface += to_y * y + to_yy * y * y
    return surface


def _distance(lab: NDArray[np.floating]) -> FloatArray:
    """Lightness counts less: backdrops are shaded more often than they are coloured."""
    return np.asarray(
        np.sqrt((0.55 * lab[..., 0]) ** 2 + lab[..., 1] ** 2 + lab[..., 2] ** 2), np.float32
    )


def _shadow(backdrop: _Backdrop) -> Mask:
    """Darker than the backdrop, hardly of another colour, and without edges.

    Grey metal and pearls shade like shadows: beside them only very soft ones count.
    """
    steepest, most_tint = (1.7, 5.0) if backdrop.coloured else (0.6, 2.5)
    smooth = cv2.GaussianBlur(backdrop.difference, (0, 0), 1.5)
    darker = -smooth[..., 0]
    slope_x = cv2.Sobel(darker, cv2.CV_32F, 1, 0, scale=1 / 8)
    slope = cv2.magnitude(slope_x, cv2.Sobel(darker, cv2.CV_32F, 0, 1, scale=1 / 8))
    tint = cv2.magnitude(smooth[..., 1], smooth[..., 2])
    same_colour = tint < most_tint + backdrop.noise + 0.12 * darker
    shadow = (darker > 0) & (darker < 32) & same_colour & (slope < steepest)
    wide = cv2.morphologyEx(shadow.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    return wide.astype(np.bool_)


def _coloured(difference: FloatArray, away: FloatArray) -> bool:
    product = difference[away > 14]
    unlike_shadow = (np.hypot(product[:, 1], product[:, 2]) > 7) | (product[:, 0] < -45)
    return len(product) > 0 and float(unlike_shadow.mean()) > 0.5


def _ground(backdrop: _Backdrop) -> Mask:
    """Beside strong edges more counts as backdrop: compression leaves rings there."""
    strongest = cv2.dilate(backdrop.away, np.ones((7, 7), np.uint8))
    least = max(2.2, 2.2 * backdrop.noise)
    near = backdrop.away <= np.clip(0.10 * strongest, least, max(least, 7.0))
    return np.asarray(near | _bleed(backdrop), np.bool_)


def _bleed(backdrop: _Backdrop) -> Mask:
    """As light as the backdrop, with a little of the colour of something near: JPEG keeps colours at half
    the resolution, in blocks of 16 pixels. Grey pieces have no colour to lose.
    """
    if not backdrop.coloured:
        return np.zeros(backdrop.away.shape, np.bool_)
    tint = np.hypot(backdrop.difference[..., 1], backdrop.difference[..., 2])
    strongest = cv2.dilate(tint, np.ones((17, 17), np.uint8))
    as_light = np.abs(backdrop.difference[..., 0]) < 3
    return np.asarray(as_light & (tint < np.minimum(0.4 * strongest, 14.0)), np.bool_)


def _product(backdrop: _Backdrop) -> Mask:
    """What is neither backdrop open to the border, nor a hole, nor a shadow beside these."""
    ground, shadow = _ground(backdrop), _shadow(backdrop)
    outside = _outside(ground, gap=1 if backdrop.coloured else GAP)
    _, label, stats = components(ground & ~outside, connectivity=4)
    seen_through = outside | _holes(label, stats, backdrop)[label]
    count, label, _ = components(seen_through | shadow, connectivity=4)
    seen_through = _touching(label, count, seen_through)[label]
    _, label, stats = components((ground | shadow) & ~seen_through, connectivity=4)
    large = stats[:, cv2.CC_STAT_AREA] > 0.015 * label.size
    large[0] = False
    seen_through |= (large & _sharp(label, stats, backdrop, step=4.5))[label]
    return _distinct_parts(~seen_through, backdrop)


def _outside(ground: Mask, *, gap: int) -> Mask:
    """The ground that the border reaches through openings of `gap` pixels and more. What lies behind
    narrower ones is judged as a hole.
    """
    wide = cv2.erode(ground.astype(np.uint8), np.ones((gap, gap), np.uint8)) > 0
    count, label, _ = components(wide, connectivity=4)
    reached = _touching(label, count, _frame(label.shape))[label]
    back = cv2.dilate(reached.astype(np.uint8), np.ones((gap + 2, gap + 2), np.uint8)) > 0
    return np.asarray(back & ground, np.bool_)


def components(mask: Mask, *, connectivity: int) -> tuple[int, Labels, Labels]:
    """How many, each pixel's number (0 outside the mask), and OpenCV's table of each."""
    count, label, stats, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=connectivity
    )
    return count, np.asarray(label, np.int32), np.asarray(stats, np.int32)


def _frame(shape: tuple[int, ...]) -> Mask:
    frame = np.zeros(shape, np.bool_)
    frame[[0, -1]] = frame[:, [0, -1]] = True
    return frame


def _touching(label: Labels, count: int, place: Mask) -> Mask:
    """Which labels, apart from 0, have a pixel in a place."""
    touching = np.bincount(label[place], minlength=count) > 0
    touching[0] = False
    return np.asarray(touching, np.bool_)


def _holes(label: Labels, stats: Labels, backdrop: _Backdrop) -> Mask:
    """Closed patches that one can see through: the backdrop to the last bit, and sharply cut.

    The inside of a pearl on white is nearly white as well, but it shades towards its rim, and a
    highlight on silver may be white itself, but fades out.
    """
    exact = backdrop.away < max(1.1, 1.3 * backdrop.noise)
    matching = np.bincount(label[exact], minlength=len(stats))
    area = stats[:, cv2.CC_STAT_AREA]
    matches = matching > np.maximum(0.55 * area, 0.90 * area - 2.2 * np.sqrt(area))
    seen = matches & _sharp(label, stats, backdrop) & (area > 0.00025 * label.size)
    seen[0] = False
    return np.asarray(seen, np.bool_)


def _sharp(label: Labels, stats: Labels, backdrop: _Backdrop, step: float = 9.0) -> Mask:
    """Which closed patches end at a real edge: two pixels on, the backdrop is far."""
    grown = cv2.dilate(label.astype(np.float32), np.ones((5, 5), np.uint8)).astype(np.int32)
    grown[label > 0] = 0
    around = np.bincount(grown.ravel(), backdrop.away.ravel(), minlength=len(stats))
    pixels = np.bincount(grown.ravel(), minlength=len(stats))
    return np.asarray(around > step * np.maximum(1, pixels), np.bool_)


def _distinct_parts(product: Mask, backdrop: _Backdrop) -> Mask:
    """Parts large enough and, somewhere, clearly not the backdrop."""
    sure = backdrop.away > max(10.0, 4 * backdrop.noise)
    count, label, stats = components(product, connectivity=8)
    clear = np.bincount(label[sure], minlength=count) > 0
    kept = clear & (stats[:, cv2.CC_STAT_AREA] >= max(12, 0.0001 * product.size))
    kept[0] = False
    found = np.asarray(kept[label], np.bool_)
    if found.mean() < 0.002:
        raise refused("there is nothing on the backdrop")
    if found.mean() > 0.85:
        raise refused("the product fills the picture")
    return found


def _refuse_worn(product: Mask) -> None:
    """Jewellery is cut off by the frame at thin chains only; necks, hands and busts are wide."""
    for edge in (product[0], product[-1], product[:, 0], product[:, -1]):
        starts = np.flatnonzero(np.diff(np.concatenate([[0], edge.view(np.int8), [0]])))
        if len(starts) and (starts[1::2] - starts[::2]).max() > 0.15 * len(edge):
            raise refused("the product is worn, or lies on something")
