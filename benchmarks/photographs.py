"""The annotated photographs that imaging is measured against; they are not part of the product."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imaging.decode import decode
from imaging.encode import fit
from imaging.faces import Detection
from imaging.types import FloatArray, Rgb, Side

LONG_SIDE = 1280


@dataclass(frozen=True, slots=True)
class MarkedNeck:
    """What a person marked, pixels; notch is None when it lies outside the picture."""

    left: FloatArray
    right: FloatArray
    chin: FloatArray
    notch: FloatArray | None

    @property
    def width(self) -> float:
        return float(np.linalg.norm(self.right - self.left))


@dataclass(frozen=True, slots=True)
class Photograph:
    """rgb: at most 1280 px long; every mark is in its pixels. face: x0, y0, x1, y1."""

    name: str
    rgb: Rgb = field(repr=False)
    faces: int
    face: FloatArray | None
    neck: MarkedNeck | None
    lobes: dict[Side, FloatArray]
    flags: tuple[str, ...]
    scale: float

    def seen_through(self, view: NDArray[np.float64], *, mirrored: bool) -> "Photograph":
        """The same marks after a 2 x 3 matrix; the picture is the caller's to warp."""

        def moved(place: FloatArray | None) -> FloatArray | None:
            return None if place is None else (view[:, :2] @ place + view[:, 2]).astype(np.float32)

        assert self.neck is not None
        assert self.face is not None
        ends = [moved(self.neck.left), moved(self.neck.right)]
        left, right = reversed(ends) if mirrored else ends
        chin = moved(self.neck.chin)
        assert left is not None
        assert right is not None
        assert chin is not None
        other: dict[Side, Side] = {"left": "right", "right": "left"} if mirrored else {}
        lobes = {other.get(side, side): moved(lobe) for side, lobe in self.lobes.items()}
        middle = moved((self.face[:2] + self.face[2:]) * np.float32(0.5))
        half = (self.face[2:] - self.face[:2]) / 2
        assert middle is not None
        return replace(
            self,
            face=np.concatenate([middle - half, middle + half]),
            neck=MarkedNeck(left, right, chin, moved(self.neck.notch)),
            lobes={side: lobe for side, lobe in lobes.items() if lobe is not None},
        )

    def nearest(self, found: Sequence[Detection]) -> Detection | None:
        """The detection of the marked face, if it was detected."""
        assert self.face is not None
        middle = (self.face[:2] + self.face[2:]) / 2
        reach = float(self.face[3] - self.face[1]) / 2
        near = [each for each in found if np.linalg.norm(each.centre - middle) < reach]
        return min(near, key=lambda each: float(np.linalg.norm(each.centre - middle)), default=None)


def default_folder() -> Path:
    return Path(os.environ.get("IMAGING_EVAL", "../shared/imaging-eval"))


def photographs(folder: Path) -> Iterator[Photograph]:
    marks = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
    for name, mark in marks.items():
        yield _photograph(name, mark, (folder / "photos" / f"{name}.jpg").read_bytes())


def _photograph(name: str, mark: dict[str, Any], data: bytes) -> Photograph:
    whole = decode(data).rgb
    rgb = fit(whole, LONG_SIDE)
    scale = rgb.shape[1] / whole.shape[1]

    def scaled(values: Sequence[float] | None) -> FloatArray | None:
        return None if values is None else np.array(values, np.float32) * np.float32(scale)

    left, right, chin = (scaled(mark.get(key)) for key in ("neckL", "neckR", "chin"))
    neck = None
    if mark.get("neck_box") and left is not None and right is not None and chin is not None:
        neck = MarkedNeck(left, right, chin, scaled(mark["notch"]))
    lobes: dict[Side, FloatArray] = {}
    for side, key in (("left", "lobeL"), ("right", "lobeR")):
        lobe = scaled(mark.get(key))
        if lobe is not None:
            lobes[side] = lobe  # type: ignore[index]  # the two literals above are the two sides
    return Photograph(
        name=name,
        rgb=rgb,
        faces=mark.get("faces", 0),
        face=scaled(mark["face"]),
        neck=neck,
        lobes=lobes,
        flags=tuple(mark["flags"]),
        scale=scale,
    )
