"""Read models move themselves to the build that is at work: up, down, and while others still are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import worker
from dependencies.reading import ReadingServices
from integrations.builds import Builds
from integrations.read_models import MongoReadModels
from projections import PROJECTIONS
from projections.catalogue import PRODUCTS
from projections.projection import Projection
from tests.api import Api
from tests.buying import manager, ok
from worker import keep_read_models_ours, not_ours

HAAR = {"name": "Rani Haar", "price": 320000, "category": "Gold", "quantity": 3}


def of_version(name: str, version: int) -> Projection:
    """The projection as another build has it: its documents say which."""
    here = next(p for p in PROJECTIONS if p.name == name)
    other = Projection(name, version=version, indexes=here.indexes)
    other.folds = dict(here.folds)
    return other


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Be another build: `build(products=4)`."""

    def be(**versions: int) -> None:
        others = tuple(
            of_version(p.name, versions[p.name]) if p.name in versions else p for p in PROJECTIONS
        )
        monkeypatch.setattr(worker, "PROJECTIONS", others)

    return be


@asynccontextmanager
async def at_work(services: ReadingServices) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(keep_read_models_ours(services, stop=stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def versions(services: ReadingServices) -> dict[str, int]:
    return dict((await MongoReadModels(services.read_models).standing()).versions)


async def until_products_are(version: int, services: ReadingServices) -> None:
    async with asyncio.timeout(20):
        while (await versions(services)).get("products") != version:  # noqa: ASYNC110 - no word of it
            await asyncio.sleep(0.05)


@pytest.fixture
async def haar(api: Api) -> AsyncIterator[str]:
    person = await manager(api)
    product = ok(await person.client.post("/api/products", json=HAAR), 201)
    yield product["id"]
    standing = {f"versions.{p.name}": p.version for p in PROJECTIONS}
    await api.services.read_models["checkpoints"].update_one({"_id": "live"}, {"$set": standing})


@pytest.mark.parametrize("version", [4, 2], ids=["up", "down"])
async def test_what_another_build_made_is_made_anew_and_served_all_the_while(
    api: Api, haar: str, build: Any, version: int
) -> None:
    build(products=version)
    misses = 0
    async with at_work(api.services):
        moving = asyncio.create_task(until_products_are(version, api.services))
        while not moving.done():
            answer = await api.client.get(f"/api/products/{haar}")
            misses += answer.status_code != 200
            await asyncio.sleep(0)
        await moving
    assert misses == 0
    assert ok(await api.client.get(f"/api/products/{haar}"))["name"] == "Rani Haar"


async def test_nobody_takes_back_what_a_newer_worker_is_at(api: Api, haar: str, build: Any) -> None:
    assert haar
    build(products=2)
    newer = Builds(api.services.read_models, {p.name: p.version for p in PROJECTIONS})
    ours = {p.name: p.version for p in PROJECTIONS} | {"products": 2}
    older = Builds(api.services.read_models, ours)
    await newer.beat()
    assert await not_ours(api.services, older) == []
    await newer.leave()
    assert [p.name for p in await not_ours(api.services, older)] == ["products"]


async def test_a_build_is_heard_also_while_it_fills_a_large_collection(
    api: Api, haar: str, build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert haar
    build(products=4)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def long_work(*_: Any) -> None:
        begun.set()
        await go_on.wait()

    monkeypatch.setattr(worker, "move", long_work)
    monkeypatch.setattr(worker, "BEAT_SECONDS", 0.01)
    builds = api.services.read_models["builds"]
    async with at_work(api.services), asyncio.timeout(20):
        await begun.wait()
        [heard] = await builds.find().to_list()
        while (await builds.find().to_list())[0]["at"] == heard["at"]:  # noqa: ASYNC110 - no word of it
            await asyncio.sleep(0.01)
        go_on.set()
    assert await builds.find().to_list() == []


async def test_indexes_that_nobody_wants_go_when_all_builds_at_work_agree(
    api: Api, haar: str
) -> None:
    assert haar
    products = api.services.read_models["products"]
    await products.create_index([("huid", 1)], name="of_a_newer_build")
    ours = {p.name: p.version for p in PROJECTIONS}
    newer = Builds(api.services.read_models, ours, indexes="others")
    await newer.beat()
    builds = Builds(api.services.read_models, ours, indexes=worker.digest_of_indexes())
    assert not await worker.tidied(api.services, builds, is_tidy=False)
    assert "of_a_newer_build" in await products.index_information()
    await newer.leave()
    assert await worker.tidied(api.services, builds, is_tidy=False)
    left = await products.index_information()
    assert "of_a_newer_build" not in left
    assert len(left) == len(PRODUCTS.indexes) + 1


async def test_what_only_a_newer_build_knew_is_forgotten_when_that_is_gone(
    api: Api, haar: str
) -> None:
    assert haar
    read_models = MongoReadModels(api.services.read_models)
    await read_models.adopt("carts", version=1, indexes=())
    builds = Builds(api.services.read_models, {p.name: p.version for p in PROJECTIONS})
    assert await not_ours(api.services, builds) == []
    assert "carts" not in await versions(api.services)
    await api.services.read_models.drop_collection("carts")


async def test_a_new_one_is_filled_with_what_has_been(api: Api, haar: str, build: Any) -> None:
    assert haar
    await MongoReadModels(api.services.read_models).forget(["products"])
    build()
    async with at_work(api.services):
        await until_products_are(3, api.services)
    assert await api.services.read_models["products"].count_documents({"name": "Rani Haar"}) == 1
