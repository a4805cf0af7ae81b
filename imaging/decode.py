"""Bytes in, an upright 8-bit sRGB picture out; or a refusal before the picture costs memory.

Only the header is read before size and shape are judged. Metadata never leaves this module, save
whether the picture said which way is up. Of an animation the first frame is taken.
"""

import importlib.util
import io
import re
import struct
import zlib
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from imaging.errors import ImageRefused
from imaging.types import Alpha, Rgb, Rgba

MAX_BYTES = 20_000_000
MAX_PIXELS = 40_000_000
MAX_SIDE = 20_000
"""No camera makes a longer side; a 1 x 100,000 strip is an attack on whoever resizes it."""

KEPT_PIXELS = 16_000_000
"""Larger pictures are halved while they are read: no screen shows more, and memory is shared."""

_HALVED = {"L", "LA", "RGB", "RGBA", "CMYK"}
"""Modes whose neighbouring values can be averaged."""

_BROKEN = (
    *(OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError),
    *(struct.error, zlib.error, ArithmeticError, AssertionError, MemoryError, RuntimeError),
    UserWarning,
)
"""What Pillow's readers raise for bytes that are not what their header says (it warns of some,
which a caller may have turned into errors)."""

_SIGNATURES = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|RIFF....WEBP|....ftyp(avif|avis|heic|heix|mif1|msf1)",
    re.DOTALL,
)
"""How the types we take begin; what begins so and cannot be opened is damaged."""

_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)

_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """rgb: upright, (H, W, 3) uint8 sRGB; half as wide and high as the file's picture when that
    has more than KEPT_PIXELS. original_*: as stored in the file, before turning and halving.

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


def decode(data: bytes, *, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES) -> Decoded:
    """A photograph; transparent parts over white. Raise ImageRefused."""
    image = _open(data, max_pixels=max_pixels, max_bytes=max_bytes)
    kind, (width, height) = image.format or "", image.size
    orientation = _orientation(image)
    colour, alpha = _load(image)
    if alpha is not None:
        colour = Image.composite(colour, Image.new("RGB", colour.size, "white"), alpha)
    return Decoded(
        rgb=np.asarray(_upright(colour, orientation)),
        format="JPEG" if kind == "MPO" else kind,
        original_width=width,
        original_height=height,
        exif_orientation_present=orientation is not None,
    )


def decode_rgba(data: bytes, *, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES) -> Rgba:
    """A product picture, upright, with its own alpha, or opaque. Raise ImageRefused."""
    image = _open(data, max_pixels=max_pixels, max_bytes=max_bytes)
    orientation = _orientation(image)
    colour, alpha = _load(image)
    colour.putalpha(alpha if alpha is not None else 255)
    return np.asarray(_upright(colour, orientation))


def _open(data: bytes, *, max_pixels: int, max_bytes: int) -> Image.Image:
    if len(data) > max_bytes:
        raise ImageRefused("too-large", f"the file is larger than {max_bytes // 1_000_000} MB")
    try:
        image = Image.open(io.BytesIO(data), formats=formats())
    except UnidentifiedImageError:
        if _SIGNATURES.match(data):
            raise _unreadable() from None
        message = f"the file is not a picture of a type we take ({', '.join(formats())})"
        raise ImageRefused("unsupported-type", message) from None
    except _BOMB as bomb:
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


def _upright(image: Image.Image, orientation: int | None) -> Image.Image:
    method = _TRANSPOSE.get(orientation or 1)
    return image if method is None else image.transpose(method)


def _load(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Read the pixels: sRGB colour, and alpha if there is any."""
    try:
        image = _halved(image) if image.width * image.height > KEPT_PIXELS else image
        image.load()
        alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
        return _to_srgb(_eight_bit(image), image.info.get("icc_profile")), alpha
    except _BROKEN as broken:
        raise _unreadable() from broken


def _halved(image: Image.Image) -> Image.Image:
    """A JPEG is read at half its size; others are averaged over two by two pixels."""
    if image.format in {"JPEG", "MPO"}:
        image.draft(None, (image.width // 2, image.height // 2))
        return image
    profile = image.info.get("icc_profile")
    small = image.reduce(2) if image.mode in _HALVED else image
    small.info["icc_profile"] = profile
    return small


def _eight_bit(image: Image.Image) -> Image.Image:
    """The colour channels alone, in a mode that a colour profile can describe."""
    if image.mode.startswith("I"):
        grey: Alpha = (np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8)
        return Image.fromarray(grey)
    if image.mode in {"LA", "1"}:
        return image.convert("L")
    return image if image.mode in {"L", "RGB", "CMYK"} else image.convert("RGB")


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        try:
            return _by_profile(image, profile)
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a profile that does not fit its picture: most viewers show it as sRGB too
    return image if image.mode == "RGB" else image.convert("RGB")


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    changed = ImageCms.profileToProfile(
        image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert changed is not None, "None is for changes in place"
    return changed
