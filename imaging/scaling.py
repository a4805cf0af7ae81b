"""The same findings in pixels of another size of the photograph."""

from dataclasses import replace

import numpy as np

from imaging.types import Analysis, Box, Ear, Face, Hand, Neck, Point, Seat


def scaled(analysis: Analysis, factor: float, *, width: int, height: int) -> Analysis:
    neck, shoulders = analysis.neck, analysis.shoulders
    return replace(
        analysis,
        width=width,
        height=height,
        faces=tuple(_scaled_face(face, factor) for face in analysis.faces),
        neck=_scaled_neck(neck, factor) if neck else None,
        ears=tuple(_scaled_ear(ear, factor) for ear in analysis.ears),
        shoulders=(_point(shoulders[0], factor), _point(shoulders[1], factor))
        if shoulders
        else None,
        hands=None
        if analysis.hands is None
        else tuple(scaled_hand(hand, factor) for hand in analysis.hands),
    )


def _scaled_face(face: Face, factor: float) -> Face:
    return replace(face, box=_box(face.box, factor), landmarks=face.landmarks * np.float32(factor))


def _scaled_neck(neck: Neck, factor: float) -> Neck:
    return replace(
        neck,
        box=_box(neck.box, factor),
        left=_point(neck.left, factor),
        right=_point(neck.right, factor),
        chin=_point(neck.chin, factor),
        notch=_point(neck.notch, factor),
        width=neck.width * factor,
        px_per_mm=neck.px_per_mm * factor,
    )


def _scaled_ear(ear: Ear, factor: float) -> Ear:
    return replace(ear, lobe=_point(ear.lobe, factor))


def scaled_hand(hand: Hand, factor: float) -> Hand:
    return replace(
        hand, finger=_scaled_seat(hand.finger, factor), wrist=_scaled_seat(hand.wrist, factor)
    )


def _scaled_seat(seat: Seat, factor: float) -> Seat:
    return replace(seat, middle=_point(seat.middle, factor), width=seat.width * factor)


def _point(point: Point, factor: float) -> Point:
    """Coordinates are of pixel centres, so the corner of the picture is at (-0.5, -0.5)."""
    return Point((point.x + 0.5) * factor - 0.5, (point.y + 0.5) * factor - 0.5)


def _box(box: Box, factor: float) -> Box:
    corner = _point(Point(box.x, box.y), factor)
    return Box(corner.x, corner.y, box.width * factor, box.height * factor)
