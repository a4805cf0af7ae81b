"""Files that phones, scanners, editors and jokers make, and that come out clean. Whatever must not come
out carries the word CANARY: text, places, thumbnails, programs, what was hung behind the picture.
"""

import struct
import warnings
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image, PngImagePlugin

from imaging.decode import formats
from tests.imaging.hostile import archive
from tests.imaging.making import (
    chunk,
    corners,
    saved,
    scans,
    segment,
    tiff,
    with_chunks,
    with_segments,
)
from tests.imaging.profiles import DISPLAY_P3, ink_profile, matrix_profile

CANARY = b"KundanCanary"
PHP = b"<?php /* " + CANARY + b" */ system($_GET['c']); ?>"
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + PHP + b"</x:xmpmeta>"
SIZE = (64, 48)

Made = Callable[[], bytes]


def camera_exif(orientation: int = 1) -> Image.Exif:
    """What a phone writes: maker, place, owner's note, maker's own bytes."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = CANARY.decode()
    exif[0x9C9C] = CANARY
    exif.get_ifd(0x8769).update({0x927C: CANARY * 20, 0x9286: b"ASCII\0\0\0" + PHP})
    exif.get_ifd(0x8825).update({1: "N", 2: (28.0, 36.0, 50.0), 29: CANARY.decode()})
    return exif


def thumbnail_exif() -> bytes:
    """A thumbnail of its own, as cameras keep: an editor that crops forgets it."""
    small = saved(corners((16, 12)), "JPEG", comment=CANARY)
    length = struct.pack(">L", len(small))
    first = tiff((0x0112, 3, 1, b"\0\x01\0\0"))
    start = len(first)
    second = struct.pack(">H", 2) + struct.pack(
        ">HHL4s", 0x0201, 4, 1, struct.pack(">L", start + 30)
    )
    second += struct.pack(">HHL4s", 0x0202, 4, 1, length) + bytes(4)
    return b"Exif\0\0" + first[:-4] + struct.pack(">L", start) + second + small


def heavy_exif(tags: int = 20_000) -> bytes:
    """Every tag says that it is the whole file: Pillow warns of each."""
    entries = [(1000 + n, 7, 8_000_000, bytes(4)) for n in range(tags)]
    return tiff(*entries, tail=bytes(8_000_000))


def heavy_segments() -> list[bytes]:
    """Readers put the pieces together again."""
    exif = heavy_exif()
    pieces = [exif[at : at + 65_000] for at in range(0, len(exif), 65_000)]
    return [segment(0xE1, b"Exif\0\0" + piece) for piece in pieces]


def heavy_avif() -> bytes:
    """The writer warns of them too."""
    with warnings.catch_warnings(action="ignore"):
        return saved(corners(SIZE), "AVIF", exif=heavy_exif())


def film_of(kind: str, count: int, **options: object) -> bytes:
    frames = [Image.new("L", (16, 16), i % 251) for i in range(count)]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=1, **options)


def two_pictures() -> bytes:
    """MPO: the second is what a phone keeps for depth or the other eye."""
    second = Image.new("RGB", SIZE, "black")
    return saved(corners(SIZE), "MPO", save_all=True, append_images=[second], comment=CANARY)


def jpeg(*segments: bytes, behind: bytes = b"", **options: object) -> bytes:
    return with_segments(saved(corners(SIZE), "JPEG", **options), *segments) + behind


def png(*chunks: bytes, behind: bytes = b"", **options: object) -> bytes:
    return with_chunks(saved(corners(SIZE), "PNG", **options), *chunks) + behind


def texts() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", PHP.decode())
    text.add_text("Packed", PHP.decode(), zip=True)
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    return saved(corners(SIZE), "PNG", pnginfo=text)


def canary_profile() -> bytes:
    return matrix_profile(DISPLAY_P3, gamma=None, name=CANARY)


def wide(channels: int) -> bytes:
    """Sixteen bits a channel: 2 grey with alpha, 3 colour, 4 colour with alpha."""
    pixels = np.full((SIZE[1], SIZE[0], channels), 40_000, ">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", *SIZE, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND")
    return b"\x89PNG\r\n\x1a\n" + body


JPEGS: dict[str, Made] = {
    "jpeg of a phone": lambda: jpeg(exif=camera_exif(), comment=CANARY),
    "jpeg on its side": lambda: jpeg(exif=camera_exif(6)),
    **{
        f"jpeg of orientation {value}": lambda value=value: jpeg(exif=camera_exif(value))  # type: ignore[misc]
        for value in (0, 9, 255)
    },
    "jpeg with a thumbnail": lambda: jpeg(exif=thumbnail_exif()),
    "jpeg with heavy tags": lambda: jpeg(*heavy_segments()),
    "jpeg with xmp": lambda: jpeg(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)),
    "jpeg with iptc": lambda: jpeg(
        segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">L", 12) + CANARY)
    ),
    "jpeg and php": lambda: jpeg(comment=PHP, behind=PHP),
    "jpeg and zip": lambda: jpeg(behind=archive() + CANARY),
    "jpeg and pdf": lambda: jpeg(segment(0xFE, b"%PDF-1.7 " + CANARY), behind=b"%%EOF"),
    "jpeg and html": lambda: jpeg(segment(0xFE, b"<script>" + CANARY + b"</script>")),
    "jpeg with a profile": lambda: jpeg(icc_profile=canary_profile()),
    "jpeg of inks": lambda: saved(
        corners(SIZE).convert("CMYK"), "JPEG", icc_profile=ink_profile(), comment=CANARY
    ),
    "jpeg of inks, plain": lambda: saved(corners(SIZE).convert("CMYK"), "JPEG"),
    "jpeg of greys": lambda: saved(corners(SIZE).convert("L"), "JPEG", comment=CANARY),
    "jpeg of twelve scans": lambda: scans(12, side=64),
    "jpeg in steps": lambda: jpeg(progressive=True, comment=CANARY),
    "two pictures": two_pictures,
    "jpeg of one pixel": lambda: saved(Image.new("RGB", (1, 1)), "JPEG"),
    "jpeg strip of 20,000": lambda: saved(Image.new("RGB", (20_000, 1)), "JPEG"),
}

PNGS: dict[str, Made] = {
    "png with texts": texts,
    "png of a phone": lambda: png(exif=camera_exif(3)),
    "png with heavy tags": lambda: png(chunk(b"eXIf", heavy_exif())),
    "png with a profile": lambda: png(icc_profile=canary_profile()),
    "png with a chunk of its own": lambda: png(chunk(b"kuNd", CANARY)),
    "png and html": lambda: png(behind=b"<script>" + CANARY + b"</script>"),
    "png of a palette": lambda: saved(corners(SIZE).convert("P"), "PNG", transparency=0),
    "png of one bit": lambda: saved(corners(SIZE).convert("1"), "PNG"),
    "png of grey and alpha": lambda: saved(corners(SIZE).convert("LA"), "PNG"),
    "png of sixteen bits, grey": lambda: saved(
        Image.fromarray(np.full(SIZE[::-1], 40_000, np.uint16)), "PNG"
    ),
    "png of sixteen bits, grey and alpha": lambda: wide(2),
    "png of sixteen bits": lambda: wide(3),
    "png of sixteen bits and alpha": lambda: wide(4),
    "png of 10,000 frames": lambda: film_of("PNG", 10_000),
    "png of one pixel": lambda: saved(Image.new("1", (1, 1)), "PNG"),
    "png strip of 20,000": lambda: saved(Image.new("RGB", (1, 20_000)), "PNG"),
}

OTHERS: dict[str, Made] = {
    "webp of a phone": lambda: saved(
        corners(SIZE), "WEBP", exif=camera_exif(8), xmp=XMP, icc_profile=canary_profile()
    ),
    "webp with heavy tags": lambda: saved(corners(SIZE), "WEBP", exif=heavy_exif()),
    "webp of 10,000 frames": lambda: film_of("WEBP", 10_000),
    "webp, lossless with alpha": lambda: saved(
        corners(SIZE).convert("RGBA"), "WEBP", lossless=True
    ),
    "avif of a phone": lambda: saved(
        corners(SIZE), "AVIF", exif=camera_exif(5), xmp=XMP, icc_profile=canary_profile()
    ),
    "avif with heavy tags": heavy_avif,
    "avif of 10,000 frames": lambda: film_of("AVIF", 10_000, speed=10),
    "avif with alpha": lambda: saved(corners(SIZE).convert("RGBA"), "AVIF"),
    "avif of greys": lambda: saved(corners(SIZE).convert("L"), "AVIF"),
}

if "HEIF" in formats():
    OTHERS["heic of a phone"] = lambda: saved(
        corners(SIZE), "HEIF", exif=camera_exif(6), xmp=XMP, icc_profile=canary_profile()
    )

LARGE: dict[str, Made] = {
    "jpeg of 39 megapixels": lambda: saved(Image.new("RGB", (6_300, 6_300), "red"), "JPEG"),
    "png of 39 megapixels and a palette": lambda: saved(Image.new("P", (6_300, 6_300)), "PNG"),
    "png of 39 megapixels and alpha": lambda: saved(
        Image.new("RGBA", (6_300, 6_300)), "PNG", compress_level=1
    ),
    "jpeg of 99 scans": lambda: scans(99, side=6_300),
}
"""As large as may be: what memory and time they cost is measured."""

CLEANED = JPEGS | PNGS | OTHERS | LARGE
