"""Every interleaving of two sequencers, crashes and a broker that loses its tail.

The unique index on the ledger's commits is a second net: taken away alone it is never missed, since the
number of the block is a compare-and-set and its reader has finished the block before; taken away with
either of those, a commit gets two positions.
"""

import pytest

from tests.integrations.event_store.model import Mechanisms, explore


def test_with_every_mechanism_no_interleaving_goes_wrong() -> None:
    outcome = explore(Mechanisms())
    assert outcome.fault is None
    assert outcome.stuck == 0
    assert outcome.states > 100_000


@pytest.mark.parametrize(
    ("without", "fault"),
    [
        (Mechanisms(expected_last_sequence=False), "JetStream differs from the ledger"),
        (
            Mechanisms(commit_once_in_ledger=False, finish_last_block=False),
            "a commit has two positions",
        ),
        (
            Mechanisms(commit_once_in_ledger=False, block_number_is_unique=False),
            "a commit has two positions",
        ),
    ],
)
def test_without_its_mechanism_a_promise_is_broken(without: Mechanisms, fault: str) -> None:
    assert explore(without).fault == fault


@pytest.mark.parametrize(
    "without", [Mechanisms(finish_last_block=False), Mechanisms(block_number_is_unique=False)]
)
def test_without_its_mechanism_work_stays_undone_for_ever(without: Mechanisms) -> None:
    assert explore(without).stuck > 0
