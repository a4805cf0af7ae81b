import cv2
import numpy as np
import pytest

from imaging import torso
from imaging.faces import detect, search
from imaging.landmarks import CHIN, EYE_LEFT, EYE_RIGHT, FOREHEAD, mesh
from imaging.torso import body
from imaging.types import Rgb

MARKED_FACE = (178, 75, 272, 187)
"""Where a person marked the astronaut's face: x0, y0, x1, y1."""


def small(astronaut: Rgb, *, face_height: int) -> Rgb:
    """The astronaut in a corner of a large grey picture, her face this many pixels high."""
    factor = face_height / (MARKED_FACE[3] - MARKED_FACE[1])
    shrunk = cv2.resize(astronaut, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    picture = np.full((960, 1280, 3), 128, np.uint8)
    picture[500 : 500 + shrunk.shape[0], 700 : 700 + shrunk.shape[1]] = shrunk
    return picture


def test_the_one_face_is_found_where_a_person_marked_it(astronaut: Rgb) -> None:
    (face,) = detect(astronaut)
    middle = np.array([MARKED_FACE[0] + MARKED_FACE[2], MARKED_FACE[1] + MARKED_FACE[3]]) / 2
    assert np.linalg.norm(face.centre - middle) < 12
    assert 80 < face.box[2] < 130
    assert face.score > 0.8


def test_two_people_are_two_faces(astronaut: Rgb) -> None:
    pair = np.hstack([astronaut, astronaut[:, ::-1]])
    centres = sorted(float(face.centre[0]) for face in detect(pair))
    assert centres == pytest.approx([225, 1023 - 225], abs=15)


def test_a_picture_without_people_has_no_face(no_person: Rgb) -> None:
    assert detect(no_person) == []


def test_a_face_of_fifty_pixels_is_found_by_looking_closer(astronaut: Rgb) -> None:
    picture = small(astronaut, face_height=50)
    assert detect(picture) == []
    best = max(search(picture), key=lambda each: each.score)
    assert best.centre == pytest.approx([700 + 225 * 50 / 112, 500 + 131 * 50 / 112], abs=5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (7, 5), (40, 4000)])
def test_pictures_of_odd_shapes_have_no_face_and_do_no_harm(shape: tuple[int, int]) -> None:
    picture = np.full((*shape, 3), 200, np.uint8)
    assert detect(picture) == []
    assert search(picture) == []


def test_the_mesh_follows_the_head(astronaut: Rgb) -> None:
    points = mesh(astronaut, detect(astronaut)[0])
    assert points.presence > 0.99
    assert abs(np.degrees(points.roll)) < 8
    assert points.points[EYE_LEFT, 0] < points.points[EYE_RIGHT, 0]
    assert points.points[FOREHEAD, 1] < points.points[EYE_LEFT, 1] < points.points[CHIN, 1]
    assert points.points[CHIN, :2] == pytest.approx([229, 187], abs=12)


@pytest.mark.parametrize("degrees", [-25, 25])
def test_the_mesh_turns_with_the_head(astronaut: Rgb, degrees: int) -> None:
    straight = mesh(astronaut, detect(astronaut)[0])
    turn = cv2.getRotationMatrix2D((225.0, 131.0), degrees, 1)
    turned = cv2.warpAffine(astronaut, turn, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    found = mesh(turned.astype(np.uint8), detect(turned.astype(np.uint8))[0])
    assert np.degrees(found.roll - straight.roll) == pytest.approx(-degrees, abs=3)
    expected = straight.points[:, :2] @ turn[:, :2].T + turn[:, 2]
    assert np.abs(found.points[:, :2] - expected).max() < 8


def test_the_shoulders_lie_on_both_sides_below_the_chin(astronaut: Rgb) -> None:
    left, right = body(astronaut, mesh(astronaut, detect(astronaut)[0])).shoulders
    assert 60 < left[0] < 180
    assert 260 < right[0] < 380
    assert min(left[1], right[1]) > 187


def test_a_mirrored_body_is_the_mirrored_answer(astronaut: Rgb) -> None:
    mirrored = np.ascontiguousarray(astronaut[:, ::-1])
    face, other = mesh(astronaut, detect(astronaut)[0]), mesh(mirrored, detect(mirrored)[0])
    left, right = body(astronaut, face).shoulders
    other_left, other_right = body(mirrored, other).shoulders
    assert 511 - other_left[0] == pytest.approx(right[0], abs=8)
    assert 511 - other_right[0] == pytest.approx(left[0], abs=8)


def test_another_person_does_not_draw_the_shoulders_away(astronaut: Rgb) -> None:
    crowd = astronaut.copy()
    crowd[60:200, 330:470] = astronaut[60:200, 155:295]
    faces = sorted(detect(crowd), key=lambda each: float(each.centre[0]))
    assert len(faces) == 2
    alone = body(astronaut, mesh(astronaut, detect(astronaut)[0]))
    beside = body(crowd, mesh(crowd, faces[0]), [faces[1].box])
    moved = (beside.points[11:13] - alone.points[11:13]).mean(0)
    assert np.linalg.norm(moved) < 20


def test_a_leaning_body_is_looked_at_upright(astronaut: Rgb) -> None:
    straight = body(astronaut, mesh(astronaut, detect(astronaut)[0]))
    turn = cv2.getRotationMatrix2D((256.0, 256.0), 35, 1)
    warped = cv2.warpAffine(astronaut, turn, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    leaning = warped.astype(np.uint8)
    found = body(leaning, mesh(leaning, detect(leaning)[0]))
    assert np.degrees(found.angle - straight.angle) == pytest.approx(-35, abs=9)
    expected = straight.points[11:13] @ turn[:, :2].T + turn[:, 2]
    assert np.linalg.norm(found.points[11:13] - expected, axis=1).max() < 35


def test_a_hand_counts_when_all_of_it_is_surely_seen() -> None:
    joints = np.zeros((4, 5), np.float32)
    joints[:, :2] = [[0, 0], [10, 0], [0, 10], [-10, 0]]
    joints[:, 3] = 3
    outline = torso._hand(joints)
    assert outline == pytest.approx(np.array([[0, 0], [19, 0], [0, 19], [-13, 0]]))
    joints[2, 3] = 0
    assert torso._hand(joints) is None
