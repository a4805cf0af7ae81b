"""Stock as shops describe it. Rules in a fixed order, negations first; what no rule knows is refused.

"Unavailable" and "Not in stock" contain the words of the opposite, so no rule looks for a mere
substring, and a phrase that goes on ("available soon") is not the phrase.
"""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.import_rules.problems import CellRefused
from domain.import_rules.words import trimmed
from domain.kernel import ValueObject

MAX_QUANTITY = 999_999


class StockStatus(StrEnum):
    IN_STOCK = "in_stock"
    LIMITED = "limited"
    OUT_OF_STOCK = "out_of_stock"
    PREORDER = "preorder"


class Availability(ValueObject):
    """`quantity` is None when the file names no number. Out of stock is always quantity 0."""

    status: StockStatus
    quantity: Annotated[int, Field(ge=0, le=MAX_QUANTITY)] | None = None


OUT_OF_STOCK = Availability(status=StockStatus.OUT_OF_STOCK, quantity=0)

WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}
NUMBER = rf"([0-9]{{1,6}}|{'|'.join(WORDS)})"
PIECES = r"(?:pieces?|pcs?|units?|items?|nos?)"
HAVING = r"(?:in stock|instock|available|stocked)"

NEGATED_NEGATION = re.compile(
    r"\b(?:not|never|no longer|isn t|without|no) (?:\w+ ){0,2}?"
    r"(?:out of stock|sold out|unavailable|discontinued|limited|pre ?orders?)\b"
)
OUT = re.compile(
    r"\b(?:out of stock|outofstock|stock out|sold out|soldout|unavailable|discontinued)\b"
    rf"|\b(?:not|never|no longer|isn t|non) (?:\w+ ){{0,2}}?{HAVING}\b"
    r"|\b(?:no|nil|zero) stock\b|^(?:no|n|false|nil|out|none left)$"
)
PREORDER = re.compile(
    r"\b(?:pre ?orders?|pre ?book(?:ing|ings)?|back ?orders?|(?:made|make) to order)\b"
)
SCARCE = re.compile(
    rf"\b(?:only|just|last) {NUMBER}(?: {PIECES})?(?: (?:left|remaining|available|in stock))?$"
    rf"|\b{NUMBER} (?:{PIECES} )?(?:left|remaining)\b"
    rf"|\blimited (?:stock|quantity) {NUMBER}\b"
)
LIMITED = re.compile(
    r"\blimited (?:stock|quantity|quantities|availability|pieces|supply)\b|^limited$"
    r"|\blow (?:in |on )?stock\b|\bstock (?:is )?low\b"
    rf"|\bfew (?:{PIECES} )?(?:left|remaining|available|in stock)\b|\bfew {PIECES}\b|^few$"
    r"|\blast (?:piece|one|pc)\b"
)
IN = re.compile(
    rf"^(?:(?:yes )?(?:currently |now |always |readily )?(?:{HAVING}|ready stock|ready to ship)"
    rf"(?: now| online)?(?: ([0-9]{{1,6}})(?: {PIECES})?)?"
    rf"|([0-9]{{1,6}}) (?:{PIECES} )?(?:{HAVING}|{PIECES})"
    r"|yes|y|true|1)$"
)
COUNT = re.compile(r"^([0-9]{1,6})$")

RULES = (
    (OUT, StockStatus.OUT_OF_STOCK),
    (PREORDER, StockStatus.PREORDER),
    (SCARCE, StockStatus.LIMITED),
    (LIMITED, StockStatus.LIMITED),
    (IN, StockStatus.IN_STOCK),
    (COUNT, StockStatus.IN_STOCK),
)


def parse_availability(text: str) -> Availability:
    """Raise CellRefused, with a code that starts with `availability-`, for what no rule knows."""
    phrase = _phrase(text)
    if not phrase:
        raise CellRefused("is required", code="availability-missing")
    found = None if NEGATED_NEGATION.search(phrase) else _by_the_rules(phrase)
    if found is None:
        raise CellRefused(
            f"{trimmed(text)[:40]!r} is not understood; write In Stock, Limited Stock, Out of Stock, "
            "Pre-order or the number of pieces",
            code="availability-unknown",
        )
    return found


def _phrase(text: str) -> str:
    """Lower-case words and numbers. A minus sign stays before a number: -5 is not 5."""
    phrase = trimmed(text).casefold().removeprefix("https://schema.org/")
    phrase = re.sub(r"(?<=[0-9]),(?=[0-9]{3}\b)|(?<=[0-9])\.0+$", "", phrase)
    phrase = re.sub(r"^[-−–](?=\s*[0-9])", "minus ", phrase)  # noqa: RUF001 - as pasted
    return " ".join(re.sub(r"[^\w\s]|_", " ", phrase).split())


def _by_the_rules(phrase: str) -> Availability | None:
    for pattern, status in RULES:
        if found := pattern.search(phrase):
            return _counted(status, _named_number(found))
    return None


def _named_number(found: re.Match[str]) -> int | None:
    number = next((group for group in found.groups() if group), None)
    return None if number is None else WORDS.get(number) or int(number)


def _counted(status: StockStatus, quantity: int | None) -> Availability:
    if quantity == 0 or status is StockStatus.OUT_OF_STOCK:
        return OUT_OF_STOCK
    return Availability(status=status, quantity=quantity)
