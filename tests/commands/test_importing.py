"""How an import is carried out: in chunks that a crash neither loses nor repeats."""

import asyncio
from typing import Any

import pytest

from commands.reactions import importing
from commands.reactions.importing import started_import_is_carried_out
from domain.catalogue import Product
from domain.errors import TooLarge, Unavailable
from domain.imports import Import
from tests.api import Api, Person
from tests.buying import manager, ok, react
from tests.importing import catalogue, imported, row, rows, send, with_worker


class Crashing:
    """Lets so many commits of the import through, then fails as a dying process does."""

    def __init__(self, api: Api, *, after: int) -> None:
        self.left = after
        self._api = api
        self._append = api.store.append
        api.store.append = self._counted  # type: ignore[method-assign]

    async def _counted(self, events: Any, context: Any, **named: Any) -> Any:
        if context.command == "ImportProducts":
            if self.left == 0:
                raise Unavailable("the machine lost its power")
            self.left -= 1
        return await self._append(events, context, **named)

    def mended(self) -> None:
        self._api.store.append = self._append  # type: ignore[method-assign]


class Narrow:
    """A store that takes so many events in one commit."""

    def __init__(self, api: Api, *, events: int) -> None:
        self._events = events
        self._append = api.store.append
        api.store.append = self._checked  # type: ignore[method-assign]

    async def _checked(self, events: Any, context: Any, **named: Any) -> Any:
        if len(events) > self._events:
            raise TooLarge(f"more than {self._events} events")
        return await self._append(events, context, **named)


@pytest.fixture
def _chunks_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "CHUNK_ROWS", 2)


async def started(api: Api, text: str, **query: str) -> tuple[Person, str]:
    """An import that nobody has begun to carry out."""
    with_worker(api).away = True
    person = await manager(api)
    return person, ok(await send(person, text, **query), 202)["importId"]


async def carried_out(api: Api) -> None:
    await react(api, started_import_is_carried_out)


async def outcome(person: Person, job: str) -> dict[str, Any]:
    found: dict[str, Any] = ok(await person.client.get(f"/api/products/imports/{job}"))
    return found


@pytest.mark.usefixtures("_chunks_of_two")
@pytest.mark.parametrize("commits", [0, 1, 2, 3])
async def test_after_a_crash_an_import_goes_on_behind_its_last_chunk(
    api: Api, commits: int
) -> None:
    person, job = await started(api, rows(1, 2, 3, 4, 5) + row(6, price="much"))
    crashing = Crashing(api, after=commits)
    with pytest.raises(Unavailable):
        await carried_out(api)
    crashing.mended()
    await carried_out(api)
    end = await outcome(person, job)
    assert (end["created"], end["failedImports"], end["totalRows"]) == (5, 1, 6)
    assert len(await catalogue(api)) == 5
    assert (await api.topics()).count("ProductImported") == 5
    assert (await api.topics()).count("ImportProgressed") == 3


@pytest.mark.usefixtures("_chunks_of_two")
async def test_a_chunk_holds_its_products_and_its_progress_in_one_commit(api: Api) -> None:
    await started(api, rows(1, 2, 3))
    await carried_out(api)
    chunks = [
        [event["type"] for event in commit["events"]]
        for commit in api.store.commits
        if commit["command"] == "ImportProducts"
    ]
    assert [types.count("ProductImported") for types in chunks] == [2, 1, 0]
    assert [types.count("ImportProgressed") for types in chunks] == [1, 1, 0]
    assert [types.count("StockOpened") for types in chunks] == [2, 1, 0]
    assert chunks[-1] == ["ImportFinished"]


async def test_a_message_that_comes_again_imports_nothing_more(api: Api) -> None:
    await started(api, rows(1, 2))
    for _ in range(3):
        await carried_out(api)
    topics = await api.topics()
    assert (topics.count("ProductImported"), topics.count("ImportFinished")) == (2, 1)


async def test_a_chunk_too_large_for_one_commit_is_halved(api: Api) -> None:
    person, job = await started(api, rows(*range(8)))
    Narrow(api, events=16)
    await carried_out(api)
    end = await outcome(person, job)
    assert (end["status"], end["created"]) == ("completed", 8)
    assert (await api.topics()).count("ImportProgressed") > 1


async def test_a_row_too_large_for_any_commit_fails_the_import(api: Api) -> None:
    person, job = await started(api, rows(1))
    Narrow(api, events=2)
    await carried_out(api)
    end = await outcome(person, job)
    assert (end["status"], end["failure"]["code"]) == ("failed", "too-large")


async def test_an_import_whose_file_is_lost_has_failed(api: Api) -> None:
    person, job = await started(api, rows(1))
    (stored,) = [o.key async for o in api.services.objects.list("imports/")]
    await api.services.objects.delete(stored)
    await carried_out(api)
    end = await outcome(person, job)
    assert (end["status"], end["failure"]["code"]) == ("failed", "not-found")


@pytest.mark.usefixtures("_chunks_of_two")
async def test_a_cancelled_import_ends_after_the_rows_that_it_is_at(api: Api) -> None:
    person, job = await started(api, rows(1, 2, 3, 4, 5))
    append = api.store.append

    async def cancelling(events: Any, context: Any, **named: Any) -> Any:
        commit = await append(events, context, **named)
        if context.command == "ImportProducts":
            api.store.append = append  # type: ignore[method-assign]
            ok(await person.client.post(f"/api/products/imports/{job}/cancel"))
        return commit

    api.store.append = cancelling  # type: ignore[method-assign]
    await carried_out(api)
    end = await outcome(person, job)
    assert (end["status"], end["created"], end["throughRow"]) == ("cancelled", 2, 3)
    assert len(await catalogue(api)) == 2
    assert "ImportFinished" not in await api.topics()


@pytest.mark.usefixtures("_chunks_of_two")
async def test_a_cancellation_that_comes_while_rows_are_written_wins(api: Api) -> None:
    person, job = await started(api, rows(1, 2, 3))
    append = api.store.append

    async def overtaken(events: Any, context: Any, **named: Any) -> Any:
        if context.command == "ImportProducts":
            api.store.append = append  # type: ignore[method-assign]
            ok(await person.client.post(f"/api/products/imports/{job}/cancel"))
        return await append(events, context, **named)

    api.store.append = overtaken  # type: ignore[method-assign]
    await carried_out(api)
    end = await outcome(person, job)
    assert (end["status"], end["created"]) == ("cancelled", 0)
    assert await catalogue(api) == {}


@pytest.mark.usefixtures("_chunks_of_two")
async def test_two_workers_at_once_import_each_row_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one is of another release, with other chunks."""
    person, job = await started(api, rows(1, 2, 3, 4, 5, 6, 7))
    first = asyncio.create_task(carried_out(api))
    await asyncio.sleep(0)
    monkeypatch.setattr(importing, "CHUNK_ROWS", 3)
    await asyncio.gather(first, carried_out(api))
    end = await outcome(person, job)
    assert (end["status"], end["created"], end["totalRows"]) == ("completed", 7, 7)
    assert (await api.topics()).count("ProductImported") == 7


async def test_a_product_knows_the_file_and_the_row_that_it_came_from(api: Api) -> None:
    with_worker(api)
    job = (await imported(await manager(api), rows(1, 2)))["importId"]
    taken = [r.event for r in await api.store.history() if r.type == "ProductImported"]
    facts = [event.model_dump() for event in taken]
    assert [(f["import_id"], f["row"]) for f in facts] == [(job, 2), (job, 3)]


async def test_an_update_by_description_finds_the_product_without_a_sku(api: Api) -> None:
    with_worker(api)
    person = await manager(api)
    await imported(person, rows(1, sku=""))
    again = await imported(person, rows(1, sku="", price="5"), onDuplicate="update")
    assert (again["created"], again["updated"]) == (0, 1)
    (product,) = (await catalogue(api)).values()
    assert product["price"] == 5


async def test_an_update_that_the_product_refuses_is_a_failed_row(api: Api) -> None:
    """It was archived meanwhile."""
    with_worker(api)
    person = await manager(api)
    await imported(person, rows(1, 2))
    product = (await catalogue(api))["Piece 1"]
    address = f"/api/products/{product['id']}"
    assert (await person.client.delete(address, headers={"If-Match": "*"})).status_code in {
        200,
        204,
    }
    both = rows(1, price="5") + row(2, price="6")
    end = await imported(person, both, onDuplicate="update")
    archived: Product = await api.store.load(Product, product["id"])
    changed = archived.details.price_minor == 500
    assert (end["updated"], end["failed"]) == ((2, 0) if changed else (1, 1))
    assert (await catalogue(api))["Piece 2"]["price"] == 6


async def test_a_thousand_faults_are_told_and_all_are_counted(api: Api) -> None:
    with_worker(api)
    person = await manager(api)
    end = await imported(person, rows(*range(1100), price="much"))
    assert (end["failed"], end["totalRows"], len(end["errors"])) == (1100, 1100, 100)
    job: Import = await api.store.load(Import, end["importId"])
    assert job.problems == 1000
