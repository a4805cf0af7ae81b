"""The cells of one row by field, and all that was found wrong or odd while they were read."""

from collections.abc import Callable
from typing import TypeVar

from domain.import_rules.header import OPTIONAL, REQUIRED, Header
from domain.import_rules.problems import CellNote, CellRefused, RowProblem, excerpt
from domain.import_rules.table import CellFault, RawRow
from domain.import_rules.words import CLEAR, has_control_characters, trimmed

T = TypeVar("T")


class Cells:
    """Collects problems instead of stopping at the first. Read each field once."""

    def __init__(self, header: Header, raw: RawRow) -> None:
        self.problems: list[RowProblem] = []
        self.warnings: list[RowProblem] = []
        self._raw = raw
        self._text: dict[str, str] = {}
        self._faults: dict[str, CellFault] = {}
        self._refuse_a_broken_row(header)
        if not self.problems:
            self._lay_out(header)
        self.cleared = self._optional(CLEAR)
        self.blank = self._optional("")
        self.given = frozenset(OPTIONAL) & self._text.keys() - self.cleared - self.blank

    def _refuse_a_broken_row(self, header: Header) -> None:
        for fault in self._raw.faults:
            if fault.column is None:
                self.refuse(None, fault.code, fault.message)
        found, expected = len(self._raw.cells), len(header.fields)
        if not self.problems and found != expected:
            self.refuse(None, "field-count", f"has {found} fields, but the header has {expected}")

    def _lay_out(self, header: Header) -> None:
        for name, cell in zip(header.fields, self._raw.cells, strict=True):
            if name is not None:
                self._text[name] = trimmed(cell)
        for fault in self._raw.faults:
            name = header.fields[fault.column] if fault.column is not None else None
            if name is not None:
                self._faults[name] = fault

    def _optional(self, text: str) -> frozenset[str]:
        return frozenset(name for name in OPTIONAL if self._text.get(name) == text)

    def read(self, name: str, parse: Callable[[str], T]) -> T | None:
        """The parsed cell, or None with a problem noted."""
        if fault := self._faults.get(name):
            self.refuse(name, fault.code, fault.message)
            return None
        try:
            return parse(self._checked(name))
        except CellRefused as refused:
            self.refuse(name, refused.code, refused.detail)
            return None

    def read_given(self, name: str, parse: Callable[[str], T]) -> T | None:
        """As `read`; None without a problem for a cell that is blank, cleared or not in the file."""
        if name in self.given or name in self._faults:
            return self.read(name, parse)
        return None

    def _checked(self, name: str) -> str:
        text = self._text.get(name, "")
        if has_control_characters(text):
            raise CellRefused("contains control characters", code="control-characters")
        if text == CLEAR and name in REQUIRED:
            raise CellRefused("is required and cannot be cleared", code=f"{name}-missing")
        return text

    def refuse(self, name: str | None, code: str, message: str) -> None:
        self.problems.append(self._problem(name, code, message))

    def note(self, name: str, found: CellNote | None) -> None:
        if found is not None:
            self.warnings.append(self._problem(name, found.code, found.message))

    def _problem(self, column: str | None, code: str, message: str) -> RowProblem:
        value = self._text.get(column, "") if column else ""
        return RowProblem(
            row=self._raw.row_number,
            line=self._raw.line,
            column=column,
            code=code,
            value=excerpt(value),
            message=message,
        )
