"""A hand before the chest hides what is worn there, as far as the hand goes and no further."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from imaging import masks
from imaging.analyse import analyse
from imaging.compose import compose
from imaging.hands import hands
from imaging.scene import Scene, scene_of
from imaging.seats import arm
from imaging.silhouettes import silhouette
from imaging.types import Adjustments, Alpha, Rgb
from tests.imaging.drawn_hand import drawn_hand, relief_and_joints
from tests.imaging.scenes import bare, card, changed, coded_necklace, neck_at, seen

SIZE, WRIST = (640, 720), (320, 470)


def drawn_outline() -> Alpha:
    """The drawn hand, without the far end of its arm."""
    relief, _ = relief_and_joints(SIZE, WRIST, 2.0, 0.0, 0.0)
    outline = np.where(relief > 0, 255, 0).astype(np.uint8)
    outline[WRIST[1] + 100 :] = 0
    return outline


@pytest.mark.parametrize(
    ("ground", "wished"), [((70, 88, 104), 0.9), ((235, 235, 240), 0.9), ((180, 140, 120), 0.85)]
)
def test_the_outline_is_the_hand_s_even_before_skin(
    ground: tuple[int, int, int], wished: float
) -> None:
    rgb, _ = drawn_hand(ground=ground)
    (skeleton,) = hands(rgb)
    found = silhouette(rgb, skeleton, arm(rgb, skeleton)) > 127
    drawn = drawn_outline() > 0
    found[WRIST[1] + 100 :] = False
    assert (found & drawn).sum() / (found | drawn).sum() > wished


def test_a_hand_beyond_the_picture_has_no_outline() -> None:
    rgb, _ = drawn_hand()
    (skeleton,) = hands(rgb)
    away = replace(skeleton, points=skeleton.points - 4000)
    assert not silhouette(rgb, away, arm(rgb, away)).any()


def test_a_necklace_goes_behind_a_hand_and_is_seen_beside_it() -> None:
    photo = card()
    held = np.zeros(photo.shape[:2], np.uint8)
    held[330:460, 300:340] = 255
    layers = replace(bare(photo), hands=held)
    for adjustments in (Adjustments(), Adjustments(shadow=1, sparkle=1)):
        result = compose(photo, seen(photo, neck_at()), layers, coded_necklace(), adjustments)
        drawn = changed(photo, result)
        assert not drawn[held > 0].any()
        assert drawn[330:460, 200:300].any()


def held_before(rgb: Rgb, scene: Scene, down: float) -> tuple[Rgb, Scene]:
    """A hand drawn over the chest, and the body net pointing so many neck widths below the notch."""
    width = scene.width * (scene.window[2] - scene.window[0]) / scene.shape[1]
    left, top = scene.window[:2]
    scale = width / scene.width
    x, y = scene.notch[0] * scale + left, scene.notch[1] * scale + top
    wrist = (float(x), float(y + 2.2 * width))
    picture, _ = drawn_hand(size=(rgb.shape[1], rgb.shape[0]), wrist=wrist, px_per_mm=width / 90)
    relief, _ = relief_and_joints((rgb.shape[1], rgb.shape[0]), wrist, width / 90, 0.0, 0.0)
    outline = scene.notch + np.array([[0, down], [0.2, down + 0.1]], np.float32) * scene.width
    both = np.where(relief[..., None] > 0, picture, rgb).astype(np.uint8)
    return both, replace(scene, hands=(outline.astype(np.float32),))


def test_hands_are_looked_for_only_where_the_body_shows_one(astronaut: Rgb) -> None:
    whole = cv2.resize(astronaut, (1024, 1024), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    scene = scene_of(whole, analyse(whole))
    rgb, near = held_before(whole, scene, 0.5)
    held = masks._held(rgb, near)
    assert held is not None
    assert held.shape == rgb.shape[:2]
    assert (held > 127).sum() > 3000
    _, far = held_before(whole, scene, 9.0)
    assert masks._held(rgb, far) is None
    assert masks._held(whole, near) is None
    assert masks._held(rgb, replace(scene, hands=())) is None
