"""The files that we hand out: rows that failed, and the template."""

import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.import_rules import RowProblem, read_header, read_rows
from integrations.tabular import errors_csv, read_table, safe_cell, template_csv, template_xlsx
from integrations.tabular.template import EXAMPLES

NAMES = ("description", "price")


def problem(code: str = "price-format", message: str = "is no price") -> RowProblem:
    return RowProblem(row=7, line=9, column="price", code=code, message=message)


def lines(
    names: Sequence[str], *failures: tuple[Sequence[str], Sequence[RowProblem]]
) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(errors_csv(names, failures)).decode("utf-8-sig"))))


def test_a_failed_row_comes_back_with_its_row_codes_and_reasons() -> None:
    whole = RowProblem(row=7, line=9, code="field-count", message="has 3 fields")
    assert lines(NAMES, (("Ring", "free"), (problem(), whole, problem()))) == [
        ["description", "price", "row", "error_codes", "error"],
        [
            "Ring", "free", "7", "price-format field-count",
            "price: is no price; has 3 fields; price: is no price",
        ],
    ]  # fmt: skip


def test_excel_is_told_that_it_is_utf_8() -> None:
    assert next(errors_csv(NAMES, ())).startswith(b"\xef\xbb\xbf")


def test_a_row_with_too_few_or_too_many_fields_keeps_the_columns_in_place() -> None:
    _, short, long = lines(NAMES, (("a",), (problem(),)), (("a", "b", "c"), (problem(),)))
    assert short[:3] == ["a", "", "7"]
    assert long[:3] == ["a", "b,c", "7"]


def test_an_errors_file_sent_again_does_not_grow() -> None:
    names = (*NAMES, "row", "error_codes", "error")
    assert lines(names, (("Ring", "free", "3", "old", "old"), (problem(),))) == [
        ["description", "price", "row", "error_codes", "error"],
        ["Ring", "free", "7", "price-format", "price: is no price"],
    ]


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0x", " =1", "\ufeff=1",
        "\N{FULLWIDTH EQUALS SIGN}1", "\N{FULLWIDTH PLUS SIGN}1",
        "\N{FULLWIDTH HYPHEN-MINUS}1", "\N{FULLWIDTH COMMERCIAL AT}x", "-5 pieces", "+91 98765",
    ],
)  # fmt: skip
def test_what_a_spreadsheet_would_run_is_made_text(cell: str) -> None:
    assert safe_cell(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Ring", "-5", "+5", "-5.25", "5-6", "a=b", "₹-5", "'x"])
def test_harmless_cells_stay_as_they_are(cell: str) -> None:
    assert safe_cell(cell) == cell


RUNS = frozenset("=+-@\t\r\n\0\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=15)
CELLS = st.builds(str.__add__, st.sampled_from(["", *RUNS, " =", "-5"]), TEXT)


def is_number(cell: str) -> bool:
    return cell.isascii() and cell[1:].replace(".", "", 1).isdigit()


@given(st.lists(CELLS, min_size=2, max_size=2), TEXT)
def test_no_cell_that_we_write_begins_a_formula(cells: list[str], message: str) -> None:
    written = lines(NAMES, (cells, (problem(message=message),)))
    for cell in (cell for line in written for cell in line):
        assert not cell or cell[0] not in RUNS or is_number(cell)


@given(st.lists(st.builds("x{}".format, TEXT), min_size=2, max_size=2))
def test_a_failed_row_is_read_back_as_it_was(cells: list[str]) -> None:
    clean = [cell.replace("\0", "") for cell in cells]
    with read_table(b"".join(errors_csv(NAMES, [(clean, (problem(),))]))) as reading:
        (row,) = reading.rows
    assert row.cells[:2] == tuple(clean)


@pytest.mark.parametrize("template", [template_csv(), template_xlsx()], ids=["csv", "xlsx"])
def test_the_template_is_a_file_that_we_accept(template: bytes) -> None:
    with read_table(template) as reading:
        header = read_header(reading.header.cells)
        rows = list(read_rows(header, reading.rows))
    assert header.warnings == ()
    assert [row.draft.sku for row in rows if row.draft] == [example[6] for example in EXAMPLES]
    assert [row.draft.quantity for row in rows if row.draft] == [5, 2]
