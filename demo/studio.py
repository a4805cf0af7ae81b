"""The light of the demo pictures: what metal, pearl, glass and cut stones show to the camera.

Directions are unit vectors: x right, y down, z towards the camera. Colours are linear light,
1 = paper white; arrays are (..., 3).
"""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Colour: TypeAlias = tuple[float, float, float]

KEY = np.array([-0.45, -0.62, 0.64])
"""Where the large softbox hangs: up and to the left, as in most catalogue pictures."""
FILL = np.array([0.80, -0.18, 0.57])


@dataclass(frozen=True, slots=True)
class Material:
    """What a surface is made of; colour is the reflected (metal) or inner (others) colour."""

    kind: Literal["metal", "pearl", "glass"]
    colour: Colour


GOLD = Material("metal", (1.0, 0.58, 0.11))
DARK_GOLD = Material("metal", (0.52, 0.27, 0.07))
SILVER = Material("metal", (0.93, 0.92, 0.89))
OXIDISED = Material("metal", (0.40, 0.39, 0.38))
PLATINUM = Material("metal", (0.88, 0.87, 0.86))
PEARL = Material("pearl", (0.97, 0.91, 0.82))
RUBY = Material("glass", (0.62, 0.010, 0.045))
EMERALD = Material("glass", (0.012, 0.33, 0.12))
SAPPHIRE = Material("glass", (0.02, 0.07, 0.46))
ONYX = Material("glass", (0.012, 0.012, 0.014))
POLKI = Material("glass", (0.90, 0.84, 0.70))
DIAMOND = Material("glass", (0.95, 0.97, 1.0))


def _ramp(low: float, high: float, value: Array) -> Array:
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))


def _reflected(normal: Array) -> Array:
    """Where the camera's ray goes after a mirror with this normal."""
    ray = 2.0 * normal[..., 2:3] * normal
    ray[..., 2] -= 1.0
    return np.asarray(ray)


def surroundings(ray: Array) -> Array:
    """The studio's brightness in a direction: a bright ceiling, a lamp at the camera, two
    softboxes, a dark horizon.
    """
    up = -ray[..., 1]
    ceiling = 0.22 + 0.62 * _ramp(-0.15, 0.95, up) + 0.22 * _ramp(0.25, 0.95, -up)
    horizon = 1.0 - 0.55 * np.exp(-((up + 0.12) ** 2) / 0.03)
    front = 0.26 * _ramp(0.25, 1.0, ray[..., 2])
    key = 1.7 * _ramp(0.80, 0.90, ray @ KEY)
    fill = 0.75 * _ramp(0.88, 0.95, ray @ FILL)
    return np.asarray(ceiling * horizon + front + key + fill)


def _lit(normal: Array) -> Array:
    return np.asarray(np.clip(normal @ KEY, 0.0, 1.0))


def _metal(normal: Array, colour: Array) -> Array:
    brightness = 1.08 * surroundings(_reflected(normal))[..., None]
    glare = np.clip(brightness - 1.1, 0.0, None)
    grazing = (1.0 - normal[..., 2:3]) ** 4
    return np.asarray(colour * brightness * (1.0 - 0.25 * grazing) + 0.22 * glare)


def _pearl(normal: Array, colour: Array) -> Array:
    """Soft and milky, a rosy ring where the layers of nacre are seen at a slant."""
    facing = normal[..., 2:3]
    body = colour * (0.30 + 0.62 * _lit(normal)[..., None] + 0.16 * np.clip(normal[..., 1:2], 0, 1))
    rose = np.array([0.05, 0.0, 0.01]) * np.exp(-((facing - 0.72) ** 2) / 0.03)
    gloss = _ramp(0.90, 0.99, _reflected(normal) @ KEY)[..., None]
    return np.asarray(body * (0.72 + 0.28 * facing) + rose + 0.75 * gloss)


def _glass(normal: Array, colour: Array) -> Array:
    """Light enters on the lit side and leaves, coloured, on the other."""
    through = np.clip(-(normal[..., :2] @ KEY[:2]), 0.0, 1.0)[..., None]
    body = colour * (0.35 + 1.5 * through**1.5)
    gloss = _ramp(0.93, 0.98, _reflected(normal) @ KEY)[..., None]
    return np.asarray(body + 0.04 * surroundings(_reflected(normal))[..., None] + 0.85 * gloss)


_LOOKS = {"metal": _metal, "pearl": _pearl, "glass": _glass}


def shade(normal: Array, material: Material) -> Array:
    """The linear colour of a surface with these normals."""
    return _LOOKS[material.kind](normal, np.array(material.colour))


def _random(number: Array) -> Array:
    """0..1, the same for the same whole number."""
    return np.modf(np.abs(np.sin(number * 12.9898 + 4.1414) * 43758.5453))[0]


def facets(across: Array, along: Array, *, seed: int) -> tuple[Array, Array, Array]:
    """The facets of a brilliant: a number for each, and the slope of each, in unit coordinates."""
    radius, angle = np.hypot(across, along), np.arctan2(along, across)
    ring = np.digitize(radius, [0.24, 0.56, 0.80])
    sectors = np.array([8, 8, 8, 16])[ring]
    turn = np.array([0.0, 0.5, 0.0, 0.25])[ring]
    sector = np.floor((angle / (2 * np.pi) + 1.0) * sectors + turn)
    middle = (sector - turn + 0.5) / sectors * 2 * np.pi
    tilt = np.array([0.10, 0.38, 0.34, 0.52])[ring]
    number = ring * 37 + np.mod(sector, sectors) + seed * 101
    return number, np.cos(middle) * tilt, np.sin(middle) * tilt


def cut_stone(across: Array, along: Array, material: Material, *, seed: int) -> Array:
    """A faceted stone seen from above; across and along are -1..1 at its girdle."""
    number, slope_x, slope_y = facets(across, along, seed=seed)
    fire = _random(number)[..., None]
    colour = np.array(material.colour)
    body = colour * (0.10 + 1.25 * fire**1.6)
    if material is DIAMOND:
        body = body * (1.0 + 0.22 * (_random(number[..., None] * np.array([3, 5, 7])) - 0.5))
    normal = np.stack([slope_x, slope_y, np.ones_like(slope_x)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return np.asarray(body + 0.12 * surroundings(_reflected(normal))[..., None])
