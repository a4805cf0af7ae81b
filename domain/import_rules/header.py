"""Which column means what. Spelling, case and the usual names of other shops make no difference."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.import_rules.problems import HeaderRefused
from domain.import_rules.words import normalised, trimmed

REQUIRED = ("description", "price", "availability", "image")
OPTIONAL = (
    "category", "specifications", "sku", "name", "quantity", "preorder", "featured", "product_type",
    "try_on_region", "width_mm", "hsn", "huid", "material", "weight", "dimensions", "gemstone",
)  # fmt: skip

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "description": ("product description", "product name", "title", "product", "item", "item name"),
    "price": (
        "mrp", "rate", "cost", "selling price", "sale price", "price inr", "price rs", "price ₹",
        "price in ₹", "price in inr", "price in rupees", "amount",
    ),
    "availability": ("stock status", "stock", "in stock", "available", "availability status"),
    "image": (
        "images", "image url", "image urls", "image link", "picture", "photo", "photo url", "img",
    ),
    "category": ("product category", "collection"),
    "specifications": ("specification", "specs", "spec", "details"),
    "sku": ("product code", "item code", "style code", "product id", "code"),
    "name": ("short name",),
    "quantity": ("qty", "stock quantity", "pieces", "units", "stock qty"),
    "preorder": ("pre order", "preorder available", "pre order available"),
    "featured": ("is featured", "highlight"),
    "product_type": ("type", "jewellery type", "jewelry type"),
    "try_on_region": ("try on", "try on area", "region"),
    "width_mm": ("width", "width in mm"),
    "hsn": ("hsn code",),
    "huid": ("huid number", "hallmark id"),
    "material": ("metal",),
    "weight": ("gross weight",),
    "dimensions": ("dimension",),
    "gemstone": ("stone", "gemstones"),
}  # fmt: skip

OURS = frozenset({"row", "error codes", "error"})
"""Columns of our own errors file: it can be corrected and sent again as it is."""

TITLES = frozenset(SYNONYMS["description"])


def spelled(name: str) -> str:
    return " ".join(re.sub(r"[_\-./()\[\]*:]+", " ", normalised(name)).split())


FIELDS: Mapping[str, str] = {
    spelled(spelling): field
    for field in (*REQUIRED, *OPTIONAL)
    for spelling in (field, *SYNONYMS.get(field, ()))
}


@dataclass(frozen=True, kw_only=True)
class Header:
    """`fields[i]` is what column i means, or None; `names[i]` is what the file calls it."""

    fields: tuple[str | None, ...]
    names: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def read_header(cells: Sequence[str], *, mapping: Mapping[str, str | None] | None = None) -> Header:
    """`mapping`: the file's name of a column → our field, or None to leave the column out.

    Raise HeaderRefused: one error that names everything missing, doubled or wrongly mapped.
    """
    names = tuple(" ".join(trimmed(cell).split()) for cell in cells)
    chosen = _checked_mapping(mapping or {}, names)
    meanings: Mapping[str, str | None] = {**FIELDS, **chosen}
    fields = [meanings.get(spelled(name)) for name in names]
    fields = _name_for_description(fields, names, frozenset(chosen))
    _refuse_doubles(fields, names)
    _refuse_missing(fields)
    return Header(fields=tuple(fields), names=names, warnings=_unknown(fields, names, chosen))


def _checked_mapping(
    mapping: Mapping[str, str | None], names: Sequence[str]
) -> dict[str, str | None]:
    present = {spelled(name) for name in names}
    chosen = {spelled(name): field or None for name, field in mapping.items()}
    absent = [name for name in mapping if spelled(name) not in present]
    strange = [field for field in chosen.values() if field and field not in (*REQUIRED, *OPTIONAL)]
    if absent:
        raise HeaderRefused(
            f"The mapping names columns that are not in the file: {', '.join(absent)}",
            code="bad-mapping",
        )
    if strange:
        raise HeaderRefused(
            f"The mapping names unknown fields: {', '.join(strange)}", code="bad-mapping"
        )
    return chosen


def _name_for_description(
    fields: list[str | None], names: Sequence[str], chosen: frozenset[str]
) -> list[str | None]:
    """One text may serve as both, and two columns say which is which: a title beside a description is
    the name, and a name without a description is the description.
    """
    titles = [i for i, name in enumerate(names) if spelled(name) in TITLES - chosen]
    if len(titles) == 1 and "name" not in fields:
        fields[titles[0]] = "name"
    if "description" not in fields and fields.count("name") == 1:
        fields[fields.index("name")] = "description"
    return fields


def _refuse_doubles(fields: Sequence[str | None], names: Sequence[str]) -> None:
    doubles = [
        f"{field} ({', '.join(name for name, other in zip(names, fields, strict=True) if other == field)})"
        for field in dict.fromkeys(filter(None, fields))
        if fields.count(field) > 1
    ]
    if doubles:
        raise HeaderRefused(
            f"Several columns mean the same: {'; '.join(doubles)}", code="duplicate-columns"
        )


def _refuse_missing(fields: Sequence[str | None]) -> None:
    missing = tuple(field for field in REQUIRED if field not in fields)
    if missing:
        raise HeaderRefused(f"Missing required columns: {', '.join(missing)}", missing=missing)


def _unknown(
    fields: Sequence[str | None], names: Sequence[str], chosen: Mapping[str, str | None]
) -> tuple[str, ...]:
    return tuple(
        f"Column {place} ({name or 'without a name'}) is not known and was not read"
        for place, (name, field) in enumerate(zip(names, fields, strict=True), 1)
        if field is None and spelled(name) not in OURS and spelled(name) not in chosen
    )
