"""A row becomes a draft, or says everything that is wrong with it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.import_rules import (
    OPTIONAL,
    REQUIRED,
    Category,
    CellFault,
    ImportPolicy,
    ProductFields,
    ProductType,
    RawRow,
    ReadRow,
    StockStatus,
    TryOnRegion,
    read_header,
    read_row,
    read_rows,
)
from domain.import_rules.words import CLEAR

RING = {
    "description": "Diamond Ring",
    "price": "₹2,99,999",
    "availability": "In Stock",
    "image": "https://example.com/ring.jpg",
}


def raw(*cells: str, number: int = 2, faults: tuple[CellFault, ...] = ()) -> RawRow:
    return RawRow(row_number=number, line=number, cells=cells, faults=faults)


def row_of(policy: ImportPolicy | None = None, **cells: str) -> ReadRow:
    values = RING | cells
    return read_row(read_header(list(values)), raw(*values.values()), policy)


def codes(row: ReadRow) -> list[str]:
    return [problem.code for problem in row.problems]


def draft_of(**cells: str) -> Any:
    row = row_of(None, **cells)
    assert row.problems == ()
    return row.draft


def test_a_row_with_the_four_required_columns_is_a_draft() -> None:
    draft = draft_of()
    assert draft.name == draft.description == "Diamond Ring"
    assert draft.price_minor == 29_999_900
    assert draft.currency == "INR"
    assert draft.availability is StockStatus.IN_STOCK
    assert draft.quantity is None
    assert draft.images == ("https://example.com/ring.jpg",)
    assert draft.category is Category.OTHER
    assert draft.product_type is ProductType.RING
    assert draft.try_on_region is TryOnRegion.FINGER
    assert (draft.preorder, draft.featured, draft.sku, draft.width_mm) == (False, False, None, None)


def test_every_optional_column_is_read() -> None:
    draft = draft_of(
        category="gold", specifications="22k Gold", sku="R-1", name="Sun", quantity="7", preorder="yes",
        featured="y", product_type="Pendant", try_on_region="ear", width_mm="5.2 cm", hsn="7113",
        huid="ab12cd | EF34GH", material="", weight="5 g", dimensions="", gemstone="Ruby",
    )  # fmt: skip
    assert draft.category is Category.GOLD
    assert draft.specifications.material == "22k Gold"
    assert draft.specifications.weight == "5 g"
    assert draft.specifications.gemstone == "Ruby"
    assert (draft.sku, draft.name, draft.quantity) == ("R-1", "Sun", 7)
    assert (draft.preorder, draft.featured) == (True, True)
    assert (draft.product_type, draft.try_on_region) == ("pendant", "ear")
    assert (draft.width_mm, draft.hsn, draft.huid) == (52.0, "7113", ("AB12CD", "EF34GH"))
    assert draft.blank == {"material", "dimensions"}
    assert draft.given == frozenset(OPTIONAL) - draft.blank


def test_the_details_of_a_draft_are_the_product_and_nothing_about_the_file() -> None:
    draft = draft_of(sku="R-1", category="")
    assert type(draft.details) is ProductFields
    assert draft.details == ProductFields.model_validate(
        draft.model_dump(exclude={"given", "cleared", "blank"})
    )
    assert draft.details.key == draft.key == "sku:r-1"


def test_all_errors_of_a_row_are_reported_at_once() -> None:
    row = row_of(
        description=" ", price="nan", availability="soon", image="javascript:1", category="Brass",
        sku="no spaces allowed", quantity="many", preorder="perhaps", featured="2", product_type="hat",
        try_on_region="knee", width_mm="wide", hsn="71", huid="X",
    )  # fmt: skip
    assert row.draft is None
    assert sorted(codes(row)) == [
        "availability-unknown", "category-unknown", "description-missing", "flag-unknown",
        "flag-unknown", "hsn-format", "huid-format", "image-scheme", "price-format",
        "quantity-format", "region-unknown", "sku-format", "type-unknown", "width-format",
    ]  # fmt: skip


def test_a_problem_names_row_line_column_and_value() -> None:
    problem = row_of(price="free").problems[0]
    assert (problem.row, problem.line, problem.column, problem.value) == (2, 2, "price", "free")
    assert str(problem) == "Row 2: price: 'free' is not a price, such as ₹2,99,999"


def test_a_long_value_is_cut_to_a_hundred_characters() -> None:
    assert len(row_of(description="x" * 600).problems[0].value) == 100


def test_a_row_with_another_number_of_fields_is_refused_whole() -> None:
    header = read_header(list(RING))
    row = read_row(header, raw("1", *RING.values()))
    assert [str(problem) for problem in row.problems] == [
        "Row 2: has 5 fields, but the header has 4"
    ]


def test_a_fault_of_the_file_is_a_problem_of_the_row() -> None:
    fault = CellFault(column=None, code="malformed-row", message="opens a quotation mark")
    assert codes(read_row(read_header(list(RING)), raw(faults=(fault,)))) == ["malformed-row"]


def test_a_faulty_cell_is_reported_once_and_not_read() -> None:
    fault = CellFault(column=1, code="formula-without-value", message="is a formula")
    cells = [*RING.values()]
    cells[1] = ""
    assert codes(read_row(read_header(list(RING)), raw(*cells, faults=(fault,)))) == [
        "formula-without-value"
    ]


def test_a_faulty_optional_cell_is_not_taken_for_a_blank_one() -> None:
    fault = CellFault(column=4, code="merged-cell", message="belongs to A1:A2")
    row = read_row(read_header([*RING, "sku"]), raw(*RING.values(), "", faults=(fault,)))
    assert codes(row) == ["merged-cell"]


def test_a_fault_in_a_column_that_is_not_read_does_not_matter() -> None:
    fault = CellFault(column=4, code="date-in-text", message="is a date")
    row = read_row(
        read_header([*RING, "Shelf"]), raw(*RING.values(), "2025-01-02", faults=(fault,))
    )
    assert row.problems == ()


def test_a_description_may_have_five_hundred_characters() -> None:
    assert draft_of(description="x" * 500).description == "x" * 500
    assert codes(row_of(description="x" * 501)) == ["description-too-long"]


def test_control_characters_are_refused() -> None:
    assert codes(row_of(description="Ring\x07")) == ["control-characters"]


def test_a_description_of_several_lines_gives_a_name_on_one() -> None:
    draft = draft_of(description="Gold Ring\nwith ruby")
    assert draft.description == "Gold Ring\nwith ruby"
    assert draft.name == "Gold Ring with ruby"


def test_words_that_programs_take_for_nothing_are_words() -> None:
    assert draft_of(description="None").description == "None"
    assert draft_of(sku="000123").sku == "000123"


def test_a_required_cell_cannot_be_cleared() -> None:
    assert codes(row_of(price=CLEAR)) == ["price-missing"]


def test_a_price_in_lakh_is_a_warning_or_an_error_as_the_shop_likes() -> None:
    assert [w.code for w in row_of(price="3 lakh").warnings] == ["price-in-words"]
    assert codes(row_of(ImportPolicy(prices_in_words="error"), price="3 lakh")) == [
        "price-in-words"
    ]


def test_the_highest_price_is_the_shops() -> None:
    assert codes(row_of(ImportPolicy(max_price_paise=100), price="2")) == ["price-too-high"]


def test_a_blank_category_warns_and_an_absent_column_does_not() -> None:
    assert [w.code for w in row_of(category=" ").warnings] == ["category-missing"]
    assert row_of().warnings == ()


def test_an_unknown_category_may_become_other() -> None:
    row = row_of(ImportPolicy(unknown_category="other"), category="Brass")
    assert row.draft is not None
    assert row.draft.category is Category.OTHER
    assert [w.code for w in row.warnings] == ["category-unknown"]


@pytest.mark.parametrize(
    ("availability", "quantity", "problems"),
    [
        ("In Stock", "7", []),
        ("Only 2 left", "2", []),
        ("Pre-order", "0", []),
        ("Out of Stock", "0", []),
        ("Out of Stock", "5", ["quantity-contradicts"]),
        ("Only 2 left", "3", ["quantity-contradicts"]),
        ("In Stock", "0", ["quantity-contradicts"]),
        ("In Stock", "-1", ["quantity-format"]),
        ("In Stock", "1.5", ["quantity-format"]),
        ("In Stock", "1234567", ["quantity-format"]),
    ],
)
def test_quantity_and_availability_must_agree(
    availability: str, quantity: str, problems: list[str]
) -> None:
    assert codes(row_of(availability=availability, quantity=quantity)) == problems


def test_made_to_order_is_a_preorder_unless_the_column_says_no() -> None:
    assert draft_of(availability="Pre-order").preorder is True
    assert draft_of(availability="Pre-order", preorder="no").preorder is False


@pytest.mark.parametrize(
    ("cells", "width"),
    [
        ({"width_mm": "52"}, 52.0),
        ({"width_mm": "2 inch"}, 50.8),
        ({"specifications": "Width: 2.5 mm"}, 2.5),
        ({"specifications": "Width: 2.5 mm", "width_mm": "3"}, 3.0),
        ({"specifications": "Width: 2.5 mm", "width_mm": CLEAR}, None),
        ({"specifications": "Width: 9999 mm"}, None),
        ({"specifications": "Length: 45 cm"}, None),
    ],
)
def test_the_width_for_try_on_is_in_millimetres(cells: dict[str, str], width: float | None) -> None:
    assert draft_of(**cells).width_mm == width


def test_a_width_out_of_range_is_refused() -> None:
    assert codes(row_of(width_mm="0")) == ["width-range"]


def rows_of(*described: tuple[str, str, str]) -> list[ReadRow]:
    """Each is (description, category, sku)."""
    header = read_header([*REQUIRED, "category", "sku"])
    raws = [
        raw(text, "₹1", "In Stock", "/media/a.jpg", category, sku, number=number)
        for number, (text, category, sku) in enumerate(described, 2)
    ]
    return list(read_rows(header, raws))


def test_the_same_product_twice_in_a_file_is_an_error_of_the_later_row() -> None:
    rows = rows_of(("Gold  Ring", "Gold", ""), ("Chain", "Gold", ""), ("gold ring", "gold", ""))
    assert [codes(row) for row in rows] == [[], [], ["duplicate-in-file"]]
    assert str(rows[2].problems[0]) == "Row 4: description: is the same product as in row 2"


def test_the_sku_tells_products_of_one_description_apart() -> None:
    rows = rows_of(("Ring", "Gold", "R-6"), ("Ring", "Gold", "R-7"), ("Other", "Gold", "r-6"))
    assert [codes(row) for row in rows] == [[], [], ["duplicate-in-file"]]
    assert str(rows[2].problems[0]) == "Row 4: sku: is the same product as in row 2"


def test_one_description_in_two_categories_is_two_products() -> None:
    assert all(row.draft for row in rows_of(("Ring", "Gold", ""), ("Ring", "Silver", "")))


def test_a_failed_row_does_not_make_the_next_one_a_duplicate() -> None:
    rows = rows_of(("Ring", "Brass", ""), ("Ring", "Gold", ""))
    assert [codes(row) for row in rows] == [["category-unknown"], []]


def test_many_duplicates_all_name_the_first_row() -> None:
    rows = rows_of(*[("Ring", "Gold", "")] * 4)
    assert {row.problems[0].message for row in rows[1:]} == {"is the same product as in row 2"}


CELLS = st.text(max_size=30) | st.sampled_from(
    ["", "Gold", "yes", "5", CLEAR, "₹299", "/media/a.jpg"]
)


@given(st.lists(CELLS, min_size=20, max_size=20))
def test_any_row_is_a_draft_or_has_problems_that_name_it(cells: list[str]) -> None:
    header = read_header([*REQUIRED, *OPTIONAL])
    row = read_row(header, raw(*cells, number=9))
    assert (row.draft is None) == bool(row.problems)
    assert all(str(problem).startswith("Row 9: ") for problem in (*row.problems, *row.warnings))
    assert all(len(problem.value) <= 100 for problem in row.problems)
