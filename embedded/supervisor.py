"""Keeps a list of servers and programs running: starts them in order, starts again what dies,
stops all in reverse order.
"""

import random
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn, Protocol

from embedded.errors import EmbeddedError
from embedded.process import SETTING_AT_FAULT, keep_short

LOOK_SECONDS = 5.0
"""How often to look without being told: a signal about a child's death may be merged or lost."""
LEAST_STOP_SECONDS = 0.4
"""With seven things to stop, all of them hanging, the whole stop still ends within 15 s."""


class Kept(Protocol):
    """What can be kept running. `start` may raise EmbeddedError; both are safe to repeat."""

    name: str

    @property
    def log_file(self) -> Path: ...
    @property
    def is_running(self) -> bool: ...
    def start(self) -> object: ...
    def stop(self, *, within_seconds: float) -> None: ...
    def complaint(self) -> str: ...


class GaveUpError(EmbeddedError):
    """Something dies again and again; starting it once more would not help."""


class StopRequested(BaseException):  # like KeyboardInterrupt, it is no error
    """Ctrl-C or SIGTERM arrived. Not an Exception, so that nothing on the way takes it."""


@dataclass(frozen=True)
class Patience:
    """How deaths are answered. A life shorter than `quick_seconds` counts as a quick death."""

    quick_deaths: int = 10
    quick_seconds: float = 20.0
    first_delay_seconds: float = 0.2
    longest_delay_seconds: float = 15.0

    def delay_seconds(self, quick_deaths: int) -> float:
        """Doubles with each quick death, bounded, with jitter down to a half."""
        doubled = self.first_delay_seconds * 2.0 ** min(quick_deaths - 1, 30)
        return min(doubled, self.longest_delay_seconds) * random.uniform(0.5, 1.0)  # noqa: S311


@dataclass
class _Watch:
    kept: Kept
    born: float = 0.0
    quick_deaths: int = 0
    due: float | None = None
    """When to start it again, by the monotonic clock; None while it runs."""


@dataclass
class Supervisor:
    """Use inside `stop_on_signals()`. `say` takes one sentence for the person at the keyboard."""

    say: Callable[[str], None]
    patience: Patience = field(default_factory=Patience)
    stop_seconds: float = 12.0
    _watches: list[_Watch] = field(default_factory=list)

    def start(self, kept: Kept) -> None:
        """Start it for the first time. An EmbeddedError ends the whole start: it is the user's."""
        watch = _Watch(kept, born=time.monotonic())
        self._watches.append(watch)
        kept.start()

    def watch(self, wakeup: socket.socket) -> NoReturn:
        """Until StopRequested or GaveUpError: wake at a child's death or when one is due."""
        while True:
            self.look_once()
            due = [watch.due for watch in self._watches if watch.due is not None]
            pause = min([LOOK_SECONDS, *(moment - time.monotonic() for moment in due)])
            if select.select([wakeup], [], [], max(0.0, pause))[0]:
                wakeup.recv(4096)

    def look_once(self) -> None:
        for watch in self._watches:
            keep_short(watch.kept.log_file)
            if watch.due is None and not watch.kept.is_running:
                self._count_death(watch)
            if watch.due is not None and time.monotonic() >= watch.due:
                self._start_again(watch)

    def _count_death(self, watch: _Watch) -> None:
        name, reason = watch.kept.name, watch.kept.complaint()
        if SETTING_AT_FAULT.match(reason):  # another start would end the same
            raise GaveUpError(reason)
        lived = time.monotonic() - watch.born
        watch.quick_deaths = watch.quick_deaths + 1 if lived < self.patience.quick_seconds else 1
        if watch.quick_deaths >= self.patience.quick_deaths:
            raise GaveUpError(
                f"{name} died {watch.quick_deaths} times in a row, the last time with: {reason} "
                f"See {watch.kept.log_file}."
            )
        delay = self.patience.delay_seconds(watch.quick_deaths)
        watch.due = time.monotonic() + delay
        self.say(f"{name} died ({reason}); starting it again in {delay:.1f} s.")

    def _start_again(self, watch: _Watch) -> None:
        watch.due = None
        watch.born = time.monotonic()
        try:
            watch.kept.start()
        except EmbeddedError as fault:
            self.say(str(fault))  # it is not running, so the next look counts a death

    def stop_all(self) -> None:
        """In reverse order, so that nobody loses a server that it still needs.

        Each may use half of the time that is left: one that hangs takes none from the last.
        """
        deadline = time.monotonic() + self.stop_seconds
        for watch in reversed(self._watches):
            left = deadline - time.monotonic()
            watch.kept.stop(within_seconds=max(LEAST_STOP_SECONDS, left / 2))


@contextmanager
def stop_on_signals(
    numbers: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP),
) -> Iterator[socket.socket]:
    """Turn the signals into StopRequested; yield a socket that is readable after any signal.

    On leaving, further requests are ignored: the stop is on its way and bounded.
    """
    ours, kernels = socket.socketpair()
    ours.setblocking(False)
    kernels.setblocking(False)
    before = signal.set_wakeup_fd(kernels.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in numbers:
        signal.signal(number, _request_stop)
    try:
        yield ours
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.set_wakeup_fd(before)
        ours.close()
        kernels.close()


def _request_stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise StopRequested
