"""Prices as shops write them, and rupees as India reads them.

price  = [currency] number [scale] ["/-"] [currency] ["only"]
number = plain digits, or grouped the Indian (2,99,999) or the Western way (299,999), ≤ 2 decimals
scale  = lakh | crore
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from domain.import_rules.problems import CellNote, CellRefused
from domain.import_rules.words import trimmed

DEFAULT_MAX_PAISE = 10_000_000_000
"""₹10 crore: more than that for one piece is a slip of the keyboard until a setting says otherwise."""

CURRENCY = r"(?:₹|₨|rs\.?|inr|rupees)"
PRICE = re.compile(
    rf"(?:{CURRENCY}\s*)?"
    r"(?P<number>[0-9][0-9,]{0,20})(?:\.(?P<decimals>[0-9]{1,9}))?"
    r"(?:\s*(?P<scale>lakhs?|lacs?|crores?|cr)\b\.?)?"
    rf"\s*(?:/[-=])?\s*{CURRENCY}?\s*(?:/[-=])?\s*(?:only)?",
    re.IGNORECASE,
)
PLAIN = re.compile(r"0|[1-9][0-9]*")
INDIAN = re.compile(r"[1-9][0-9]?(?:,[0-9]{2})*,[0-9]{3}")
WESTERN = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+")
NEGATIVE = re.compile(rf"(?:{CURRENCY}\s*)?[-−–]|\(.*\)", re.IGNORECASE)  # noqa: RUF001 - as pasted
FOREIGN = re.compile(r"[$€£¥]|\b(?:usd|eur|gbp|aed|cad|aud|sgd)\b", re.IGNORECASE)
LAKH, CRORE = Decimal(10) ** 5, Decimal(10) ** 7


@dataclass(frozen=True)
class Price:
    paise: int
    note: CellNote | None = None


def parse_price(text: str, *, max_paise: int = DEFAULT_MAX_PAISE) -> int:
    """The price in paise. Raise CellRefused, with a code that starts with `price-`, else."""
    return read_price(text, max_paise=max_paise).paise


def read_price(text: str, *, max_paise: int = DEFAULT_MAX_PAISE) -> Price:
    """As `parse_price`, with a note when the amount was written in lakh or crore."""
    written = " ".join(trimmed(text).split())
    _refuse_what_is_no_amount(written)
    found = PRICE.fullmatch(written)
    if found is None:
        raise CellRefused(
            f"{written[:40]!r} is not a price, such as ₹2,99,999", code="price-format"
        )
    rupees = _rupees(found["number"], found["decimals"] or "")
    scale = (found["scale"] or "").lower()
    paise = _paise(rupees * _factor(scale))
    _refuse_out_of_range(paise, max_paise)
    return Price(paise, _note(scale, paise))


def _refuse_what_is_no_amount(written: str) -> None:
    if not written:
        raise CellRefused("is required", code="price-missing")
    if any(sign.isnumeric() and not sign.isascii() for sign in written):
        raise CellRefused("must be written with the digits 0 to 9", code="price-digits")
    if FOREIGN.search(written):
        raise CellRefused("must be in rupees", code="price-currency")
    if NEGATIVE.match(written):
        raise CellRefused("must be more than zero", code="price-not-positive")


def _rupees(number: str, decimals: str) -> Decimal:
    if "," in number and not (INDIAN.fullmatch(number) or WESTERN.fullmatch(number)):
        raise CellRefused(
            f"the commas of {number} are neither Indian (2,99,999) nor Western (299,999) groups",
            code="price-grouping",
        )
    if "," not in number and not PLAIN.fullmatch(number):
        raise CellRefused(f"{number} starts with a zero", code="price-format")
    return Decimal(f"{number.replace(',', '')}.{decimals or '0'}")


def _factor(scale: str) -> Decimal:
    if scale.startswith("l"):
        return LAKH
    return CRORE if scale else Decimal(1)


def _paise(rupees: Decimal) -> int:
    paise = rupees * 100
    if paise != paise.to_integral_value():
        raise CellRefused("has more than two decimals", code="price-decimals")
    return int(paise)


def _refuse_out_of_range(paise: int, max_paise: int) -> None:
    if paise == 0:
        raise CellRefused("must be more than zero", code="price-not-positive")
    if paise > max_paise:
        raise CellRefused(f"is more than {format_inr(max_paise)}", code="price-too-high")


def _note(scale: str, paise: int) -> CellNote | None:
    if not scale:
        return None
    return CellNote(code="price-in-words", message=f"read as {format_inr(paise)}")


def format_inr(paise: int) -> str:
    """₹2,99,999 or ₹1,23,45,678.90: the last three digits, then pairs; paise only when there are any."""
    rupees, rest = divmod(abs(paise), 100)
    head, tail = str(rupees)[:-3], str(rupees)[-3:]
    pairs = re.sub(r"(?<=[0-9])(?=(?:[0-9]{2})+$)", ",", head)
    grouped = f"{pairs},{tail}" if pairs else tail
    fraction = f".{rest:02d}" if rest else ""
    return f"{'-' if paise < 0 else ''}₹{grouped}{fraction}"
