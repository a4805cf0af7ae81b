"""From bytes to bytes, as the workers are asked: in any process, and quickly the second time."""

import io
import json
import pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from imaging import compose, pipeline, warp
from imaging.analyse import analyse
from imaging.errors import ImageRefused
from imaging.kept import Kept
from imaging.pipeline import OverlaySpec
from imaging.scaling import scaled
from imaging.types import Adjustments, Analysis, Rgb
from tests.imaging.drawn_hand import drawn_hand

DEMO = Path(__file__).parents[2] / "demo"
OVERLAYS = json.loads((DEMO / "overlays.json").read_text(encoding="utf-8"))
AUTO = Adjustments().to_dict()


def spec(name: str) -> OverlaySpec:
    overlay = OVERLAYS[name]
    return OverlaySpec(
        png=(DEMO / "overlays" / f"{name}.png").read_bytes(),
        product_type=overlay["product_type"],
        width_mm=overlay["width_mm"],
        anchors=overlay["anchors"],
    )


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


@pytest.fixture(scope="module")
def photo(astronaut_bytes: bytes) -> pipeline.PreparedPhoto:
    return pipeline.prepare_photo(astronaut_bytes)


@pytest.fixture(scope="module")
def found(photo: pipeline.PreparedPhoto) -> dict[str, Any]:
    return pipeline.analyse_photo(photo.original_jpeg)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    pipeline.forget()


def test_a_photograph_is_stored_in_three_sizes_without_metadata(
    photo: pipeline.PreparedPhoto,
) -> None:
    assert (photo.width, photo.height) == (512, 512)
    assert set(photo.sizes) == {1600, 1024, 320}
    assert max(pixels(photo.sizes[320]).shape) == 320
    assert not Image.open(io.BytesIO(photo.original_jpeg)).getexif()


def test_preparing_again_gives_the_same_bytes(
    photo: pipeline.PreparedPhoto, astronaut_bytes: bytes
) -> None:
    assert pipeline.prepare_photo(astronaut_bytes) == photo


def test_a_photograph_on_its_side_without_a_word_is_turned(astronaut_bytes: bytes) -> None:
    upright = Image.open(io.BytesIO(astronaut_bytes)).convert("RGB")
    stream = io.BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).crop((0, 0, 512, 480)).save(stream, "JPEG")
    prepared = pipeline.prepare_photo(stream.getvalue())
    assert (prepared.width, prepared.height) == (480, 512)
    analysis = Analysis.from_dict(pipeline.analyse_photo(prepared.original_jpeg))
    assert analysis.quarter_turns == 0
    assert analysis.neck


def test_a_photograph_that_says_how_it_was_held_is_believed(astronaut_bytes: bytes) -> None:
    turned = Image.open(io.BytesIO(astronaut_bytes)).convert("RGB").crop((0, 0, 512, 480))
    exif = Image.Exif()
    exif[0x0112] = 3
    stream = io.BytesIO()
    turned.transpose(Image.Transpose.ROTATE_180).save(stream, "JPEG", exif=exif)
    prepared = pipeline.prepare_photo(stream.getvalue())
    assert (prepared.width, prepared.height) == (512, 480)
    assert np.abs(pixels(prepared.original_jpeg) - np.asarray(turned)).mean() < 3


def test_the_analysis_is_plain_data(found: dict[str, Any]) -> None:
    assert json.loads(json.dumps(found)) == found
    assert Analysis.from_dict(found).neck


def test_a_photograph_is_looked_at_once_for_each_face(
    photo: pipeline.PreparedPhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []

    def counted(rgb: Rgb, *, wearer: int) -> Analysis:
        looks.append(wearer)
        return analyse(rgb, wearer=wearer)

    monkeypatch.setattr(pipeline, "analyse", counted)
    first = pipeline.analyse_photo(photo.original_jpeg)
    first["faces"].clear()
    again = [pipeline.analyse_photo(photo.original_jpeg, face=face) for face in (0, 1, 0, 1)]
    assert looks == [0, 1]
    assert [len(each["faces"]) for each in again] == [1, 1, 1, 1]


NECKLACES = [
    name
    for name, overlay in OVERLAYS.items()
    if overlay["anchors"] and overlay["product_type"] != "set"
]


def test_of_two_people_either_can_wear_the_jewellery(astronaut_bytes: bytes) -> None:
    one = Image.open(io.BytesIO(astronaut_bytes)).convert("RGB")
    both = Image.new("RGB", (1024, 512))
    both.paste(one, (0, 0))
    both.paste(one.resize((461, 461)), (540, 51))
    stream = io.BytesIO()
    both.save(stream, "JPEG", quality=92)
    jpeg = pipeline.prepare_photo(stream.getvalue()).original_jpeg
    analyses = [Analysis.from_dict(pipeline.analyse_photo(jpeg, face=face)) for face in (0, 1, 9)]
    assert [analysis.primary for analysis in analyses] == [0, 1, 0]
    assert analyses[0].faces == analyses[1].faces
    for analysis in analyses:
        face = analysis.primary_face
        assert analysis.neck
        assert face
        assert abs(analysis.neck.notch.x - face.box.centre.x) < face.box.width


@pytest.mark.parametrize("name", NECKLACES)
def test_every_demo_necklace_is_worn_near_the_neck(
    photo: pipeline.PreparedPhoto, found: dict[str, Any], name: str
) -> None:
    worn = pipeline.render(photo.original_jpeg, found, [spec(name)], AUTO, max_side=1600)
    before = pixels(photo.original_jpeg)
    different = np.abs(pixels(worn) - before).max(axis=-1) > 40
    neck = Analysis.from_dict(found).neck
    assert neck
    rows, columns = np.nonzero(different)
    assert len(rows) > 60
    assert abs(columns.mean() - neck.notch.x) < 0.5 * neck.width
    assert np.abs(columns - neck.notch.x).max() < 1.2 * neck.width
    assert rows.min() > neck.chin.y - 0.1 * neck.width


def test_earrings_are_worn_at_the_ears(
    photo: pipeline.PreparedPhoto, found: dict[str, Any]
) -> None:
    worn = pipeline.render(photo.original_jpeg, found, [spec("pearl-drops")], AUTO, max_side=1600)
    different = np.abs(pixels(worn) - pixels(photo.original_jpeg)).max(axis=-1) > 40
    for ear in Analysis.from_dict(found).ears:
        x, y = round(ear.lobe.x), round(ear.lobe.y)
        assert different[y - 12 : y + 25, x - 10 : x + 11].any() == ear.visible


def test_the_demo_set_is_worn_at_neck_and_ears(
    photo: pipeline.PreparedPhoto, found: dict[str, Any]
) -> None:
    worn = pipeline.render(photo.original_jpeg, found, [spec("panna-set")], AUTO, max_side=1600)
    different = np.abs(pixels(worn) - pixels(photo.original_jpeg)).max(axis=-1) > 40
    analysis = Analysis.from_dict(found)
    assert analysis.neck
    assert different[round(analysis.neck.notch.y) - 20 :].sum() > 60
    lobe = analysis.ears[0].lobe
    assert different[
        round(lobe.y) : round(lobe.y) + 15, round(lobe.x) - 8 : round(lobe.x) + 9
    ].any()


@pytest.mark.parametrize("name", ["solitaire-ring", "gold-bangles"])
def test_without_a_hand_a_ring_is_refused_with_a_reason(
    photo: pipeline.PreparedPhoto, found: dict[str, Any], name: str
) -> None:
    assert found["hands"] is None
    for _ in range(2):
        with pytest.raises(ImageRefused, match="no hand is seen on the photograph"):
            pipeline.render(photo.original_jpeg, found, [spec(name)], AUTO, max_side=1024)


@pytest.fixture(scope="module")
def hand_photo() -> pipeline.PreparedPhoto:
    """A hand alone: nobody's face is on it."""
    stream = io.BytesIO()
    Image.fromarray(drawn_hand(size=(1280, 1440), wrist=(640, 940), px_per_mm=4)[0]).save(
        stream, "PNG"
    )
    return pipeline.prepare_photo(stream.getvalue())


@pytest.fixture(scope="module")
def hand_found(hand_photo: pipeline.PreparedPhoto) -> dict[str, Any]:
    return pipeline.analyse_photo(hand_photo.original_jpeg)


def test_a_hand_alone_is_found_although_it_has_no_face(hand_found: dict[str, Any]) -> None:
    assert hand_found["reasons"] == ["no-face"]
    assert len(hand_found["hands"]) == 1
    assert json.loads(json.dumps(hand_found)) == hand_found
    assert Analysis.from_dict(hand_found).to_dict() == hand_found


def test_an_analysis_from_before_hands_were_known_is_read(hand_found: dict[str, Any]) -> None:
    old = {name: value for name, value in hand_found.items() if name != "hands"}
    assert Analysis.from_dict(old).hands is None


@pytest.mark.parametrize(
    ("name", "seat"), [("solitaire-ring", "finger"), ("gold-bangles", "wrist")]
)
def test_a_hand_alone_wears_rings_and_bangles(
    hand_photo: pipeline.PreparedPhoto, hand_found: dict[str, Any], name: str, seat: str
) -> None:
    original = pixels(hand_photo.original_jpeg)
    place = Analysis.from_dict(hand_found).to_dict()["hands"][0][seat]
    for side in (1440, 720):
        worn = pipeline.render(hand_photo.original_jpeg, hand_found, [spec(name)], AUTO,
                               max_side=side)  # fmt: skip
        before = np.asarray(
            Image.fromarray(original.astype(np.uint8)).resize(
                (side * 8 // 9, side), Image.Resampling.BOX
            )
        )
        different = np.abs(pixels(worn) - before).max(axis=-1) > 50
        rows, columns = np.nonzero(different)
        scale, reach = side / 1440, 0.75 * place["width"]
        assert len(rows) > 12
        assert np.abs(columns / scale - place["middle"]["x"]).max() < reach
        assert np.abs(rows / scale - place["middle"]["y"]).max() < reach


def test_a_hand_alone_wears_no_necklace(
    hand_photo: pipeline.PreparedPhoto, hand_found: dict[str, Any]
) -> None:
    with pytest.raises(ImageRefused, match="no neck"):
        pipeline.render(hand_photo.original_jpeg, hand_found, [spec("kundan-bib")], AUTO,
                        max_side=720)  # fmt: skip


def test_hands_are_found_late_at_the_same_place(
    hand_photo: pipeline.PreparedPhoto, hand_found: dict[str, Any]
) -> None:
    unasked = hand_found | {"hands": None}
    early, late = (
        pipeline.render(hand_photo.original_jpeg, each, [spec("solitaire-ring")], AUTO,
                        max_side=720)
        for each in (hand_found, unasked)
    )  # fmt: skip
    assert np.abs(pixels(early) - pixels(late)).mean() < 0.02


def test_a_bridal_look_is_one_picture(photo: pipeline.PreparedPhoto, found: dict[str, Any]) -> None:
    names = ["kundan-bib", "pearl-drops", "kundan-tikka", "flower-nose-pin"]
    before = pixels(photo.original_jpeg)

    def worn(*pieces: str) -> np.ndarray:
        specs = [spec(name) for name in pieces]
        rendered = pipeline.render_pieces(photo.original_jpeg, found, specs, AUTO, max_side=1600)
        assert rendered.left_out == ()
        assert (rendered.width, rendered.height) == (512, 512)
        return np.asarray(np.abs(pixels(rendered.jpeg) - before).max(axis=-1) > 20)

    whole = worn(*names)
    for name in names:
        alone = worn(name)
        assert alone.sum() > 3
        assert (whole & alone).sum() > 0.8 * alone.sum()


def test_a_piece_that_cannot_be_worn_is_named_and_the_others_are_shown(
    photo: pipeline.PreparedPhoto, found: dict[str, Any]
) -> None:
    pieces = [spec("solitaire-ring"), spec("pearl-strand")]
    rendered = pipeline.render_pieces(photo.original_jpeg, found, pieces, AUTO, max_side=1024)
    alone = pipeline.render(photo.original_jpeg, found, pieces[1:], AUTO, max_side=1024)
    assert rendered.jpeg == alone
    assert [(each.index, each.code) for each in rendered.left_out] == [(0, "not-wearable-here")]
    assert pickle.loads(pickle.dumps(rendered)) == rendered


def test_two_pieces_are_worn_at_once(photo: pipeline.PreparedPhoto, found: dict[str, Any]) -> None:
    one, both = (
        pipeline.render(photo.original_jpeg, found, pieces, AUTO, max_side=1024)
        for pieces in ([spec("pearl-strand")], [spec("pearl-strand"), spec("pearl-drops")])
    )
    assert np.abs(pixels(one) - pixels(both)).max() > 40


def test_a_preview_shows_the_same_as_the_full_size(
    photo: pipeline.PreparedPhoto, found: dict[str, Any]
) -> None:
    moved = Adjustments(scale=1.2, rotation=5, dx=20, dy=10).to_dict()
    full, preview = (
        pipeline.render(photo.original_jpeg, found, [spec("kundan-bib")], moved, max_side=side)
        for side in (512, 256)
    )
    original = Image.open(io.BytesIO(photo.original_jpeg)).convert("RGB")
    small = original.resize((256, 256), Image.Resampling.BOX)
    places = [
        np.argwhere(np.abs(pixels(worn) - np.asarray(before)).max(axis=-1) > 50).mean(axis=0)
        for worn, before in ((full, original), (preview, small))
    ]
    assert places[1] == pytest.approx(places[0] / 2, abs=1.5)


def test_workers_and_this_process_render_the_same_bytes(
    photo: pipeline.PreparedPhoto, found: dict[str, Any]
) -> None:
    here = [
        pipeline.render(photo.original_jpeg, found, [spec("pearl-strand")],
                        Adjustments(dx=shift).to_dict(), max_side=1024)
        for shift in (0.0, 3.0)
    ]  # fmt: skip
    with ProcessPoolExecutor(
        2, mp_context=get_context("spawn"), initializer=pipeline.warm_up
    ) as pool:
        asked = [
            pool.submit(
                pipeline.render, photo.original_jpeg, found, [spec("pearl-strand")],
                Adjustments(dx=shift).to_dict(), max_side=1024,
            )
            for shift in (0.0, 3.0, 0.0, 3.0)
        ]  # fmt: skip
        there = [answer.result(timeout=60) for answer in asked]
    assert there == here * 2


def test_with_everything_kept_the_bytes_are_the_same(
    photo: pipeline.PreparedPhoto, found: dict[str, Any]
) -> None:
    cold, warm = (
        pipeline.render(photo.original_jpeg, found, [spec("temple-haram")], AUTO, max_side=1024)
        for _ in range(2)
    )
    assert cold == warm


def test_an_overlay_comes_out_of_a_plain_picture() -> None:
    whole = Image.open(DEMO / "overlays" / "pearl-strand.png")
    plain = Image.new("RGB", (whole.width + 120, whole.height + 120), (236, 236, 238))
    plain.paste(whole, (60, 60), whole)
    stream = io.BytesIO()
    plain.save(stream, "PNG")
    overlay = pipeline.prepare_overlay(stream.getvalue())
    assert overlay.kind == "single"
    assert (overlay.width, overlay.height) == pytest.approx((whole.width, whole.height), abs=8)
    assert overlay.anchors["right"]["x"] - overlay.anchors["left"]["x"] == pytest.approx(
        671, abs=12
    )
    assert Image.open(io.BytesIO(overlay.png)).mode == "RGBA"


def test_an_uploaded_picture_that_is_not_an_overlay_is_cut_out_first(
    photo: pipeline.PreparedPhoto, found: dict[str, Any]
) -> None:
    whole = Image.open(DEMO / "overlays" / "pearl-strand.png")
    plain = Image.new("RGB", (whole.width + 120, whole.height + 120), "white")
    plain.paste(whole, (60, 60), whole)
    stream = io.BytesIO()
    plain.save(stream, "PNG")
    opaque = OverlaySpec(stream.getvalue(), "necklace", 122.0)
    worn = [
        pipeline.render(photo.original_jpeg, found, [each], AUTO, max_side=1024)
        for each in (opaque, spec("pearl-strand"))
    ]
    assert np.abs(pixels(worn[0]) - pixels(worn[1])).mean() < 1.5


def test_refusals_come_back_from_a_worker_whole() -> None:
    refusal = pickle.loads(pickle.dumps(ImageRefused("product-not-cuttable", "worn")))
    assert (refusal.code, refusal.message) == ("product-not-cuttable", "worn")


def test_what_is_kept_is_bounded_and_the_oldest_goes_first() -> None:
    kept: Kept[bytes] = Kept(max_bytes=10, weigh=len)
    made: list[str] = []

    def ask(key: str) -> bytes:
        def make() -> bytes:
            made.append(key)
            return b"1234"

        return kept.get(key, make)

    for key in ("a", "b", "a", "c", "a", "b"):
        assert ask(key) == b"1234"
    assert made == ["a", "b", "c", "b"]
    assert len(kept) == 2


def test_what_is_larger_than_the_bound_is_not_kept_and_drives_nothing_out() -> None:
    kept: Kept[bytes] = Kept(max_bytes=3, weigh=len)
    kept.get("small", lambda: b"1")
    assert kept.get("a", lambda: b"12345") == b"12345"
    assert len(kept) == 1
    assert kept.get("small", lambda: b"2") == b"1"


def test_two_that_make_the_same_keep_one() -> None:
    kept: Kept[bytes] = Kept(max_bytes=10, weigh=len)

    def make_twice() -> bytes:
        return kept.get("a", lambda: b"1234")

    assert kept.get("a", make_twice) == b"1234"
    assert len(kept) == 1


def test_warming_up_loads_the_nets_for_one_thread() -> None:
    threads = cv2.getNumThreads()
    try:
        pipeline.warm_up()
        assert cv2.getNumThreads() == 1
    finally:
        cv2.setNumThreads(threads)


def test_hands_are_where_they_are_whatever_size_was_analysed_and_asked_for_first(
    hand_photo: pipeline.PreparedPhoto, hand_found: dict[str, Any]
) -> None:
    unasked = replace(Analysis.from_dict(hand_found), hands=None)
    half = scaled(unasked, 0.5, width=unasked.width // 2, height=unasked.height // 2).to_dict()

    def worn(analysis: dict[str, Any]) -> bytes:
        return pipeline.render(hand_photo.original_jpeg, analysis, [spec("gold-bangles")], AUTO,
                               max_side=720)  # fmt: skip

    pipeline.forget()
    whole_first = worn(unasked.to_dict()), worn(half)
    pipeline.forget()
    half_first = worn(half), worn(unasked.to_dict())
    assert whole_first == half_first[::-1]


def test_an_overlay_without_anything_on_it_is_refused(
    photo: pipeline.PreparedPhoto, found: dict[str, Any]
) -> None:
    stream = io.BytesIO()
    Image.new("RGBA", (40, 40)).save(stream, "PNG")
    empty = OverlaySpec(stream.getvalue(), "necklace")
    with pytest.raises(ImageRefused, match="wholly transparent"):
        pipeline.render(photo.original_jpeg, found, [empty], AUTO, max_side=512)


def test_a_picture_that_is_bent_and_painted_in_strips_is_the_same(
    photo: pipeline.PreparedPhoto, found: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def worn() -> bytes:
        pieces = [spec("kundan-bib")]
        return pipeline.render(photo.original_jpeg, found, pieces, AUTO, max_side=512)

    at_once = worn()
    for module in (compose, warp):
        monkeypatch.setattr(module, "BAND_PIXELS", 1000)
    assert worn() == at_once


def test_a_full_size_has_the_masks_of_a_smaller_one(
    astronaut_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.BytesIO()
    Image.open(io.BytesIO(astronaut_bytes)).resize((1024, 1024)).save(stream, "JPEG", quality=95)
    large = pipeline.prepare_photo(stream.getvalue())
    found = pipeline.analyse_photo(large.original_jpeg)

    def worn() -> np.ndarray:
        pipeline.forget()
        return pixels(
            pipeline.render(large.original_jpeg, found, [spec("kundan-bib")], AUTO, max_side=1024)
        )

    own = worn()
    monkeypatch.setattr(pipeline, "MASKS_SIDE", 640)
    enlarged = worn()
    assert pipeline._masks._bytes == 3 * 640 * 640
    assert np.abs(own - enlarged).mean() < 0.2
