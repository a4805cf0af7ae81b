"""Rings and bracelets on scenes whose right answer is known: coded colours on a flat card."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import pytest

from imaging import hoops
from imaging.anchors import chain_ends
from imaging.compose import compose
from imaging.cutout import Cutout, sorted_out
from imaging.errors import ImageRefused
from imaging.types import Adjustments, Alpha, Analysis, Hand, Masks, Point, Rgb, Rgba, Seat
from tests.imaging.scenes import CYAN, GREEN, MAGENTA, PLAIN, axis, card, centroid, changed

BLUE = (30, 60, 220)
FINGER = Seat(Point(320, 300), 0, 60, 0)
WRIST = Seat(Point(320, 500), 0, 180, 0)
HAND = Hand(FINGER, WRIST, back=True, score=1)


def cutout(rgba: Rgba) -> Cutout:
    return Cutout(rgba, chain_ends(rgba[..., 3]), "single")


def ring_picture() -> Rgba:
    """From the front: a green hoop, magenta below, a cyan stone of 60 x 60 on top."""
    rgba = np.zeros((420, 360, 4), np.uint8)
    cv2.ellipse(rgba, (180, 250), (150, 150), 0, 0, 360, (*GREEN, 255), 20, cv2.LINE_AA)
    cv2.ellipse(rgba, (180, 250), (150, 150), 0, 30, 150, (*MAGENTA, 255), 20, cv2.LINE_AA)
    rgba[30:90, 150:210] = (*CYAN, 255)
    return rgba


def bangle_picture(lean: float = 0) -> Rgba:
    """From above: an oval whose near side is cyan and whose far side is magenta."""
    rgba = np.zeros((300, 440, 4), np.uint8)
    cv2.ellipse(rgba, (220, 150), (190, 60), lean, 180, 360, (*MAGENTA, 255), 16)
    cv2.ellipse(rgba, (220, 150), (190, 60), lean, 0, 180, (*CYAN, 255), 16)
    return rgba


RING, BANGLE = cutout(ring_picture()), cutout(bangle_picture())


def bare(photo: Rgb) -> Masks:
    nothing = np.zeros(photo.shape[:2], np.uint8)
    return Masks(nothing, nothing, 0.0)


def worn(piece: Cutout = RING, kind: str = "ring", hand: Hand = HAND,
         adjustments: Adjustments = PLAIN, photo: Rgb | None = None) -> Rgb:  # fmt: skip
    photo = card() if photo is None else photo
    analysis = Analysis(photo.shape[1], photo.shape[0], hands=(hand,))
    return compose(photo, analysis, bare(photo), piece, adjustments, product_type=kind)


def coloured(rgb: Rgb, colour: tuple[int, int, int]) -> Alpha:
    """255 where a pixel nearly has a colour."""
    near = np.abs(rgb.astype(int) - colour).max(axis=-1) < 60
    return np.where(near, 255, 0).astype(np.uint8)


def on_finger(*, angle: float = 0, width: float = 60, tilt: float = 0) -> Hand:
    return replace(HAND, finger=Seat(FINGER.middle, angle, width, tilt))


# --- where a ring lies --------------------------------------------------------------------------


def test_a_ring_goes_across_the_finger_and_is_as_wide() -> None:
    drawn = changed(card(), worn())
    rows, columns = np.nonzero(drawn)
    band = 2 * 10 / 140 * FINGER.width / 2
    assert np.ptp(columns) == pytest.approx(FINGER.width + 2 * band, abs=3)
    assert columns.mean() == pytest.approx(320, abs=1)
    assert rows.mean() == pytest.approx(300, abs=5)


def test_its_stone_lies_on_the_band_s_middle_in_its_own_size() -> None:
    stone = coloured(worn(), CYAN)
    x, y = centroid(stone)
    scale = FINGER.width / 2 / 140
    assert x == pytest.approx(320, abs=1)
    assert y == pytest.approx(300, abs=5)
    assert np.ptp(np.nonzero(stone)[1]) == pytest.approx(60 * scale, abs=2)


def test_the_back_of_the_band_is_hidden_behind_the_finger() -> None:
    assert not coloured(worn(), MAGENTA).any()


def test_a_palm_sees_the_back_of_the_band_and_no_stone() -> None:
    palm = worn(hand=replace(HAND, back=False))
    assert coloured(palm, MAGENTA).any()
    assert not coloured(palm, CYAN).any()


@pytest.mark.parametrize("angle", [30.0, -70.0, 170.0])
def test_a_turned_finger_wears_a_turned_ring(angle: float) -> None:
    upright, turned = worn(), worn(hand=on_finger(angle=angle))
    around = cv2.getRotationMatrix2D((320, 300), -angle, 1)
    wished = cv2.warpAffine(upright, around, (640, 720), borderValue=(205, 160, 132))
    both = [cv2.GaussianBlur(each, (0, 0), 1.5).astype(int) for each in (wished, turned)]
    assert np.abs(both[0] - both[1])[200:400, 220:420].mean() < 0.6


def test_a_mirrored_photograph_wears_the_mirrored_ring() -> None:
    plain = changed(card(), worn(hand=on_finger(angle=25)))
    middle = Point(639 - 320, 300)
    mirrored = replace(HAND, finger=replace(FINGER, angle=-25, middle=middle))
    other = changed(card(), worn(hand=mirrored))[:, ::-1]
    assert (plain != other).sum() < 0.06 * (plain > 0).sum()


def test_a_tilted_finger_bows_the_band() -> None:
    away, near = (coloured(worn(hand=on_finger(tilt=tilt)), CYAN) for tilt in (-30, 30))
    assert centroid(near)[1] - centroid(away)[1] == pytest.approx(2 * 0.5 * 32, abs=4)


# --- what the customer moves --------------------------------------------------------------------


def test_scale_grows_the_ring_by_its_factor() -> None:
    hand = on_finger(width=150)
    plain, larger = (changed(card(), worn(hand=hand, adjustments=replace(PLAIN, scale=s)))
                     for s in (1, 1.2))  # fmt: skip
    assert np.sqrt((larger > 0).sum() / (plain > 0).sum()) == pytest.approx(1.2, rel=0.02)


def test_rotation_is_degrees_clockwise() -> None:
    plain, turned = (
        axis(changed(card(), worn(BANGLE, "bangle", adjustments=replace(PLAIN, rotation=r))))
        for r in (0, 10)
    )
    assert (turned - plain) % 180 == pytest.approx(10, abs=1)


def test_position_is_pixels_from_the_automatic_place() -> None:
    plain, moved = (
        centroid(changed(card(), worn(adjustments=replace(PLAIN, dx=dx, dy=dy))))
        for dx, dy in ((0, 0), (-23.5, 31))
    )
    assert moved[0] - plain[0] == pytest.approx(-23.5, abs=1)
    assert moved[1] - plain[1] == pytest.approx(31, abs=1)


@pytest.mark.parametrize("kind", ["ring", "bangle", "bracelet"])
def test_nothing_changes_away_from_the_piece(kind: str) -> None:
    rng = np.random.default_rng(3)
    photo = rng.integers(90, 200, (720, 640, 3), np.uint8)
    piece, seat = (RING, FINGER) if kind == "ring" else (BANGLE, WRIST)
    touched = changed(photo, worn(piece, kind, adjustments=Adjustments(), photo=photo))
    x, y = round(seat.middle.x), round(seat.middle.y)
    reach = round(0.9 * seat.width)
    touched[y - reach : y + reach, x - reach : x + reach] = 0
    assert not touched.any()


def test_shadow_falls_on_the_limb_only() -> None:
    quiet = replace(PLAIN, occlusion=True)
    without = worn(BANGLE, "bangle", adjustments=quiet).astype(int)
    cast = worn(BANGLE, "bangle", adjustments=replace(quiet, shadow=1)).astype(int)
    darker = (without - cast).max(axis=-1) > 3
    columns = np.nonzero(darker)[1]
    assert darker.sum() > 100
    assert np.abs(columns - 320).max() < WRIST.width / 2 * 1.13


def test_a_moved_ring_beyond_the_edge_of_the_finger_is_still_seen() -> None:
    aside = worn(adjustments=replace(Adjustments(), dx=90, shadow=0))
    assert coloured(aside, CYAN).any()


def test_workers_draw_the_same_bytes() -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(
            pool.map(lambda _: worn(adjustments=Adjustments(rotation=7)).tobytes(), range(8))
        )
    assert len(set(made)) == 1


# --- bangles and bracelets ----------------------------------------------------------------------


@pytest.mark.parametrize("angle", [0.0, 180.0, 40.0])
@pytest.mark.parametrize("lean", [0.0, 20.0])
def test_a_bangle_shows_its_near_side_only(angle: float, lean: float) -> None:
    hand = replace(HAND, wrist=replace(WRIST, angle=angle))
    result = worn(cutout(bangle_picture(lean)), "bangle", hand)
    assert not coloured(result, MAGENTA).any()
    near = coloured(result, CYAN)
    across = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    rows, columns = np.nonzero(near)
    side = (columns - 320) * across[0] + (rows - 500) * across[1]
    assert np.ptp(side) == pytest.approx(1.05 * WRIST.width, rel=0.06)


def test_a_bangle_hangs_down_whichever_way_the_hand_points() -> None:
    for angle in (0.0, 180.0):
        hand = replace(HAND, wrist=replace(WRIST, angle=angle))
        rows, columns = np.nonzero(changed(card(), worn(BANGLE, "bangle", hand)))
        middle, side = rows[np.abs(columns - 320) < 20], rows[np.abs(columns - 320) > 75]
        assert middle.mean() - side.mean() > 5


def charmed() -> Cutout:
    """A bracelet laid in a circle, a blue charm above."""
    rgba = np.zeros((460, 440, 4), np.uint8)
    cv2.ellipse(rgba, (220, 240), (180, 180), 0, 0, 360, (*GREEN, 255), 20)
    rgba[10:56, 195:245] = (*BLUE, 255)
    return cutout(rgba)


@pytest.mark.parametrize("angle", [0.0, 180.0])
def test_a_charm_stays_upright(angle: float) -> None:
    piece = charmed()
    piece.rgba[10:30, 195:245] = (*MAGENTA, 255)
    hand = replace(HAND, wrist=replace(WRIST, angle=angle))
    result = worn(piece, "bracelet", hand)
    assert centroid(coloured(result, MAGENTA))[1] < centroid(coloured(result, BLUE))[1] - 5


@pytest.mark.parametrize("standing", [False, True])
@pytest.mark.parametrize("angle", [0.0, 180.0])
def test_a_straight_bracelet_is_bent_round_the_arm(angle: float, standing: bool) -> None:
    rgba = np.full((40, 600, 4), (*GREEN, 255), np.uint8)
    rgba[:, 290:310] = (*CYAN, 255)
    rgba[:, :100] = rgba[:, 500:] = (*MAGENTA, 255)
    piece = cutout(np.ascontiguousarray(np.rot90(rgba)) if standing else rgba)
    result = worn(piece, "bracelet", replace(HAND, wrist=replace(WRIST, angle=angle)))
    rows, columns = np.nonzero(changed(card(), result))
    assert np.ptp(columns) == pytest.approx(WRIST.width, abs=3)
    assert rows.mean() == pytest.approx(500, abs=1)
    assert centroid(coloured(result, CYAN))[0] == pytest.approx(320, abs=1)
    assert not coloured(result, MAGENTA).any()


def test_a_ring_seen_from_above_is_laid_over_the_finger() -> None:
    rgba = np.full((80, 200, 4), (*GREEN, 255), np.uint8)
    rows, columns = np.nonzero(changed(card(), worn(cutout(rgba))))
    assert np.ptp(columns) == pytest.approx(FINGER.width, abs=3)
    assert np.ptp(rows) == pytest.approx(0.4 * FINGER.width, abs=3)


def test_of_two_rings_side_by_side_one_is_worn() -> None:
    two = sorted_out(np.hstack([ring_picture(), ring_picture()]))
    assert two.kind == "pair"
    one, of_two = (changed(card(), worn(piece)) for piece in (RING, two))
    assert (one != of_two).sum() < 0.1 * (one > 0).sum()


# --- what cannot be worn ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("piece", "kind"),
    [
        (RING, "ring"),
        (BANGLE, "bangle"),
        (cutout(np.full((40, 90, 4), 255, np.uint8)), "ring"),
        (cutout(np.full((40, 90, 4), 255, np.uint8)), "bracelet"),
    ],
)
def test_a_piece_moved_out_of_the_picture_changes_nothing(piece: Cutout, kind: str) -> None:
    photo = card()
    for occlusion in (True, False):
        away = replace(PLAIN, dx=5000, occlusion=occlusion)
        assert not changed(photo, worn(piece, kind, adjustments=away)).any()


def test_without_a_hand_no_ring_is_worn() -> None:
    photo = card()
    for hands in (None, ()):
        analysis = Analysis(640, 720, hands=hands)
        with pytest.raises(ImageRefused, match="no hand is seen on the photograph") as refusal:
            compose(photo, analysis, bare(photo), RING, PLAIN, product_type="ring")
        assert refusal.value.code == "not-wearable-here"


def test_a_hand_whose_wrist_lies_outside_wears_rings_but_no_bracelet() -> None:
    cut = replace(HAND, wrist=replace(WRIST, middle=Point(320, 800)))
    assert changed(card(), worn(hand=cut)).any()
    with pytest.raises(ImageRefused, match="no wrist is seen"):
        worn(BANGLE, "bangle", cut)


def test_of_two_hands_the_second_serves_when_the_first_is_cut_off() -> None:
    photo = card()
    cut = replace(HAND, finger=replace(FINGER, middle=Point(-40, 300)))
    analysis = Analysis(640, 720, hands=(cut, HAND))
    drawn = changed(photo, compose(photo, analysis, bare(photo), RING, PLAIN, product_type="ring"))
    assert centroid(drawn)[0] == pytest.approx(320, abs=2)


# --- reading pictures ---------------------------------------------------------------------------


def test_a_plain_band_has_no_stone() -> None:
    rgba = np.zeros((300, 300, 4), np.uint8)
    cv2.circle(rgba, (150, 150), 120, (*GREEN, 255), 16)
    hoop = hoops.read(rgba)
    assert hoop
    assert hoop.head is None
    assert hoop.x == pytest.approx(150, abs=1)
    assert hoop.y == pytest.approx(150, abs=1)
    assert hoop.across == pytest.approx(120, abs=1.5)
    assert hoop.band == pytest.approx(8, abs=1)


def test_a_stone_at_the_side_is_the_front() -> None:
    turned = np.ascontiguousarray(np.rot90(ring_picture()))
    hoop = hoops.read(turned)
    assert hoop
    out_x, out_y = (float(each[0]) for each in hoop.outwards(np.array([hoop.front], np.float32)))
    assert out_x == pytest.approx(-1, abs=0.05)
    assert out_y == pytest.approx(0, abs=0.1)


def test_openwork_is_no_hoop() -> None:
    rgba = np.full((200, 300, 4), 255, np.uint8)
    rgba[90:100, 100:110, 3] = 0
    assert hoops.read(rgba) is None
    assert hoops.read(np.zeros((20, 20, 4), np.uint8)) is None
