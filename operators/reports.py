"""Reports for the shop's owner, from the read models: what was sold, by day and category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dependencies.reading import ReadingServices
from integrations.tabular import safe_cell
from operators.running import console, with_services

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(no_args_is_help=True, help="Reports as XLSX or CSV.")

MAX_ORDERS = 200_000
INDIA = "Asia/Kolkata"
PAID = "completed"


@app.callback()
def _reports() -> None:
    """Keeps `reports sales` a command of its own while it is the only one."""


@app.command()
def sales(
    file: Annotated[Path, typer.Argument(help="where to write: report.xlsx or report.csv")],
    days: Annotated[int, typer.Option(min=1, max=3660, help="so many days back")] = 30,
) -> None:
    """Paid orders by day (of India) and product: pieces and rupees."""
    if file.suffix not in {".xlsx", ".csv"}:
        raise typer.BadParameter("the report is written as .xlsx or .csv")
    since = datetime.now(UTC) - timedelta(days=days)

    async def work(services: ReadingServices) -> list[dict[str, Any]]:
        query = {"paymentStatus": PAID, "createdAt": {"$gte": since}}
        found = services.read_models["orders"].find(query, {"items": 1, "createdAt": 1})
        return await found.sort("createdAt", 1).limit(MAX_ORDERS).to_list()

    report = sold(with_services(work))
    if file.suffix == ".xlsx":
        report.to_excel(file, index=False, sheet_name="Sales")
    else:
        report.to_csv(file, index=False, encoding="utf-8-sig")
    console.print(f"{file}: {len(report)} rows", soft_wrap=True)


def sold(orders: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Columns day, product, pieces, rupees; a row for each day and product, in that order.

    Names are made safe for spreadsheets: no cell begins a formula.
    """
    import pandas as pd  # noqa: PLC0415 - a second of every other command otherwise

    lines = pd.DataFrame(
        [
            {
                "day": order["createdAt"],
                "product": safe_cell(item["productName"]),
                "pieces": item["quantity"],
                "paise": round(item["price"] * 100) * item["quantity"],
            }
            for order in orders
            for item in order["items"]
        ],
        columns=["day", "product", "pieces", "paise"],
    )
    lines["day"] = pd.to_datetime(lines["day"], utc=True).dt.tz_convert(INDIA).dt.date
    totals = lines.groupby(["day", "product"], as_index=False)[["pieces", "paise"]].sum()
    totals["rupees"] = totals.pop("paise") / 100
    return totals
