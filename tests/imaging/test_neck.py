import math

import numpy as np
import pytest

from imaging import neck
from imaging.ears import ears
from imaging.faces import detect
from imaging.landmarks import Mesh, mesh, rotation
from imaging.torso import Body, body
from imaging.types import Box, Ear, Neck, Rgb

MIRRORED_IN = {"head_yaw", "shoulders_u"}
ALONG_U = {"centre_u", "edge_tilt", "chin_u", "notch_u"}


@pytest.fixture(scope="module")
def measured(astronaut: Rgb) -> tuple[Mesh, Body]:
    face = mesh(astronaut, detect(astronaut)[0])
    return face, body(astronaut, face)


def overlap(box: Box, marked: tuple[float, float, float, float]) -> float:
    x = min(box.x + box.width, marked[2]) - max(box.x, marked[0])
    y = min(box.y + box.height, marked[3]) - max(box.y, marked[1])
    both = max(0.0, x) * max(0.0, y)
    area = (marked[2] - marked[0]) * (marked[3] - marked[1])
    return both / (box.width * box.height + area - both)


def test_the_neck_lies_where_a_person_marked_it(measured: tuple[Mesh, Body]) -> None:
    found = neck.locate(*measured, width=512, height=512)
    assert overlap(found.box, (187, 187, 252, 245)) > 0.45
    assert found.width == pytest.approx(65, rel=0.15)
    assert (found.left.x, found.right.x) == pytest.approx((187, 252), abs=8)
    assert found.chin.y == pytest.approx(187, abs=8)
    assert found.left.y < found.notch.y


def test_the_model_is_the_same_in_the_mirror() -> None:
    for name in neck.NECK_OUTPUTS:
        used = set(neck.coefficients()[name])
        assert (used <= MIRRORED_IN) if name in ALONG_U else not used & MIRRORED_IN


def test_turning_the_points_turns_the_neck(measured: tuple[Mesh, Body]) -> None:
    """The model lives in the torso's frame: turn all that is measured and the answer turns too."""
    face, torso = measured
    turn = rotation(math.radians(20)).astype(np.float32)
    points = face.points.copy()
    points[:, :2] = points[:, :2] @ turn.T + np.float32(300)
    turned_body = Body(
        points=torso.points @ turn.T + np.float32(300),
        depth=torso.depth,
        visibility=torso.visibility,
        spread=torso.spread,
    )
    straight = neck.locate(face, torso, width=2000, height=2000)
    turned = neck.locate(Mesh(points, face.logit), turned_body, width=2000, height=2000)
    assert turned.angle - straight.angle == pytest.approx(20, abs=0.01)
    for one, other in ((straight.notch, turned.notch), (straight.left, turned.left)):
        expected = turn @ np.array([one.x, one.y]) + 300
        assert (other.x, other.y) == pytest.approx(tuple(expected), abs=0.05)


def test_twice_the_picture_is_twice_the_neck(measured: tuple[Mesh, Body]) -> None:
    face, torso = measured
    one = neck.locate(face, torso, width=512, height=512)
    two = neck.locate(face.scaled(2), torso.scaled(2), width=1024, height=1024)
    assert two.width == pytest.approx(2 * one.width)
    assert two.px_per_mm == pytest.approx(2 * one.px_per_mm)
    assert (two.angle, two.yaw, two.confidence) == pytest.approx(
        (one.angle, one.yaw, one.confidence)
    )


def test_a_face_is_thirteen_centimetres_wide(measured: tuple[Mesh, Body]) -> None:
    found = neck.locate(*measured, width=512, height=512)
    face_width = neck.head_axes(measured[0]).width
    assert found.px_per_mm * 132 == pytest.approx(face_width)
    assert 9 < found.width / found.px_per_mm / 10 < 13


def test_the_box_stays_within_the_picture(measured: tuple[Mesh, Body]) -> None:
    found = neck.locate(*measured, width=200, height=220)
    assert found.box.x + found.box.width <= 199
    assert found.box.y + found.box.height <= 219
    assert found.notch.y > 219


def test_looks_that_disagree_lower_the_confidence(measured: tuple[Mesh, Body]) -> None:
    face, torso = measured

    def confidence(spread: float) -> float:
        doubtful = Body(torso.points, torso.depth, torso.visibility, spread)
        return neck.locate(face, doubtful, width=512, height=512).confidence

    assert confidence(0) > 0.8
    assert confidence(60) < confidence(40) < confidence(0)
    assert confidence(200) == 0


def test_shoulders_that_cannot_be_right_are_not_believed(measured: tuple[Mesh, Body]) -> None:
    face, torso = measured
    points = torso.points.copy()
    points[11], points[12] = (230, 400), (230, 200)
    upended = Body(points, torso.depth, torso.visibility, torso.spread)
    assert neck.locate(face, upended, width=512, height=512).angle == pytest.approx(
        math.degrees(face.roll)
    )


def test_without_a_mesh_the_neck_is_a_doubtful_guess_below_the_face(
    measured: tuple[Mesh, Body],
) -> None:
    box = np.array([180, 85, 95, 95], np.float32)
    found: Neck = neck.guess(box, measured[1], width=512, height=512)
    assert overlap(found.box, (187, 187, 252, 245)) > 0.3
    assert found.confidence < 0.2


def test_ear_lobes_lie_where_a_person_marked_them(measured: tuple[Mesh, Body]) -> None:
    left, right = ears(measured[0])
    assert (left.side, right.side) == ("left", "right")
    assert (left.lobe.x, left.lobe.y) == pytest.approx((184, 128), abs=10)
    assert (right.lobe.x, right.lobe.y) == pytest.approx((268, 135), abs=10)
    assert left.visible
    assert right.visible


def turned_head(face: Mesh, degrees: float) -> tuple[Ear, Ear]:
    """The ears after the mesh has been turned about its upright axis."""
    angle = math.radians(degrees)
    points = face.points - face.points.mean(0)
    x, z = points[:, 0].copy(), points[:, 2].copy()
    points[:, 0] = x * math.cos(angle) - z * math.sin(angle)
    points[:, 2] = x * math.sin(angle) + z * math.cos(angle)
    return ears(Mesh(points + face.points.mean(0), face.logit))


def test_a_turned_head_hides_the_far_ear_only(measured: tuple[Mesh, Body]) -> None:
    left, right = turned_head(measured[0], 25)
    assert (left.visible, right.visible) == (True, False)
    left, right = turned_head(measured[0], -25)
    assert (left.visible, right.visible) == (False, True)
