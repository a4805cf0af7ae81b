"""What an import will do to the catalogue, row by row: decided here, carried out elsewhere.

A blank optional cell leaves the product's field as it is; `__CLEAR__` empties it. A product that already
is what the row says is `Unchanged`, so the same file imported twice does nothing the second time.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from domain.import_rules.availability import StockStatus
from domain.import_rules.problems import RowProblem, excerpt
from domain.import_rules.product import ProductDraft, ProductFields, ProductSnapshot
from domain.import_rules.row import ReadRow
from domain.import_rules.specifications import PARTS, Specifications
from domain.import_rules.words import one_line

OnDuplicate = Literal["skip", "update", "error"]

ALWAYS = ("description", "price_minor", "availability", "images")
OPTIONAL = ("category", "sku", "featured", "hsn", "huid")
FIELDS = tuple(ProductFields.model_fields)


@dataclass(frozen=True, kw_only=True)
class Create:
    row: int
    key: str
    draft: ProductDraft


@dataclass(frozen=True, kw_only=True)
class Update:
    """`changes`: field of ProductFields → its new value; only what differs, and never empty."""

    row: int
    key: str
    product_id: str
    draft: ProductDraft
    changes: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Unchanged:
    row: int
    key: str
    product_id: str


@dataclass(frozen=True, kw_only=True)
class Skip:
    """The product exists and `on_duplicate` is skip."""

    row: int
    key: str
    product_id: str


@dataclass(frozen=True, kw_only=True)
class Failed:
    row: int
    problems: tuple[RowProblem, ...]


Planned = Create | Update | Unchanged | Skip | Failed


def plan(
    rows: Iterable[ReadRow],
    existing: Mapping[str, ProductSnapshot],
    on_duplicate: OnDuplicate = "skip",
) -> Iterator[Planned]:
    """One step for each row. `existing` is looked up by `ProductFields.key`; it may be a chunk's share."""
    for row in rows:
        if row.draft is None:
            yield Failed(row=row.raw.row_number, problems=row.problems)
        elif (product := existing.get(row.draft.key)) is None:
            yield Create(row=row.raw.row_number, key=row.draft.key, draft=row.draft)
        else:
            yield _meeting(row, row.draft, product, on_duplicate)


def _meeting(
    row: ReadRow, draft: ProductDraft, product: ProductSnapshot, on_duplicate: OnDuplicate
) -> Planned:
    number, key, product_id = row.raw.row_number, draft.key, product.product_id
    if on_duplicate == "skip":
        return Skip(row=number, key=key, product_id=product_id)
    if on_duplicate == "error":
        return Failed(row=number, problems=(_already_there(row, draft),))
    changes = differences(draft, product)
    if not changes:
        return Unchanged(row=number, key=key, product_id=product_id)
    return Update(row=number, key=key, product_id=product_id, draft=draft, changes=changes)


def _already_there(row: ReadRow, draft: ProductDraft) -> RowProblem:
    column, value = ("sku", draft.sku) if draft.sku else ("description", draft.description)
    return RowProblem(
        row=row.raw.row_number,
        line=row.raw.line,
        column=column,
        code="product-exists",
        value=excerpt(value),
        message="is already in the catalogue",
    )


def differences(draft: ProductDraft, product: ProductSnapshot) -> dict[str, object]:
    """The fields that the row changes, with their new values."""
    stated = _stated(draft, product)
    return {
        name: stated[name]
        for name in FIELDS
        if name in stated and stated[name] != getattr(product, name)
    }


def _stated(draft: ProductDraft, product: ProductSnapshot) -> dict[str, object]:
    """What the row says about each field that it says anything about."""
    spoken = draft.given | draft.cleared
    names = [*ALWAYS, *(name for name in OPTIONAL if name in spoken)]
    return {
        **{name: getattr(draft, name) for name in names},
        **_naming(draft, product, spoken),
        **_stock(draft, product, spoken),
        **_measures(draft, product, spoken),
    }


def _naming(
    draft: ProductDraft, product: ProductSnapshot, spoken: frozenset[str]
) -> dict[str, object]:
    """A name that only repeated the description goes on repeating it; a chosen type moves the region."""
    stated: dict[str, object] = {}
    if "name" in spoken or product.name == one_line(product.description):
        stated["name"] = draft.name
    if "product_type" in spoken:
        stated["product_type"] = draft.product_type
    if spoken & {"product_type", "try_on_region"}:
        stated["try_on_region"] = draft.try_on_region
    return stated


def _stock(
    draft: ProductDraft, product: ProductSnapshot, spoken: frozenset[str]
) -> dict[str, object]:
    """A count stays when the row names none and the status is the same."""
    stated: dict[str, object] = {}
    moved = draft.availability is not product.availability
    if draft.quantity is not None or moved or "quantity" in spoken:
        stated["quantity"] = draft.quantity
    if "preorder" in spoken or draft.availability is StockStatus.PREORDER:
        stated["preorder"] = draft.preorder
    return stated


def _measures(
    draft: ProductDraft, product: ProductSnapshot, spoken: frozenset[str]
) -> dict[str, object]:
    parts = {part: _part(part, draft, product) for part in PARTS}
    attributes = draft.attributes if "specifications" in spoken else product.attributes
    stated: dict[str, object] = {"specifications": Specifications(**parts, attributes=attributes)}
    if "width_mm" in spoken or draft.width_mm is not None:
        stated["width_mm"] = draft.width_mm
    return stated


def _part(part: str, draft: ProductDraft, product: ProductSnapshot) -> str | None:
    """The whole cell of specifications is one value: a part that it no longer names is gone, unless that
    part has a column of its own, which was left blank.
    """
    written: str | None = getattr(draft.specifications, part)
    if written is not None or part in draft.given | draft.cleared:
        return written
    if "specifications" in draft.given | draft.cleared and part not in draft.blank:
        return None
    kept: str | None = getattr(product.specifications, part)
    return kept
