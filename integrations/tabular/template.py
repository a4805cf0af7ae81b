"""An empty catalogue to fill in: the columns we read, and the specification's two rows as examples."""

import csv
import io

COLUMNS = (
    "description", "price", "availability", "image", "category", "specifications", "sku", "quantity",
)  # fmt: skip
EXAMPLES = (
    (
        "Diamond Solitaire Ring 1.5ct", "₹299999", "In Stock", "https://example.com/ring.jpg",
        "Diamond", "18k White Gold, 1.5ct Diamond", "RING-0001", "5",
    ),
    (
        "Gold Pearl Necklace", "₹89999", "Limited Stock", "https://example.com/necklace.jpg",
        "Gold", "22k Gold, Freshwater Pearls", "NECK-0001", "2",
    ),
)  # fmt: skip
TEXT_FORMAT = "@"
FILLABLE_ROWS = 500


def template_csv() -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows((COLUMNS, *EXAMPLES))
    return text.getvalue().encode("utf-8-sig")


def template_xlsx() -> bytes:
    """Every cell is formatted as text, so that Excel leaves SKUs and prices as they are typed."""
    from openpyxl import Workbook  # noqa: PLC0415 - half a second of every start otherwise
    from openpyxl.styles import Font  # noqa: PLC0415

    book = Workbook()
    sheet = book.active
    sheet.title = "Products"
    for cells in (COLUMNS, *EXAMPLES):
        sheet.append(cells)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for row in sheet.iter_rows(min_row=2, max_row=FILLABLE_ROWS, max_col=len(COLUMNS)):
        for cell in row:
            cell.number_format = TEXT_FORMAT
    sheet.freeze_panes = "A2"
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()
