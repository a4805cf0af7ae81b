"""Triggers are checked by mypy: a wrong payload is an error before anything runs."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAD = """
from typing import ClassVar
from domain.kernel import AggregateRoot, DomainEvent, InitialEvent, applies

class ShelfBuilt(InitialEvent):
    TOPIC: ClassVar[str] = "TypedShelfBuilt"
    boards: int

class BookPlaced(DomainEvent):
    TOPIC: ClassVar[str] = "TypedBookPlaced"
    title: str
    pages: int = 1

class Shelf(AggregateRoot):
    TOPIC: ClassVar[str] = "TypedShelf"
    CATEGORY: ClassVar[str] = "typedshelf"

    @applies(BookPlaced)
    def _placed(self, event: BookPlaced) -> None:
        self.title: str = event.title

    def place(self) -> None:
"""
LINES = {
    'self.record(BookPlaced, title="Gitanjali")': None,
    'self.record(BookPlaced, title="Gitanjali", pages=104)': None,
    'Shelf.start("1", ShelfBuilt, boards=4)': None,
    "self.record(BookPlaced, title=104)": "arg-type",
    "self.record(BookPlaced)": "call-arg",
    'self.record(BookPlaced, title="x", author="y")': "call-arg",
    'self.record(BookPlaced, title="x", originator_version=7)': "call-arg",
    'self.record(BookPlaced, title="x", originator_id="shelf-2")': "call-arg",
    'Shelf.start("1", ShelfBuilt, boards="four")': "arg-type",
    'Shelf.start("1", BookPlaced, title="x")': "arg-type",
    'self.record("BookPlaced", title="x")': "arg-type",
}


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Statement → what mypy says of it."""
    module = tmp_path_factory.mktemp("typed") / "shelf.py"
    module.write_text(HEAD + "".join(f"        {line}\n" for line in LINES))
    told = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", "--hide-error-context", str(module)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    ).stdout.splitlines()
    first = HEAD.count("\n") + 1
    return {
        line: "".join(c for c in told if f"shelf.py:{number}: error" in c)
        for number, line in enumerate(LINES, first)
    }


@pytest.mark.parametrize(("line", "fault"), LINES.items(), ids=range(len(LINES)))
def test_a_wrong_payload_does_not_pass_the_type_check(
    complaints: dict[str, str], line: str, fault: str | None
) -> None:
    assert (f"[{fault}]" in complaints[line]) if fault else complaints[line] == ""
