"""How words are searched: spelt otherwise, begun, or written in another script."""

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from projections.words import edits, latin_of, sound_of, sounds_near, tokens_of, words_of


@pytest.mark.parametrize(
    "spellings",
    [
        ("necklace", "neklace", "neckless", "nacklace"),
        ("diamond", "daimond", "dimond"),
        ("earring", "earing", "earringg"),
        ("haar", "har", "हार"),
        ("jhumka", "jumka", "jhumkaa", "झुमका"),
        ("mangalsutra", "mangalsootra", "mangalasutra", "मंगलसूत्र"),
        ("kangan", "kangun", "कंगन"),
        ("payal", "paayal", "पायल"),
        ("sapphire", "saphire", "safire"),
        ("pearl", "perl"),
    ],
    ids=lambda spellings: spellings[0],
)
def test_spellings_of_one_word_sound_alike(spellings: tuple[str, ...]) -> None:
    assert len({sound_of(word) for word in spellings}) == 1


@pytest.mark.parametrize("pair", [("ring", "chain"), ("gold", "silver"), ("kada", "kundan")])
def test_other_words_do_not(pair: tuple[str, str]) -> None:
    assert sound_of(pair[0]) != sound_of(pair[1])


@pytest.mark.parametrize("word", ["22", "22k", "vs", "", "éclat", "தங்கம்"])
def test_what_has_no_sound_of_ours_is_found_as_it_is_written_only(word: str) -> None:
    assert sound_of(word) == ""


def test_devanagari_is_written_in_latin_letters() -> None:
    assert [latin_of(word) for word in ("हार", "कंगन", "नथ")] == ["haar", "kangan", "nath"]


def test_a_slip_of_one_sound_is_near() -> None:
    for slip in ("mecklace", "dianond"):
        right = {"mecklace": "necklace", "dianond": "diamond"}[slip]
        assert sound_of(right) in sounds_near(sound_of(slip))


def test_a_look_up_of_near_sounds_stays_within_what_the_server_scans_in_order() -> None:
    assert all(len(sounds_near("~" + "mnglstr"[:n])) <= 200 for n in range(1, 8))


@pytest.mark.parametrize(
    ("one", "other", "away"),
    [
        ("ring", "ring", 0),
        ("rnig", "ring", 1),
        ("rin", "ring", 1),
        ("rings", "ring", 1),
        ("king", "ring", 1),
        ("kings", "ring", 2),
        ("chain", "ring", 3),
    ],
)
def test_words_are_so_many_edits_apart(one: str, other: str, away: int) -> None:
    assert edits(one, other, most=2) == edits(other, one, most=2) == away


def test_telling_words_are_found_by_beginning_and_sound_others_as_they_are() -> None:
    tokens = tokens_of(["Gold Necklace"], ["made by hand"])
    assert {"gold", "necklace", "^nec", "^neckl", "~nkls", "made", "hand"} <= set(tokens)
    assert not {"^mad", "~hnd"} & set(tokens)
    assert len(tokens) == len(set(tokens))


def test_words_are_without_case_and_accents() -> None:
    assert words_of("Réné's 22K हार!") == ["rene", "s", "22k", "हार"]


@for_all(st.text(st.characters(max_codepoint=127), max_size=30))
def test_plain_text_has_the_same_words_either_way(text: str) -> None:
    assert words_of(text) == words_of(f"{text} é")[:-1]
