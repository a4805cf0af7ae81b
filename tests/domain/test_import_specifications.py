"""Free text about a piece."""

import re

from hypothesis import given
from hypothesis import strategies as st

from domain.import_rules import Specifications, parse_specifications
from domain.import_rules.specifications import MAX_ATTRIBUTES


def test_the_first_example_is_white_gold_with_a_diamond() -> None:
    assert parse_specifications("18k White Gold, 1.5ct Diamond") == Specifications(
        material="18k White Gold", gemstone="1.5ct Diamond"
    )


def test_the_second_example_is_gold_with_pearls() -> None:
    assert parse_specifications("22k Gold, Freshwater Pearls") == Specifications(
        material="22k Gold", gemstone="Freshwater Pearls"
    )


def test_labels_say_what_a_part_is() -> None:
    found = parse_specifications(
        "Metal: Silver; Stone: none; Weight: 1,250 g\nDimensions: 5 x 4 cm"
    )
    assert found == Specifications(
        material="Silver", gemstone="none", weight="1,250 g", dimensions="5 x 4 cm"
    )


def test_parts_without_a_label_are_classified_by_their_words() -> None:
    found = parse_specifications("4.2 grams, 18 mm, 925, Ruby")
    assert found == Specifications(
        material="925", gemstone="Ruby", weight="4.2 grams", dimensions="18 mm"
    )


def test_several_parts_of_one_kind_are_joined() -> None:
    assert parse_specifications("22k Gold, Ruby, Emerald").gemstone == "Ruby; Emerald"


def test_the_same_part_twice_is_kept_once() -> None:
    assert parse_specifications("22k Gold, 22k Gold").material == "22k Gold"


def test_a_labelled_part_does_not_swallow_the_next() -> None:
    found = parse_specifications("material: gold, polished")
    assert found.material == "gold"
    assert found.attributes == {"notes": "polished"}


def test_a_comma_in_brackets_does_not_split() -> None:
    assert (
        parse_specifications("Diamond (VVS1, E colour), 18k").gemstone == "Diamond (VVS1, E colour)"
    )


def test_measures_keep_their_label() -> None:
    assert (
        parse_specifications("Length: 45 cm; Width: 2 mm").dimensions == "length 45 cm; width 2 mm"
    )


def test_unknown_labels_become_attributes() -> None:
    assert parse_specifications("Clarity: VVS1, Ring Size: 7").attributes == {
        "clarity": "VVS1", "ring_size": "7",
    }  # fmt: skip


def test_an_address_is_no_label() -> None:
    assert parse_specifications("see https://example.com").attributes == {
        "notes": "see https://example.com"
    }


def test_keys_that_a_database_would_obey_are_made_harmless() -> None:
    found = parse_specifications("a$set: x; a.b: y; Proto__type__: z")
    assert found.attributes == {"a_set": "x", "a_b": "y", "proto_type": "z"}


def test_a_column_of_its_own_comes_before_the_text() -> None:
    found = parse_specifications("5 g", columns={"weight": "5.2 g", "material": ""})
    assert found.weight == "5.2 g; 5 g"
    assert found.material is None


def test_a_label_without_any_letter_that_can_be_a_key_joins_the_notes() -> None:
    assert parse_specifications("ँ: shiny").attributes == {"notes": "ँ: shiny"}


def test_too_many_labels_join_the_notes() -> None:
    text = "; ".join(f"key {i}: value {i}" for i in range(MAX_ATTRIBUTES + 5))
    found = parse_specifications(text).attributes
    assert len(found) == MAX_ATTRIBUTES + 1
    assert found["notes"].endswith(f"key_{MAX_ATTRIBUTES + 4}: value {MAX_ATTRIBUTES + 4}")


def test_no_text_says_nothing() -> None:
    assert parse_specifications(" ") == Specifications()


def words(*texts: str) -> set[str]:
    return {word for text in texts for word in re.findall(r"[^\W_]{2,}", text.casefold())}


PARTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["18k White Gold", "1.5ct Diamond", "Weight: 1,250 g", "Clarity: VVS1", "Width: 2 mm"]
    ),
)
TEXTS = st.lists(PARTS, max_size=8).map(", ".join)


@given(TEXTS)
def test_nothing_of_the_text_is_dropped_except_the_four_labels(text: str) -> None:
    found = parse_specifications(text)
    four = found.model_dump(exclude={"attributes"}, exclude_none=True)
    kept = words(*four, *four.values(), *found.attributes, *found.attributes.values())
    assert words(text) <= kept


@given(TEXTS)
def test_every_key_is_safe(text: str) -> None:
    for key in parse_specifications(text).attributes:
        assert re.fullmatch(r"\w{1,80}", key)
        assert not key.startswith("_")
