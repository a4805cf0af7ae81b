"""Overlays by staff: uploaded, cut out of the catalogue's picture when they ask, corrected by hand."""

from functools import partial

import httpx
import pytest

from commands.context import system_context
from commands.decisions.overlays import give_overlay
from commands.effects.rendering import overlay_bytes
from commands.unit_of_work import run
from domain.catalogue import Product
from domain.errors import NotFound, Unavailable
from domain.overlays import Overlay
from domain.values import Role
from tests.api import Api
from tests.buying import ok, refused
from tests.cutting import HAAR, Imaging, picture, with_cutting
from tests.fakes import PictureShelf

FIRST = HAAR["images"][0]


@pytest.fixture
def cutting(api: Api) -> tuple[PictureShelf, Imaging]:
    return with_cutting(api, fetch="false")


@pytest.fixture
def shelf(cutting: tuple[PictureShelf, Imaging]) -> PictureShelf:
    cutting[0].pictures[FIRST] = picture()
    return cutting[0]


@pytest.fixture
def imaging(cutting: tuple[PictureShelf, Imaging]) -> Imaging:
    return cutting[1]


@pytest.fixture
async def staff(api: Api, shelf: PictureShelf) -> httpx.AsyncClient:
    assert shelf.pictures
    return (await api.staff(Role.CATALOG_MANAGER)).client


async def made(staff: httpx.AsyncClient, **changes: object) -> str:
    """The address of a new product's overlay."""
    product = ok(await staff.post("/api/products", json=HAAR | changes), 201)
    return f"/api/products/{product['id']}/overlay"


def upload(*, plain: bool = True) -> dict[str, tuple[str, bytes]]:
    return {"file": ("haar.png", picture(plain=plain))}


# --- Uploaded ------------------------------------------------------------------------------------


async def test_a_picture_on_a_plain_backdrop_becomes_the_products_overlay(
    staff: httpx.AsyncClient,
) -> None:
    overlay = ok(await staff.post(await made(staff), files=upload()))["overlay"]
    assert (overlay["widthMm"], overlay["source"], overlay["picture"]) == (120, "staff", None)
    assert overlay["pxPerMm"] == pytest.approx(280 / 120, rel=0.05)
    assert "/media/signed/overlays/" in overlay["image"]
    assert {"left", "right"} <= overlay["anchors"].keys()


async def test_a_busy_picture_is_refused_with_the_reason(staff: httpx.AsyncClient) -> None:
    answer = await staff.post(await made(staff), files=upload(plain=False))
    refused(answer, 422, "product-not-cuttable")


async def test_an_uploaded_piece_of_unknown_width_is_not_guessed(
    staff: httpx.AsyncClient,
) -> None:
    address = await made(staff, widthMm=None)
    refused(await staff.post(address, files=upload()), 422, "width-unknown")
    overlay = ok(await staff.post(address, files=upload(), data={"widthMm": "90"}))["overlay"]
    assert (overlay["widthMm"], overlay["widthEstimated"]) == (90, False)


async def test_an_upload_has_its_limit(api: Api, staff: httpx.AsyncClient) -> None:
    large = bytes(api.services.settings.max_upload_mb * 1_000_000 + 1)
    answer = await staff.post(await made(staff), files={"file": ("haar.png", large)})
    refused(answer, 413, "too-large")


# --- Cut out of the catalogue's picture ----------------------------------------------------------


async def test_staff_may_ask_for_one_picture_though_the_shop_fetches_none(
    staff: httpx.AsyncClient,
) -> None:
    overlay = ok(await staff.post(await made(staff)))["overlay"]
    assert (overlay["source"], overlay["picture"]["url"]) == ("catalogue", FIRST)
    assert (overlay["widthMm"], overlay["widthEstimated"]) == (120, False)


async def test_a_width_that_nobody_measured_is_estimated_and_says_so(
    staff: httpx.AsyncClient,
) -> None:
    address = await made(staff, widthMm=None)
    overlay = ok(await staff.post(address))["overlay"]
    assert (overlay["widthMm"], overlay["widthEstimated"]) == (120, True)
    overlay = ok(await staff.post(address, data={"widthMm": "100"}))["overlay"]
    assert (overlay["widthMm"], overlay["widthEstimated"]) == (100, False)
    assert overlay["pxPerMm"] == pytest.approx(2.8, rel=0.05)


async def test_the_same_bytes_are_cut_once_and_others_anew(
    staff: httpx.AsyncClient, shelf: PictureShelf, imaging: Imaging
) -> None:
    address = await made(staff)
    first = ok(await staff.post(address))
    again = ok(await staff.post(address))
    assert (imaging.cuts, again["version"]) == (1, first["version"])
    shelf.pictures[FIRST] = picture(colour=(150, 150, 160))
    changed = ok(await staff.post(address))
    assert imaging.cuts == 2
    assert changed["overlay"]["picture"]["sha256"] != first["overlay"]["picture"]["sha256"]


async def test_another_picture_of_the_product_may_be_chosen(
    staff: httpx.AsyncClient, shelf: PictureShelf
) -> None:
    second = "https://shop.example/worn.png"
    shelf.pictures[second] = picture()
    address = await made(staff, images=[FIRST, second])
    overlay = ok(await staff.post(address, data={"picture": "1"}))["overlay"]
    assert (overlay["picture"]["url"], overlay["source"]) == (second, "staff")
    refused(await staff.post(address, data={"picture": "2"}), 422, "no-such-picture")


async def test_our_own_pictures_are_not_fetched(staff: httpx.AsyncClient) -> None:
    address = await made(staff, images=["/media/demo/pearl-strand.png"])
    refused(await staff.post(address), 422, "picture-not-on-the-web")


@pytest.mark.parametrize(
    ("image", "status", "code"),
    [
        ("https://shop.example/none.png", 422, "picture-missing"),
        ("https://away.example/haar.png", 422, "picture-unreachable"),
        ("https://10.0.0.1/haar.png", 422, "picture-address-refused"),
        ("https://shop.example/busy.png", 422, "product-not-cuttable"),
        ("https://shop.example/text.png", 415, "unsupported-type"),
    ],
)
async def test_a_picture_that_cannot_be_cut_out_says_why_and_is_remembered(
    api: Api, staff: httpx.AsyncClient, shelf: PictureShelf, image: str, status: int, code: str
) -> None:
    shelf.away.add("away.example")
    shelf.pictures["https://shop.example/busy.png"] = picture(plain=False)
    shelf.pictures["https://shop.example/text.png"] = b"%PDF-1.7 not a picture at all"
    address = await made(staff, images=[image])
    told = refused(await staff.post(address), status, code)
    await api.consistency.fold()
    seen = ok(await staff.get(address.removesuffix("/overlay")))["overlayRefusal"]
    assert (seen["code"], seen["reason"], seen["picture"]) == (code, told["detail"], image)
    assert (seen["retryAt"] is not None) == (code == "picture-unreachable")


async def test_imaging_that_does_not_come_back_is_a_refusal(
    staff: httpx.AsyncClient, imaging: Imaging
) -> None:
    imaging.failure = Unavailable("Imaging took longer than 30 seconds.")
    refused(await staff.post(await made(staff)), 422, "imaging-unavailable")


async def test_a_piece_that_is_not_worn_has_no_usual_width(staff: httpx.AsyncClient) -> None:
    address = await made(staff, productType="coin", widthMm=None)
    refused(await staff.post(address), 422, "not-wearable")


async def test_customers_may_not_have_pictures_fetched(
    api: Api, staff: httpx.AsyncClient, shelf: PictureShelf
) -> None:
    address = await made(staff)
    assert (await (await api.customer()).client.post(address)).status_code == 403
    assert (await api.client.post(address)).status_code == 401
    assert shelf.fetched == []


async def test_there_is_no_overlay_of_no_product(staff: httpx.AsyncClient) -> None:
    assert (await staff.post(f"/api/products/{'0' * 24}/overlay")).status_code == 404


# --- Corrected by hand ---------------------------------------------------------------------------


async def test_what_is_left_out_of_a_correction_stays(staff: httpx.AsyncClient) -> None:
    address = await made(staff, widthMm=None)
    before = ok(await staff.post(address))["overlay"]
    after = ok(await staff.put(address, json={"widthMm": 60}))["overlay"]
    assert (after["source"], after["widthEstimated"]) == ("staff", False)
    assert after["pxPerMm"] == pytest.approx(before["pxPerMm"] * 2, rel=0.001)
    assert (after["anchors"], after["picture"]) == (before["anchors"], before["picture"])
    anchors = {"left": {"x": 10, "y": 5}, "right": {"x": 250, "y": 5}}
    moved = ok(await staff.put(address, json={"anchors": anchors}))["overlay"]
    assert (moved["anchors"], moved["pxPerMm"]) == (anchors, 4)


async def test_corrected_ends_do_not_make_an_estimated_width_measured(
    staff: httpx.AsyncClient,
) -> None:
    address = await made(staff, widthMm=None)
    ok(await staff.post(address))
    anchors = {"left": {"x": 10, "y": 5}, "right": {"x": 250, "y": 5}}
    assert ok(await staff.put(address, json={"anchors": anchors}))["overlay"]["widthEstimated"]


async def test_a_first_overlay_must_be_whole(staff: httpx.AsyncClient) -> None:
    answer = await staff.put(await made(staff), json={"widthMm": 100})
    assert "height, image, width" in refused(answer, 422, "overlay-incomplete")["detail"]


@pytest.mark.parametrize(
    "name",
    ["my necklace.png", "a.png", "../../photos/a.png", f"{'0' * 32}.jpg", f"{'0' * 32}.png"],
)
async def test_an_overlay_picture_has_a_name_of_ours_and_is_there(
    api: Api, staff: httpx.AsyncClient, name: str
) -> None:
    """The last one could be ours, and was never stored."""
    address = await made(staff)
    image = f"object:overlays/{address.split('/')[3]}/{name}"
    body = {"image": image, "width": 8, "height": 8, "widthMm": 10}
    refused(await staff.put(address, json=body), 422, "overlay-picture")
    if name == f"{'0' * 32}.png":
        key = image.removeprefix("object:")
        await api.services.objects.put(key, b"x", content_type="image/png")
        assert ok(await staff.put(address, json=body))["overlay"]["widthMm"] == 10


async def test_a_name_that_an_old_event_holds_spoils_no_list(
    api: Api, staff: httpx.AsyncClient
) -> None:
    address = await made(staff)
    product_id = address.split("/")[3]
    old = Overlay(
        image=f"object:overlays/{product_id}/my necklace.png",
        width=8,
        height=8,
        width_mm=10,
        px_per_mm=1,
    )
    await run(
        partial(give_overlay, product_id, old),
        system_context("SetOverlay", correlation="old"),
        api.store,
        claims_key=api.services.keyring.claims,
        clock=api.services.clock,
    )
    await api.consistency.fold()
    (shown,) = ok(await staff.get("/api/products"))
    assert shown["overlay"]["image"] == ""
    with pytest.raises(NotFound):
        await overlay_bytes(old.image, api.services)


@pytest.mark.parametrize(
    "image",
    [
        "/media/demo/nothing-like-it.png",
        "/media/demo/../catalogue.csv",
        "/media/demo/",
        "object:photos/65f0000000000000000000c1/me.jpg",
        "object:overlays/65f0000000000000000000ff/a.png",
        "object:overlays/65f0000000000000000000ff/../../photos/a.jpg",
        "https://shop.example/haar.png",
        "/etc/passwd",
    ],
)
async def test_no_other_object_of_ours_becomes_an_overlay(
    staff: httpx.AsyncClient, image: str
) -> None:
    """Overlays are shown to everybody; photographs are not."""
    body = {"image": image, "width": 8, "height": 8, "widthMm": 10}
    refused(await staff.put(await made(staff), json=body), 422, "overlay-picture")


async def test_a_picture_that_it_has_may_be_named_again(api: Api, staff: httpx.AsyncClient) -> None:
    address = await made(staff)
    ok(await staff.post(address))
    product: Product = await api.services.store.load(Product, address.split("/")[3])
    assert product.overlay is not None
    body = {"image": product.overlay.image, "widthMm": 80}
    assert ok(await staff.put(address, json=body))["overlay"]["picture"]["url"] == FIRST


async def test_a_given_scale_counts_more_than_a_computed_one(staff: httpx.AsyncClient) -> None:
    body = {"image": "/media/demo/pearl-strand.png", "width": 8, "height": 8, "widthMm": 10}
    address = await made(staff)
    assert ok(await staff.put(address, json=body))["overlay"]["pxPerMm"] == pytest.approx(0.8)
    assert ok(await staff.put(address, json={"pxPerMm": 0.5}))["overlay"]["pxPerMm"] == 0.5
