"""What is handed out from the shelf is what the kitchen would make."""

import time
from typing import Any, cast

import pytest
from pymongo.errors import AutoReconnect

import shop_window
from projections.product_changes import CHANGING, COUNTING
from shop_window import HANDED_OUT, ShopWindow
from tests.api import Api
from tests.buying import manager, ok
from tests.fakes import MemoryShelf

PATHS = (
    "/api/products",
    "/api/products?limit=2&sort=price",
    "/api/products/category/gold",
    "/api/products/search?q=haar",
    "/api/products/featured",
)
HAAR = {"name": "Rani Haar", "price": 320000, "category": "Gold", "quantity": 3}


def from_shelf() -> float:
    return float(HANDED_OUT.labels("shelf")._value.get())


async def shown(api: Api, path: str) -> tuple[bool, Any]:
    """Whether it lay ready, and what was shown."""
    before = from_shelf()
    answer = await api.client.get(path)
    return from_shelf() > before, answer.json()


async def product(api: Api, **changes: Any) -> tuple[Any, Any]:
    staff = await manager(api)
    return staff, ok(await staff.client.post("/api/products", json=HAAR | changes), 201)


@pytest.mark.parametrize("path", PATHS)
async def test_the_second_visitor_gets_the_same_from_the_shelf(api: Api, path: str) -> None:
    await product(api)
    first, second = await api.client.get(path), await api.client.get(path)
    assert (first.status_code, first.content) == (second.status_code, second.content)
    own = {"x-request-id"}
    kept = [{n: v for n, v in a.headers.items() if n not in own} for a in (first, second)]
    assert kept[0] == kept[1]
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert (await shown(api, path))[0]


def window_of(api: Api) -> ShopWindow:
    layer: Any = api.app.middleware_stack
    while not isinstance(layer, ShopWindow):
        layer = getattr(layer, "app", None) or layer._app
    return layer


def as_in_another_process(api: Api) -> None:
    """Which has made nothing yet, and has the same shelf."""
    window_of(api)._ready.clear()


@pytest.mark.parametrize("path", PATHS)
async def test_what_another_process_has_made_is_handed_out_too(api: Api, path: str) -> None:
    await product(api)
    first = await api.client.get(path)
    as_in_another_process(api)
    is_ready, answer = await shown(api, path)
    assert (is_ready, answer) == (True, first.json())
    again = await api.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


async def test_what_another_process_made_before_a_change_is_not_handed_out(api: Api) -> None:
    staff, made = await product(api)
    path = f"/api/products/{made['id']}"
    await shown(api, path)
    as_in_another_process(api)
    change = {"price": 330000}
    ok(await staff.client.patch(path, json=change, headers={"If-Match": "*"}))
    is_ready, answer = await shown(api, path)
    assert (is_ready, answer["data"]["price"]) == (False, 330000)


async def test_the_age_of_an_answer_goes_with_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await product(api)
    await shown(api, "/api/products")
    as_in_another_process(api)
    later = time.time() + shop_window.LONGEST_SECONDS + 1
    monkeypatch.setattr("shop_window.time.time", lambda: later)
    assert not (await shown(api, "/api/products"))[0]


async def test_a_shelf_that_is_away_or_holds_rubbish_does_no_harm(api: Api) -> None:
    await product(api)
    shelf = cast("MemoryShelf", api.services.shelf)
    for rubbish in (b"", b"{}", b"[]\n", b'{"headers": 1}\n', b"\xff\n"):
        as_in_another_process(api)
        shelf.laid = {b"/api/products?": (rubbish, float("inf"))}
        assert (await shown(api, "/api/products"))[1]["pagination"]["total"] == 1
    shelf.away = True
    as_in_another_process(api)
    assert not (await shown(api, "/api/products"))[0]


async def test_a_change_is_shown_at_once(api: Api) -> None:
    staff, made = await product(api)
    path = f"/api/products/{made['id']}"
    await shown(api, path)
    assert (await shown(api, path))[0]
    change = {"price": 330000}
    headers = {"If-Match": "*"}
    ok(await staff.client.patch(path, json=change, headers=headers))
    for each in (path, "/api/products"):
        is_ready, answer = await shown(api, each)
        data = answer["data"]
        assert not is_ready
        assert (data[0] if isinstance(data, list) else data)["price"] == 330000


async def test_a_new_product_is_in_the_list_at_once(api: Api) -> None:
    await product(api)
    assert (await shown(api, "/api/products"))[1]["pagination"]["total"] == 1
    await product(api, name="Jhumka")
    assert (await shown(api, "/api/products"))[1]["pagination"]["total"] == 2


async def test_what_is_left_of_a_piece_may_be_shown_a_moment_late(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, made = await product(api)
    path = f"/api/products/{made['id']}"
    await shown(api, path)
    api.consistency._changes.note(COUNTING, api.consistency.position + 1)
    assert (await shown(api, path))[0]
    monkeypatch.setattr(shop_window, "LATE_SECONDS", 0.0)
    assert not (await shown(api, path))[0]


async def test_who_signs_in_or_names_a_state_is_never_served_from_the_shelf(api: Api) -> None:
    staff, made = await product(api)
    path = f"/api/products/{made['id']}"
    await shown(api, path)
    before = from_shelf()
    answer = await staff.client.get(path)
    assert "overlayRefusal" in ok(answer)
    await api.client.get(path, headers={"Consistency-Token": "p1"})
    assert from_shelf() == before


async def test_a_known_version_is_not_sent_again(api: Api) -> None:
    _, made = await product(api)
    path = f"/api/products/{made['id']}"
    first = await api.client.get(path)
    again = await api.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]


@pytest.mark.parametrize("path", PATHS)
async def test_a_list_that_has_not_changed_is_not_sent_again(api: Api, path: str) -> None:
    await product(api)
    first = await api.client.get(path)
    again = await api.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["Cache-Control"] == first.headers["Cache-Control"]


async def test_the_last_piece_that_goes_makes_another_version_of_the_page(api: Api) -> None:
    """The product's own version, which If-Match names, stays: its stock is another stream."""
    staff, made = await product(api)
    path = f"/api/products/{made['id']}"
    first = await api.client.get(path)
    ok(await staff.client.put(f"{path}/stock", json={"onHand": 0}))
    again = await api.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, ok(again)["inStock"]) == (200, False)
    assert ok(again)["version"] == made["version"]


async def test_what_staff_see_is_kept_by_nobody(api: Api) -> None:
    staff, made = await product(api)
    answer = await staff.client.get(f"/api/products/{made['id']}")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["ETag"] == f'"v{made["version"]}"'


async def test_what_is_not_there_is_not_kept(api: Api) -> None:
    await shown(api, "/api/products/65f000000000000000000001")
    assert not (await shown(api, "/api/products/65f000000000000000000001"))[0]


async def test_the_oldest_leave_when_the_shelf_is_full(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await product(api)
    cast("MemoryShelf", api.services.shelf).away = True
    size = len((await api.client.get("/api/products?limit=1")).content)
    monkeypatch.setattr(shop_window, "MOST_BYTES", int(size * 2.5))
    for limit in (1, 2, 3):
        await shown(api, f"/api/products?limit={limit}")
    assert not (await shown(api, "/api/products?limit=1"))[0]
    assert (await shown(api, "/api/products?limit=3"))[0]


def test_every_event_of_a_product_and_its_stock_makes_what_is_kept_old() -> None:
    assert {"ProductChanged", "ProductArchived", "StockCounted", "StockOpened"} <= CHANGING
    assert {"StockReserved", "StockReleased", "StockCommitted", "StockDispatched"} == COUNTING


NAMED = {"Consistency-Token": "p1"}


@pytest.mark.parametrize("path", [*PATHS, "/api/products?category=Gold&minPrice=5"])
async def test_an_address_that_was_read_once_is_answered_alike_without_reading_it_again(
    api: Api, path: str
) -> None:
    staff, made = await product(api)
    by_routing = await api.client.get(path, headers=NAMED)
    assert any(path.encode() in known for known in window_of(api)._recipes) == ("?q=" not in path)
    again = await api.client.get(path, headers=NAMED)
    own = {"x-request-id"}
    kept = [{n: v for n, v in a.headers.items() if n not in own} for a in (by_routing, again)]
    assert (kept[0], by_routing.content) == (kept[1], again.content)
    change = {"price": 330000}
    headers = {"If-Match": "*"}
    ok(await staff.client.patch(f"/api/products/{made['id']}", json=change, headers=headers))
    changed = (await api.client.get(path, headers=NAMED)).json()["data"]
    assert [each["price"] for each in changed] == [330000] * len(again.json()["data"])


async def test_a_piece_that_was_put_away_is_gone_for_who_had_its_address(api: Api) -> None:
    staff, made = await product(api)
    path = f"/api/products/{made['id']}"
    first, again = [await api.client.get(path, headers=NAMED) for _ in range(2)]
    assert first.headers["ETag"] == again.headers["ETag"] == f'"v{made["version"]}"'
    ok(await staff.client.delete(path, headers={"If-Match": "*"}))
    for headers in (NAMED, {}):
        gone = await api.client.get(path, headers=headers)
        assert (gone.status_code, gone.json()["code"]) == (404, "not-found")
    assert path.encode() + b"?" not in window_of(api)._recipes


@pytest.mark.parametrize(("token", "status"), [("p999999", 503), ("rubbish", 422), ("p" * 81, 422)])
async def test_a_state_that_is_not_reached_is_waited_for_at_a_known_address_too(
    api: Api, token: str, status: int
) -> None:
    await product(api)
    await api.client.get("/api/products", headers=NAMED)
    refused = await api.client.get("/api/products", headers={"Consistency-Token": token})
    assert refused.status_code == status


async def test_as_many_addresses_are_known_as_there_is_room_for(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop_window, "MOST_RECIPES", 2)
    for limit in (1, 2, 3):
        await api.client.get(f"/api/products?limit={limit}", headers=NAMED)
    assert list(window_of(api)._recipes) == [b"/api/products?limit=2", b"/api/products?limit=3"]


@pytest.mark.parametrize("headers", [NAMED, {}])
async def test_a_database_that_is_away_is_told_at_a_known_address_as_anywhere(
    api: Api, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    await product(api)
    await api.client.get("/api/products", headers=NAMED)
    assert b"/api/products?" in window_of(api)._recipes

    async def away(*_: Any, **__: Any) -> Any:
        raise AutoReconnect("connection refused")

    monkeypatch.setattr("dependencies.lists.PageOfList.find_raw", away)
    refused = await api.client.get("/api/products", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")


async def test_an_address_of_great_length_is_not_learnt(api: Api) -> None:
    await api.client.get("/api/products?nothing=" + "x" * 2_000, headers=NAMED)
    assert not window_of(api)._recipes
