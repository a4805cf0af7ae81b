"""Pixels of every mode that files have, to eight bits of sRGB and alpha."""

import io

import numpy as np
from PIL import Image, ImageCms

from imaging.types import Alpha

KEPT_PIXELS = 16_000_000
"""Larger pictures are halved while they are read: no screen shows more, and memory is shared."""

_GREY = {"1", "L"}
_WITH_ALPHA = {"LA", "RGBA"}
_WIDE_GREY = "I;16"
_OPAQUE = {"L", "RGB", "CMYK"}
"""Modes that stay as they are; a colour profile can describe them."""


def separated(
    image: Image.Image, *, bits: int = 8, at_least: int | None = None
) -> tuple[Image.Image, Image.Image | None]:
    """Read the pixels: sRGB colour, and alpha if there is any. Raise what Pillow raises.

    bits: of each channel in the file. at_least: pixels of the long side that are needed; a JPEG is
    read at a half, a quarter or an eighth of its size while it keeps as many.
    """
    profile = image.info.get("icc_profile")
    is_large = image.width * image.height > KEPT_PIXELS
    if image.format in {"JPEG", "MPO"}:
        smaller = max(2 if is_large else 1, max(image.size) // (at_least or max(image.size)))
        image.draft(None, (max(1, image.width // smaller), max(1, image.height // smaller)))
        is_large = False
    image.load()
    image = _plain(image, bits=bits)
    image = _halved(image) if is_large else image
    colour, alpha = _split(image)
    return _to_srgb(colour, profile), alpha


def _plain(image: Image.Image, *, bits: int) -> Image.Image:
    """In one of six modes: a transparent colour or palette entry becomes alpha."""
    if image.mode in _WITH_ALPHA:
        return image
    if image.has_transparency_data:
        image = _eight_bit(image)
        _match_transparent_colour(image, bits=bits)
        return image.convert("LA" if image.mode in _GREY else "RGBA")
    if image.mode in _OPAQUE or image.mode == _WIDE_GREY:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    if image.mode != _WIDE_GREY:
        return image
    grey: Alpha = (np.asarray(image) >> 8).astype(np.uint8)
    narrow = Image.fromarray(grey)
    narrow.info = image.info
    return narrow


def _match_transparent_colour(image: Image.Image, *, bits: int) -> None:
    """Pillow widens or narrows the pixels of a PNG to eight bits, but not the colour that is clear."""
    clear = image.info.get("transparency")
    if image.mode == "L" and isinstance(clear, int):
        image.info["transparency"] = _of_eight_bits(clear, bits)
    elif image.mode == "RGB" and isinstance(clear, tuple):
        image.info["transparency"] = tuple(_of_eight_bits(value, bits) for value in clear)


def _of_eight_bits(value: int, bits: int) -> int:
    return value >> 8 if bits == 16 else min(255, value * 255 // (2**bits - 1))


def _halved(image: Image.Image) -> Image.Image:
    """Averaged over two by two pixels."""
    return _eight_bit(image).reduce(2)


def _split(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    if image.mode not in _WITH_ALPHA:
        return image, None
    return image.convert(image.mode[:-1]), image.getchannel("A")


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        try:
            return _by_profile(image, profile)
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a profile that does not fit its picture: most viewers show it as sRGB too
    image = _eight_bit(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image:
    if image.mode in {"L", _WIDE_GREY}:
        return _greys_by_profile(image, profile)
    return _transformed(image, profile)


def _greys_by_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """Each grey once, and exactly: lcms would go by a table of a few greys, which is wrong by ten in
    the dark for a profile of linear light.
    """
    every = np.arange(65_536, dtype=np.uint16).reshape(256, 256)
    if image.mode == "L":
        every = every[:1].astype(np.uint8)
    table = _transformed(Image.fromarray(every), profile, flags=ImageCms.Flags.NOOPTIMIZE)
    return Image.fromarray(np.asarray(table).reshape(-1, 3)[np.asarray(image)])


def _transformed(
    image: Image.Image, profile: bytes, *, flags: ImageCms.Flags = ImageCms.Flags.NONE
) -> Image.Image:
    source, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
    changed = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB", flags=flags)
    assert changed is not None, "None is for changes in place"
    return changed
