"""An old picture can be made again from what its event names, or one hears what is missing."""

from datetime import timedelta
from typing import Any

import pytest

from commands.context import system_context
from commands.effects.reproducing import Reproduction, Verdict, reproduce
from commands.reactions.retention import remove_expired_pictures
from domain.errors import NotFound
from domain.tryon import Picture, TryOn
from domain.tryon_events import TryOnAdjustments
from imaging.types import PIPELINE_VERSION
from tests.api import Api, Person
from tests.buying import ok
from tests.trying_on import (
    NOBODY,
    OVERLAY,
    key_of,
    photographed,
    tried_on,
    wearable,
    with_studio,
    work,
)

UNKNOWN = "0" * 24


async def saved(api: Api) -> tuple[Person, dict[str, Any]]:
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    image = await photographed(api, person)
    result = await tried_on(api, person, image, product, adjustments={"face": 1, "scale": 1.5})
    address = f"/api/try-on/results/{result['id']}"
    ok(await person.client.post(f"{address}/save"))
    await work(api)
    return person, ok(await person.client.get(address))


async def verdicts(api: Api, result: dict[str, Any]) -> list[tuple[str, Verdict]]:
    return [(type(r.picture).TOPIC, r.verdict) for r in await again(api, result)]


async def again(api: Api, result: dict[str, Any]) -> list[Reproduction]:
    return await reproduce(result["id"], api.services)


async def test_both_pictures_are_made_again_byte_for_byte(api: Api) -> None:
    _, result = await saved(api)
    assert await verdicts(api, result) == [
        ("TryOnRendered", Verdict.EQUAL),
        ("TryOnFinished", Verdict.EQUAL),
    ]


async def test_an_adjusted_result_is_made_with_the_adjustments_of_its_revision(api: Api) -> None:
    person, result = await saved(api)
    address = f"/api/try-on/results/{result['id']}"
    ok(await person.client.put(address, json={"adjustments": {"rotation": 9}}))
    await work(api)
    assert [r.picture.revision for r in await again(api, result)] == [2, 2]
    assert {verdict for _, verdict in await verdicts(api, result)} == {Verdict.EQUAL}


async def test_what_was_recorded_counts_and_not_what_the_product_shows_now(api: Api) -> None:
    _, result = await saved(api)
    wider = OVERLAY | {"widthMm": 300}
    headers = {"If-Match": "*"}
    admin = await api.admin()
    address = f"/api/products/{result['productId']}/overlay"
    ok(await admin.client.put(address, json=wider, headers=headers))
    assert {verdict for _, verdict in await verdicts(api, result)} == {Verdict.EQUAL}


async def test_a_picture_that_was_exchanged_differs(api: Api) -> None:
    _, result = await saved(api)
    key = key_of(result["previewImageUrl"])
    await api.services.objects.put(key, b"another", content_type="image/jpeg")
    assert await verdicts(api, result) == [
        ("TryOnRendered", Verdict.DIFFERS),
        ("TryOnFinished", Verdict.EQUAL),
    ]


async def test_a_pipeline_that_renders_otherwise_differs_and_says_which_it_is(api: Api) -> None:
    _, result = await saved(api)
    with_studio(api).salt = b"another release"
    found = await again(api, result)
    assert {each.verdict for each in found} == {Verdict.DIFFERS}
    assert found[0].detail == f"pipeline {PIPELINE_VERSION}, here {PIPELINE_VERSION}"


@pytest.mark.parametrize("what", ["photograph", "other photograph", "analysis"])
async def test_without_its_inputs_nothing_can_be_said(api: Api, what: str) -> None:
    person, result = await saved(api)
    image = ok(await person.client.get(f"/api/images/{result['userImageId']}"))
    key = key_of(image["originalUrl"])
    if what == "photograph":
        await api.services.objects.delete(key)
    elif what == "other photograph":
        await api.services.objects.put(key, b"another", content_type="image/jpeg")
    else:
        studio = with_studio(api)
        studio.found = studio.found.__class__(60, 80, faces=studio.found.faces, primary=0)
    assert {verdict for _, verdict in await verdicts(api, result)} == {Verdict.GONE}


async def test_the_analysis_that_was_recorded_counts_and_not_what_is_found_now(api: Api) -> None:
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    result = await tried_on(api, person, await photographed(api, person), product)
    studio = with_studio(api)
    studio.found = NOBODY
    assert await verdicts(api, result) == [("TryOnRendered", Verdict.EQUAL)]


async def test_a_saved_result_whose_photograph_expired_cannot_be_made_again(api: Api) -> None:
    _, result = await saved(api)
    api.clock.ahead += timedelta(days=31)
    assert await remove_expired_pictures(api.services) == 1
    found = await again(api, result)
    assert [(each.verdict, each.detail) for each in found] == [
        (Verdict.GONE, "the photograph is gone")
    ] * 2


async def test_a_picture_of_before_its_inputs_were_named_cannot_be_made_again(api: Api) -> None:
    _, result = await saved(api)
    older: TryOn = await api.store.load(TryOn, result["id"])
    older.adjust(TryOnAdjustments())
    older.render(
        revision=2, picture=Picture(key="r/1.jpg", width=6, height=8, pipeline_version="0")
    )
    events: Any = older.collect_events()
    await api.store.append(events, system_context("RenderTryOn", correlation="test"))
    (found,) = await again(api, result)
    assert (found.verdict, "does not say" in found.detail) == (Verdict.GONE, True)


async def test_there_is_nothing_to_make_of_what_is_not_there(api: Api) -> None:
    person, result = await saved(api)
    await person.client.delete(f"/api/try-on/results/{result['id']}")
    for gone in (result["id"], UNKNOWN):
        with pytest.raises(NotFound):
            await reproduce(gone, api.services)
