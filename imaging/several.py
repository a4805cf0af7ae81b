"""Several pieces in one picture: which lies over which, and who follows the customer's hand.

Everything is measured on the photograph as it was, never on one that already wears something. A
piece that cannot be worn there is left out, and the others are shown.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from imaging.anchors import Anchors
from imaging.compose import compose
from imaging.cutout import Cutout
from imaging.errors import ImageRefused, RefusalCode
from imaging.head import Head
from imaging.types import Adjustments, Analysis, Masks, Neck, Rgb
from imaging.wearing import EAR_TYPES, NECK_TYPES, SETS

ROUND_THE_NECK = NECK_TYPES | SETS

APART = 0.10
"""Neck widths between the ends of two necklaces; half of it up for the shorter one of a pair."""


@dataclass(frozen=True, slots=True)
class Piece:
    """cutout: makes it; raises ImageRefused. The others: as `compose` takes them."""

    cutout: Callable[[], Cutout]
    product_type: str
    width_mm: float | None
    anchors: Anchors | None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """index: of the piece as it was asked for. code and message: of the refusal."""

    index: int
    code: RefusalCode
    message: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What was measured of one photograph, all at its size."""

    photo: Rgb
    analysis: Analysis
    masks: Masks
    head: Head | None


@dataclass(frozen=True, slots=True)
class _Ready:
    index: int
    piece: Piece
    cutout: Cutout

    @property
    def depth(self) -> float:
        """How far a necklace reaches below its ends, in their distance."""
        anchors = self.piece.anchors or self.cutout.anchors
        lowest = float(np.flatnonzero(self.cutout.rgba[..., 3].any(axis=1))[-1])
        return (lowest - (anchors.left.y + anchors.right.y) / 2) / max(anchors.span, 1.0)


def wear(seen: Seen, pieces: Sequence[Piece], adjustments: Adjustments
         ) -> tuple[Rgb, tuple[LeftOut, ...]]:  # fmt: skip
    """A new picture, and what it is without. Raise ImageRefused when nothing can be worn.

    What the customer moved is for the first piece and for those worn at the same place, so that
    necklaces go together; the others stay where they fit. Strengths of effects are for all.
    """
    ready, left_out = _ready(pieces)
    result = seen.photo
    for each, moved in _in_order(ready, pieces[0].product_type, adjustments, seen.analysis.neck):
        try:
            result = _worn(seen, each, moved, result)
        except ImageRefused as refused:
            left_out.append(LeftOut(each.index, refused.code, refused.message))
    left_out.sort(key=lambda piece: piece.index)
    if len(left_out) == len(pieces):
        raise ImageRefused(left_out[0].code, left_out[0].message)
    return result, tuple(left_out)


def _ready(pieces: Sequence[Piece]) -> tuple[list[_Ready], list[LeftOut]]:
    ready, left_out = [], []
    for index, piece in enumerate(pieces):
        try:
            ready.append(_Ready(index, piece, piece.cutout()))
        except ImageRefused as refused:
            left_out.append(LeftOut(index, refused.code, refused.message))
    return ready, left_out


def _worn(seen: Seen, each: _Ready, adjustments: Adjustments, onto: Rgb) -> Rgb:
    piece = each.piece
    return compose(
        seen.photo,
        seen.analysis,
        seen.masks,
        each.cutout,
        adjustments,
        product_type=piece.product_type,
        width_mm=piece.width_mm,
        anchors=piece.anchors,
        onto=onto,
        head=seen.head,
    )


def _in_order(ready: Sequence[_Ready], main: str, adjustments: Adjustments, neck: Neck | None
              ) -> list[tuple[_Ready, Adjustments]]:  # fmt: skip
    """Short necklaces over long ones, which hang lower and from further out; the rest over both."""
    still = replace(adjustments, scale=1.0, rotation=0.0, dx=0.0, dy=0.0)

    def moved(each: _Ready) -> Adjustments:
        return adjustments if _same_place(main, each.piece.product_type) else still

    necklaces = [each for each in ready if each.piece.product_type in ROUND_THE_NECK]
    others = [each for each in ready if each.piece.product_type not in ROUND_THE_NECK]
    necklaces.sort(key=lambda each: -each.depth)
    lower = (len(necklaces) - 1) / 2
    return [
        (each, _lowered(moved(each), neck, (lower - place) * APART))
        for place, each in enumerate(necklaces)
    ] + [(each, moved(each)) for each in others]


def _same_place(one: str, other: str) -> bool:
    together = any(one in place and other in place for place in (ROUND_THE_NECK, EAR_TYPES))
    return together or one == other


def _lowered(adjustments: Adjustments, neck: Neck | None, by: float) -> Adjustments:
    """Moved down the torso by so many neck widths."""
    if neck is None:
        return adjustments
    lean = np.radians(neck.angle)
    return replace(
        adjustments,
        dx=adjustments.dx - by * neck.width * float(np.sin(lean)),
        dy=adjustments.dy + by * neck.width * float(np.cos(lean)),
    )
