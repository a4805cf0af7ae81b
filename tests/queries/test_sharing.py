"""A shared link: as JSON for front ends, as a page for people; dead as soon as it is withdrawn."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from queries.sharing import STYLE_SHA256
from tests.api import Api, Person
from tests.buying import ok, refused
from tests.trying_on import photographed, tried_on, wearable, with_studio, work

NAME = 'Rani <script>alert(1)</script> "Haar" & more'


async def link(api: Api, **changes: Any) -> tuple[Person, dict[str, Any], httpx.URL]:
    """Somebody, their shared result, and its page as the shop's own client opens it."""
    with_studio(api)
    person, product = await api.customer(), await wearable(api, **changes)
    result = await tried_on(api, person, await photographed(api, person), product)
    shared = ok(await person.client.post(f"/api/try-on/results/{result['id']}/share"))
    return person, shared, httpx.URL(httpx.URL(shared["shareUrl"]).path)


def picture_of(page: httpx.Response) -> str:
    found = re.search(r'<img src="([^"]+)"', page.text)
    assert found
    return unescape(found[1])


async def test_what_one_shares_is_the_address_of_a_page(api: Api) -> None:
    _, shared, page = await link(api)
    assert shared["shareUrl"] == f"{api.services.settings.public_base_url}{page.path}"
    assert page.path.startswith("/share/")


async def test_the_page_shows_the_picture_and_the_product(api: Api) -> None:
    _, shared, address = await link(api)
    page = await api.client.get(address)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<h1>Gold Pearl Necklace</h1>" in page.text
    product = re.search(r'<a href="([^"]+)"', page.text)
    assert product
    assert ok(await api.client.get(product[1]))["id"] == shared["productId"]
    picture = await api.client.get(picture_of(page))
    own = await api.client.get(shared["resultImageUrl"])
    assert (picture.content, picture.headers["content-type"]) == (own.content, "image/jpeg")
    assert 'width="60" height="80"' in page.text


async def test_a_link_to_a_saved_result_shows_its_preview(api: Api) -> None:
    """The full size is its owner's alone."""
    person, shared, address = await link(api)
    ok(await person.client.post(f"/api/try-on/results/{shared['id']}/save"))
    await work(api)
    larger = {"$set": {"width": 600, "height": 800}}
    await api.services.read_models["tryOnResults"].update_one({}, larger)
    own = ok(await person.client.get(f"/api/try-on/results/{shared['id']}"))
    assert own["fullSize"] == {"status": "ready"}
    page = await api.client.get(address)
    preview, seen = [
        (await api.client.get(url)).content for url in (own["previewImageUrl"], picture_of(page))
    ]
    full = (await api.client.get(own["resultImageUrl"])).content
    assert seen == preview != full
    assert 'width="60" height="80"' in page.text
    assert 'og:image:width" content="60"' in page.text


@pytest.mark.parametrize("name", ["previewImageUrl", "previewWidth", "previewHeight"])
async def test_a_link_of_before_there_were_previews_holds(api: Api, name: str) -> None:
    api.plants_documents = True
    _, _, address = await link(api)
    await api.services.read_models["tryOnResults"].update_one({}, {"$unset": {name: ""}})
    page = await api.client.get(address)
    assert (await api.client.get(picture_of(page))).status_code == 200
    assert 'width="60" height="80"' in page.text


async def test_the_page_tells_others_what_to_show_of_it(api: Api) -> None:
    _, shared, address = await link(api)
    page = (await api.client.get(address)).text
    told = dict(re.findall(r'<meta property="og:([a-z:]+)" content="([^"]*)">', page))
    assert told["title"] == "Gold Pearl Necklace"
    assert told["url"] == shared["shareUrl"]
    picture = await api.client.get(httpx.URL(told["image"]).path)
    assert picture.headers["content-type"] == "image/jpeg"
    assert (told["image:width"], told["image:height"]) == ("60", "80")


async def test_the_page_runs_nothing_and_is_not_found_by_searching(api: Api) -> None:
    _, _, address = await link(api)
    for answer in (await api.client.get(address), await api.client.get(f"{address}/picture")):
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "script" not in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    page = await api.client.get(address)
    assert f"'sha256-{STYLE_SHA256}'" in page.headers["Content-Security-Policy"]
    assert "<script" not in page.text
    assert '<meta name="robots" content="noindex, nofollow">' in page.text


async def test_a_name_is_text_and_nothing_else(api: Api) -> None:
    _, _, address = await link(api, name=NAME)
    page = (await api.client.get(address)).text
    assert "<script" not in page
    assert unescape(re.search("<h1>(.*)</h1>", page)[1]) == NAME  # type: ignore[index]
    assert unescape(re.search('og:title" content="([^"]*)"', page)[1]) == NAME  # type: ignore[index]


async def test_neither_page_nor_json_tell_of_the_person_or_the_photograph(api: Api) -> None:
    person, shared, address = await link(api)
    token = address.path.rpartition("/")[2]
    page = (await api.client.get(address)).text
    told = ok(await api.client.get(f"/api/share/{token}"))
    assert told.keys() == {"resultImageUrl", "productId", "productName", "expiresAt"}
    assert "photos/" not in page + str(told)
    for own in (person.id, person.email, shared["userImageId"], shared["id"]):
        assert own not in page + str(told)


@pytest.mark.parametrize("how", ["withdrawn", "expired", "deleted", "guessed"])
async def test_a_link_that_has_ended_says_so_and_shows_nothing(api: Api, how: str) -> None:
    person, shared, address = await link(api)
    result = f"/api/try-on/results/{shared['id']}"
    if how == "withdrawn":
        ok(await person.client.delete(f"{result}/share"))
    elif how == "expired":
        api.clock.ahead += timedelta(days=31)
    elif how == "deleted":
        gone = await person.client.delete(result)
        await api.client.get("/api/products", headers=_after(gone))
    else:
        address = httpx.URL("/share/" + "a" * 32)
    page = await api.client.get(address)
    assert (page.status_code, page.headers["content-type"]) == (410, "text/html; charset=utf-8")
    assert "This link has ended" in page.text
    assert "<img" not in page.text
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    refused(await api.client.get(f"{address}/picture"), 410, "link-gone")
    refused(await api.client.get(f"/api{address}"), 410, "link-gone")


def _after(answer: httpx.Response) -> dict[str, str]:
    return {"Consistency-Token": answer.headers["Consistency-Token"]}


async def test_a_product_that_is_no_longer_sold_is_named_without_a_link(api: Api) -> None:
    _, shared, address = await link(api)
    admin = await api.admin()
    archived = await admin.client.delete(
        f"/api/products/{shared['productId']}", headers={"If-Match": "*"}
    )
    page = await api.client.get(address, headers=_after(archived))
    assert "<h1>Gold Pearl Necklace</h1>" in page.text
    assert "<a " not in page.text
