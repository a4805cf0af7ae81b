"""Rings and bracelets: a hoop's front across a finger or an arm, its back hidden behind it.

u runs across the limb, v along it to the fingertips; both are pixels of the photograph from the
seat's middle.
"""

from dataclasses import dataclass, replace

import numpy as np

from imaging import hoops
from imaging.errors import ImageRefused
from imaging.hands import FINGER_MM
from imaging.hoops import Hoop
from imaging.seats import WRIST_MM
from imaging.types import Adjustments, Analysis, FloatArray, Hand, Rgb, Rgba, Seat
from imaging.warp import Layer, Region, clipped, nothing, sample
from imaging.wearing import FINGER_TYPES

LOOSE = {"bracelet": 1.02, "bangle": 1.05}
"""A hoop's hole in widths of what it is worn on."""

ROUND_ARM = 2.7
"""An arm's girth in its widths, for pieces that are shown laid out straight."""

SAG = 0.16
"""How far a bangle's front hangs down, in its half widths; an arm held level shows none."""

MOST_TILT = 35.0
"""Degrees; beyond, the net's depth is not to be trusted."""


LEAST_BOW = 0.12
"""A ring's front is seen to bend at least so far, in its half widths: nothing looks so flat as a
straight bar.
"""

MARGIN = 0.12
"""Part of a limb's half width beyond its edge on which shadows may still fall."""


def worn(photo: Rgb, analysis: Analysis, rgba: Rgba, adjustments: Adjustments, product_type: str
         ) -> tuple[Layer, FloatArray, float]:  # fmt: skip
    """The piece on the hand that shows it best; where it and its shadow are seen, (h, w) 0..1;
    and the length in pixels that shadows scale with. Raise ImageRefused("not-wearable-here").
    """
    size = (photo.shape[1], photo.shape[0])
    on_finger = product_type in FINGER_TYPES
    hand = _best(analysis, size, on_finger=on_finger)
    if on_finger:
        seat, mm, layer = hand.finger, FINGER_MM, ring(rgba, hand, adjustments, size)
    else:
        seat, mm = hand.wrist, WRIST_MM
        layer = bracelet(rgba, hand, adjustments, size, loose=LOOSE[product_type])
    u, v = place(seat, Adjustments()).across_and_along(layer.region)
    half = np.float32(seat.width / 2)
    skin = ((np.abs(u) < 0.85 * half) & (np.abs(v) < 3 * half)).astype(np.float32)
    seen = np.ones(u.shape, np.float32)
    if adjustments.occlusion:
        beside = np.clip(1 - (np.abs(u) / half - 1) / MARGIN, 0, 1)
        seen = np.maximum(beside, np.clip(4 * layer.coverage, 0, 1)).astype(np.float32)
    return replace(layer, skin=skin), seen, 110.0 / mm * seat.width


def _best(analysis: Analysis, size: tuple[int, int], *, on_finger: bool) -> Hand:
    """The first hand whose finger or wrist lies in the picture; hands come best first."""
    for hand in analysis.hands or ():
        middle = hand.finger.middle if on_finger else hand.wrist.middle
        if 0 <= middle.x < size[0] and 0 <= middle.y < size[1]:
            return hand
    part = "wrist" if analysis.hands else "hand"
    raise ImageRefused("not-wearable-here", f"no {part} is seen on the photograph")


@dataclass(frozen=True, slots=True)
class Placed:
    """A seat after the customer's moves. sag: v at the front less v at the sides, half widths."""

    x: float
    y: float
    angle: float
    half: float
    sag: float = 0.0

    def across_and_along(self, region: Region) -> tuple[FloatArray, FloatArray]:
        x, y = region.grid()
        dx, dy = x - np.float32(self.x), y - np.float32(self.y)
        cosine, sine = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
        return dx * cosine + dy * sine, dx * sine - dy * cosine

    def box(self, across: float, along: float, size: tuple[int, int]) -> Region:
        """What a rectangle of these half sides can touch."""
        cosine, sine = abs(float(np.cos(self.angle))), abs(float(np.sin(self.angle)))
        x, y = across * cosine + along * sine, across * sine + along * cosine
        return clipped(self.x - x, self.y - y, self.x + x, self.y + y, size)


def place(seat: Seat, adjustments: Adjustments) -> Placed:
    return Placed(
        x=seat.middle.x + adjustments.dx,
        y=seat.middle.y + adjustments.dy,
        angle=float(np.radians(seat.angle + adjustments.rotation)),
        half=seat.width / 2 * adjustments.scale,
    )


def ring(rgba: Rgba, hand: Hand, adjustments: Adjustments, size: tuple[int, int]) -> Layer:
    """A palm sees the ring's other side. size: width and height of the photograph."""
    where = place(hand.finger, adjustments)
    tilt = float(np.sin(np.radians(np.clip(hand.finger.tilt, -MOST_TILT, MOST_TILT))))
    bow = -float(np.copysign(max(abs(tilt), LEAST_BOW), tilt))
    hoop = hoops.read(rgba)
    if hoop is None:
        return _flat(rgba, where, size)
    hoop = hoop if hand.back else hoop.rear
    return _hoop(hoop, replace(where, sag=bow), where.half / hoop.inner, size)


def bracelet(rgba: Rgba, hand: Hand, adjustments: Adjustments, size: tuple[int, int], *,
             loose: float) -> Layer:  # fmt: skip
    """Held upright as on its picture, whichever way the hand points."""
    where = place(hand.wrist, adjustments)
    hoop = hoops.read(rgba)
    if hoop is None:
        where = _turned_over(where) if np.cos(where.angle) < 0 else where
        return _wrapped(rgba, where, size)
    _, (down,) = hoop.outwards(np.array([hoop.front], np.float32))
    where = _turned_over(where) if np.cos(where.angle) * down > 0 else where
    sag = -SAG * float(np.cos(where.angle))
    return _hoop(hoop, replace(where, sag=sag), loose * where.half / hoop.inner, size)


def _turned_over(where: Placed) -> Placed:
    return replace(where, angle=where.angle + float(np.pi))


def _hoop(hoop: Hoop, where: Placed, scale: float, size: tuple[int, int]) -> Layer:
    """scale: pixels of the photograph a pixel of the picture."""
    outer = hoop.outer * scale
    reach = abs(where.sag) * outer + 1.3 * hoop.band * scale
    head = 0.0 if hoop.head is None else 1.5 * hoop.across * scale
    region = where.box(max(outer, head), max(reach, head), size)
    if region.empty:
        return nothing(region)
    u, v = where.across_and_along(region)
    pixels, facing = _band(hoop, where, scale, u, v)
    if hoop.head is not None:
        pixels = _over(_head(hoop, hoop.head, where, scale, u, v), pixels)
    return Layer(region, pixels, facing)


def _band(hoop: Hoop, where: Placed, scale: float, u: FloatArray, v: FloatArray
          ) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """The front half of the band, unrolled."""
    part = u / np.float32(hoop.outer * scale)
    around = np.arcsin(np.clip(part, -1, 1))
    facing = np.cos(around)
    off = (v - where.sag * hoop.across * scale * facing) / np.float32(scale)
    angle = np.float32(hoop.front) - around
    x, y = hoop.line(angle)
    out_x, out_y = hoop.outwards(angle)
    pixels = sample(hoop.rgba, x + out_x * off, y + out_y * off, scale)
    shown = _rounded(np.abs(u / np.float32(scale)), np.abs(off.astype(np.float32)), hoop)
    return pixels * np.clip(shown * scale + 0.5, 0, 1)[..., None], facing.astype(np.float32)


def _rounded(across: FloatArray, along: FloatArray, hoop: Hoop) -> FloatArray:
    """How far a place lies inside the band's outline, whose ends are round as wire is."""
    corner = 0.7 * min(hoop.band, hoop.rim)
    x, y = across - (hoop.outer - corner), along - (1.15 * hoop.band - corner)
    outside = np.hypot(np.maximum(x, 0), np.maximum(y, 0))
    return np.asarray(corner - outside - np.minimum(np.maximum(x, y), 0), np.float32)


def _head(hoop: Hoop, head: Rgba, where: Placed, scale: float, u: FloatArray, v: FloatArray
          ) -> FloatArray:  # fmt: skip
    """The stone as the picture shows it, its middle on the band."""
    front = np.array([hoop.front], np.float32)
    (x,), (y,) = hoop.line(front)
    (out_x,), (out_y,) = hoop.outwards(front)
    up = v / np.float32(scale) - where.sag * hoop.across + hoop.rise
    across = u / np.float32(scale)
    return sample(head, x + out_x * up - out_y * across, y + out_y * up + out_x * across, scale)


def _over(upper: FloatArray, lower: FloatArray) -> FloatArray:
    return np.asarray(upper + lower * (1 - upper[..., 3:]), np.float32)


def _flat(rgba: Rgba, where: Placed, size: tuple[int, int]) -> Layer:
    """A ring seen from above: as wide as the finger."""
    height, width = rgba.shape[:2]
    scale = 2 * where.half / width
    region = where.box(where.half, height / 2 * scale, size)
    u, v = where.across_and_along(region)
    return _sampled(rgba, region, u / np.float32(scale), v / np.float32(scale), scale)


def _wrapped(rgba: Rgba, where: Placed, size: tuple[int, int]) -> Layer:
    """A bracelet laid out straight goes once round the arm; half of it is seen."""
    rgba = rgba if rgba.shape[1] >= rgba.shape[0] else np.ascontiguousarray(np.rot90(rgba))
    height, width = rgba.shape[:2]
    scale = ROUND_ARM * 2 * where.half / width
    region = where.box(where.half, height / 2 * scale, size)
    u, v = where.across_and_along(region)
    part = u / np.float32(where.half)
    around = np.arcsin(np.clip(part, -1, 1)) * np.float32(width / (2 * np.pi))
    layer = _sampled(rgba, region, around, v / np.float32(scale), scale)
    shown = np.clip((1 - np.abs(part)) * np.float32(where.half) + np.float32(0.5), 0, 1)
    facing = np.sqrt(np.clip(1 - part * part, 0, 1)).astype(np.float32)
    return Layer(region, layer.pixels * shown[..., None], facing)


def _sampled(rgba: Rgba, region: Region, right: FloatArray, up: FloatArray, scale: float
             ) -> Layer:  # fmt: skip
    """The picture from its middle; nothing outside the photograph."""
    if region.empty:
        return nothing(region)
    height, width = rgba.shape[:2]
    pixels = sample(rgba, (width - 1) / 2 + right, (height - 1) / 2 - up, scale)
    return Layer(region, pixels, np.ones(pixels.shape[:2], np.float32))
