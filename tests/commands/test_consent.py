"""Consent to photographs: noted when it is given, and as easily withdrawn, with all that it brought."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from commands.context import system_context
from commands.decisions.expiring import expire_image
from commands.decisions.images import CONSENT
from commands.reactions.analysing import uploaded_photograph_is_analysed
from commands.reactions.picturing import requested_try_on_is_rendered
from commands.reactions.removing import withdrawn_consent_removes_the_photographs
from commands.reactions.retention import remove_expired_pictures
from commands.unit_of_work import run
from dependencies.answers import iso
from domain.errors import Unavailable
from tests.api import Api, Person
from tests.buying import ok, react, refused
from tests.trying_on import objects, photographed, tried_on, upload, wearable, with_studio, work

ADDRESS = "/api/images/consent"


async def withdrawn(person: Person) -> None:
    assert ok(await person.client.delete(ADDRESS))["given"] is False


async def someone_with_pictures(api: Api) -> tuple[Person, dict[str, Any]]:
    """Two photographs, and on one of them a result that is saved and shared."""
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    image = await photographed(api, person)
    await photographed(api, person, b"another")
    result = await tried_on(api, person, image, product)
    address = f"/api/try-on/results/{result['id']}"
    ok(await person.client.post(f"{address}/save"))
    return person, ok(await person.client.post(f"{address}/share"))


async def test_consent_is_noted_with_its_text_once(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    for data in (b"one", b"two"):
        ok(await upload(person, data), 201)
    (noted,) = [r for r in await api.store.history() if r.type == "PhotoConsentGiven"]
    assert noted.event.model_dump()["version"] == CONSENT
    assert noted.event.object_id == person.id


async def test_one_sees_what_one_agreed_to_and_when(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    never = {"given": False, "text": "", "givenAt": None, "withdrawnAt": None}
    assert ok(await person.client.get(ADDRESS)) == never
    ok(await upload(person), 201)
    given = ok(await person.client.get(ADDRESS))
    assert (given["given"], given["text"], given["withdrawnAt"]) == (True, CONSENT, None)
    assert iso(api.clock() - timedelta(minutes=1)) < given["givenAt"] <= iso(api.clock())
    await withdrawn(person)
    after = ok(await person.client.get(ADDRESS))
    assert (after["given"], after["givenAt"]) == (False, given["givenAt"])
    assert after["withdrawnAt"] >= given["givenAt"]


async def test_without_consent_nothing_is_left(api: Api) -> None:
    person, shared = await someone_with_pictures(api)
    await withdrawn(person)
    await work(api)
    assert await objects(api) == []
    assert ok(await person.client.get("/api/images/user")) == []
    assert ok(await person.client.get("/api/try-on/results")) == []
    topics = await api.topics()
    assert (topics.count("ImageDeleted"), topics.count("TryOnDeleted")) == (2, 1)
    refused(await api.client.get(shared["resultImageUrl"]), 404, "not-found")


async def test_it_is_out_of_sight_at_once(api: Api) -> None:
    """Before any policy has run."""
    person, shared = await someone_with_pictures(api)
    token = shared["shareUrl"].rpartition("/")[2]
    await withdrawn(person)
    refused(await api.client.get(f"/api/share/{token}"), 410, "link-gone")
    assert ok(await person.client.get("/api/images/user")) == []
    refused(await person.client.get(f"/api/try-on/results/{shared['id']}"), 404, "not-found")


async def test_before_any_policy_has_run_nothing_more_is_made_of_a_photograph(api: Api) -> None:
    person, shared = await someone_with_pictures(api)
    await withdrawn(person)
    image, result = shared["userImageId"], f"/api/try-on/results/{shared['id']}"
    asked = {"productId": shared["productId"], "userImageId": image}
    moved = {"adjustments": {"scale": 2}}
    for answer in (
        await person.client.post("/api/try-on/create", json=asked),
        await person.client.post(f"/api/images/{image}/process", json={"face": 1}),
        await person.client.put(result, json=moved),
        await person.client.post(f"{result}/share"),
    ):
        refused(answer, 404, "not-found")


async def test_what_waits_for_the_worker_is_not_looked_at_without_consent(api: Api) -> None:
    studio = with_studio(api)
    person, product = await api.customer(), await wearable(api)
    image = ok(await upload(person), 201)
    body = {"productId": product["id"], "userImageId": image["id"]}
    ok(await person.client.post("/api/try-on/create", json=body), 201)
    await withdrawn(person)
    await react(api, uploaded_photograph_is_analysed, requested_try_on_is_rendered)
    assert studio.asked == ["prepare_photo"]


async def test_to_withdraw_again_changes_nothing(api: Api) -> None:
    person, _ = await someone_with_pictures(api)
    for _ in range(2):
        await withdrawn(person)
    await withdrawn(await api.customer())
    assert (await api.topics()).count("PhotoConsentWithdrawn") == 1


async def test_nobody_else_loses_anything(api: Api) -> None:
    person, _ = await someone_with_pictures(api)
    other, _ = await someone_with_pictures(api)
    await withdrawn(person)
    await work(api)
    assert len(ok(await other.client.get("/api/images/user"))) == 2
    left = await objects(api)
    assert left
    assert all(other.id in key for key in left)


async def test_a_photograph_that_comes_with_a_new_consent_stays(api: Api) -> None:
    """The very same one, before the worker came to the removal."""
    person, _ = await someone_with_pictures(api)
    await withdrawn(person)
    refused(await upload(person, consent="false"), 422, "consent-required")
    again = ok(await upload(person), 201)
    await work(api)
    (image,) = ok(await person.client.get("/api/images/user"))
    assert (image["id"], image["status"]) == (again["id"], "ready")
    assert (await api.client.get(image["originalUrl"])).status_code == 200
    assert (await api.topics()).count("PhotoConsentGiven") == 2


async def test_a_removal_that_was_cut_short_goes_on(api: Api) -> None:
    person, _ = await someone_with_pictures(api)
    await withdrawn(person)
    append, done = api.store.append, 0

    async def dies(*arguments: Any, **named: Any) -> Any:
        nonlocal done
        if done == 1:
            raise Unavailable("the process was killed")
        done += 1
        return await append(*arguments, **named)

    api.store.append = dies  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        await react(api, withdrawn_consent_removes_the_photographs)
    assert (await api.topics()).count("ImageDeleted") == 1
    api.store.append = append  # type: ignore[method-assign]
    for _ in range(2):
        await work(api)
    assert (await api.topics()).count("ImageDeleted") == 2
    assert await objects(api) == []


async def test_a_saved_result_that_outlived_its_photograph_goes_too(api: Api) -> None:
    person, shared = await someone_with_pictures(api)
    api.clock.ahead += timedelta(days=31)
    assert await remove_expired_pictures(api.services) == 2
    await work(api)
    kept = await objects(api)
    assert kept
    assert all(shared["id"] in key for key in kept)
    again = await api.again(person)
    ok(await again.delete(ADDRESS))
    await work(api)
    assert await objects(api) == []


async def test_what_expires_while_it_is_removed_keeps_no_result(api: Api) -> None:
    """The round of retention had found the photograph before the consent was withdrawn."""
    person, shared = await someone_with_pictures(api)
    await withdrawn(person)
    api.clock.ahead += timedelta(days=31)
    commit = await run(
        partial(expire_image, shared["userImageId"]),
        system_context("RemoveExpired", correlation="test"),
        api.store,
        claims_key=api.services.keyring.claims,
        clock=api.clock,
    )
    assert commit is None
    await work(api)
    assert await objects(api) == []
