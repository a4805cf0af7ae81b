"""Prices as shops write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.import_rules import CellRefused, format_inr, parse_price, read_price

LAKH_PAISE = 10_000_000


@pytest.mark.parametrize(
    ("written", "paise"),
    [
        ("₹299999", 29_999_900),
        ("₹2,99,999", 29_999_900),
        ("299,999", 29_999_900),
        ("299999", 29_999_900),
        ("  ₹ 299999  ", 29_999_900),
        ("₹\xa02,99,999", 29_999_900),
        ("\u200e₹299999\u200f", 29_999_900),
        ("Rs. 2,99,999", 29_999_900),
        ("Rs.299999", 29_999_900),
        ("rs 299999", 29_999_900),
        ("₨ 299999", 29_999_900),
        ("INR 299999", 29_999_900),
        ("299999 INR", 29_999_900),
        ("₹299999/-", 29_999_900),
        ("Rs. 2,99,999/- only", 29_999_900),
        ("₹1,23,45,678.90", 1_234_567_890),
        ("12,345,678.90", 1_234_567_890),
        ("0.50", 50),
        ("₹1", 100),
        ("1499.9", 149_990),
    ],
)
def test_a_price_is_read_to_the_paisa(written: str, paise: int) -> None:
    assert parse_price(written) == paise


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("", "price-missing"),
        (" \xa0 ", "price-missing"),
        ("nan", "price-format"),
        ("inf", "price-format"),
        ("Infinity", "price-format"),
        ("None", "price-format"),
        ("1e9", "price-format"),
        ("on request", "price-format"),
        ("1000-2000", "price-format"),
        ("0299999", "price-format"),
        ("5 000", "price-format"),
        (".50", "price-format"),
        ("5.", "price-format"),
        ("₹2.99.999", "price-format"),
        ("-5", "price-not-positive"),
        ("₹ -5", "price-not-positive"),
        ("\N{MINUS SIGN}5", "price-not-positive"),
        ("(500)", "price-not-positive"),
        ("0", "price-not-positive"),
        ("₹0.00", "price-not-positive"),
        ("₹1,5", "price-grouping"),
        ("1,0000", "price-grouping"),
        ("12,34,56", "price-grouping"),
        ("1,00,00", "price-grouping"),
        ("299.999", "price-decimals"),
        ("1.001", "price-decimals"),
        ("२९९९९९", "price-digits"),
        ("5²", "price-digits"),
        ("½", "price-digits"),
        ("$500", "price-currency"),
        ("500 USD", "price-currency"),
        ("€ 500", "price-currency"),
        ("₹10,00,00,001", "price-too-high"),
        ("999999999999999999999", "price-too-high"),
    ],
)  # fmt: skip
def test_what_is_no_price_is_refused_with_its_reason(written: str, code: str) -> None:
    with pytest.raises(CellRefused) as refused:
        parse_price(written)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("written", "paise"),
    [
        ("2.99 lakh", 299 * LAKH_PAISE // 100),
        ("₹3 Lakhs", 3 * LAKH_PAISE),
        ("1.5 lac", 3 * LAKH_PAISE // 2),
        ("1 crore", 100 * LAKH_PAISE),
        ("2 cr", 200 * LAKH_PAISE),
    ],
)
def test_lakh_and_crore_are_read_with_a_note(written: str, paise: int) -> None:
    price = read_price(written)
    assert price.paise == paise
    assert price.note is not None
    assert format_inr(paise) in price.note.message


def test_a_price_in_figures_has_no_note() -> None:
    assert read_price("₹299999").note is None


def test_the_highest_price_is_for_the_shop_to_set() -> None:
    assert parse_price("500", max_paise=50_000) == 50_000
    with pytest.raises(CellRefused, match="is more than ₹500"):
        parse_price("500.01", max_paise=50_000)


@pytest.mark.parametrize(
    ("paise", "shown"),
    [
        (29_999_900, "₹2,99,999"),
        (100_000_000, "₹10,00,000"),
        (1_234_567_890, "₹1,23,45,678.90"),
        (0, "₹0"),
        (5, "₹0.05"),
        (99_900, "₹999"),
        (100_000, "₹1,000"),
        (-29_999_950, "-₹2,99,999.50"),
    ],
)
def test_rupees_are_shown_the_indian_way(paise: int, shown: str) -> None:
    assert format_inr(paise) == shown


@given(st.integers(min_value=1, max_value=10_000_000_000))
def test_every_price_that_we_show_is_read_back_to_the_paisa(paise: int) -> None:
    assert parse_price(format_inr(paise)) == paise


@given(st.integers(min_value=1, max_value=10_000_000_000))
def test_western_groups_give_the_same_price(paise: int) -> None:
    assert parse_price(f"{paise // 100:,}.{paise % 100:02d}") == paise


def paise_or_code(text: str) -> int | str:
    try:
        return parse_price(text)
    except CellRefused as refused:
        return refused.code


@given(
    st.text(max_size=40) | st.from_regex(r"(₹|Rs\.? ?)?[0-9,]{1,12}(\.[0-9]{1,3})?", fullmatch=True)
)
def test_any_text_is_a_price_in_range_or_refused(text: str) -> None:
    found = paise_or_code(text)
    assert found.startswith("price-") if isinstance(found, str) else 0 < found <= 10_000_000_000
