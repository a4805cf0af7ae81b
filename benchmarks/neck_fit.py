"""Fit `imaging/neck_coefficients.json`: python -m benchmarks.neck_fit [--eval FOLDER] [--write].

Each annotated photograph is measured as it is, mirrored, and turned by 6 and 12 degrees both ways,
through the product's own nets. Each output is a ridge regression on few measures with robust
weights; which measures serve which output was chosen by leave-one-photograph-out.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.photographs import Photograph, default_folder, photographs
from imaging.ears import ear_frame, ear_measures
from imaging.faces import detect
from imaging.landmarks import Mesh, mesh
from imaging.neck import COEFFICIENTS, Model, measures, torso_frame
from imaging.torso import Body, body
from imaging.types import Side

NECK_MEASURES: dict[str, tuple[str, ...]] = {
    "centre_u": ("head_yaw", "shoulders_u"),
    "half_width": ("one", "cheeks_v", "shoulders_v"),
    "edge_v": ("one", "cheeks_v", "shoulders_v"),
    "edge_tilt": ("shoulders_u",),
    "chin_u": ("head_yaw", "shoulders_u"),
    "chin_v": ("one", "head_pitch"),
    "notch_u": ("head_yaw", "shoulders_u"),
    "notch_v": ("one", "face_aspect", "shoulders_v", "head_pitch", "shoulder_width"),
}
EAR_MEASURES: dict[str, tuple[str, ...]] = {
    "lobe_u": ("one", "turned_away", "head_pitch"),
    "lobe_v": ("one", "turned_away", "head_pitch"),
}
TURNS = (0.0, -12.0, -6.0, 6.0, 12.0)
RIDGE = 0.05
"""Penalty on a weight of a measure in units of its spread, per observation."""

_SIDES: tuple[Side, Side] = ("left", "right")
Row = tuple[dict[str, float], float]


@dataclass(frozen=True, slots=True)
class Sample:
    """One view of one photograph: measures and wished outputs, by output name."""

    photograph: str
    rows: dict[str, list[Row]]


def samples(photos: Iterable[Photograph]) -> list[Sample]:
    return [
        sample
        for photo in photos
        if photo.neck is not None
        for turn in TURNS
        for mirrored in (False, True)
        if (sample := _sample(photo, turn=turn, mirrored=mirrored))
    ]


def _sample(photo: Photograph, *, turn: float, mirrored: bool) -> Sample | None:
    height, width = photo.rgb.shape[:2]
    view = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1), [0, 0, 1]])
    rgb = cv2.warpAffine(photo.rgb, view[:2], (width, height), borderMode=cv2.BORDER_REPLICATE)
    if mirrored:
        rgb = np.ascontiguousarray(rgb[:, ::-1])
        view = np.array([[-1, 0, width - 1], [0, 1, 0], [0, 0, 1]]) @ view
    seen = photo.seen_through(view[:2], mirrored=mirrored)
    found = detect(rgb.astype(np.uint8, copy=False))
    own = seen.nearest(found)
    if own is None:
        return None
    others = [each.box for each in found if each is not own]
    face = mesh(rgb.astype(np.uint8, copy=False), own)
    rows = neck_rows(seen, face, body(rgb.astype(np.uint8, copy=False), face, others))
    return Sample(photo.name, rows | ear_rows(seen, face))


def neck_rows(seen: Photograph, face: Mesh, torso: Body) -> dict[str, list[Row]]:
    frame = torso_frame(face, torso)
    values = measures(face, torso, frame)
    assert seen.neck is not None
    left, right, chin = (
        frame.from_picture(each) for each in (seen.neck.left, seen.neck.right, seen.neck.chin)
    )
    wished = {
        "centre_u": (left[0] + right[0]) / 2,
        "half_width": (right[0] - left[0]) / 2,
        "edge_v": (left[1] + right[1]) / 2,
        "edge_tilt": (right[1] - left[1]) / 2,
        "chin_u": chin[0],
        "chin_v": chin[1],
    }
    if seen.neck.notch is not None:
        notch = frame.from_picture(seen.neck.notch)
        wished |= {"notch_u": notch[0], "notch_v": notch[1]}
    return {name: [(values, float(value))] for name, value in wished.items()}


def ear_rows(seen: Photograph, face: Mesh) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {"lobe_u": [], "lobe_v": []}
    for side in _SIDES:
        if side in seen.lobes:
            frame, outward = ear_frame(face, side)
            u, v = frame.from_picture(seen.lobes[side])
            rows["lobe_u"].append((ear_measures(face, side), float(u) * outward))
            rows["lobe_v"].append((ear_measures(face, side), float(v)))
    return rows


def fit(rows: Sequence[Sample]) -> Model:
    return {
        name: _regress(names, [row for sample in rows for row in sample.rows.get(name, [])])
        for name, names in (NECK_MEASURES | EAR_MEASURES).items()
    }


def _regress(names: tuple[str, ...], rows: Sequence[Row]) -> Mapping[str, float]:
    """Ridge on measures in units of their spread, refitted with outliers weighing less."""
    matrix = np.array([[values[name] for name in names] for values, _ in rows])
    wished = np.array([value for _, value in rows])
    constant = np.array([name == "one" for name in names])
    shift = np.where(constant | (not constant.any()), 0.0, matrix.mean(0))
    spread = np.where(constant, 1.0, np.sqrt(((matrix - shift) ** 2).mean(0)))
    scaled = (matrix - shift) / spread
    penalty = np.diag(np.where(constant, 1e-9, RIDGE * len(rows)))
    weights = np.ones(len(rows))
    for _ in range(8):
        normal = (scaled * weights[:, None]).T @ scaled + penalty
        solution = np.linalg.solve(normal, (scaled * weights[:, None]).T @ wished)
        misses = np.abs(wished - scaled @ solution)
        usual = 1.48 * np.median(misses) + 1e-9
        weights = np.minimum(1, 1.5 * usual / np.maximum(misses, 1e-12))
    plain = solution / spread
    plain[constant] -= (plain * shift)[~constant].sum()
    return {name: round(float(value), 5) for name, value in zip(names, plain, strict=True)}


def leave_one_out(rows: Sequence[Sample]) -> dict[str, Model]:
    """For each photograph the model fitted on all the others."""
    return {
        name: fit([sample for sample in rows if sample.photograph != name])
        for name in dict.fromkeys(sample.photograph for sample in rows)
    }


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.neck_fit", description=__doc__)
    parser.add_argument("--eval", type=Path, default=default_folder())
    parser.add_argument("--write", action="store_true", help=f"replace {COEFFICIENTS.name}")
    arguments = parser.parse_args(words)
    rows = samples(photographs(arguments.eval))
    fitted: dict[str, Any] = {
        "frame": "torso: u along the shoulders to the right, v down; origin mesh 152; unit "
        "sqrt(|P454-P234| |P152-P10|); lobes: head frame at P234 or P454, u away from the face",
        "fitted_on": sorted({sample.photograph for sample in rows}),
        "views": len(rows),
        "outputs": fit(rows),
    }
    text = json.dumps(fitted, indent=1) + "\n"
    if arguments.write:
        COEFFICIENTS.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
