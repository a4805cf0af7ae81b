"""CSV, row by row, by the standard library's parser in strict mode.

A row that breaks the rules of quoting becomes a faulty row of its own; the rows after it are still read.
"""

import csv
import io
import re
from collections.abc import Iterator
from typing import BinaryIO, TextIO

from domain.import_rules.problems import UnreadableTable
from domain.import_rules.table import CellFault, RawRow, TableReading
from integrations.tabular.encoding import encoding_of

DELIMITERS = ",;\t|"
MAX_RECORD_CHARS = 1 << 20
"""Longer records are refused before they fill the memory; a product needs a few thousand characters."""
HEADER_CHARS = 1 << 16
SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|])"?\r?\n', re.IGNORECASE)
"""Excel's own way to name the delimiter; it does not show this line, so it has no row number."""


def open_text(file: BinaryIO) -> TableReading:
    encoding = encoding_of(file)
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding.name, newline="")
    delimiter, skipped_lines = _delimiter(text)
    rows = _rows(text, delimiter, skipped_lines)
    return TableReading(
        format="csv",
        header=_header(rows),
        rows=rows,
        encoding=encoding.name,
        delimiter=delimiter,
        warnings=[encoding.warning] if encoding.warning else [],
        close=text.close,
    )


def _header(rows: Iterator[RawRow]) -> RawRow:
    header = next(rows, None)
    if header is None:
        raise UnreadableTable("The file has no rows")
    return header


def _delimiter(text: TextIO) -> tuple[str, int]:
    """The one that gives the header most fields; and the number of lines before the table."""
    head = text.read(HEADER_CHARS)
    text.seek(0)
    if stated := SEPARATOR_LINE.match(head):
        text.readline()
        return stated[1], 1
    lines = head.lstrip().splitlines(keepends=True)
    return max(DELIMITERS, key=lambda delimiter: _fields(lines, delimiter)), 0


def _fields(lines: list[str], delimiter: str) -> int:
    return len(next(csv.reader(lines, delimiter=delimiter, skipinitialspace=True), []))


def _rows(text: TextIO, delimiter: str, skipped_lines: int) -> Iterator[RawRow]:
    """Rows that are not blank. Blank ones still count, as they do in a spreadsheet."""
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    row_number = 0
    while True:
        row_number += 1
        line = reader.line_num + skipped_lines + 1
        row = _row(reader, row_number, line)
        lines.begin_record()
        if row is None:
            return
        if row.faults or any(cell.strip() for cell in row.cells):
            yield row


def _row(reader: "Iterator[list[str]]", row_number: int, line: int) -> RawRow | None:
    try:
        cells = next(reader, None)
    except csv.Error as e:
        fault = CellFault(column=None, code="malformed-row", message=_explained(e))
        return RawRow(row_number=row_number, line=line, cells=(), faults=(fault,))
    return None if cells is None else RawRow(row_number=row_number, line=line, cells=tuple(cells))


def _explained(error: csv.Error) -> str:
    if "end of data" in str(error):
        return "opens a quotation mark that never closes"
    if "field limit" in str(error):
        return "has a cell that is far too long; is a quotation mark missing?"
    return "has a quotation mark inside a quoted cell; write it twice"


class _Lines:
    """Lines for the parser, within a budget of characters for each record."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._left = MAX_RECORD_CHARS

    def begin_record(self) -> None:
        self._left = MAX_RECORD_CHARS

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._text.readline(self._left + 1)
        if not line:
            raise StopIteration
        self._left -= len(line)
        if self._left < 0:
            raise UnreadableTable(f"A row is longer than {MAX_RECORD_CHARS:,} characters")
        return line
