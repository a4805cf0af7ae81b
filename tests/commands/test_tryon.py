"""Try-on over HTTP: asked for, moved, kept, shared with anybody, taken back."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymongo.asynchronous.database import AsyncDatabase

from commands.reactions.picturing import requested_try_on_is_rendered
from dependencies.limits import RATES
from domain import albums
from tests.api import Api, Person, open_api
from tests.buying import ok, on_sale, react, refused
from tests.trying_on import (
    objects,
    photographed,
    tried_on,
    upload,
    wearable,
    with_studio,
    work,
)

UNKNOWN = "0" * 24


async def ready(api: Api) -> tuple[Person, dict[str, Any]]:
    """Somebody with a result."""
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    image = await photographed(api, person)
    return person, await tried_on(api, person, image, product)


def as_json(shared: dict[str, Any]) -> str:
    """What a shared link's page shows, for a front end."""
    return "/api" + httpx.URL(shared["shareUrl"]).path


def address_of(result: dict[str, Any]) -> str:
    return f"/api/try-on/results/{result['id']}"


async def test_a_result_is_asked_for_and_rendered(api: Api) -> None:
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    image = await photographed(api, person)
    body = {"productId": product["id"], "userImageId": image["id"]}
    answer = await person.client.post("/api/try-on/create", json=body)
    asked = ok(answer, 201)
    assert (asked["status"], asked["resultImageUrl"]) == ("processing", "")
    assert answer.headers["Location"] == address_of(asked)
    await work(api)
    result = ok(await person.client.get(answer.headers["Location"]))
    assert (result["status"], result["width"], result["height"]) == ("ready", 60, 80)
    assert (result["productName"], result["userId"]) == ("Gold Pearl Necklace", person.id)
    picture = await api.client.get(result["resultImageUrl"])
    assert picture.headers["content-type"] == "image/jpeg"


async def test_it_may_be_asked_for_before_the_photograph_was_looked_at(api: Api) -> None:
    studio = with_studio(api)
    person, product = await api.customer(), await wearable(api)
    image = ok(await upload(person), 201)
    body = {"productId": product["id"], "userImageId": image["id"]}
    result = ok(await person.client.post("/api/try-on/create", json=body), 201)
    await react(api, requested_try_on_is_rendered)
    assert studio.asked == ["prepare_photo", "analyse_photo", "render_pieces"]
    assert ok(await person.client.get(address_of(result)))["status"] == "ready"


async def test_what_cannot_be_worn_or_is_not_there_is_refused(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    image, bare, worn = await photographed(api, person), await on_sale(api), await wearable(api)

    async def asked(product_id: str, image_id: str) -> Any:
        body = {"productId": product_id, "userImageId": image_id}
        return await person.client.post("/api/try-on/create", json=body)

    refused(await asked(bare["id"], image["id"]), 422, "product-has-no-overlay")
    refused(await asked(UNKNOWN, image["id"]), 404, "not-found")
    refused(await asked(worn["id"], UNKNOWN), 404, "not-found")
    admin = await api.admin()
    await admin.client.delete(f"/api/products/{worn['id']}", headers={"If-Match": "*"})
    refused(await asked(worn["id"], image["id"]), 404, "not-found")


async def test_anothers_photograph_is_not_there(api: Api) -> None:
    with_studio(api)
    image, product = await photographed(api, await api.customer()), await wearable(api)
    stranger = await api.customer()
    body = {"productId": product["id"], "userImageId": image["id"]}
    refused(await stranger.client.post("/api/try-on/create", json=body), 404, "not-found")


@pytest.mark.parametrize(
    "adjustments",
    [{"scale": 9}, {"rotation": 181}, {"shadow": 2}, {"position": {"x": 1e9}}, {"size": 1}],
)
async def test_adjustments_have_bounds(api: Api, adjustments: dict[str, Any]) -> None:
    body = {"productId": UNKNOWN, "userImageId": UNKNOWN, "adjustments": adjustments}
    person = await api.customer()
    refused(await person.client.post("/api/try-on/create", json=body), 422, "invalid")


async def test_what_is_left_out_of_an_adjustment_stays(api: Api) -> None:
    person, result = await ready(api)
    first = {"adjustments": {"scale": 1.5, "position": {"x": 3, "y": -4}}}
    ok(await person.client.put(address_of(result), json=first))
    second = {"adjustments": {"rotation": 10}}
    adjusted = ok(await person.client.put(address_of(result), json=second))["adjustments"]
    assert (adjusted["scale"], adjusted["rotation"]) == (1.5, 10)
    assert adjusted["position"] == {"x": 3, "y": -4}


async def test_a_chosen_face_may_be_left_to_the_shop_again(api: Api) -> None:
    person, result = await ready(api)

    async def face_after(**adjustments: Any) -> Any:
        body = {"adjustments": adjustments}
        return ok(await person.client.put(address_of(result), json=body))["adjustments"]["face"]

    assert await face_after(face=1) == 1
    assert await face_after(scale=2) == 1
    assert await face_after(face=None) is None


async def test_an_adjusted_result_is_rendered_again(api: Api) -> None:
    person, result = await ready(api)
    answer = await person.client.put(address_of(result), json={"adjustments": {"scale": 2}})
    adjusted = ok(answer)
    assert (adjusted["status"], adjusted["revision"]) == ("processing", 2)
    await work(api)
    again = ok(await person.client.get(address_of(result)))
    assert again["status"] == "ready"
    pictures = [(await api.client.get(r["resultImageUrl"])).content for r in (result, again)]
    assert pictures[0] != pictures[1]


async def test_the_same_adjustment_again_renders_nothing(api: Api) -> None:
    person, result = await ready(api)
    for _ in range(2):
        ok(await person.client.put(address_of(result), json={"adjustments": {"scale": 2}}))
    assert (await api.topics()).count("TryOnAdjusted") == 1


async def test_a_face_that_was_not_found_cannot_be_chosen(api: Api) -> None:
    person, result = await ready(api)
    body = {"productId": result["productId"], "userImageId": result["userImageId"]}
    for face, status in ((1, 201), (2, 422)):
        wanted = body | {"adjustments": {"face": face}}
        answer = await person.client.post("/api/try-on/create", json=wanted)
        assert answer.status_code == status
    assert answer.json()["code"] == "no-such-face"
    adjusted = await person.client.put(address_of(result), json={"adjustments": {"face": 2}})
    refused(adjusted, 422, "no-such-face")
    assert "TryOnAdjusted" not in await api.topics()


async def test_a_saved_result_does_not_expire(api: Api) -> None:
    person, result = await ready(api)
    assert result["expiresAt"] is not None
    for _ in range(2):
        saved = ok(await person.client.post(f"{address_of(result)}/save"))
        assert (saved["saved"], saved["expiresAt"]) == (True, None)
    assert (await api.topics()).count("TryOnSaved") == 1


async def test_so_many_results_are_saved_until_one_is_deleted(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(albums, "MAX_SAVED", 1)
    person, result = await ready(api)
    wanted = {"productId": result["productId"], "userImageId": result["userImageId"]}
    another = ok(await person.client.post("/api/try-on/create", json=wanted), 201)
    ok(await person.client.post(f"{address_of(result)}/save"))
    refused(await person.client.post(f"{address_of(another)}/save"), 409, "quota-exceeded")
    assert (await person.client.delete(address_of(result))).status_code == 204
    ok(await person.client.post(f"{address_of(another)}/save"))
    image = f"/api/images/{result['userImageId']}"
    assert (await person.client.delete(image)).status_code == 204
    assert (await api.topics()).count("ResultsReleased") == 2


async def test_a_link_shows_the_picture_and_nothing_of_the_person(api: Api) -> None:
    person, result = await ready(api)
    shared = ok(await person.client.post(f"{address_of(result)}/share"))
    answer = await api.client.get(as_json(shared))
    seen = ok(answer)
    assert seen.keys() == {"resultImageUrl", "productId", "productName", "expiresAt"}
    picture = httpx.URL(seen["resultImageUrl"]).path
    assert (await api.client.get(picture)).status_code == 200
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert person.id not in answer.text
    ok(await person.client.delete(f"{address_of(result)}/share"))
    refused(await api.client.get(picture), 410, "link-gone")


async def test_a_second_share_keeps_the_link(api: Api) -> None:
    person, result = await ready(api)
    links = [
        ok(await person.client.post(f"{address_of(result)}/share"))["shareUrl"] for _ in range(2)
    ]
    assert links[0] == links[1]


async def test_the_days_that_a_link_shall_hold_are_moved_once_when_they_are_named(api: Api) -> None:
    person, result = await ready(api)

    async def share(**body: int) -> tuple[str, str]:
        shown = ok(await person.client.post(f"{address_of(result)}/share", json=body))
        return shown["shareUrl"], shown["shareExpiresAt"]

    link, ends = await share()
    moved = [await share(expiresInDays=1) for _ in range(2)]
    assert moved[0] == moved[1] == await share()
    assert moved[0][0] == link
    assert moved[0][1] < ends
    assert (await api.topics()).count("TryOnShared") == 2


async def test_a_link_ends_with_its_time_or_when_it_is_withdrawn(api: Api) -> None:
    person, result = await ready(api)
    days = {"expiresInDays": 2}
    first = ok(await person.client.post(f"{address_of(result)}/share", json=days))
    for _ in range(2):
        withdrawn = ok(await person.client.delete(f"{address_of(result)}/share"))
        assert (withdrawn["shared"], withdrawn["shareUrl"]) == (False, "")
    refused(await api.client.get(as_json(first)), 410, "link-gone")
    second = ok(await person.client.post(f"{address_of(result)}/share", json=days))
    assert second["shareUrl"] != first["shareUrl"]
    api.clock.ahead += timedelta(days=2, minutes=1)
    refused(await api.client.get(as_json(second)), 410, "link-gone")


async def test_a_link_that_ended_may_be_made_anew(api: Api) -> None:
    person, result = await ready(api)
    first = ok(await person.client.post(f"{address_of(result)}/share", json={"expiresInDays": 1}))
    api.clock.ahead += timedelta(days=1, minutes=1)
    body = {"identifier": person.email, "password": "three old maps of Jaipur"}
    tokens = ok(await api.client.post("/api/auth/login", json=body))
    headers = {"Authorization": f"Bearer {tokens['accessToken']}"}
    again = await api.client.post(f"{address_of(result)}/share", headers=headers)
    assert ok(again)["shareUrl"] != first["shareUrl"]


async def test_what_is_not_rendered_cannot_be_shared(api: Api) -> None:
    person, result = await ready(api)
    ok(await person.client.put(address_of(result), json={"adjustments": {"scale": 2}}))
    refused(await person.client.post(f"{address_of(result)}/share"), 409, "not-ready")


async def test_a_guessed_link_shows_nothing(api: Api) -> None:
    for token in ("x", "a" * 32, "%00", "é" * 3):
        refused(await api.client.get(f"/api/share/{token}"), 410, "link-gone")
        assert (await api.client.get(f"/share/{token}")).status_code == 410


async def test_a_deleted_result_takes_picture_and_link_with_it(api: Api) -> None:
    person, result = await ready(api)
    shared = ok(await person.client.post(f"{address_of(result)}/share"))
    assert (await person.client.delete(address_of(result))).status_code == 204
    await work(api)
    refused(await person.client.get(address_of(result)), 404, "not-found")
    refused(await api.client.get(result["resultImageUrl"]), 404, "not-found")
    refused(await api.client.get(as_json(shared)), 410, "link-gone")
    assert await objects(api, "results/") == []
    refused(await person.client.delete(address_of(result)), 404, "not-found")


async def test_a_foreign_result_is_not_there(api: Api) -> None:
    _, result = await ready(api)
    stranger, address = await api.customer(), address_of(result)
    body = {"adjustments": {"scale": 2}}
    for answer in (
        await stranger.client.get(address),
        await stranger.client.put(address, json=body),
        await stranger.client.post(f"{address}/save"),
        await stranger.client.post(f"{address}/share"),
        await stranger.client.delete(f"{address}/share"),
        await stranger.client.delete(address),
        await stranger.client.delete(f"/api/try-on/results/{UNKNOWN}"),
        await stranger.client.post("/api/try-on/results/nonsense/save"),
    ):
        refused(answer, 404, "not-found")


async def test_several_pieces_are_worn_at_once(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    image = await photographed(api, person)
    pieces = [await wearable(api, name=f"Piece {number}") for number in range(2)]
    more = [pieces[1]["id"]]
    result = await tried_on(api, person, image, pieces[0], moreProductIds=more)
    assert result["productIds"] == [piece["id"] for piece in pieces]
    many = {"productId": UNKNOWN, "userImageId": UNKNOWN, "moreProductIds": [UNKNOWN] * 4}
    refused(await person.client.post("/api/try-on/create", json=many), 422, "invalid")


# --- Limits of rate ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "rate"),
    [
        ("PUT", f"/api/try-on/results/{UNKNOWN}", "adjust"),
        ("DELETE", f"/api/try-on/results/{UNKNOWN}", "write"),
        ("DELETE", f"/api/images/{UNKNOWN}", "write"),
    ],
)
async def test_moving_and_deleting_are_counted(
    database: AsyncDatabase[dict[str, Any]], tmp_path: Path, method: str, path: str, rate: str
) -> None:
    async with open_api(database, tmp_path, rate_limits=True) as api:
        person = await api.customer()
        json: dict[str, Any] | None = {"adjustments": {}} if method == "PUT" else None
        for _ in range(RATES[rate].limit):
            refused(await person.client.request(method, path, json=json), 404, "not-found")
        last = await person.client.request(method, path, json=json)
        refused(last, 429, "too-many-requests")


# --- Double clicks -------------------------------------------------------------------------------


async def test_a_doubled_request_for_a_picture_makes_one(api: Api) -> None:
    person, result = await ready(api)
    body = {"productId": result["productId"], "userImageId": result["userImageId"]}
    key = {"Idempotency-Key": "click-1"}

    async def click(**changes: Any) -> httpx.Response:
        return await person.client.post("/api/try-on/create", json=body | changes, headers=key)

    answers = await asyncio.gather(*(click() for _ in range(4)))
    assert len({ok(answer, 201)["id"] for answer in answers}) == 1
    assert (await api.topics()).count("TryOnRequested") == 2
    again = await click()
    assert again.headers["Idempotent-Replayed"] == "true"
    other = await click(adjustments={"scale": 2})
    refused(other, 422, "idempotency-key-reused")


async def test_a_doubled_adjustment_counts_once_also_after_another_one(api: Api) -> None:
    """The first request comes again, late, when the piece has been moved on."""
    person, result = await ready(api)

    async def move(scale: float, key: str) -> dict[str, Any]:
        body = {"adjustments": {"scale": scale}}
        headers = {"Idempotency-Key": key}
        answer = await person.client.put(address_of(result), json=body, headers=headers)
        adjusted: dict[str, Any] = ok(answer)
        return adjusted

    await move(2, "a")
    await move(3, "b")
    late = await move(2, "a")
    assert (late["revision"], late["adjustments"]["scale"]) == (3, 3)
    assert (await api.topics()).count("TryOnAdjusted") == 2


@pytest.mark.parametrize(("step", "topic"), [("save", "TryOnSaved"), ("share", "TryOnShared")])
async def test_save_and_share_act_once_for_many_clicks(api: Api, step: str, topic: str) -> None:
    person, result = await ready(api)
    headers = {"Idempotency-Key": "click"}

    async def click() -> dict[str, Any]:
        answer = await person.client.post(f"{address_of(result)}/{step}", headers=headers)
        shown: dict[str, Any] = ok(answer)
        return shown

    answers = await asyncio.gather(*(click() for _ in range(4)))
    assert len({answer["shareUrl"] for answer in answers}) == 1
    assert (await api.topics()).count(topic) == 1
    ok(await person.client.delete(f"{address_of(result)}/share"))
    assert (await click())["shared"] is False
    assert (await api.topics()).count(topic) == 1
