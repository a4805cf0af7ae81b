"""How many products of a list there are of each kind: what a page shows beside it, to narrow it down.

Of a list the first `COUNTED` are looked at, in the order of its index; of a search those that it found.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection
from typing_extensions import TypedDict

from projections.catalogue import NEWEST
from projections.stored import shape
from queries.by_index import Keys, by_index
from queries.product_filters import index_for

COUNTED = 10_000
MILLISECONDS = 2_000
NAMES = ("category", "productType", "tryOnRegion", "inStock")
BANDS = (0, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000)
"""Rupees at which a band of prices begins; the last has no end."""

Document = Mapping[str, Any]
SHAPE = dict.fromkeys((*NAMES, "priceMinor"), 1) | {"_id": 0}


@shape
class FacetValue(TypedDict):
    value: str | bool
    count: int


@shape
class PriceBand(TypedDict("PriceBand", {"from": int, "to": int | None})):
    """In rupees; the last has no end."""

    count: int


@shape
class Facets(TypedDict):
    category: list[FacetValue]
    productType: list[FacetValue]
    tryOnRegion: list[FacetValue]
    inStock: list[FacetValue]
    price: list[PriceBand]
    counted: int
    isComplete: bool


async def counted(
    query: Mapping[str, Any], products: AsyncCollection[dict[str, Any]]
) -> dict[str, Any]:
    """By MongoDB, in one walk."""
    each: dict[str, Any] = {name: [{"$sortByCount": f"${name}"}] for name in NAMES}
    edges = [rupees * 100 for rupees in BANDS]
    each["price"] = [
        {"$bucket": {"groupBy": "$priceMinor", "boundaries": edges, "default": edges[-1]}}
    ]
    each["total"] = [{"$count": "count"}]
    steps: list[dict[str, Any]] = [
        {"$match": query},
        {"$limit": COUNTED},
        {"$project": SHAPE},
        {"$facet": each},
    ]

    async def read(hint: Keys | None) -> list[dict[str, Any]]:
        options: dict[str, Any] = {"hint": dict(hint)} if hint else {}
        cursor = await products.aggregate(steps, maxTimeMS=MILLISECONDS, **options)
        return await cursor.to_list()

    [found] = await by_index(index_for(query, NEWEST), read)
    counts = {name: {row["_id"]: row["count"] for row in found[name]} for name in NAMES}
    bands = {row["_id"] // 100: row["count"] for row in found["price"]}
    total = found["total"][0]["count"] if found["total"] else 0
    return facets(counts, bands, total)


def counted_of(documents: Sequence[Document]) -> dict[str, Any]:
    """The same of documents that are at hand."""
    counts = {name: Counter(document[name] for document in documents) for name in NAMES}
    return facets(counts, Counter(map(_band, documents)), len(documents))


def _band(document: Document) -> int:
    return BANDS[bisect_right(BANDS, document["priceMinor"] // 100) - 1]


def facets(
    counts: Mapping[str, Mapping[Any, int]], bands: Mapping[int, int], total: int
) -> dict[str, Any]:
    """As they are shown: the most frequent first, prices from low to high."""
    ends = dict(zip(BANDS, (*BANDS[1:], None), strict=True))
    price = [
        {"from": band, "to": ends[band], "count": count} for band, count in sorted(bands.items())
    ]
    shown: dict[str, Any] = {name: _listed(counts[name].items()) for name in NAMES}
    return shown | {"price": price, "counted": total, "isComplete": total < COUNTED}


def _listed(pairs: Iterable[tuple[Any, int]]) -> list[dict[str, Any]]:
    by_count = sorted(pairs, key=lambda pair: (-pair[1], str(pair[0])))
    return [{"value": value, "count": count} for value, count in by_count]
