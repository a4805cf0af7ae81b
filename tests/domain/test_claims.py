"""Claims: one owner at a time."""

import pytest

from domain.claims import Claim, ClaimReleased, ClaimTaken, ClaimTakenAgain, claim_id
from domain.errors import Taken
from tests.given import given

MINE = ClaimTaken(kind="email", owner="a1")


def test_the_first_to_claim_a_value_owns_it() -> None:
    given().when(Claim.take, "c1", kind="email", owner="a1").then(MINE)


def test_its_owner_may_claim_it_again() -> None:
    given(MINE).when(Claim.take_again, "a1").then_nothing()


@pytest.mark.parametrize(
    ("kind", "code"), [("email", "email-taken"), ("sku", "sku-taken"), ("plate", "plate-taken")]
)
def test_another_one_is_told_that_it_is_taken(kind: str, code: str) -> None:
    taken = ClaimTaken(kind=kind, owner="a1")
    given(taken).when(Claim.take_again, "a2").then_raises(Taken, code=code)


def test_what_was_given_back_may_be_taken_again() -> None:
    given(MINE).when(Claim.release).then(ClaimReleased())
    given(MINE, ClaimReleased()).when(Claim.take_again, "a2").then(ClaimTakenAgain(owner="a2"))


def test_a_claim_tells_nothing_without_the_key() -> None:
    name = claim_id("email", "meera@example.com", b"k" * 32)
    assert name == claim_id("email", "meera@example.com", b"k" * 32)
    assert name != claim_id("mobile", "meera@example.com", b"k" * 32)
    assert name != claim_id("email", "meera@example.com", b"x" * 32)
    assert len(name) == 48
