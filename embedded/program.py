"""A program of ours that the supervisor keeps: the API, the worker, the gateway simulator."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from embedded.process import ChildProcess


class Program:
    """Started with its own environment; it is ready when it says so elsewhere."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log_file: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.command = command
        self.environment = environment
        self.log_file = log_file
        self.process: ChildProcess | None = None

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.is_running

    def start(self) -> None:
        if not self.is_running:
            self.process = ChildProcess(
                self.command, log_file=self.log_file, environment=self.environment
            )

    def stop(self, *, within_seconds: float) -> None:
        if self.process is not None:
            self.process.stop(timeout_seconds=within_seconds)

    def complaint(self) -> str:
        """The last line of its log: of a traceback, the line that names the error."""
        return self.process.complaint() if self.process else "it was never started."
