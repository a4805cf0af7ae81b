import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image

from imaging.analyse import _distinct, _measured, _Seen, analyse, make_masks, upright
from imaging.decode import decode
from imaging.faces import Detection, detect, search
from imaging.landmarks import Mesh, mesh
from imaging.types import PIPELINE_VERSION, Adjustments, Analysis, Neck, Point, Rgb


@pytest.fixture(scope="module")
def analysis(astronaut: Rgb) -> Analysis:
    return analyse(astronaut)


def neck_of(analysis: Analysis) -> Neck:
    assert analysis.neck is not None
    return analysis.neck


def apart(one: Point, other: Point) -> float:
    return float(np.hypot(one.x - other.x, one.y - other.y))


def resized(rgb: Rgb, factor: float) -> Rgb:
    return cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA).astype(
        np.uint8
    )


def test_a_portrait_has_a_face_a_neck_two_ears_and_shoulders(analysis: Analysis) -> None:
    assert (analysis.width, analysis.height) == (512, 512)
    assert len(analysis.faces) == 1
    assert analysis.primary == 0
    assert analysis.reasons == ()
    assert analysis.quarter_turns == 0
    assert analysis.pipeline_version == PIPELINE_VERSION
    assert [ear.side for ear in analysis.ears] == ["left", "right"]
    assert analysis.shoulders is not None
    assert analysis.shoulders[0].x < neck_of(analysis).left.x
    assert neck_of(analysis).confidence > 0.8
    assert analysis.faces[0].landmarks.shape == (468, 3)


def test_an_analysis_survives_the_database(analysis: Analysis) -> None:
    stored = json.loads(json.dumps(analysis.to_dict()))
    again = Analysis.from_dict(stored)
    assert again.to_dict() == analysis.to_dict()
    assert again.faces[0].landmarks.shape == (0, 3)
    nobody = Analysis(10, 20, reasons=("no-face",))
    assert Analysis.from_dict(nobody.to_dict()) == nobody


def test_stored_numbers_carry_no_points_of_the_face(analysis: Analysis) -> None:
    assert "landmarks" not in json.dumps(analysis.to_dict())


def test_adjustments_survive_the_database() -> None:
    moved = Adjustments(scale=1.2, rotation=-10, dx=4.5, occlusion=False, sparkle=0)
    assert Adjustments.from_dict(json.loads(json.dumps(moved.to_dict()))) == moved


def test_a_picture_without_people_says_so(no_person: Rgb) -> None:
    for has_orientation in (True, False):
        found = analyse(no_person, has_orientation=has_orientation)
        assert found.reasons == ("no-face",)
        assert (found.primary, found.primary_face, found.neck) == (None, None, None)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3, 2), (30, 3000)])
def test_pictures_of_odd_shapes_say_no_face(shape: tuple[int, int]) -> None:
    odd = np.full((*shape, 3), 127, np.uint8)
    assert analyse(odd, has_orientation=False).reasons == ("no-face",)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_exif_orientations_give_the_same_neck(
    astronaut: Rgb, analysis: Analysis, orientation: int
) -> None:
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    image = Image.fromarray(astronaut)
    stored = image if orientation == 1 else image.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[274] = orientation
    buffer = io.BytesIO()
    stored.save(buffer, "JPEG", quality=92, exif=exif)
    decoded = decode(buffer.getvalue())
    found = analyse(decoded.rgb, has_orientation=decoded.exif_orientation_present)
    assert apart(neck_of(found).notch, neck_of(analysis).notch) <= 2
    assert apart(neck_of(found).left, neck_of(analysis).left) <= 2


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_photograph_on_its_side_without_exif_is_turned_upright(
    astronaut: Rgb, analysis: Analysis, turns: int
) -> None:
    lying = np.ascontiguousarray(np.rot90(astronaut[:400], turns))
    found = analyse(lying, has_orientation=False)
    assert found.quarter_turns == turns
    assert (found.width, found.height) == (512, 400)
    assert np.array_equal(upright(lying, found), astronaut[:400])
    assert apart(neck_of(found).notch, neck_of(analysis).notch) < 6


def test_a_photograph_whose_camera_said_which_way_is_up_is_never_turned(astronaut: Rgb) -> None:
    lying = np.ascontiguousarray(np.rot90(astronaut))
    assert analyse(lying, has_orientation=True).quarter_turns == 0


def test_a_larger_copy_gives_the_same_places(astronaut: Rgb, analysis: Analysis) -> None:
    large = cv2.resize(astronaut, (2048, 2048), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    found = analyse(large)
    assert (found.width, found.height) == (2048, 2048)
    notch = neck_of(found).notch
    assert apart(Point(notch.x / 4, notch.y / 4), neck_of(analysis).notch) < 4
    assert neck_of(found).width / 4 == pytest.approx(neck_of(analysis).width, rel=0.04)


def test_the_nearest_face_wears_the_jewellery(astronaut: Rgb) -> None:
    pair = np.full((512, 900, 3), 90, np.uint8)
    pair[:, :512] = astronaut
    pair[100:420, 580:] = resized(astronaut, 0.625)
    found = analyse(pair)
    assert len(found.faces) == 2
    assert found.primary_face is not None
    assert found.primary_face.box.centre.x == pytest.approx(225, abs=15)


def test_a_tiny_face_is_measured_but_doubted(astronaut: Rgb) -> None:
    picture = np.full((700, 900, 3), 128, np.uint8)
    tiny = resized(astronaut, 0.4)
    picture[200 : 200 + len(tiny), 300 : 300 + len(tiny)] = tiny
    assert "face-too-small" in analyse(picture).reasons


def test_a_small_face_that_several_looks_find_is_one_face(astronaut: Rgb) -> None:
    picture = np.full((960, 1280, 3), 128, np.uint8)
    tiny = resized(astronaut, 0.45)
    picture[365 : 365 + len(tiny), 540 : 540 + len(tiny)] = tiny
    assert detect(picture) == []
    assert len(search(picture)) > 1
    (face,) = analyse(picture).faces
    assert face.box.height == pytest.approx(40, rel=0.25)


def test_of_two_looks_at_one_face_the_better_is_kept(astronaut: Rgb) -> None:
    (best,) = detect(astronaut)
    points = mesh(astronaut, best)
    worse = Detection(box=best.box + np.float32(5), score=best.score - 0.1, points=best.points)
    elsewhere = Detection(box=best.box + np.float32(300), score=0.6, points=best.points)
    kept = _distinct([(worse, points), (elsewhere, points), (best, points)])
    assert [each for each, _ in kept] == [best, elsewhere]


def test_two_small_faces_stay_two(astronaut: Rgb) -> None:
    picture = np.full((960, 1280, 3), 128, np.uint8)
    tiny = resized(astronaut, 0.45)
    for left in (150, 850):
        picture[365 : 365 + len(tiny), left : left + len(tiny)] = tiny
    assert detect(picture) == []
    assert len(analyse(picture).faces) == 2


def test_a_face_without_a_mesh_is_a_profile_with_a_guessed_neck(astronaut: Rgb) -> None:
    """As in a full profile, to which no mesh fits: the place is a guess, and says so."""
    (own,) = detect(astronaut)
    unfit = Mesh(mesh(astronaut, own).points, logit=-6.0)
    seen = _Seen(astronaut, ((own, unfit),))
    found = _measured(seen, width=512, height=512, turns=0, model=None)
    assert found.reasons == ("profile", "low-confidence")
    assert found.ears == ()
    assert neck_of(found).left.x < 228 < neck_of(found).right.x


def photograph(name: str) -> Rgb:
    """One of the pictures that come with scikit-image."""
    return decode((Path(skimage.data.__file__).parent / name).read_bytes()).rgb


@pytest.mark.parametrize(
    "name",
    ["chelsea.png", "coffee.png", "clock_motion.png", "coins.png", "color.png", "rocket.jpg"],
)
def test_cats_cups_and_clocks_are_nobody_whichever_way_they_lie(name: str) -> None:
    """On some of them the detector sees faces, to which no mesh fits."""
    picture = photograph(name)
    for turns in range(4):
        lying = np.ascontiguousarray(np.rot90(picture, turns))
        assert analyse(lying, has_orientation=False).reasons == ("no-face",)


def test_a_man_in_profile_is_found_and_doubted() -> None:
    found = analyse(photograph("camera.png"))
    assert len(found.faces) == 1
    assert "profile" in found.reasons
    assert neck_of(found).confidence < 0.4


def test_a_neck_below_the_edge_is_missing_with_its_reason(astronaut: Rgb) -> None:
    found = analyse(np.ascontiguousarray(astronaut[:186]))
    assert found.neck is None
    assert found.reasons == ("neck-out-of-frame",)
    assert found.primary is not None
    masks = make_masks(np.ascontiguousarray(astronaut[:186]), found)
    assert not masks.skin.any()
    assert not masks.front.any()
    assert masks.confidence == 0


def test_a_notch_below_the_edge_is_a_doubt_and_the_box_ends_at_the_edge(astronaut: Rgb) -> None:
    found = analyse(np.ascontiguousarray(astronaut[:210]))
    assert "neck-out-of-frame" in found.reasons
    assert neck_of(found).box.y + neck_of(found).box.height <= 209


def test_the_same_photograph_twice_is_the_same_answer(astronaut: Rgb, analysis: Analysis) -> None:
    assert analyse(astronaut.copy()).to_dict() == analysis.to_dict()


def test_forty_at_once_are_the_same_as_one_by_one(astronaut: Rgb) -> None:
    """A net that two threads shared would answer wrongly without an error."""
    views = [np.ascontiguousarray(astronaut[top:, left:]) for top in (0, 6) for left in (0, 9)]
    alone = [analyse(view).to_dict() for view in views]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda view: analyse(view).to_dict(), views * 10))
    assert together == alone * 10
