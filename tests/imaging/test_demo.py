"""The demo shop is drawn, believable as an import, and the same every time."""

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demo import pieces
from demo.render import COLUMNS, HERE, drawn, main, png
from demo.shop import PIECES

OVERLAYS = json.loads((HERE / "overlays.json").read_text(encoding="utf-8"))
ROWS = list(csv.DictReader(io.StringIO((HERE / "catalogue.csv").read_text(encoding="utf-8"))))


def picture(name: str) -> np.ndarray:
    return np.asarray(Image.open(HERE / "overlays" / f"{name}.png"))


@pytest.mark.parametrize("name", OVERLAYS)
def test_an_overlay_is_small_and_transparent(name: str) -> None:
    rgba = picture(name)
    assert rgba.shape[2] == 4
    assert rgba.shape[1] <= 1000
    assert (HERE / "overlays" / f"{name}.png").stat().st_size <= 200_000
    assert 0.02 < (rgba[..., 3] > 0).mean() < 0.7


@pytest.mark.parametrize("name", [name for name in OVERLAYS if OVERLAYS[name]["anchors"]])
def test_a_necklace_s_anchors_lie_on_its_chain(name: str) -> None:
    alpha = picture(name)[..., 3]
    for anchor in OVERLAYS[name]["anchors"].values():
        x, y = round(anchor["x"]), round(anchor["y"])
        assert alpha[max(0, y - 6) : y + 8, max(0, x - 14) : x + 15].max() > 200


@pytest.mark.parametrize("name", [name for name in OVERLAYS if OVERLAYS[name]["anchors"]])
def test_a_necklace_s_width_in_mm_is_the_distance_of_its_anchors(name: str) -> None:
    overlay = OVERLAYS[name]
    span = overlay["anchors"]["right"]["x"] - overlay["anchors"]["left"]["x"]
    assert span / overlay["px_per_mm"] == pytest.approx(overlay["width_mm"], abs=0.1)


def test_the_catalogue_has_the_columns_of_the_specification_first() -> None:
    wanted = ["description", "price", "availability", "image", "category", "specifications"]
    assert list(ROWS[0])[:6] == wanted
    assert list(ROWS[0]) == list(COLUMNS)


def test_prices_are_written_as_the_shop_writes_them() -> None:
    for row in ROWS:
        assert re.fullmatch(r"₹(\d{1,2},)*\d{1,3},\d{3}|₹\d{1,3}(,\d{3})?", row["price"])


def test_every_listed_picture_exists_and_every_sku_is_its_own() -> None:
    for row in ROWS:
        assert (HERE / "overlays" / Path(row["image"]).name).is_file()
    assert len({row["sku"] for row in ROWS}) == len(ROWS) == len(PIECES)


def test_drawing_again_gives_the_same_bytes(tmp_path: Path) -> None:
    main(tmp_path)
    for file in sorted(path.relative_to(HERE) for path in HERE.glob("overlays/*.png")):
        assert (tmp_path / file).read_bytes() == (HERE / file).read_bytes()
    for name in ("overlays.json", "catalogue.csv"):
        assert (tmp_path / name).read_bytes() == (HERE / name).read_bytes()


def test_metal_has_lights_and_shadows_and_is_not_flat() -> None:
    rgba, _ = drawn(PIECES[0])
    lightness = rgba[rgba[..., 3] > 250][:, :3].mean(axis=1)
    assert np.percentile(lightness, 95) - np.percentile(lightness, 5) > 90


def test_an_overlay_that_cannot_be_made_small_is_an_error() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (400, 400, 4), np.uint8)
    with pytest.raises(ValueError, match="stays above"):
        png(noise, max_bytes=1000)


def test_a_curve_runs_from_end_to_end_through_its_lowest_point() -> None:
    spots = pieces.arc(120, 80, 1.4, 2.0)
    assert spots[0].x == pytest.approx(-60)
    assert spots[-1].x == pytest.approx(60)
    assert max(spot.y for spot in spots) == pytest.approx(80, abs=0.2)
