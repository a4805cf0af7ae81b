"""How a file is put together, judged before a decoder is paid to read it.

Decoders work for every scan, segment and chunk that a file names, however empty it is, so that a small
file can cost minutes. Only markers and lengths are read here. What a decoder would refuse anyway is let
through: it says so better.
"""

import re
import struct
from collections.abc import Iterator

from imaging.errors import ImageRefused

MAX_SCANS = 100
"""Of a JPEG. Encoders write about ten; libjpeg's own `cjpeg` takes a script of a hundred at most. Each
costs a pass over all blocks: 8 ms at 40 megapixels even if it holds nothing.
"""

MAX_SEGMENTS = 1_000
"""Of a JPEG: 255 hold a colour profile of 16 MB, 300 hold all else that fits into a file we take."""

MAX_JUNK = 65_536
"""Bytes between two segments of a JPEG, where a reader looks at each by itself."""

MAX_CHUNKS = 50_000
"""Of a PNG: an animation of ten thousand frames has 20,002."""

_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])", re.DOTALL)
"""In the data of a scan, 0xFF comes before 0 and before the eight restart markers only."""

_ALONE = b"\x01\xd8"
"""Markers without a length, that do not end the picture."""

_SCAN, _END = b"\xda", b"\xd9"


def judge(data: bytes) -> None:
    """Raise ImageRefused for a file that would be more work than any picture."""
    if data.startswith(b"\xff\xd8"):
        _judge_jpeg(data)
    elif data.startswith(b"\x89PNG\r\n\x1a\n"):
        _judge_png(data)


def _judge_jpeg(data: bytes) -> None:
    scans = 0
    for number, marker in enumerate(_markers(data), start=1):
        scans += marker == _SCAN
        if scans > MAX_SCANS or number > MAX_SEGMENTS:
            raise _laborious()


def _markers(data: bytes) -> Iterator[bytes]:
    """Those of the first picture in a JPEG, in the order in which libjpeg comes to them."""
    at, in_scan = 2, False
    while found := _MARKER.search(data, at):
        if not in_scan and found.end() - at > MAX_JUNK:
            raise _laborious()
        marker = found[1]
        if marker == _END:
            return
        yield marker
        in_scan = marker == _SCAN
        at = found.end() + (0 if marker in _ALONE else _length(data, found.end()))


def _length(data: bytes, at: int) -> int:
    """Of a segment, with the two bytes that say it."""
    return max(2, int.from_bytes(data[at : at + 2]))


def _judge_png(data: bytes) -> None:
    """The standard allows one profile, and every one is unpacked."""
    profiles = 0
    for number, name in enumerate(_chunks(data), start=1):
        profiles += name == b"iCCP"
        if profiles > 1 or number > MAX_CHUNKS:
            raise _laborious()


def _chunks(data: bytes) -> Iterator[bytes]:
    at, name = 8, b""
    while name != b"IEND" and at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        yield name
        at += length + 12


def _laborious() -> ImageRefused:
    message = "the file has more parts than a picture needs"
    return ImageRefused("unreadable-image", message)
