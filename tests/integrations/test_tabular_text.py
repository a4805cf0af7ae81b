"""CSV files as they come: encodings, delimiters, line ends, broken quotes."""

import codecs
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.import_rules import (
    RawRow,
    TableLimits,
    TableReading,
    TableRefused,
    TableTooLarge,
    UnreadableTable,
    UnsupportedTable,
)
from integrations.tabular import read_table
from integrations.tabular.text import MAX_RECORD_CHARS

HEADER = "description,price,availability,image\n"
ROW = "Gold Ring,₹299999,In Stock,/media/a.jpg\n"


def read(source: bytes, limits: TableLimits | None = None) -> tuple[TableReading, list[RawRow]]:
    with read_table(source, limits=limits) as reading:
        return reading, list(reading.rows)


def cells(source: bytes) -> list[tuple[str, ...]]:
    reading, rows = read(source)
    return [reading.header.cells, *(row.cells for row in rows)]


def refusal(source: bytes, limits: TableLimits | None = None) -> TableRefused:
    with pytest.raises(TableRefused) as refused:
        read(source, limits)
    return refused.value


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-32", "utf-32"),
    ],
)
def test_unicode_is_read_without_a_warning(encoding: str, named: str) -> None:
    reading, rows = read((HEADER + ROW).encode(encoding))
    assert reading.encoding == named
    assert reading.warnings == []
    assert rows[0].cells[1] == "₹299999"


def test_big_endian_utf_16_is_read_by_its_mark() -> None:
    assert cells(codecs.BOM_UTF16_BE + (HEADER + ROW).encode("utf-16-be"))[1][1] == "₹299999"


def test_windows_1252_is_read_with_a_warning_that_shows_a_word() -> None:
    reading, rows = read((HEADER + "Bague “Étoile”,5000,In Stock,/media/a.jpg\n").encode("cp1252"))
    assert reading.encoding == "cp1252"
    assert rows[0].cells[0] == "Bague “Étoile”"
    assert reading.warnings == ["The file is not UTF-8 and was read as cp1252; check: “Étoile”"]


def test_what_cannot_be_windows_1252_is_guessed_and_the_prices_survive() -> None:
    text = HEADER + "Кольцо Золотое,5000,In Stock,/media/Ѓ.jpg\n" * 20
    reading, rows = read(text.encode("cp1251"))
    assert {row.cells[1] for row in rows} == {"5000"}
    assert reading.warnings[0].startswith(
        f"The file is not UTF-8 and was read as {reading.encoding}"
    )


@pytest.mark.parametrize(
    "source",
    [
        HEADER.encode("utf-16-le"),
        (HEADER + "a\0b,1,2,3\n").encode(),
        codecs.BOM_UTF16_LE + b"\x00\xd8a",
        codecs.BOM_UTF8 + b"\xff\xfe\xff",
        HEADER.encode() + bytes(range(1, 32)) + b"\xff\x81",
    ],
)
def test_what_is_no_text_is_refused(source: bytes) -> None:
    assert refusal(source).code == "unsupported-encoding"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_in_the_header(delimiter: str) -> None:
    reading, rows = read((HEADER + ROW).replace(",", delimiter).encode())
    assert reading.delimiter == delimiter
    assert rows[0].cells == ("Gold Ring", "₹299999", "In Stock", "/media/a.jpg")


def test_a_comma_in_a_quoted_header_is_no_delimiter() -> None:
    assert read('"price, in ₹";description\n1;2\n'.encode())[0].delimiter == ";"


def test_excels_line_that_names_the_delimiter_is_not_a_row() -> None:
    reading, rows = read(b"sep=;\r\na;b,c,d\r\n1;2\r\n")
    assert reading.header.cells == ("a", "b,c,d")
    assert (reading.header.row_number, reading.header.line) == (1, 2)
    assert (rows[0].row_number, rows[0].line) == (2, 3)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_ends_a_row(end: str) -> None:
    assert cells(f"a,b{end}1,2{end}3,4".encode()) == [("a", "b"), ("1", "2"), ("3", "4")]


def test_quoted_cells_keep_delimiters_line_ends_and_quotes() -> None:
    assert cells(b'a, "b"\n"1,\n2", "say ""hi"""\n')[1] == ("1,\n2", 'say "hi"')


def test_rows_are_numbered_as_a_spreadsheet_does_and_lines_as_an_editor_does() -> None:
    _, rows = read(b'a,b\n\n"1\n2",3\n , \n4,5\n')
    assert [(row.row_number, row.line) for row in rows] == [(3, 3), (5, 6)]


def test_nothing_is_converted() -> None:
    assert cells(b"a,b,c,d\n000123,None,1e5,TRUE\n")[1] == ("000123", "None", "1e5", "TRUE")


def test_rows_keep_the_number_of_fields_they_have() -> None:
    assert [len(row) for row in cells(b"a,b\n1\n1,2,3\n")] == [2, 1, 3]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (b'"x"y,2', "has a quotation mark inside a quoted cell; write it twice"),
        (b'"x,2', "opens a quotation mark that never closes"),
        (
            b'"' + b"x" * 140_000 + b'",2',
            "has a cell that is far too long; is a quotation mark missing?",
        ),
    ],
)
def test_a_row_with_broken_quotes_is_a_faulty_row(row: bytes, message: str) -> None:
    _, rows = read(b"a,b\n" + row + b"\n")
    assert rows[0].cells == ()
    assert [fault.message for fault in rows[0].faults] == [message]


def test_the_rows_after_a_broken_one_are_still_read() -> None:
    _, rows = read(b'a,b\n"x"y,2\n3,4\n')
    assert [(row.row_number, row.cells) for row in rows] == [(2, ()), (3, ("3", "4"))]


def test_a_broken_header_is_refused() -> None:
    assert "header in line 1 has a quotation mark" in refusal(b'"a"b,c\n1,2\n').detail


def test_a_very_long_cell_is_a_fault_of_its_row() -> None:
    _, rows = read(b"a,b\n" + b"x" * 30 + b",2\n", TableLimits(max_cell_chars=20))
    assert rows[0].cells == ("x" * 20, "2")
    assert [(f.column, f.code) for f in rows[0].faults] == [(0, "cell-too-long")]


@pytest.mark.parametrize("source", [b"", b"\n\n \n", b" , ,\n", b"\xef\xbb\xbf"])
def test_a_file_without_rows_is_unreadable(source: bytes) -> None:
    assert isinstance(refusal(source), UnreadableTable)


def test_the_number_of_rows_is_limited() -> None:
    limits = TableLimits(max_rows=3)
    assert len(read(b"a\n" + b"1\n" * 3, limits)[1]) == 3
    refused = refusal(b"a\n" + b"1\n" * 4, limits)
    assert isinstance(refused, TableTooLarge)
    assert refused.code == "too-many-rows"


def test_blank_rows_do_not_count_but_a_desert_of_them_ends_the_table() -> None:
    reading, rows = read(b"a\n1\n\n\n2\n\n\n\n3\n", TableLimits(max_blank_rows=2, max_rows=2))
    assert [row.cells for row in rows] == [("1",), ("2",)]
    assert reading.warnings == ["Reading stopped at row 5: more than 2 blank rows follow"]


def test_the_size_is_limited() -> None:
    assert len(read(b"a,b\n1,2\n", TableLimits(max_bytes=8))[1]) == 1
    refused = refusal(b"a,b\n1,2\n", TableLimits(max_bytes=7))
    assert isinstance(refused, TableTooLarge)
    assert refused.code == "file-too-large"


@pytest.mark.parametrize(
    "source",
    [
        b"a,b\n" + b"x" * (MAX_RECORD_CHARS + 1),
        b"a,b\n" + b'"x\n",' * (MAX_RECORD_CHARS // 4),
    ],
)
def test_a_record_without_end_is_refused(source: bytes) -> None:
    assert "A row is longer than" in refusal(source).detail


def test_a_table_may_have_two_hundred_columns() -> None:
    assert len(read(b",".join([b"x"] * 200))[0].header.cells) == 200
    assert "more than 200 columns" in refusal(b",".join([b"x"] * 201)).detail


def test_a_million_columns_are_refused() -> None:
    assert "more than 200 columns" in refusal(b"a," * 500_000).detail


@pytest.mark.parametrize(
    "source",
    [b"%PDF-1.7 x", b"\x89PNG\r\n", b"\xff\xd8\xff\xe0", b"MZ\x90", b"\x1f\x8b\x08",
     b" <!DOCTYPE html><table>", b"<html>", b"<?xml version='1.0'?>", b"{\\rtf1"],
)  # fmt: skip
def test_other_kinds_of_file_are_named_and_refused(source: bytes) -> None:
    refused = refusal(source)
    assert isinstance(refused, UnsupportedTable)
    assert refused.code == "unsupported-file-type"


def test_an_old_workbook_is_to_be_saved_as_xlsx() -> None:
    assert "save it as .xlsx" in refusal(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100)).detail


def test_the_content_decides_and_a_wrong_name_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.XLSX"
    path.write_bytes(b"a,b\n1,2\n")
    with read_table(path, file_name=path.name) as reading:
        assert [row.cells for row in reading.rows] == [("1", "2")]
    assert reading.warnings == ["The file is called .xlsx but is CSV; it was read as CSV"]


CELL = st.text(
    st.characters(
        exclude_categories=["Cs", "Cc"], include_characters="\n\t", exclude_characters="\ufeff"
    ),
    max_size=12,
)
TABLES = st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=6)


def written(rows: Sequence[Sequence[str]], delimiter: str) -> bytes:
    return "".join(
        delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) + "\r\n" for row in rows
    ).encode()


@given(TABLES, st.sampled_from(",;\t|"))
def test_what_is_written_is_read_back_cell_by_cell(rows: list[list[str]], delimiter: str) -> None:
    found = cells(written([["one", "two", "three"], *rows], delimiter))
    assert found[1:] == [tuple(row) for row in rows if any(cell.strip() for cell in row)]


def row_numbers_or_code(source: bytes) -> list[int] | str:
    try:
        return [row.row_number for row in read(source)[1]]
    except TableRefused as refused:
        return refused.code


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_refused(source: bytes) -> None:
    found = row_numbers_or_code(b"a,b\n" + source)
    if isinstance(found, str):
        assert found in {"unreadable-file", "unsupported-encoding"}
    else:
        assert found == sorted(set(found))
        assert all(number > 1 for number in found)
