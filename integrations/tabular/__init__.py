"""Tables in files: CSV in any usual encoding, and XLSX in a process of its own. What a file is called
does not matter; its first bytes say what it is.

Reading blocks: call it away from the event loop.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from domain.import_rules.problems import TableTooLarge, UnreadableTable
from domain.import_rules.table import CellFault, RawRow, TableLimits, TableReading
from integrations.tabular.errors_file import errors_csv, safe_cell
from integrations.tabular.source import format_of, open_source
from integrations.tabular.template import template_csv, template_xlsx
from integrations.tabular.text import open_text
from integrations.tabular.workbook import open_workbook

__all__ = ["errors_csv", "read_table", "safe_cell", "template_csv", "template_xlsx"]


def read_table(
    source: Path | bytes,
    *,
    file_name: str = "",
    limits: TableLimits | None = None,
    sheet: str | None = None,
) -> TableReading:
    """Open the table and read its header. `sheet` chooses a sheet of a workbook; else the first visible.

    Raise TableRefused, now or while the rows are read: `file-too-large`, `too-many-rows`,
    `unsupported-file-type`, `unsupported-encoding`, `unreadable-file`. Use the result in a `with`.
    """
    limits = limits or TableLimits()
    file = open_source(source, limits)
    try:
        is_text = format_of(file) == "csv"
        reading = open_text(file) if is_text else open_workbook(file, limits, sheet)
    except BaseException:
        file.close()
        raise
    reading.warnings.extend(_misnamed(file_name, reading.format))
    try:
        return _begun(reading, limits)
    except BaseException:
        reading.close()
        raise


def _misnamed(file_name: str, found: str) -> list[str]:
    suffix = Path(file_name).suffix.lower()
    if (found == "csv" and suffix in {".xlsx", ".xls"}) or (found == "xlsx" and suffix == ".csv"):
        return [
            f"The file is called {suffix} but is {found.upper()}; it was read as {found.upper()}"
        ]
    return []


def _begun(reading: TableReading, limits: TableLimits) -> TableReading:
    """The first row that is not blank is the header; the rest is held to the limits."""
    header = reading.header
    if any(fault.column is None for fault in header.faults):
        raise UnreadableTable(f"The header in line {header.line} {header.faults[0].message}")
    if len(header.cells) > limits.max_columns:
        raise UnreadableTable(f"The file has more than {limits.max_columns} columns")
    return replace(reading, rows=_within_limits(reading, limits))


def _within_limits(reading: TableReading, limits: TableLimits) -> Iterator[RawRow]:
    previous = reading.header.row_number
    for count, row in enumerate(reading.rows, 1):
        if row.row_number - previous > limits.max_blank_rows + 1:
            reading.warnings.append(
                f"Reading stopped at row {previous}: more than {limits.max_blank_rows:,} blank rows follow"
            )
            return
        if count > limits.max_rows:
            raise TableTooLarge(
                f"The file has more than {limits.max_rows:,} rows", code="too-many-rows"
            )
        previous = row.row_number
        yield _with_bounded_cells(row, limits.max_cell_chars)


def _with_bounded_cells(row: RawRow, most: int) -> RawRow:
    long = tuple(column for column, cell in enumerate(row.cells) if len(cell) > most)
    if not long:
        return row
    message = f"has more than {most:,} characters"
    faults = tuple(
        CellFault(column=column, code="cell-too-long", message=message) for column in long
    )
    cells = tuple(cell[:most] for cell in row.cells)
    return replace(row, cells=cells, faults=(*row.faults, *faults))
