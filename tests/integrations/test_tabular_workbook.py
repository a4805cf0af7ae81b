"""XLSX files as they come, and as attackers make them."""

import datetime as dt
import io
import os
import socket
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import pytest
from openpyxl import Workbook
from openpyxl.chartsheet import Chartsheet

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
from integrations.workbook_process.__main__ import messages
from integrations.workbook_process.limits import Limits

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
HEADER_XML = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c>'
    '<c r="B1" t="inlineStr"><is><t>b</t></is></c></row>'
)
PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Override PartName="/xl/workbook.xml" '
    f'ContentType="{SPREADSHEET}.sheet.main+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>'
    '<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}  # fmt: skip


def zipped(parts: dict[str, str | bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return written.getvalue()


def by_hand(rows: str, *, before: str = "", more: dict[str, str | bytes] | None = None) -> bytes:
    """A workbook whose sheet holds this XML, so that it can say what no program would write."""
    sheet = f'{before}<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    return zipped({**PARTS, "xl/worksheets/sheet1.xml": sheet, **(more or {})})


def saved(fill: Callable[[Any, Any], None]) -> bytes:
    """A workbook by openpyxl; `fill` gets the workbook and its first sheet."""
    book = Workbook()
    fill(book, book.active)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def of_rows(*rows: tuple[Any, ...]) -> bytes:
    def fill(_: Any, sheet: Any) -> None:
        for row in rows:
            sheet.append(row)

    return saved(fill)


def read(
    source: bytes | Path, limits: TableLimits | None = None, sheet: str | None = None
) -> tuple[TableReading, list[RawRow]]:
    with read_table(source, limits=limits, sheet=sheet) as reading:
        return reading, list(reading.rows)


def refusal(
    source: bytes, limits: TableLimits | None = None, sheet: str | None = None
) -> TableRefused:
    with pytest.raises(TableRefused) as refused:
        read(source, limits, sheet)
    return refused.value


def faults(row: RawRow) -> list[tuple[int | None, str]]:
    return [(fault.column, fault.code) for fault in row.faults]


def children() -> set[str]:
    """The processes that this one has started and not yet buried."""
    tasks = Path(f"/proc/{os.getpid()}/task").iterdir()
    return {child for task in tasks for child in (task / "children").read_text().split()}


@pytest.fixture(autouse=True)
def _no_process_is_left_behind() -> Iterator[None]:
    before = children()
    yield
    assert children() <= before


def of_every_kind(_: Any, sheet: Any) -> None:
    day = dt.date(2025, 1, 2)
    for row in (
        ("a", "b"),
        ("=1", 8901234567890123),
        (True, day),
        ("x", 2.5),
        (" ", "z"),
        (" ", None),
    ):
        sheet.append(row)
    sheet.merge_cells("A4:A5")
    sheet.row_dimensions[3].hidden = True
    sheet["A9"] = "=2"


def messages_about(source: bytes, *, sheet: str | None = None, columns: int = 200) -> list[Any]:
    """What the reading process would say, said by its parts in this one."""
    limits = cast("Limits", {**asdict(TableLimits(max_columns=columns)), "sheet": sheet})
    return list(messages(io.BytesIO(source), limits))


def test_the_reading_process_tells_sheet_rows_and_end() -> None:
    opening, *rows, end = messages_about(saved(of_every_kind))
    assert opening == {"sheet": "Sheet", "warnings": ["Hidden rows were read as well: 1"]}
    assert [(number, cells, [code for _, code, _ in faults]) for number, cells, faults in rows] == [
        (1, ["a", "b"], []),
        (2, ["", "8901234567890123"], ["formula-without-value", "number-too-long"]),
        (3, ["TRUE", "2025-01-02"], ["date-in-text"]),
        (4, ["x", "2.5"], []),
        (5, ["", "z"], ["merged-cell"]),
        (9, ["", ""], ["formula-without-value"]),
    ]
    assert end == {"end": True}


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (by_hand(HEADER_XML, more={"xl/a.bin": bytes(20_000_000)}), "file-too-large"),
        (by_hand(HEADER_XML, more={"../a": b"x"}), "unreadable-file"),
        (by_hand(HEADER_XML, more={"xl/vbaProject.bin": b"x"}), "unsupported-file-type"),
        (zipped({"a.csv": "a,b"}), "unsupported-file-type"),
        (by_hand(HEADER_XML, before="<!DOCTYPE w>"), "unreadable-file"),
        (by_hand('<row r="1"><c r="A1" t="e"><v>broken'), "unreadable-file"),
        (b"PK\x03\x04 and nothing more", "unreadable-file"),
    ],
)
def test_the_reading_process_ends_with_its_refusal(source: bytes, code: str) -> None:
    *_, last = messages_about(source)
    assert last["refused"][0] == code


def test_the_reading_process_refuses_a_wide_sheet_and_an_unknown_one() -> None:
    assert "2 columns wide" in messages_about(by_hand(HEADER_XML), columns=1)[-1]["refused"][1]
    assert "no sheet 'T'" in messages_about(by_hand(HEADER_XML), sheet="T")[-1]["refused"][1]


# --- What workbooks hold --------------------------------------------------------------------------


def test_a_workbook_is_read_as_text() -> None:
    reading, rows = read(of_rows(("a", "b"), ("Ring", 299999), ("₹2,99,999", 0.1 + 0.2)))
    assert (reading.format, reading.sheet, reading.warnings) == ("xlsx", "Sheet", [])
    assert reading.header.cells == ("a", "b")
    assert [row.cells for row in rows] == [("Ring", "299999"), ("₹2,99,999", "0.3")]


@pytest.mark.parametrize(
    ("number", "text"),
    [(299999.0, "299999"), (89999.5, "89999.5"), (0, "0"), (-5, "-5"), (-0.0, "0"), (1e-7, "0.0000001"),
     (999_999_999_999_999, "999999999999999"), (1e14, "100000000000000"), (True, "TRUE"), (False, "FALSE")],
)  # fmt: skip
def test_numbers_are_plain_decimals(number: object, text: str) -> None:
    assert read(of_rows(("a",), (number,)))[1][0].cells == (text,)


def test_a_number_of_more_than_fifteen_digits_is_a_fault() -> None:
    row = read(of_rows(("a", "b"), ("x", 8901234567890123)))[1][0]
    assert faults(row) == [(1, "number-too-long")]


@pytest.mark.parametrize(
    "value", [dt.date(2025, 1, 2), dt.datetime(2025, 1, 2, 3, 4), dt.time(3, 4), dt.timedelta(hours=3)]  # noqa: DTZ001
)  # fmt: skip
def test_a_date_is_a_fault_and_never_a_name(value: object) -> None:
    assert faults(read(of_rows(("a",), (value,)))[1][0]) == [(0, "date-in-text")]


def test_a_formula_without_a_value_is_a_fault_and_never_zero() -> None:
    row = read(of_rows(("a", "b"), ("=1+1", "x")))[1][0]
    assert row.cells == ("", "x")
    assert faults(row) == [(0, "formula-without-value")]


def test_a_row_of_formulas_without_values_is_not_blank() -> None:
    assert faults(read(of_rows(("a",), ("=1+1",)))[1][0]) == [(0, "formula-without-value")]


def test_a_formula_with_a_value_is_its_value() -> None:
    cells = (
        '<row r="2"><c r="A2"><f>2*3</f><v>6</v></c><c r="B2" t="str"><f>""</f><v></v></c></row>'
    )
    row = read(by_hand(HEADER_XML + cells))[1][0]
    assert (row.cells, row.faults) == (("6", ""), ())


def test_an_error_value_is_a_fault_that_names_it() -> None:
    cells = '<row r="2"><c r="A2" t="e"><f>1/0</f><v>#DIV/0!</v></c><c r="B2"><v>1</v></c></row>'
    row = read(by_hand(HEADER_XML + cells))[1][0]
    assert faults(row) == [(0, "formula-error")]
    assert "#DIV/0!" in row.faults[0].message


def test_cells_without_a_place_stand_in_their_order() -> None:
    cells = '<row><c><v>1</v></c><c t="e"><v>#N/A</v></c></row>'
    row = read(by_hand(HEADER_XML + cells))[1][0]
    assert (row.row_number, faults(row)) == (2, [(1, "formula-error")])


def test_the_hidden_part_of_merged_cells_is_a_fault_that_names_the_range() -> None:
    def fill(_: Any, sheet: Any) -> None:
        for row in (("a", "b"), ("x", "y"), ("z", "w"), ("u", "v")):
            sheet.append(row)
        sheet.merge_cells("A2:A3")
        sheet.merge_cells("A4:B4")

    _, rows = read(saved(fill))
    assert [faults(row) for row in rows] == [[], [(0, "merged-cell")], [(1, "merged-cell")]]
    assert "A2:A3" in rows[1].faults[0].message


def test_faults_find_their_column_beyond_z() -> None:
    names = tuple(f"c{i}" for i in range(30))
    row = read(of_rows(names, ("x", *[None] * 26, "=1", None, "y")))[1][0]
    assert faults(row) == [(27, "formula-without-value")]


def test_a_fault_outside_the_columns_of_the_header_is_nobodys() -> None:
    def fill(_: Any, sheet: Any) -> None:
        sheet["A1"], sheet["A2"], sheet["B2"], sheet["B3"] = "a", "x", "=1", " "
        sheet["A4"], sheet["C4"] = "y", "z"

    _, rows = read(saved(fill))
    assert [(row.cells, faults(row)) for row in rows] == [(("x",), []), (("y", "", "z"), [])]


def test_rows_keep_the_numbers_that_the_spreadsheet_shows() -> None:
    def fill(_: Any, sheet: Any) -> None:
        sheet["C3"], sheet["D3"] = "a", "b"
        sheet["C5"], sheet["D5"] = "x", "=1"
        sheet["C9"], sheet["D9"] = "y", "z"

    reading, rows = read(saved(fill))
    assert (reading.header.row_number, reading.header.cells) == (3, ("a", "b"))
    assert [(row.row_number, row.line) for row in rows] == [(5, 5), (9, 9)]
    assert faults(rows[0]) == [(1, "formula-without-value")]


def test_hidden_rows_are_read_and_counted() -> None:
    def fill(_: Any, sheet: Any) -> None:
        for row in (("a",), ("x",), ("y",)):
            sheet.append(row)
        sheet.row_dimensions[2].hidden = True

    reading, rows = read(saved(fill))
    assert [row.cells for row in rows] == [("x",), ("y",)]
    assert reading.warnings == ["Hidden rows were read as well: 1"]


def test_short_rows_are_filled_and_long_ones_kept() -> None:
    _, rows = read(of_rows(("a", "b", " "), ("x",), ("x", "y", None), ("x", "y", "z")))
    assert [row.cells for row in rows] == [("x", ""), ("x", "y"), ("x", "y", "z")]


def test_a_very_long_cell_is_a_fault() -> None:
    row = read(of_rows(("a",), ("x" * 30_000,)))[1][0]
    assert (len(row.cells[0]), faults(row)) == (10_000, [(0, "cell-too-long")])


def with_sheets(book: Any, sheet: Any) -> None:
    sheet.title = "Old"
    sheet.sheet_state = "hidden"
    sheet.append(("old",))
    for title in ("New", "Notes"):
        book.create_sheet(title).append((title.lower(),))
    book._sheets.insert(0, Chartsheet(title="Chart", parent=book))
    book.active = 2


def test_the_first_visible_sheet_is_read_and_the_others_are_named() -> None:
    reading, _ = read(saved(with_sheets))
    assert (reading.sheet, reading.header.cells) == ("New", ("new",))
    assert reading.warnings == ["Other sheets were not read: Notes"]


def test_a_sheet_can_be_chosen_even_a_hidden_one() -> None:
    assert read(saved(with_sheets), sheet="Old")[0].header.cells == ("old",)
    assert "There is no sheet 'None'" in refusal(saved(with_sheets), sheet="None").detail


# --- Limits ---------------------------------------------------------------------------------------


def test_the_number_of_rows_is_limited() -> None:
    source = of_rows(("a",), *[("x",)] * 4)
    assert len(read(source, TableLimits(max_rows=4))[1]) == 4
    assert refusal(source, TableLimits(max_rows=3)).code == "too-many-rows"


def test_a_cell_far_below_ends_the_table_with_a_warning() -> None:
    def fill(_: Any, sheet: Any) -> None:
        sheet["A1"], sheet["A2"], sheet["A1048576"] = "a", "x", "far"

    reading, rows = read(saved(fill))
    assert [row.cells for row in rows] == [("x",)]
    assert reading.warnings == ["Reading stopped at row 2: more than 1,000 blank rows follow"]


def test_a_cell_far_away_in_both_directions_costs_no_memory_of_ours() -> None:
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    refused = refusal(by_hand(HEADER_XML + far))
    assert isinstance(refused, UnreadableTable)
    assert "more memory or time than is allowed" in refused.detail
    assert isinstance(refused.__cause__, ChildProcessError)
    assert "memory allocation" in str(refused.__cause__)


def test_processor_time_is_limited() -> None:
    wide = "".join(f'<c r="{chr(65 + i)}1"><v>1</v></c>' for i in range(26))
    source = by_hand(f'<row r="1">{wide}</row><row r="1048576"><c r="A1048576"><v>1</v></c></row>')
    refused = refusal(source, TableLimits(cpu_seconds=1))
    assert "more memory or time than is allowed" in refused.detail


def test_waiting_is_limited() -> None:
    refused = refusal(of_rows(("a",), ("x",)), TableLimits(wall_seconds=0))
    assert refused.detail == "The workbook takes too long to read"


def test_a_sheet_that_is_too_wide_is_refused() -> None:
    assert "300 columns wide" in refusal(of_rows(("a",) * 300)).detail


def test_leaving_early_ends_the_process() -> None:
    source = of_rows(("a",), *[("x" * 100,)] * 5_000)
    before = children()
    with read_table(source) as reading:
        assert next(reading.rows).cells == ("x" * 100,)
        assert len(children()) == len(before) + 1
    assert children() == before
    reading.close()


# --- Hostile and damaged files --------------------------------------------------------------------


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    refused = refusal(by_hand(HEADER_XML, more={"xl/sharedStrings.xml": b" " * 20_000_000}))
    assert isinstance(refused, TableTooLarge)
    assert "unpacks to far more" in refused.detail


def test_parts_that_are_large_together_are_refused() -> None:
    limits = TableLimits(max_unpacked_bytes=100_000)
    parts: dict[str, str | bytes] = {f"xl/media/{i}.bin": os.urandom(30_000) for i in range(4)}
    assert "too large when unpacked" in refusal(by_hand(HEADER_XML, more=parts), limits).detail


def test_overlapping_entries_count_each_time() -> None:
    parts: dict[str, str | bytes] = {f"xl/media/{i}.bin": bytes(60_000) for i in range(195)}
    limits = TableLimits(max_unpacked_bytes=10_000_000)
    assert isinstance(refusal(by_hand(HEADER_XML, more=parts), limits), TableTooLarge)


def test_too_many_parts_are_refused() -> None:
    parts: dict[str, str | bytes] = {f"xl/media/{i}": b"" for i in range(200)}
    assert "too many parts" in refusal(by_hand(HEADER_XML, more=parts)).detail


@pytest.mark.parametrize(
    "name", ["../evil.xml", "xl/../../evil.xml", "/etc/passwd", "xl\\evil.xml"]
)
def test_a_part_outside_the_archive_is_refused(name: str) -> None:
    assert "outside itself" in refusal(by_hand(HEADER_XML, more={name: b"x"})).detail


def test_macros_are_refused() -> None:
    refused = refusal(by_hand(HEADER_XML, more={"xl/vbaProject.bin": b"x"}))
    assert isinstance(refused, UnsupportedTable)
    assert "macros" in refused.detail


def test_encrypted_parts_are_refused() -> None:
    source = bytearray(by_hand(HEADER_XML))
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        place = source.find(signature)
        while place >= 0:
            source[place + offset] |= 1
            place = source.find(signature, place + 4)
    assert "encrypted" in refusal(bytes(source)).detail


@pytest.mark.parametrize(
    "parts",
    [{"word/document.xml": "<x/>", "[Content_Types].xml": "<x/>"}, {"a.csv": "a,b"},
     {"xl/workbook.bin": "x", "[Content_Types].xml": "<x/>"}],
)  # fmt: skip
def test_other_archives_are_no_workbooks(parts: dict[str, str | bytes]) -> None:
    refused = refusal(zipped(parts))
    assert isinstance(refused, UnsupportedTable)
    assert refused.code == "unsupported-file-type"


def test_an_external_entity_is_refused_and_nobody_is_called() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        entity = f'<!DOCTYPE w [<!ENTITY x SYSTEM "{address}">]>'
        cell = '<row r="1"><c r="A1" t="inlineStr"><is><t>&x;</t></is></c></row>'
        refused = refusal(by_hand(cell, before=entity))
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert "document type" in refused.detail


def test_entities_that_grow_are_refused() -> None:
    grow = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 9))
    entity = f'<!DOCTYPE w [<!ENTITY l0 "lol">{grow}]>'
    cell = '<row r="1"><c r="A1" t="inlineStr"><is><t>&l8;</t></is></c></row>'
    assert "document type" in refusal(by_hand(cell, before=entity)).detail


@pytest.mark.parametrize(
    "source",
    [
        b"PK\x03\x04 and nothing more",
        of_rows(("a",), ("x",))[:-40],
        zipped({**PARTS, "xl/workbook.xml": "<broken"}),
        zipped(dict(PARTS)),
        by_hand('<row r="1"><c r="A1" t="e"><v>broken'),
        by_hand(""),
        of_rows(),
        of_rows((" ", None)),
    ],
)
def test_damaged_and_empty_workbooks_are_unreadable(source: bytes) -> None:
    refused = refusal(source)
    assert isinstance(refused, UnreadableTable)
    assert refused.code == "unreadable-file"


def test_a_file_on_disk_is_read_and_a_wrong_name_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_bytes(of_rows(("a",), ("x",)))
    with read_table(path, file_name="products.CSV") as reading:
        assert [row.cells for row in reading.rows] == [("x",)]
    assert reading.warnings == ["The file is called .csv but is XLSX; it was read as XLSX"]
