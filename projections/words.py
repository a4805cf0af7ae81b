"""Words as they are searched: as written, by their beginnings, and by how they sound.

A product's tokens are plain words, beginnings (`^nec`) and sounds (`~nkls`), in one index. The sound of a
word is what is left when vowels, doubled letters and aspiration are taken away and letters that are heard
alike are written alike: so `haar`, `har` and `हार` meet, and so do `necklace`, `neklace` and `neckless`.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator

MAX_WORDS = 100
BEGINNINGS = range(3, 6)
"""Letters of a beginning. A longer one is looked up by its first five, and then compared."""
ASCII_WORD = re.compile("[a-z0-9]+")
LATIN_MARKS = re.compile("[\u0300-\u036f]")

CONSONANTS = dict(
    zip(
        "कखगघङचछजझञटठडढणतथदधनपफबभमयरलवशषसह",
        "k kh g gh n ch chh j jh n t th d dh n t th d dh n p ph b bh m y r l v sh sh s h".split(),  # noqa: SIM905 - a table
        strict=True,
    )
)
VOWELS = dict(
    zip(
        "अआइईउऊऋएऐओऔािीुूृेैोौ",
        "a aa i ii u uu ri e ai o au aa i ii u uu ri e ai o au".split(),  # noqa: SIM905 - a table
        strict=True,
    )
)
VIRAMA, NASAL, DOT = "\u094d", "\u0902\u0901", "\u093c"

ALIKE = (
    (re.compile("c(?=[eiy])"), "s"),
    (re.compile("sh|ch"), "s"),
    (re.compile("p+h"), "f"),
    (re.compile("[ckq]"), "k"),
    (re.compile("x"), "ks"),
    (re.compile("z"), "s"),
    (re.compile("w"), "v"),
    (re.compile("(?<=[bdfgjklnpstv])h"), ""),
    (re.compile("(?<!^)[aeiouyh]"), ""),
    (re.compile("^[aeiouy]+"), "a"),
    (re.compile(r"(.)\1+"), r"\1"),
)
"""Letters that are heard alike in the names of jewellery, in this order. Our own."""


def words_of(text: str) -> list[str]:
    """The words as they are searched: letters and digits of any script, without case and accents."""
    if text.isascii():  # the same in a tenth of the time
        return ASCII_WORD.findall(text.lower())
    marks_apart = unicodedata.normalize("NFKD", text.casefold())
    plain = unicodedata.normalize("NFC", LATIN_MARKS.sub("", marks_apart))
    return "".join(sign if _belongs_to_a_word(sign) else " " for sign in plain).split()


def _belongs_to_a_word(sign: str) -> bool:
    """Letters, marks (the vowels of Devanagari) and numbers."""
    return unicodedata.category(sign)[0] in "LMN"


def tokens_of(telling: Iterable[str], others: Iterable[str]) -> list[str]:
    """What a product is found by. Only telling words are found by their beginnings and sounds."""
    first = list(dict.fromkeys(word for text in telling for word in words_of(text)))
    rest = (word for text in others for word in words_of(text))
    words = list(dict.fromkeys(itertools.chain(first, rest)))[:MAX_WORDS]
    return list(dict.fromkeys([*words, *_beginnings_and_sounds(first[:MAX_WORDS])]))


def _beginnings_and_sounds(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        yield from (beginning_of(word[:n]) for n in BEGINNINGS if n < len(word))
        if sound := sound_of(word):
            yield sound


def beginning_of(text: str) -> str:
    """The token of words that begin so: `^neckl` for a longer one too."""
    return "^" + text[: BEGINNINGS[-1]]


def sound_of(word: str) -> str:
    """`~nkls` for necklace; empty for numbers, and for what is too short to be told by its sound."""
    latin = latin_of(word)
    if not latin.isascii() or not latin.isalpha() or len(latin) < 3:
        return ""
    for pattern, instead in ALIKE:
        latin = pattern.sub(instead, latin)
    return f"~{latin}"


def latin_of(word: str) -> str:
    """Devanagari in Latin letters, a vowel a after each consonant that has no other; the last one mute."""
    if word.isascii():
        return word
    letters: list[str] = []
    for sign in word:
        if sign in CONSONANTS:
            letters += [CONSONANTS[sign], "a"]
        elif sign in VOWELS:
            if letters and letters[-1] == "a" and not "अ" <= sign <= "औ":
                letters.pop()
            letters.append(VOWELS[sign])
        elif sign == VIRAMA:
            letters[-1:] = []
        elif sign in NASAL:
            letters.append("n")
        elif sign != DOT:
            letters.append(sign)
    if letters and letters[-1] == "a":
        letters.pop()
    return "".join(letters)


def sounds_near(sound: str) -> list[str]:
    """Sounds that are one letter away: changed, left out, put in, or two in the other order."""
    letters = sound[1:]
    alphabet = "bdfgjklmnprstva"
    splits = [(letters[:i], letters[i:]) for i in range(len(letters) + 1)]
    near = {left + right[1:] for left, right in splits if right}
    near |= {left + right[1] + right[0] + right[2:] for left, right in splits if len(right) > 1}
    near |= {left + a + right[1:] for left, right in splits if right for a in alphabet}
    if len(letters) <= 5:
        near |= {left + a + right for left, right in splits for a in alphabet}
    return sorted(f"~{one}" for one in near if len(one) > 1)


def edits(one: str, other: str, *, most: int) -> int:
    """Letters that must be put in, left out, changed or swapped with the next one to make one word of the
    other (optimal string alignment); `most + 1` when it is more than that.
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    before, last = [0] * (len(other) + 1), list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before, last = last, row
    return min(last[-1], most + 1)
