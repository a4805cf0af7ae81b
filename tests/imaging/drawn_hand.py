"""A hand drawn so well that the nets take it for one, with its joints where we put them."""

import cv2
import numpy as np

from imaging.types import FloatArray, Rgb

SKIN = np.array([214, 160, 130], np.float32)

JOINTS = np.array([
    (0, 0),
    (-34, -22), (-56, -50), (-72, -76), (-84, -98),
    (-30, -92), (-37, -132), (-40, -156), (-42, -176),
    (-6, -98), (-8, -144), (-9, -172), (-10, -196),
    (16, -93), (20, -136), (22, -162), (24, -184),
    (37, -82), (47, -114), (52, -134), (56, -152),
], np.float32)  # fmt: skip
"""The 21 points in mm from the wrist, fingers up, which the net takes for a left hand's palm."""

_HALF = {1: 12.0, 5: 9.2, 9: 9.4, 13: 8.9, 17: 7.8}
"""Half widths of the fingers from thumb to little finger, mm."""

WRIST_HALF = 25.0


def drawn_hand(
    *, size: tuple[int, int] = (640, 720), wrist: tuple[float, float] = (320, 470),
    px_per_mm: float = 2.0, angle: float = 0.0, arm: float = 0.0,
    ground: tuple[int, int, int] = (70, 88, 104),
) -> tuple[Rgb, FloatArray]:  # fmt: skip
    """The picture, and its 21 joints in pixels (21, 2); angle: degrees clockwise from fingers up.
    arm: degrees by which it bends at the wrist, clockwise.
    """
    relief, joints = relief_and_joints(size, wrist, px_per_mm, angle, arm)
    picture = _shaded(relief, ground)
    for base, half in _HALF.items():
        _nail(picture, joints[base + 3], joints[base + 2], 0.62 * half * px_per_mm)
    return picture, joints


def relief_and_joints(
    size: tuple[int, int], wrist: tuple[float, float], px_per_mm: float, angle: float, arm: float
) -> tuple[FloatArray, FloatArray]:
    """Heights of the hand in mm, 0 beside it, and its joints in pixels."""
    lean = np.radians(angle)
    turn = np.array([[np.cos(lean), -np.sin(lean)], [np.sin(lean), np.cos(lean)]])
    joints = (JOINTS @ turn.T * px_per_mm + wrist).astype(np.float32)
    width, height = size
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    back = np.stack([x - wrist[0], y - wrist[1]], -1) @ turn / px_per_mm
    return _relief(back[..., 0], back[..., 1], np.radians(arm)), joints


def _nail(picture: Rgb, tip: FloatArray, joint: FloatArray, half: float) -> None:
    along = (tip - joint) / np.linalg.norm(tip - joint)
    middle = tip - along * 0.1 * half
    axes = (max(1, round(1.25 * half)), max(1, round(half)))
    lean = float(np.degrees(np.arctan2(along[1], along[0])))
    centre = (round(float(middle[0])), round(float(middle[1])))
    cv2.ellipse(picture, centre, axes, lean, 0, 360, (236, 190, 172), -1, cv2.LINE_AA)
    cv2.ellipse(picture, centre, axes, lean, 0, 360, (176, 122, 98), 1, cv2.LINE_AA)


def _relief(x: FloatArray, y: FloatArray, bend: float) -> FloatArray:
    """Height of the hand above the ground, mm; 0 beside it."""
    parts = [_limb(x, y, JOINTS[[0, base]], 15.0, 13.0) for base in (5, 9, 13, 17)]
    parts += [_limb(x, y, JOINTS[[0, 1]], 13.0, 13.0), _limb(x, y, JOINTS[[1, 5]], 11.0, 9.0)]
    elbow = (-240 * np.sin(bend), 240 * np.cos(bend))
    parts.append(_limb(x, y, np.array([elbow, (0, 0)], np.float32), WRIST_HALF, WRIST_HALF))
    for base, half in _HALF.items():
        for step, taper in enumerate((1.0, 0.94, 0.86)):
            ends = JOINTS[[base + step, base + step + 1]]
            parts.append(_limb(x, y, ends, half * taper, half * (taper - 0.08)))
    return np.asarray(np.maximum.reduce(parts), np.float32)


def _limb(x: FloatArray, y: FloatArray, ends: FloatArray, wide: float, narrow: float
          ) -> FloatArray:  # fmt: skip
    """A rounded cone."""
    (ax, ay), (bx, by) = ends
    along = np.array([bx - ax, by - ay])
    part = np.clip(((x - ax) * along[0] + (y - ay) * along[1]) / (along @ along), 0, 1)
    away = np.hypot(x - ax - part * along[0], y - ay - part * along[1])
    half = wide + (narrow - wide) * part
    return np.asarray(np.sqrt(np.clip(half * half - away * away, 0, None)), np.float32)


def _shaded(relief: FloatArray, ground: tuple[int, int, int]) -> Rgb:
    """Lit from above left; flatter than it is, as a palm is."""
    smooth = cv2.GaussianBlur(relief, (0, 0), 2.0)
    steep_y, steep_x = np.gradient(smooth)
    normal = np.stack([-steep_x, -steep_y, np.full(relief.shape, 1.2)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    light = np.clip(normal @ np.array([-0.35, -0.5, 0.79]), 0, 1) * 0.75 + 0.32
    hand = np.clip(light[..., None] * SKIN, 0, 255)
    inside = cv2.GaussianBlur((relief > 0).astype(np.float32), (0, 0), 0.8)[..., None]
    return np.asarray(hand * inside + np.array(ground) * (1 - inside) + 0.5, np.uint8)
