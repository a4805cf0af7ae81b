"""What a process pool is asked: bytes and plain dicts in and out, so that everything pickles.

Each process keeps decoded photographs, masks and cut-outs by the hash of their bytes, within a
bound; so a moved slider costs one composition. Every function gives the same bytes for the same
input, in any process.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2

from imaging import encode, models
from imaging.analyse import analyse, make_masks, upright, with_hands
from imaging.anchors import Anchors
from imaging.compose import compose
from imaging.cutout import Cutout, Kind, cut_out, sorted_out
from imaging.decode import decode, decode_rgba
from imaging.kept import Kept
from imaging.scaling import scaled
from imaging.types import Adjustments, Analysis, Hand, Masks, Point, Rgb
from imaging.wearing import HAND_TYPES

MEBIBYTE = 1 << 20


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


_photos: Kept[Rgb] = Kept(max_bytes=48 * MEBIBYTE, weigh=lambda rgb: rgb.nbytes)
_masks: Kept[Masks] = Kept(max_bytes=32 * MEBIBYTE, weigh=lambda masks: 3 * masks.skin.nbytes)
_hands: Kept[tuple[Hand, ...]] = Kept(
    max_bytes=MEBIBYTE, weigh=lambda hands: 512 * (1 + len(hands))
)
_cutouts: Kept[Cutout] = Kept(max_bytes=32 * MEBIBYTE, weigh=lambda cutout: 2 * cutout.rgba.nbytes)


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
        rgb = upright(rgb, analyse(rgb, has_orientation=False))
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
    return analyse(_photo(jpeg, max_side=None), wearer=face).to_dict()


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
    """The photograph with the overlays worn on it, one after the other, as a JPEG.

    analysis: of any size of this photograph. adjustments: Adjustments as a dict; dx and dy are
    pixels of the picture that was analysed. max_side: of the result. Raise ImageRefused.
    """
    rgb = _photo(photo_jpeg, max_side=max_side)
    found = Analysis.from_dict(analysis)
    worn = frozenset(overlay.product_type for overlay in overlays)
    if worn & HAND_TYPES:
        found = replace(found, hands=_hands_of(photo_jpeg, found))
    factor = rgb.shape[1] / found.width
    found = scaled(found, factor, width=rgb.shape[1], height=rgb.shape[0])
    moved = Adjustments.from_dict(adjustments)
    moved = replace(moved, dx=moved.dx * factor, dy=moved.dy * factor)
    masks = _masks_of(photo_jpeg, rgb, found if worn - HAND_TYPES else replace(found, neck=None))
    for overlay in overlays:
        rgb = compose(
            rgb,
            found,
            masks,
            _cutout(overlay.png),
            moved,
            product_type=overlay.product_type,
            width_mm=overlay.width_mm,
            anchors=_anchors(overlay.anchors),
        )
    return encode.encode_jpeg(rgb)


def forget() -> None:
    """Drop everything kept: the next calls make it again."""
    for kept in (_photos, _masks, _hands, _cutouts):
        kept.clear()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _photo(jpeg: bytes, *, max_side: int | None) -> Rgb:
    def make() -> Rgb:
        rgb = decode(jpeg).rgb
        return rgb if max_side is None else encode.fit(rgb, max_side)

    return _photos.get(f"{_sha256(jpeg)}:{max_side}", make)


def _masks_of(jpeg: bytes, rgb: Rgb, analysis: Analysis) -> Masks:
    """Of neck and chest; an analysis without a neck has empty ones, at once."""
    where = json.dumps(replace(analysis, hands=None).to_dict(), sort_keys=True).encode()
    key = f"{_sha256(jpeg)}:{_sha256(where)}"
    return _masks.get(key, lambda: make_masks(rgb, analysis))


def _hands_of(jpeg: bytes, analysis: Analysis) -> tuple[Hand, ...]:
    """Those of the whole photograph, so that every size of it wears a ring at the same place."""
    if analysis.hands is not None:
        return analysis.hands
    return _hands.get(
        _sha256(jpeg), lambda: with_hands(_photo(jpeg, max_side=None), analysis).hands or ()
    )


def _cutout(png: bytes) -> Cutout:
    """An overlay is cut out already; only opaque pictures, such as a photograph that staff
    uploaded by mistake, are cut out here.
    """

    def make() -> Cutout:
        rgba = decode_rgba(png)
        if int(rgba[..., 3].min()) == 255:
            return cut_out(rgba)
        return sorted_out(rgba)

    return _cutouts.get(_sha256(png), make)


def _anchors(given: Mapping[str, Mapping[str, float]] | None) -> Anchors | None:
    if given is None:
        return None
    return Anchors(Point.from_dict(given["left"]), Point.from_dict(given["right"]))
