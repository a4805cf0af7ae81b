"""Pictures by signed links, and the demo's in public."""

from datetime import timedelta

import httpx
import pytest

from tests.api import Api
from tests.buying import ok, refused
from tests.trying_on import upload, with_studio


async def link(api: Api) -> httpx.URL:
    with_studio(api)
    return httpx.URL(ok(await upload(await api.customer()), 201)["originalUrl"])


async def test_a_link_shows_the_picture_to_whoever_has_it(api: Api) -> None:
    answer = await api.client.get(await link(api))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Cache-Control"] == "private, max-age=300"
    assert answer.headers["Content-Disposition"] == 'inline; filename="original.jpg"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Robots-Tag"] == "noindex"


async def test_a_browser_may_ask_for_the_headers_alone(api: Api) -> None:
    signed = await link(api)
    whole, headers = await api.client.get(signed), await api.client.head(signed)
    assert (headers.status_code, headers.content) == (200, b"")
    assert headers.headers["Content-Length"] == str(len(whole.content))
    missing = await api.client.head(signed.copy_merge_params({"signature": "0" * 64}))
    assert missing.status_code == 404


async def test_who_asks_for_a_part_gets_the_whole(api: Api) -> None:
    signed = await link(api)
    answer = await api.client.get(signed, headers={"Range": "bytes=0-3"})
    assert (answer.status_code, answer.headers["Accept-Ranges"]) == (200, "none")
    assert answer.content == (await api.client.get(signed)).content


async def test_what_is_no_picture_is_saved_and_not_shown(api: Api) -> None:
    await api.services.objects.put("reports/a.csv", b"a,b", content_type="text/csv")
    answer = await api.client.get(api.services.objects.signed_url("reports/a.csv"))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a.csv"'
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize("key", ["photos/", "photos", "", "photos/../", "%2e%2e/secrets.json"])
async def test_a_folder_is_not_listed(api: Api, key: str) -> None:
    signed = await link(api)
    answer = await api.client.get(signed.copy_with(path=f"/media/signed/{key}"))
    refused(answer, 404, "not-found")


async def test_a_picture_that_is_gone_is_not_found_by_a_link_that_holds(api: Api) -> None:
    signed = await link(api)
    await api.services.objects.delete(signed.path.removeprefix("/media/signed/"))
    refused(await api.client.get(signed), 404, "not-found")


async def test_a_link_lasts_five_minutes(api: Api) -> None:
    signed = await link(api)
    api.clock.ahead += timedelta(seconds=299)
    assert (await api.client.get(signed)).status_code == 200
    api.clock.ahead += timedelta(seconds=2)
    refused(await api.client.get(signed), 404, "not-found")


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": "0" * 64},
        {"signature": ""},
        {"signature": "é"},
        {"expires": "99999999999"},
        {"expires": ""},
        {"expires": "-1"},
        {"expires": "1e9"},
    ],
)
async def test_a_changed_link_shows_nothing(api: Api, changes: dict[str, str]) -> None:
    signed = await link(api)
    refused(await api.client.get(signed.copy_merge_params(changes)), 404, "not-found")


async def test_a_link_counts_for_its_own_picture_only(api: Api) -> None:
    signed = await link(api)
    other = signed.copy_with(path=signed.path.replace("original", "small"))
    refused(await api.client.get(other), 404, "not-found")
    outside = signed.copy_with(path="/media/signed/photos/../../secrets.json")
    refused(await api.client.get(outside), 404, "not-found")


async def test_an_overlong_parameter_is_refused(api: Api) -> None:
    signed = (await link(api)).copy_merge_params({"signature": "0" * 129})
    assert (await api.client.get(signed)).status_code == 422


async def test_the_demos_pictures_are_public(api: Api) -> None:
    answer = await api.client.get("/media/demo/pearl-strand.png")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.headers["Cache-Control"] == "public, max-age=86400"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize(
    "name", ["none.png", "catalogue.csv", "..%2fcatalogue.csv", "%2e%2e/overlays.json", "A.PNG"]
)
async def test_nothing_else_is(api: Api, name: str) -> None:
    assert (await api.client.get(f"/media/demo/{name}")).status_code == 404
