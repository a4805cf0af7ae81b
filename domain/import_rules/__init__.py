"""The rules of product imports, from raw cells to a plan. Pure: a row in, a draft or its problems out.

reading = tables.read(file)                      # a TableReading, by an adapter
header = read_header(reading.header.cells)       # or HeaderRefused
rows = read_rows(header, reading.rows, policy)   # drafts, or every error of the row
steps = plan(rows, existing, "update")           # create, update, unchanged, skip, failed
"""

from domain.import_rules.availability import Availability, StockStatus, parse_availability
from domain.import_rules.header import OPTIONAL, REQUIRED, Header, read_header
from domain.import_rules.images import parse_images
from domain.import_rules.kinds import (
    Category,
    ProductType,
    TryOnRegion,
    guess_product_type,
    read_category,
    try_on_region,
)
from domain.import_rules.plan import (
    Create,
    Failed,
    OnDuplicate,
    Planned,
    Skip,
    Unchanged,
    Update,
    plan,
)
from domain.import_rules.price import Price, format_inr, parse_price, read_price
from domain.import_rules.problems import (
    CellRefused,
    HeaderRefused,
    RowProblem,
    TableRefused,
    TableTooLarge,
    UnreadableTable,
    UnsupportedTable,
)
from domain.import_rules.product import ProductDraft, ProductFields, ProductSnapshot, product_key
from domain.import_rules.row import ImportPolicy, ReadRow, read_row, read_rows
from domain.import_rules.specifications import Specifications, parse_specifications
from domain.import_rules.table import CellFault, RawRow, TableLimits, TableReading

__all__ = [
    "OPTIONAL",
    "REQUIRED",
    "Availability",
    "Category",
    "CellFault",
    "CellRefused",
    "Create",
    "Failed",
    "Header",
    "HeaderRefused",
    "ImportPolicy",
    "OnDuplicate",
    "Planned",
    "Price",
    "ProductDraft",
    "ProductFields",
    "ProductSnapshot",
    "ProductType",
    "RawRow",
    "ReadRow",
    "RowProblem",
    "Skip",
    "Specifications",
    "StockStatus",
    "TableLimits",
    "TableReading",
    "TableRefused",
    "TableTooLarge",
    "TryOnRegion",
    "Unchanged",
    "UnreadableTable",
    "UnsupportedTable",
    "Update",
    "format_inr",
    "guess_product_type",
    "parse_availability",
    "parse_images",
    "parse_price",
    "parse_specifications",
    "plan",
    "product_key",
    "read_category",
    "read_header",
    "read_price",
    "read_row",
    "read_rows",
    "try_on_region",
]
