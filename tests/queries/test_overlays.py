"""Who sees what of overlays: staff how they came about and why there is none, customers what fits."""

from typing import Any

import pytest

from tests.api import Api
from tests.buying import manager, ok, refused
from tests.cutting import HAAR, picture, rounds, with_cutting
from tests.trying_on import photographed, with_studio

PICTURES = {
    "Plain": "https://shop.example/plain.png",
    "Guessed": "https://shop.example/guessed.png",
    "Busy": "https://shop.example/busy.png",
    "Untried": "/media/demo/none.png",
}


@pytest.fixture
async def shown(api: Api) -> dict[str, str]:
    """Products of every fate, by name."""
    shelf, _ = with_cutting(api)
    for name, url in PICTURES.items():
        shelf.pictures[url] = picture(plain=name != "Busy")
    person = await manager(api)
    made = {}
    for name, url in PICTURES.items():
        changes = {"name": name, "images": [url]} | ({"widthMm": None} if name == "Guessed" else {})
        made[name] = ok(await person.client.post("/api/products", json=HAAR | changes), 201)["id"]
    ok(await person.client.post("/api/products", json=HAAR | {"productType": "coin"}), 201)
    await rounds(api)
    return made


@pytest.mark.parametrize(
    ("status", "names"),
    [("refused", ["Busy"]), ("estimated", ["Guessed"]), ("missing", ["Untried"])],
)
async def test_staff_list_what_needs_their_attention(
    api: Api, shown: dict[str, str], status: str, names: list[str]
) -> None:
    client = (await manager(api)).client
    answer = await client.get("/api/products/overlays", params={"status": status})
    assert [product["name"] for product in ok(answer)] == names
    assert answer.json()["pagination"]["total"] == 1
    assert set(names) <= shown.keys()


async def test_the_lists_are_paged_and_leave_out_what_is_archived(
    api: Api, shown: dict[str, str]
) -> None:
    client = (await manager(api)).client
    answer = await client.get("/api/products/overlays", params={"limit": 1, "page": 2})
    assert ok(answer) == []
    ok(await client.delete(f"/api/products/{shown['Busy']}"))
    assert ok(await client.get("/api/products/overlays")) == []


async def test_only_catalogue_managers_see_the_lists(api: Api) -> None:
    assert (await api.client.get("/api/products/overlays")).status_code == 401
    customer = await api.customer()
    assert (await customer.client.get("/api/products/overlays")).status_code == 403
    wrong = await (await manager(api)).client.get("/api/products/overlays?status=all")
    assert wrong.status_code == 422


async def test_customers_see_what_fits_and_no_more(api: Api, shown: dict[str, str]) -> None:
    for client in (api.client, (await api.customer()).client):
        plain: dict[str, Any] = ok(await client.get(f"/api/products/{shown['Plain']}"))
        assert plain["tryOn"] == {"available": True}
        assert set(plain["overlay"]) == {
            "image",
            "width",
            "height",
            "widthMm",
            "pxPerMm",
            "anchors",
        }
        busy = ok(await client.get(f"/api/products/{shown['Busy']}"))
        assert (busy["tryOn"], busy["overlay"]) == ({"available": False}, None)
        listed = ok(await client.get("/api/products"))
        assert not [p for p in [plain, busy, *listed] if "overlayRefusal" in p]
        assert not [p for p in listed if p["overlay"] and "source" in p["overlay"]]


async def test_only_staff_are_told_why_a_piece_cannot_be_tried_on(
    api: Api, shown: dict[str, str]
) -> None:
    with_studio(api)
    customer, staff = await api.customer(), await manager(api)
    details = []
    for person in (customer, staff):
        image = await photographed(api, person)
        body = {"productId": shown["Busy"], "userImageId": image["id"]}
        answer = await person.client.post("/api/try-on/create", json=body)
        details.append(refused(answer, 422, "product-has-no-overlay")["detail"])
    assert details[0] == "Busy cannot be tried on: it has no overlay picture"
    assert details[1].startswith(details[0])
    assert "the backdrop is not plain" in details[1]


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ({"_pictureDue": {"$type": "date"}}, "_pictureDue"),
        ({"overlayRefusal.at": {"$type": "date"}}, "overlayRefusal.at"),
        ({"overlay.widthEstimated": True}, "updatedAt"),
    ],
)
async def test_the_lists_do_not_read_the_whole_catalogue(
    api: Api, query: dict[str, Any], order: str
) -> None:
    products = api.services.read_models["products"]
    found = products.find({"status": "active", **query}).sort([(order, -1)])
    assert "COLLSCAN" not in str((await found.explain())["queryPlanner"]["winningPlan"])
