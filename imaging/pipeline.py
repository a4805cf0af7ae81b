"""What a process pool is asked: bytes and plain dicts in and out, so that everything pickles.

Each process keeps analyses, decoded photographs, masks and cut-outs by the hash of their bytes,
within bounds; so a moved slider costs one composition. Every function gives the same bytes for the same
input, in any process.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2

from imaging import encode, models
from imaging.analyse import WORKING_SIDE, analyse, make_masks, stand_up, with_hands
from imaging.anchors import Anchors
from imaging.cutout import Cutout, Kind, cut_out, sorted_out
from imaging.decode import decode, decode_rgba, size_of
from imaging.head import Head, head_of
from imaging.kept import Kept
from imaging.masks import enlarged
from imaging.scaling import scaled, scaled_hand
from imaging.several import LeftOut, Piece, Seen, wear
from imaging.types import Adjustments, Analysis, Hand, Masks, Point, Rgb
from imaging.wearing import HAND_TYPES, HEAD_TYPES

MEBIBYTE = 1 << 20
MASKS_SIDE = 1600
"""Pixels of the long side from which edges of hair and skin are no sharper; on more, masks take
long and hundreds of megabytes.
"""


@dataclass(frozen=True, slots=True)
class PreparedPhoto:
    """A photograph as it is stored: upright sRGB JPEG without metadata. sizes: JPEG by long side.
    width, height: of the original. sha256: of original_jpeg.
    """

    original_jpeg: bytes
    sizes: dict[int, bytes]
    width: int
    height: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PreparedOverlay:
    """A product freed from its backdrop. anchors: {"left": {x, y}, "right": {x, y}}, the chain's
    ends in overlay pixels. sha256: of png.
    """

    png: bytes
    anchors: dict[str, dict[str, float]]
    kind: Kind
    width: int
    height: int
    sha256: str


@dataclass(frozen=True, slots=True)
class OverlaySpec:
    """What to wear. png: an overlay of `prepare_overlay`. width_mm: between a necklace's ends, or
    the whole overlay's width for earrings. anchors: where staff corrected them.
    """

    png: bytes
    product_type: str
    width_mm: float | None = None
    anchors: Mapping[str, Mapping[str, float]] | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """A JPEG of width x height pixels; left_out: pieces that could not be worn on it, and why."""

    jpeg: bytes
    width: int
    height: int
    left_out: tuple[LeftOut, ...]


_analyses: Kept[bytes] = Kept(max_bytes=MEBIBYTE, weigh=len)
_photos: Kept[Rgb] = Kept(max_bytes=24 * MEBIBYTE, weigh=lambda rgb: rgb.nbytes)
_masks: Kept[Masks] = Kept(max_bytes=16 * MEBIBYTE, weigh=lambda masks: 3 * masks.skin.nbytes)
_hands: Kept[tuple[Hand, ...]] = Kept(
    max_bytes=MEBIBYTE, weigh=lambda hands: 512 * (1 + len(hands))
)
_heads: Kept[Head | None] = Kept(
    max_bytes=8 * MEBIBYTE, weigh=lambda head: 8192 + (head.person.nbytes if head else 0)
)
_cutouts: Kept[Cutout] = Kept(max_bytes=16 * MEBIBYTE, weigh=lambda cutout: 2 * cutout.rgba.nbytes)


def warm_up() -> None:
    """For a pool's initialiser: one thread for each process, and the nets loaded."""
    cv2.setNumThreads(1)
    for model in models.manifest():
        models.net(model.name)


def prepare_photo(data: bytes) -> PreparedPhoto:
    """Raise ImageRefused. A picture that lies on its side, and does not say so, is turned."""
    decoded = decode(data)
    rgb = decoded.rgb
    if not decoded.exif_orientation_present:
        rgb = stand_up(rgb)
    original = encode.encode_jpeg(rgb)
    return PreparedPhoto(
        original_jpeg=original,
        sizes={side: encode.encode_jpeg(small) for side, small in encode.sizes(rgb).items()},
        width=rgb.shape[1],
        height=rgb.shape[0],
        sha256=_sha256(original),
    )


def analyse_photo(jpeg: bytes, *, face: int = 0) -> dict[str, Any]:
    """An Analysis as a dict, of a JPEG from `prepare_photo`. face: which one wears the jewellery,
    as numbered in the dict's `faces`; 0 is the most prominent.
    """

    def make() -> bytes:
        small = _photo(jpeg, max_side=WORKING_SIDE)
        width, height = size_of(jpeg)
        found = analyse(small, wearer=face)
        whole = scaled(found, width / small.shape[1], width=width, height=height)
        return json.dumps(whole.to_dict()).encode()

    analysis: dict[str, Any] = json.loads(_analyses.get(f"{_sha256(jpeg)}:{face}", make))
    return analysis


def prepare_overlay(data: bytes) -> PreparedOverlay:
    """Raise ImageRefused, with the code "product-not-cuttable" when there is no plain backdrop."""
    cutout = cut_out(decode_rgba(data))
    png = encode.encode_png(cutout.whole)
    return PreparedOverlay(
        png=png,
        anchors={
            "left": cutout.anchors.left.to_dict(),
            "right": cutout.anchors.right.to_dict(),
        },
        kind=cutout.kind,
        width=cutout.rgba.shape[1],
        height=cutout.rgba.shape[0],
        sha256=_sha256(png),
    )


def render(photo_jpeg: bytes, analysis: Mapping[str, Any], overlays: Sequence[OverlaySpec],
           adjustments: Mapping[str, Any], *, max_side: int) -> bytes:  # fmt: skip
    """The JPEG of `render_pieces` alone."""
    return render_pieces(photo_jpeg, analysis, overlays, adjustments, max_side=max_side).jpeg


def render_pieces(photo_jpeg: bytes, analysis: Mapping[str, Any],
                  overlays: Sequence[OverlaySpec], adjustments: Mapping[str, Any], *,
                  max_side: int) -> Rendered:  # fmt: skip
    """The photograph with the overlays worn on it; what cannot be worn there is left out.

    analysis: of any size of this photograph. adjustments: Adjustments as a dict; dx and dy are
    pixels of the picture that was analysed. max_side: of the result. Raise ImageRefused when
    nothing can be worn.
    """
    rgb = _photo(photo_jpeg, max_side=max_side)
    found = Analysis.from_dict(analysis)
    types = {overlay.product_type for overlay in overlays}
    hands = _hands_of(photo_jpeg, found) if types & HAND_TYPES else None
    factor = rgb.shape[1] / found.width
    size = {"width": rgb.shape[1], "height": rgb.shape[0]}
    measured = scaled(replace(found, hands=None), factor, **size)
    below_the_face = measured if types - HAND_TYPES else replace(measured, neck=None)
    seen = Seen(
        rgb,
        scaled(replace(found, hands=hands), factor, **size),
        _masks_of(photo_jpeg, rgb, below_the_face),
        _head_of(photo_jpeg, rgb, measured) if types & HEAD_TYPES else None,
    )
    moved = Adjustments.from_dict(adjustments)
    moved = replace(moved, dx=moved.dx * factor, dy=moved.dy * factor)
    worn, left_out = wear(seen, [*map(_piece, overlays)], moved)
    height, width = worn.shape[:2]
    return Rendered(encode.encode_jpeg(worn), width, height, left_out)


def forget() -> None:
    """Drop everything kept: the next calls make it again."""
    for kept in (_analyses, _photos, _masks, _hands, _heads, _cutouts):
        kept.clear()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _photo(jpeg: bytes, *, max_side: int) -> Rgb:
    def make() -> Rgb:
        return encode.fit(decode(jpeg, at_least=max_side).rgb, max_side)

    return _photos.get(f"{_sha256(jpeg)}:{max_side}", make)


def _masks_of(jpeg: bytes, rgb: Rgb, analysis: Analysis) -> Masks:
    """Of neck and chest; an analysis without a neck has empty ones, at once. Those of a large
    picture are made on a smaller one.
    """
    height, width = rgb.shape[:2]
    if max(width, height) <= MASKS_SIDE:
        return _masks.get(_measured(jpeg, analysis), lambda: make_masks(rgb, analysis))
    small = _photo(jpeg, max_side=MASKS_SIDE)
    size = {"width": small.shape[1], "height": small.shape[0]}
    masks = _masks_of(jpeg, small, scaled(analysis, small.shape[1] / width, **size))
    return enlarged(masks, width=width, height=height)


def _head_of(jpeg: bytes, rgb: Rgb, analysis: Analysis) -> Head | None:
    stored = Analysis.from_dict(analysis.to_dict())
    return _heads.get(_measured(jpeg, stored), lambda: head_of(rgb, stored))


def _measured(jpeg: bytes, analysis: Analysis) -> str:
    where = json.dumps(analysis.to_dict(), sort_keys=True).encode()
    return f"{_sha256(jpeg)}:{_sha256(where)}"


def _piece(overlay: OverlaySpec) -> Piece:
    return Piece(
        cutout=lambda: _cutout(overlay.png),
        product_type=overlay.product_type,
        width_mm=overlay.width_mm,
        anchors=_anchors(overlay.anchors),
    )


def _hands_of(jpeg: bytes, analysis: Analysis) -> tuple[Hand, ...]:
    """In pixels of the analysis. They are measured on one size of the photograph, so that every
    size of it wears a ring at the same place, and rounded as stored ones are.
    """
    if analysis.hands is not None:
        return analysis.hands
    whole, _ = size_of(jpeg)

    def make() -> tuple[Hand, ...]:
        small = _photo(jpeg, max_side=WORKING_SIDE)
        found = with_hands(small, analysis).hands or ()
        large = (scaled_hand(hand, whole / small.shape[1]) for hand in found)
        return tuple(Hand.from_dict(hand.to_dict()) for hand in large)

    factor = analysis.width / whole
    return tuple(scaled_hand(hand, factor) for hand in _hands.get(_sha256(jpeg), make))


def _cutout(png: bytes) -> Cutout:
    """An overlay is cut out already; only opaque pictures, such as a photograph that staff
    uploaded by mistake, are cut out here.
    """

    def make() -> Cutout:
        rgba = decode_rgba(png)
        if not rgba[..., 3].any() or int(rgba[..., 3].min()) == 255:
            return cut_out(rgba)
        return sorted_out(rgba)

    return _cutouts.get(_sha256(png), make)


def _anchors(given: Mapping[str, Mapping[str, float]] | None) -> Anchors | None:
    if given is None:
        return None
    return Anchors(Point.from_dict(given["left"]), Point.from_dict(given["right"]))
