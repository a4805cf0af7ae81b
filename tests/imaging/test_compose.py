"""What a customer must believe, on scenes whose right answer is known."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import pytest

from imaging import light, necklace
from imaging.anchors import Anchors
from imaging.compose import compose
from imaging.cutout import Cutout, sorted_out
from imaging.errors import ImageRefused
from imaging.types import Adjustments, Analysis, Box, Ear, Masks, Point, Rgb
from tests.imaging.scenes import (
    GREEN,
    MARGIN,
    PLAIN,
    SPAN,
    UNIT,
    axis,
    bare,
    card,
    centroid,
    chain_alpha,
    changed,
    coded_necklace,
    comb,
    neck_at,
    seen,
)

NECKLACE = coded_necklace()


def worn(
    adjustments: Adjustments = PLAIN, photo: Rgb | None = None, masks: Masks | None = None
) -> Rgb:
    photo = card() if photo is None else photo
    return compose(photo, seen(photo, neck_at()), masks or bare(photo), NECKLACE, adjustments)


def frame_of(analysis: Analysis, masks: Masks) -> tuple[float, float, float]:
    """Middle x, y of the automatic place and pixels an overlay pixel."""
    assert analysis.neck
    shape = necklace.column(analysis.neck, masks)
    how = necklace.fit(analysis.neck, shape, NECKLACE.anchors, PLAIN, None)
    return how.x, how.y, how.scale


# --- geometry ---------------------------------------------------------------------------------


def test_the_chain_spans_the_neck_at_its_base() -> None:
    photo = card()
    x, y, scale = frame_of(seen(photo, neck_at()), replace(bare(photo), confidence=0))
    assert x == pytest.approx(320, abs=0.5)
    assert 0.2 * UNIT < 300 - y < 0.5 * UNIT
    assert UNIT < scale * SPAN < 1.3 * UNIT


def test_scale_grows_the_necklace_by_its_factor() -> None:
    plain, larger = (changed(card(), worn(replace(PLAIN, scale=s))) for s in (1.0, 1.2))
    inside = np.s_[260:, :]  # below the ends, where nothing is drawn on
    ratio = (larger[inside] > 0).sum() / (plain[inside] > 0).sum()
    assert np.sqrt(ratio) == pytest.approx(1.2, rel=0.03)
    widths = [np.ptp(np.nonzero(mask)[1]) for mask in (plain, larger)]
    assert widths[1] / widths[0] == pytest.approx(1.2, rel=0.02)


@pytest.mark.parametrize("rotation", [10.0, -10.0])
def test_rotation_is_degrees_clockwise(rotation: float) -> None:
    plain, turned = (changed(card(), worn(replace(PLAIN, rotation=r))) for r in (0.0, rotation))
    photo = card()
    x, y, _ = frame_of(seen(photo, neck_at()), bare(photo))
    lean = [
        np.degrees(np.arctan2(cy - y, cx - x)) for cx, cy in (centroid(plain), centroid(turned))
    ]
    assert lean[1] - lean[0] == pytest.approx(rotation, abs=1.0)


def test_position_is_pixels_from_the_automatic_place() -> None:
    plain = centroid(changed(card(), worn()))
    moved = centroid(changed(card(), worn(replace(PLAIN, dx=-23.5, dy=31.0))))
    assert moved[0] - plain[0] == pytest.approx(-23.5, abs=1.5)
    assert moved[1] - plain[1] == pytest.approx(31.0, abs=1.5)


def test_a_known_width_in_mm_sets_the_size() -> None:
    photo = card()
    analysis, masks = seen(photo, neck_at()), bare(photo)
    spans = [
        np.ptp(np.nonzero(changed(photo, compose(photo, analysis, masks, NECKLACE, PLAIN,
                                                 width_mm=mm)))[1])
        for mm in (120.0, 132.0)
    ]  # fmt: skip
    assert spans[1] / spans[0] == pytest.approx(1.1, rel=0.02)


def test_the_composite_is_the_analytic_one_within_thirty_decibels() -> None:
    photo = card()
    shade = np.linspace(0.55, 1.0, photo.shape[1])[None, :, None]
    photo = np.round(photo * shade).astype(np.uint8)
    x, y, scale = frame_of(seen(photo, neck_at()), bare(photo))
    result = worn(photo=photo)
    below = np.s_[int(y) + 6 : 560, 150:490]  # away from the ends, which are drawn on
    expected = _analytic(photo, x, y, scale)
    error = (result[below].astype(float) - expected[below]) ** 2
    assert 10 * np.log10(255**2 / error.mean()) >= 30


def _analytic(photo: Rgb, x: float, y: float, scale: float) -> np.ndarray:
    """The same necklace drawn straight into the photograph, 5 x 5 samples a pixel."""
    height, width = photo.shape[:2]
    cover = np.zeros((height, width))
    for dy in (-0.4, -0.2, 0.0, 0.2, 0.4):
        for dx in (-0.4, -0.2, 0.0, 0.2, 0.4):
            px, py = np.meshgrid(np.arange(width) + dx, np.arange(height) + dy)
            own_x, own_y = (px - x) / scale + SPAN / 2, (py - y) / scale
            cover += chain_alpha(own_x, own_y, SPAN) / 25
    own_x, own_y = np.meshgrid(
        (np.arange(width) - x) / scale + SPAN / 2 + MARGIN, (np.arange(height) - y) / scale + 10
    )
    cyan = (own_y >= 280) & (own_x >= 160) & (own_x < 280)
    colour = np.where(cyan[..., None], (20, 210, 220), (40, 190, 60)).astype(np.uint8)
    linear = light.to_linear(photo) * (1 - cover[..., None])
    linear += light.to_linear(colour) * cover[..., None]
    return light.to_srgb(linear.astype(np.float32)).astype(float)


def test_teeth_stand_closer_on_the_side_that_is_turned_away() -> None:
    photo = card(colour=(240, 240, 240))
    analysis = seen(photo, neck_at(yaw=40))
    result = compose(photo, analysis, bare(photo), comb(), PLAIN)
    row = result[290, :, 0].astype(float)
    dark = np.flatnonzero((row[1:-1] < 140) & (row[1:-1] <= row[:-2]) & (row[1:-1] < row[2:])) + 1
    gaps = np.diff(dark)
    near, far = gaps[: len(gaps) // 3].mean(), gaps[-(len(gaps) // 3) :].mean()
    assert len(dark) >= 8
    assert far < 0.9 * near


def test_a_necklace_of_the_card_s_own_colour_leaves_no_fringe() -> None:
    rgba = NECKLACE.rgba.copy()
    rgba[rgba[..., 3] > 0, :3] = card()[0, 0]
    photo = card()
    same = replace(NECKLACE, rgba=rgba)
    result = compose(photo, seen(photo, neck_at()), bare(photo), same, PLAIN)
    assert np.abs(result.astype(int) - photo).max() <= 2


# --- what hides it ------------------------------------------------------------------------------


def test_painted_strands_and_a_scarf_stay_in_front() -> None:
    photo = card()
    front = np.zeros(photo.shape[:2], np.uint8)
    for start in range(240, 420, 24):
        cv2.line(front, (start, 200), (start + 30, 520), 255, 3)
    front[330:360] = 255
    photo[front > 0] = (60, 30, 20)
    masks = replace(bare(photo), front=front)
    result = worn(Adjustments(), photo, masks)
    assert (result[front > 0] == photo[front > 0]).all()
    assert changed(photo, result)[front == 0].any()
    beside = cv2.dilate(front, np.ones((7, 7), np.uint8)) - front
    assert changed(photo, result)[beside > 0].any()


def test_without_occlusion_the_scarf_is_painted_over() -> None:
    photo = card()
    front = np.zeros(photo.shape[:2], np.uint8)
    front[:280] = 255
    masks = replace(bare(photo), front=front)
    assert not changed(photo, worn(Adjustments(), photo, masks))[:280].any()
    assert changed(photo, worn(Adjustments(occlusion=False), photo, masks))[:280].any()


def test_a_necklace_that_clothes_would_hide_is_worn_over_them() -> None:
    photo = card(colour=(90, 40, 50))
    cloth = np.full(photo.shape[:2], 255, np.uint8)
    cloth[:150] = 0
    masks = Masks(255 - cloth, cloth, 0.9)
    drawn = changed(photo, worn(Adjustments(), photo, masks))
    assert drawn[300:, 250:390].any()


@pytest.mark.parametrize("scale", [1.0, 0.85, 1.2])
def test_the_chain_ends_where_the_neck_ends(scale: float) -> None:
    photo, masks, half = _standing_neck()
    result = compose(
        photo, seen(photo, neck_at()), masks, NECKLACE, Adjustments(scale=scale, shadow=0)
    )
    drawn = changed(photo, result)
    assert not drawn[masks.skin == 0].any()
    rows = np.flatnonzero(drawn.any(axis=1))
    top = int(rows[0])
    columns = np.flatnonzero(drawn[top : top + 4].any(axis=0))
    edges = np.abs(np.abs(columns - 320) - half)
    assert edges.min() <= 0.05 * UNIT


def _standing_neck() -> tuple[Rgb, Masks, float]:
    """A column of skin over shoulders, before a grey wall."""
    photo = card(colour=(120, 125, 130))
    half = 0.58 * UNIT
    skin = np.zeros(photo.shape[:2], np.uint8)
    skin[:272, int(320 - half) : int(320 + half) + 1] = 255
    skin[272:, 60:580] = 255
    photo[skin > 0] = card()[0, 0]
    return photo, Masks(skin, np.zeros_like(skin), 0.9), half


def test_nothing_changes_outside_the_allowed_zone() -> None:
    photo = np.random.default_rng(5).integers(90, 200, card().shape, np.uint8)
    bright = replace(NECKLACE, rgba=np.where(NECKLACE.rgba[..., 3:] > 0, 255, 0).astype(np.uint8)
                     * np.ones(4, np.uint8))  # fmt: skip
    analysis, masks = seen(photo, neck_at()), bare(photo)
    plain = compose(photo, analysis, masks, bright, replace(PLAIN, occlusion=True))
    full = compose(photo, analysis, masks, bright, Adjustments(shadow=1, light=1, sparkle=1))
    reach = 2 * round(0.12 * UNIT) + 1
    zone = cv2.dilate(changed(photo, plain), np.ones((reach, reach), np.uint8))
    assert not changed(photo, full)[zone == 0].any()


# --- light --------------------------------------------------------------------------------------


def jewellery_level(photo: Rgb, adjustments: Adjustments) -> np.ndarray:
    """Mean colour of the chain's middle part."""
    mask = cv2.erode(changed(card(), worn()), np.ones((5, 5), np.uint8)) > 0
    mask[:320] = False
    return np.asarray(worn(adjustments, photo)[mask].mean(axis=0))


def test_a_darker_photograph_makes_darker_jewellery() -> None:
    dark = (card() * 0.5).astype(np.uint8)
    only_light = replace(PLAIN, light=0.6)
    levels = [jewellery_level(photo, only_light).mean() for photo in (card(), dark)]
    assert levels[1] <= 0.75 * levels[0]


def test_overexposed_skin_wears_brighter_jewellery() -> None:
    """The brightest parts of both photographs are the same: the wall beside the neck is white."""
    levels = []
    for skin in ((225, 180, 160), (250, 240, 235)):
        photo = card(colour=skin)
        photo[:, 560:] = 255
        levels.append(jewellery_level(photo, replace(PLAIN, light=0.6)).mean())
    assert levels[1] > 1.08 * levels[0]


def test_light_switched_off_is_exactly_off() -> None:
    dark = (card() * 0.5).astype(np.uint8)
    assert jewellery_level(card(), PLAIN) == pytest.approx(jewellery_level(dark, PLAIN), abs=1.5)


def test_warm_light_warms_the_jewellery_by_a_part() -> None:
    grey = card(colour=(190, 190, 190))
    warm = np.clip(grey * np.array([1.08, 1.0, 0.82]), 0, 255).astype(np.uint8)
    silver = replace(NECKLACE, rgba=np.where(NECKLACE.rgba[..., 3:] > 0, 255, 0).astype(np.uint8)
                     * np.ones(4, np.uint8))  # fmt: skip
    silver.rgba[..., :3] = np.where(silver.rgba[..., 3:] > 0, 170, 0)
    blue = []
    for photo in (grey, warm):
        result = compose(photo, seen(photo, neck_at()), bare(photo), silver,
                         replace(PLAIN, light=0.6))  # fmt: skip
        mask = changed(card(), worn()) > 0
        mask[:320] = False
        lab = cv2.cvtColor(result.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        blue.append((lab[mask][:, 2].mean(), lab[5, 5, 2]))
    part = (blue[1][0] - blue[0][0]) / (blue[1][1] - blue[0][1])
    assert 0.2 <= part <= 0.7


def test_a_half_shadowed_neck_shades_half_the_chain() -> None:
    photo = card()
    photo[:, 320:] = (photo[:, 320:] * 0.6).astype(np.uint8)
    result = worn(replace(PLAIN, light=0.6), photo)
    mask = changed(card(), worn()) > 0
    mask[:, 280:360] = False
    mask[:300] = False
    linear = light.to_linear(result) @ light.LUMINANCE
    halves = linear[:, :320][mask[:, :320]].mean(), linear[:, 320:][mask[:, 320:]].mean()
    skin = light.to_linear(photo) @ light.LUMINANCE
    wanted = skin[5, 500] / skin[5, 100]
    assert halves[1] / halves[0] == pytest.approx(wanted, rel=0.4)


def test_the_shadow_lies_below_the_chain_and_only_there() -> None:
    photo = card()
    with_shadow = worn(replace(PLAIN, shadow=0.6)).astype(int)
    without = worn().astype(int)
    bottom = int(np.flatnonzero(changed(photo, worn())[:, 320])[-1])
    below = with_shadow[bottom + 3, 300:340].mean()
    assert 3 <= photo[bottom + 3, 300:340].mean() - below <= 25
    assert (without[bottom + 3, 300:340] == photo[bottom + 3, 300:340]).all()


def test_no_shadow_falls_on_what_is_in_front() -> None:
    photo = card()
    front = np.zeros(photo.shape[:2], np.uint8)
    front[380:] = 255
    result = worn(Adjustments(shadow=1), photo, replace(bare(photo), front=front))
    assert (result[380:] == photo[380:]).all()


def test_sparkle_blooms_only_beside_bright_facets() -> None:
    rgba = NECKLACE.rgba.copy()
    rgba[290:300, 215:225] = 255
    stone = replace(NECKLACE, rgba=rgba)
    photo = card(colour=(70, 50, 40))
    analysis, masks = seen(photo, neck_at()), bare(photo)
    off, on = (
        compose(photo, analysis, masks, stone, replace(PLAIN, sparkle=s)) for s in (0.0, 1.0)
    )
    bright = (off.min(axis=-1) > 200).astype(np.uint8)
    reach = 2 * round(0.09 * UNIT) + 1
    near = cv2.dilate(bright, np.ones((reach, reach), np.uint8))
    assert changed(off, on).any()
    assert not changed(off, on)[near == 0].any()


# --- invariances --------------------------------------------------------------------------------


def test_a_mirrored_photograph_gives_a_mirrored_result() -> None:
    photo = card()
    photo[:, 320:] = (photo[:, 320:] * 0.8).astype(np.uint8)
    result = compose(photo, seen(photo, neck_at(280)), bare(photo), NECKLACE, Adjustments())
    flipped = np.ascontiguousarray(photo[:, ::-1])
    again = compose(
        flipped, seen(flipped, neck_at(639 - 280)), bare(photo), NECKLACE, Adjustments()
    )
    difference = np.abs(result.astype(int) - again[:, ::-1])
    assert np.percentile(difference, 99.9) <= 12
    assert difference.mean() < 0.1


def test_a_leaning_torso_leans_the_necklace() -> None:
    photo = card()
    result = compose(photo, seen(photo, neck_at(angle=12)), bare(photo), NECKLACE, PLAIN)
    upright, leaning = (changed(photo, each) for each in (worn(), result))
    turn = cv2.getRotationMatrix2D((320, 300), -12, 1)
    expected = cv2.warpAffine(upright, turn, (640, 720))
    distance = cv2.distanceTransform(255 - np.where(leaning > 0, 255, 0).astype(np.uint8),
                                     cv2.DIST_L2, 5)  # fmt: skip
    assert distance[expected > 127].mean() <= 0.03 * UNIT


def test_the_same_input_gives_the_same_bytes_in_any_thread() -> None:
    photo = np.random.default_rng(3).integers(60, 220, card().shape, np.uint8)
    once = worn(Adjustments(), photo)
    with ThreadPoolExecutor(4) as pool:
        many = list(pool.map(lambda _: worn(Adjustments(), photo), range(8)))
    assert all((each == once).all() for each in many)


def test_the_photograph_itself_is_left_alone() -> None:
    photo = card()
    worn(Adjustments(), photo)
    assert (photo == card()).all()


# --- ears, and what cannot be worn ----------------------------------------------------------------

EARS = (Ear(Point(230, 200), "left", visible=True), Ear(Point(410, 200), "right", visible=True))


def drop_pair() -> np.ndarray:
    rgba = np.zeros((90, 100, 4), np.uint8)
    rgba[5:85, 15:25] = rgba[5:85, 75:85] = (20, 60, 200, 255)
    return rgba


def earrings_on(ears: tuple[Ear, ...], *, yaw: float = 0, roll: float = 0, angle: float = 0,
                adjustments: Adjustments = PLAIN) -> Rgb:  # fmt: skip
    photo = card()
    pair = replace(NECKLACE, rgba=drop_pair(), kind="pair")
    analysis = seen(photo, neck_at(angle=angle), ears, yaw=yaw, roll=roll)
    return compose(photo, analysis, bare(photo), pair, adjustments, product_type="earrings",
                   width_mm=50)  # fmt: skip


def test_an_earring_hangs_straight_down_from_each_lobe() -> None:
    drawn = changed(card(), earrings_on(EARS))
    for ear in EARS:
        half = np.zeros_like(drawn)
        side = np.s_[:, :320] if ear.side == "left" else np.s_[:, 320:]
        half[side] = drawn[side]
        x, y = centroid(half)
        assert x == pytest.approx(ear.lobe.x, abs=1.5)
        assert y > ear.lobe.y
        assert axis(half) == pytest.approx(90, abs=1)


def test_a_hidden_ear_wears_nothing() -> None:
    drawn = changed(card(), earrings_on((EARS[0], replace(EARS[1], visible=False))))
    assert drawn[:, :320].any()
    assert not drawn[:, 320:].any()


def test_the_far_earring_looks_narrower() -> None:
    drawn = changed(card(), earrings_on(EARS, yaw=25))
    widths = [np.ptp(np.nonzero(half)[1]) for half in (drawn[:, :320], drawn[:, 320:])]
    assert widths[1] < widths[0]


def test_in_a_leaning_photograph_earrings_hang_along_its_own_down() -> None:
    drawn = changed(card(), earrings_on((EARS[0],), roll=30, angle=30))
    assert axis(drawn) == pytest.approx(120, abs=2)


def test_without_an_ear_earrings_are_refused() -> None:
    with pytest.raises(ImageRefused, match="no ear") as refusal:
        earrings_on(())
    assert refusal.value.code == "not-wearable-here"


def test_without_a_neck_necklaces_are_refused() -> None:
    photo = card()
    with pytest.raises(ImageRefused, match="no neck"):
        compose(photo, seen(photo, None), bare(photo), NECKLACE, PLAIN)


def test_what_we_cannot_place_is_refused_by_name() -> None:
    photo = card()
    with pytest.raises(ImageRefused, match="coin cannot be tried on"):
        compose(photo, seen(photo, neck_at()), bare(photo), NECKLACE, PLAIN, product_type="coin")


def test_a_necklace_moved_out_of_the_picture_changes_nothing() -> None:
    assert not changed(card(), worn(Adjustments(dy=5000))).any()


def test_the_back_of_a_closed_loop_is_not_drawn() -> None:
    rgba = np.zeros((420, 440, 4), np.uint8)
    cv2.ellipse(rgba, (220, 210), (200, 190), 0, 0, 360, (*GREEN, 255), 10)
    loop = replace(NECKLACE, rgba=rgba, anchors=Anchors(Point(20, 210), Point(420, 210)))
    photo = card()
    for adjustments in (PLAIN, Adjustments()):
        drawn = changed(
            photo, compose(photo, seen(photo, neck_at()), bare(photo), loop, adjustments)
        )
        assert not drawn[:200, 290:350].any()
        assert drawn[250:, 290:350].any()


def test_a_small_overlay_is_enlarged_smoothly() -> None:
    small = cv2.resize(NECKLACE.rgba, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    ends = Anchors(Point(MARGIN / 4, 2.5), Point((MARGIN + SPAN) / 4, 2.5))
    tiny = replace(NECKLACE, rgba=small.astype(np.uint8), anchors=ends)
    photo = card()
    result = compose(photo, seen(photo, neck_at()), bare(photo), tiny, PLAIN)
    large, enlarged = (cv2.GaussianBlur(each, (0, 0), 4) for each in (worn(), result))
    assert np.abs(large.astype(int) - enlarged).mean() < 1.5


def test_an_end_without_a_chain_is_held_all_the_same() -> None:
    away = Anchors(Point(4, 200), Point(436, 200))
    photo = card()
    result = compose(photo, seen(photo, neck_at()), bare(photo), NECKLACE, PLAIN, anchors=away)
    assert changed(photo, result).any()


def test_an_earring_of_unknown_size_gets_a_usual_one() -> None:
    photo = card()
    analysis = seen(photo, None, EARS)
    sizes = []
    for shape in ((80, 20), (24, 20)):
        rgba = np.zeros((shape[0], shape[1], 4), np.uint8)
        rgba[:] = (20, 60, 200, 255)
        piece = replace(NECKLACE, rgba=rgba)
        result = compose(photo, analysis, bare(photo), piece, PLAIN, product_type="earrings")
        left = changed(photo, result)[:, :320]
        sizes.append(np.ptp(np.nonzero(left)[0]) / (analysis.faces[0].box.width / 132))
    assert sizes[0] == pytest.approx(55, abs=3)
    assert sizes[1] == pytest.approx(9, abs=2)


def test_an_earring_outside_the_picture_is_left_out() -> None:
    beyond = replace(EARS[0], lobe=Point(-300, 200))
    assert not changed(card(), earrings_on((beyond,))).any()


def test_hair_over_the_ears_hides_earrings_unless_asked_otherwise() -> None:
    photo = card()
    photo[120:330, 380:] = (60, 35, 20)
    pair = replace(NECKLACE, rgba=drop_pair(), kind="pair")
    analysis = seen(photo, neck_at(), EARS)

    def drawn(adjustments: Adjustments, shown: Analysis = analysis) -> np.ndarray:
        result = compose(photo, shown, bare(photo), pair, adjustments, product_type="earrings")
        return changed(photo, result)

    assert drawn(Adjustments())[:, :320].any()
    assert not drawn(Adjustments())[:, 320:].any()
    assert drawn(Adjustments(occlusion=False))[:, 320:].any()
    with pytest.raises(ImageRefused, match="hair covers the ears"):
        drawn(Adjustments(), seen(photo, neck_at(), EARS[1:]))


def test_a_face_beyond_the_picture_s_edge_hides_nothing() -> None:
    photo = card()
    pair = replace(NECKLACE, rgba=drop_pair(), kind="pair")
    analysis = seen(photo, None, EARS)
    outside = replace(analysis.faces[0], box=Box(-900, -900, 100, 100))
    analysis = replace(analysis, faces=(outside,))
    compose(photo, analysis, bare(photo), pair, Adjustments(), product_type="earrings")


def a_set() -> Cutout:
    rgba = NECKLACE.rgba.copy()
    for x in (60, 380):
        cv2.ellipse(rgba, (x, 330), (9, 26), 0, 0, 360, (20, 60, 200, 255), -1)
    return sorted_out(rgba)


def test_a_set_is_worn_at_neck_and_ears() -> None:
    photo, both = card(), a_set()
    analysis, masks = seen(photo, neck_at(), EARS), bare(photo)
    as_set, necklace_alone = (
        changed(photo, compose(photo, analysis, masks, both, PLAIN, product_type=kind,
                               anchors=NECKLACE.anchors))
        for kind in ("set", "necklace")
    )  # fmt: skip
    for ear in EARS:
        below = np.s_[int(ear.lobe.y) : int(ear.lobe.y) + 14,
                      int(ear.lobe.x) - 6 : int(ear.lobe.x) + 7]  # fmt: skip
        assert as_set[below].any()
        assert not necklace_alone[below].any()
    assert (as_set[320:] == necklace_alone[320:]).all()


def test_moving_a_set_leaves_its_earrings_at_the_ears() -> None:
    photo, both = card(), a_set()
    analysis, masks = seen(photo, neck_at(), EARS), bare(photo)
    plain, moved = (
        changed(photo, compose(photo, analysis, masks, both, replace(PLAIN, dy=dy),
                               product_type="set", anchors=NECKLACE.anchors))
        for dy in (0.0, 60.0)
    )  # fmt: skip
    assert (plain[:220] == moved[:220]).all()
    assert (plain[220:] != moved[220:]).any()


def test_a_set_without_an_ear_or_without_earrings_is_a_necklace() -> None:
    photo = card()
    masks = bare(photo)
    for analysis, piece in (
        (seen(photo, neck_at()), a_set()),
        (seen(photo, neck_at(), EARS), NECKLACE),
    ):
        anchors = NECKLACE.anchors
        as_set, alone = (
            compose(photo, analysis, masks, piece, PLAIN, product_type=kind, anchors=anchors)
            for kind in ("set", "necklace")
        )
        assert (as_set == alone).all()


def test_earrings_need_a_face() -> None:
    photo = card()
    analysis = replace(seen(photo, neck_at(), EARS), primary=None)
    with pytest.raises(ImageRefused):
        compose(photo, analysis, bare(photo), a_set(), PLAIN, product_type="earrings")
