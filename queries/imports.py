"""What was imported, when, by whom, and what went wrong with it."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from bson import ObjectId
from fastapi import Query, Response
from fastapi.responses import StreamingResponse

from dependencies.answers import answer, etag, present
from dependencies.caller import CatalogManager
from dependencies.documents import Document, object_id_or_404
from dependencies.limits import limited
from dependencies.lists import Page
from dependencies.reading import Reading, ReadModels
from dependencies.routers import PrefixRouter
from dependencies.services import Services
from domain.errors import NotFound
from domain.import_rules import RowProblem, read_header
from domain.sessions import User
from domain.values import Role

router = PrefixRouter(prefix="/api/products", tags=["imports"], dependencies=[limited("read")])

IMPORTS = "importLogs"
BRIEFLY = {"_problems": 0, "errors": {"$slice": 100}}


def import_view(document: Document, _: Services) -> dict[str, Any]:
    return present(document) | {"errors": list(document["errors"][:100])}


@router.get("/import-history")
async def get_import_history(
    user: CatalogManager,
    read_models: ReadModels,
    services: Reading,
    page: Page,
    user_id: Annotated[str | None, Query(alias="userId")] = None,
) -> Response:
    """One's own imports, the latest first; an administrator sees everybody's."""
    query = _whose(user, user_id)
    latest = (("importedAt", -1), ("_id", -1))
    found = await page.find(read_models[IMPORTS], query, latest, fields=BRIEFLY)
    total = await page.total(read_models[IMPORTS], query)
    shown = [import_view(document, services) for document in found.documents]
    return page.answer(shown, total, next_cursor=found.next_cursor)


def _whose(user: User, user_id: str | None) -> dict[str, Any]:
    if Role.ADMIN not in user.roles:
        return {"userId": ObjectId(user.id)}
    return {} if user_id is None else {"userId": object_id_or_404(user_id)}


@router.get("/imports/{import_id}")
async def get_import(
    import_id: str, user: CatalogManager, read_models: ReadModels, services: Reading
) -> Response:
    """One import: how far it is, and what it came to."""
    document = await _one(import_id, user, read_models)
    return answer(import_view(document, services), headers=etag(document))


@router.get("/imports/{import_id}/errors.csv", response_class=StreamingResponse)
async def get_errors_file(
    import_id: str, user: CatalogManager, read_models: ReadModels, services: Reading
) -> StreamingResponse:
    """The rows that failed, with what was wrong: correct them and send the file again."""
    document = await _one(import_id, user, read_models)
    if not document["_key"]:
        raise NotFound("this file could not be read at all; there are no rows to correct")
    data = await services.objects.get(document["_key"])
    lines = await asyncio.to_thread(_failed_rows, data, document, services)
    headers = {"Content-Disposition": f'attachment; filename="errors-{import_id}.csv"'}
    return StreamingResponse(iter(lines), media_type="text/csv; charset=utf-8", headers=headers)


def _failed_rows(data: bytes, document: Mapping[str, Any], services: Services) -> list[bytes]:
    """The original rows from the file itself, beside the problems that were recorded."""
    problems: dict[int, list[RowProblem]] = {}
    for fault in document["_problems"]:
        problems.setdefault(fault["row"], []).append(RowProblem.model_validate(fault))
    reading = services.tables.read_table(data, file_name=document["fileName"])
    try:
        header = read_header(reading.header.cells)

        def failures() -> Iterator[tuple[tuple[str, ...], list[RowProblem]]]:
            for row in reading.rows:
                if row.row_number in problems:
                    yield row.cells, problems[row.row_number]

        return list(services.tables.errors_csv(header.names, failures()))
    finally:
        reading.close()


async def _one(import_id: str, user: User, read_models: ReadModels) -> dict[str, Any]:
    query = {"_id": object_id_or_404(import_id), **_whose(user, None)}
    document = await read_models[IMPORTS].find_one(query)
    if document is None:
        raise NotFound("there is no such import")
    return document
