"""Pictures out: without metadata, and the same bytes for the same pixels."""

import io

import cv2
import numpy as np
from PIL import Image

from imaging.types import Rgb, Rgba

SIZES = (1600, 1024, 320)
"""Long sides in pixels: full, preview, thumbnail."""

JPEG_QUALITY = 90


def encode_jpeg(rgb: Rgb, quality: int = JPEG_QUALITY) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def encode_png(pixels: Rgb | Rgba) -> bytes:
    """Lossless, with alpha when the array has four channels."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def fit(rgb: Rgb, long_side: int) -> Rgb:
    """Shrink until the long side is at most this; never enlarge."""
    height, width = rgb.shape[:2]
    scale = long_side / max(height, width)
    if scale >= 1:
        return rgb
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def sizes(rgb: Rgb) -> dict[int, Rgb]:
    """The stored sizes by long side; a picture that is smaller stays as it is."""
    made: dict[int, Rgb] = {}
    for long_side in SIZES:
        rgb = fit(rgb, long_side)
        made[long_side] = rgb
    return made
