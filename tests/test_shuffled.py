from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.shuffled import shuffled

ITEMS: list[Any] = [
    SimpleNamespace(path=Path(f"test_{file}.py"), name=number)
    for file in range(5)
    for number in range(8)
]


def test_a_seed_gives_the_same_order_again_so_that_two_processes_agree() -> None:
    assert shuffled(ITEMS, 7) == shuffled(ITEMS, 7)


def test_another_seed_gives_another_order() -> None:
    assert shuffled(ITEMS, 7) != shuffled(ITEMS, 8)


def test_no_test_is_lost_or_run_twice() -> None:
    assert sorted(map(id, shuffled(ITEMS, 7))) == sorted(map(id, ITEMS))


def test_tests_of_a_file_stay_together() -> None:
    files = [item.path for item in shuffled(ITEMS, 7)]
    assert sum(files[i] != files[i - 1] for i in range(1, len(files))) == 4
