"""Says which seed the fault rounds use, and in the end what each did."""

import pytest

from tests.faults.rounds import LOG, PASSES, SEED


def pytest_report_header() -> str:
    return f"faults: FAULT_SEED={SEED} FAULT_ROUNDS={PASSES}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if LOG:
        terminalreporter.section(f"fault rounds, FAULT_SEED={SEED}")
        for line in LOG:
            terminalreporter.write_line(line)
