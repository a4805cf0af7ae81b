"""How like one another two pieces are, and why."""

from dependencies.documents import Document
from projections.words import words_of

NEAR_PRICE = 0.7
"""The lower price by the higher one."""


def likeness(product: Document, other: Document) -> tuple[float, str]:
    """0 to 6, and why: the same type counts 3, category 1, stone 1, a near price up to 1."""
    same_type = product["productType"] == other["productType"] != "other"
    same_category = product["category"] == other["category"]
    stones = [set(words_of(p["specifications"]["gemstone"])) for p in (product, other)]
    same_stone = bool(stones[0] & stones[1])
    low, high = sorted((product["priceMinor"], other["priceMinor"]))
    nearness = low / high if high else 1.0
    reasons = [
        f"another {product['productType'].replace('_', ' ')}" if same_type else "",
        f"also {product['category']}" if same_category else "",
        "the same stone" if same_stone else "",
        "a similar price" if nearness >= NEAR_PRICE else "",
    ]
    score = 3 * same_type + same_category + same_stone + nearness
    return score, ", ".join(filter(None, reasons)) or "you may like it"
