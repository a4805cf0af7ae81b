"""Changes a picture's file piece by piece, and makes its sums and lengths right again, so that what is
changed gets past the first look of its reader: chunks of PNG and RIFF, segments of JPEG, boxes of ISO.
"""

import random
import struct
import zlib
from collections.abc import Callable

Piece = tuple[bytes, bytes]
"""Name and body."""

Mutate = Callable[[bytes], bytes]

PNG = b"\x89PNG\r\n\x1a\n"
MAX_PIECES = 400


def changed(data: bytes, seed: int, mutate: Mutate) -> bytes:
    """One to three changes; of no type that is known here, the bytes as they came."""
    dice = random.Random(seed)
    form = next((form for form in FORMS if form.fits(data)), None)
    if form is None:
        return data
    pieces, rest = form.split(data)
    for _ in range(dice.randint(1, 3)):
        if pieces:
            _change(pieces, dice, mutate)
    return form.join(pieces, rest)


def _change(pieces: list[Piece], dice: random.Random, mutate: Mutate) -> None:
    at = dice.randrange(len(pieces))
    name, body = pieces[at]
    match dice.randrange(8):
        case 0:
            del pieces[at]
        case 1:
            pieces.insert(dice.randrange(len(pieces) + 1), (name, body))
        case 2:
            other = dice.randrange(len(pieces))
            pieces[at], pieces[other] = pieces[other], pieces[at]
        case 3:
            pieces[at] = (pieces[dice.randrange(len(pieces))][0], body)
        case _:
            pieces[at] = (name, mutate(body))


class _Png:
    @staticmethod
    def fits(data: bytes) -> bool:
        return data.startswith(PNG)

    @staticmethod
    def split(data: bytes) -> tuple[list[Piece], bytes]:
        pieces: list[Piece] = []
        at = 8
        while at + 12 <= len(data) and len(pieces) < MAX_PIECES:
            length = int.from_bytes(data[at : at + 4])
            pieces.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
            at += 12 + length
        return pieces, data[at:]

    @staticmethod
    def join(pieces: list[Piece], rest: bytes) -> bytes:
        chunks = (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
            for name, body in pieces
        )
        return PNG + b"".join(chunks) + rest


class _Jpeg:
    @staticmethod
    def fits(data: bytes) -> bool:
        return data.startswith(b"\xff\xd8")

    @staticmethod
    def split(data: bytes) -> tuple[list[Piece], bytes]:
        """Up to the first scan, whose bytes are the rest."""
        pieces: list[Piece] = []
        at = 2
        while data[at : at + 1] == b"\xff" and len(pieces) < MAX_PIECES:
            length = int.from_bytes(data[at + 2 : at + 4])
            pieces.append((data[at : at + 2], data[at + 4 : at + 2 + length]))
            at += 2 + length
            if pieces[-1][0] == b"\xff\xda":
                break
        return pieces, data[at:]

    @staticmethod
    def join(pieces: list[Piece], rest: bytes) -> bytes:
        parts = (
            name + struct.pack(">H", len(body[:65_533]) + 2) + body[:65_533]
            for name, body in pieces
        )
        return b"\xff\xd8" + b"".join(parts) + rest


class _Riff:
    @staticmethod
    def fits(data: bytes) -> bool:
        return data.startswith(b"RIFF")

    @staticmethod
    def split(data: bytes) -> tuple[list[Piece], bytes]:
        pieces: list[Piece] = []
        at = 12
        while at + 8 <= len(data) and len(pieces) < MAX_PIECES:
            length = int.from_bytes(data[at + 4 : at + 8], "little")
            pieces.append((data[at : at + 4], data[at + 8 : at + 8 + length]))
            at += 8 + length + length % 2
        return pieces, data[at:]

    @staticmethod
    def join(pieces: list[Piece], rest: bytes) -> bytes:
        chunks = (
            name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
            for name, body in pieces
        )
        inside = b"WEBP" + b"".join(chunks) + rest
        return b"RIFF" + struct.pack("<I", len(inside)) + inside


class _Boxes:
    @staticmethod
    def fits(data: bytes) -> bool:
        return data[4:8] == b"ftyp"

    @staticmethod
    def split(data: bytes) -> tuple[list[Piece], bytes]:
        pieces: list[Piece] = []
        at = 0
        while at + 8 <= len(data) and len(pieces) < MAX_PIECES:
            length = max(8, int.from_bytes(data[at : at + 4]))
            pieces.append((data[at + 4 : at + 8], data[at + 8 : at + length]))
            at += length
        return pieces, data[at:]

    @staticmethod
    def join(pieces: list[Piece], rest: bytes) -> bytes:
        return (
            b"".join(struct.pack(">I", len(body) + 8) + name + body for name, body in pieces) + rest
        )


FORMS: tuple[type[_Png] | type[_Jpeg] | type[_Riff] | type[_Boxes], ...] = (
    _Png,
    _Jpeg,
    _Riff,
    _Boxes,
)
