"""XLSX, through a process that may die: of memory, of time, of a broken file. Its rows stream back."""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from domain.import_rules.problems import (
    TableRefused,
    TableTooLarge,
    UnreadableTable,
    UnsupportedTable,
)
from domain.import_rules.table import CellFault, RawRow, TableLimits, TableReading

CHECKOUT = Path(__file__).parents[2]
PROGRAM = ("-s", "-m", "integrations.workbook_process")
CHUNK_BYTES = 1 << 16
COMPLAINT_BYTES = 2_000

REFUSALS: dict[str, type[TableRefused]] = {
    "unreadable-file": UnreadableTable,
    "unsupported-file-type": UnsupportedTable,
    "file-too-large": TableTooLarge,
}


def open_workbook(file: BinaryIO, limits: TableLimits, sheet: str | None) -> TableReading:
    """The reading owns the file and the process from here on."""
    process = _Process(file, limits, sheet)
    try:
        said = process.messages()
        opening = next(said)
        rows = _rows(said)
        header = _without_blank_end(_header(rows))
    except BaseException:
        process.close()
        raise
    return TableReading(
        format="xlsx",
        header=header,
        rows=(_fitted(row, len(header.cells)) for row in rows),
        sheet=opening["sheet"],
        warnings=list(opening["warnings"]),
        close=process.close,
    )


def _header(rows: Iterator[RawRow]) -> RawRow:
    header = next(rows, None)
    if header is None:
        raise UnreadableTable("The sheet has no rows")
    return header


def _rows(said: Iterator[Any]) -> Iterator[RawRow]:
    for row_number, cells, faults in said:
        yield RawRow(
            row_number=row_number,
            line=row_number,
            cells=tuple(cells),
            faults=tuple(CellFault(column=i, code=code, message=text) for i, code, text in faults),
        )


def _without_blank_end(header: RawRow) -> RawRow:
    width = max((i for i, cell in enumerate(header.cells, 1) if cell.strip()), default=0)
    return RawRow(row_number=header.row_number, line=header.line, cells=header.cells[:width])


def _fitted(row: RawRow, width: int) -> RawRow:
    """A sheet has no number of fields: blank cells are added or cut, but never a cell with something."""
    cells = list(row.cells)
    while len(cells) > width and not cells[-1].strip():
        cells.pop()
    cells.extend([""] * (width - len(cells)))
    faults = tuple(
        fault for fault in row.faults if fault.column is None or fault.column < len(cells)
    )
    return RawRow(row_number=row.row_number, line=row.line, cells=tuple(cells), faults=faults)


class _Process:
    """The reading process. It gets the file and its limits, and an empty environment: no secrets."""

    def __init__(self, file: BinaryIO, limits: TableLimits, sheet: str | None) -> None:
        self._file = file
        self._seconds_left = limits.wall_seconds
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        file.seek(0)
        self._process = subprocess.Popen(  # noqa: S603 - our own program, no words of the caller's
            [sys.executable, *PROGRAM, json.dumps({**asdict(limits), "sheet": sheet})],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            cwd=CHECKOUT,
            env={},
        )
        assert self._process.stdout is not None
        self._output = self._process.stdout

    def messages(self) -> Iterator[Any]:
        """Raise TableRefused for what the process refuses, and when it ends before its last message."""
        for line in self._lines():
            message = json.loads(line)
            if isinstance(message, dict) and "refused" in message:
                code, detail = message["refused"]
                raise REFUSALS[code](detail)
            if isinstance(message, dict) and "end" in message:
                return
            yield message
        raise self._died()

    def _lines(self) -> Iterator[bytes]:
        rest = b""
        while chunk := self._chunk():
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines

    def _chunk(self) -> bytes:
        """What the process says next; only the time that we wait for it is counted."""
        pipe = self._output.fileno()
        poll = select.poll()
        poll.register(pipe, select.POLLIN | select.POLLHUP)
        began = time.monotonic()
        ready = poll.poll(max(0.0, self._seconds_left) * 1000)
        self._seconds_left -= time.monotonic() - began
        if not ready:
            raise UnreadableTable("The workbook takes too long to read")
        return os.read(pipe, CHUNK_BYTES)

    def _died(self) -> UnreadableTable:
        status = self._process.wait()
        self._complaints.seek(0)
        complaint = self._complaints.read(COMPLAINT_BYTES).decode(errors="replace")
        refused = UnreadableTable(
            "The workbook needs more memory or time than is allowed, or is damaged; "
            "is there a cell far away from the table?"
        )
        refused.__cause__ = ChildProcessError(f"reading process ended with {status}: {complaint}")
        return refused

    def close(self) -> None:
        """End the process, whatever it is doing. Repeating it changes nothing."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._output.close()
        self._complaints.close()
        self._file.close()
