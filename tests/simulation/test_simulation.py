"""Hundreds of storms over the product's own committer, ledger, sequencer, relay and runner.

Each seed is one storm: every await may be slow, lose its request or its answer, stop its process for a
while or kill it; JetStream forgets its tail or its stream; clocks are wrong by seconds. Afterwards every
promise must have been kept. SIMULATION_SEEDS=5000 tries more.
"""

import logging
import os
from collections.abc import Iterator

import pytest
import structlog

from tests.simulation.shop import COMMANDS, USERS, storm
from tests.simulation.world import Mechanisms, ViolationError

SEEDS = int(os.environ.get("SIMULATION_SEEDS") or 200)
CHUNKS = 10
ENOUGH = 80
"""Within so many seeds a missing mechanism is missed."""


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    """The product says of each fault that it waits: a hundred lines a storm."""
    before = structlog.get_config()
    wrapper = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=wrapper, cache_logger_on_first_use=False)
    yield
    structlog.configure(**before)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_in_no_storm_a_promise_is_broken(chunk: int) -> None:
    faults = 0
    for seed in range(chunk, SEEDS, CHUNKS):
        try:
            world = storm(seed)
        except ViolationError as violation:
            violation.add_note(f"storm({seed})")
            raise
        faults += world.faults
        assert len(world.commits) == USERS * COMMANDS
    assert faults > SEEDS / CHUNKS * 10, "the storms were too calm to show anything"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_same_seed_is_the_same_storm(seed: int) -> None:
    first, again = storm(seed), storm(seed)
    assert (first.sealed(), first.faults) == (again.sealed(), again.faults)


@pytest.mark.parametrize(
    ("without", "violation"),
    [
        (
            Mechanisms(block_number_is_unique=False),
            "JetStream took another|Diverged|for ever|not verify",
        ),
        (Mechanisms(version_is_unique=False), "cannot be carried out|not verify|two effects"),
        (Mechanisms(expected_last_sequence=False), "JetStream took another|Diverged"),
        (Mechanisms(finish_last_block=False), "work stays undone for ever"),
        (Mechanisms(causal_order=False), "jumps to version"),
        (Mechanisms(position_moves_with_the_documents=False), "not the fold of the ledger"),
        (Mechanisms(history_stops_at_a_hole=False), "not the fold of the ledger|for ever"),
    ],
    ids=[
        "block number not unique",
        "version not unique",
        "no expected sequence",
        "last block not finished",
        "no causal order",
        "position moves apart",
        "history runs over a hole",
    ],
)
def test_without_its_mechanism_a_promise_is_broken(without: Mechanisms, violation: str) -> None:
    with pytest.raises(ViolationError, match=violation):
        first_violation(without)


def first_violation(without: Mechanisms) -> None:
    for seed in range(ENOUGH):
        storm(seed, without)
