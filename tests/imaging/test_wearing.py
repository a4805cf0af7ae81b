"""What each piece needs to see, said once."""

from dataclasses import replace

import pytest

from imaging.types import Analysis, Hand, Point, Seat
from imaging.wearing import lack
from tests.imaging.scenes import card, neck_at, seen

SEAT = Seat(Point(5, 5), 0, 4, 0)
HAND = Hand(SEAT, SEAT, back=True, score=1)
PERSON = seen(card(), neck_at())
HAND_ALONE = Analysis(10, 10, reasons=("no-face",), hands=(HAND,))
NOBODY = Analysis(10, 10, reasons=("no-face",), hands=())


def lacking(analysis: Analysis, *product_types: str) -> str | None:
    found = lack(product_types, analysis.to_dict())
    return found and found[0]


@pytest.mark.parametrize("kind", ["necklace", "set", "earrings", "ring", "bangle"])
def test_a_person_may_wear_anything(kind: str) -> None:
    assert lacking(PERSON, kind) is None


@pytest.mark.parametrize("kind", ["ring", "bracelet", "bangle"])
def test_a_hand_alone_wears_rings_and_bracelets(kind: str) -> None:
    assert lacking(HAND_ALONE, kind) is None
    assert lacking(NOBODY, kind) == "not-wearable-here"


@pytest.mark.parametrize("kind", ["earrings", "nose_pin", "maang_tikka"])
def test_what_is_worn_on_the_head_needs_a_face_and_no_neck(kind: str) -> None:
    assert lacking(replace(PERSON, neck=None), kind) is None
    assert lacking(HAND_ALONE, kind) == "no-face"


def test_of_several_pieces_one_that_can_be_worn_is_enough() -> None:
    assert lacking(HAND_ALONE, "necklace", "ring") is None
    assert lacking(replace(PERSON, neck=None), "necklace", "earrings") is None
    assert lacking(HAND_ALONE, "necklace", "earrings") == "no-neck"
    assert lacking(NOBODY, "earrings", "necklace") == "no-face"


def test_the_reason_says_what_was_doubted() -> None:
    doubted = replace(PERSON, neck=None, reasons=("neck-out-of-frame",))
    found = lack(["necklace"], doubted.to_dict())
    assert found
    assert "neck-out-of-frame" in found[1]
