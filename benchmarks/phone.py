"""Photographs as phones take them, made from the one that we may: astronaut.jpg enlarged, with grain."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from imaging.decode import decode
from imaging.encode import encode_jpeg
from imaging.types import Rgb

ASTRONAUT = Path(__file__).parents[1] / "tests" / "imaging" / "photos" / "astronaut.jpg"
GRAIN = 4.0
"""Standard deviation of the noise, in 255ths: a phone's in a room."""


class Phone:
    """`long_side` 4000 makes 12 megapixels. Each photograph is another one: the same bytes again would
    be recognised, and the same pixels would be remembered.
    """

    def __init__(self, long_side: int) -> None:
        upright = decode(ASTRONAUT.read_bytes()).rgb[:, 33:417]
        size = (long_side * 3 // 4, long_side)
        large = cv2.resize(upright, size, interpolation=cv2.INTER_CUBIC).astype(np.float32)
        noise = GRAIN * np.random.default_rng(7).standard_normal(large.shape, np.float32)
        self._rgb: Rgb = np.clip(large + noise, 0, 255).astype(np.uint8)
        self._taken = 0

    def photograph(self) -> bytes:
        """A JPEG that lies on its side, and says so by EXIF orientation 6."""
        self._taken += 1
        rgb = self._rgb.copy()
        rgb[-8:, -8:] = np.random.default_rng(self._taken).integers(0, 255, 3)
        return _turned(encode_jpeg(np.ascontiguousarray(np.rot90(rgb)), 92))


def _turned(jpeg: bytes) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    tags = exif.tobytes()
    return jpeg[:2] + b"\xff\xe1" + (len(tags) + 2).to_bytes(2) + tags + jpeg[2:]
