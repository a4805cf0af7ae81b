"""Files made by hand, piece by piece, so that any piece can lie: PNG, JPEG, RIFF, ISO media boxes."""

import io
import struct
import zlib

from PIL import Image

PNG_START = b"\x89PNG\r\n\x1a\n"
WIDE = 24


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def corners(size: tuple[int, int] = (WIDE, 16)) -> Image.Image:
    """Red, green, blue and white quarters: every turn and flip looks different."""
    image = Image.new("RGB", size, "white")
    half = (size[0] // 2, size[1] // 2)
    for colour, at in (("red", (0, 0)), ("lime", (half[0], 0)), ("blue", (0, half[1]))):
        image.paste(Image.new("RGB", half, colour), at)
    return image


# --- PNG -----------------------------------------------------------------------------------------


def chunk(name: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(
    *, width: int, height: int, data: bytes = b"", bits: int = 8, colour: int = 2,
    before: bytes = b"", interlaced: int = 0,
) -> bytes:  # fmt: skip
    """A header that may lie, rows with their filter bytes, and chunks that come before these."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    pixels = chunk(b"IDAT", zlib.compress(data))
    return PNG_START + chunk(b"IHDR", header) + before + pixels + chunk(b"IEND")


def with_chunks(data: bytes, *chunks: bytes) -> bytes:
    """Behind the header of a PNG."""
    return data[:33] + b"".join(chunks) + data[33:]


def chunk_borders(data: bytes) -> list[int]:
    borders, at = [len(PNG_START)], len(PNG_START)
    while at + 8 < len(data):
        at += 12 + int.from_bytes(data[at : at + 4])
        borders.append(at)
    return borders


# --- JPEG ----------------------------------------------------------------------------------------


def segment(marker: int, body: bytes = b"") -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def with_segments(data: bytes, *segments: bytes) -> bytes:
    """Behind the first marker of a JPEG."""
    return data[:2] + b"".join(segments) + data[2:]


def scans(count: int, *, side: int) -> bytes:
    """A progressive JPEG whose every scan says of all blocks that nothing changes."""
    frame = struct.pack(">BHHB", 8, side, side, 1) + b"\x01\x11\x00"
    runs = ((side + 7) // 8) ** 2 // 0x7FFF + 1
    bits = ("0" + "1" * 14) * runs  # the table's only code, and the longest run of empty blocks
    bits += "1" * (-len(bits) % 8)
    nothing = int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\x00")
    scan = segment(0xDA, b"\x01\x01\x00\x01\x3f\x00") + nothing
    tables = segment(0xDB, b"\0" + b"\x01" * 64) + segment(0xC4, b"\x10\x01" + bytes(15) + b"\xe0")
    return b"\xff\xd8" + tables + segment(0xC2, frame) + scan * count + b"\xff\xd9"


def segment_borders(data: bytes) -> list[int]:
    """Up to the first scan."""
    borders, at = [2], 2
    while data[at + 1] != 0xDA:
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
        borders.append(at)
    return borders


# --- WebP and AVIF -------------------------------------------------------------------------------


def riff(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def webp(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def riff_borders(data: bytes) -> list[int]:
    borders, at = [12], 12
    while at + 8 < len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
        borders.append(at)
    return borders


def box_borders(data: bytes) -> list[int]:
    borders, at = [], 0
    while at + 8 <= len(data):
        at += max(8, int.from_bytes(data[at : at + 4]))
        borders.append(at)
    return borders


# --- Metadata ------------------------------------------------------------------------------------


def tiff(*entries: tuple[int, int, int, bytes], tail: bytes = b"") -> bytes:
    """Tag, type, count and four bytes of each, as EXIF has them; then whatever they point to."""
    body = b"".join(struct.pack(">HHL", *entry[:3]) + entry[3] for entry in entries)
    return b"MM\0*\0\0\0\x08" + struct.pack(">H", len(entries)) + body + bytes(4) + tail
