"""Rings and bracelets sit where finger and arm are, as wide as these are."""

import numpy as np
import pytest

from imaging.edges import Skin, fitted
from imaging.hands import RING, Skeleton, hands
from imaging.seats import seats
from imaging.types import Hand, Point, Rgb, Seat
from tests.imaging.drawn_hand import JOINTS, WRIST_HALF, drawn_hand
from tests.imaging.scenes import card

PX_PER_MM = 2.0


def seated(rgb: Rgb) -> Hand:
    (skeleton,) = hands(rgb)
    return seats(rgb, skeleton)


@pytest.mark.parametrize("angle", [0, 35])
def test_a_ring_sits_between_knuckle_and_joint_of_the_ring_finger(angle: int) -> None:
    rgb, joints = drawn_hand(angle=angle, wrist=(290, 440))
    seat = seated(rgb).finger
    knuckle, joint = joints[RING], joints[RING + 1]
    along = (joint - knuckle) / np.linalg.norm(joint - knuckle)
    place = np.array([seat.middle.x, seat.middle.y]) - knuckle
    assert 0.3 < place @ along / np.linalg.norm(joint - knuckle) < 0.8
    assert abs(place @ (-along[1], along[0])) < 2.5 * PX_PER_MM
    assert seat.width == pytest.approx(2 * 8.6 * PX_PER_MM, rel=0.2)
    drawn = np.degrees(np.arctan2(along[0], -along[1]))
    assert seat.angle == pytest.approx(drawn, abs=6)


@pytest.mark.parametrize("arm", [0, 24, -24])
def test_a_bracelet_sits_across_the_arm_even_if_it_bends_at_the_wrist(arm: int) -> None:
    rgb, joints = drawn_hand(arm=arm)
    seat = seated(rgb).wrist
    lean = np.radians(arm)
    from_wrist = np.array([seat.middle.x, seat.middle.y]) - joints[0]
    assert abs(from_wrist @ (np.cos(lean), np.sin(lean))) < 5 * PX_PER_MM
    assert seat.width == pytest.approx(2 * WRIST_HALF * PX_PER_MM, rel=0.12)
    assert seat.angle == pytest.approx(arm, abs=12)


def test_where_no_edge_is_seen_the_expected_seat_stays() -> None:
    rgb = card()
    skin = Skin(np.array([170, 140, 145], np.float32), np.array([12, 3, 4], np.float32))
    seat = Seat(Point(300, 300), 20, 60, 0)
    assert fitted(rgb, [seat], skin.likeness) == seat


def test_a_hand_beyond_the_picture_has_its_expected_seats() -> None:
    far = np.hstack([JOINTS * 2 - 3000, np.zeros((21, 1))]).astype(np.float32)
    hand = seats(card(), Skeleton(far, 0.9, 0.9))
    assert hand.finger.width == pytest.approx(36, rel=0.1)
    assert hand.wrist.middle.y > -3000


def flat_hand(right: float) -> Skeleton:
    """Fingers up, thumb on the picture's left: a right hand's back, or a left one's palm."""
    return Skeleton(np.hstack([JOINTS, np.zeros((21, 1))]).astype(np.float32) + 400, 1.0, right)


def test_back_and_palm_are_told_by_which_hand_it_is() -> None:
    assert seats(card(), flat_hand(right=0.98)).back
    assert not seats(card(), flat_hand(right=0.02)).back
    assert seats(card(), flat_hand(right=0.45)).back


def test_a_finger_that_bends_towards_the_camera_shows_its_palm_side() -> None:
    bent = flat_hand(right=0.6)
    points = bent.points.copy()
    points[RING + 2] = points[RING + 1] + (0, -2, -24)
    assert not seats(card(), Skeleton(points, 1.0, 0.6)).back
    points[RING + 2] = points[RING + 1] + (0, -2, 24)
    assert seats(card(), Skeleton(points, 1.0, 0.6)).back
