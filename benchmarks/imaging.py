"""How well imaging sees, against the prototype: python -m benchmarks.imaging [--eval FOLDER].

Photographs and marks come from the folder (IMAGING_EVAL, or ../shared/imaging-eval). Whatever is
fitted is fitted anew without the photograph that it is measured on. nw: widths of the marked neck.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

from benchmarks.neck_fit import leave_one_out, samples
from benchmarks.pairs import located, pairs
from benchmarks.photographs import MarkedNeck, Photograph, default_folder, photographs
from imaging.analyse import analyse, make_masks
from imaging.decode import decode
from imaging.encode import encode_jpeg
from imaging.neck import FACE_WIDTH_MM, Model
from imaging.types import Analysis, Box, Neck, Point


@dataclass(slots=True)
class Figures:
    """One entry for each photograph that has what is measured."""

    iou: list[float] = field(default_factory=list)
    centre: list[float] = field(default_factory=list)
    width: list[float] = field(default_factory=list)
    notch: list[float] = field(default_factory=list)
    lobes: list[float] = field(default_factory=list)
    skin: list[float] = field(default_factory=list)
    analyse_ms: list[float] = field(default_factory=list)
    masks_ms: list[float] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)
    moved: dict[str, list[float]] = field(default_factory=dict)


def overlap(box: Box, marked: tuple[float, float, float, float]) -> float:
    """Intersection over union with x0, y0, x1, y1."""
    x = max(0.0, min(box.x + box.width, marked[2]) - max(box.x, marked[0]))
    y = max(0.0, min(box.y + box.height, marked[3]) - max(box.y, marked[1]))
    marked_area = (marked[2] - marked[0]) * (marked[3] - marked[1])
    return x * y / (box.width * box.height + marked_area - x * y + 1e-9)


def _box(neck: MarkedNeck, height: int) -> tuple[float, float, float, float]:
    bottom = height - 1.0 if neck.notch is None else float(neck.notch[1])
    return float(neck.left[0]), float(neck.chin[1]), float(neck.right[0]), bottom


def _distance(found: Point, marked: NDArray[np.float32]) -> float:
    return float(np.hypot(found.x - marked[0], found.y - marked[1]))


def measure(
    photo: Photograph,
    model: Model | None,
    skin: list[list[list[int]]] | None,
    roi: list[int],
    figures: Figures,
) -> None:
    began = time.thread_time()
    analysis = analyse(photo.rgb, has_orientation=False, neck_model=model)
    figures.analyse_ms.append((time.thread_time() - began) * 1e3)
    if photo.face is None:
        figures.false += [photo.name] if analysis.faces else []
        return
    if photo.neck is None or analysis.neck is None:
        figures.missed += [photo.name] if analysis.neck is None else []
        return
    _measure_neck(photo, photo.neck, analysis.neck, figures)
    for ear in analysis.ears:
        if ear.side in photo.lobes:
            face_width = analysis.neck.px_per_mm * FACE_WIDTH_MM
            figures.lobes.append(_distance(ear.lobe, photo.lobes[ear.side]) / face_width)
    _measure_invariance(photo, photo.neck, analysis.neck, model, figures)
    if skin is not None:
        _measure_skin(photo, analysis, skin, roi, figures)


def _measure_neck(photo: Photograph, marked: MarkedNeck, found: Neck, figures: Figures) -> None:
    wished = _box(marked, photo.rgb.shape[0])
    centre = found.box.centre
    figures.iou.append(overlap(found.box, wished))
    apart = (centre.x - (wished[0] + wished[2]) / 2, centre.y - (wished[1] + wished[3]) / 2)
    figures.centre.append(float(np.hypot(*apart)) / marked.width)
    figures.width.append(abs(found.box.width / (wished[2] - wished[0]) - 1))
    if marked.notch is not None:
        figures.notch.append(_distance(found.notch, marked.notch) / marked.width)


def _measure_skin(
    photo: Photograph,
    analysis: Analysis,
    outlines: list[list[list[int]]],
    roi: list[int],
    figures: Figures,
) -> None:
    began = time.thread_time()
    masks = make_masks(photo.rgb, analysis)
    figures.masks_ms.append((time.thread_time() - began) * 1e3)
    marked = np.zeros(photo.rgb.shape[:2], np.uint8)
    for outline in outlines:
        cv2.fillPoly(marked, [(np.array(outline) * photo.scale).astype(np.int32)], 1)
    left, top, right, bottom = (int(side * photo.scale) for side in roi)
    wished = marked[top:bottom, left:right] > 0
    found = masks.skin[top:bottom, left:right] > 127
    figures.skin.append(float((wished & found).sum() / max(1, (wished | found).sum())))


def _measure_invariance(
    photo: Photograph, marked: MarkedNeck, found: Neck, model: Model | None, figures: Figures
) -> None:
    """How far notch and edges move, in neck widths, when only the picture's form changes."""
    for name, (view, change) in _changes(photo).items():
        changed = analyse(change(photo), neck_model=model).neck
        if changed is None:
            figures.moved.setdefault(name, []).append(1.0)
            continue
        places = [changed.left, changed.right, changed.notch]
        if name == "mirror":
            places[:2] = reversed(places[:2])
        moves = [
            np.hypot(*(view[:, :2] @ [old.x, old.y] + view[:, 2] - [new.x, new.y]))
            for old, new in zip((found.left, found.right, found.notch), places, strict=True)
        ]
        zoom = float(np.sqrt(abs(np.linalg.det(view[:, :2]))))
        figures.moved.setdefault(name, []).append(float(max(moves)) / marked.width / zoom)


Change = tuple[NDArray[np.float64], Callable[[Photograph], NDArray[np.uint8]]]


def _changes(photo: Photograph) -> dict[str, Change]:
    """The matrix from old places to new, and the changed picture."""
    height, width = photo.rgb.shape[:2]
    same = np.array([[1.0, 0, 0], [0, 1, 0]])
    changes: dict[str, Change] = {
        "mirror": (
            np.array([[-1.0, 0, width - 1], [0, 1, 0]]),
            lambda each: np.ascontiguousarray(each.rgb[:, ::-1]),
        ),
        "half size": (same / 2, lambda each: _resized(each.rgb, width // 2, height // 2)),
        "dark": (same, lambda each: (each.rgb // 3).astype(np.uint8)),
        "JPEG 15": (same, lambda each: decode(encode_jpeg(each.rgb, 15)).rgb),
    }
    for degrees in (5, 12, 30):
        view = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1).astype(np.float64)
        changes[f"tilt {degrees}"] = (view, _tilted(view, width, height))
    return changes


def _tilted(
    view: NDArray[np.float64], width: int, height: int
) -> Callable[[Photograph], NDArray[np.uint8]]:
    def tilt(photo: Photograph) -> NDArray[np.uint8]:
        turned = cv2.warpAffine(photo.rgb, view, (width, height), borderMode=cv2.BORDER_REPLICATE)
        return turned.astype(np.uint8)

    return tilt


def _resized(rgb: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    return cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)


def turned_right(photos: Sequence[Photograph]) -> tuple[int, int]:
    """Of photographs laid on their sides and heads without a tag, how many are turned back."""
    tries = [(photo, turns) for photo in photos if photo.face is not None for turns in (1, 2, 3)]
    right = sum(
        analyse(
            np.ascontiguousarray(np.rot90(photo.rgb, turns)), has_orientation=False
        ).quarter_turns
        == turns
        for photo, turns in tries
    )
    return right, len(tries)


def beside_another(
    photos: Sequence[Photograph], models: dict[str, Model]
) -> dict[str, list[float]]:
    """Neck IoU of people who stand beside another, by what is done about the neighbour."""
    overlaps: dict[str, list[float]] = {}
    for photo in pairs(photos):
        assert photo.neck is not None
        for name, found in located(photo, models).items():
            wished = _box(photo.neck, photo.rgb.shape[0])
            overlaps.setdefault(name, []).append(overlap(found.box, wished))
    return overlaps


def likenesses() -> tuple[int, int]:
    """Faces seen in the pictures of scikit-image that show nobody, lying all four ways."""
    people = {"astronaut.png", "camera.png"}
    folder = Path(skimage.data.__file__).parent
    files = [path for path in sorted(folder.iterdir()) if path.suffix in {".png", ".jpg"}]
    pictures = [decode(path.read_bytes()).rgb for path in files if path.name not in people]
    views = [np.ascontiguousarray(np.rot90(each, turns)) for each in pictures for turns in range(4)]
    return sum(bool(analyse(view, has_orientation=False).faces) for view in views), len(views)


def table(
    figures: Figures,
    people: int,
    others: int,
    turned: tuple[int, int],
    beside: dict[str, list[float]],
) -> str:
    """Ours, beside the prototype's figures by leave-one-out (its 49 photographs, ours fewer)."""

    def row(name: str, ours: str, prototype: str, wanted: str) -> str:
        return f"{name:34} {ours:>16} {prototype:>16} {wanted:>14}"

    def at(values: list[float], part: float) -> str:
        return f"{np.percentile(values, part):.3f}" if values else "-"

    def pair(values: list[float]) -> str:
        return f"{at(values, 50)} / {at(values, 90)}"

    lines = [
        row("", "measured", "prototype", "wanted"),
        row("faces found", f"{people - len(figures.missed)} of {people}", "50 of 50", "all"),
        row("false faces, no-person photos", f"{len(figures.false)} of {others}", "0 of 6", "0"),
        row("false faces, scikit-image", "{} of {}".format(*likenesses()), "-", "0"),
        row("neck IoU, mean", f"{np.mean(figures.iou):.3f}", "0.697", ">= 0.70"),
        row("neck IoU, median", at(figures.iou, 50), "0.750", ">= 0.74"),
        row("neck IoU, tenth percentile", at(figures.iou, 10), "0.46", ">= 0.40"),
        row("neck IoU below 0.5", str(sum(iou < 0.5 for iou in figures.iou)), "6 of 49", ""),
        row("centre, median / p90, nw", pair(figures.centre), "0.084 / 0.25", "<= 0.12 / 0.25"),
        row("width, median / p90", pair(figures.width), "0.08 / 0.19", "<= 0.09"),
        row("notch, median / p90, nw", pair(figures.notch), "0.147 / 0.39", "<= 0.15"),
        row("ear lobes, median / p90, face w.", pair(figures.lobes), "0.045 / 0.09", ""),
        row("visible skin IoU, mean", f"{np.mean(figures.skin):.3f}", "0.90", ">= 0.85"),
        row("visible skin IoU, lowest", at(figures.skin, 0), "0.61", ""),
        row("turned upright without EXIF", f"{turned[0]} of {turned[1]}", "all", ">= 80 %"),
        row("analyse, CPU ms median / p90", pair(figures.analyse_ms), "170", "<= 250"),
        row("masks, CPU ms median / p90", pair(figures.masks_ms), "91", ""),
    ]
    lines += [
        row(f"beside another, {name}, IoU", f"{np.mean(ious):.3f} / {at(ious, 10)}", "", "")
        for name, ious in beside.items()
    ]
    wanted = {"tilt 5": "0.10", "tilt 12": "0.18", "mirror": "0.16", "half size": "0.05"}
    wanted |= {"dark": "0.08", "JPEG 15": "0.08"}
    prototype = {"tilt 5": "0.035 / 0.09", "tilt 12": "0.09 / 0.18", "tilt 30": "0.13 / 0.33"}
    prototype |= {"mirror": "0.07 / 0.16", "half size": "0.005"}
    lines += [
        row(f"moves by {name}, nw", pair(moves), prototype.get(name, ""), f"p90 {wanted.get(name)}")
        for name, moves in figures.moved.items()
    ]
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imaging", description=__doc__)
    parser.add_argument("--eval", type=Path, default=default_folder())
    arguments = parser.parse_args(words)
    photos = list(photographs(arguments.eval))
    skins = json.loads((arguments.eval / "visible_skin.json").read_text(encoding="utf-8"))
    models = leave_one_out(samples(photos))
    figures = Figures()
    for photo in photos:
        skin = skins.get(photo.name, {"poly": None, "roi": [0, 0, 0, 0]})
        measure(photo, models.get(photo.name), skin["poly"], skin["roi"], figures)
    people = sum(photo.face is not None for photo in photos)
    beside = beside_another(photos, models)
    print(table(figures, people, len(photos) - people, turned_right(photos), beside))
    return 0


if __name__ == "__main__":
    sys.exit(main())
