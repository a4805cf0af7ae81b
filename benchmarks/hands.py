"""How well hands are found, and what they cost: python -m benchmarks.hands [--eval FOLDER].

Counted are hands of which palm or back and most fingers are in the picture; marked by looking.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks.photographs import Photograph, default_folder, photographs
from imaging.analyse import analyse, make_masks, with_hands
from imaging.hands import hands
from imaging.palms import palms
from imaging.seats import arm, seats
from imaging.silhouettes import silhouette
from imaging.types import Analysis

SHOWN = {
    "df_img59": 2,
    "idm_00034_00": 2,
    "idm_00121_00": 2,
    "vh_group-2": 2,
    "vh_person-nicole": 1,
    "vh_person-tasia": 2,
}
"""Hands on the photographs that show any; the others show none."""

Made = TypeVar("Made")


@dataclass(slots=True)
class Figures:
    """found: photograph, hands shown, hands found. Times: CPU milliseconds of one thread."""

    found: list[tuple[str, int, int]] = field(default_factory=list)
    presence: list[float] = field(default_factory=list)
    milliseconds: dict[str, list[float]] = field(default_factory=dict)

    def timed(self, name: str, make: Callable[[], Made]) -> Made:
        began = time.thread_time()
        made = make()
        self.milliseconds.setdefault(name, []).append((time.thread_time() - began) * 1e3)
        return made


def measure(photo: Photograph, figures: Figures) -> None:
    rgb = photo.rgb
    figures.timed("palms", lambda: palms(rgb))
    found = hands(rgb)
    figures.found.append((photo.name, SHOWN.get(photo.name, 0), len(found)))
    figures.presence += [each.presence for each in found]
    nobody = Analysis(rgb.shape[1], rgb.shape[0])
    figures.timed(f"all of {len(found)} hands", lambda: with_hands(rgb, nobody))
    for each in found:
        figures.timed("seats, a hand", partial(seats, rgb, each))
        figures.timed("outline, a hand", partial(silhouette, rgb, each, arm(rgb, each)))
    analysis = figures.timed("analyse, a face", lambda: analyse(rgb))
    if analysis.neck:
        began = time.thread_time()
        masks = make_masks(rgb, analysis)
        name = "masks" if masks.hands is None else "masks with hands before the chest"
        figures.milliseconds.setdefault(name, []).append((time.thread_time() - began) * 1e3)


def table(figures: Figures) -> str:
    shown = sum(shown for _, shown, _ in figures.found)
    right = sum(min(shown, found) for _, shown, found in figures.found)
    false = sum(max(0, found - shown) for _, shown, found in figures.found)
    lines = [
        f"hands found {right} of {shown}, false {false} on {len(figures.found)} photographs",
        f"presence of the found: {min(figures.presence, default=0):.2f} and more",
    ]
    lines += [
        f"{name}: {found} of {shown}"
        for name, shown, found in figures.found
        if (shown, found) != (0, 0)
    ]
    lines += [
        f"{name}: CPU ms median {np.median(times):.0f}, p90 {np.percentile(times, 90):.0f} "
        f"({len(times)})"
        for name, times in figures.milliseconds.items()
    ]
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hands", description=__doc__)
    parser.add_argument("--eval", type=Path, default=default_folder())
    arguments = parser.parse_args(words)
    figures = Figures()
    for photo in photographs(arguments.eval):
        measure(photo, figures)
    print(table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
