"""A raw row → a typed draft, or every error that the row has."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from domain.import_rules.availability import (
    MAX_QUANTITY,
    Availability,
    StockStatus,
    parse_availability,
)
from domain.import_rules.cells import Cells
from domain.import_rules.header import Header
from domain.import_rules.images import parse_images
from domain.import_rules.kinds import (
    Category,
    guess_product_type,
    read_category,
    read_product_type,
    read_try_on_region,
    try_on_region,
)
from domain.import_rules.price import DEFAULT_MAX_PAISE, read_price
from domain.import_rules.problems import CellRefused, RowProblem, excerpt
from domain.import_rules.product import ProductDraft
from domain.import_rules.specifications import PARTS, parse_specifications
from domain.import_rules.table import RawRow
from domain.import_rules.words import one_line, read_flag, read_width_mm, width_within_mm

MAX_DESCRIPTION_CHARS = 500
SKU = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/\-]{0,63}")
HSN = re.compile(r"[0-9]{4}(?:[0-9]{2}){0,2}")
HUID = re.compile(r"[A-Z0-9]{6}")
COUNT = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, kw_only=True)
class ImportPolicy:
    """What the shop decides about imports."""

    max_price_paise: int = DEFAULT_MAX_PAISE
    prices_in_words: Literal["warn", "error"] = "warn"
    """May a price say lakh or crore?"""
    unknown_category: Literal["error", "other"] = "error"


@dataclass(frozen=True, kw_only=True)
class ReadRow:
    """`draft` is None exactly when there are problems."""

    raw: RawRow
    draft: ProductDraft | None = None
    problems: tuple[RowProblem, ...] = ()
    warnings: tuple[RowProblem, ...] = ()


def read_rows(
    header: Header, rows: Iterable[RawRow], policy: ImportPolicy | None = None
) -> Iterator[ReadRow]:
    """Each row in turn. A product that came before in the same file is an error of the later row."""
    first: dict[str, int] = {}
    for raw in rows:
        row = read_row(header, raw, policy)
        if row.draft is None:
            yield row
        elif (earlier := first.setdefault(row.draft.key, raw.row_number)) != raw.row_number:
            yield _repeated(row, row.draft, earlier)
        else:
            yield row


def _repeated(row: ReadRow, draft: ProductDraft, earlier: int) -> ReadRow:
    column, value = ("sku", draft.sku) if draft.sku else ("description", draft.description)
    problem = RowProblem(
        row=row.raw.row_number,
        line=row.raw.line,
        column=column,
        code="duplicate-in-file",
        value=excerpt(value),
        message=f"is the same product as in row {earlier}",
    )
    return ReadRow(raw=row.raw, problems=(problem,), warnings=row.warnings)


def read_row(header: Header, raw: RawRow, policy: ImportPolicy | None = None) -> ReadRow:
    """One row by itself, with all its errors."""
    cells = Cells(header, raw)
    draft = None if cells.problems else _draft(cells, policy or ImportPolicy())
    return ReadRow(
        raw=raw, draft=draft, problems=tuple(cells.problems), warnings=tuple(cells.warnings)
    )


def _draft(cells: Cells, policy: ImportPolicy) -> ProductDraft | None:
    """Read every cell before looking whether any had a problem."""
    fields = {
        **_names(cells),
        "price_minor": _price(cells, policy),
        **_stock(cells),
        "images": cells.read("image", parse_images),
        "category": _category(cells, policy),
        **_measures(cells),
        "sku": cells.read_given("sku", _sku),
        "featured": cells.read_given("featured", read_flag) or False,
        "hsn": cells.read_given("hsn", _hsn),
        "huid": cells.read_given("huid", _huid) or (),
    }
    if cells.problems:
        return None
    sets = {"given": cells.given, "cleared": cells.cleared, "blank": cells.blank}
    return ProductDraft.model_validate(fields | sets)


def _names(cells: Cells) -> dict[str, object]:
    """The name is the description on one line, unless it has a column of its own; the words of the name
    say what type of piece it is, unless that has one.
    """
    description = cells.read("description", _description) or ""
    name = cells.read_given("name", _description) or description
    named_type = cells.read_given("product_type", read_product_type)
    product_type = named_type or guess_product_type(name)
    region = cells.read_given("try_on_region", read_try_on_region)
    return {
        "name": one_line(name),
        "description": description,
        "product_type": product_type,
        "try_on_region": region or try_on_region(product_type),
    }


def _description(text: str) -> str:
    if not text:
        raise CellRefused("is required", code="description-missing")
    if len(text) > MAX_DESCRIPTION_CHARS:
        raise CellRefused(
            f"has more than {MAX_DESCRIPTION_CHARS} characters", code="description-too-long"
        )
    return text


def _price(cells: Cells, policy: ImportPolicy) -> int | None:
    price = cells.read("price", lambda text: read_price(text, max_paise=policy.max_price_paise))
    if price is None:
        return None
    if price.note is not None and policy.prices_in_words == "error":
        cells.refuse("price", price.note.code, "must be written in figures, without lakh or crore")
    cells.note("price", price.note)
    return price.paise


def _stock(cells: Cells) -> dict[str, object]:
    described = cells.read("availability", parse_availability)
    counted = cells.read_given("quantity", _quantity)
    preorder = cells.read_given("preorder", read_flag)
    if described is None:
        return {}
    quantity = described.quantity if counted is None else counted
    if _contradict(described, quantity):
        cells.refuse(
            "quantity", "quantity-contradicts", f"is {quantity}, but availability says otherwise"
        )
    return {
        "availability": described.status,
        "quantity": quantity,
        "preorder": described.status is StockStatus.PREORDER if preorder is None else preorder,
    }


def _contradict(described: Availability, quantity: int | None) -> bool:
    if described.quantity is not None:
        return quantity != described.quantity
    return quantity == 0 and described.status is not StockStatus.PREORDER


def _quantity(text: str) -> int:
    if not COUNT.fullmatch(text):
        raise CellRefused(
            f"must be a whole number from 0 to {MAX_QUANTITY:,}", code="quantity-format"
        )
    return int(text)


def _category(cells: Cells, policy: ImportPolicy) -> Category | None:
    found = cells.read_given(
        "category", lambda text: read_category(text, unknown=policy.unknown_category)
    )
    if found is not None:
        cells.note("category", found.note)
        return found.category
    if "category" in cells.blank:
        cells.note("category", read_category("").note)
    return Category.OTHER


def _measures(cells: Cells) -> dict[str, object]:
    text = cells.read_given("specifications", str) or ""
    columns: dict[str, str] = {part: cells.read_given(part, str) or "" for part in PARTS}
    specifications = parse_specifications(text, columns=columns)
    width = cells.read_given("width_mm", read_width_mm)
    if width is None and "width_mm" not in cells.cleared:
        width = width_within_mm(specifications.dimensions or "")
    return {"specifications": specifications, "width_mm": width}


def _sku(text: str) -> str:
    if not SKU.fullmatch(text):
        raise CellRefused(
            "must be 1 to 64 letters, digits and . _ / - and begin with a letter or digit",
            code="sku-format",
        )
    return text


def _hsn(text: str) -> str:
    if not HSN.fullmatch(text):
        raise CellRefused("must have 4, 6 or 8 digits", code="hsn-format")
    return text


def _huid(text: str) -> tuple[str, ...]:
    marks = tuple(dict.fromkeys(re.split(r"[|,;\s]+", text.upper().strip("|,; "))))
    if not all(map(HUID.fullmatch, marks)):
        raise CellRefused(
            "must be six letters and digits, several separated by |", code="huid-format"
        )
    return marks
