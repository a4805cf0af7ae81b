"""Ear lobes from the face mesh, which has no points on the ears: another small linear model.

Its frame is the head's, with its origin at the cheek on that side, and u pointing away from the
face, so that one model serves both ears.
"""

from imaging.landmarks import CHEEK_LEFT, CHEEK_RIGHT, Mesh, rotation
from imaging.neck import Frame, Model, coefficients, head_axes, outputs
from imaging.types import Ear, Side

HIDDEN_YAW = 12.0
"""Degrees of the mesh's yaw from which the far ear lobe lies behind the cheek."""

EAR_OUTPUTS = ("lobe_u", "lobe_v")


def ears(face: Mesh, model: Model | None = None) -> tuple[Ear, Ear]:
    """The two lobes, left first; the far one is not visible when the head is turned."""
    return (
        _ear(face, "left", model or coefficients()),
        _ear(face, "right", model or coefficients()),
    )


def _ear(face: Mesh, side: Side, model: Model) -> Ear:
    frame, outward = ear_frame(face, side)
    out = outputs(EAR_OUTPUTS, ear_measures(face, side), model)
    turned_away = head_axes(face).yaw * outward
    return Ear(
        frame.to_picture(outward * out["lobe_u"], out["lobe_v"]), side, turned_away < HIDDEN_YAW
    )


def ear_frame(face: Mesh, side: Side) -> tuple[Frame, int]:
    """The head's frame at a cheek, and which sign of u points away from the face."""
    cheek, outward = (CHEEK_LEFT, -1) if side == "left" else (CHEEK_RIGHT, 1)
    return Frame(face.points[cheek, :2], rotation(face.roll), head_axes(face).size), outward


def ear_measures(face: Mesh, side: Side) -> dict[str, float]:
    """turned_away > 0 when the head turns this ear away from the camera."""
    head = head_axes(face)
    outward = -1 if side == "left" else 1
    return {
        "one": 1.0,
        "turned_away": float(head.across[2]) * outward,
        "head_pitch": float(head.down[2]),
    }
