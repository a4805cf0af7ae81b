"""Photographs over HTTP: taken in with consent, counted, looked at again, deleted with all of theirs."""

import asyncio
from typing import Any

import pytest

from domain import albums
from domain.errors import Unavailable
from imaging.errors import ImageRefused, RefusalCode
from tests.api import Api
from tests.buying import ok, refused
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


async def test_a_photograph_is_stored_only_with_consent(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    refused(await upload(person, consent="false"), 422, "consent-required")
    without = await person.client.post("/api/images/upload", files={"file": ("me.jpg", b"x")})
    refused(without, 422, "consent-required")
    assert await objects(api) == []
    assert "ImageUploaded" not in await api.topics()


async def test_an_uploaded_photograph_is_shown_with_its_links(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    answer = await upload(person, name="../../holiday/me.jpg")
    image = ok(answer, 201)
    assert (image["fileName"], image["status"], image["userId"]) == (
        "me.jpg",
        "processing",
        person.id,
    )
    assert answer.headers["Location"] == f"/api/images/{image['id']}"
    assert ok(await person.client.get(answer.headers["Location"])) == image
    for name in ("originalUrl", "processedUrl", "thumbnailUrl", "largeUrl"):
        picture = await api.client.get(image[name])
        assert picture.headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize("name", ["", "\x07", "/", "x" * 300])
async def test_any_file_name_may_come(api: Api, name: str) -> None:
    with_studio(api)
    answer = await upload(await api.customer(), name=name or "/")
    assert 1 <= len(ok(answer, 201)["fileName"]) <= 120


async def test_the_same_photograph_twice_is_one(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    first, again = ok(await upload(person), 201), ok(await upload(person), 201)
    assert first["id"] == again["id"]
    assert (await api.topics()).count("ImageUploaded") == 1
    assert len(await objects(api)) == 4


async def test_the_same_photograph_of_two_people_is_two(api: Api) -> None:
    with_studio(api)
    pair = [ok(await upload(await api.customer()), 201)["id"] for _ in range(2)]
    assert len(set(pair)) == 2


async def test_many_uploads_of_one_photograph_at_once_are_one(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    answers = await asyncio.gather(*(upload(person) for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {201, 202}  # shown, or not yet
    assert len({answer.json()["data"]["id"] for answer in answers}) == 1
    assert len(await objects(api)) == 4


async def test_an_album_that_is_full_takes_no_more_and_keeps_no_bytes_of_it(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(albums, "MAX_PHOTOS", 2)
    with_studio(api)
    person = await api.customer()
    for number in range(2):
        ok(await upload(person, b"photograph %d" % number), 201)
    kept = await objects(api)
    refused(await upload(person, b"one too many"), 409, "quota-exceeded")
    assert await objects(api) == kept


async def test_an_album_that_is_heavy_takes_no_more(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(albums, "MAX_PHOTO_BYTES", 100)
    with_studio(api)
    person = await api.customer()
    first = ok(await upload(person, b"x" * 60), 201)
    refused(await upload(person, b"y" * 60), 409, "quota-exceeded")
    await person.client.delete(f"/api/images/{first['id']}")
    ok(await upload(person, b"y" * 60), 201)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("unsupported-type", 415),
        ("too-large", 413),
        ("unreadable-image", 400),
        ("too-many-pixels", 400),
    ],
)
async def test_what_imaging_refuses_is_told_and_not_kept(
    api: Api, code: RefusalCode, status: int
) -> None:
    with_studio(api).refusal = ImageRefused(code, "It is a drawing of a sheep.")
    problem = refused(await upload(await api.customer()), status, code)
    assert problem["detail"] == "It is a drawing of a sheep."
    assert await objects(api) == []


async def test_a_file_over_the_limit_is_refused(api: Api) -> None:
    studio = with_studio(api)
    refused(await upload(await api.customer(), b"x" * 10_000_001), 413, "too-large")
    assert studio.asked == []


async def test_a_repeated_request_is_carried_out_once(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    headers = {"Idempotency-Key": "upload-1"}

    async def send(data: bytes) -> Any:
        return await person.client.post(
            "/api/images/upload",
            files={"file": ("me.jpg", data)},
            data={"consent": "true"},
            headers=headers,
        )

    assert ok(await send(b"one"), 201)["id"] == ok(await send(b"one"), 201)["id"]
    refused(await send(b"two"), 422, "idempotency-key-reused")
    assert len(await objects(api)) == 4


async def test_another_face_is_chosen_once(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    image = await photographed(api, person)
    assert image["metadata"]["primaryFace"] == 0
    address = f"/api/images/{image['id']}/process"
    for _ in range(2):
        ok(await person.client.post(address, json={"face": 1}))
    assert (await api.topics()).count("ImageProcessingRequested") == 1
    await work(api)
    seen = ok(await person.client.get(f"/api/images/{image['id']}"))
    assert (seen["status"], seen["metadata"]["primaryFace"]) == ("ready", 1)


async def test_the_face_that_was_chosen_already_may_be_chosen(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    image = await photographed(api, person)
    ok(await person.client.post(f"/api/images/{image['id']}/process", json={"face": 0}))
    await work(api)
    assert ok(await person.client.get(f"/api/images/{image['id']}"))["status"] == "ready"


async def test_a_face_that_is_not_there_cannot_be_chosen(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    image = await photographed(api, person)
    address = f"/api/images/{image['id']}/process"
    refused(await person.client.post(address, json={"face": 2}), 422, "no-such-face")
    refused(await person.client.post(address, json={"face": -1}), 422, "invalid")


async def test_to_look_again_without_a_choice_changes_nothing(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    image = await photographed(api, person)
    answer = await person.client.post(f"/api/images/{image['id']}/process")
    assert ok(answer)["status"] == "ready"
    assert "ImageProcessingRequested" not in await api.topics()


async def test_a_foreign_photograph_is_not_there(api: Api) -> None:
    with_studio(api)
    image = await photographed(api, await api.customer())
    stranger = await api.customer()
    address = f"/api/images/{image['id']}"
    refused(await stranger.client.get(address), 404, "not-found")
    refused(await stranger.client.delete(address), 404, "not-found")
    refused(await stranger.client.post(f"{address}/process", json={"face": 1}), 404, "not-found")
    for unknown in (UNKNOWN, "nonsense"):
        refused(await stranger.client.delete(f"/api/images/{unknown}"), 404, "not-found")


async def test_a_deleted_photograph_takes_results_links_and_bytes_with_it(api: Api) -> None:
    studio = with_studio(api)
    person, product = await api.customer(), await wearable(api)
    image = await photographed(api, person)
    result = await tried_on(api, person, image, product)
    address = f"/api/try-on/results/{result['id']}"
    shared = ok(await person.client.post(f"{address}/share"))
    answer = await person.client.delete(f"/api/images/{image['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "Consistency-Token" in answer.headers
    await work(api)
    refused(await person.client.get(f"/api/images/{image['id']}"), 404, "not-found")
    refused(await person.client.get(address), 404, "not-found")
    assert (await api.client.get(shared["shareUrl"])).status_code == 410
    for link in (image["originalUrl"], result["resultImageUrl"]):
        refused(await api.client.get(link), 404, "not-found")
    assert await objects(api) == []
    assert studio.forgotten >= 1, "nor does imaging remember it"
    refused(await person.client.delete(f"/api/images/{image['id']}"), 404, "not-found")


async def test_a_photograph_that_comes_back_after_it_was_deleted_keeps_its_bytes(api: Api) -> None:
    """The worker removes the first one's bytes only after the second one was taken in."""
    with_studio(api)
    person = await api.customer()
    first = ok(await upload(person), 201)
    await person.client.delete(f"/api/images/{first['id']}")
    second = ok(await upload(person), 201)
    assert second["id"] != first["id"]
    await work(api)
    seen = ok(await person.client.get(f"/api/images/{second['id']}"))
    assert seen["status"] == "ready"
    assert (await api.client.get(seen["originalUrl"])).status_code == 200
    assert (await api.client.get(first["originalUrl"])).status_code == 404


async def test_bytes_are_kept_while_nobody_knows_whether_the_photograph_was_taken_in(
    api: Api,
) -> None:
    """The commit may still arrive, and then it needs them."""
    with_studio(api)
    person = await api.customer()
    append = api.store.append

    async def lost(*_: Any, **__: Any) -> Any:
        raise Unavailable("nobody knows")

    api.store.append = lost  # type: ignore[method-assign]
    try:
        refused(await upload(person), 503, "unavailable")
    finally:
        api.store.append = append  # type: ignore[method-assign]
    assert len(await objects(api)) == 4
