"""Catalogue pictures become overlays by themselves: once a version, bounded, and never over the staff's."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from commands.reactions import catalogue_pictures
from domain.errors import RuleViolation, Unavailable
from tests.api import Api
from tests.buying import manager, ok
from tests.cutting import HAAR, Imaging, picture, rounds, with_cutting
from tests.fakes import PictureShelf

FIRST = HAAR["images"][0]


@pytest.fixture
def cutting(api: Api) -> tuple[PictureShelf, Imaging]:
    shelf, imaging = with_cutting(api)
    shelf.pictures[FIRST] = picture()
    return shelf, imaging


@pytest.fixture
def shelf(cutting: tuple[PictureShelf, Imaging]) -> PictureShelf:
    return cutting[0]


@pytest.fixture
def imaging(cutting: tuple[PictureShelf, Imaging]) -> Imaging:
    return cutting[1]


async def made(api: Api, **changes: Any) -> str:
    """The address of a new product."""
    person = await manager(api)
    product = ok(await person.client.post("/api/products", json=HAAR | changes), 201)
    return f"/api/products/{product['id']}"


async def seen(api: Api, address: str) -> dict[str, Any]:
    """The product as staff see it."""
    product: dict[str, Any] = ok(await (await api.admin()).client.get(address))
    return product


async def changed(api: Api, address: str, **changes: Any) -> None:
    client = (await api.admin()).client
    ok(await client.patch(address, json=changes, headers={"If-Match": "*"}))


async def test_a_catalogue_picture_becomes_an_overlay(
    api: Api, shelf: PictureShelf, imaging: Imaging
) -> None:
    address = await made(api)
    assert await rounds(api) == 1
    overlay = (await seen(api, address))["overlay"]
    assert (overlay["source"], overlay["picture"]["url"]) == ("catalogue", FIRST)
    assert (overlay["widthMm"], overlay["widthEstimated"]) == (120, False)
    assert await rounds(api, count=3) == 0
    assert (shelf.fetched, imaging.cuts) == ([FIRST], 1)


async def test_nothing_is_fetched_unless_the_shop_is_told_to(api: Api) -> None:
    shelf, _ = with_cutting(api, fetch="false")
    await made(api)
    assert await rounds(api) == 0
    assert shelf.fetched == []


@pytest.mark.parametrize(
    "changes",
    [{"images": []}, {"images": ["/media/demo/pearl-strand.png"]}, {"productType": "coin"}],
)
async def test_what_is_not_worn_or_not_on_the_web_is_not_due(
    api: Api, shelf: PictureShelf, changes: dict[str, Any]
) -> None:
    await made(api, **changes)
    assert await rounds(api) == 0
    assert shelf.fetched == []


async def test_a_changed_picture_is_cut_anew_and_others_not(
    api: Api, shelf: PictureShelf, imaging: Imaging
) -> None:
    address = await made(api)
    await rounds(api)
    await changed(api, address, price=6000, images=[FIRST, "https://shop.example/b.png"])
    assert await rounds(api) == 0
    shelf.pictures["https://shop.example/new.png"] = picture(colour=(160, 160, 170))
    await changed(api, address, images=["https://shop.example/new.png"])
    assert await rounds(api) == 1
    overlay = (await seen(api, address))["overlay"]
    assert (overlay["picture"]["url"], imaging.cuts) == ("https://shop.example/new.png", 2)


async def test_the_same_bytes_at_another_address_are_not_cut_again(
    api: Api, shelf: PictureShelf, imaging: Imaging
) -> None:
    address = await made(api)
    await rounds(api)
    shelf.pictures["https://cdn.example/haar.png"] = shelf.pictures[FIRST]
    await changed(api, address, images=["https://cdn.example/haar.png"])
    assert await rounds(api, count=2) == 1
    overlay = (await seen(api, address))["overlay"]
    assert (overlay["picture"]["url"], imaging.cuts) == ("https://cdn.example/haar.png", 1)


async def test_what_staff_corrected_is_never_overwritten(api: Api, shelf: PictureShelf) -> None:
    address = await made(api)
    await rounds(api)
    ok(await (await api.admin()).client.put(f"{address}/overlay", json={"widthMm": 90}))
    shelf.pictures["https://shop.example/new.png"] = picture(colour=(160, 160, 170))
    await changed(api, address, images=["https://shop.example/new.png"])
    assert await rounds(api) == 0
    overlay = (await seen(api, address))["overlay"]
    assert (overlay["source"], overlay["widthMm"]) == ("staff", 90)


async def test_a_busy_picture_is_refused_once_and_for_good(
    api: Api, shelf: PictureShelf, imaging: Imaging
) -> None:
    shelf.pictures[FIRST] = picture(plain=False)
    address = await made(api)
    assert await rounds(api, count=2) == 1
    api.clock.ahead += timedelta(days=30)
    assert await rounds(api) == 0
    refusal = (await seen(api, address))["overlayRefusal"]
    assert (refusal["code"], refusal["retryAt"]) == ("product-not-cuttable", None)
    assert "plain" in refusal["reason"]
    shelf.pictures["https://shop.example/plain.png"] = picture()
    await changed(api, address, images=["https://shop.example/plain.png"])
    await rounds(api)
    product = await seen(api, address)
    assert (product["overlayRefusal"], product["tryOn"]) == (None, {"available": True})
    assert imaging.cuts == 2


async def test_a_host_that_is_away_is_asked_five_times_and_no_more(
    api: Api, shelf: PictureShelf
) -> None:
    shelf.away.add("shop.example")
    address = await made(api)
    for minutes in (0, 2, 11, 121, 721):
        api.clock.ahead += timedelta(minutes=minutes)
        assert await rounds(api, count=3) == 1
    api.clock.ahead += timedelta(days=30)
    assert await rounds(api) == 0
    refusal = (await seen(api, address))["overlayRefusal"]
    assert (refusal["code"], refusal["tries"], refusal["retryAt"]) == (
        "picture-unreachable",
        5,
        None,
    )
    assert len(shelf.fetched) == 5


async def test_a_host_that_comes_back_is_forgiven(api: Api, shelf: PictureShelf) -> None:
    shelf.away.add("shop.example")
    address = await made(api)
    await rounds(api)
    assert (await seen(api, address))["overlayRefusal"]["tries"] == 1
    shelf.away.clear()
    api.clock.ahead += timedelta(minutes=2)
    await rounds(api)
    product = await seen(api, address)
    assert (product["overlayRefusal"], product["overlay"]["source"]) == (None, "catalogue")


async def test_a_dead_host_is_asked_once_a_round_and_holds_up_no_other(
    api: Api, shelf: PictureShelf
) -> None:
    shelf.away.add("dead.example")
    dead = [await made(api, images=[f"https://dead.example/{n}.png"]) for n in range(5)]
    alive = await made(api)
    assert await rounds(api) == 6
    assert len([url for url in shelf.fetched if "dead" in url]) == 1
    assert (await seen(api, alive))["overlay"] is not None
    codes = {(await seen(api, address))["overlayRefusal"]["code"] for address in dead}
    assert codes == {"picture-unreachable"}


async def test_one_broken_answer_is_not_its_hosts(api: Api, shelf: PictureShelf) -> None:
    """The newest comes first: its host is asked for the next picture all the same."""
    next_one = await made(api)
    broken = await made(api, images=["https://shop.example/broken.png"])
    shelf.broken.add("https://shop.example/broken.png")
    assert await rounds(api) == 2
    assert (await seen(api, next_one))["overlay"] is not None
    refusal = (await seen(api, broken))["overlayRefusal"]
    assert (refusal["code"], refusal["tries"]) == ("picture-failed", 1)
    assert refusal["retryAt"] is not None


async def test_many_pictures_of_one_host_leave_room_for_others(
    api: Api, shelf: PictureShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue_pictures, "MAX_IN_ONE_ROUND", 4)
    monkeypatch.setattr(catalogue_pictures, "MAX_OF_ONE_HOST", 3)
    other = await made(api)
    for number in range(6):
        await made(api, images=[f"https://slow.example/{number}.png"])
    assert await rounds(api) == 4
    assert (await seen(api, other))["overlay"] is not None
    assert len([url for url in shelf.fetched if "slow" in url]) == 3


async def test_archived_products_wait_until_they_are_restored(api: Api) -> None:
    with_cutting(api)[0].pictures[FIRST] = picture()
    address = await made(api)
    client = (await api.admin()).client
    ok(await client.delete(address))
    assert await rounds(api) == 0
    ok(await client.post(f"{address}/restore"))
    assert await rounds(api) == 1


async def test_an_estimated_width_follows_the_product(
    api: Api, shelf: PictureShelf, imaging: Imaging
) -> None:
    assert shelf.pictures
    address = await made(api, widthMm=None)
    await rounds(api)
    before = (await seen(api, address))["overlay"]
    assert before["widthEstimated"]
    await changed(api, address, widthMm=60)
    after = (await seen(api, address))["overlay"]
    assert (after["widthMm"], after["widthEstimated"]) == (60, False)
    assert after["pxPerMm"] == pytest.approx(2 * before["pxPerMm"], rel=0.001)
    assert imaging.cuts == 1


async def test_a_width_that_staff_measured_outlives_the_picture(
    api: Api, shelf: PictureShelf
) -> None:
    address = await made(api, widthMm=None)
    ok(await (await api.admin()).client.post(f"{address}/overlay", data={"widthMm": "95"}))
    shelf.pictures["https://shop.example/new.png"] = picture(colour=(160, 160, 170))
    await changed(api, address, images=["https://shop.example/new.png"])
    assert await rounds(api) == 1
    overlay = (await seen(api, address))["overlay"]
    assert overlay["picture"]["url"] == "https://shop.example/new.png"
    assert (overlay["widthMm"], overlay["widthEstimated"]) == (95, False)


async def test_a_round_that_has_lasted_long_enough_begins_no_more(
    api: Api, shelf: PictureShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    await made(api)
    monkeypatch.setattr(catalogue_pictures, "ROUND_SECONDS", -1.0)
    assert await rounds(api) == 0
    assert shelf.fetched == []


async def test_the_stream_decides_not_the_read_model(api: Api, shelf: PictureShelf) -> None:
    """A read model that lags proposes what was done long ago."""
    await made(api)
    await rounds(api)
    due = {"$set": {"_pictureDue": api.services.clock()}}
    await api.services.read_models["products"].update_many({}, due)
    assert await rounds(api) == 0
    assert len(shelf.fetched) == 1


async def test_two_workers_cut_the_same_picture_to_one_overlay(
    api: Api, shelf: PictureShelf
) -> None:
    assert shelf.pictures
    await made(api)
    await asyncio.gather(*(rounds(api) for _ in range(2)))
    assert (await api.topics()).count("ProductOverlaySet") == 1


async def test_what_was_overtaken_while_it_was_fetched_changes_nothing(
    api: Api, shelf: PictureShelf
) -> None:
    """The staff upload one while the shop cuts its own."""
    address = await made(api)
    admin = await api.admin()

    class Slow(PictureShelf):
        async def fetch(self, url: str) -> bytes:
            ok(await admin.client.post(f"{address}/overlay", files={"file": ("a", picture())}))
            return await shelf.fetch(url)

    api.services = replace(api.services, pictures=Slow())
    await rounds(api, count=2)
    assert (await seen(api, address))["overlay"]["source"] == "staff"
    assert (await api.topics()).count("ProductOverlaySet") == 1


async def test_imaging_that_is_away_is_asked_again(api: Api, imaging: Imaging) -> None:
    address = await made(api)
    imaging.failure = Unavailable("Imaging took longer than 30 seconds.")
    await rounds(api)
    assert (await seen(api, address))["overlayRefusal"]["retryAt"] is not None


async def test_what_is_wrong_with_us_is_no_fault_of_the_picture(api: Api, imaging: Imaging) -> None:
    address = await made(api)
    imaging.failure = RuleViolation("something else")
    with pytest.raises(RuleViolation):
        await rounds(api)
    assert (await seen(api, address))["overlayRefusal"] is None


class Faulty(PictureShelf):
    """One address of it finds a fault of ours."""

    def __init__(self, shelf: PictureShelf, *, fault: Exception) -> None:
        super().__init__()
        self.pictures, self.fetched, self.fault = shelf.pictures, shelf.fetched, fault

    async def fetch(self, url: str) -> bytes:
        if url.endswith("/faulty.png"):
            self.fetched.append(url)
            raise self.fault
        return await super().fetch(url)


async def test_a_fault_at_one_picture_costs_that_picture_only(
    api: Api, shelf: PictureShelf
) -> None:
    """The newest comes first, of the same host."""
    next_one = await made(api)
    faulty = await made(api, images=["https://shop.example/faulty.png"])
    pictures = Faulty(shelf, fault=ValueError("Invalid IPv6 URL"))
    api.services = replace(api.services, pictures=pictures)
    assert await rounds(api, count=2) == 2
    assert shelf.fetched == ["https://shop.example/faulty.png", FIRST]
    assert (await seen(api, next_one))["overlay"] is not None
    refusal = (await seen(api, faulty))["overlayRefusal"]
    assert (refusal["code"], refusal["tries"]) == ("picture-failed", 1)
    assert refusal["retryAt"] is not None


async def test_what_is_wrong_with_us_holds_up_no_other_picture(
    api: Api, shelf: PictureShelf
) -> None:
    next_one = await made(api)
    faulty = await made(api, images=["https://shop.example/faulty.png"])
    pictures = Faulty(shelf, fault=RuleViolation("something else"))
    api.services = replace(api.services, pictures=pictures)
    with pytest.raises(RuleViolation):
        await rounds(api)
    await api.consistency.fold()
    assert (await seen(api, next_one))["overlay"] is not None
    assert (await seen(api, faulty))["overlayRefusal"] is None
