"""Pictures of people are kept as long as was agreed, and no longer."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from bson import ObjectId

from commands.context import system_context
from commands.decisions.expiring import expire_result
from commands.reactions import retention
from commands.reactions.retention import remove_expired_pictures
from commands.unit_of_work import run
from domain.errors import Unavailable
from tests.api import Api
from tests.buying import ok
from tests.trying_on import objects, photographed, tried_on, wearable, with_studio, work

MONTH = timedelta(days=31)


async def test_after_a_month_photograph_and_results_are_gone_with_their_bytes(api: Api) -> None:
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    image = await photographed(api, person)
    result = await tried_on(api, person, image, product)
    assert await remove_expired_pictures(api.services) == 0
    api.clock.ahead += MONTH
    assert await remove_expired_pictures(api.services) == 2
    await work(api)
    assert await remove_expired_pictures(api.services) == 0
    assert [key for key in await objects(api) if key.startswith(("photos/", "results/"))] == []
    assert await api.services.read_models["uploadedImages"].count_documents({}) == 0
    assert result["id"] not in str(await api.services.read_models["tryOnResults"].find().to_list())


async def test_a_saved_result_outlives_its_photograph(api: Api) -> None:
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    image = await photographed(api, person)
    result = await tried_on(api, person, image, product)
    ok(await person.client.post(f"/api/try-on/results/{result['id']}/save"))
    api.clock.ahead += MONTH
    assert await remove_expired_pictures(api.services) == 1
    await work(api)
    kept = await api.services.read_models["tryOnResults"].find().to_list()
    assert [str(document["_id"]) for document in kept] == [result["id"]]
    assert [key for key in await objects(api) if key.startswith("results/")] != []
    assert [key for key in await objects(api) if key.startswith("photos/")] == []


async def test_what_cannot_be_removed_holds_up_nobody(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Documents without a history: none such should be. They cost a round at most, and then wait."""
    api.plants_documents = True
    monkeypatch.setattr(retention, "MAX_IN_ONE_ROUND", 1)
    with_studio(api)
    await photographed(api, await api.customer())
    stray = {"_id": ObjectId(), "expiresAt": api.clock() - MONTH}
    await api.services.read_models["uploadedImages"].insert_one(stray)
    api.clock.ahead += MONTH
    assert [await remove_expired_pictures(api.services) for _ in range(2)] == [0, 1]


async def test_a_round_ends_somewhere_and_the_next_goes_on(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MAX_IN_ONE_ROUND", 1)
    with_studio(api)
    person = await api.customer()
    for data in (b"one", b"two"):
        await photographed(api, person, data)
    api.clock.ahead += MONTH
    removed = []
    for _ in range(3):
        removed.append(await remove_expired_pictures(api.services))
        await work(api)
    assert removed == [1, 1, 0]


async def test_a_round_without_a_store_ends_at_once(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    for data in (b"one", b"two"):
        await photographed(api, person, data)
    api.clock.ahead += MONTH
    asked = 0

    async def away(*_: Any, **__: Any) -> Any:
        nonlocal asked
        asked += 1
        raise Unavailable("MongoDB is away")

    api.store.load = away  # type: ignore[method-assign]
    assert await remove_expired_pictures(api.services) == 0
    assert asked == 1


async def test_two_rounds_at_once_remove_each_picture_once(api: Api) -> None:
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    await tried_on(api, person, await photographed(api, person), product)
    api.clock.ahead += MONTH
    await asyncio.gather(*(remove_expired_pictures(api.services) for _ in range(2)))
    topics = await api.topics()
    assert (topics.count("ImageDeleted"), topics.count("TryOnDeleted")) == (1, 1)


async def test_what_was_saved_after_the_round_had_found_it_stays(api: Api) -> None:
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    result = await tried_on(api, person, await photographed(api, person), product)
    ok(await person.client.post(f"/api/try-on/results/{result['id']}/save"))
    api.clock.ahead += MONTH
    commit = await run(
        partial(expire_result, result["id"]),
        system_context("RemoveExpired", correlation="test"),
        api.store,
        claims_key=api.services.keyring.claims,
        clock=api.clock,
    )
    assert commit is None


async def test_a_photograph_takes_the_younger_results_that_nobody_saved_with_it(api: Api) -> None:
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    image = await photographed(api, person)
    api.clock.ahead += timedelta(days=29)
    again = await api.again(person)
    body = {"productId": product["id"], "userImageId": image["id"]}
    ok(await again.post("/api/try-on/create", json=body), 201)
    await work(api)
    api.clock.ahead += timedelta(days=2)
    assert await remove_expired_pictures(api.services) == 1
    await work(api)
    assert await objects(api) == []
