"""Earrings behind hair and cheek, on heads whose every point is known; bare ears stay bare."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from imaging import hidden
from imaging.analyse import analyse
from imaging.anchors import Anchors
from imaging.compose import compose
from imaging.cutout import sorted_out
from imaging.errors import ImageRefused
from imaging.head import Head, head_of
from imaging.landmarks import Mesh
from imaging.scene import OVAL
from imaging.types import Alpha, Analysis, Ear, Point, Rgb
from imaging.warp import Region
from tests.imaging.scenes import PLAIN, bare, card, changed, seen
from tests.imaging.test_face_pieces import head

MM = 2.0
DARK, BLOND = (50, 30, 20), (190, 160, 121)
LEFT, RIGHT = (
    Ear(Point(180, 330), "left", visible=True),
    Ear(Point(460, 330), "right", visible=True),
)
EARS = (LEFT, RIGHT)
OCCLUDED = replace(PLAIN, occlusion=True)


def round_head(*, yaw: float = 0) -> Head:
    """A face as an ellipse about (320, 345), 264 pixels wide and 250 high."""
    made = head(yaw=yaw)
    points = made.mesh.points.copy()
    turn = np.arange(len(OVAL)) / len(OVAL) * 2 * np.pi
    points[OVAL, 0], points[OVAL, 1] = 320 + 132 * np.sin(turn), 345 - 125 * np.cos(turn)
    points[OVAL, 2] = (points[OVAL, 0] - 320) * np.tan(np.radians(yaw))
    return Head(Mesh(points, 20.0), made.person)


def haired(colour: tuple[int, int, int] = DARK) -> Rgb:
    """A card of skin with hair over the forehead."""
    photo = card()
    photo[150:205, 290:350] = colour
    return photo


def earrings(photo: Rgb, on: Head | None, ears: tuple[Ear, ...] = EARS, *,
             occlusion: bool = True, yaw: float = 0) -> Alpha:  # fmt: skip
    """Where two bars of 16 x 80 pixels are drawn."""
    rgba = np.zeros((90, 100, 4), np.uint8)
    rgba[5:85, 12:28] = rgba[5:85, 72:88] = (20, 60, 220, 255)
    pair = replace(sorted_out(rgba), anchors=Anchors(Point(0, 0), Point(1, 0)))
    result = compose(
        photo, seen(photo, None, ears, yaw=yaw), bare(photo), pair,
        OCCLUDED if occlusion else PLAIN, product_type="earrings", width_mm=66.0, head=on,
    )  # fmt: skip
    return changed(photo, result)


def curtain(photo: Rgb, *, to: int = 720) -> tuple[Rgb, Alpha]:
    """Hair over the right ear's lobe and the cheek beside it, and how it falls."""
    strands = np.zeros(photo.shape[:2], np.uint8)
    strands[314:to, 430:461] = 255
    photo = photo.copy()
    photo[strands > 0] = DARK
    return photo, strands


def test_hair_that_falls_over_lobe_and_cheek_stays_in_front() -> None:
    photo, strands = curtain(haired())
    drawn = earrings(photo, round_head())
    inner = cv2.erode(strands, np.ones((5, 5), np.uint8)) > 0
    assert not drawn[inner].any()
    assert drawn[:, :320].any()
    assert drawn[340:390, 464:467].all()
    assert earrings(photo, round_head(), occlusion=False)[inner].any()


def test_hair_hides_no_further_than_it_falls() -> None:
    photo, strands = curtain(haired(), to=345)
    photo[365:500, 430:461] = DARK  # once more, but below a gap
    drawn = earrings(photo, round_head())
    assert not drawn[320:342, 440:457].any()
    assert drawn[352:380, 455:464].all()
    assert strands.any()


def test_hair_behind_a_bare_ear_hides_nothing() -> None:
    photo = haired()
    photo[200:600, 467:620] = DARK
    assert (earrings(photo, round_head()) == earrings(haired(), round_head())).mean() > 0.9995


def test_a_bald_head_hides_nothing() -> None:
    photo, _ = curtain(card())
    drawn = earrings(photo, round_head())
    assert drawn[350:380, 455:464].all()


def test_the_far_earring_hangs_behind_the_cheek_of_a_head_that_turns() -> None:
    near_cheek = (replace(LEFT, lobe=Point(190, 360)), replace(RIGHT, lobe=Point(450, 360)))
    turned = round_head(yaw=10)
    drawn, straight = (
        earrings(haired(), turned, near_cheek),
        earrings(haired(), round_head(), near_cheek),
    )
    cheek = np.zeros(drawn.shape, np.uint8)
    cv2.fillPoly(cheek, [turned.mesh.points[OVAL, :2].astype(np.int32)], 255)
    inner = cv2.erode(cheek, np.ones((15, 15), np.uint8)) > 0
    right = np.s_[:, 320:]
    assert straight[right][inner[right]].any()
    assert not drawn[right][inner[right]].any()
    assert drawn[right][cheek[right] == 0].any()
    assert drawn[:, :320][inner[:, :320]].any()


@pytest.mark.parametrize("colour", [DARK, BLOND])
def test_ears_under_hair_wear_nothing(colour: tuple[int, int, int]) -> None:
    photo = haired(colour)
    photo[270:335, 430:480] = colour
    drawn = earrings(photo, round_head())
    assert drawn[:, :320].any()
    assert not drawn[:, 320:].any()
    assert earrings(photo, round_head(), occlusion=False)[:, 320:].any()
    with pytest.raises(ImageRefused, match="hair covers the ears"):
        earrings(photo, round_head(), (RIGHT,))


def test_an_ear_beyond_the_picture_s_edge_is_not_covered_and_hides_nothing() -> None:
    beyond = replace(RIGHT, lobe=Point(900, 330))
    assert not hidden.covered(haired(), round_head(), beyond)
    region = Region(600, 320, 640, 400)
    assert (hidden.seen(haired(), round_head(), beyond, region) == 1).all()


def test_what_is_seen_is_as_large_as_the_layer() -> None:
    photo, _ = curtain(haired())
    for region in (Region(440, 300, 480, 420), Region(440, 325, 480, 420)):
        visible = hidden.seen(photo, round_head(), RIGHT, region)
        assert visible.shape == (region.y1 - region.y0, 40)
        assert visible.min() < 0.05
        assert visible.max() == 1


def test_on_the_photograph_both_ears_are_bare_and_hidden_by_nothing(astronaut: Rgb) -> None:
    analysis = analyse(astronaut)
    own = head_of(astronaut, analysis)
    assert own
    for ear in analysis.ears:
        assert not hidden.covered(astronaut, own, ear)
        x, y = round(ear.lobe.x), round(ear.lobe.y)
        assert (hidden.seen(astronaut, own, ear, Region(x - 8, y, x + 8, y + 25)) == 1).all()


def test_without_a_face_no_ear_is_worn_at() -> None:
    photo = card()
    with pytest.raises(ImageRefused, match="no ear"):
        compose(photo, Analysis(640, 720), bare(photo), sorted_out(_bar()), PLAIN,
                product_type="earrings")  # fmt: skip


def _bar() -> np.ndarray:
    rgba = np.zeros((80, 16, 4), np.uint8)
    rgba[:] = (20, 60, 220, 255)
    return rgba
