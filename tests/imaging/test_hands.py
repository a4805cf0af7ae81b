"""Hands are found where they were drawn, whichever way they point, and nowhere else."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from imaging.hands import MOST_HANDS, hands
from imaging.palms import palms
from imaging.types import FloatArray, Rgb
from tests.imaging.drawn_hand import drawn_hand

PX_PER_MM = 2.0
WRISTS = {0: (320, 470), 35: (280, 440), -100: (470, 300), 180: (320, 240)}
BUT_WRIST = [*range(2, 21)]
"""Where a drawn arm ends and its hand begins, the net and we see differently."""


def away(found: FloatArray, drawn: FloatArray) -> FloatArray:
    """Distances in mm."""
    apart = np.linalg.norm(found[BUT_WRIST, :2] - drawn[BUT_WRIST], axis=1)
    return np.asarray(apart / PX_PER_MM, np.float32)


@pytest.mark.parametrize("angle", WRISTS)
def test_a_hand_is_found_where_it_is_drawn(angle: int) -> None:
    rgb, joints = drawn_hand(angle=angle, wrist=WRISTS[angle])
    (hand,) = hands(rgb)
    assert hand.presence > 0.8
    assert np.median(away(hand.points, joints)) < 4
    assert away(hand.points, joints).max() < 10
    assert hand.px_per_mm == pytest.approx(PX_PER_MM, rel=0.12)
    assert np.cos(hand.angle - np.radians(angle)) > np.cos(np.radians(8))


def test_a_mirrored_picture_shows_the_other_hand() -> None:
    rgb, joints = drawn_hand()
    (left,), (right,) = hands(rgb), hands(np.ascontiguousarray(rgb[:, ::-1]))
    assert left.right < 0.5 < right.right
    mirrored = joints * (-1, 1) + (rgb.shape[1] - 1, 0)
    assert np.median(away(right.points, mirrored.astype(np.float32))) < 4


def test_half_the_size_is_the_same_hand() -> None:
    rgb, _ = drawn_hand()
    (whole,), (half,) = hands(rgb), hands(np.ascontiguousarray(rgb[::2, ::2]))
    assert np.abs(2 * half.points[BUT_WRIST, :2] - whole.points[BUT_WRIST, :2]).mean() < 6


def test_pictures_without_hands_have_none(no_person: Rgb, astronaut: Rgb) -> None:
    assert hands(no_person) == []
    assert hands(astronaut) == []


def test_at_most_four_hands_are_looked_at() -> None:
    one, _ = drawn_hand(size=(320, 360), wrist=(160, 230), px_per_mm=1.0)
    many = np.vstack([np.hstack([one] * 3)] * 2)
    assert len(palms(many)) > MOST_HANDS
    found = hands(many)
    assert 2 <= len(found) <= MOST_HANDS
    middles = np.array([hand.points[:, :2].mean(0) for hand in found])
    apart = np.linalg.norm(middles[:, None] - middles[None], axis=-1)
    assert apart[~np.eye(len(found), dtype=bool)].min() > 200


def test_two_answers_about_one_hand_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rgb, _ = drawn_hand()
    (palm,) = palms(rgb)
    nudged = replace(palm, centre=palm.centre + 3)
    monkeypatch.setattr("imaging.hands.palms", lambda _: [palm, nudged])
    assert len(hands(rgb)) == 1


def test_threads_give_the_same_answer() -> None:
    rgb, _ = drawn_hand()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: hands(rgb)[0].points.tobytes(), range(8)))
    assert len(set(answers)) == 1
