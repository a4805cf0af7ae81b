"""Small readings of text that several columns share."""

import re
import unicodedata

from domain.import_rules.problems import CellRefused

INVISIBLE = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060"
"""Byte order mark, zero-width spaces and direction marks: they travel with text copied from web pages."""

EDGES = INVISIBLE + "".join(filter(str.isspace, map(chr, range(0x3001))))
"""With every white space there is, no-break spaces included; U+3000 is the last."""

CLEAR = "__CLEAR__"
"""Written into an optional cell, it empties the field of an existing product."""

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

YES = frozenset({"yes", "y", "true", "1"})
NO = frozenset({"no", "n", "false", "0"})


def trimmed(text: str) -> str:
    """Without white space and invisible marks at both ends."""
    return text.strip(EDGES)


def normalised(text: str) -> str:
    """For comparing: compatibility forms, case and runs of white space make no difference."""
    return " ".join(unicodedata.normalize("NFKC", trimmed(text)).casefold().split())


def one_line(text: str) -> str:
    return " ".join(text.split())


def has_control_characters(text: str) -> bool:
    """Tabs and line ends are none."""
    return CONTROL.search(text) is not None


def read_flag(text: str) -> bool:
    """Yes or no. Raise CellRefused for anything else: a blank cell never comes here."""
    word = normalised(text)
    if word in YES:
        return True
    if word in NO:
        return False
    raise CellRefused("must be yes or no", code="flag-unknown")


MILLIMETRES = {"mm": 1.0, "cm": 10.0, "in": 25.4, "inch": 25.4, "inches": 25.4, '"': 25.4}
WIDTH_LABEL = re.compile(r"\bwidth\s*:?\s*([0-9.]{1,9}\s*(?:mm|cm|inches|inch))\b", re.IGNORECASE)
WIDTH = re.compile(r'([0-9]{1,5}(?:\.[0-9]{1,3})?)\s*(mm|cm|inches|inch|in|")?', re.IGNORECASE)


def read_width_mm(text: str) -> float:
    """Millimetres, or what the unit (mm, cm, inch) says; more than 0, at most 1,000 mm."""
    found = WIDTH.fullmatch(trimmed(text))
    if found is None:
        raise CellRefused("is not a width, such as 52 mm or 5.2 cm", code="width-format")
    width = round(float(found[1]) * MILLIMETRES[(found[2] or "mm").lower()], 2)
    if not 0 < width <= 1_000:
        raise CellRefused("must be more than 0 and at most 1,000 mm", code="width-range")
    return width


def width_within_mm(dimensions: str) -> float | None:
    """The width that a text such as "length 45 cm; width 2.5 mm" names; None when it names none."""
    found = WIDTH_LABEL.search(dimensions)
    if found is None:
        return None
    try:
        return read_width_mm(found[1])
    except CellRefused:
        return None  # the text itself is kept; only the measure for try-on cannot be drawn from it
