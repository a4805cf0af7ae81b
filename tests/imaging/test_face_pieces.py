"""Nose pins and maang tikkas on heads whose every point is known, and on a photograph."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from imaging import nose, pipeline, tikka
from imaging.analyse import analyse
from imaging.anchors import Anchors
from imaging.compose import compose
from imaging.cutout import Cutout
from imaging.errors import ImageRefused
from imaging.head import BROWS, Head, head_of, lit_skin
from imaging.landmarks import CHEEK_LEFT, CHEEK_RIGHT, CHIN, EYE_LEFT, EYE_RIGHT, FOREHEAD, Mesh
from imaging.types import Adjustments, Alpha, Analysis, Masks, Point, Rgb, Rgba, Side
from tests.imaging.scenes import PLAIN, bare, card, centroid, changed, neck_at, seen
from tests.imaging.test_pipeline import spec

MM = 2.0
"""Pixels a millimetre of the head made here."""

AT = {
    CHEEK_LEFT: (188, 320), CHEEK_RIGHT: (452, 320), CHIN: (320, 470), FOREHEAD: (320, 220),
    BROWS: (320, 290), EYE_LEFT: (230, 310), EYE_RIGHT: (410, 310),
    nose.NOSE_TIP: (320, 370), nose.NOSE_FOOT: (320, 390), 98: (286, 386), 327: (354, 386),
    115: (290, 366), 48: (284, 370), 219: (288, 374), 344: (350, 366), 278: (356, 370),
    439: (352, 374),
}  # fmt: skip
"""Where the points of a frontal face lie; 264 pixels from cheek to cheek are 132 mm."""

MAGENTA = (230, 20, 200)


def head(*, yaw: float = 0, roll: float = 0, pitch: float = 0, top: int = 100) -> Head:
    """The same head, turned about its nose: roll on the picture, yaw and pitch in depth."""
    points = np.zeros((468, 3), np.float32)
    points[:, :2] = (320, 370)
    for number, place in AT.items():
        points[number, :2] = place
    nod, turn = np.radians(pitch), np.radians(roll)
    down = points[:, 1] - 370
    points[:, 1] = 370 + down * np.cos(nod)
    points[:, 2] = -down * np.sin(nod) + (points[:, 0] - 320) * np.tan(np.radians(yaw))
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]], np.float32)
    points[:, :2] = (points[:, :2] - (320, 370)) @ spin.T + (320, 370)
    person = np.zeros((720, 640), np.uint8)
    cv2.ellipse(person, (320, 370), (190, 370 - top), roll, 0, 360, 255, -1)
    return Head(Mesh(points, 20.0), person)


def stud() -> Rgba:
    """A disc of 40 pixels, all metal."""
    rgba = np.zeros((41, 41, 4), np.uint8)
    cv2.circle(rgba, (20, 20), 20, (*MAGENTA, 255), -1)
    return rgba


def hoop() -> Rgba:
    """A ring, 121 pixels wide, of a wire of 9."""
    rgba = np.zeros((121, 121, 4), np.uint8)
    cv2.circle(rgba, (60, 60), 56, (*MAGENTA, 255), 9)
    return rgba


def pendant(length: int = 400) -> Rgba:
    """A chain 4 pixels wide that ends in a disc of 60; 4 pixels are a millimetre."""
    rgba = np.zeros((length, 61, 4), np.uint8)
    rgba[: length - 30, 29:33] = (20, 210, 220, 255)
    cv2.circle(rgba, (30, length - 31), 30, (*MAGENTA, 255), -1)
    return rgba


def worn(rgba: Rgba, kind: str, on: Head | None, adjustments: Adjustments = PLAIN,
         width_mm: float | None = None, photo: Rgb | None = None) -> Rgb:  # fmt: skip
    photo = card() if photo is None else photo
    piece = Cutout(rgba, Anchors(Point(0, 0), Point(1, 0)), "single")
    return compose(photo, seen(photo, neck_at(y=620)), bare(photo), piece, adjustments,
                   product_type=kind, width_mm=width_mm, head=on)  # fmt: skip


def drawn(rgba: Rgba, kind: str, on: Head, adjustments: Adjustments = PLAIN,
          width_mm: float | None = None) -> Alpha:  # fmt: skip
    return changed(card(), worn(rgba, kind, on, adjustments, width_mm))


def extent(mask: Alpha) -> tuple[int, int]:
    """Width and height of what is drawn."""
    rows, columns = np.nonzero(mask)
    return int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1


OCCLUDED = replace(PLAIN, occlusion=True)


# --- nose pins ------------------------------------------------------------------------------------


def test_a_stud_sits_on_the_customer_s_left_wing() -> None:
    x, y = centroid(drawn(stud(), "nose_pin", head(), width_mm=5.0))
    assert (x, y) == pytest.approx(nose.place_of(head(), "right"), abs=0.6)
    assert 340 < x < 356


def test_a_stud_has_its_size_in_millimetres_and_the_wing_looks_aside() -> None:
    width, height = extent(drawn(stud(), "nose_pin", head(), width_mm=12.0))
    assert height == pytest.approx(12 * MM, abs=2)
    assert width == pytest.approx(12 * MM * np.cos(np.radians(nose.WING_FACES)), abs=2)


@pytest.mark.parametrize(("rgba", "mm"), [(stud(), nose.STUD_MM), (hoop(), nose.RING_MM)])
def test_a_pin_of_unknown_size_has_a_usual_one(rgba: Rgba, mm: float) -> None:
    _, height = extent(drawn(rgba, "nose_pin", head()))
    assert height == pytest.approx(mm * MM, abs=2)


@pytest.mark.parametrize(
    ("yaw", "side"), [(0, "right"), (-30, "right"), (10, "right"), (20, "left"), (40, "left")]
)
def test_a_head_that_turns_its_left_wing_away_wears_the_pin_on_the_right(
    yaw: float, side: Side
) -> None:
    turned = head(yaw=yaw)
    assert nose.worn_side(turned) == side
    x, _ = centroid(drawn(stud(), "nose_pin", turned, width_mm=5.0))
    assert x == pytest.approx(nose.place_of(turned, side)[0], abs=0.6)


def test_the_customer_moves_scales_and_turns_a_pin() -> None:
    bar = np.zeros((21, 81, 4), np.uint8)
    bar[:] = (*MAGENTA, 255)
    plain = drawn(bar, "nose_pin", head(), width_mm=16.0)
    moved = drawn(bar, "nose_pin", head(), replace(PLAIN, dx=-40.5, dy=12), width_mm=16.0)
    larger = drawn(bar, "nose_pin", head(), replace(PLAIN, scale=1.5), width_mm=16.0)
    turned = drawn(bar, "nose_pin", head(), replace(PLAIN, rotation=90), width_mm=16.0)
    assert np.subtract(centroid(moved), centroid(plain)) == pytest.approx((-40.5, 12), abs=0.6)
    assert extent(larger)[0] / extent(plain)[0] == pytest.approx(1.5, rel=0.06)
    assert extent(turned) == pytest.approx(extent(plain)[::-1], abs=2)


def test_a_stud_rolls_with_the_head_about_its_place() -> None:
    rolled = head(roll=12)
    assert centroid(drawn(stud(), "nose_pin", rolled, width_mm=5.0)) == pytest.approx(
        nose.place_of(rolled, "right"), abs=0.6
    )


def test_a_ring_hangs_through_the_wing_and_is_hidden_inside() -> None:
    x, y = (round(each) for each in nose.place_of(head(), "right"))
    whole, worn_ring = (
        drawn(hoop(), "nose_pin", head(), how, width_mm=24.0) for how in (PLAIN, OCCLUDED)
    )
    upper, lower = 379, 388  # the rim's heights left and right of the ring
    assert whole[y - 2 : upper, x - 24 : x - 1].any()
    assert not worn_ring[y - 2 : upper, x - 24 : x - 1].any()
    outside = np.ones_like(whole, bool)
    outside[:lower, : x + 2] = False
    assert (whole[outside] == worn_ring[outside]).all()
    assert worn_ring[lower:, :x].any()
    assert np.flatnonzero(whole.any(axis=1))[0] == pytest.approx(y, abs=2)


def test_a_ring_in_the_other_wing_is_hidden_on_its_other_side() -> None:
    turned = head(yaw=20)
    x, y = (round(each) for each in nose.place_of(turned, "left"))
    ring = drawn(hoop(), "nose_pin", turned, OCCLUDED, width_mm=24.0)
    assert not ring[y - 2 : 380, x + 2 : x + 24].any()
    assert ring[y - 2 : 380, x - 24 : x - 1].any()


def test_a_moved_ring_is_hidden_where_it_is_moved_to() -> None:
    plain = drawn(hoop(), "nose_pin", head(), OCCLUDED, width_mm=24.0)
    moved = drawn(hoop(), "nose_pin", head(), replace(OCCLUDED, dx=30, dy=-20), width_mm=24.0)
    assert (np.roll(plain, (-20, 30), (0, 1)) == moved).all()


def test_a_ring_with_a_gap_is_a_ring_and_a_disc_is_none() -> None:
    gap = hoop()
    gap[:20, 57:63] = 0
    assert nose.is_ring(gap[..., 3])
    assert nose.is_ring(hoop()[..., 3])
    assert not nose.is_ring(stud()[..., 3])
    half = hoop()
    half[60:] = 0
    assert not nose.is_ring(half[..., 3])


# --- maang tikkas ---------------------------------------------------------------------------------


def test_a_tikka_s_tip_hangs_on_the_middle_of_the_forehead() -> None:
    rows, columns = np.nonzero(drawn(pendant(), "maang_tikka", head(), width_mm=15.25))
    assert rows.max() == pytest.approx(220 + tikka.TIP * 70, abs=1.5)
    assert columns.mean() == pytest.approx(320, abs=1)


def test_a_tikka_has_its_size_in_millimetres() -> None:
    result = worn(pendant(), "maang_tikka", head(), width_mm=15.25)
    disc = changed(card(), result) & np.where(result[..., 1] < 60, 255, 0).astype(np.uint8)
    assert extent(disc) == pytest.approx((15 * MM, 15 * MM), abs=2)


def test_its_chain_fades_before_the_hair_ends_and_never_leaves_it() -> None:
    crowned = head(top=140)
    mask = drawn(pendant(900), "maang_tikka", crowned, width_mm=15.25)
    rows = np.flatnonzero(mask.any(axis=1))
    assert not mask[crowned.person == 0].any()
    assert 140 < rows[0] < 155
    change = np.abs(worn(pendant(900), "maang_tikka", crowned, width_mm=15.25).astype(int) - card())
    along = change[rows[0] : 175, 316:325].max(axis=(1, 2))
    assert along[0] < 0.4 * along[-1]
    assert (np.diff(along) > -25).all()


def test_a_short_chain_ends_in_the_hair_without_a_cut() -> None:
    result = worn(pendant(220), "maang_tikka", head(top=60), width_mm=15.25)
    change = np.abs(result.astype(int) - card())[:, 316:325].max(axis=(1, 2))
    rows = np.flatnonzero(change)
    assert 130 < rows[0] < 160
    assert change[rows[0]] < 0.35 * change[rows[0] + 24]


def test_a_pendant_without_a_chain_is_whole() -> None:
    disc = pendant(61)
    result = worn(disc, "maang_tikka", head(), width_mm=15.25)
    assert extent(changed(card(), result)) == pytest.approx((30, 30), abs=2)
    area = (result[..., 1] < 100).sum() / (np.pi * 15**2)
    assert area == pytest.approx(1.0, abs=0.08)


def test_a_tikka_of_unknown_size_has_a_usual_one() -> None:
    lengths = [
        extent(drawn(pendant(length), "maang_tikka", head(top=0)))[1] for length in (61, 200)
    ]
    assert lengths[0] == pytest.approx(25 * MM, abs=3)
    assert lengths[1] > 1.5 * lengths[0]


def test_a_tikka_rolls_with_the_head() -> None:
    straight = drawn(pendant(200), "maang_tikka", head(), width_mm=15.25)
    rolled = drawn(pendant(200), "maang_tikka", head(roll=12), width_mm=15.25)
    turn = cv2.getRotationMatrix2D((320, 370), -12, 1)
    expected = cv2.warpAffine(straight, turn, (640, 720)) > 127
    distance = cv2.distanceTransform(255 - rolled, cv2.DIST_L2, 5)
    assert distance[expected].mean() <= 0.5
    assert distance[expected].max() <= 3.0


def test_a_forehead_that_leans_back_makes_the_pendant_less_high() -> None:
    disc = pendant(61)
    _, high = extent(drawn(disc, "maang_tikka", head(), width_mm=15.25))
    wide, low = extent(drawn(disc, "maang_tikka", head(pitch=40), width_mm=15.25))
    assert low / high == pytest.approx(np.cos(np.radians(40)), abs=0.06)
    assert wide == pytest.approx(30, abs=2)


def test_a_turned_head_makes_the_pendant_narrower() -> None:
    wide, _ = extent(drawn(pendant(61), "maang_tikka", head(yaw=20), width_mm=15.25))
    px_per_mm = head(yaw=20).px_per_mm
    assert wide / (15.25 * px_per_mm) == pytest.approx(np.cos(np.radians(30)), abs=0.06)


def test_the_customer_moves_and_scales_a_tikka() -> None:
    disc = pendant(61)
    plain, moved, larger = (
        drawn(disc, "maang_tikka", head(), how, width_mm=15.25)
        for how in (PLAIN, replace(PLAIN, dx=12, dy=20), replace(PLAIN, scale=1.4))
    )
    assert np.subtract(centroid(moved), centroid(plain)) == pytest.approx((12, 20), abs=0.6)
    assert extent(larger)[0] / extent(plain)[0] == pytest.approx(1.4, abs=0.07)


def test_where_the_picture_cuts_the_hair_the_chain_goes_on_to_its_edge() -> None:
    cut = head(top=0)
    cropped = Head(Mesh(cut.mesh.points - np.array([0, 180, 0], np.float32), 20.0),
                   np.ascontiguousarray(cut.person[180:]))  # fmt: skip
    photo = card(height=540)
    result = worn(pendant(900), "maang_tikka", cropped, width_mm=15.25, photo=photo)
    assert changed(photo, result)[0, 316:325].any()


def test_a_forehead_above_the_picture_s_edge_still_wears_what_is_seen() -> None:
    cut = head(top=0)
    cropped = Head(Mesh(cut.mesh.points - np.array([0, 225, 0], np.float32), 20.0),
                   np.ascontiguousarray(cut.person[225:]))  # fmt: skip
    photo = card(height=495)
    mask = changed(photo, worn(pendant(), "maang_tikka", cropped, width_mm=15.25, photo=photo))
    assert np.nonzero(mask)[0].max() == pytest.approx(220 - 225 + tikka.TIP * 70, abs=1.5)


@pytest.mark.parametrize(("kind", "rgba"), [("nose_pin", hoop()), ("maang_tikka", pendant())])
def test_moved_out_of_the_picture_nothing_changes(kind: str, rgba: Rgba) -> None:
    assert not drawn(rgba, kind, head(), Adjustments(dx=5000)).any()


@pytest.mark.parametrize(("kind", "rgba"), [("nose_pin", stud()), ("maang_tikka", pendant())])
def test_a_face_in_shade_shades_the_piece_and_effects_stay_near_it(kind: str, rgba: Rgba) -> None:
    photo = card()
    photo[:, 320:] = (photo[:, 320:] * 0.5).astype(np.uint8)
    plain = changed(photo, worn(rgba, kind, head(), photo=photo))
    full = Adjustments(occlusion=False, shadow=1, light=1, sparkle=1)
    effects = changed(photo, worn(rgba, kind, head(), full, photo=photo))
    reach = 2 * round(14 * MM) + 1
    zone = cv2.dilate(plain, np.ones((reach, reach), np.uint8))
    assert effects.any()
    assert not effects[zone == 0].any()


def test_the_lit_half_of_a_face_lights_its_half_of_the_pendant() -> None:
    photo = card()
    photo[:, 320:] = (photo[:, 320:] * 0.5).astype(np.uint8)
    wide = np.zeros((80, 400, 4), np.uint8)
    wide[:] = (170, 170, 170, 255)
    result = worn(wide, "maang_tikka", head(), replace(PLAIN, light=0.6), 60.0, photo)
    row = round(220 + tikka.TIP * 70) - 10
    lit, dark = result[row, 275:300].mean(), result[row, 345:370].mean()
    assert dark < 0.85 * lit


def test_the_skin_for_light_is_face_and_neck() -> None:
    photo = card()
    masks = Masks(np.zeros(photo.shape[:2], np.uint8), np.zeros(photo.shape[:2], np.uint8), 0.9)
    masks.skin[600:, 300:340] = 255
    astride = head()
    skin = lit_skin(astride, masks)
    assert skin[610, 320] == 255
    assert skin.sum() > masks.skin.sum()
    assert not masks.skin[:600].any()


@pytest.mark.parametrize("kind", ["nose_pin", "maang_tikka"])
def test_without_a_face_it_is_refused(kind: str) -> None:
    with pytest.raises(ImageRefused, match="face is not seen well") as refusal:
        worn(stud(), kind, None)
    assert refusal.value.code == "not-wearable-here"


# --- on a photograph ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found(astronaut: Rgb) -> Analysis:
    return analyse(astronaut)


@pytest.fixture(scope="module")
def own(astronaut: Rgb, found: Analysis) -> Head:
    measured = head_of(astronaut, found)
    assert measured
    return measured


def test_the_head_is_measured_again_from_what_is_stored(
    astronaut: Rgb, found: Analysis, own: Head
) -> None:
    face = found.primary_face
    assert face
    stored = Analysis.from_dict(found.to_dict())
    again = head_of(astronaut, stored)
    assert again
    assert np.abs(again.mesh.points - face.landmarks)[:, :2].max() < 1.5
    assert np.abs(again.mesh.points - own.mesh.points).max() < 0.05


def test_an_analysis_stored_before_face_pieces_wears_them(astronaut_bytes: bytes) -> None:
    """These are all the keys that the first events stored."""
    photo = pipeline.prepare_photo(astronaut_bytes)
    stored = pipeline.analyse_photo(photo.original_jpeg)
    keys = {"width", "height", "faces", "primary", "neck", "ears", "shoulders", "reasons",
            "quarter_turns", "pipeline_version"}  # fmt: skip
    old: dict[str, Any] = {key: stored[key] for key in keys}
    old["faces"] = [
        {key: face[key] for key in ("box", "score", "pose", "presence")} for face in old["faces"]
    ]
    rendered = pipeline.render_pieces(
        photo.original_jpeg, old, [spec("flower-nose-pin"), spec("kundan-tikka")],
        Adjustments().to_dict(), max_side=1024,
    )  # fmt: skip
    assert rendered.left_out == ()
    picture = np.asarray(Image.open(io.BytesIO(rendered.jpeg))).astype(int)
    before = np.asarray(Image.open(io.BytesIO(photo.original_jpeg))).astype(int)
    assert (np.abs(picture - before).max(axis=-1) > 40).sum() > 20


def test_a_face_the_mesh_does_not_fit_has_no_head(astronaut: Rgb, found: Analysis) -> None:
    face = found.faces[0]
    wall = replace(face, box=replace(face.box, x=400.0, y=20.0, width=60.0, height=60.0))
    assert head_of(astronaut, replace(found, faces=(wall,))) is None
    assert head_of(astronaut, Analysis(512, 512)) is None


PIECES = [("nose_pin", stud(), 9.0), ("nose_pin", hoop(), 24.0), ("maang_tikka", pendant(), 15.0)]


def on_photograph(photo: Rgb, kind: str, rgba: Rgba, mm: float) -> tuple[Alpha, Analysis]:
    analysis = analyse(photo)
    piece = Cutout(rgba, Anchors(Point(0, 0), Point(1, 0)), "single")
    nothing = np.zeros(photo.shape[:2], np.uint8)
    result = compose(photo, analysis, Masks(nothing, nothing, 0.9), piece, OCCLUDED,
                     product_type=kind, width_mm=mm, head=head_of(photo, analysis))  # fmt: skip
    coded = np.abs(result.astype(int) - photo).max(axis=-1) > 25
    return np.where(coded, 255, 0).astype(np.uint8), analysis


def _turned(mask: Rgb | Alpha) -> Any:
    height, width = mask.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), -12, 1)
    return cv2.warpAffine(mask, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def _dimmed(photo: Any) -> Any:
    return (photo.astype(float) * 0.5).astype(np.uint8)


def _same(mask: Any) -> Any:
    return mask


@pytest.mark.parametrize(("kind", "rgba", "mm"), PIECES)
@pytest.mark.parametrize(
    ("change_photo", "change_mask"), [(_turned, _turned), (_dimmed, _same)], ids=["turn", "dim"]
)
def test_turning_or_dimming_the_photograph_moves_nothing_on_the_face(
    astronaut: Rgb, kind: str, rgba: Rgba, mm: float,
    change_photo: Callable[[Any], Any], change_mask: Callable[[Any], Any],
) -> None:  # fmt: skip
    mask, analysis = on_photograph(astronaut, kind, rgba, mm)
    again, _ = on_photograph(change_photo(astronaut), kind, rgba, mm)
    assert analysis.neck
    expected = np.asarray(change_mask(mask)) > 127
    distance = cv2.distanceTransform(255 - again, cv2.DIST_L2, 5)
    assert distance[expected].mean() <= 0.03 * analysis.neck.width


def test_the_mirrored_tikka_is_the_tikka_in_the_mirror(astronaut: Rgb) -> None:
    mask, analysis = on_photograph(astronaut, *PIECES[2])
    again, _ = on_photograph(np.ascontiguousarray(astronaut[:, ::-1]), *PIECES[2])
    assert analysis.neck
    distance = cv2.distanceTransform(255 - np.ascontiguousarray(again[:, ::-1]), cv2.DIST_L2, 5)
    assert distance[mask > 0].mean() <= 0.035 * analysis.neck.width


def test_in_the_mirror_the_pin_sits_on_the_other_wing(astronaut: Rgb) -> None:
    """A photograph does not say that it is a mirror's: the picture's right is taken for the left."""
    flipped = np.ascontiguousarray(astronaut[:, ::-1])
    face = analyse(flipped).primary_face
    mask, _ = on_photograph(flipped, *PIECES[0])
    assert face
    x, y = centroid(mask)
    tip = face.landmarks[nose.NOSE_TIP]
    assert 0.05 * face.box.width < x - tip[0] < 0.2 * face.box.width
    assert abs(y - tip[1]) < 0.12 * face.box.width


def test_four_threads_give_the_same_bytes(astronaut_bytes: bytes) -> None:
    photo = pipeline.prepare_photo(astronaut_bytes).original_jpeg
    stored = pipeline.analyse_photo(photo)
    names = ("kundan-bib", "jhumka-earrings", "kundan-tikka", "pearl-nath")

    def rendered(_: int) -> bytes:
        pipeline.forget()
        pieces = [spec(name) for name in names]
        return pipeline.render(photo, stored, pieces, Adjustments().to_dict(), max_side=1024)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(rendered, range(4)))) == 1


def test_a_preview_wears_a_tikka_at_the_same_place(astronaut_bytes: bytes) -> None:
    photo = pipeline.prepare_photo(astronaut_bytes).original_jpeg
    stored = pipeline.analyse_photo(photo)
    places = []
    for side in (512, 256):
        worn_, bare_ = (
            np.asarray(Image.open(io.BytesIO(
                pipeline.render(photo, stored, [spec(name)], how, max_side=side)
            ))).astype(int)
            for name, how in (
                ("kundan-tikka", Adjustments().to_dict()),
                ("kundan-tikka", Adjustments(dx=5000).to_dict()),
            )
        )  # fmt: skip
        different = np.abs(worn_ - bare_).max(axis=-1) > 30
        places.append(np.argwhere(different).mean(axis=0) * 512 / side)
    assert places[1] == pytest.approx(places[0], abs=3)


def test_the_pose_of_the_made_head_is_the_one_asked_for() -> None:
    assert head(yaw=20).axes.yaw == pytest.approx(20, abs=0.5)
    assert head(pitch=20).axes.pitch == pytest.approx(20, abs=0.5)
    assert np.degrees(head(roll=12).mesh.roll) == pytest.approx(12, abs=0.5)
    assert head().px_per_mm == pytest.approx(MM)
