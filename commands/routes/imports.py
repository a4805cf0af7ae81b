"""Product files: taken in, checked without importing, stopped. The worker carries an import out."""

import asyncio
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Annotated, Any

from fastapi import File, Query, Response, UploadFile

from commands.decisions.importing import cancel_import, finish_id, refuse_import, start_import
from commands.effects.keys import display_name
from commands.effects.product_files import existing_products, opened
from dependencies.answers import answer
from dependencies.caller import CatalogManager
from dependencies.documents import object_id_or_404
from dependencies.executor import Execute
from dependencies.limits import limited
from dependencies.routers import PrefixRouter
from dependencies.services import AllServices, Services
from domain.errors import TooLarge
from domain.import_rules import (
    Create,
    Failed,
    HeaderRefused,
    OnDuplicate,
    ReadRow,
    RowProblem,
    Skip,
    TableRefused,
    Unchanged,
    Update,
    plan,
)
from domain.ports.events import commit_id_of

router = PrefixRouter(prefix="/api/products", tags=["imports"])

IMPORTS = "importLogs"
PREVIEW_ROWS = 20
MAX_TOLD = 100
CHECK_CHUNK = 200

ProductFile = Annotated[UploadFile, File(description="CSV or XLSX with the columns of a product")]
Duplicates = Annotated[
    OnDuplicate,
    Query(alias="onDuplicate", description="what happens to a product that is there already"),
]


@router.post("/import", dependencies=[limited("import")])
async def post_import(
    user: CatalogManager,
    execute: Execute,
    services: AllServices,
    file: ProductFile,
    on_duplicate: Duplicates = "skip",
) -> Response:
    """Import products. Answers with the outcome, or 202 when it takes longer than a few seconds:
    then follow `Location`.
    """
    data = await _read(file, services)
    digest = hashlib.sha256(data).hexdigest()
    name = display_name(file.filename or "products.csv")
    try:
        await asyncio.to_thread(_check_header, data, name, services)
    except TableRefused as refused:
        handler = partial(
            refuse_import, user.id, refused, file_name=name, file_size=len(data), sha256=digest
        )
        await execute.carry_out(handler, content_digest=bytes.fromhex(digest))
        raise
    key = f"imports/{digest}.bin"
    await services.objects.put(key, data, content_type="application/octet-stream")
    handler = partial(
        start_import,
        user.id,
        file_name=name,
        file_size=len(data),
        sha256=digest,
        key=key,
        on_duplicate=on_duplicate,
    )
    outcome = await execute.carry_out(handler, content_digest=bytes.fromhex(digest))
    assert outcome.object_id is not None
    headers = await execute.headers(outcome)
    return await _outcome(outcome.object_id, services, headers)


async def _outcome(import_id: str, services: Services, headers: dict[str, str]) -> Response:
    """Wait for the end of the import, not longer than `import_sync_seconds`."""
    position = await services.consistency.wait_for_commit(
        commit_id_of(finish_id(import_id)), seconds=services.settings.import_sync_seconds
    )
    document = await services.documents.find(IMPORTS, import_id)
    if position is None or document is None or document["status"] == "processing":
        data = {"importId": import_id, "status": "processing"}
        location = {"Location": f"/api/products/imports/{import_id}"}
        return answer(data, status=202, headers=headers | location)
    return answer(outcome_of(document), headers=headers | {"Consistency-Token": f"p{position}"})


async def _read(file: UploadFile, services: Services) -> bytes:
    limit = services.settings.max_import_mb * 1_000_000
    data = await file.read(limit + 1)
    if len(data) > limit:
        raise TooLarge(f"a file may have {services.settings.max_import_mb} MB")
    return data


def _check_header(data: bytes, name: str, services: Services) -> None:
    """Raise TableRefused when the file or its header cannot be read."""
    with opened(data, name, services):
        pass


@router.post("/imports/{import_id}/cancel", dependencies=[limited("write")])
async def post_cancel(import_id: str, user: CatalogManager, execute: Execute) -> Response:
    """Stop an import after the rows that it is at; what is imported stays."""
    object_id_or_404(import_id)
    return await execute(partial(cancel_import, import_id, user.id), shows=IMPORTS)


@router.post("/validate-import", dependencies=[limited("import")])
async def post_validate_import(
    _: CatalogManager,
    services: AllServices,
    file: ProductFile,
    on_duplicate: Duplicates = "skip",
) -> Response:
    """What an import of this file would do: every error, and a preview. Nothing is imported."""
    data = await _read(file, services)
    name = display_name(file.filename or "products.csv")
    started = time.perf_counter()
    try:
        report = await _checked(data, name, services, on_duplicate)
    except TableRefused as refused:
        missing = list(refused.missing) if isinstance(refused, HeaderRefused) else []
        report = {
            "valid": False,
            "errors": [refused.detail],
            "problems": [{"code": refused.code, "message": refused.detail, "missing": missing}],
            "warnings": [],
            "summary": {"toCreate": 0, "toUpdate": 0, "toSkip": 0, "unchanged": 0, "failed": 0},
            "preview": [],
        }
    report["processingTime"] = round((time.perf_counter() - started) * 1000)
    return answer(report)


async def _checked(
    data: bytes, name: str, services: Services, on_duplicate: OnDuplicate
) -> dict[str, Any]:
    """The pipeline of the import, without its commits."""
    summary = {"toCreate": 0, "toUpdate": 0, "toSkip": 0, "unchanged": 0, "failed": 0}
    problems: list[Any] = []
    preview: list[dict[str, Any]] = []
    with await asyncio.to_thread(opened, data, name, services) as table:
        while rows := await asyncio.to_thread(_next_rows, table.rows):
            existing = await existing_products(rows, services)
            for step in plan(rows, existing, on_duplicate):
                summary[SUMMARY[type(step)]] += 1
                if isinstance(step, Failed):
                    problems += step.problems[: max(0, MAX_TOLD - len(problems))]
                elif isinstance(step, Create | Update) and len(preview) < PREVIEW_ROWS:
                    preview.append(_shown(step))
        warnings = table.warnings()
    return {
        "valid": summary["failed"] == 0,
        "errors": [str(problem) for problem in problems],
        "problems": read_problems(problems),
        "warnings": warnings[:MAX_TOLD],
        "summary": summary,
        "preview": preview,
    }


SUMMARY: dict[type, str] = {
    Create: "toCreate",
    Update: "toUpdate",
    Skip: "toSkip",
    Unchanged: "unchanged",
    Failed: "failed",
}


def _next_rows(rows: Iterator[ReadRow]) -> list[ReadRow]:
    return list(islice(rows, CHECK_CHUNK))


def _shown(step: Create | Update) -> dict[str, Any]:
    draft = step.draft
    return {
        "row": step.row,
        "action": "create" if isinstance(step, Create) else "update",
        "name": draft.name,
        "priceMinor": draft.price_minor,
        "category": draft.category.value,
        "availability": draft.availability.value,
        "specifications": draft.specifications.model_dump(exclude={"attributes"}),
    }


def outcome_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The specification's answer to an import."""
    imported, failed = document["successfulImports"], document["failedImports"]
    return {
        "importId": str(document["_id"]),
        "status": document["status"],
        "imported": imported,
        "failed": failed,
        "errors": document["errors"][:100],
        "message": f"Successfully imported {imported} products. {failed} failed.",
        "created": document["created"],
        "updated": document["updated"],
        "unchanged": document["unchanged"],
        "skipped": document["skipped"],
        "totalRows": document["totalRows"],
        "warnings": document["warnings"],
        "processingTime": document["processingTime"],
    }


def read_problems(problems: Sequence[RowProblem]) -> list[dict[str, Any]]:
    return [problem.model_dump() for problem in problems]
