"""The documents of `importLogs`, as events make them."""

from datetime import timedelta
from typing import Any

from bson import ObjectId

from domain.import_rules.problems import RowProblem
from domain.imports import (
    Counts,
    Import,
    ImportCancelled,
    ImportFailed,
    ImportFinished,
    ImportProgressed,
    ImportStarted,
    ImportStatus,
)
from domain.kernel import DomainEvent
from projections.imports import IMPORTS
from tests.folding import AT, folded

USER, IMPORT = "c" * 24, "1" * 24
PROBLEM = RowProblem(row=3, line=3, column="price", code="price-format", message="is no price")
STARTED = ImportStarted(
    user_id=USER,
    file_name="products.csv",
    file_size=10,
    sha256="a" * 64,
    key="imports/a.bin",
    started_at=AT,
)
FIRST = ImportProgressed(through_row=3, counts=Counts(created=1, failed=1), problems=(PROBLEM,))
SECOND = ImportProgressed(through_row=6, counts=Counts(updated=1, unchanged=1, skipped=1))


def log(*events: DomainEvent) -> dict[str, Any]:
    return folded(IMPORTS, *((Import, IMPORT, event) for event in events))[ObjectId(IMPORT)]


def test_an_import_has_the_fields_of_the_specification() -> None:
    document = log(STARTED)
    specified = {
        "_id": ObjectId(IMPORT),
        "userId": ObjectId(USER),
        "fileName": "products.csv",
        "fileSize": 10,
        "totalRows": 0,
        "successfulImports": 0,
        "failedImports": 0,
        "errors": [],
        "status": "processing",
        "importedAt": AT,
        "processingTime": 0,
    }
    assert document.items() >= specified.items()


def test_chunks_add_up() -> None:
    document = log(STARTED, FIRST, SECOND)
    assert (document["totalRows"], document["throughRow"]) == (5, 6)
    assert (document["successfulImports"], document["failedImports"]) == (2, 1)
    assert (document["created"], document["updated"]) == (1, 1)
    assert (document["unchanged"], document["skipped"]) == (1, 1)
    assert document["errors"] == ["Row 3: price: is no price"]
    assert document["_problems"] == [PROBLEM.model_dump()]


def test_the_end_is_told() -> None:
    end = ImportFinished(
        status=ImportStatus.PARTIAL,
        counts=Counts(created=1, failed=1),
        warnings=("an unknown column",),
        processing_ms=1500,
    )
    document = log(STARTED, FIRST, end)
    assert (document["status"], document["processingTime"]) == ("partial", 1500)
    assert document["warnings"] == ["an unknown column"]
    assert document["finishedAt"] == AT + timedelta(seconds=2)


def test_a_file_that_could_not_be_read_says_why() -> None:
    end = ImportFailed(code="missing-columns", reason="price is missing", processing_ms=3)
    document = log(STARTED, end)
    assert (document["status"], document["errors"]) == ("failed", ["price is missing"])
    assert document["failure"] == {"code": "missing-columns", "reason": "price is missing"}


def test_a_cancelled_import_keeps_what_it_had_come_to() -> None:
    document = log(STARTED, FIRST, ImportCancelled())
    assert (document["status"], document["successfulImports"]) == ("cancelled", 1)
