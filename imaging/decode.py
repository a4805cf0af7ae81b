"""Bytes in, an upright 8-bit sRGB picture out; or a refusal before the picture costs memory.

Only the header is read before size and shape are judged. Metadata never leaves this module, save
whether the picture said which way is up. Of an animation the first frame is taken.
"""

import importlib.util
import io
import re
import struct
import threading
import warnings
import zlib
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from imaging.colours import separated
from imaging.errors import ImageRefused
from imaging.structure import judge
from imaging.types import Rgb, Rgba

MAX_BYTES = 20_000_000
MAX_PIXELS = 40_000_000
MAX_SIDE = 20_000
"""No camera makes a longer side; a 1 x 100,000 strip is an attack on whoever resizes it."""

_BROKEN = (
    *(OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError),
    *(struct.error, zlib.error, ArithmeticError, AssertionError, MemoryError, RuntimeError),
)
"""What Pillow's readers raise for bytes that are not what their header says."""

_SIGNATURES = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "WEBP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "AVIF": re.compile(rb"....ftypavi[fs]", re.DOTALL),
    "HEIF": re.compile(rb"....ftyp(hei[cmsx]|hev[cmsx]|mif1|msf1)", re.DOTALL),
}
"""How the types that we may take begin; what begins so and cannot be opened is damaged."""

_ONE_AT_A_TIME = threading.Lock()

_MIRRORED = {2, 3}
_ROWS_BACKWARDS = {3, 4, 6, 7}
_LYING = {5, 6, 7, 8}
_THEN_ROWS_BACKWARDS = {7, 8}
"""By EXIF orientation what turns a picture upright, in this order. Whole rows are moved where they can
be: that is ten times as fast as to mirror them.
"""


@dataclass(frozen=True, slots=True)
class Decoded:
    """rgb: upright, (H, W, 3) uint8 sRGB; half as wide and high as the file's picture when that
    has more than `colours.KEPT_PIXELS`. original_*: as stored in the file, before turning and halving.

    exif_orientation_present: the camera said which way is up, so nothing need be guessed.
    """

    rgb: Rgb = field(repr=False, compare=False)
    format: str
    original_width: int
    original_height: int
    exif_orientation_present: bool


@cache
def formats() -> tuple[str, ...]:
    """What is read; HEIF, the format of iPhones, when the extra `pillow-heif` is installed."""
    base = ("JPEG", "PNG", "WEBP", "AVIF")
    if importlib.util.find_spec("pillow_heif") is None:
        return base
    importlib.import_module("pillow_heif").register_heif_opener()
    return (*base, "HEIF")


def decode(
    data: bytes,
    *,
    at_least: int | None = None,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
) -> Decoded:
    """A photograph; transparent parts over white. Raise ImageRefused.

    at_least: pixels of the long side that the caller needs; a large JPEG is then read at a part of its
    size, in a third of the time.
    """
    found = _read(data, max_pixels=max_pixels, max_bytes=max_bytes, at_least=at_least)
    colour = found.colour
    if found.alpha is not None:
        colour = Image.composite(colour, Image.new("RGB", colour.size, "white"), found.alpha)
    return Decoded(
        rgb=_upright(colour, found.orientation),
        format=found.format,
        original_width=found.size[0],
        original_height=found.size[1],
        exif_orientation_present=found.orientation is not None,
    )


def decode_rgba(data: bytes, *, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES) -> Rgba:
    """A product picture, upright, with its own alpha, or opaque. Raise ImageRefused."""
    found = _read(data, max_pixels=max_pixels, max_bytes=max_bytes)
    colour = found.colour
    colour.putalpha(found.alpha if found.alpha is not None else 255)
    return _upright(colour, found.orientation)


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the header of a picture that we made ourselves."""
    with Image.open(io.BytesIO(data)) as image:
        return image.size


class _Found(NamedTuple):
    """As in the file: not yet upright."""

    format: str
    size: tuple[int, int]
    orientation: int | None
    colour: Image.Image
    alpha: Image.Image | None


def _read(data: bytes, *, max_pixels: int, max_bytes: int, at_least: int | None = None) -> _Found:
    """Pillow's warnings are not heard: a file can have it write one for each of 65,535 tags. Python's
    filter of warnings is one for all threads, so one of them reads at a time.
    """
    with _ONE_AT_A_TIME, warnings.catch_warnings(action="ignore"):
        image = _open(data, max_pixels=max_pixels, max_bytes=max_bytes)
        kind, size, orientation = image.format or "", image.size, _orientation(image)
        colour, alpha = _pixels(image, data, at_least)
    return _Found("JPEG" if kind == "MPO" else kind, size, orientation, colour, alpha)


def _open(data: bytes, *, max_pixels: int, max_bytes: int) -> Image.Image:
    if len(data) > max_bytes:
        raise ImageRefused("too-large", f"the file is larger than {max_bytes // 1_000_000} MB")
    judge(data)
    try:
        image = Image.open(io.BytesIO(data), formats=formats())
    except UnidentifiedImageError:
        if any(_SIGNATURES[kind].match(data) for kind in formats()):
            raise _unreadable() from None
        message = f"the file is not a picture of a type we take ({', '.join(formats())})"
        raise ImageRefused("unsupported-type", message) from None
    except Image.DecompressionBombError as bomb:
        raise _too_many(max_pixels) from bomb
    except _BROKEN as broken:
        raise _unreadable() from broken
    if image.width * image.height > max_pixels or max(image.size) > MAX_SIDE:
        raise _too_many(max_pixels)
    return image


def _too_many(max_pixels: int) -> ImageRefused:
    message = f"the picture has more than {max_pixels // 1_000_000} million pixels or a side over {MAX_SIDE}"
    return ImageRefused("too-many-pixels", message)


def _unreadable() -> ImageRefused:
    return ImageRefused("unreadable-image", "the picture is damaged or cut short")


def _orientation(image: Image.Image) -> int | None:
    """The EXIF orientation 1..8; None without one, or when the metadata cannot be read."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation)
    except _BROKEN:
        return None  # a damaged tag says nothing about the pixels, which are judged by themselves
    return value if value in range(1, 9) else None


def _upright(image: Image.Image, orientation: int | None) -> Rgb:
    """With as many channels as the picture has."""
    pixels = np.asarray(image)
    if orientation in _MIRRORED:
        pixels = pixels[:, ::-1]
    if orientation in _ROWS_BACKWARDS:
        pixels = pixels[::-1]
    if orientation in _LYING:
        pixels = cv2.transpose(np.ascontiguousarray(pixels))
    if orientation in _THEN_ROWS_BACKWARDS:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels, np.uint8)


def _pixels(
    image: Image.Image, data: bytes, at_least: int | None
) -> tuple[Image.Image, Image.Image | None]:
    bits = data[24] if image.format == "PNG" else 8  # the first field of the header after the size
    try:
        return separated(image, bits=bits, at_least=at_least)
    except _BROKEN as broken:
        raise _unreadable() from broken
