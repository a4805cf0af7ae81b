"""What is wrong with a file, a row or a cell, in words that the person who made the file understands."""

from dataclasses import dataclass

from domain.errors import DomainError, Invalid, TooLarge, Unreadable, UnsupportedType
from domain.kernel import ValueObject

VALUE_CHARS = 100
"""So much of a faulty cell is repeated in its problem."""


class CellRefused(Invalid):
    """One cell cannot be accepted. Within a row these are collected, never raised to the caller."""

    code = "invalid-cell"


@dataclass(frozen=True, kw_only=True)
class CellNote:
    """Accepted, but the person should look at it."""

    code: str
    message: str


class RowProblem(ValueObject):
    """One fault (or one warning) of one row. `row` is the number that a spreadsheet shows; the header
    is row 1. `line` is the line of the text file where the row begins, and equals `row` in a workbook.
    """

    row: int
    line: int
    column: str | None = None
    code: str
    value: str = ""
    message: str

    def __str__(self) -> str:
        if self.column is None:
            return f"Row {self.row}: {self.message}"
        return f"Row {self.row}: {self.column}: {self.message}"


class TableRefused(DomainError):
    """The file as a whole cannot be read. Raised only as one of the classes below."""

    code = "unreadable-file"


class UnreadableTable(TableRefused, Unreadable):
    """Damaged, empty, in an unknown encoding, or without the columns we need (400)."""


class UnsupportedTable(TableRefused, UnsupportedType):
    """Neither CSV nor XLSX (415)."""

    code = "unsupported-file-type"


class TableTooLarge(TableRefused, TooLarge):
    """More bytes or more rows than allowed (413)."""

    code = "file-too-large"


class HeaderRefused(UnreadableTable):
    """The columns are missing, doubled or wrongly mapped; `missing` names the required ones."""

    code = "missing-columns"

    def __init__(
        self, detail: str, *, code: str | None = None, missing: tuple[str, ...] = ()
    ) -> None:
        super().__init__(detail, code=code, missing=list(missing))
        self.missing = missing


def excerpt(value: str) -> str:
    return value if len(value) <= VALUE_CHARS else value[: VALUE_CHARS - 1] + "…"
