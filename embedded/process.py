"""One child process with a lifetime: started on a leash, logged to a file, ended by its own pid."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")
MAX_LOG_BYTES = 20_000_000
COPIED_BYTES = 1 << 20
TAIL_BYTES = 16_384
LAST_LINES = 3
SETTING_AT_FAULT = re.compile(r'Settings: [^"\\\n]+')
"""How our programs name a wrong setting: as their last words, or inside a logged traceback."""

# The kernel ties a leash to the *thread* that forked, so one that lives as long as we do forks.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


class ChildProcess:
    """A running program; `pid` is also its process group, so grandchildren go with it.

    The group keeps Ctrl-C at the terminal away from it: whoever started it ends it, in order.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log_file: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.log_file = log_file
        log_file.parent.mkdir(parents=True, exist_ok=True)
        keep_short(log_file)
        self._log_began = log_file.stat().st_size if log_file.exists() else 0
        self._popen = _spawner.submit(_spawn, command, log_file, environment).result()
        self.pid = self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number when a signal ended it."""
        return self._popen.poll()

    @property
    def is_running(self) -> bool:
        return self.exit_code is None

    def signal(self, number: signal.Signals) -> None:
        if self.is_running:
            self._popen.send_signal(number)

    def wait(self, timeout_seconds: float) -> int:
        """Raise subprocess.TimeoutExpired when it still runs after the time."""
        return self._popen.wait(timeout_seconds)

    def stop(self, *, timeout_seconds: float) -> None:
        """Ask (SIGTERM), wait, then insist (SIGKILL). A paused process is woken to hear it."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)
        try:
            self._popen.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self._popen.kill()
        self.kill()

    def kill(self) -> None:
        """End it and what it started at once; safe to repeat."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # the whole group is gone already, which is what was asked
        except PermissionError:
            self._popen.kill()  # macOS says so of a group of zombies
        self._popen.wait()

    def complaint(self) -> str:
        """Why it ended: the sentence about a setting if there is one, else its last line."""
        lines = self.log_tail().strip().splitlines()
        about_settings = SETTING_AT_FAULT.findall("\n".join(lines[-LAST_LINES:]))
        if about_settings:
            return str(about_settings[-1])
        return lines[-1][:300] if lines else "it wrote nothing."

    def log_tail(self) -> str:
        """The end of what this process has written; an earlier one's words do not count."""
        if not self.log_file.exists():  # somebody removed its directory
            return ""
        size = self.log_file.stat().st_size
        began = self._log_began if size >= self._log_began else 0  # it was put aside since
        with self.log_file.open("rb") as log:
            log.seek(max(began, size - TAIL_BYTES))
            return log.read().decode(errors="replace")


def _spawn(
    command: Sequence[str], log_file: Path, environment: Mapping[str, str] | None
) -> subprocess.Popen[bytes]:
    leashed = [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), *command]
    with log_file.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 # commands are ours, never a user's words
            leashed,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )


def keep_short(log_file: Path) -> None:
    """Put a long log aside as `.1` and go on in an empty one: logs stay below twice the limit.

    Truncated in place, because a running server holds it open; it is opened for appending. What is written
    while it is copied is copied too: only a line of the last microseconds can be lost.
    """
    if log_file.exists() and log_file.stat().st_size > MAX_LOG_BYTES:
        aside = log_file.with_suffix(f"{log_file.suffix}.1")
        with log_file.open("rb") as log, aside.open("wb") as kept:
            while piece := log.read(COPIED_BYTES):
                kept.write(piece)
            os.truncate(log_file, 0)
