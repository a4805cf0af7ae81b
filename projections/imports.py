"""The collection `importLogs`: the specification's fields, and ours beside them."""

from datetime import datetime
from typing import Literal, NotRequired

from bson import ObjectId
from typing_extensions import TypedDict

from domain.import_rules import OnDuplicate
from domain.imports import (
    COUNTED,
    ImportCancelled,
    ImportFailed,
    ImportFinished,
    ImportProgressed,
    ImportStarted,
)
from projections.projection import Append, Change, Increment, Projection, Put, Set
from projections.stored import Id, Stored, shape


@shape
class ProblemDocument(TypedDict):
    row: int
    line: int
    column: str | None
    code: str
    value: str
    message: str


@shape
class FailureDocument(TypedDict):
    code: str
    reason: str


@shape
class ImportDocument(Stored):
    userId: Id
    fileName: str
    fileSize: int
    sha256: str
    totalRows: int
    successfulImports: int
    failedImports: int
    created: int
    updated: int
    unchanged: int
    skipped: int
    errors: list[str]
    warnings: list[str]
    status: Literal["processing", "completed", "partial", "failed", "cancelled"]
    onDuplicate: OnDuplicate
    importedAt: datetime
    finishedAt: datetime | None
    processingTime: int
    """Milliseconds."""
    throughRow: NotRequired[int]
    failure: NotRequired[FailureDocument]
    _key: str
    _problems: list[ProblemDocument]
    updatedAt: datetime


IMPORTS = Projection(
    "importLogs",
    document=ImportDocument,
    version=1,
    indexes=[
        [("userId", 1), ("importedAt", -1), ("_id", -1)],
        [("importedAt", -1), ("_id", -1)],
        [("_key", 1)],
    ],
)

SUCCESSES = ("created", "updated")


@IMPORTS.on(ImportStarted)
def started(event: ImportStarted, at: datetime) -> Put:
    return Put(
        {
            "userId": ObjectId(event.user_id),
            "fileName": event.file_name,
            "fileSize": event.file_size,
            "sha256": event.sha256,
            "totalRows": 0,
            "successfulImports": 0,
            "failedImports": 0,
            **dict.fromkeys(COUNTED[:-1], 0),
            "errors": [],
            "warnings": [],
            "status": "processing",
            "onDuplicate": event.on_duplicate,
            "importedAt": event.started_at,
            "finishedAt": None,
            "processingTime": 0,
            "_key": event.key,
            "_problems": [],
            "updatedAt": at,
        }
    )


@IMPORTS.on(ImportProgressed)
def progressed(event: ImportProgressed, at: datetime) -> tuple[Change, ...]:
    counts = event.counts
    totals = {
        "totalRows": counts.rows,
        "successfulImports": sum(getattr(counts, name) for name in SUCCESSES),
        "failedImports": counts.failed,
        **{name: getattr(counts, name) for name in COUNTED[:-1]},
    }
    told = (
        change
        for problem in event.problems
        for change in (
            Append("_problems", problem.model_dump()),
            Append("errors", str(problem)),
        )
    )
    return (Increment(totals), *told, Set({"throughRow": event.through_row, "updatedAt": at}))


@IMPORTS.on(ImportFinished)
def finished(event: ImportFinished, at: datetime) -> Set:
    return Set(
        {
            "status": event.status.value,
            "warnings": list(event.warnings),
            "processingTime": event.processing_ms,
            "finishedAt": at,
            "updatedAt": at,
        }
    )


@IMPORTS.on(ImportFailed)
def failed(event: ImportFailed, at: datetime) -> Set:
    return Set(
        {
            "status": "failed",
            "errors": [event.reason],
            "failure": {"code": event.code, "reason": event.reason},
            "processingTime": event.processing_ms,
            "finishedAt": at,
            "updatedAt": at,
        }
    )


@IMPORTS.on(ImportCancelled)
def cancelled(_: ImportCancelled, at: datetime) -> Set:
    return Set({"status": "cancelled", "finishedAt": at, "updatedAt": at})
