"""The supervisor starts again what dies, gives up with a sentence, and stops all on SIGTERM."""

import os
import select
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from embedded.process import MAX_LOG_BYTES
from embedded.program import Program
from embedded.supervisor import GaveUpError, Patience, Supervisor

ROOT = Path(__file__).parents[2]
IMPATIENT = Patience(quick_deaths=3, first_delay_seconds=0.01, longest_delay_seconds=0.02)


def python(name: str, code: str, tmp_path: Path) -> Program:
    return Program(name, [sys.executable, "-c", code], log_file=tmp_path / f"{name}.log")


def silent(_sentence: str) -> None:
    """A supervisor's words that this test does not read."""


def pid(child: Program) -> int:
    assert child.process is not None
    return child.process.pid


def eventually(condition: Callable[[], bool], supervisor: Supervisor | None = None) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in 20 s"
        if supervisor is not None:
            supervisor.look_once()
        select.select([], [], [], 0.01)


def is_alive(pid: int) -> bool:
    """A zombie is dead: its parent has only not asked yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    child = python("child", "import time; time.sleep(60)", tmp_path)
    supervisor = Supervisor(said.append, IMPATIENT)
    supervisor.start(child)
    first = pid(child)
    os.kill(first, signal.SIGKILL)
    try:
        eventually(lambda: child.is_running and pid(child) != first, supervisor)
    finally:
        supervisor.stop_all()
    assert said[0].startswith("child died")
    assert not child.is_running


def test_a_child_that_never_lives_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    supervisor = Supervisor(silent, IMPATIENT)
    supervisor.start(python("child", "raise SystemExit('no such setting')", tmp_path))
    with pytest.raises(GaveUpError, match=r"died 3 times in a row.*no such setting"):
        eventually(lambda: False, supervisor)


@pytest.mark.parametrize(
    "around",
    ["{}", '{{"event": "raise E(f\\\\"Settings: ...\\\\")\\\\n {}\\\\n", "level": "error"}}\nend'],
)
def test_a_wrong_setting_is_told_at_once_instead_of_tried_again(
    around: str, tmp_path: Path
) -> None:
    supervisor = Supervisor(silent)
    words = "Settings: JWT_SECRET_KEY must be at least 32 random bytes"
    supervisor.start(python("child", f"raise SystemExit({around.format(words)!r})", tmp_path))
    with pytest.raises(GaveUpError, match=f"^{words}$"):
        eventually(lambda: False, supervisor)


def test_what_an_earlier_process_wrote_is_not_this_ones_complaint(tmp_path: Path) -> None:
    (tmp_path / "child.log").write_text("Settings: MASTER_KEY was wrong yesterday\n")
    child = python("child", "pass", tmp_path)
    child.start()
    eventually(lambda: not child.is_running)
    assert child.complaint() == "it wrote nothing."


def test_delays_grow_up_to_a_bound_and_are_spread() -> None:
    patience = Patience(first_delay_seconds=1, longest_delay_seconds=10)
    assert all(0.5 <= patience.delay_seconds(1) <= 1 for _ in range(100))
    assert all(5 <= patience.delay_seconds(50) <= 10 for _ in range(100))
    assert len({patience.delay_seconds(3) for _ in range(10)}) > 1


def test_children_stop_in_reverse_order(tmp_path: Path) -> None:
    order = tmp_path / "order"
    code = textwrap.dedent(f"""
        import pathlib, signal, sys
        def stop(*_):
            with open({str(order)!r}, "a") as file:
                file.write(sys.argv[1])
            sys.exit()
        signal.signal(signal.SIGTERM, stop)
        print("ready", flush=True)
        while True: signal.pause()
    """)
    supervisor = Supervisor(silent)
    for name in ("a", "b", "c"):
        command = [sys.executable, "-c", code, name]
        supervisor.start(Program(name, command, log_file=tmp_path / name))
        eventually(lambda log=tmp_path / name: "ready" in log.read_text())  # type: ignore[misc]
    supervisor.stop_all()
    assert order.read_text() == "cba"


SUPERVISED = """
import sys
from pathlib import Path
from embedded.program import Program
from embedded.supervisor import StopRequested, Supervisor, stop_on_signals

log_dir = Path(sys.argv[1])
supervisor = Supervisor(print, stop_seconds=1.0)
stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()"
try:
    with stop_on_signals() as wakeup:
        meek = "import signal; signal.pause()"
        for name, code in (("meek", meek), ("stubborn", stubborn), ("deaf", stubborn)):
            command = [sys.executable, "-c", code]
            program = Program(name, command, log_file=log_dir / name)
            supervisor.start(program)
            print(program.process.pid, flush=True)
        supervisor.watch(wakeup)
except StopRequested:
    print("stopping", flush=True)
finally:
    supervisor.stop_all()
"""


def supervised(tmp_path: Path) -> tuple[subprocess.Popen[str], list[int]]:
    """A supervisor of three children in its own process, and the children's pids."""
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISED, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    pids = [int(process.stdout.readline()) for _ in range(3)]
    return process, pids


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_every_child_even_stubborn_ones(number: int, tmp_path: Path) -> None:
    process, pids = supervised(tmp_path)
    process.send_signal(number)
    output, _ = process.communicate(timeout=15)
    assert (process.returncode, output) == (0, "stopping\n")
    assert not any(map(is_alive, pids))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties children to a parent's life")
def test_no_child_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    process, pids = supervised(tmp_path)
    assert all(map(is_alive, pids))
    process.kill()
    process.communicate(timeout=15)
    eventually(lambda: not any(map(is_alive, pids)))


def test_a_long_log_is_put_aside_while_its_program_writes_on(tmp_path: Path) -> None:
    code = f"""
import signal
print("x" * {MAX_LOG_BYTES + 1}, flush=True)
signal.signal(signal.SIGUSR1, lambda *_: print("written later", flush=True))
while True: signal.pause()
"""
    child = python("child", code, tmp_path)
    supervisor = Supervisor(silent)
    supervisor.start(child)
    try:
        eventually((tmp_path / "child.log.1").exists, supervisor)
        os.kill(pid(child), signal.SIGUSR1)
        eventually(lambda: child.log_file.read_text().endswith("written later\n"))
    finally:
        supervisor.stop_all()
    assert child.log_file.stat().st_size < 100
