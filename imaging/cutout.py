"""A catalogue picture becomes an overlay: the plain backdrop goes, the jewellery stays.

Pictures with transparency are taken as they are. Pictures without a plain backdrop, or of
jewellery that somebody wears, are refused.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np

from imaging.anchors import Anchors, chain_ends
from imaging.backdrop import Labels, Mask, components, refused, without_backdrop
from imaging.types import Alpha, Rgb, Rgba

MAX_SIDE = 1000
"""Pixels; finer than any necklace on a photograph of 1600."""

Kind: TypeAlias = Literal["single", "pair", "set"]


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """rgba: (H, W, 4), straight alpha, colour 0 where alpha is 0. anchors: the ends of a chain.

    kind: two similar pieces side by side, as earrings are shown, are a pair; a necklace with a
    pair beside it is a set. earrings: a set's pair, which rgba is without, in the same frame.
    """

    rgba: Rgba
    anchors: Anchors
    kind: Kind
    earrings: Rgba | None = None

    @property
    def whole(self) -> Rgba:
        return self.rgba if self.earrings is None else self.rgba | self.earrings


def cut_out(picture: Rgb | Rgba) -> Cutout:
    """The product without its backdrop. Raise ImageRefused("product-not-cuttable")."""
    picture = _at_most(picture, MAX_SIDE)
    rgba = _own_alpha(picture) if _has_alpha(picture) else without_backdrop(picture[..., :3])
    return sorted_out(_trimmed(_without_specks(rgba)))


def sorted_out(overlay: Rgba) -> Cutout:
    """A picture without backdrop, told apart into its pieces; its frame stays."""
    alpha = overlay[..., 3]
    if _halves(alpha) is not None:
        return Cutout(overlay, chain_ends(alpha), "pair")
    pair = _pair_beside(alpha)
    if pair is None:
        return Cutout(overlay, chain_ends(alpha), "single")
    necklace = np.where(pair[..., None], 0, overlay).astype(np.uint8)
    earrings = np.where(pair[..., None], overlay, 0).astype(np.uint8)
    return Cutout(necklace, chain_ends(necklace[..., 3]), "set", earrings)


def split_pair(rgba: Rgba) -> tuple[Rgba, Rgba]:
    """The left and the right piece of a pair; a single piece twice, the right one mirrored."""
    rgba = _trimmed(rgba)
    column = _halves(rgba[..., 3])
    if column is None:
        return rgba, np.ascontiguousarray(rgba[:, ::-1])
    return _trimmed(rgba[:, :column]), _trimmed(rgba[:, column:])


def _at_most(picture: Rgb | Rgba, side: int) -> Rgb | Rgba:
    """Shrunk with premultiplied colours, so that hidden ones do not bleed in."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if picture.shape[2] == 3:
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    alpha = np.repeat(picture[..., 3:], 3, axis=2)
    whole = np.dstack([cv2.multiply(picture[..., :3], alpha, scale=1 / 255), picture[..., 3]])
    small = cv2.resize(whole, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    small[..., :3] *= 255 / np.maximum(small[..., 3:], 0.5)
    return np.asarray(np.clip(small + 0.5, 0, 255), np.uint8)


def _has_alpha(picture: Rgb | Rgba) -> bool:
    return picture.shape[2] == 4 and float((picture[..., 3] < 250).mean()) > 0.05


def _own_alpha(picture: Rgba) -> Rgba:
    """Colours below full transparency are garbage in many files."""
    rgba = picture.copy()
    rgba[rgba[..., 3] == 0] = 0
    if not rgba[..., 3].any():
        raise refused("the picture is wholly transparent")
    return rgba


def _without_specks(rgba: Rgba) -> Rgba:
    """Scattered dust of bad cut-outs goes; beads and stones that hang free stay."""
    solid = rgba[..., 3] > 40
    _, label, stats = components(solid, connectivity=8)
    area = stats[:, cv2.CC_STAT_AREA]
    dust = area < max(6, 0.0005 * float(area[1:].sum()))
    dust[0] = False
    cleaned = rgba.copy()
    cleaned[cv2.dilate(dust[label].astype(np.uint8), np.ones((3, 3), np.uint8)) > 0] = 0
    return cleaned


def _trimmed(rgba: Rgba) -> Rgba:
    rows, columns = np.nonzero(rgba[..., 3] > 8)
    if not len(rows):
        raise refused("there is nothing on the backdrop")
    return np.ascontiguousarray(
        rgba[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    )


def _halves(alpha: Alpha) -> int | None:
    """The column between two pieces of like size and height, if that is what this is."""
    solid = np.asarray(alpha > 40, np.bool_)
    width = solid.shape[1]
    middle = np.flatnonzero(~solid.any(axis=0))
    middle = middle[(middle > 0.3 * width) & (middle < 0.7 * width)]
    if not len(middle):
        return None
    column = int(middle[len(middle) // 2])
    areas = solid[:, :column].sum(), solid[:, column:].sum()
    heights = [
        len(np.unique(np.nonzero(part)[0])) for part in (solid[:, :column], solid[:, column:])
    ]
    alike = min(areas) > 0.6 * max(areas) and min(heights) > 0.75 * max(heights)
    return column if alike else None


def _pair_beside(alpha: Alpha) -> Mask | None:
    """Where two like, small pieces lie left and right of a large one; None if they do not."""
    reach = max(3, round(0.012 * max(alpha.shape))) | 1
    joined = cv2.dilate((alpha > 40).astype(np.uint8), np.ones((reach, reach), np.uint8))
    count, label, stats = components(joined > 0, connectivity=8)
    areas = np.bincount(label[alpha > 40], minlength=count).astype(np.int32)
    areas[0] = 0
    largest, *others = np.argsort(-areas, kind="stable")[:3]
    if len(others) < 2 or not _alike(areas[others], stats[others]):
        return None
    middles = stats[:, cv2.CC_STAT_LEFT] + stats[:, cv2.CC_STAT_WIDTH] / 2
    apart = (middles[others[0]] - middles[largest]) * (middles[others[1]] - middles[largest]) < 0
    small = bool(areas[others].max() < 0.35 * areas[largest])
    return np.isin(label, others) if apart and small else None


def _alike(areas: Labels, stats: Labels) -> bool:
    heights = stats[:, cv2.CC_STAT_HEIGHT]
    return bool(
        areas.min() > 0.6 * areas.max() and areas.min() > 0 and heights.min() > 0.75 * heights.max()
    )
