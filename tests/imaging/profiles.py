"""Colour profiles made by hand (ICC.1:2001-04), whose every number is known."""

import struct

import numpy as np
from numpy.typing import NDArray

WHITE = (0.9642, 1.0, 0.8249)
"""D50, the white of the profile connection space."""

SRGB = ((0.4360747, 0.2225045, 0.0139322), (0.3850649, 0.7168786, 0.0971045),
        (0.1430804, 0.0606169, 0.7141733))  # fmt: skip
DISPLAY_P3 = ((0.5151187, 0.2411892, -0.0010505), (0.2919778, 0.6922441, 0.0418791),
              (0.1571035, 0.0665668, 0.7840713))  # fmt: skip
ADOBE_RGB = ((0.6097559, 0.3111242, 0.0194811), (0.2052401, 0.6256560, 0.0608902),
             (0.1492240, 0.0632197, 0.7448387))  # fmt: skip
"""XYZ of red, green and blue, adapted to D50 (brucelindbloom.com, and ICC's own of Display P3)."""


def matrix_profile(
    primaries: tuple[tuple[float, ...], ...], *, gamma: float | None, name: bytes = b"by hand"
) -> bytes:
    """Of RGB; gamma None is the curve of sRGB."""
    curve = _curve(gamma)
    tags = {
        b"rXYZ": _xyz(*primaries[0]),
        b"gXYZ": _xyz(*primaries[1]),
        b"bXYZ": _xyz(*primaries[2]),
    }
    tags |= {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    return profile(tags, kind=b"mntr", space=b"RGB ", name=name)


def grey_profile(gamma: float) -> bytes:
    return profile({b"kTRC": _curve(gamma)}, kind=b"mntr", space=b"GRAY")


def ink_profile() -> bytes:
    """Of CMYK: more of any ink is darker, and the first three take red, green and blue away.

    A table of two entries a channel, cyan slowest, in 8-bit Lab.
    """
    table = bytes(value for inks in range(16) for value in _lab_of(inks))
    ramp = bytes(range(256))
    matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + ramp * 4 + table + ramp * 3
    return profile({b"A2B0": lut}, kind=b"prtr", space=b"CMYK", connection=b"Lab ")


INK_LAB = {0b0000: (255, 128, 128), 0b0110: (136, 209, 195), 0b1000: (150, 90, 80)}
"""By cyan, magenta, yellow, black bits: paper, red, and a cyan; L in 255ths, a and b plus 128."""


def _lab_of(inks: int) -> tuple[int, int, int]:
    return (0, 128, 128) if inks & 1 else INK_LAB.get(inks, (100, 128, 128))


def profile(
    tags: dict[bytes, bytes], *, kind: bytes, space: bytes, connection: bytes = b"XYZ ",
    name: bytes = b"by hand",
) -> bytes:  # fmt: skip
    text = name + b"\0"
    described = b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)
    tags = {b"desc": described, b"wtpt": _xyz(*WHITE)} | tags
    start = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for tag, content in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    return _header(start + len(body), kind, space, connection) + table + body


def _header(size: int, kind: bytes, space: bytes, connection: bytes) -> bytes:
    head = struct.pack(">I4sI4s4s4s", size, b"", 0x02400000, kind, space, connection)
    head += bytes(12) + b"acsp" + bytes(28) + _xyz(*WHITE)[8:]
    return head.ljust(128, b"\0")


def _xyz(x: float, y: float, z: float) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(v * 65536) for v in (x, y, z)))


def _curve(gamma: float | None) -> bytes:
    if gamma is not None:
        return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    points = [round(_linear(n / 1023) * 65535) for n in range(1024)]
    return b"curv" + bytes(4) + struct.pack(">I1024H", len(points), *points)


def _linear(value: float) -> float:
    """sRGB to light, IEC 61966-2-1."""
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def srgb_of_light(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """The other way, 0..1 to 0..255."""
    low, high = light * 12.92, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055
    return 255 * np.where(light <= 0.0031308, low, high)
