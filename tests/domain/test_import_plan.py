"""What an import does to the catalogue."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.import_rules import (
    Category,
    Create,
    Failed,
    OnDuplicate,
    Planned,
    ProductDraft,
    ProductSnapshot,
    RawRow,
    ReadRow,
    Skip,
    Specifications,
    StockStatus,
    Unchanged,
    Update,
    plan,
    product_key,
    read_header,
    read_row,
)
from domain.import_rules.words import CLEAR

RING = {
    "description": "Gold Ring",
    "price": "₹5,000",
    "availability": "In Stock",
    "image": "/media/ring.jpg",
    "category": "Gold",
}
FULL = RING | {
    "sku": "R-1", "name": "Sun", "quantity": "7", "preorder": "yes", "featured": "yes",
    "specifications": "22k Gold, Ruby; Clarity: AA; Width: 2 mm", "hsn": "7113", "huid": "AB12CD",
}  # fmt: skip


def row_of(cells: dict[str, str]) -> ReadRow:
    header = read_header(list(cells))
    return read_row(header, RawRow(row_number=2, line=2, cells=tuple(cells.values())))


def draft_of(cells: dict[str, str]) -> ProductDraft:
    row = row_of(cells)
    assert row.draft is not None, row.problems
    return row.draft


def product_of(cells: dict[str, str]) -> ProductSnapshot:
    return ProductSnapshot.of("p1", draft_of(cells).details)


def step(
    cells: dict[str, str], product: ProductSnapshot | None, on_duplicate: OnDuplicate = "update"
) -> Planned:
    existing = {} if product is None else {product.key: product}
    (only,) = plan([row_of(cells)], existing, on_duplicate)
    return only


def changes(before: dict[str, str], **cells: str) -> dict[str, Any]:
    planned = step(before | cells, product_of(before))
    if isinstance(planned, Unchanged):
        return {}
    assert isinstance(planned, Update)
    return dict(planned.changes)


def test_a_new_product_is_created() -> None:
    planned = step(RING, None)
    assert planned == Create(row=2, key="text:gold ring|gold", draft=draft_of(RING))


def test_an_existing_product_is_skipped_unless_asked_otherwise() -> None:
    (planned,) = plan([row_of(RING)], {product_of(RING).key: product_of(RING)})
    assert planned == Skip(row=2, key="text:gold ring|gold", product_id="p1")


def test_an_existing_product_may_be_an_error() -> None:
    planned = step(RING, product_of(RING), "error")
    assert isinstance(planned, Failed)
    assert [str(p) for p in planned.problems] == ["Row 2: description: is already in the catalogue"]


def test_an_existing_sku_may_be_an_error() -> None:
    planned = step(FULL, product_of(FULL), "error")
    assert isinstance(planned, Failed)
    assert str(planned.problems[0]) == "Row 2: sku: is already in the catalogue"


def test_a_row_with_errors_fails() -> None:
    planned = step(RING | {"price": "free"}, None)
    assert isinstance(planned, Failed)
    assert [p.code for p in planned.problems] == ["price-format"]


def test_the_same_row_again_changes_nothing() -> None:
    for cells in (RING, FULL):
        product = product_of(cells)
        assert step(cells, product) == Unchanged(row=2, key=product.key, product_id="p1")


def test_only_what_differs_is_changed() -> None:
    assert changes(FULL, price="₹6,000") == {"price_minor": 600_000}


def test_a_blank_optional_cell_leaves_the_field_as_it_is() -> None:
    optional = [name for name in FULL if name not in {*RING, "sku"}]
    assert changes(FULL, **dict.fromkeys(optional, "")) == {}


def test_a_column_that_the_file_has_not_leaves_the_field_as_it_is() -> None:
    shorter = RING | {"sku": "R-1"}
    assert isinstance(step(shorter, product_of(FULL)), Unchanged)


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("featured", {"featured": False}),
        ("preorder", {"preorder": False}),
        ("quantity", {"quantity": None}),
        ("hsn", {"hsn": None}),
        ("huid", {"huid": ()}),
        ("name", {"name": "Gold Ring"}),
        ("category", {"category": Category.OTHER}),
        ("specifications", {"specifications": Specifications()}),
    ],
)
def test_a_cleared_cell_empties_the_field(column: str, change: dict[str, Any]) -> None:
    assert changes(FULL, **{column: CLEAR}) == change


def test_a_new_address_replaces_the_pictures() -> None:
    assert changes(RING, image="/media/new.jpg") == {"images": ("/media/new.jpg",)}


def test_a_new_cell_of_specifications_replaces_all_that_the_old_one_said() -> None:
    assert changes(FULL, specifications="18k Gold") == {
        "specifications": Specifications(material="18k Gold")
    }


def test_a_blank_column_of_its_own_protects_its_part() -> None:
    before = RING | {"specifications": "22k Gold", "weight": "5 g"}
    assert changes(before, specifications="18k Gold", weight="") == {
        "specifications": Specifications(material="18k Gold", weight="5 g")
    }


def test_a_column_of_its_own_changes_only_its_part() -> None:
    before = RING | {"specifications": "22k Gold; Clarity: AA", "weight": "5 g"}
    assert changes(before, specifications="", weight="6 g") == {
        "specifications": Specifications(
            material="22k Gold", weight="6 g", attributes={"clarity": "AA"}
        )
    }


def test_a_cleared_column_of_its_own_empties_its_part() -> None:
    before = RING | {"specifications": "22k Gold", "weight": "5 g"}
    assert changes(before, specifications="", weight=CLEAR) == {
        "specifications": Specifications(material="22k Gold")
    }


def test_a_count_stays_while_the_status_is_the_same() -> None:
    assert changes(RING | {"quantity": "7"}, quantity="", availability="Available") == {}


def test_a_new_status_without_a_number_drops_the_count() -> None:
    assert changes(RING | {"quantity": "7"}, quantity="", availability="Limited Stock") == {
        "availability": StockStatus.LIMITED, "quantity": None,
    }  # fmt: skip


def test_out_of_stock_is_none_left() -> None:
    assert changes(RING, availability="Sold out") == {
        "availability": StockStatus.OUT_OF_STOCK, "quantity": 0,
    }  # fmt: skip


def test_a_product_on_preorder_is_marked_so() -> None:
    assert changes(RING, availability="Pre-order") == {
        "availability": StockStatus.PREORDER, "preorder": True,
    }  # fmt: skip


def test_a_name_that_repeated_the_description_goes_on_repeating_it() -> None:
    before = RING | {"sku": "R-1"}
    assert changes(before, description="Gold Band") == {
        "description": "Gold Band", "name": "Gold Band",
    }  # fmt: skip


def test_a_name_of_its_own_outlives_a_new_description() -> None:
    without_name = {name: cell for name, cell in FULL.items() if name != "name"}
    planned = step(without_name | {"description": "Gold Band"}, product_of(FULL))
    assert isinstance(planned, Update)
    assert planned.changes == {"description": "Gold Band"}


def test_a_named_type_moves_the_place_of_try_on() -> None:
    before = RING | {"product_type": "ring"}
    assert changes(before, product_type="pendant") == {
        "product_type": "pendant", "try_on_region": "neck",
    }  # fmt: skip


def test_a_width_is_taken_from_new_specifications() -> None:
    assert changes(RING | {"specifications": "Width: 2 mm"}, specifications="Width: 3 mm") == {
        "specifications": Specifications(dimensions="width 3 mm"), "width_mm": 3.0,
    }  # fmt: skip


def test_the_key_is_the_sku_when_there_is_one() -> None:
    assert product_key(sku=" R-1 ", description="x", category=Category.GOLD) == "sku:r-1"
    assert product_key(sku=None, description=" A  b", category=Category.GOLD) == "text:a b|gold"


CELLS = st.fixed_dictionaries(
    {
        "description": st.sampled_from(["Gold Ring", "Pearl Necklace"]),
        "price": st.integers(1, 10**6).map(str),
        "availability": st.sampled_from(
            ["In Stock", "Out of Stock", "Only 2 left", "Pre-order", "5"]
        ),
        "image": st.sampled_from(["/media/a.jpg", "/media/a.jpg|/media/b.jpg"]),
    },
    optional={
        "category": st.sampled_from(["Gold", "Silver", "", CLEAR]),
        "name": st.sampled_from(["Sun", "", CLEAR]),
        "preorder": st.sampled_from(["yes", "no", "", CLEAR]),
        "featured": st.sampled_from(["yes", "no", "", CLEAR]),
        "product_type": st.sampled_from(["ring", "pendant", "", CLEAR]),
        "try_on_region": st.sampled_from(["neck", "ear", "", CLEAR]),
        "width_mm": st.sampled_from(["5", "", CLEAR]),
        "hsn": st.sampled_from(["7113", "", CLEAR]),
        "weight": st.sampled_from(["5 g", "", CLEAR]),
        "specifications": st.sampled_from(
            ["18k Gold, Ruby", "5.5 g; Width: 2 mm", "Clarity: AA", "", CLEAR]
        ),
    },
)


@given(CELLS)
def test_importing_the_same_row_twice_changes_nothing(cells: dict[str, str]) -> None:
    assert isinstance(step(cells, product_of(cells)), Unchanged)


@given(CELLS, CELLS)
def test_after_an_update_the_same_row_changes_nothing(
    first: dict[str, str], second: dict[str, str]
) -> None:
    before = product_of(first | {"sku": "R-1"})
    row = second | {"sku": "R-1"}
    planned = step(row, before)
    if isinstance(planned, Update):
        after = before.model_copy(update=dict(planned.changes))
        assert isinstance(step(row, after), Unchanged)
