"""The rows of a sheet as text, each with what is wrong with its cells."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, TypeAlias

from python_calamine import CalamineSheet

from integrations.workbook_process.limits import Limits
from integrations.workbook_process.places import Place, name_of
from integrations.workbook_process.refused import RefusedError
from integrations.workbook_process.scan import Scan

Fault: TypeAlias = tuple[int, str, str]

MOST_EXACT = 10**15
"""A spreadsheet keeps 15 digits; longer numbers were rounded before we saw them."""


def sheet_rows(sheet: CalamineSheet, scan: Scan, limits: Limits) -> Iterator[object]:
    if sheet.start is None:
        return
    if sheet.width > limits["max_columns"]:
        raise RefusedError(
            "unreadable-file",
            f"The sheet is {sheet.width} columns wide, more than {limits['max_columns']}",
        )
    first_column = sheet.start[1]
    merges = _Merges(sheet.merged_cell_ranges or [])
    faulty_rows = {row for row, _ in scan.faults}
    for row, values in enumerate(_with_rows_below(sheet, faulty_rows)):
        if row not in faulty_rows and all(map(_is_blank, values)):
            continue
        merges.reach(row)
        places = [(row, first_column + i) for i in range(len(values))]
        yield _row(row, values, places, scan, merges, limits["max_cell_chars"])


def _with_rows_below(sheet: CalamineSheet, faulty_rows: set[int]) -> Iterator[list[Any]]:
    """The reader ends at the last value, but a row of formulas without values may follow."""
    yield from sheet.iter_rows()
    for _ in range(sheet.total_height, max(faulty_rows, default=0) + 1):
        yield [""] * sheet.width


def _is_blank(value: object) -> bool:
    return isinstance(value, str) and not value.strip()


def _row(
    row: int, values: list[Any], places: list[Place], scan: Scan, merges: "_Merges", most: int
) -> list[object]:
    cells: list[str] = []
    faults: list[Fault] = []
    for i, (value, at) in enumerate(zip(values, places, strict=True)):
        text, fault = cell_text(value)
        cells.append(text[: most + 1])
        fault = scan.faults.get(at) or merges.fault(at) or fault
        if fault is not None:
            faults.append((i, *fault))
    return [row + 1, cells, faults]


def cell_text(value: object) -> tuple[str, tuple[str, str] | None]:
    """The cell as a person would have typed it, and what is wrong with it."""
    if isinstance(value, str):
        return value, None
    if isinstance(value, bool):
        return str(value).upper(), None
    if isinstance(value, int | float):
        return _number_text(value)
    return str(value), ("date-in-text", "is a date or time: format the column as text")


def _number_text(value: float) -> tuple[str, tuple[str, str] | None]:
    if abs(value) >= MOST_EXACT:
        message = "has more than 15 digits, which spreadsheets round: format the column as text"
        return _plain(repr(value)), ("number-too-long", message)
    return _plain(f"{value:.15g}"), None


def _plain(digits: str) -> str:
    """Without exponent and without zeros that say nothing: 1E-7 is 0.0000001, 299999.0 is 299999."""
    text = f"{Decimal(digits):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


class _Merges:
    """Merged ranges, met in the order of their first rows."""

    def __init__(self, ranges: list[tuple[Place, Place]]) -> None:
        self._waiting = sorted(ranges, reverse=True)
        self._open: list[tuple[Place, Place]] = []

    def reach(self, row: int) -> None:
        self._open = [merge for merge in self._open if merge[1][0] >= row]
        while self._waiting and self._waiting[-1][0][0] <= row:
            self._open.append(self._waiting.pop())

    def fault(self, at: Place) -> tuple[str, str] | None:
        for first, last in self._open:
            if at != first and first[0] <= at[0] <= last[0] and first[1] <= at[1] <= last[1]:
                merged = f"{name_of(first)}:{name_of(last)}"
                return "merged-cell", f"belongs to the merged cells {merged}: unmerge them"
        return None
