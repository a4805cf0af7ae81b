"""How well composites hold on real photographs: python -m benchmarks.composing [--eval FOLDER].

A coded necklace (green chain, cyan disc) is worn by each photographed person, once more with the
photograph turned, mirrored, darkened or warmed, and the two results are compared, through the whole
pipeline. nw: neck widths. The prototype's figures stand in the imaging design, section 9.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.imaging_sheet import demo_pieces
from benchmarks.photographs import Photograph, default_folder, photographs
from imaging.analyse import analyse, make_masks
from imaging.anchors import Anchors
from imaging.compose import compose
from imaging.cutout import Cutout, sorted_out
from imaging.decode import decode_rgba
from imaging.types import Adjustments, Analysis, Masks, Point, Rgb
from tests.imaging.scenes import PLAIN, coded_necklace

Flags = NDArray[np.bool_]


@dataclass(slots=True)
class Figures:
    """One entry for each photograph."""

    turned: list[float] = field(default_factory=list)
    mirrored: list[float] = field(default_factory=list)
    darker: list[float] = field(default_factory=list)
    warmer: list[float] = field(default_factory=list)
    outside: list[int] = field(default_factory=list)
    scale: list[float] = field(default_factory=list)
    moved: list[float] = field(default_factory=list)
    again_ms: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Seen:
    """A photograph with all that composing needs."""

    rgb: Rgb
    analysis: Analysis
    masks: Masks

    @property
    def unit(self) -> float:
        assert self.analysis.neck is not None
        return self.analysis.neck.width

    def wearing(self, cutout: Cutout, adjustments: Adjustments) -> Rgb:
        return compose(self.rgb, self.analysis, self.masks, cutout, adjustments)

    def covered(self, cutout: Cutout, adjustments: Adjustments = PLAIN) -> Flags:
        """The jewellery's own pixels: it is worn by a grey card that stands as the person does."""
        card = np.full_like(self.rgb, 128)
        worn = replace(self, rgb=card).wearing(cutout, adjustments)
        return np.asarray((worn.astype(int) - card).any(axis=-1))


def seen(rgb: Rgb) -> Seen | None:
    analysis = analyse(rgb)
    if analysis.neck is None:
        return None
    return Seen(rgb, analysis, make_masks(rgb, analysis))


def chamfer(one: Flags, other: Flags) -> float:
    """Mean distance from each shape to the nearest of the other, pixels."""
    if not one.any() or not other.any():
        return float("nan")
    away = [
        cv2.distanceTransform((~target).astype(np.uint8), cv2.DIST_L2, 5)[source].mean()
        for source, target in ((one, other), (other, one))
    ]
    return float(np.mean(away))


def measure(photo: Photograph, necklace: Cutout, silver: Cutout, figures: Figures) -> None:
    plain = seen(photo.rgb)
    if plain is None:
        return
    shape = plain.covered(necklace)
    _measure_turned(plain, shape, necklace, figures)
    _measure_mirrored(plain, shape, necklace, figures)
    _measure_light(plain, silver, figures)
    _measure_zone(plain, necklace, figures)
    _measure_adjusting(plain, shape, necklace, figures)


def _measure_turned(plain: Seen, shape: Flags, necklace: Cutout, figures: Figures) -> None:
    height, width = shape.shape
    view = cv2.getRotationMatrix2D((width / 2, height / 2), 12, 1).astype(np.float64)
    turned = seen(_warped(plain.rgb, view, cv2.BORDER_REPLICATE))
    if turned is not None and not _at_edge(shape):
        expected = _warped(shape.astype(np.uint8) * 255, view, cv2.BORDER_CONSTANT) > 127
        figures.turned.append(chamfer(expected, turned.covered(necklace)) / plain.unit)


def _warped(picture: Rgb, view: NDArray[np.float64], border: int) -> Rgb:
    size = (picture.shape[1], picture.shape[0])
    return cv2.warpAffine(picture, view, size, borderMode=border).astype(np.uint8)


def _measure_mirrored(plain: Seen, shape: Flags, necklace: Cutout, figures: Figures) -> None:
    mirrored = seen(np.ascontiguousarray(plain.rgb[:, ::-1]))
    if mirrored is not None:
        away = chamfer(shape[:, ::-1], mirrored.covered(necklace))
        figures.mirrored.append(away / plain.unit)


def _measure_light(plain: Seen, silver: Cutout, figures: Figures) -> None:
    """The same geometry under other light: half as bright, then warm."""
    lit = replace(PLAIN, light=0.6)
    where = cv2.erode(plain.covered(silver).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if not where.any():
        return
    own = plain.wearing(silver, lit)[where].mean()
    dark = replace(plain, rgb=(plain.rgb // 2).astype(np.uint8)).wearing(silver, lit)[where].mean()
    figures.darker.append(float(dark / own))
    warm = np.clip(plain.rgb * np.array([1.08, 1.0, 0.82]), 0, 255).astype(np.uint8)
    jewel = [
        _blueness(each.wearing(silver, lit), where) for each in (plain, replace(plain, rgb=warm))
    ]
    all_over = np.ones(where.shape, bool)
    scene = [_blueness(each, all_over) for each in (plain.rgb, warm)]
    figures.warmer.append((jewel[1] - jewel[0]) / (scene[1] - scene[0]))


def _blueness(rgb: Rgb, where: Flags) -> float:
    """Mean b* of CIE Lab."""
    lab = cv2.cvtColor(rgb.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)
    return float(lab[where][:, 2].mean())


def _measure_zone(plain: Seen, necklace: Cutout, figures: Figures) -> None:
    """Pixels that change further than 0.12 nw from the jewellery itself."""
    reach = 2 * round(0.12 * plain.unit) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    allowed = cv2.dilate(
        plain.covered(necklace, replace(PLAIN, occlusion=True)).astype(np.uint8), kernel
    )
    changed = (plain.wearing(necklace, Adjustments()) != plain.rgb).any(axis=-1)
    figures.outside.append(int((changed & (allowed == 0)).sum()))


def _measure_adjusting(plain: Seen, shape: Flags, necklace: Cutout, figures: Figures) -> None:
    """Only where all of the necklace is in the picture before and after."""
    larger = plain.covered(necklace, replace(PLAIN, scale=1.2))
    moved = plain.covered(necklace, replace(PLAIN, dx=15, dy=-10))
    if any(_at_edge(each) for each in (shape, larger, moved)):
        return
    figures.scale.append(abs(_extent(larger) / _extent(shape) - 1.2) / 1.2)
    away = np.subtract(_middle(moved), _middle(shape)) - (15, -10)
    figures.moved.append(float(np.hypot(*away)))


def _at_edge(shape: Flags) -> bool:
    return bool(shape[-1].any() or shape[0].any() or shape[:, 0].any() or shape[:, -1].any())


def _extent(shape: Flags) -> float:
    columns = np.flatnonzero(shape.any(axis=0))
    return float(columns[-1] - columns[0] + 1)


def _middle(shape: Flags) -> tuple[float, float]:
    rows, columns = np.nonzero(shape)
    return float(columns.mean()), float(rows.mean())


def time_again(plain: Seen, cutout: Cutout, figures: Figures) -> None:
    """One moved slider: everything else is known. CPU time of one thread."""
    began = time.thread_time()
    plain.wearing(cutout, Adjustments(rotation=1))
    figures.again_ms.append((time.thread_time() - began) * 1e3)


def table(figures: Figures) -> str:
    def row(name: str, ours: str, prototype: str, must: str) -> str:
        return f"{name:46} {ours:>18} {prototype:>16} {must:>12}"

    def spread(values: Sequence[float], digits: int = 3) -> str:
        middle, most = np.nanmedian(values), np.nanmax(values)
        return f"{middle:.{digits}f} / {most:.{digits}f}"

    return "\n".join([
        row("", "median / most", "prototype", "must"),
        row("turned by 12 degrees: chamfer, nw", spread(figures.turned), "0.025 / 0.054", "0.08"),
        row("mirrored: chamfer, nw", spread(figures.mirrored), "", "0.08"),
        row("half as bright: jewellery's level, share", spread(figures.darker), "0.82", "0.80"),
        row("warm light: share of the scene's b*", spread(figures.warmer), "", "0.2 - 0.7"),
        row("pixels changed outside 0.12 nw", str(sum(figures.outside)), "", "0"),
        row("scale 1.2: error of the width", spread(figures.scale, 4), "0.001", "0.02"),
        row("moved: error of the middle, px", spread(figures.moved, 2), "0.2 / 0.43", "1.5"),
        row("adjusted again at 1280 px, CPU ms", spread(figures.again_ms, 0), "55", "100"),
    ])  # fmt: skip


def demo_cutout(name: str) -> Cutout:
    piece = demo_pieces()[name]
    cutout = sorted_out(decode_rgba(piece.png))
    given = piece.anchors or {}
    return replace(cutout, anchors=Anchors(*(Point.from_dict(given[s]) for s in ("left", "right"))))


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.composing", description=__doc__)
    parser.add_argument("--eval", type=Path, default=default_folder())
    arguments = parser.parse_args(words)
    cv2.setNumThreads(1)
    necklace, worn = coded_necklace(), demo_cutout("kundan-bib")
    solid = necklace.rgba[..., 3:] > 0
    silver = replace(necklace, rgba=np.where(solid, (170, 170, 170, 255), 0).astype(np.uint8))
    figures = Figures()
    for photo in photographs(arguments.eval):
        measure(photo, necklace, silver, figures)
        if (plain := seen(photo.rgb)) is not None:
            time_again(plain, worn, figures)
    print(table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
