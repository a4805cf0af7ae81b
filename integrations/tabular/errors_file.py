"""The file of rows that failed: the original columns and what was wrong, to be corrected and sent again."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from domain.import_rules.header import OURS, spelled
from domain.import_rules.problems import RowProblem

COLUMNS = ("row", "error_codes", "error")
BYTE_ORDER_MARK = "\ufeff"
"""Without it, Excel takes UTF-8 for the local code page and spoils the rupee sign."""

FORMULA = re.compile(r"[\s\0\ufeff\u200b]*[=+\-@＝＋－＠]|[\t\r\n\0]")  # noqa: RUF001 - full-width forms
NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")


def safe_cell(value: str) -> str:
    """With `'` before what a spreadsheet would run as a formula (OWASP, CSV injection). A negative number
    is a number and stays.
    """
    if FORMULA.match(value) and not NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def errors_csv(
    names: Sequence[str], failures: Iterable[tuple[Sequence[str], Sequence[RowProblem]]]
) -> Iterator[bytes]:
    """CSV in UTF-8, a chunk a row. `failures` are a row's original cells and its problems (at least one)."""
    kept = [i for i, name in enumerate(names) if spelled(name) not in OURS]
    yield _line([*(names[i] for i in kept), *COLUMNS], start=BYTE_ORDER_MARK)
    for cells, problems in failures:
        fitted = _fitted(cells, len(names))
        yield _line([*(fitted[i] for i in kept), *_told(problems)])


def _fitted(cells: Sequence[str], width: int) -> list[str]:
    """A row with too many fields keeps them, joined in the last column."""
    if len(cells) > width > 0:
        return [*cells[: width - 1], ",".join(cells[width - 1 :])]
    return [*cells, *[""] * (width - len(cells))]


def _told(problems: Sequence[RowProblem]) -> tuple[str, str, str]:
    codes = " ".join(dict.fromkeys(problem.code for problem in problems))
    return str(problems[0].row), codes, "; ".join(map(_without_row, problems))


def _without_row(problem: RowProblem) -> str:
    return f"{problem.column}: {problem.message}" if problem.column else problem.message


def _line(cells: Sequence[str], *, start: str = "") -> bytes:
    """Every cell is quoted, so that no other delimiter can cut one open."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(map(safe_cell, cells))
    return (start + text.getvalue()).encode()
