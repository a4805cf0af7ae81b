from collections.abc import Iterator

import pytest

from tests.gateway_simulator import RunningSimulator, running_simulator


@pytest.fixture(scope="session")
def shared_simulator() -> Iterator[RunningSimulator]:
    with running_simulator() as running:
        yield running


@pytest.fixture
def simulator(shared_simulator: RunningSimulator) -> Iterator[RunningSimulator]:
    """Without faults, and with an account's usual rules, before and after the test."""
    yield shared_simulator
    shared_simulator.controls.delete("/faults").raise_for_status()
    shared_simulator.settings(receipts="duplicates", refunds="processed")
