"""What the embedded servers share: start until ready, stop, and the faults a test may ask for."""

import itertools
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from embedded.errors import PortTakenError, ServerFailedError
from embedded.ports import free_port, require_free
from embedded.process import ChildProcess

START_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 10.0
POLL_SECONDS = 0.02
PORT_ATTEMPTS = 3


class Server(ABC):
    """A server with its own data directory and one port on loopback.

    `port=0` takes a free one and keeps it over restarts. Calls block: in a coroutine, use
    `asyncio.to_thread`. Everything may be called again without harm.
    """

    name: str

    def __init__(self, data_dir: Path, port: int = 0) -> None:
        self.data_dir = data_dir
        self._any_port = port == 0
        self.port = port or free_port()
        self.process: ChildProcess | None = None

    @property
    @abstractmethod
    def url(self) -> str: ...

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The program and its arguments; writes a configuration file first where one is needed."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Ask the server itself, in less than a second; False while it cannot serve."""

    @property
    def log_file(self) -> Path:
        return self.data_dir / f"{self.name}.log"

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.is_running

    def start(self) -> Self:
        """Return when it serves. Raise PortTakenError, BinaryUnusableError or ServerFailedError."""
        if self.is_running:
            return self
        self.data_dir.mkdir(parents=True, exist_ok=True)
        for attempt in itertools.count(1):
            try:
                self._start_once()
            except (PortTakenError, ServerFailedError):
                if not self._any_port or attempt == PORT_ATTEMPTS or not self._lost_the_port():
                    raise
                self.port = free_port()
            else:
                break
        self._any_port = False
        return self

    def _start_once(self) -> None:
        require_free(self.port, name=self.name, remedy="End the program that uses it.")
        self.process = ChildProcess(self.command(), log_file=self.log_file)
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        try:
            self._wait_until_ready(self.process, deadline)
        except BaseException:
            self.process.kill()
            raise

    def _wait_until_ready(self, process: ChildProcess, deadline: float) -> None:
        while not self.is_ready():
            if not process.is_running:
                raise ServerFailedError(
                    f"{self.name} ended with code {process.exit_code} before it was ready: "
                    f"{self.complaint()} See {self.log_file}."
                )
            if time.monotonic() > deadline:
                raise ServerFailedError(
                    f"{self.name} was not ready in {START_TIMEOUT_SECONDS:.0f} s. "
                    f"See {self.log_file}."
                )
            time.sleep(POLL_SECONDS)

    def _lost_the_port(self) -> bool:
        """Another program may take a free port before our server does."""
        tail = self.process.log_tail().lower() if self.process else "in use"
        return "in use" in tail

    def complaint(self) -> str:
        return self.process.complaint() if self.process else "it was never started."

    def stop(self, *, within_seconds: float = STOP_TIMEOUT_SECONDS) -> None:
        """Ask it to end, and end it when it has not after the time."""
        if self.process is not None:
            self.process.stop(timeout_seconds=within_seconds)

    def kill(self) -> None:
        """SIGKILL, as a power cut of this process alone."""
        if self.process is not None:
            self.process.kill()

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        self._require_process().signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._require_process().signal(signal.SIGCONT)

    def restart(self) -> None:
        """Stop if it runs, and start on the same port with the same data."""
        self.stop()
        self.start()

    def _require_process(self) -> ChildProcess:
        if self.process is None:
            raise ServerFailedError(f"{self.name} was never started.")
        return self.process

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
