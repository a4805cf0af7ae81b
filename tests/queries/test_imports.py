"""The history of imports: whose, how far, and the rows to correct."""

import csv
import io

from domain.values import Role
from tests.api import Api
from tests.buying import manager, ok, refused
from tests.importing import HEADER, imported, row, rows, send, with_worker

SPECIFIED = {
    "_id", "userId", "fileName", "fileSize", "totalRows", "successfulImports", "failedImports",
    "errors", "status", "importedAt", "processingTime",
}  # fmt: skip
UNKNOWN = "0" * 24


async def test_an_import_has_every_field_of_the_specification(api: Api) -> None:
    with_worker(api)
    person = await manager(api)
    text = rows(1) + row(2, price="much")
    end = await imported(person, text)
    answer = await person.client.get(f"/api/products/imports/{end['importId']}")
    shown = ok(answer)
    assert shown.keys() >= SPECIFIED
    assert (shown["userId"], shown["fileName"]) == (person.id, "products.csv")
    assert (shown["fileSize"], shown["totalRows"]) == (len(text), 2)
    assert (shown["successfulImports"], shown["failedImports"]) == (1, 1)
    assert not any(name.startswith("_") and name != "_id" for name in shown)
    assert answer.headers["ETag"] == f'"v{shown["version"]}"'


async def test_one_sees_ones_own_imports_and_an_administrator_everybodys(api: Api) -> None:
    with_worker(api)
    first, second, admin = await manager(api), await manager(api), await api.admin()
    mine = [(await imported(first, rows(n)))["importId"] for n in (1, 2)]
    theirs = (await imported(second, rows(3)))["importId"]
    address = "/api/products/import-history"

    async def seen(who: object, **query: str) -> list[str]:
        return [job["id"] for job in ok(await who.client.get(address, params=query))]  # type: ignore[attr-defined]

    assert await seen(first) == mine[::-1]
    assert await seen(first, userId=second.id) == mine[::-1]
    assert await seen(admin) == [theirs, *mine[::-1]]
    assert await seen(admin, userId=second.id) == [theirs]
    for name in ("", "/errors.csv"):
        foreign = await second.client.get(f"/api/products/imports/{mine[0]}{name}")
        refused(foreign, 404, "not-found")
    assert ok(await admin.client.get(f"/api/products/imports/{theirs}"))["id"] == theirs


async def test_the_history_comes_in_pages(api: Api) -> None:
    with_worker(api)
    person = await manager(api)
    jobs = [(await imported(person, rows(n)))["importId"] for n in range(5)]
    answer = await person.client.get("/api/products/import-history", params={"limit": 2, "page": 2})
    assert [job["id"] for job in ok(answer)] == jobs[::-1][2:4]
    pagination = answer.json()["pagination"]
    assert pagination.pop("nextCursor")
    assert pagination == {
        "page": 2,
        "limit": 2,
        "skip": 2,
        "total": 5,
        "pages": 3,
        "hasMore": True,
    }


async def test_the_rows_to_correct_come_as_a_file_that_can_be_sent_again(api: Api) -> None:
    with_worker(api)
    person = await manager(api)
    end = await imported(person, HEADER + row(1) + row(2, price="=much") + row(3, price="0"))
    answer = await person.client.get(f"/api/products/imports/{end['importId']}/errors.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    text = answer.content.decode("utf-8-sig")
    failed = list(csv.DictReader(io.StringIO(text)))
    assert [cells["description"] for cells in failed] == ["Piece 2", "Piece 3"]
    assert not failed[0]["price"].startswith("=")
    mended = text.replace("'=much", "700").replace('"0"', '"800"')
    again = await imported(person, mended)
    assert (again["created"], again["failed"]) == (2, 0)


async def test_a_file_that_could_not_be_read_has_no_rows_to_correct(api: Api) -> None:
    with_worker(api)
    person = await manager(api)
    await send(person, "description\nRing\n")
    await api.consistency.fold()
    (job,) = ok(await person.client.get("/api/products/import-history"))
    answer = await person.client.get(f"/api/products/imports/{job['id']}/errors.csv")
    refused(answer, 404, "not-found")


async def test_an_unknown_import_is_not_there(api: Api) -> None:
    person = await api.staff(Role.CATALOG_MANAGER)
    for name in (UNKNOWN, "nonsense"):
        refused(await person.client.get(f"/api/products/imports/{name}"), 404, "not-found")
