"""The jewellery itself, in millimetres: where every link, bead and stone of a piece lies.

A necklace hangs between two ends at y = 0; the front of it is drawn as a camera sees it on a
neck, so the curves are arcs of a tilted loop, deeper and more pointed the longer the piece.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from demo.canvas import Canvas, disc, drop, leaf, oval
from demo.studio import (
    DARK_GOLD,
    DIAMOND,
    EMERALD,
    GOLD,
    ONYX,
    OXIDISED,
    PEARL,
    PLATINUM,
    POLKI,
    RUBY,
    SAPPHIRE,
    SILVER,
    Material,
)


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on a curve: mm, the direction of the curve in radians, and -1..1 along it."""

    x: float
    y: float
    angle: float
    part: float

    def aside(self, distance: float) -> "Spot":
        """The place that many mm outside the curve: below it, on a necklace."""
        return replace(
            self,
            x=self.x - np.sin(self.angle) * distance,
            y=self.y + np.cos(self.angle) * distance,
        )


def arc(width: float, depth: float, power: float, step: float) -> list[Spot]:
    """Places a step (mm) apart, left end to right end; power 1 is half an ellipse, 2 a parabola."""
    turn = np.linspace(-np.pi / 2, np.pi / 2, 4001)
    x, y = width / 2 * np.sin(turn), depth * np.cos(turn) ** power
    length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    count = max(2, round(length[-1] / step) // 2 * 2)
    at = np.linspace(0.0, length[-1], count + 1)
    xs, ys = np.interp(at, length, x), np.interp(at, length, y)
    angles = np.arctan2(np.gradient(ys), np.gradient(xs))
    parts = np.linspace(-1.0, 1.0, count + 1)
    return [
        Spot(float(px), float(py), float(angle), float(part))
        for px, py, angle, part in zip(xs, ys, angles, parts, strict=True)
    ]


def _rope(canvas: Canvas, spots: list[Spot], size: float, material: Material) -> None:
    """Twisted strands: slanted grains that overlap."""
    for spot in spots:
        canvas.pebble(spot.x, spot.y, size, size * 0.52, spot.angle + 0.85, material)


def _cable(canvas: Canvas, spots: list[Spot], size: float, material: Material) -> None:
    """Links seen flat and edge-on in turn."""
    for number, spot in enumerate(spots):
        if number % 2:
            line = oval(size, size * 0.62)
            canvas.tube(spot.x, spot.y, line, size * 0.22, size, material, spot.angle)
        else:
            canvas.pebble(spot.x, spot.y, size, size * 0.24, spot.angle, material)


def _grains(canvas: Canvas, x: float, y: float, radius: float, count: int, grain: float,
            material: Material = GOLD) -> None:  # fmt: skip
    """A circle of granulation."""
    for turn in np.linspace(0.0, 2 * np.pi, count, endpoint=False):
        place = x + radius * float(np.cos(turn)), y + radius * float(np.sin(turn))
        canvas.bead(*place, grain, material)


def _set_round(canvas: Canvas, x: float, y: float, radius: float, stone: Material,
               metal: Material = GOLD) -> None:  # fmt: skip
    canvas.stone(x, y, disc(radius), (radius, radius), stone)
    canvas.tube(x, y, disc(radius), radius * 0.17, radius, metal)


def _set_drop(canvas: Canvas, x: float, y: float, half: tuple[float, float], stone: Material,
              metal: Material = GOLD, angle: float = 0.0) -> None:  # fmt: skip
    canvas.stone(x, y, drop(*half), half, stone, angle)
    canvas.tube(x, y, drop(*half), half[0] * 0.15, max(half), metal, angle)


def _set_leaf(canvas: Canvas, x: float, y: float, half: tuple[float, float], stone: Material,
              angle: float) -> None:  # fmt: skip
    canvas.stone(x, y, leaf(*half), half, stone, angle)
    canvas.tube(x, y, leaf(*half), half[0] * 0.16, max(half), GOLD, angle)


def _flower(canvas: Canvas, x: float, y: float, radius: float, petal: Material,
            heart: Material, petals: int = 8) -> None:  # fmt: skip
    """Drop-shaped stones around a round one, all in gold settings."""
    canvas.plate(x, y, disc(radius), lambda u, v: 0 * u + 0 * v, radius, DARK_GOLD)
    for turn in np.arange(petals) * 2 * np.pi / petals:
        away = radius * 0.64
        place = x + away * float(np.sin(turn)), y - away * float(np.cos(turn))
        half = radius * 2.0 / petals, radius * 0.34
        _set_drop(canvas, *place, half, petal, GOLD, float(turn) + np.pi)
    _set_round(canvas, x, y, radius * 0.30, heart)


def _coin(canvas: Canvas, spot: Spot, radius: float) -> None:
    """A kasu: a struck coin with a lotus, hung from the chain by a ring."""

    def lotus(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        r, turn = np.hypot(u, v) / radius, np.arctan2(v, u)
        petals = 0.55 + 0.22 * np.cos(8 * turn)
        flower = 0.17 * np.clip((petals - r) / 0.22, -1.0, 1.0)
        return np.asarray(flower + 0.14 * np.exp(-((r - 0.86) ** 2) / 0.008) - 0.12 * r)

    canvas.plate(spot.x, spot.y, disc(radius), lotus, radius, GOLD, spot.angle)
    canvas.bead(spot.x, spot.y, radius * 0.16, GOLD)


def _stack(canvas: Canvas, x: float, y: float, radii: list[float], m: Material) -> float:
    """Beads hung one under the other; returns where the last one ends."""
    for radius in radii:
        canvas.bead(x, y + radius, radius, m)
        y += 2 * radius * 0.96
    return y


def gold_pendant_chain(canvas: Canvas) -> None:
    _rope(canvas, arc(124, 96, 1.45, 0.74), 1.15, GOLD)
    canvas.tube(0, 97.6, oval(1.5, 2.4), 0.55, 2.5, GOLD)
    canvas.plate(0, 110, drop(9.0, 12.5), lambda u, _: 0.3 * np.cos(u * 1.4), 13, GOLD)
    for turn in np.linspace(0.5, 2 * np.pi - 0.5, 23):
        x, y = 8.6 * np.sin(turn), 110 + 3.4 - 8.6 * np.cos(turn)
        canvas.bead(float(x), float(max(y, 102.5)), 0.75, GOLD)
    _set_drop(canvas, 0, 111.4, (5.4, 7.6), RUBY)
    canvas.bead(0, 99.7, 1.3, GOLD)


def pearl_strand(canvas: Canvas) -> None:
    for spot in arc(122, 74, 1.2, 6.55):
        canvas.bead(spot.x, spot.y, 3.35 + 0.75 * (1 - spot.part**2), PEARL)


def kundan_bib(canvas: Canvas) -> None:
    _rope(canvas, arc(120, 50, 1.12, 0.9), 1.25, GOLD)
    inner = arc(120, 50, 1.12, 6.1)[3:-3]
    for spot in inner:
        rise = 1 - abs(spot.part) ** 2
        below = spot.aside(4.6)
        _set_drop(canvas, below.x, below.y, (2.9, 4.4 + rise), POLKI, angle=spot.angle)
    for before, after in pairwise(inner):
        middle = replace(before, x=(before.x + after.x) / 2, y=(before.y + after.y) / 2)
        rise = 1 - middle.part**2
        below = middle.aside(9.6 + 2.0 * rise)
        _set_round(canvas, below.x, below.y, 2.3 + 0.8 * rise, RUBY)
        hung = middle.aside(13.8 + 4.4 * rise)
        _set_drop(canvas, hung.x, hung.y, (2.6, 3.8 + rise), POLKI, angle=spot_lean(middle))
        tip = middle.aside(18.6 + 6.6 * rise)
        canvas.bead(tip.x, tip.y, 1.5 + 0.4 * rise, PEARL)
    _flower(canvas, 0, 62, 11.5, POLKI, EMERALD)
    end = _stack(canvas, 0, 73.6, [1.1], GOLD)
    _set_drop(canvas, 0, end + 7.2, (4.6, 7.2), EMERALD)
    canvas.bead(0, end + 16.6, 2.4, PEARL)


def spot_lean(spot: Spot) -> float:
    """Hanging parts follow the curve only half: their weight pulls them straight."""
    return spot.angle * 0.6


def temple_haram(canvas: Canvas) -> None:
    curve = arc(128, 132, 1.5, 8.3)
    _rope(canvas, arc(128, 132, 1.5, 1.0), 1.5, GOLD)
    for spot in curve[3:-3]:
        _coin(canvas, spot.aside(4.6), 5.0)
    for spot in curve[3:-3]:
        _set_round(canvas, spot.x, spot.y, 1.5, RUBY if round(spot.part * 99) % 2 else EMERALD)
    _flower(canvas, 0, 145, 15, RUBY, EMERALD, petals=10)
    _grains(canvas, 0, 145, 15.4, 44, 0.95)
    for number in range(-4, 5):
        x, y = number * 3.5, 145 + np.sqrt(16.6**2 - (number * 3.4) ** 2)
        end = _stack(canvas, x, float(y), [0.8, 0.8], GOLD)
        canvas.bead(x, end + 1.5, 1.7, PEARL)


def diamond_solitaire(canvas: Canvas) -> None:
    _cable(canvas, arc(118, 84, 1.4, 1.35), 0.98, PLATINUM)
    canvas.tube(0, 85.4, oval(0.9, 1.8), 0.42, 2.0, PLATINUM)
    canvas.stone(0, 91.2, disc(4.2), (4.2, 4.2), DIAMOND)
    for turn in np.pi / 4 + np.arange(4) * np.pi / 2:
        x, y = 4.05 * np.cos(turn), 91.2 + 4.05 * np.sin(turn)
        canvas.bead(float(x), float(y), 0.62, PLATINUM)


def emerald_choker(canvas: Canvas) -> None:
    curve = arc(116, 34, 1.0, 6.8)
    for offset in (-3.4, 3.4):
        for spot in arc(116, 34, 1.0, 2.05):
            place = spot.aside(offset)
            _set_round(canvas, place.x, place.y, 0.92, DIAMOND, PLATINUM)
    for spot in curve[1:-1]:
        _set_leaf(canvas, spot.x, spot.y, (2.1, 3.1), EMERALD, spot.angle + np.pi / 2)
    for spot in curve[2:-2]:
        low = spot.aside(6.6)
        _set_drop(canvas, low.x, low.y, (1.7, 2.6), DIAMOND, PLATINUM, spot_lean(spot))
    _set_drop(canvas, 0, 44.4, (3.9, 5.6), EMERALD, PLATINUM)


def mangalsutra(canvas: Canvas) -> None:
    for offset in (-1.5, 1.5):
        for number, spot in enumerate(arc(122, 104, 1.5, 2.25)):
            place = spot.aside(offset)
            gold = number % 9 == 4
            canvas.bead(place.x, place.y, 1.05 if gold else 1.12, GOLD if gold else ONYX)
    for x in (-5.6, 5.6):
        canvas.plate(x, 110, disc(5.2), lambda u, v: 0.35 * np.hypot(u, v) ** 0.5, 5.2, GOLD)
        _grains(canvas, x, 110, 5.1, 18, 0.7)
        _set_round(canvas, x, 110, 1.5, RUBY)
    canvas.bead(0, 105.6, 1.7, GOLD)


def oxidised_collar(canvas: Canvas) -> None:
    _cable(canvas, arc(120, 58, 1.2, 3.1), 2.25, OXIDISED)
    for number, spot in enumerate(arc(120, 58, 1.2, 9.4)[2:-2]):
        low = spot.aside(5.6)
        canvas.plate(low.x, low.y, leaf(2.7, 4.6), lambda u, _: 0.5 * np.cos(u * 2.6),
                     4.6, OXIDISED, spot_lean(spot))  # fmt: skip
        canvas.bead(spot.aside(11.4).x, spot.aside(11.4).y, 1.25, SILVER)
        stone = SAPPHIRE if number % 2 else RUBY
        _set_round(canvas, low.x, low.y, 1.15, stone, SILVER)


def _jhumka(canvas: Canvas, x: float) -> None:
    """A stud, and under it a bell with a fringe of pearls."""
    _flower(canvas, x, 7, 6.6, RUBY, POLKI)
    canvas.tube(x, 15.2, oval(1.0, 1.5), 0.45, 1.5, GOLD)
    for row in range(11):
        wide, y = 9.6 * np.sin(0.16 + row * 0.135), 17.6 + row * 1.05
        for turn in np.linspace(-1.45, 1.45, max(5, int(wide * 2.5))):
            spread = float(np.sin(turn)) * wide
            canvas.bead(x + spread, y + 0.9 * float(np.cos(turn)), 0.72, GOLD)
    for turn in np.linspace(-1.35, 1.35, 11):
        spread, y = 9.7 * float(np.sin(turn)), 29.6 + 1.4 * float(np.cos(turn))
        _set_round(canvas, x + spread, y, 1.0, RUBY)
        canvas.bead(x + spread, y + 2.6, 1.35, PEARL)


def jhumka_pair(canvas: Canvas) -> None:
    for x in (-14.0, 14.0):
        _jhumka(canvas, x)


def diamond_studs(canvas: Canvas) -> None:
    for x in (-6.5, 6.5):
        canvas.stone(x, 5, disc(2.9), (2.9, 2.9), DIAMOND)
        for turn in np.arange(14) * 2 * np.pi / 14:
            place = x + 3.8 * float(np.cos(turn)), 5 + 3.8 * float(np.sin(turn))
            _set_round(canvas, *place, 0.72, DIAMOND, PLATINUM)


def pearl_drops(canvas: Canvas) -> None:
    for x in (-9.0, 9.0):
        _set_round(canvas, x, 3.2, 1.9, DIAMOND, SILVER)
        for number in range(5):
            _set_round(canvas, x, 6.0 + number * 1.9, 0.8, DIAMOND, SILVER)
        canvas.bead(x, 15.4, 0.9, SILVER)
        canvas.bead(x, 20.6, 4.7, PEARL)


def solitaire_ring(canvas: Canvas) -> None:
    canvas.tube(0, 14, oval(9.4, 9.9), 1.05, 11, PLATINUM)
    for x in (-2.4, -0.9, 0.9, 2.4):
        canvas.pebble(x, 3.4, 0.42, 1.7, -x * 0.16, PLATINUM)
    canvas.stone(0, 1.6, oval(3.5, 2.3), (3.5, 2.3), DIAMOND)
    for x in (-3.3, 3.3):
        canvas.bead(x, 1.5, 0.5, PLATINUM)


def gold_bangle(canvas: Canvas) -> None:
    for y, size in ((16.0, 1.9), (21.2, 1.9)):
        canvas.tube(0, y, oval(31, 11), size, 33, GOLD)
        for turn in np.linspace(0.15, np.pi - 0.15, 25):
            place = 31 * float(np.cos(turn)), y + 11 * float(np.sin(turn))
            canvas.bead(*place, 0.95, GOLD)
        for turn in np.linspace(0.3, np.pi - 0.3, 12):
            place = 31 * float(np.cos(turn)), y + 11 * float(np.sin(turn))
            _set_round(canvas, *place, 1.0, RUBY)


def panna_set(canvas: Canvas) -> None:
    """A necklace of emerald drops, with its earrings lying left and right below it."""
    for spot in arc(118, 56, 1.15, 2.1):
        _set_round(canvas, spot.x, spot.y, 0.95, DIAMOND)
    for spot in arc(118, 56, 1.15, 7.4)[2:-2]:
        large = 1 - spot.part**2
        low = spot.aside(4.2 + large)
        _set_drop(canvas, low.x, low.y, (2.0 + large, 3.1 + 1.4 * large), EMERALD,
                  angle=spot_lean(spot))  # fmt: skip
        tip = spot.aside(8.8 + 2.6 * large)
        canvas.bead(tip.x, tip.y, 1.15 + 0.3 * large, PEARL)
    for x in (-46.0, 46.0):
        _flower(canvas, x, 78, 5.0, DIAMOND, EMERALD)
        _set_drop(canvas, x, 89.4, (4.0, 6.2), EMERALD)
        canvas.bead(x, 97.4, 1.9, PEARL)


def flower_nose_pin(canvas: Canvas) -> None:
    """Six diamonds round a ruby, each in its own claw."""
    for turn in np.arange(6) * np.pi / 3:
        across, up = float(np.sin(turn)), float(np.cos(turn))
        _set_round(canvas, 2.3 * across, 4 - 2.3 * up, 0.98, DIAMOND)
        canvas.bead(3.3 * across, 4 - 3.3 * up, 0.3, GOLD)
    _set_round(canvas, 0, 4, 1.2, RUBY)


def pearl_nath(canvas: Canvas) -> None:
    """A hoop of wire that carries pearls and a ruby on its lower, outer part."""
    canvas.tube(0, 10, disc(9.0), 0.6, 9.7, GOLD)
    for turn, radius in ((-0.92, 1.35), (-0.6, 1.6), (0.6, 1.6), (0.92, 1.35)):
        canvas.bead(9.0 * float(np.sin(turn)), 10 + 9.0 * float(np.cos(turn)), radius, PEARL)
    for turn in (-0.32, 0.32):
        canvas.bead(9.0 * float(np.sin(turn)), 10 + 9.0 * float(np.cos(turn)), 0.9, GOLD)
    _set_drop(canvas, 0, 19.8, (2.1, 2.8), RUBY)
    canvas.bead(0, 23.6, 1.2, PEARL)


def kundan_tikka(canvas: Canvas) -> None:
    """A hook, a chain of links, and under a small flower the pendant with its fringe of pearls."""
    canvas.tube(0, 1.6, oval(1.2, 1.6), 0.32, 2.0, GOLD)
    links = [Spot(0.0, 3.4 + number * 1.3, np.pi / 2, 0.0) for number in range(55)]
    _cable(canvas, links, 1.0, GOLD)
    for y in (21.0, 38.0, 55.0):
        canvas.bead(0, y, 1.15, PEARL)
    _flower(canvas, 0, 76.6, 3.6, RUBY, POLKI, petals=6)
    _flower(canvas, 0, 88.5, 8.6, POLKI, EMERALD)
    _grains(canvas, 0, 88.5, 8.9, 34, 0.55)
    for number in range(-3, 4):
        x = number * 2.45
        y = 88.5 + float(np.sqrt(9.4**2 - x**2))
        canvas.bead(x, y + 1.0, 1.1 if number else 0.6, PEARL if number else GOLD)
    _set_drop(canvas, 0, 103.2, (2.5, 3.8), RUBY)
    canvas.bead(0, 108.2, 1.2, PEARL)
