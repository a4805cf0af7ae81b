from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from imaging import masks
from imaging.analyse import analyse, make_masks
from imaging.scene import OVAL, colours, scene_of
from imaging.skin import BARE_NECK, COLOURLESS, COVERED_NECK, _grabbed, inner_neck
from imaging.types import Alpha, Analysis, Masks, Neck, Rgb

SKIN = (224, 172, 140)
CLOTH = (40, 70, 150)
Bare = tuple[Rgb, Analysis, Alpha]


@pytest.fixture(scope="module")
def bare(astronaut: Rgb) -> Bare:
    """The astronaut's head on a painted bust: neck and chest of known skin, cloth below.

    The third is where the skin was painted and no face lies before it, 255 or 0.
    """
    factor = 2
    head = cv2.resize(astronaut, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    analysis = analyse(head.astype(np.uint8))
    assert analysis.primary_face is not None
    face = analysis.primary_face.landmarks[OVAL, :2].astype(np.int32)
    head_mark = np.zeros(head.shape[:2], np.uint8)
    cv2.fillPoly(head_mark, [face], 255)
    cv2.fillPoly(head_mark, [np.array([[300, 0], [600, 0], [600, 250], [300, 250]])], 255)
    tone = np.median(head[cv2.erode(head_mark, np.ones((60, 60), np.uint8)) > 0], axis=0)
    picture = np.full_like(head, 215)
    skin = np.zeros(head.shape[:2], np.uint8)
    chest = [[375, 330], [500, 330], [505, 430], [760, 520], [760, 800], [110, 800], [110, 520]]
    cv2.fillPoly(skin, [np.array([*chest, [370, 430]])], 255)
    picture[skin > 0] = tone
    cloth = np.zeros_like(skin)
    cv2.fillPoly(
        cloth, [np.array([[90, 640], [430, 700], [780, 640], [780, 1024], [90, 1024]])], 255
    )
    picture[cloth > 0] = CLOTH
    noise = np.random.default_rng(5).normal(0, 3, picture.shape)
    picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
    picture[head_mark > 0] = head[head_mark > 0]
    skin[(cloth > 0) | (head_mark > 0)] = 0
    return picture, analyse(picture), skin


def overlap(one: Alpha, other: Alpha, rows: slice, columns: slice) -> float:
    a, b = one[rows, columns] > 127, other[rows, columns] > 127
    return float((a & b).sum() / (a | b).sum())


def neck_of(analysis: Analysis) -> Neck:
    assert analysis.neck is not None
    return analysis.neck


def made(bare: Bare, paint: Callable[[Rgb], None]) -> Masks:
    picture = bare[0].copy()
    paint(picture)
    return make_masks(picture, bare[1])


def test_bare_skin_is_found_to_the_edge_of_the_cloth(bare: Bare) -> None:
    found = make_masks(bare[0], bare[1])
    assert found.confidence == BARE_NECK
    neck = neck_of(bare[1])
    rows = slice(int(neck.chin.y + 0.1 * neck.width), int(neck.notch.y + neck.width))
    columns = slice(int(neck.left.x - neck.width), int(neck.right.x + neck.width))
    assert overlap(found.skin, bare[2], rows, columns) > 0.95


def test_pale_cloth_on_the_chest_is_not_skin(bare: Bare) -> None:
    neck = neck_of(bare[1])
    below = int(neck.notch.y + 0.4 * neck.width)

    def white_vest(picture: Rgb) -> None:
        picture[below:][bare[2][below:] > 0] = (236, 230, 226)

    found = made(bare, white_vest)
    columns = slice(int(neck.left.x - neck.width), int(neck.right.x + neck.width))
    rows = slice(below + 10, int(neck.notch.y + neck.width))
    assert (found.skin[rows, columns] > 127).mean() < 0.05
    assert found.skin[int(neck.notch.y), int(neck.notch.x)] > 200
    assert (found.front[rows, columns] > 127).mean() < 0.05


def test_masks_have_the_photographs_size(bare: Bare) -> None:
    found = make_masks(bare[0], bare[1])
    for mask in (found.skin, found.front):
        assert mask.shape == bare[0].shape[:2]
        assert mask.dtype == np.uint8


def test_a_stored_analysis_gives_the_same_masks(bare: Bare) -> None:
    fresh = make_masks(bare[0], bare[1])
    stored = make_masks(bare[0], Analysis.from_dict(bare[1].to_dict()))
    assert np.array_equal(fresh.skin, stored.skin)
    assert np.array_equal(fresh.front, stored.front)


def test_the_face_is_in_front_and_bare_skin_is_not(bare: Bare) -> None:
    found = make_masks(bare[0], bare[1])
    chin, notch = neck_of(bare[1]).chin, neck_of(bare[1]).notch
    assert found.front[int(chin.y) - 15, int(chin.x)] > 240
    assert found.front[int(notch.y), int(notch.x)] < 15


def test_a_scarf_over_the_neck_is_in_front_of_a_necklace(bare: Bare) -> None:
    neck = neck_of(bare[1])
    rows = slice(int(neck.notch.y - 0.35 * neck.width), int(neck.notch.y - 0.1 * neck.width))
    left = slice(int(neck.left.x - 10), int(neck.left.x + 0.4 * neck.width))

    def scarf(picture: Rgb) -> None:
        picture[rows, left] = (20, 140, 60)

    found = made(bare, scarf)
    assert (found.front[rows, left] > 127).mean() > 0.9
    beside = slice(int(neck.left.x + 0.55 * neck.width), int(neck.left.x + 0.8 * neck.width))
    assert (found.front[rows, beside] > 127).mean() < 0.05


def test_single_hairs_across_the_neck_are_in_front(bare: Bare) -> None:
    neck = neck_of(bare[1])
    x, y = int(neck.notch.x), int(neck.notch.y)
    strands = np.zeros(bare[2].shape, np.uint8)
    for shift in (-50, -20, 25):
        cv2.line(strands, (x + shift, y - 60), (x + shift + 20, y + 90), 255, 3)

    def hairs(picture: Rgb) -> None:
        picture[strands > 0] = (45, 30, 25)

    found = made(bare, hairs)
    assert (found.front[strands > 0] > 127).mean() > 0.95
    beside = (cv2.dilate(strands, np.ones((31, 31), np.uint8)) > 0) & (
        cv2.dilate(strands, np.ones((7, 7), np.uint8)) == 0
    )
    assert (found.front[beside] > 127).mean() < 0.05


def test_a_mole_is_skin_and_hides_nothing(bare: Bare) -> None:
    notch = neck_of(bare[1]).notch

    def mole(picture: Rgb) -> None:
        cv2.circle(picture, (int(notch.x) + 20, int(notch.y) + 20), 4, (90, 60, 50), -1)

    assert made(bare, mole).front[int(notch.y) + 20, int(notch.x) + 20] < 128


def test_a_hand_before_the_neck_is_in_front_with_its_fingers(bare: Bare) -> None:
    """The hand is an island of skin on the cloth below; its corners are told, not its fingers."""
    scene = scene_of(bare[0], bare[1])
    skin = np.zeros(scene.shape, bool)
    skin[inner_neck(scene)] = True
    skin[-30:, 100:140] = True
    skin[-45:-30, 105:110] = True
    corners = np.array([[105, 215], [115, 185], [135, 185], [130, 215]], np.float32)
    corners[:, 1] += scene.shape[0] - 220
    found = masks._hands(replace(scene, hands=(corners,)), skin)
    assert found[-30:, 100:140].all()
    assert found[-45:-30, 105:110].all()
    assert not found[inner_neck(scene)].any()
    assert not masks._hands(replace(scene, hands=()), skin).any()


def test_in_black_and_white_the_bodys_geometry_decides(bare: Bare) -> None:
    grey = cv2.cvtColor(bare[0], cv2.COLOR_RGB2GRAY)
    found = make_masks(np.dstack([grey] * 3), bare[1])
    assert found.confidence == COLOURLESS
    neck = neck_of(bare[1])
    middle = (int((neck.chin.y + neck.notch.y) / 2), int((neck.left.x + neck.right.x) / 2))
    assert found.skin[middle] > 200
    assert not found.skin[: int(neck.chin.y - 0.3 * neck.width)].any()
    assert found.skin[:, : int(neck.left.x - 0.3 * neck.width)].max() == 0


def test_over_a_covered_neck_the_jewellery_lies_on_the_cloth(bare: Bare) -> None:
    neck = neck_of(bare[1])

    def turtleneck(picture: Rgb) -> None:
        picture[int(neck.chin.y) + 12 :][bare[2][int(neck.chin.y) + 12 :] > 0] = CLOTH

    found = made(bare, turtleneck)
    assert found.confidence == COVERED_NECK
    assert found.front[int(neck.notch.y), int(neck.notch.x)] < 15
    assert found.skin[int(neck.notch.y), int(neck.notch.x)] < 15


def test_what_is_beside_the_person_hides_the_chains_ends(bare: Bare) -> None:
    neck = neck_of(bare[1])
    found = make_masks(bare[0], bare[1])
    beside = int(neck.left.x - 0.5 * neck.width)
    assert found.front[int(neck.left.y), beside] > 200


def test_a_bald_head_at_the_pictures_edge_has_no_hair_in_front(bare: Bare) -> None:
    """No hair can be sampled where the forehead touches the edge; skin and face still tell."""
    scene = replace(scene_of(bare[0], bare[1]), hair_colours=np.zeros((0, 3), np.float32))
    nothing = np.zeros(scene.shape, bool)
    assert not masks._hair(scene, nothing, np.zeros(scene.shape, np.float32)).any()


def test_places_outside_the_picture_have_no_colour() -> None:
    white = np.full((20, 20, 3), 255, np.uint8)
    outside = np.array([[-5, 3], [3, 40]], np.float32)
    assert colours(white, outside, radius=2).shape == (0, 3)
    inside = np.array([[0, 0], [10, 10]], np.float32)
    assert (colours(white, inside, radius=1)[:, 0] == 255).all()


def test_without_any_likely_skin_there_is_none(bare: Bare) -> None:
    scene = scene_of(bare[0], bare[1])
    nowhere = np.full(scene.shape, cv2.GC_BGD, np.uint8)
    assert not _grabbed(scene, nowhere).any()


def test_masks_do_not_change_from_one_time_to_the_next(bare: Bare) -> None:
    cv2.setRNGSeed(99)
    one = make_masks(bare[0], bare[1])
    cv2.setRNGSeed(3)
    two = make_masks(bare[0], bare[1])
    assert np.array_equal(one.skin, two.skin)
    assert np.array_equal(one.front, two.front)
