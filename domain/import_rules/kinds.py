"""What a piece is: its category (the shop's shelf), its type, and where on the body it is tried on."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from domain.import_rules.problems import CellNote, CellRefused
from domain.import_rules.words import normalised, trimmed


class Category(StrEnum):
    SILVER = "Silver"
    DIAMOND = "Diamond"
    PLATINUM = "Platinum"
    GOLD = "Gold"
    OTHER = "Other"


class ProductType(StrEnum):
    RING = "ring"
    NECKLACE = "necklace"
    PENDANT = "pendant"
    EARRINGS = "earrings"
    BRACELET = "bracelet"
    BANGLE = "bangle"
    CHAIN = "chain"
    ANKLET = "anklet"
    NOSE_PIN = "nose_pin"
    MAANG_TIKKA = "maang_tikka"
    MANGALSUTRA = "mangalsutra"
    SET = "set"
    COIN = "coin"
    OTHER = "other"


class TryOnRegion(StrEnum):
    NECK = "neck"
    EAR = "ear"
    NOSE = "nose"
    FOREHEAD = "forehead"
    FINGER = "finger"
    WRIST = "wrist"
    NONE = "none"


@dataclass(frozen=True)
class CategoryReading:
    category: Category
    note: CellNote | None = None


def read_category(text: str, *, unknown: Literal["error", "other"] = "error") -> CategoryReading:
    """Case makes no difference. Blank is Other, with a note. Raise CellRefused for an unknown one."""
    word = normalised(text)
    if not word:
        return CategoryReading(
            Category.OTHER, CellNote(code="category-missing", message="is empty: Other is used")
        )
    for category in Category:
        if word == category.casefold():
            return CategoryReading(category)
    if unknown == "error":
        allowed = ", ".join(Category)
        raise CellRefused(
            f"{trimmed(text)[:40]!r} is not one of {allowed}", code="category-unknown"
        )
    note = CellNote(
        code="category-unknown", message=f"{trimmed(text)[:40]!r} is unknown: Other is used"
    )
    return CategoryReading(Category.OTHER, note)


TIKKAS = (
    r"ma+ng ?t(?:i|ee)kk?as?|tikkas?|teek+as?|matha ?patt?is?|shee?sh ?phools?|borlas?|bindiyas?"
)
"""Tika alone is a name, and the mark on a forehead."""

NOSE_PINS = (
    r"nose ?(?:pin|ring|stud|hoop|screw|clip)s?|naths?(?! ?ji)|nathn?is?|nathun?is?|nathiyas?"
    r"|septum rings?|mukkuth?is?|mookuthis?|bulaks?"
)
"""Nath is also the lord in the names of gods, which `GODS` takes away first."""

WITH_ITS_OWN = (
    rf"(?:necklaces?|chokers?|haar|har)\b.* (?:with|and|&) .*\b(?:ear ?rings?|jhumkas?|{TIKKAS})"
)

TYPE_WORDS: tuple[tuple[ProductType, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(rf"\b(?:{words})\b"))
    for kind, words in (
        (ProductType.OTHER, r"key ?(?:ring|chain)s?|toe ?rings?|watch(?:es)?|cuff ?links?"),
        (ProductType.MANGALSUTRA, r"mangalsutras?|mangal sutras?|tanmaniyas?|thali"),
        (ProductType.SET, r"(?:jewell?ery|bridal|necklace|pendant|earrings?|choker|temple) sets?"),
        (ProductType.SET, WITH_ITS_OWN),
        (ProductType.MAANG_TIKKA, TIKKAS),
        (ProductType.NOSE_PIN, NOSE_PINS),
        (ProductType.EARRINGS, r"ear ?rings?|jhumkas?|jhumkis?|studs?|hoops?|bali|chandbalis?|ear ?cuffs?"),
        (ProductType.ANKLET, r"anklets?|payals?"),
        (ProductType.BRACELET, r"bracelets?"),
        (ProductType.BANGLE, r"bangles?|kadas?|kangans?"),
        (ProductType.PENDANT, r"pendants?|lockets?"),
        (ProductType.NECKLACE, r"necklaces?|chokers?|haar|har"),
        (ProductType.CHAIN, r"chains?"),
        (ProductType.RING, r"rings?|wedding bands?"),
        (ProductType.COIN, r"coins?"),
    )
)  # fmt: skip
"""The first that is found wins, so the more particular word stands above the more general one."""


GODS = re.compile(
    r"\b(?:shri|shree|sri|jagan|kedar|som|badri|vishwa|kashi|pashupati|parshwa|parsva) ?nath(?: ?ji)?\b"
)


def guess_product_type(text: str) -> ProductType:
    """By the words of the name. `other` when no word is known."""
    words = GODS.sub(" ", re.sub(r"[-_/]+", " ", normalised(text)))
    return next((kind for kind, pattern in TYPE_WORDS if pattern.search(words)), ProductType.OTHER)


def read_product_type(text: str) -> ProductType:
    """A type that the file names: `Nose pin`, `nose_pin`, `Rings`. Raise CellRefused for others."""
    word = re.sub(r"[-_\s]+", "_", normalised(text))
    for kind in ProductType:
        if word in {kind.value, f"{kind.value}s", kind.value.removesuffix("s")}:
            return kind
    allowed = ", ".join(ProductType)
    raise CellRefused(f"{trimmed(text)[:40]!r} is not one of {allowed}", code="type-unknown")


REGIONS: dict[ProductType, TryOnRegion] = {
    ProductType.RING: TryOnRegion.FINGER,
    ProductType.NECKLACE: TryOnRegion.NECK,
    ProductType.PENDANT: TryOnRegion.NECK,
    ProductType.CHAIN: TryOnRegion.NECK,
    ProductType.MANGALSUTRA: TryOnRegion.NECK,
    ProductType.SET: TryOnRegion.NECK,
    ProductType.EARRINGS: TryOnRegion.EAR,
    ProductType.NOSE_PIN: TryOnRegion.NOSE,
    ProductType.MAANG_TIKKA: TryOnRegion.FOREHEAD,
    ProductType.BRACELET: TryOnRegion.WRIST,
    ProductType.BANGLE: TryOnRegion.WRIST,
}


def try_on_region(product_type: ProductType) -> TryOnRegion:
    return REGIONS.get(product_type, TryOnRegion.NONE)


def read_try_on_region(text: str) -> TryOnRegion:
    """A region that the file names. Raise CellRefused for others."""
    word = normalised(text)
    for region in TryOnRegion:
        if word == region.value:
            return region
    raise CellRefused(
        f"{trimmed(text)[:40]!r} is not one of {', '.join(TryOnRegion)}", code="region-unknown"
    )
