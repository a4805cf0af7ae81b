"""Categories, types and where a piece is tried on."""

import pytest

from domain.import_rules import (
    Category,
    CellRefused,
    ProductType,
    TryOnRegion,
    guess_product_type,
    read_category,
    try_on_region,
)
from domain.import_rules.kinds import read_product_type, read_try_on_region


@pytest.mark.parametrize("written", ["Gold", "gold", " GOLD ", "ＧＯＬＤ"])  # noqa: RUF001 - full width
def test_case_and_spaces_of_a_category_make_no_difference(written: str) -> None:
    assert read_category(written).category is Category.GOLD


def test_a_blank_category_is_other_with_a_note() -> None:
    found = read_category(" ")
    assert found.category is Category.OTHER
    assert found.note is not None


def test_an_unknown_category_is_refused() -> None:
    with pytest.raises(
        CellRefused, match="'Brass' is not one of Silver, Diamond, Platinum, Gold, Other"
    ):
        read_category("Brass")


def test_a_shop_may_put_unknown_categories_into_other() -> None:
    found = read_category("Brass", unknown="other")
    assert found.category is Category.OTHER
    assert found.note is not None
    assert "Brass" in found.note.message


@pytest.mark.parametrize(
    ("name", "kind", "region"),
    [
        ("Diamond Solitaire Ring 1.5ct", "ring", "finger"),
        ("Gold Pearl Necklace", "necklace", "neck"),
        ("Kundan Haar", "necklace", "neck"),
        ("Heart pendant with chain", "pendant", "neck"),
        ("Rope Chain", "chain", "neck"),
        ("Gold Mangalsutra", "mangalsutra", "neck"),
        ("Bridal Set", "set", "neck"),
        ("Ring set with rubies", "ring", "finger"),
        ("Silver Earrings", "earrings", "ear"),
        ("Jhumkas", "earrings", "ear"),
        ("Tennis Bracelet", "bracelet", "wrist"),
        ("Gold Kada", "bangle", "wrist"),
        ("Set of 4 Bangles", "bangle", "wrist"),
        ("Nose ring", "nose_pin", "nose"),
        ("Diamond Nose-Stud 18k", "nose_pin", "nose"),
        ("Bridal Nath with pearl chain", "nose_pin", "nose"),
        ("Gold nathni", "nose_pin", "nose"),
        ("Marathi Nath", "nose_pin", "nose"),
        ("Mukkuthi, single stone", "nose_pin", "nose"),
        ("Septum ring", "nose_pin", "nose"),
        ("Maang tikka", "maang_tikka", "forehead"),
        ("Kundan mang-tika with pearls", "maang_tikka", "forehead"),
        ("Polki Maangtikka", "maang_tikka", "forehead"),
        ("Temple tikka on a chain", "maang_tikka", "forehead"),
        ("Matha Patti", "maang_tikka", "forehead"),
        ("Sheeshphool of gold", "maang_tikka", "forehead"),
        ("Choker with earrings and maang tikka", "set", "neck"),
        ("Pearl necklace & ear rings", "set", "neck"),
        ("Silver payal", "anklet", "none"),
        ("Gold Coin 5 g", "coin", "none"),
        ("Key-ring", "other", "none"),
        ("Toe ring", "other", "none"),
        ("Spring brooch", "other", "none"),
        ("Shrinathji pendant", "pendant", "neck"),
        ("Shri Nath Ji Gold Pendant", "pendant", "neck"),
        ("Kedar Nath silver coin", "coin", "none"),
        ("Swastika pendant", "pendant", "neck"),
        ("Name necklace Tika", "necklace", "neck"),
        ("Tikkawala box", "other", "none"),
    ],
)
def test_the_words_of_a_name_say_what_it_is_and_where_it_is_worn(
    name: str, kind: str, region: str
) -> None:
    assert guess_product_type(name) == kind
    assert try_on_region(ProductType(kind)) == region


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("Nose pin", "nose_pin"),
        ("RINGS", "ring"),
        ("earring", "earrings"),
        ("Maang Tikkas", "maang_tikka"),
    ],
)
def test_a_named_type_is_read_in_singular_and_plural(written: str, kind: str) -> None:
    assert read_product_type(written) == kind


def test_an_unknown_type_or_region_is_refused() -> None:
    with pytest.raises(CellRefused, match="'brooch' is not one of"):
        read_product_type("brooch")
    with pytest.raises(CellRefused, match="'knee' is not one of"):
        read_try_on_region("knee")


def test_a_region_is_read() -> None:
    assert read_try_on_region(" Neck") is TryOnRegion.NECK
