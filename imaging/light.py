"""The photograph's light, and what jewellery does with it.

Linear light is 0..1 float32, R G B. All estimates look at the photograph only, so that they are
the same for every piece; strength 0 leaves each effect out exactly.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from imaging.types import FloatArray, Rgb

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Rec. 709."""

STEPS = 16384
PAPER_WHITE = 0.68
"""What the brightest parts of a well exposed photograph reach, linear."""

PALE_SKIN = 0.50
"""Luminance of the palest skin in a well exposed photograph, linear."""


def _decoded(level: FloatArray) -> FloatArray:
    bright = ((level + 0.055) / 1.055) ** 2.4
    return np.where(level <= 0.04045, level / 12.92, bright).astype(np.float32)


def _encoded(linear: FloatArray) -> FloatArray:
    bright = 1.055 * np.power(linear, 1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, bright).astype(np.float32)


_TO_LINEAR = _decoded(np.linspace(0, 1, 256, dtype=np.float32))
_TO_SRGB = np.asarray(
    np.round(_encoded(np.linspace(0, 1, STEPS, dtype=np.float32)) * 255), np.uint8
)


def to_linear(rgb: Rgb) -> FloatArray:
    return np.asarray(_TO_LINEAR[rgb], np.float32)


def to_srgb(linear: FloatArray) -> Rgb:
    level = linear * np.float32(STEPS - 1)
    level += np.float32(0.5)
    np.clip(level, 0, STEPS - 1, out=level)
    return np.asarray(_TO_SRGB[level.astype(np.uint16)], np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """gain: (3,) what neutral metal is multiplied by. blur: standard deviation of the
    photograph's edges, pixels. grain: standard deviation of its noise, sRGB levels 0..1.
    """

    gain: FloatArray
    blur: float
    grain: float


def measure(rgb: Rgb, subject: Rgb, *, strength: float) -> Light:
    """The light of a photograph; subject is its part around the wearer, for sharpness."""
    small = cv2.resize(rgb, (160, 160), interpolation=cv2.INTER_AREA).astype(np.uint8)
    grey = (to_linear(small).reshape(-1, 3).astype(np.float64) ** 6).mean(axis=0) ** (1 / 6)
    level = max(float(grey.mean()), 1e-4)
    balance = np.clip(grey / level, 0.7, 1.4) ** (0.67 * strength)
    exposure = float(np.clip(level / PAPER_WHITE, 0.04, 1.2)) ** (1.25 * strength)
    blur, grain = _blur(subject), _grain(subject)
    return Light((balance * exposure).astype(np.float32), blur, grain)


def _grey(rgb: Rgb) -> FloatArray:
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32)
    return grey * np.float32(1 / 255)


def _slope(grey: FloatArray) -> float:
    """How steep the steepest edges are."""
    x, y = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return float(np.percentile(cv2.magnitude(x, y), 99.5))


def _blur(subject: Rgb) -> float:
    """From how much a known blur flattens the steepest edges: s² = t² / (ratio² - 1).

    Without any edge nothing is known, and nothing is blurred.
    """
    known = 1.5
    grey = _grey(subject)
    blurred = _slope(np.asarray(cv2.GaussianBlur(grey, (0, 0), known), np.float32))
    if blurred < 0.02:
        return 0.0
    ratio = _slope(grey) / blurred
    return float(np.clip(known / np.sqrt(max(ratio**2 - 1.0, 0.05)), 0.4, 3.0))


def _grain(subject: Rgb) -> float:
    """Immerkær's noise estimate, its median so that edges do not count."""
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    rough = np.abs(cv2.filter2D(_grey(subject), cv2.CV_32F, kernel))
    return float(np.clip(np.median(rough) / 0.6745 / 6.0, 0.0, 0.03))


def shading(linear: FloatArray, skin: FloatArray, cover: FloatArray, *,
            sigma: float, strength: float) -> FloatArray:  # fmt: skip
    """Light and shade of the skin, smoothed by sigma (pixels), as a factor about 1.

    cover: where the jewellery lies; its mean factor is 1. Where no skin is near there is no
    factor either: cloth tells nothing about the light.
    """
    shrink = max(1, int(sigma / 5))
    height, width = skin.shape
    size = (max(1, width // shrink), max(1, height // shrink))
    luminance = (linear @ LUMINANCE) * skin
    total = cv2.resize(luminance, size, interpolation=cv2.INTER_AREA)
    weight = cv2.resize(skin, size, interpolation=cv2.INTER_AREA)
    total = cv2.GaussianBlur(total, (0, 0), sigma / shrink)
    weight = cv2.GaussianBlur(weight, (0, 0), sigma / shrink)
    small_cover = cv2.resize(cover, size, interpolation=cv2.INTER_AREA) * weight
    if float(small_cover.sum()) < 1e-3:
        return np.ones((height, width), np.float32)
    mean = float((small_cover * total / np.maximum(weight, 1e-3)).sum() / small_cover.sum())
    prior = 0.02
    relative = (total + prior * mean) / ((weight + prior) * max(mean, 1e-4))
    factor = np.clip(relative, 0.35, 1.7) ** (1.15 * strength)
    return np.asarray(cv2.resize(factor, (width, height)), np.float32)


def overexposure(linear: FloatArray, skin: FloatArray, *, strength: float) -> float:
    """A factor for jewellery on skin that is brighter than pale skin is in good light: the
    camera was generous, and so it was to gold and pearls.
    """
    bright = (linear @ LUMINANCE)[skin > 0.5]
    if len(bright) < 50:
        return 1.0
    return float(max(1.0, float(np.median(bright)) / PALE_SKIN) ** (1.3 * strength))


def contact_shadow(cover: FloatArray, *, down: tuple[float, float], unit: float,
                   strength: float) -> FloatArray:  # fmt: skip
    """How much light the jewellery takes from what lies under it, 0..0.7.

    down: unit vector to the wearer's feet. unit: the neck's width, pixels. A wide soft shadow
    below, and a narrow one where metal touches skin.
    """
    height, width = cover.shape
    step = 0.016 * unit
    move = np.array([[1, 0, down[0] * step], [0, 1, down[1] * step]], np.float32)
    below = cv2.warpAffine(cover, move, (width, height))
    soft = cv2.GaussianBlur(below, (0, 0), max(0.7, 0.016 * unit))
    touch = cv2.GaussianBlur(cover, (0, 0), max(0.5, 0.006 * unit))
    return np.asarray(np.clip((0.85 * soft + 0.24 * touch) * strength, 0.0, 0.7), np.float32)


SHADOW_TINT = np.array([0.88, 0.97, 1.0], np.float32)
"""Shadows on skin keep some red, which shines through the skin itself."""


def match_blur(pixels: FloatArray, blur: float) -> FloatArray:
    """As soft as the photograph; a resampled overlay has about 0.75 pixels of its own."""
    more = float(np.sqrt(max(0.0, min(blur, 1.8) ** 2 - 0.75**2)))
    if more < 0.3:
        return pixels
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), more), np.float32)


def grain_of(cover: FloatArray, grain: float) -> FloatArray | None:
    """The photograph's noise for the jewellery too, (h, w) in sRGB levels 0..255: the same pattern
    for the same picture. None where there is hardly any.
    """
    if grain < 0.002:
        return None
    noise = np.random.default_rng(20).standard_normal(cover.shape, np.float32)
    noise *= np.float32(grain * 255)
    noise *= np.clip(cover, 0, 1)
    return np.asarray(noise, np.float32)


def grained(rgb: Rgb, noise: FloatArray) -> Rgb:
    return np.asarray(np.clip(np.round(rgb + noise[..., None]), 0, 255), np.uint8)


def sparkle(lit: FloatArray, *, unit: float, strength: float) -> FloatArray:
    """Light that blooms from the brightest facets, (h, w); lit: premultiplied linear light."""
    brightness = lit @ LUMINANCE
    facets = np.clip(brightness - 0.55, 0.0, 1.0) * 2.0
    if strength == 0 or float(facets.max(initial=0.0)) < 0.05:
        return np.zeros(brightness.shape, np.float32)
    halo = cv2.GaussianBlur(facets, (0, 0), max(0.8, 0.008 * unit))
    return np.asarray(halo * (0.9 * strength) + _stars(facets, unit) * strength, np.float32)


def _stars(facets: FloatArray, unit: float) -> FloatArray:
    """Four short rays on the few brightest facets of each neighbourhood."""
    reach = max(2, round(0.022 * unit))
    peak = facets * (facets >= cv2.dilate(facets, np.ones((6 * reach + 1, 6 * reach + 1))))
    peak = np.where(peak > 0.6, peak, 0.0).astype(np.float32)
    ray = np.exp(-np.abs(np.arange(-reach, reach + 1)) / (0.35 * reach)).astype(np.float32)
    across = cv2.filter2D(peak, cv2.CV_32F, ray[None, :])
    down = cv2.filter2D(peak, cv2.CV_32F, ray[:, None])
    return np.asarray(across + down, np.float32)
