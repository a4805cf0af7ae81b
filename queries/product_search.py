"""Products by words: as written, begun, by another name, or by how they sound.

For each word the closest way that leads anywhere is taken. Of what is found the first `CANDIDATES`, what is
in stock and newest first, are put in the order of how well they fit; what comes after them stays as found.
So a search costs the same in a shop of a thousand products and of a million.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import ExecutionTimeout

from domain.errors import Invalid, Unavailable
from projections.catalogue import FOUND
from projections.words import BEGINNINGS, beginning_of, edits, sound_of, sounds_near, words_of
from queries.by_index import Keys, by_index
from queries.product_filters import MAX_WORDS

Document = Mapping[str, Any]
Products = AsyncCollection[dict[str, Any]]

CANDIDATES = 200
RARE = 2_000
"""Products that have a word are counted so far."""
SECONDS = 2.0
"""For words that are each common and never meet."""
INDEX = [("_tokens", 1), ("status", 1), *FOUND]

SYNONYMS = (
    {"necklace", "necklaces", "haar", "haram", "हार", "neckpiece", "mala"},
    {"earrings", "earring", "jhumka", "jhumkas", "jhumki", "studs", "bali", "झुमका"},
    {"ring", "rings", "anguthi", "अंगूठी"},
    {"bangle", "bangles", "kada", "kangan", "chudi", "कंगन"},
    {"bracelet", "bracelets"},
    {"anklet", "anklets", "payal", "पायल"},
    {"nosepin", "nath", "nathni", "nathuni", "mukkuthi", "नथ"},
    {"tikka", "tika", "teeka", "maangtikka", "mangtikka", "mangtika", "टीका"},
    {"mangalsutra", "tanmaniya", "thali", "मंगलसूत्र"},
    {"pendant", "pendants", "locket"},
    {"chain", "chains"},
    {"gold", "sona", "सोना"},
    {"silver", "chandi", "चांदी"},
    {"diamond", "diamonds", "heera", "हीरा"},
)
"""Words that a customer may use for one another. Each group is matched as one."""
GROUPS = {word: frozenset(group) for group in SYNONYMS for word in group}
GROUPS_BY_SOUND = {sound: GROUPS[word] for word in GROUPS if (sound := sound_of(word))}


@dataclass(frozen=True)
class Sought:
    """A word, and the tokens of which a product must have one."""

    word: str
    tokens: tuple[str, ...]
    slips: int = 0
    """Letters by which a product's word may differ, when it is found by its sound."""

    def fit(self, words: Iterable[str]) -> int:
        """How well one of these words fits: 5 as written, 4 begun, 3 by another name, 2 or 1 misspelt, 0
        not at all.
        """
        return max((self._fit(word) for word in words), default=0)

    def _fit(self, word: str) -> int:
        if word == self.word:
            return 5
        if word.startswith(self.word):
            return 4
        if word in self.tokens:
            return 3
        if self.slips:
            return max(0, 3 - edits(self.word, word, most=self.slips))
        return 0


def words_sought(text: str) -> list[str]:
    """Raise Invalid when there is no word in it."""
    words = words_of(text)
    if not words:
        raise Invalid("q must hold at least one word", code="empty-search")
    return words[:MAX_WORDS]


async def sought(words: Sequence[str], products: Products) -> list[Sought]:
    """The rarest word first: it leads through the index, and the others are looked for in what it brings."""
    found = [await _sought(word, products) for word in words]
    if len(found) == 1:
        return found
    counts = [await _count(one, products) for one in found]
    return [one for _, one in sorted(zip(counts, found, strict=True), key=itemgetter(0))]


async def _count(one: Sought, products: Products) -> int:
    query = {"_tokens": {"$in": list(one.tokens)}, "status": "active"}

    async def read(hint: Keys | None) -> int:
        options: dict[str, Any] = {"hint": hint} if hint else {}
        return await products.count_documents(query, limit=RARE, **options)

    return await by_index(INDEX, read)


async def _sought(word: str, products: Products) -> Sought:
    """As it is written, begun or called otherwise; only where that finds nothing, by its sound."""
    known = GROUPS.get(word, frozenset({word}))
    beginnings = {beginning_of(one) for one in known if len(one) in BEGINNINGS or len(one) > 5}
    plain = Sought(word, tuple(sorted(known | beginnings)))
    sound = sound_of(word)
    if not sound or await _leads_anywhere(plain, products):
        return plain
    group = GROUPS_BY_SOUND.get(sound, frozenset())
    alike = Sought(word, tuple(sorted({sound, *group})), slips=2)
    if await _leads_anywhere(alike, products):
        return alike
    return Sought(word, tuple(sounds_near(sound)), slips=2 if len(word) > 5 else 1)


async def _leads_anywhere(one: Sought, products: Products) -> bool:
    query = {"_tokens": {"$in": list(one.tokens)}, "status": "active"}

    async def read(hint: Keys | None) -> list[dict[str, Any]]:
        return await products.find(query, {"_tokens": 1}, hint=hint).limit(20).to_list()

    return any(one.fit(plain_words(document)) for document in await by_index(INDEX, read))


def plain_words(document: Document) -> list[str]:
    return [token for token in document["_tokens"] if token[0] not in "^~"]


def query_for(words: Sequence[Sought], also: Mapping[str, Any]) -> dict[str, Any]:
    first, *others = words
    query = {"status": "active", **also}
    query["$and"] = [
        {"_tokens": {"$in": list(first.tokens)}},
        *({"_tokens": {"$in": list(one.tokens)}} for one in others),
        *([{"_tokens": also["_tokens"]}] if "_tokens" in also else []),
    ]
    query.pop("_tokens", None)
    return query


def fitting(document: Document, words: Sequence[Sought]) -> tuple[int, int] | None:
    """How well it fits, in its name and anywhere; None when one of the words does not."""
    name = words_of(document["name"])
    everywhere = plain_words(document)
    fits = [one.fit(everywhere) for one in words]
    if not all(fits):
        return None
    return sum(one.fit(name) for one in words), sum(fits)


async def search(
    words: Sequence[Sought], also: Mapping[str, Any], products: Products
) -> list[dict[str, Any]]:
    """The best of what is found first, at most `CANDIDATES`."""
    order = [(name, way) for name, way in FOUND if name not in also]
    query = query_for(words, also)

    async def read(hint: Keys | None) -> list[dict[str, Any]]:
        cursor = products.find(query, sort=order, hint=hint).limit(CANDIDATES)
        return await cursor.max_time_ms(int(SECONDS * 1_000)).to_list()

    try:
        found = await by_index(INDEX, read)
    except ExecutionTimeout as e:
        raise Unavailable("these words are common and hardly ever meet: use fewer") from e
    scored = [
        (fit, document) for document in found if (fit := fitting(document, words)) is not None
    ]
    scored.sort(key=lambda pair: pair[0], reverse=True)  # stable: in stock and newest first
    return [document for _, document in scored]
