"""How well pieces come off their backdrops, against two usual ways: python -m benchmarks.cutouts.

The demo's own pieces, whose alpha is known, are put on eight backdrops. mae: mean absolute error of alpha
over the picture, 0..1. hole: intersection over union of what one sees through in the middle of the bangles.
inside: part of a pearl's or silver's inside that is kept. ms: of processor time a megapixel. Pieces that
a way refuses, or cannot do, count as empty.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from PIL import Image

from imaging.backdrop import without_backdrop
from imaging.decode import decode
from imaging.encode import encode_jpeg
from imaging.errors import ImageRefused
from imaging.types import Alpha, Rgb, Rgba

PIECES = Path(__file__).parents[1] / "demo" / "overlays"
BACKDROPS = ("white", "grey", "vignette", "shadow", "tinted shadow", "jpeg 75", "black", "150 px")
LEVELS = {"white": 255, "grey": 200, "vignette": 245, "black": 12}
WHITE_FROM = 240
GRABCUT_STEPS = 3
NAMES = (
    "kundan-bib",
    "pearl-strand",
    "gold-bangles",
    "oxidised-collar",
    "diamond-studs",
    "jhumka-earrings",
)

Way: TypeAlias = Callable[[Rgb], Alpha]


@dataclass(slots=True)
class Figures:
    mae: dict[str, list[float]] = field(default_factory=dict)
    holes: list[float] = field(default_factory=list)
    inside: list[float] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)


def ours(picture: Rgb) -> Alpha:
    return without_backdrop(picture)[..., 3]


def by_threshold(picture: Rgb) -> Alpha:
    """What is not nearly white."""
    return np.where((picture >= WHITE_FROM).all(axis=-1), 0, 255).astype(np.uint8)


def by_grabcut(picture: Rgb) -> Alpha:
    """OpenCV's, from a rectangle four hundredths inside the frame."""
    height, width = picture.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    margin = round(0.04 * min(height, width))
    frame = [margin, margin, width - 2 * margin, height - 2 * margin]
    there, behind = (np.zeros((1, 65), np.float64) for _ in range(2))
    bgr = np.ascontiguousarray(picture[..., ::-1])
    cv2.grabCut(bgr, mask, frame, behind, there, GRABCUT_STEPS, cv2.GC_INIT_WITH_RECT)
    seen = (mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)
    return np.where(seen, 255, 0).astype(np.uint8)


WAYS: dict[str, Way] = {"ours": ours, "white threshold": by_threshold, "GrabCut": by_grabcut}


def pieces() -> dict[str, Rgba]:
    """With an eighth of their size around them, as in a catalogue."""
    found = {}
    for name in NAMES:
        rgba = np.asarray(Image.open(PIECES / f"{name}.png"))
        margin = max(rgba.shape) // 8
        found[name] = np.pad(rgba, ((margin, margin), (margin, margin), (0, 0)))
    return found


def scene(backdrop: str, rgba: Rgba) -> Rgb:
    """The photograph of a piece, with a sensor's noise."""
    height, width = rgba.shape[:2]
    ground = np.full((height, width, 3), LEVELS.get(backdrop, 252), np.float32)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    if backdrop == "vignette":
        ground *= (1 - 0.06 * (x**2 + y**2))[..., None]
    if "shadow" in backdrop:
        soft = cv2.GaussianBlur(np.roll(rgba[..., 3], (12, 8), (0, 1)), (0, 0), 9) / 255
        tint = np.array([0.22, 0.30, 0.36] if "tinted" in backdrop else [0.3] * 3)
        ground *= 1 - soft[..., None] * tint
    alpha = rgba[..., 3:].astype(np.float32) / 255
    light = rgba[..., :3] * alpha + ground * (1 - alpha)
    if backdrop != "white":
        light = light + np.random.default_rng(0).normal(0, 1.2, light.shape)
    made = np.asarray(np.clip(light + 0.5, 0, 255), np.uint8)
    if backdrop in {"jpeg 75", "150 px"}:
        made = decode(encode_jpeg(made, quality=75)).rgb
    return made


def small(rgba: Rgba) -> Rgba:
    """150 pixels long, as thumbnails of marketplaces are."""
    side = 150 / max(rgba.shape[:2])
    alpha = rgba[..., 3:].astype(np.float32)
    whole = np.dstack([rgba[..., :3] * alpha / 255, alpha])
    less = cv2.resize(whole, None, fx=side, fy=side, interpolation=cv2.INTER_AREA)
    colour = less[..., :3] * 255 / np.maximum(less[..., 3:], 0.5)
    return np.asarray(np.clip(np.dstack([colour, less[..., 3]]) + 0.5, 0, 255), np.uint8)


def measure(way: Way) -> Figures:
    figures = Figures()
    for name, whole in pieces().items():
        for backdrop in BACKDROPS:
            rgba = small(whole) if backdrop == "150 px" else whole
            picture = scene(backdrop, rgba)
            begun = time.thread_time()
            found = _tried(way, picture)
            spent = time.thread_time() - begun
            figures.ms.append(1e9 * spent / (picture.shape[0] * picture.shape[1]))
            error = np.abs(found.astype(float) - rgba[..., 3]).mean() / 255
            figures.mae.setdefault(backdrop, []).append(float(error))
            if name == "gold-bangles":
                figures.holes.append(_hole(found, rgba[..., 3]))
            if name.startswith(("pearl", "diamond", "oxidised")):
                solid = cv2.erode(rgba[..., 3], np.ones((3, 3), np.uint8)) > 250
                figures.inside.append(float((found[solid] > 230).mean()))
    return figures


def _tried(way: Way, picture: Rgb) -> Alpha:
    try:
        return way(picture)
    except (ImageRefused, cv2.error):
        return np.zeros(picture.shape[:2], np.uint8)


def _hole(found: Alpha, right: Alpha) -> float:
    """In the middle third, half as wide as the picture."""
    height, width = right.shape
    middle = np.s_[height // 3 : -height // 3, width // 4 : -width // 4]
    seen, hole = found[middle] < 128, right[middle] < 128
    return float((seen & hole).sum() / max(1, (seen | hole).sum()))


def table(figures: dict[str, Figures]) -> str:
    lines = ["| | " + " | ".join(figures) + " |", "|---|" + "---|" * len(figures)]
    for name, number in ROWS.items():
        shown = " | ".join(f"{number(one):.3f}" for one in figures.values())
        lines.append(f"| {name} | {shown} |")
    return "\n".join(lines)


def _mae(backdrop: str) -> Callable[[Figures], float]:
    return lambda figures: float(np.mean(figures.mae[backdrop]))


ROWS: dict[str, Callable[[Figures], float]] = {
    **{f"alpha mae, {backdrop}": _mae(backdrop) for backdrop in BACKDROPS},
    "alpha mae, worst of all": lambda figures: max(map(max, figures.mae.values())),
    "hole IoU, mean": lambda figures: float(np.mean(figures.holes)),
    "inside kept, mean": lambda figures: float(np.mean(figures.inside)),
    "inside kept, worst": lambda figures: float(np.min(figures.inside)),
    "CPU ms a megapixel, median": lambda figures: float(np.median(figures.ms)),
}


def main() -> int:
    cv2.setNumThreads(1)
    print(table({name: measure(way) for name, way in WAYS.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
