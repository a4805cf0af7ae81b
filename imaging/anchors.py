"""Where a cut-out chain is held: its two upper ends."""

from dataclasses import dataclass

import numpy as np

from imaging.types import Alpha, Point

SOLID = 80
"""Alpha that counts as metal, where there is any."""


@dataclass(frozen=True, slots=True)
class Anchors:
    """The middles of the chain's two ends, pixels of the cut-out."""

    left: Point
    right: Point

    @property
    def span(self) -> float:
        return float(np.hypot(self.right.x - self.left.x, self.right.y - self.left.y))


def chain_ends(alpha: Alpha) -> Anchors:
    """The highest place of each half; on a closed loop the widest row, whose upper part is then
    behind the neck. Without anything solid, the picture's upper corners.
    """
    solid = alpha >= min(SOLID, max(1, int(alpha.max(initial=0))))
    width = solid.shape[1]
    if not solid.any():
        return Anchors(Point(0.0, 0.0), Point(float(width - 1), 0.0))
    left, right = _highest(solid[:, : width // 2], 0), _highest(solid[:, width // 2 :], width // 2)
    if left and right and right.x - left.x > 0.35 * width:
        return Anchors(left, right)
    row = _widest_row(solid)
    runs = np.flatnonzero(solid[row])
    return Anchors(Point(float(runs[0]), float(row)), Point(float(runs[-1]), float(row)))


def _highest(half: np.ndarray, offset: int) -> Point | None:
    rows = np.flatnonzero(half.any(axis=1))
    if not len(rows):
        return None
    top = int(rows[0])
    depth = max(1, round(0.012 * half.shape[0]))
    columns = np.nonzero(half[top : top + depth])[1]
    return Point(float(columns.mean()) + offset, float(top))


def _widest_row(solid: np.ndarray) -> int:
    rows = np.flatnonzero(solid.any(axis=1))
    first = solid.argmax(axis=1)[rows]
    last = solid.shape[1] - 1 - solid[:, ::-1].argmax(axis=1)[rows]
    widths = last - first
    return int(np.median(rows[widths >= 0.995 * widths.max()]))
