"""Stock as shops describe it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.import_rules import Availability, CellRefused, StockStatus, parse_availability

IN, LIMITED = StockStatus.IN_STOCK, StockStatus.LIMITED
OUT, PREORDER = StockStatus.OUT_OF_STOCK, StockStatus.PREORDER


@pytest.mark.parametrize(
    ("written", "status", "quantity"),
    [
        ("In Stock", IN, None),
        ("in-stock", IN, None),
        ("in_stock", IN, None),
        ("INSTOCK", IN, None),
        ("  In\xa0Stock! ", IN, None),
        ("https://schema.org/InStock", IN, None),
        ("Available", IN, None),
        ("Currently available", IN, None),
        ("Ready to ship", IN, None),
        ("Yes", IN, None),
        ("TRUE", IN, None),
        ("y", IN, None),
        ("1", IN, None),
        ("5", IN, 5),
        ("5.0", IN, 5),
        ("1,000", IN, 1_000),
        ("In Stock (12)", IN, 12),
        ("12 in stock", IN, 12),
        ("12 pcs", IN, 12),
        ("Limited Stock", LIMITED, None),
        ("limited", LIMITED, None),
        ("Low stock", LIMITED, None),
        ("Few pieces left", LIMITED, None),
        ("Only 2 left", LIMITED, 2),
        ("only two left!", LIMITED, 2),
        ("2 pieces left", LIMITED, 2),
        ("Last one", LIMITED, 1),
        ("Limited Stock (3)", LIMITED, 3),
        ("Out of Stock", OUT, 0),
        ("out-of-stock", OUT, 0),
        ("https://schema.org/OutOfStock", OUT, 0),
        ("Out of stock - available 12 Dec", OUT, 0),
        ("Unavailable", OUT, 0),
        ("Currently unavailable", OUT, 0),
        ("Not available", OUT, 0),
        ("Not in stock", OUT, 0),
        ("Not currently available", OUT, 0),
        ("No longer available", OUT, 0),
        ("Sold out", OUT, 0),
        ("No", OUT, 0),
        ("FALSE", OUT, 0),
        ("0", OUT, 0),
        ("0 left", OUT, 0),
        ("Pre-order", PREORDER, None),
        ("preorder", PREORDER, None),
        ("Available for pre-order", PREORDER, None),
        ("Made to order", PREORDER, None),
    ],
)
def test_a_phrase_means_what_it_says(
    written: str, status: StockStatus, quantity: int | None
) -> None:
    found = parse_availability(written)
    assert (found.status, found.quantity) == (status, quantity)


@pytest.mark.parametrize(
    "written",
    [
        "Available soon", "In stock soon", "Available 12 Dec", "maybe", "ask", "None", "NA", "-",
        "-5", "\N{MINUS SIGN} 5", "2.5", "५", "1234567", "Never out of stock", "Not limited", "Not sold out",
        "In stock, no pre-order", "Limited edition", "last 12 months", "1,00", "In stock at 5 shops",
    ],
)  # fmt: skip
def test_what_no_rule_knows_is_refused_and_never_guessed(written: str) -> None:
    with pytest.raises(CellRefused) as refused:
        parse_availability(written)
    assert refused.value.code in {"availability-unknown", "availability-missing"}


def test_the_highest_count_is_a_million_less_one() -> None:
    assert parse_availability("999999").quantity == 999_999
    with pytest.raises(ValidationError):
        Availability(status=IN, quantity=1_000_000)


def test_a_blank_availability_is_missing() -> None:
    with pytest.raises(CellRefused, match="is required"):
        parse_availability(" ")


@given(st.sampled_from(["in stock", "available"]), st.sampled_from(["not", "no longer", "never"]))
def test_a_negation_is_never_in_stock(phrase: str, negation: str) -> None:
    assert parse_availability(f"{negation} {phrase}").status is OUT


@given(st.integers(min_value=2, max_value=999_999))
def test_a_number_is_a_count(count: int) -> None:
    assert parse_availability(str(count)).quantity == count


def availability_or_code(text: str) -> Availability | str:
    try:
        return parse_availability(text)
    except CellRefused as refused:
        return refused.code


@given(st.text(max_size=40))
def test_any_text_is_understood_or_refused(text: str) -> None:
    found = availability_or_code(text)
    if isinstance(found, str):
        assert found.startswith("availability-")
    else:
        assert (found.quantity == 0) == (found.status is OUT)
