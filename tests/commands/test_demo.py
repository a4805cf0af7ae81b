"""The demo catalogue: there once, and ready to be tried on."""

import csv
import json
from pathlib import Path
from typing import Any

from commands.decisions.drawn import drawn
from commands.reactions.starting import load_demo
from tests.api import Api
from tests.buying import ok
from tests.importing import catalogue, with_worker

FOLDER = Path(__file__).parents[2] / "demo"


async def opened(api: Api) -> dict[str, dict[str, Any]]:
    """The shop's catalogue on its first day."""
    worker = with_worker(api)
    await load_demo(api.services)
    await worker.wait_for_commit("none", seconds=0)
    return await catalogue(api)


async def test_every_piece_is_in_the_window_and_can_be_worn(api: Api) -> None:
    products = await opened(api)
    with (FOLDER / "catalogue.csv").open(encoding="utf-8") as file:
        named = {piece["name"] for piece in csv.DictReader(file)}
    assert products.keys() == named
    assert len(named) >= 13
    assert all(product["overlay"]["widthMm"] > 0 for product in products.values())
    kinds = {product["productType"] for product in products.values()}
    assert kinds >= {"necklace", "earrings", "ring"}
    for product in products.values():
        picture = await api.client.get(product["images"][0])
        assert picture.status_code == 200


async def test_a_second_start_adds_nothing(api: Api) -> None:
    await opened(api)
    before = await api.topics()
    await opened(api)
    assert await api.topics() == before


async def test_an_overlay_that_staff_have_set_is_left_alone(api: Api) -> None:
    products = await opened(api)
    admin = await api.admin()
    piece = next(iter(products.values()))
    own = {"width": 8, "height": 8, "widthMm": 77, "pxPerMm": 1}
    address = f"/api/products/{piece['id']}"
    ok(await admin.client.put(f"{address}/overlay", json=own, headers={"If-Match": "*"}))
    await opened(api)
    assert ok(await api.client.get(address))["overlay"]["widthMm"] == 77


def test_every_picture_has_its_measures() -> None:
    measured = json.loads((FOLDER / "overlays.json").read_bytes())
    pictures = {picture.stem for picture in (FOLDER / "overlays").glob("*.png")}
    assert pictures == measured.keys()
    for name in pictures:
        overlay = drawn([f"/media/demo/{name}.png"])
        assert overlay is not None
        assert overlay.image == f"/media/demo/{name}.png"


def test_other_pictures_are_none_of_the_demos() -> None:
    for address in ("https://example.com/pearl-strand.png", "/media/demo/none.png", ""):
        assert drawn([address]) is None
