"""Imports: carried on from row to row, ended once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain import imports
from domain.errors import NotFound, RuleViolation
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
from tests.given import OBJECT_ID, given, replayed

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
USER, OTHER = "c" * 24, "d" * 24
PROBLEM = RowProblem(row=3, line=3, column="price", code="price-format", message="is no price")

FACTS: dict[str, Any] = {
    "user_id": USER,
    "file_name": "products.csv",
    "file_size": 10,
    "sha256": "a" * 64,
    "key": "imports/a.bin",
    "on_duplicate": "skip",
}
STARTED = ImportStarted(**FACTS, started_at=NOW)
CANCELLED = ImportCancelled()


def progressed(through_row: int, *problems: RowProblem, **counts: int) -> ImportProgressed:
    return ImportProgressed(through_row=through_row, counts=Counts(**counts), problems=problems)


def finished(status: ImportStatus, **counts: int) -> ImportFinished:
    return ImportFinished(status=status, counts=Counts(**counts), processing_ms=1500)


HALF = progressed(3, PROBLEM, created=1, failed=1)
DONE = finished(ImportStatus.PARTIAL, created=1, failed=1)
UNREADABLE = ImportFailed(code="missing-columns", reason="price is missing", processing_ms=1500)


def test_an_import_begins_with_its_file() -> None:
    given().when(Import.begin, OBJECT_ID, **FACTS, now=NOW).then(STARTED)


def go_on(*events: DomainEvent, through_row: int = 3) -> Any:
    named = {"counts": Counts(created=1, failed=1), "problems": (PROBLEM,)}
    return given(*events).when(Import.progress, through_row=through_row, **named)


def test_rows_that_are_done_are_not_done_again() -> None:
    go_on(STARTED).then(HALF)
    go_on(STARTED, HALF, through_row=2).then_nothing()
    assert replayed(Import, [STARTED, HALF]).through_row == 3


@pytest.mark.parametrize("end", [CANCELLED, DONE, UNREADABLE])
def test_what_has_ended_goes_no_further(end: DomainEvent) -> None:
    go_on(STARTED, end).then_nothing()
    given(STARTED, end).when(Import.finish, warnings=(), now=NOW).then_nothing()
    given(STARTED, end).when(Import.fail, code="x", reason="y", now=NOW).then_nothing()


def test_so_many_problems_are_told_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "MAX_PROBLEMS", 1)
    named = {"counts": Counts(failed=2), "problems": (PROBLEM, PROBLEM)}
    given(STARTED).when(Import.progress, through_row=4, **named).then(
        progressed(4, PROBLEM, failed=2)
    )
    more = {"counts": Counts(failed=1), "problems": (PROBLEM,)}
    given(STARTED, HALF).when(Import.progress, through_row=9, **more).then(progressed(9, failed=1))


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ({}, ImportStatus.COMPLETED),
        ({"created": 2, "skipped": 1}, ImportStatus.COMPLETED),
        ({"created": 1, "failed": 1}, ImportStatus.PARTIAL),
        ({"unchanged": 1, "failed": 1}, ImportStatus.PARTIAL),
        ({"failed": 2}, ImportStatus.FAILED),
    ],
)
def test_the_end_says_what_the_rows_came_to(rows: dict[str, int], status: ImportStatus) -> None:
    later = NOW + timedelta(seconds=1.5)
    given(STARTED, progressed(3, **rows)).when(Import.finish, warnings=(), now=later).then(
        finished(status, **rows)
    )


def test_counts_add_up() -> None:
    both = Counts(created=1, failed=1).plus(Counts(created=2, updated=3, unchanged=4, skipped=5))
    assert (both.created, both.rows) == (3, 16)


def test_a_file_that_cannot_be_read_fails_once() -> None:
    later = NOW + timedelta(seconds=1.5)
    named = {"code": "missing-columns", "reason": "price is missing", "now": later}
    given(STARTED).when(Import.fail, **named).then(UNREADABLE)


def test_a_clock_that_was_set_back_gives_no_negative_time() -> None:
    early = NOW - timedelta(hours=1)
    ended = given(STARTED).when(Import.finish, warnings=(), now=early)
    ended.then(ImportFinished(status=ImportStatus.COMPLETED, counts=Counts(), processing_ms=0))


def test_an_import_is_cancelled_while_it_runs() -> None:
    given(STARTED, HALF).when(Import.cancel).then(CANCELLED)
    for end, word in ((DONE, "partial"), (UNREADABLE, "failed")):
        given(STARTED, end).when(Import.cancel).then_raises(
            RuleViolation, f"has {word} already", code="import-ended"
        )


def test_an_import_is_its_owners() -> None:
    given(STARTED).when(Import.must_belong_to, USER).then_nothing()
    given(STARTED).when(Import.must_belong_to, OTHER).then_raises(NotFound, "no such import")
