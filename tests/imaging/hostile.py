"""Files that mean harm, each with the code that it is refused with. Made here, byte by byte."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image, PngImagePlugin

from imaging.decode import formats
from imaging.errors import RefusalCode
from tests.imaging.making import (
    box_borders,
    chunk,
    chunk_borders,
    corners,
    png,
    riff,
    riff_borders,
    saved,
    scans,
    segment,
    segment_borders,
    webp,
    with_chunks,
    with_segments,
)

Made = Callable[[], bytes]


def whole_bomb() -> bytes:
    """50,000 by 50,000 white pixels of one bit, all there: 312 MB in 300 KB."""
    packer, row = zlib.compressobj(1), b"\0" + b"\xff" * 6250
    data = b"".join(packer.compress(row * 100) for _ in range(500)) + packer.flush()
    empty = png(width=50_000, height=50_000, bits=1, colour=0)
    return empty[:33] + chunk(b"IDAT", data) + chunk(b"IEND")


def frame(width: int, height: int) -> bytes:
    """A JPEG whose frame says so."""
    data = saved(corners(), "JPEG")
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def webp_canvas(width: int, height: int) -> bytes:
    """An animation whose canvas says so."""
    second = Image.new("RGB", corners().size)
    data = bytearray(saved(corners(), "WEBP", save_all=True, append_images=[second]))
    at = data.index(b"VP8X") + 12
    data[at : at + 6] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(data)


def webp_lossless(width: int, height: int) -> bytes:
    header = (width - 1) | (height - 1) << 14
    return webp(riff(b"VP8L", b"\x2f" + header.to_bytes(4, "little") + bytes(40)))


def webp_lossy(width: int, height: int) -> bytes:
    start = b"\x10\x02\x00\x9d\x01\x2a" + struct.pack("<HH", width, height)
    return webp(riff(b"VP8 ", start + bytes(60)))


def avif(width: int, height: int) -> bytes:
    """An AVIF that says it is so large (`ispe`)."""
    data = saved(corners((64, 64)), "AVIF")
    at = data.index(b"ispe") + 8
    return data[:at] + struct.pack(">II", width, height) + data[at + 8 :]


BOMBS: dict[str, Made] = {
    "png of 2.5 billion pixels": whole_bomb,
    "png header of 3.6 billion": lambda: png(width=60_000, height=60_000),
    "png header a little over": lambda: png(width=6_400, height=6_300),
    "png 1 x 100,000": lambda: png(width=1, height=100_000),
    "png 100,000 x 1": lambda: png(width=100_000, height=1),
    "jpeg 65,500 x 65,500": lambda: frame(65_500, 65_500),
    "jpeg 1 x 65,500": lambda: frame(1, 65_500),
    "jpeg 65,500 x 1": lambda: frame(65_500, 1),
    "webp canvas": lambda: webp_canvas(16_383, 16_383),
    "avif 16,000 x 16,000": lambda: avif(16_000, 16_000),
}

LABORIOUS: dict[str, Made] = {
    "jpeg of 50,000 scans": lambda: scans(50_000, side=6_300),
    "jpeg of 101 scans": lambda: scans(101, side=64),
    "jpeg of 2,000,000 segments": lambda: with_segments(
        saved(corners(), "JPEG"), segment(0xEF) * 2_000_000
    ),
    "jpeg with 9 MB of filling": lambda: with_segments(
        saved(corners(), "JPEG"), b"\xff" * 9_000_000
    ),
    "jpeg with 9 MB of restarts": lambda: with_segments(
        saved(corners(), "JPEG"), b"\xff\xd0" * 4_500_000
    ),
    "png of 800,000 chunks": lambda: with_chunks(saved(corners(), "PNG"), chunk(b"teSt") * 800_000),
    "png of 700,000 pieces": lambda: png(width=30, height=30).replace(
        chunk(b"IEND"), chunk(b"IDAT", b"\0") * 700_000
    ),
    "png of 9,000 packed profiles": lambda: with_chunks(
        saved(corners(), "PNG"), chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(1_000_000))) * 9_000
    ),
}


def text_bomb(*, international: bool) -> bytes:
    text = PngImagePlugin.PngInfo()
    add = text.add_itxt if international else text.add_text
    add("bomb", "a" * 80_000_000, zip=True)
    return saved(corners(), "PNG", pnginfo=text)


def many_texts() -> bytes:
    """Each within the limit, all together not."""
    packed = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * 1_000_000))
    return with_chunks(saved(corners(), "PNG"), packed * 70)


def without_tables() -> bytes:
    data = saved(corners(), "JPEG")
    return data[: data.index(b"\xff\xdb")] + data[data.index(b"\xff\xc0") :]


DAMAGED: dict[str, Made] = {
    "png text bomb": lambda: text_bomb(international=False),
    "png international text bomb": lambda: text_bomb(international=True),
    "png many texts": many_texts,
    "png profile bomb": lambda: with_chunks(
        saved(corners(), "PNG"), chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(50_000_000)))
    ),
    "png that promises more": lambda: png(width=3000, height=3000, data=b"\x00" * 100),
    "png of no pixels": lambda: png(width=0, height=0),
    "png with no end": lambda: png(width=30, height=30)[:-20],
    "png whose length is negative": lambda: png(width=9, height=9).replace(
        struct.pack(">I", 8) + b"IDAT", b"\xff\xff\xff\xffIDAT"
    )[:60],
    "jpeg of no pixels": lambda: frame(0, 0),
    "jpeg without tables": without_tables,
    "jpeg start alone": lambda: b"\xff\xd8\xff",
    "jpeg of starts": lambda: b"\xff\xd8" * 400,
    "webp lossless of nothing": lambda: webp_lossless(9_000, 4_000),
    "webp lossy of nothing": lambda: webp_lossy(9_000, 4_000),
    "webp empty": webp,
    "webp of gigabytes": lambda: b"RIFF\xff\xff\xff\xffWEBPVP8 \xff\xff\xff\xff" + bytes(90),
    "avif of one box": lambda: b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf",
    "avif of endless boxes": lambda: b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(5_000_000),
}


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as written:
        written.writestr("evil.html", "<script>")
    return buffer.getvalue()


def _animated_gif() -> bytes:
    frames = [Image.new("P", (8, 8), i % 250) for i in range(500)]
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:])


FOREIGN: dict[str, Made] = {
    "nothing": lambda: b"",
    "text": lambda: b"hello",
    "svg": lambda: b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>",
    "html": lambda: b"<!doctype html><script>alert(1)</script>" + saved(corners(), "JPEG"),
    "php": lambda: b"<?php system($_GET['c']); ?>" + saved(corners(), "PNG"),
    "pdf and jpeg": lambda: b"%PDF-1.7\n" + saved(corners(), "JPEG"),
    "eps": lambda: saved(corners(), "EPS"),
    "psd": lambda: (
        b"8BPS\0\x01" + bytes(6) + b"\0\x03" + struct.pack(">II", 16, 24) + b"\0\x08\0\x03"
    ),
    "gif": lambda: saved(corners(), "GIF"),
    "animated gif": _animated_gif,
    "gif and zip (GIFAR)": lambda: saved(corners(), "GIF") + archive(),
    "zip": archive,
    "jpeg 2000": lambda: saved(corners(), "JPEG2000"),
    "film": lambda: b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(400),
    "program": lambda: b"\x7fELF\x02\x01\x01" + bytes(400),
    "late jpeg": lambda: b"\0" + saved(corners(), "JPEG"),
} | {
    kind.lower(): (lambda kind=kind: saved(corners(), kind))
    for kind in ("BMP", "TIFF", "PPM", "ICO", "TGA", "PCX", "ICNS", "DDS", "SGI")
}


def _noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(3).integers(0, 255, (48, 64, 3), np.uint8))


def truncated() -> dict[str, bytes]:
    """Of each type, cut at every border between its parts, and in the middle of the pixels."""
    borders = {
        "JPEG": segment_borders,
        "PNG": chunk_borders,
        "WEBP": riff_borders,
        "AVIF": box_borders,
    }
    made = {}
    for kind, find in borders.items():
        data = saved(_noise(), kind, exif=Image.Exif())
        for at in (*find(data), len(data) // 2, len(data) - 9):
            if at < len(data):
                made[f"{kind.lower()} cut at {at}"] = data[:at]
    return made


HEIC: dict[str, Made] = {
    "heic of nothing": lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(400)
}
"""Damaged where its reader is installed, otherwise of a type that is not taken."""

if "HEIF" in formats():
    DAMAGED |= HEIC
else:
    FOREIGN |= HEIC

REFUSED: dict[RefusalCode, dict[str, Made]] = {
    "too-many-pixels": BOMBS,
    "unreadable-image": LABORIOUS | DAMAGED,
    "unsupported-type": FOREIGN,
    "too-large": {"21 MB": lambda: saved(corners(), "JPEG") + bytes(21_000_000)},
}


def refused() -> list[tuple[str, RefusalCode, Made]]:
    return [(name, code, make) for code, files in REFUSED.items() for name, make in files.items()]
