"""What the owner reads: sales by day and product."""

from datetime import UTC, datetime
from typing import Any

from operators.reports import sold


def order(at: datetime, *items: tuple[str, int, float]) -> dict[str, Any]:
    return {
        "createdAt": at,
        "items": [{"productName": n, "quantity": q, "price": p} for n, q, p in items],
    }


EVENING = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)
"""Half past midnight of the 23rd in India."""
NOON = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)


def test_sales_are_added_up_by_indian_day_and_product() -> None:
    report = sold(
        [
            order(NOON, ("Haar", 2, 100.5)),
            order(NOON, ("Haar", 1, 100.5)),
            order(EVENING, ("Haar", 1, 7)),
        ]
    )
    rows = [(str(r.day), r.product, r.pieces, r.rupees) for r in report.itertuples()]
    assert rows == [("2026-11-22", "Haar", 3, 301.5), ("2026-11-23", "Haar", 1, 7.0)]


def test_a_name_that_looks_like_a_formula_is_made_safe() -> None:
    report = sold([order(NOON, ("=1+1", 1, 5))])
    assert list(report["product"]) == ["'=1+1"]


def test_without_sales_the_report_has_its_columns_and_no_rows() -> None:
    report = sold([])
    assert (list(report.columns), len(report)) == (["day", "product", "pieces", "rupees"], 0)
