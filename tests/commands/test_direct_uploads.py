"""Photographs that browsers bring straight to the object store: a form, the file, and then its name."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymongo.asynchronous.database import AsyncDatabase

from dependencies.limits import RATES
from domain import albums
from domain.errors import Unavailable
from imaging.errors import ImageRefused
from integrations.object_store.s3 import S3ObjectStore
from tests.api import Api, Person, open_api
from tests.buying import ok, refused
from tests.s3_server import ACCESS_KEY_ID, SECRET_ACCESS_KEY, S3Server, running_s3
from tests.samples import PASSWORD
from tests.trying_on import objects, upload, with_studio, work

PHOTO = b"a photograph"
ASKED = {"contentType": "image/jpeg", "fileSize": 1_000, "fileName": "me.jpg"}


async def asked_for_a_form(person: Person, **changes: Any) -> dict[str, Any]:
    form: dict[str, Any] = ok(
        await person.client.post("/api/images/upload-url", json=ASKED | changes), 201
    )
    return form


async def brought(api: Api, form: dict[str, Any], data: bytes = PHOTO) -> httpx.Response:
    """As a browser does it: without a token."""
    return await api.client.post(form["url"], data=form["fields"], files={"file": data})


async def completed(
    person: Person, form: dict[str, Any], *, key: str | None = None, **changes: Any
) -> httpx.Response:
    body = {"uploadId": form["uploadId"], "consent": True, "fileName": "me.jpg"} | changes
    headers = {} if key is None else {"Idempotency-Key": key}
    return await person.client.post("/api/images/upload/complete", json=body, headers=headers)


async def waiting(api: Api, person: Person, data: bytes = PHOTO) -> dict[str, Any]:
    """A photograph that was brought and not yet completed."""
    form = await asked_for_a_form(person)
    assert (await brought(api, form, data)).status_code == 204
    return form


# --- The way of a photograph ---------------------------------------------------------------------


async def test_a_photograph_comes_in_past_us(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    form = await asked_for_a_form(person)
    assert re.fullmatch(r"[0-9a-f]{32}\.jpg", form["uploadId"])
    assert form["method"] == "POST"
    assert (await brought(api, form)).status_code == 204
    assert await objects(api) == [f"incoming/{person.id}/{form['uploadId']}"]
    assert "ImageUploaded" not in await api.topics()
    answer = await completed(person, form)
    image = ok(answer, 201)
    assert (image["fileName"], image["status"], image["fileSize"]) == (
        "me.jpg",
        "processing",
        len(PHOTO),
    )
    assert ok(await person.client.get(answer.headers["Location"])) == image
    assert len(await objects(api, "photos/")) == 4
    assert await objects(api, "incoming/") == []


async def test_it_is_the_same_photograph_however_it_comes(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    first = ok(await upload(person, PHOTO), 201)
    again = ok(await completed(person, await waiting(api, person)), 201)
    assert first["id"] == again["id"]
    assert len(await objects(api)) == 4


async def test_what_is_not_completed_is_no_photograph(api: Api) -> None:
    person = await api.customer()
    await waiting(api, person)
    assert ok(await person.client.get("/api/images/user")) == []


@pytest.mark.parametrize("kind", ["image/png", "image/webp", "image/avif", "image/heic"])
async def test_every_type_that_we_read_may_be_brought(api: Api, kind: str) -> None:
    with_studio(api)
    person = await api.customer()
    form = await asked_for_a_form(person, contentType=kind)
    assert (await brought(api, form)).status_code == 204
    ok(await completed(person, form), 201)


# --- Refused before anything is brought ----------------------------------------------------------


async def test_who_is_not_signed_in_gets_no_form(api: Api) -> None:
    refused(await api.client.post("/api/images/upload-url", json=ASKED), 401, "unauthenticated")
    answer = await api.client.post("/api/images/upload/complete", json={"uploadId": "x"})
    refused(answer, 401, "unauthenticated")


@pytest.mark.parametrize(
    "changes", [{"contentType": "image/svg+xml"}, {"contentType": "text/html"}, {"fileSize": 0}]
)
async def test_a_form_is_for_pictures_only(api: Api, changes: dict[str, Any]) -> None:
    person = await api.customer()
    answer = await person.client.post("/api/images/upload-url", json=ASKED | changes)
    refused(answer, 422, "invalid")


async def test_a_photograph_over_the_limit_gets_no_form(api: Api) -> None:
    person = await api.customer()
    body = ASKED | {"fileSize": 10_000_001}
    refused(await person.client.post("/api/images/upload-url", json=body), 413, "too-large")


async def test_an_album_that_is_full_gets_no_form(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(albums, "MAX_PHOTOS", 1)
    with_studio(api)
    person = await api.customer()
    late = await waiting(api, person, b"brought before the album was full")
    ok(await upload(person), 201)
    answer = await person.client.post("/api/images/upload-url", json=ASKED)
    refused(answer, 409, "quota-exceeded")
    refused(await completed(person, late), 409, "quota-exceeded")
    assert await objects(api, "incoming/") == []


async def test_forms_and_completions_are_counted(
    database: AsyncDatabase[dict[str, Any]], tmp_path: Path
) -> None:
    async with open_api(database, tmp_path, rate_limits=True) as api:
        person = await api.customer()
        for _ in range(RATES["upload-url"].limit):
            form = await asked_for_a_form(person)
        answer = await person.client.post("/api/images/upload-url", json=ASKED)
        refused(answer, 429, "too-many-requests")
        for _ in range(RATES["upload"].limit):
            refused(await completed(person, form), 404, "not-found")
        refused(await completed(person, form), 429, "too-many-requests")
        refused(await upload(person), 429, "too-many-requests")


# --- Refused while it is brought -----------------------------------------------------------------


async def test_more_than_was_said_is_not_taken(api: Api) -> None:
    form = await asked_for_a_form(await api.customer(), fileSize=10)
    refused(await brought(api, form, b"x" * 11), 413, "too-large")
    refused(await brought(api, form, b""), 422, "invalid")
    assert await objects(api) == []


async def test_a_form_counts_for_its_own_place_until_it_expires(api: Api) -> None:
    person, other = await api.customer(), await api.customer()
    form = await asked_for_a_form(person)
    elsewhere = form["fields"] | {"key": f"incoming/{other.id}/{form['uploadId']}"}
    refused(await brought(api, form | {"fields": elsewhere}), 403, "upload-refused")
    api.clock.ahead += timedelta(seconds=301)
    refused(await brought(api, form), 403, "upload-refused")
    assert await objects(api) == []


async def test_a_file_that_was_brought_is_not_replaced(api: Api) -> None:
    form = await asked_for_a_form(await api.customer())
    assert (await brought(api, form)).status_code == 204
    refused(await brought(api, form, b"another"), 409, "file-exists")
    (key,) = await objects(api)
    assert await api.services.objects.get(key) == PHOTO


async def test_a_form_without_its_fields_is_none(api: Api) -> None:
    refused(await api.client.post("/media/upload", files={"file": b"x"}), 422, "invalid")


# --- Refused as it is completed ------------------------------------------------------------------


async def test_without_consent_nothing_is_kept(api: Api) -> None:
    studio = with_studio(api)
    person = await api.customer()
    form = await waiting(api, person)
    refused(await completed(person, form, consent=False), 422, "consent-required")
    assert await objects(api) == []
    assert studio.asked == []


async def test_another_persons_upload_is_not_there(api: Api) -> None:
    with_studio(api)
    person, stranger = await api.customer(), await api.customer()
    form = await waiting(api, person)
    refused(await completed(stranger, form), 404, "not-found")
    assert len(await objects(api, "incoming/")) == 1
    ok(await completed(person, form), 201)


@pytest.mark.parametrize(
    "name",
    ["", "none", "0" * 32, "0" * 32 + ".jpg", "0" * 32 + ".exe", "../" + "0" * 32 + ".jpg", "a/b"],
)
async def test_an_upload_that_never_was_is_not_there(api: Api, name: str) -> None:
    refused(await completed(await api.customer(), {"uploadId": name}), 404, "not-found")


async def test_what_imaging_refuses_is_not_kept(api: Api) -> None:
    with_studio(api).refusal = ImageRefused("unsupported-type", "It is a drawing of a sheep.")
    person = await api.customer()
    form = await waiting(api, person, b"<svg>")
    refused(await completed(person, form), 415, "unsupported-type")
    assert await objects(api) == []


async def test_a_file_that_grew_past_the_limit_is_not_read(api: Api) -> None:
    studio = with_studio(api)
    person = await api.customer()
    form = await asked_for_a_form(person)
    key = f"incoming/{person.id}/{form['uploadId']}"
    await api.services.objects.put(key, b"x" * 10_000_001, content_type="image/jpeg")
    refused(await completed(person, form), 413, "too-large")
    assert await objects(api) == []
    assert studio.asked == []


# --- Repeated, interrupted, forgotten ------------------------------------------------------------


async def test_a_repeated_completion_has_the_same_answer(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    form = await waiting(api, person)
    first = ok(await completed(person, form, key="upload-1"), 201)
    again = await completed(person, form, key="upload-1")
    assert ok(again, 201)["id"] == first["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    refused(await completed(person, form), 404, "not-found")


async def test_two_completions_at_once_are_one_photograph(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    form = await waiting(api, person)
    answers = await asyncio.gather(*(completed(person, form) for _ in range(3)))
    assert {answer.status_code for answer in answers} <= {201, 202, 404}
    assert len({answer.json()["data"]["id"] for answer in answers if answer.is_success}) == 1
    assert (await api.topics()).count("ImageUploaded") == 1
    assert len(await objects(api)) == 4


async def test_bytes_wait_while_nobody_knows_whether_the_photograph_was_taken_in(
    api: Api,
) -> None:
    with_studio(api)
    person = await api.customer()
    form = await waiting(api, person)
    append = api.store.append

    async def lost(*_: Any, **__: Any) -> Any:
        raise Unavailable("nobody knows")

    api.store.append = lost  # type: ignore[method-assign]
    try:
        refused(await completed(person, form), 503, "unavailable")
    finally:
        api.store.append = append  # type: ignore[method-assign]
    assert len(await objects(api, "incoming/")) == 1
    ok(await completed(person, form), 201)
    assert await objects(api, "incoming/") == []


async def test_a_photograph_that_was_taken_in_stays_so_when_its_file_cannot_be_removed(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_studio(api)
    person = await api.customer()
    form = await waiting(api, person)

    async def away(_: str) -> None:
        raise Unavailable("the store is away")

    monkeypatch.setattr(api.services.objects, "delete", away)
    ok(await completed(person, form), 201)


async def test_an_erased_person_leaves_nothing_that_was_brought(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    await waiting(api, person)
    leaving = {"currentPassword": PASSWORD}
    ok(await person.client.request("DELETE", "/api/auth/account", json=leaving))
    await work(api)
    assert await objects(api, "incoming/") == []


# --- With S3 -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
async def on_s3(api: Api, s3_server: S3Server) -> AsyncIterator[Api]:
    store = S3ObjectStore(
        bucket=s3_server.new_bucket(),
        endpoint_url=s3_server.url,
        access_key_id=ACCESS_KEY_ID,
        secret_access_key=SECRET_ACCESS_KEY,
    )
    api.services = api.app.state.services = replace(api.services, objects=store)
    yield api
    await store.close()


async def test_a_photograph_comes_in_past_us_to_s3(on_s3: Api) -> None:
    with_studio(on_s3)
    person = await on_s3.customer()
    form = await asked_for_a_form(person, fileSize=len(PHOTO))
    async with httpx.AsyncClient() as browser:
        large = await browser.post(form["url"], data=form["fields"], files={"file": PHOTO + b"!"})
        assert large.status_code == 400
        right = await browser.post(form["url"], data=form["fields"], files={"file": PHOTO})
        assert right.status_code == 204
    image = ok(await completed(person, form), 201)
    assert await objects(on_s3, "incoming/") == []
    async with httpx.AsyncClient() as browser:
        assert (await browser.get(image["originalUrl"])).status_code == 200


async def test_where_s3_takes_its_own_files_we_take_none(on_s3: Api) -> None:
    fields = dict.fromkeys(("key", "Content-Type", "max-bytes", "expires", "signature"), "1")
    answer = await on_s3.client.post("/media/upload", data=fields, files={"file": b"x"})
    refused(answer, 404, "not-found")
