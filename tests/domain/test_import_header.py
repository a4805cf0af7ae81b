"""Which column means what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.import_rules import REQUIRED, Header, HeaderRefused, read_header
from domain.import_rules.header import FIELDS

SPEC = ("description", "price", "availability", "image", "category", "specifications")


def test_the_columns_of_the_specification_mean_themselves() -> None:
    header = read_header(SPEC)
    assert header.fields == SPEC
    assert header.warnings == ()


def test_case_spaces_and_signs_make_no_difference() -> None:
    header = read_header(["\ufeff DESCRIPTION", "Price (₹)", "Stock_Status", "Image  URL"])
    assert header.fields == REQUIRED


def test_the_usual_names_of_other_shops_are_known() -> None:
    header = read_header(["Title", "MRP", "Stock", "Picture", "Qty", "Style Code"])
    assert header.fields == ("description", "price", "availability", "image", "quantity", "sku")


def test_a_title_beside_a_description_is_the_name() -> None:
    assert read_header(["Title", *SPEC]).fields[0] == "name"


def test_a_title_beside_a_name_is_the_description() -> None:
    header = read_header(["Title", "Name", "price", "availability", "image"])
    assert header.fields[:2] == ("description", "name")


def test_two_titles_beside_a_description_are_refused() -> None:
    with pytest.raises(HeaderRefused, match=r"description \(Title, Item, description\)"):
        read_header(["Title", "Item", *SPEC])


def test_a_name_without_a_description_is_the_description() -> None:
    assert read_header(["Name", "price", "availability", "image"]).fields[0] == "description"


def test_all_missing_columns_are_named_in_one_error() -> None:
    with pytest.raises(
        HeaderRefused, match="Missing required columns: description, image"
    ) as refused:
        read_header(["price", "availability"])
    assert refused.value.missing == ("description", "image")
    assert refused.value.code == "missing-columns"


def test_two_columns_of_one_meaning_are_refused() -> None:
    with pytest.raises(HeaderRefused, match=r"price \(Price, MRP\)") as refused:
        read_header(["description", "Price", "MRP", "availability", "image"])
    assert refused.value.code == "duplicate-columns"


def test_the_same_column_twice_is_refused() -> None:
    with pytest.raises(HeaderRefused, match=r"image \(image, image\)"):
        read_header([*SPEC, "image"])


def test_an_unknown_column_is_a_warning() -> None:
    header = read_header([*SPEC, "Shelf", ""])
    assert header.fields[-2:] == (None, None)
    assert header.warnings == (
        "Column 7 (Shelf) is not known and was not read",
        "Column 8 (without a name) is not known and was not read",
    )


def test_the_columns_of_our_errors_file_are_passed_over() -> None:
    assert read_header([*SPEC, "row", "error_codes", "error"]).warnings == ()


def test_a_mapping_says_what_a_column_means() -> None:
    header = read_header(
        ["Naam", "Price", "MRP", "availability", "image"],
        mapping={"naam": "description", "MRP": None},
    )
    assert header.fields == ("description", "price", None, "availability", "image")
    assert header.warnings == ()


def test_a_mapping_may_move_a_title() -> None:
    header = read_header(["Title", "Text", "price", "stock", "image"],
                         mapping={"Text": "description", "Title": "name"})  # fmt: skip
    assert header.fields[:2] == ("name", "description")


@pytest.mark.parametrize("mapping", [{"Naam": "description"}, {"price": "colour"}])
def test_a_mapping_of_what_is_not_there_is_refused(mapping: dict[str, str | None]) -> None:
    with pytest.raises(HeaderRefused) as refused:
        read_header(SPEC, mapping=mapping)
    assert refused.value.code == "bad-mapping"


def header_or_none(names: list[str]) -> Header | None:
    try:
        return read_header(names)
    except HeaderRefused:
        return None


@given(st.lists(st.sampled_from(sorted(FIELDS)) | st.text(max_size=12), max_size=12))
def test_a_header_that_is_accepted_has_each_required_column_once(names: list[str]) -> None:
    header = header_or_none([*names, "price", "availability", "image"])
    if header is not None:
        assert all(header.fields.count(name) == 1 for name in REQUIRED)
        assert len(header.fields) == len(names) + 3
