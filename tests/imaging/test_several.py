"""Several pieces in one picture."""

from dataclasses import replace

import numpy as np
import pytest

from imaging import several
from imaging.anchors import Anchors
from imaging.compose import compose
from imaging.cutout import Cutout, sorted_out
from imaging.errors import ImageRefused
from imaging.several import LeftOut, Piece, Seen, wear
from imaging.types import Adjustments, Ear, Point, Rgb
from tests.imaging.scenes import (
    PLAIN,
    UNIT,
    bare,
    card,
    centroid,
    changed,
    coded_necklace,
    neck_at,
    seen,
)
from tests.imaging.test_face_pieces import head, stud

NECKLACE = coded_necklace()
EARS = (Ear(Point(210, 180), "left", visible=True), Ear(Point(430, 180), "right", visible=True))
LONG, SHORT = (200, 30, 30, 255), (20, 40, 220, 255)


def strand(depth: int, colour: tuple[int, int, int, int]) -> Cutout:
    """A bow of one colour, its ends 400 pixels apart, so deep."""
    rgba = np.zeros((depth + 20, 440, 4), np.uint8)
    x = np.linspace(0, 400, 4000)
    y = depth * (1 - ((x - 200) / 200) ** 2)
    for aside in range(-7, 8):
        for below in range(-7, 8):
            rows, columns = (
                np.round(y + 9 + below).astype(int),
                np.round(x + 20 + aside).astype(int),
            )
            rgba[np.clip(rows, 0, depth + 19), columns] = colour
    return Cutout(rgba, Anchors(Point(20, 9), Point(420, 9)), "single")


def drops() -> Cutout:
    rgba = np.zeros((90, 100, 4), np.uint8)
    rgba[5:85, 15:25] = rgba[5:85, 75:85] = (20, 60, 200, 255)
    return sorted_out(rgba)


def piece(cutout: Cutout, kind: str = "necklace", width_mm: float | None = None) -> Piece:
    return Piece(lambda: cutout, kind, width_mm, None)


def scene(photo: Rgb | None = None, ears: tuple[Ear, ...] = EARS) -> Seen:
    photo = card() if photo is None else photo
    return Seen(photo, seen(photo, neck_at(y=420), ears), bare(photo), head())


def worn(*pieces: Piece, how: Adjustments = PLAIN, on: Seen | None = None) -> Rgb:
    return wear(on or scene(), pieces, how)[0]


def lowest(picture: Rgb, colour: tuple[int, int, int, int]) -> int:
    alike = (np.abs(picture.astype(int) - colour[:3]) < 12).all(axis=-1)
    return int(np.nonzero(alike)[0].max())


def pin() -> Cutout:
    return Cutout(stud(), Anchors(Point(0, 0), Point(1, 0)), "single")


EARRINGS, NECK = piece(drops(), "earrings", 50.0), piece(NECKLACE)


def test_one_piece_is_worn_as_it_is_alone() -> None:
    here = scene()
    alone = compose(here.photo, here.analysis, here.masks, NECKLACE, Adjustments())
    assert (worn(NECK, how=Adjustments()) == alone).all()


def test_pieces_at_different_places_do_not_change_one_another() -> None:
    nose_pin = piece(pin(), "nose_pin", 5.0)
    photo = np.random.default_rng(5).integers(90, 200, card().shape, np.uint8)
    on = scene(photo)
    alone = [worn(each, how=Adjustments(), on=on) for each in (NECK, EARRINGS, nose_pin)]
    together = worn(NECK, EARRINGS, nose_pin, how=Adjustments(), on=on)
    expected = photo.copy()
    for picture in alone:
        different = changed(photo, picture) > 0
        assert different.any()
        expected[different] = picture[different]
    assert (together == expected).all()


def test_light_is_measured_on_the_photograph_and_not_on_what_is_worn_already() -> None:
    """A white collar of metal under a chain does not light the chain."""
    sheet = np.full((300, 440, 4), 255, np.uint8)
    collar = Cutout(sheet, Anchors(Point(20, 9), Point(420, 9)), "single")
    bow = strand(200, SHORT)
    here, how = scene(), replace(PLAIN, light=0.6)
    clean = compose(here.photo, here.analysis, here.masks, bow, how)
    painted = compose(here.photo, here.analysis, here.masks, collar, how)
    over = compose(here.photo, here.analysis, here.masks, bow, how, onto=painted)
    plain = compose(here.photo, here.analysis, here.masks, bow, PLAIN)
    solid = (plain == SHORT[:3]).all(axis=-1)
    assert solid.sum() > 300
    assert np.abs(clean[solid].astype(int) - over[solid]).mean() < 0.5


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_shorter_necklace_lies_over_the_longer_whatever_was_named_first(
    order: tuple[int, int],
) -> None:
    pieces = (piece(strand(330, LONG)), piece(strand(150, SHORT)))
    same = (piece(strand(330, LONG)), piece(strand(325, SHORT)))
    picture = worn(*(pieces[number] for number in order))
    assert lowest(picture, LONG) > lowest(picture, SHORT)
    crossed = worn(*(same[number] for number in order))
    assert (crossed == worn(*same)).all()


def test_two_like_necklaces_do_not_lie_at_the_same_place() -> None:
    like = (piece(strand(200, LONG)), piece(strand(199, SHORT)))
    picture = worn(*like)
    apart = lowest(picture, LONG) - lowest(picture, SHORT)
    assert apart == pytest.approx(several.APART * UNIT, abs=2.5)


def test_with_one_necklace_the_earrings_do_not_move_it() -> None:
    alone, both = worn(NECK), worn(NECK, EARRINGS)
    assert (alone[320:] == both[320:]).all()


def test_what_is_moved_is_the_first_piece_and_what_is_worn_with_it() -> None:
    moved = replace(PLAIN, dx=20.0, dy=15.0)
    two = piece(strand(330, LONG)), piece(strand(150, SHORT)), EARRINGS
    before, after = worn(*two), worn(*two, how=moved)
    assert (before[:210] == after[:210]).all()
    for colour in (LONG, SHORT):
        assert lowest(after, colour) - lowest(before, colour) == pytest.approx(15, abs=1)


def test_when_earrings_come_first_they_are_moved_and_the_necklace_stays() -> None:
    moved = replace(PLAIN, dx=10.0)
    before, after = worn(EARRINGS, NECK), worn(EARRINGS, NECK, how=moved)
    assert (before[320:] == after[320:]).all()
    shift = centroid(changed(card(), after)[:290]), centroid(changed(card(), before)[:290])
    assert shift[0][0] - shift[1][0] == pytest.approx(10, abs=1)


def test_a_piece_that_cannot_be_worn_is_left_out_and_the_others_are_shown() -> None:
    coin = piece(pin(), "coin")
    picture, left_out = wear(scene(ears=()), (EARRINGS, NECK, coin), PLAIN)
    assert (picture == worn(NECK)).all()
    assert left_out == (
        LeftOut(0, "not-wearable-here", "no ear is seen on the photograph"),
        LeftOut(2, "not-wearable-here", "coin cannot be tried on yet"),
    )


def test_a_piece_whose_picture_cannot_be_read_is_left_out() -> None:
    def broken() -> Cutout:
        raise ImageRefused("product-not-cuttable", "there is no plain backdrop")

    picture, left_out = wear(scene(), (Piece(broken, "necklace", None, None), NECK), PLAIN)
    assert (picture == worn(NECK)).all()
    assert left_out == (LeftOut(0, "product-not-cuttable", "there is no plain backdrop"),)


def test_when_nothing_can_be_worn_the_first_reason_is_given() -> None:
    blind = scene(ears=())
    with pytest.raises(ImageRefused, match="no ear is seen"):
        wear(blind, (EARRINGS, piece(pin(), "coin")), PLAIN)


def test_without_a_neck_two_necklaces_are_left_out() -> None:
    photo = card()
    neckless = replace(scene(), analysis=seen(photo, None, EARS))
    picture, left_out = wear(neckless, (NECK, NECK, EARRINGS), PLAIN)
    assert [each.index for each in left_out] == [0, 1]
    assert changed(photo, picture).any()


def test_the_photograph_is_left_alone() -> None:
    photo = card()
    wear(scene(photo), (NECK, EARRINGS), Adjustments())
    assert (photo == card()).all()
