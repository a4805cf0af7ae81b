"""Product files over HTTP: taken in, checked without importing, stopped."""

from typing import Any

import pytest

from domain.values import Role
from tests.api import Api
from tests.buying import manager, ok, refused
from tests.importing import EXAMPLE, HEADER, catalogue, imported, row, rows, send, with_worker

UNKNOWN = "0" * 24
OUTCOME = {"importId", "imported", "failed", "errors", "message", "status"}


async def test_the_specifications_example_comes_out_right(api: Api) -> None:
    with_worker(api)
    outcome = await imported(await manager(api), EXAMPLE)
    assert outcome.keys() >= OUTCOME
    assert (outcome["imported"], outcome["failed"], outcome["errors"]) == (2, 0, [])
    assert outcome["message"] == "Successfully imported 2 products. 0 failed."
    assert (outcome["status"], outcome["totalRows"]) == ("completed", 2)
    products = await catalogue(api)
    ring, necklace = products["Diamond Solitaire Ring 1.5ct"], products["Gold Pearl Necklace"]
    assert (ring["price"], ring["priceMinor"]) == (299_999, 29_999_900)
    assert (ring["category"], ring["images"]) == ("Diamond", ["https://example.com/ring.jpg"])
    assert (ring["rating"], ring["reviews"], ring["featured"]) == (0, 0, False)
    assert (necklace["price"], necklace["stock"]["status"]) == (89_999, "limited")
    assert necklace["specifications"]["material"] == "22k Gold"
    assert necklace["specifications"]["gemstone"] == "Freshwater Pearls"


async def test_only_who_looks_after_the_catalogue_imports(api: Api) -> None:
    with_worker(api)
    for person in (await api.customer(), await api.staff(Role.FINANCE, Role.ORDER_MANAGER)):
        for to in ("import", "validate-import"):
            refused(await send(person, EXAMPLE, to=to), 403, "forbidden")
        refused(await person.client.get("/api/products/import-history"), 403, "forbidden")
    assert (await imported(await api.admin(), EXAMPLE))["imported"] == 2


async def test_the_same_file_twice_makes_no_second_product(api: Api) -> None:
    with_worker(api)
    person = await manager(api)
    first = await imported(person, rows(1, 2))
    again = await imported(person, rows(1, 2))
    assert (first["created"], again["created"], again["skipped"]) == (2, 0, 2)
    assert (again["imported"], again["failed"]) == (0, 0)
    assert len(await catalogue(api)) == 2


async def test_the_same_product_twice_in_one_file_is_made_once(api: Api) -> None:
    with_worker(api)
    outcome = await imported(await manager(api), rows(1) + row(1, price="5"))
    assert outcome["created"] == 1
    assert outcome["created"] + outcome["skipped"] + outcome["failed"] == 2
    assert [p["price"] for p in (await catalogue(api)).values()] == [1001]


async def test_a_repeated_request_imports_once(api: Api) -> None:
    with_worker(api)
    person = await manager(api)
    headers = {"Idempotency-Key": "import-1"}

    async def sent(text: str) -> Any:
        files = {"file": ("products.csv", text.encode())}
        return await person.client.post("/api/products/import", files=files, headers=headers)

    assert ok(await sent(rows(1)))["importId"] == ok(await sent(rows(1)))["importId"]
    refused(await sent(rows(2)), 422, "idempotency-key-reused")
    assert (await api.topics()).count("ImportStarted") == 1


async def test_an_update_changes_what_the_file_says_otherwise(api: Api) -> None:
    with_worker(api)
    person = await manager(api)
    await imported(person, rows(1, 2))
    text = HEADER + row(1, price="555") + row(2) + row(3)
    outcome = await imported(person, text, onDuplicate="update")
    assert (outcome["updated"], outcome["unchanged"], outcome["created"]) == (1, 1, 1)
    assert outcome["imported"] == 2
    assert (await catalogue(api))["Piece 1"]["price"] == 555
    assert (await api.topics()).count("ProductChanged") == 1


async def test_a_product_that_is_there_may_count_as_an_error(api: Api) -> None:
    with_worker(api)
    person = await manager(api)
    await imported(person, rows(1))
    outcome = await imported(person, rows(1, 2), onDuplicate="error")
    assert (outcome["created"], outcome["failed"], outcome["status"]) == (1, 1, "partial")
    assert outcome["errors"] == ["Row 2: sku: is already in the catalogue"]
    refused(await send(person, rows(1), onDuplicate="whatever"), 422, "invalid")


async def test_rows_with_faults_are_told_and_the_others_imported(api: Api) -> None:
    with_worker(api)
    text = HEADER + row(1, price="much") + row(2) + row(3, availability="perhaps")
    outcome = await imported(await manager(api), text)
    assert (outcome["imported"], outcome["failed"], outcome["status"]) == (1, 2, "partial")
    assert len(outcome["errors"]) == 2
    assert [error.partition(":")[0] for error in outcome["errors"]] == ["Row 2", "Row 4"]
    assert list(await catalogue(api)) == ["Piece 2"]


async def test_a_file_of_faults_only_has_failed(api: Api) -> None:
    with_worker(api)
    outcome = await imported(await manager(api), rows(1, 2, price="nan"))
    assert (outcome["status"], outcome["failed"], outcome["imported"]) == ("failed", 2, 0)


@pytest.mark.parametrize(
    ("text", "name", "code"),
    [
        ("description,price\nRing,1\n", "a.csv", "missing-columns"),
        ("", "a.csv", "unreadable-file"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_and_remembered(
    api: Api, text: str, name: str, code: str
) -> None:
    with_worker(api)
    person = await manager(api)
    problem = refused(await send(person, text, name=name), 400, code)
    assert problem["detail"]
    await api.consistency.fold()
    (entry,) = ok(await person.client.get("/api/products/import-history"))
    assert (entry["status"], entry["fileName"], entry["totalRows"]) == ("failed", name, 0)
    assert entry["failure"]["code"] == code


async def test_a_missing_column_is_named(api: Api) -> None:
    problem = refused(
        await send(await manager(api), "description,price\nRing,1\n"), 400, "missing-columns"
    )
    assert sorted(problem["missing"]) == ["availability", "image"]


async def test_a_file_over_the_limit_is_refused(api: Api) -> None:
    person = await manager(api)
    for to in ("import", "validate-import"):
        refused(await send(person, HEADER + "x" * 20_000_001, to=to), 413, "too-large")


async def test_an_import_that_takes_long_is_followed_by_its_address(api: Api) -> None:
    worker = with_worker(api)
    person = await manager(api)
    worker.away = True
    answer = await send(person, rows(1))
    data = ok(answer, 202)
    assert data == {"importId": data["importId"], "status": "processing"}
    assert answer.headers["Location"] == f"/api/products/imports/{data['importId']}"
    await api.consistency.fold()
    job = await person.client.get(answer.headers["Location"])
    assert ok(job)["status"] == "processing"
    worker.away = False
    await worker.wait_for_commit("none", seconds=0)
    assert ok(await person.client.get(answer.headers["Location"]))["status"] == "completed"


async def test_a_cancelled_import_stops_and_cannot_be_cancelled_by_others(api: Api) -> None:
    worker = with_worker(api)
    worker.away = True
    person, other = await manager(api), await manager(api)
    job = ok(await send(person, rows(1)), 202)["importId"]
    address = f"/api/products/imports/{job}/cancel"
    refused(await other.client.post(address), 404, "not-found")
    for _ in range(2):
        assert ok(await person.client.post(address))["status"] == "cancelled"
    await worker.wait_for_commit("none", seconds=0)
    worker.away = False
    await worker.wait_for_commit("none", seconds=0)
    assert await catalogue(api) == {}
    for unknown in (UNKNOWN, "nonsense"):
        refused(
            await person.client.post(f"/api/products/imports/{unknown}/cancel"), 404, "not-found"
        )


async def test_an_import_that_has_ended_cannot_be_cancelled(api: Api) -> None:
    with_worker(api)
    person = await manager(api)
    job = (await imported(person, rows(1)))["importId"]
    refused(await person.client.post(f"/api/products/imports/{job}/cancel"), 409, "import-ended")


# --- Checking without importing ------------------------------------------------------------------

MIXED = HEADER + row(1, price="2") + row(2) + row(9) + row(10, price="much")


@pytest.mark.parametrize("mode", ["skip", "update", "error"])
async def test_a_check_foretells_the_import(api: Api, mode: str) -> None:
    with_worker(api)
    person = await manager(api)
    await imported(person, rows(1, 2))
    before = await api.topics()
    checked = ok(await send(person, MIXED, to="validate-import", onDuplicate=mode))
    assert await api.topics() == before
    outcome = await imported(person, MIXED, onDuplicate=mode)
    assert checked["summary"] == {
        "toCreate": outcome["created"],
        "toUpdate": outcome["updated"],
        "toSkip": outcome["skipped"],
        "unchanged": outcome["unchanged"],
        "failed": outcome["failed"],
    }
    assert checked["errors"] == outcome["errors"]
    assert checked["warnings"] == outcome["warnings"]
    assert checked["valid"] is False


async def test_a_check_shows_what_would_come(api: Api) -> None:
    person = await manager(api)
    checked = ok(await send(person, EXAMPLE, to="validate-import"))
    assert checked["valid"] is True
    ring = checked["preview"][0]
    assert (ring["action"], ring["name"], ring["priceMinor"], ring["category"]) == (
        "create",
        "Diamond Solitaire Ring 1.5ct",
        29_999_900,
        "Diamond",
    )
    assert checked["processingTime"] >= 0
    assert await catalogue(api) == {}


async def test_a_check_of_a_file_without_columns_names_them(api: Api) -> None:
    text = "description,price\nRing,1\n"
    checked = ok(await send(await manager(api), text, to="validate-import"))
    assert (checked["valid"], checked["preview"]) == (False, [])
    assert sorted(checked["problems"][0]["missing"]) == ["availability", "image"]


async def test_a_check_tells_a_hundred_faults_and_counts_them_all(api: Api) -> None:
    text = rows(*range(250), price="much")
    checked = ok(await send(await manager(api), text, to="validate-import"))
    assert (len(checked["errors"]), checked["summary"]["failed"]) == (100, 250)
