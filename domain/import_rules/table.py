"""A table as it stood in the file: text cells with their place, before any meaning is given to them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, Self

MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class TableLimits:
    """How much of a file we are willing to read. The last six are for workbooks only."""

    max_bytes: int = 20 * MIB
    max_rows: int = 50_000
    max_columns: int = 200
    max_cell_chars: int = 10_000
    max_blank_rows: int = 1_000
    max_zip_entries: int = 200
    max_unpacked_bytes: int = 50 * MIB
    max_ratio: int = 100
    memory_bytes: int = 1024 * MIB
    cpu_seconds: int = 30
    wall_seconds: float = 60.0
    """How long we wait for the reading process in all; the time that the caller takes is not counted."""


@dataclass(frozen=True, kw_only=True)
class CellFault:
    """What the reader found wrong; `column` counts from 0, None means the whole row."""

    column: int | None
    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class RawRow:
    """Cells are verbatim text; numbers of a workbook are plain decimals, without exponent."""

    row_number: int
    line: int
    cells: tuple[str, ...]
    faults: tuple[CellFault, ...] = ()


@dataclass(kw_only=True)
class TableReading:
    """An open table: read `rows` once. `warnings` grow until the rows are exhausted.

    Use it as a context manager: leaving it ends the reading process and closes the file.
    """

    format: Literal["csv", "xlsx"]
    header: RawRow
    rows: Iterator[RawRow]
    close: Callable[[], None]
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    warnings: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
