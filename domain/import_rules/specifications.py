"""Free text about a piece → four strings and named attributes. Nothing of the text is dropped.

"18k White Gold, 1.5ct Diamond" has no labels, so each part is classified by its words, in this order:
metal or karat → material, stone or carat → gemstone, grams → weight, millimetres → dimensions.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from domain.import_rules.words import trimmed
from domain.kernel import ValueObject

Part = Literal["material", "weight", "dimensions", "gemstone"]

MAX_ATTRIBUTES = 50
"""Further labels join the notes, so that no file can make a document with a thousand keys."""
NOTES = "notes"
PARTS: tuple[Part, ...] = ("material", "weight", "dimensions", "gemstone")

SYNONYMS: Mapping[str, Part] = {
    "material": "material", "materials": "material", "metal": "material", "metal_type": "material",
    "base_metal": "material",
    "weight": "weight", "wt": "weight", "gross_weight": "weight", "gross_wt": "weight",
    "dimensions": "dimensions", "dimension": "dimensions", "measurements": "dimensions",
    "gemstone": "gemstone", "gemstones": "gemstone", "stone": "gemstone", "stones": "gemstone",
    "gem": "gemstone",
}  # fmt: skip

MEASURES = frozenset({"length", "width", "height", "diameter", "thickness", "depth"})
"""These are dimensions, and their label is part of the value: "length 45 cm"."""

AMOUNT = r"\b[0-9][0-9.,]*\s*"
METAL = re.compile(
    r"\b(?:gold|silver|platinum|palladium|rhodium|titanium|steel|brass|copper|bronze|alloy|vermeil"
    r"|sterling|karat|panchaloha|s?925|916)\b|\b[0-9]{1,2}\s*(?:k|kt|karat)\b",
    re.IGNORECASE,
)
STONE = re.compile(
    r"\b(?:diamonds?|solitaires?|pearls?|rub(?:y|ies)|emeralds?|sapphires?|topaz|opals?|garnets?"
    r"|amethysts?|aquamarines?|tanzanites?|tourmalines?|peridots?|citrines?|spinels?|zircons?"
    r"|turquoise|corals?|onyx|jade|quartz|moonstones?|moissanites?|polki|kundan|cubic zirconia|cz"
    r"|crystals?|(?:gem)?stones?|navratna|lab[ -]grown)\b"
    rf"|{AMOUNT}(?:cts?|cttw|carats?)\b",
    re.IGNORECASE,
)
WEIGHT = re.compile(rf"{AMOUNT}(?:g|gms?|grams?|mg|kg|tolas?)\b", re.IGNORECASE)
SIZE = re.compile(rf"{AMOUNT}(?:(?:mm|cm|inch(?:es)?|in)\b|[\"″])", re.IGNORECASE)

CLASSES: tuple[tuple[re.Pattern[str], Part], ...] = (
    (METAL, "material"),
    (STONE, "gemstone"),
    (WEIGHT, "weight"),
    (SIZE, "dimensions"),
)
MARKS = re.compile(r"[();|\n\r]|(?<![0-9]),|,(?![0-9])")
"""Where a part may end: a comma between digits belongs to a number."""
LABELLED = re.compile(r"([^\W\d_][^:\n]{0,39}?)\s*:(?!//)\s*(.+)", re.DOTALL)


class Specifications(ValueObject):
    """The specification's four strings, and `attributes` by safe lower-case keys."""

    material: str | None = None
    weight: str | None = None
    dimensions: str | None = None
    gemstone: str | None = None
    attributes: dict[str, str] = Field(default_factory=dict)


def parse_specifications(text: str, *, columns: Mapping[str, str] | None = None) -> Specifications:
    """`columns` are parts that have a column of their own (`weight`, `hsn`); they come first."""
    found: dict[str, list[str]] = {}
    for label, value in (columns or {}).items():
        _add(found, label, trimmed(value))
    for part in _parts(text):
        label, value = _labelled(part)
        _add(found, label, value)
    return _specifications({key: "; ".join(values) for key, values in found.items()})


def _parts(text: str) -> Iterator[str]:
    """Split on semicolons, pipes, line ends, and commas that stand neither between digits nor in brackets."""
    start = depth = 0
    for found in MARKS.finditer(text):
        sign, place = found[0], found.start()
        depth = max(0, depth + (sign == "(") - (sign == ")"))
        if sign in ";|\n\r" or (sign == "," and depth == 0):
            yield from _non_blank(text[start:place])
            start = found.end()
    yield from _non_blank(text[start:])


def _non_blank(part: str) -> Iterator[str]:
    if kept := " ".join(trimmed(part).split()):
        yield kept


def _labelled(part: str) -> tuple[str, str]:
    found = LABELLED.fullmatch(part)
    if found is None:
        return _class(part), part
    return found[1], found[2]


def _class(part: str) -> str:
    return next((name for pattern, name in CLASSES if pattern.search(part)), NOTES)


def _add(found: dict[str, list[str]], label: str, value: str) -> None:
    key = slug(label) or NOTES
    if key in MEASURES:
        key, value = "dimensions", f"{trimmed(label).casefold()} {value}"
    values = found.setdefault(SYNONYMS.get(key, key), [])
    if value and value not in values:
        values.append(value)


def slug(label: str) -> str:
    """A key that is safe in any document: word characters joined by `_`; no `$`, no dot, no empty one."""
    return re.sub(r"[\W_]+", "_", trimmed(label).casefold())[:80].strip("_")


def _specifications(values: dict[str, str]) -> Specifications:
    four = {part: values.pop(part, "") or None for part in PARTS}
    attributes = {key: value for key, value in values.items() if value}
    for key in list(attributes)[MAX_ATTRIBUTES:]:
        note = f"{key}: {attributes.pop(key)}"
        attributes[NOTES] = "; ".join(filter(None, (attributes.get(NOTES), note)))
    return Specifications(**four, attributes=attributes)
