"""Whole files through the whole way: bytes, table, header, rows, plan."""

import io
from typing import Any

import pytest
from openpyxl import Workbook

from domain.import_rules import (
    Create,
    HeaderRefused,
    ProductDraft,
    ProductSnapshot,
    ReadRow,
    Specifications,
    Unchanged,
    format_inr,
    plan,
    read_header,
    read_rows,
)
from domain.import_rules.table import TableLimits
from integrations.tabular import errors_csv, read_table

SPECIFICATION = """\
description,price,availability,image,category,specifications
"Diamond Solitaire Ring 1.5ct","₹299999","In Stock","https://example.com/ring.jpg","Diamond","18k White Gold, 1.5ct Diamond"
"Gold Pearl Necklace","₹89999","Limited Stock","https://example.com/necklace.jpg","Gold","22k Gold, Freshwater Pearls"
"""  # noqa: E501 - as the specification has it
HEADER = "description,price,availability,image,category,specifications"
RING = "Ring,₹500,In Stock,/media/a.jpg,Gold,"


def imported(source: bytes, limits: TableLimits | None = None) -> tuple[list[ReadRow], list[str]]:
    """The rows, and the warnings of file and header."""
    with read_table(source, limits=limits) as reading:
        header = read_header(reading.header.cells)
        rows = list(read_rows(header, reading.rows))
    return rows, [*reading.warnings, *header.warnings]


def drafts(rows: list[ReadRow]) -> list[ProductDraft]:
    return [row.draft for row in rows if row.draft is not None]


def shown(draft: ProductDraft) -> tuple[object, ...]:
    return (
        draft.name, draft.description, format_inr(draft.price_minor), draft.availability,
        draft.quantity, draft.images, draft.category, draft.specifications, draft.product_type,
        draft.try_on_region, draft.preorder, draft.featured,
    )  # fmt: skip


def test_the_example_of_the_specification_is_imported_exactly() -> None:
    rows, warnings = imported(SPECIFICATION.encode())
    assert warnings == []
    assert [(row.problems, row.warnings) for row in rows] == [((), ())] * 2
    assert [shown(draft) for draft in drafts(rows)] == [
        (
            "Diamond Solitaire Ring 1.5ct", "Diamond Solitaire Ring 1.5ct", "₹2,99,999", "in_stock",
            None, ("https://example.com/ring.jpg",), "Diamond",
            Specifications(material="18k White Gold", gemstone="1.5ct Diamond"),
            "ring", "finger", False, False,
        ),
        (
            "Gold Pearl Necklace", "Gold Pearl Necklace", "₹89,999", "limited",
            None, ("https://example.com/necklace.jpg",), "Gold",
            Specifications(material="22k Gold", gemstone="Freshwater Pearls"),
            "necklace", "neck", False, False,
        ),
    ]  # fmt: skip


def workbook(*rows: tuple[Any, ...]) -> bytes:
    book = Workbook()
    sheet: Any = book.active
    for row in rows:
        sheet.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def test_the_same_example_as_a_workbook_gives_the_same_products() -> None:
    of_text, _ = imported(SPECIFICATION.encode())
    with read_table(SPECIFICATION.encode()) as reading:
        table = [reading.header.cells, *(row.cells for row in reading.rows)]
    rows, warnings = imported(workbook(*table))
    assert (drafts(rows), warnings) == (drafts(of_text), [])


def test_importing_the_example_twice_does_nothing_the_second_time() -> None:
    rows, _ = imported(SPECIFICATION.encode())
    created = [step for step in plan(rows, {}, "update") if isinstance(step, Create)]
    catalogue = {
        step.key: ProductSnapshot.of(f"p{step.row}", step.draft.details) for step in created
    }
    assert len(catalogue) == 2
    again = list(plan(rows, catalogue, "update"))
    assert [type(step) for step in again] == [Unchanged, Unchanged]


def test_a_corrected_errors_file_is_accepted() -> None:
    bad = f"{HEADER}\n{RING.replace('₹500', 'five hundred')}\n".encode()
    rows, _ = imported(bad)
    report = b"".join(errors_csv(HEADER.split(","), [(r.raw.cells, r.problems) for r in rows]))
    corrected, warnings = imported(report.replace(b"five hundred", b"500"))
    assert [draft.price_minor for draft in drafts(corrected)] == [50_000]
    assert warnings == []


AWKWARD: dict[str, tuple[str, list[str]]] = {
    "as it should be": (RING, []),
    "price as a number with decimals": ("Ring,500.50,In Stock,/media/a.jpg,Gold,", []),
    "price with lakh commas, quoted": ('Ring,"₹2,99,999",In Stock,/media/a.jpg,Gold,', []),
    "price with lakh commas, not quoted": ("Ring,₹2,99,999,In Stock,/media/a.jpg,Gold,", ["field-count"]),
    "price with Rs. and /-": ("Ring,Rs. 500/-,In Stock,/media/a.jpg,Gold,", []),
    "price in lakh": ("Ring,2.99 lakh,In Stock,/media/a.jpg,Gold,", []),
    "price of nothing": ("Ring,0,In Stock,/media/a.jpg,Gold,", ["price-not-positive"]),
    "price below nothing": ("Ring,-500,In Stock,/media/a.jpg,Gold,", ["price-not-positive"]),
    "price that is no number": ("Ring,nan,In Stock,/media/a.jpg,Gold,", ["price-format"]),
    "price without end": ("Ring,inf,In Stock,/media/a.jpg,Gold,", ["price-format"]),
    "price in scientific notation": ("Ring,1e9,In Stock,/media/a.jpg,Gold,", ["price-format"]),
    "price in Devanagari": ("Ring,₹५००,In Stock,/media/a.jpg,Gold,", ["price-digits"]),
    "price in dollars": ("Ring,$500,In Stock,/media/a.jpg,Gold,", ["price-currency"]),
    "price with a German comma": ('Ring,"₹1,5",In Stock,/media/a.jpg,Gold,', ["price-grouping"]),
    "price with a third decimal": ("Ring,1.505,In Stock,/media/a.jpg,Gold,", ["price-decimals"]),
    "price too high": ("Ring,1000000000,In Stock,/media/a.jpg,Gold,", ["price-too-high"]),
    "price missing": ("Ring,,In Stock,/media/a.jpg,Gold,", ["price-missing"]),
    "price of the formula kind": ("Ring,=1+1,In Stock,/media/a.jpg,Gold,", ["price-format"]),
    "not in stock": ("Ring,₹500,Not in stock,/media/a.jpg,Gold,", []),
    "unavailable": ("Ring,₹500,Unavailable,/media/a.jpg,Gold,", []),
    "a number of pieces": ("Ring,₹500,5,/media/a.jpg,Gold,", []),
    "only some left": ("Ring,₹500,Only 2 left,/media/a.jpg,Gold,", []),
    "available soon": ("Ring,₹500,Available soon,/media/a.jpg,Gold,", ["availability-unknown"]),
    "availability missing": ("Ring,₹500,,/media/a.jpg,Gold,", ["availability-missing"]),
    "image missing": ("Ring,₹500,In Stock,,Gold,", ["image-missing"]),
    "image that is a script": ("Ring,₹500,In Stock,javascript:x,Gold,", ["image-scheme"]),
    "image with a password": ("Ring,₹500,In Stock,https://a:b@c.in/x,Gold,", ["image-userinfo"]),
    "image outside our media": ("Ring,₹500,In Stock,/media/../x,Gold,", ["image-path"]),
    "several images": ("Ring,₹500,In Stock,https://a.in/1|/media/2,Gold,", []),
    "category in capitals": ("Ring,₹500,In Stock,/media/a.jpg,GOLD,", []),
    "category missing": ("Ring,₹500,In Stock,/media/a.jpg,,", []),
    "category unknown": ("Ring,₹500,In Stock,/media/a.jpg,Brass,", ["category-unknown"]),
    "description missing": (",₹500,In Stock,/media/a.jpg,Gold,", ["description-missing"]),
    "description of spaces": ("\xa0 ,₹500,In Stock,/media/a.jpg,Gold,", ["description-missing"]),
    "description that says None": ("None,₹500,In Stock,/media/a.jpg,Gold,", []),
    "description too long": ("x" * 501 + ",₹500,In Stock,/media/a.jpg,Gold,", ["description-too-long"]),
    "description with a bell": ("R\x07ing,₹500,In Stock,/media/a.jpg,Gold,", ["control-characters"]),
    "description of the formula kind": ("=cmd(),₹500,In Stock,/media/a.jpg,Gold,", []),
    "description with markup": ("<b>Ring</b>,₹500,In Stock,/media/a.jpg,Gold,", []),
    "description over two lines": ('"Ring\nwith ruby",₹500,In Stock,/media/a.jpg,Gold,', []),
    "one field too many": (RING + ",1", ["field-count"]),
    "one field too few": ("Ring,₹500,In Stock,/media/a.jpg,Gold", ["field-count"]),
    "an open quote": ('"Ring,₹500,In Stock,/media/a.jpg,Gold,', ["malformed-row"]),
    "a quote within quotes": ('"5" ring",₹500,In Stock,/media/a.jpg,Gold,', ["malformed-row"]),
    "a cell that is far too long": (RING + "x" * 10_001, ["cell-too-long"]),
    "keys for a database": (RING + "$set: 1; a.b: 2", []),
    "a required cell cleared": ("Ring,__CLEAR__,In Stock,/media/a.jpg,Gold,", ["price-missing"]),
    "everything wrong": (",x,soon,z,w,", [
        "description-missing", "price-format", "availability-unknown", "image-scheme",
        "category-unknown",
    ]),
    "an identical row": (RING + "\n" + RING, ["duplicate-in-file"]),
    "the same name in other letters": (RING + "\n" + RING.replace("Ring", "RING "), ["duplicate-in-file"]),
    "blank rows between": ("\n\n" + RING + "\n,,,,,\n", []),
    "no rows at all": ("", []),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "codes"), AWKWARD.values(), ids=AWKWARD.keys())
def test_an_awkward_row_is_read_or_refused_with_its_reasons(rows: str, codes: list[str]) -> None:
    found, _ = imported(f"{HEADER}\n{rows}\n".encode())
    assert [problem.code for row in found for problem in row.problems] == codes


def test_one_bad_row_does_not_spoil_its_neighbours() -> None:
    """Each awkward row stands between two good ones of its own."""
    for label, (rows, codes) in AWKWARD.items():
        if "malformed-row" in codes or label == "a quote within quotes":
            continue
        good = ["First,₹1,In Stock,/media/a.jpg,Gold,", "Last,₹1,In Stock,/media/a.jpg,Gold,"]
        found, _ = imported("\n".join([HEADER, good[0], rows, good[1], ""]).encode())
        names = [draft.name for draft in drafts(found)]
        assert (names[0], names[-1]) == ("First", "Last"), label


def test_problems_count_rows_as_a_spreadsheet_does() -> None:
    found, _ = imported(
        f'{HEADER}\n\n"Ring\nof gold",free,In Stock,/media/a.jpg,Gold,\n,,,,,\n{RING[4:]}\n'.encode()
    )
    assert [(p.row, p.line) for row in found for p in row.problems] == [(3, 3), (5, 6)]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("description,price", "Missing required columns: availability, image"),
        ("description,price,price,availability,image", "Several columns mean the same"),
        (
            "Ring,₹500,Many,/media/a.jpg",
            "Missing required columns: description, price, availability, image",
        ),
    ],
)
def test_a_wrong_header_is_one_error_before_any_row(header: str, message: str) -> None:
    with pytest.raises(HeaderRefused, match=message):
        imported(f"{header}\n1,2\n".encode())


def test_a_workbook_with_numbers_typed_in_is_imported() -> None:
    names = ("Description", "Price (₹)", "Stock", "Image", "SKU")
    rows, _ = imported(workbook(names, ("Ring", 299999, 5, "/media/a.jpg", 8901)))
    (draft,) = drafts(rows)
    assert (draft.price_minor, draft.quantity, draft.sku) == (29_999_900, 5, "8901")


def test_what_a_workbook_has_spoilt_is_reported_by_column() -> None:
    rows, _ = imported(
        workbook(
            ("description", "price", "availability", "image", "sku"),
            ("Ring", "=1+1", True, "/media/a.jpg", 8901234567890123),
        )
    )
    assert [(p.column, p.code) for p in rows[0].problems] == [
        ("price", "formula-without-value"), ("sku", "number-too-long"),
    ]  # fmt: skip


def test_a_large_file_is_read_row_by_row() -> None:
    lines = (f"Ring {i},₹{i + 1},In Stock,/media/{i}.jpg,Gold," for i in range(20_000))
    source = "\n".join((HEADER, *lines)).encode()
    with read_table(source) as reading:
        rows = read_rows(read_header(reading.header.cells), reading.rows)
        first = next(rows)
        assert first.draft is not None
        assert first.draft.name == "Ring 0"
        assert sum(1 for row in rows if row.draft) == 19_999
