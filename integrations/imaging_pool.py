"""Imaging in processes of its own: limits on memory, processor time and patience, and no hanging.

A child and a pipe for each thread, instead of a ProcessPoolExecutor: there a child that dies breaks
the calls of all, and one that hangs cannot be ended. Here a call that crashes or takes too long
costs its own child, and the next call gets a new one.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import structlog

from domain.errors import DomainError, ImagingFailed, TooLarge, Unavailable
from imaging.errors import ImageRefused
from integrations.imaging_process.errors import UnknownFunctionError
from integrations.threads import BoundedThreads

log = structlog.get_logger(__name__)

ROOT = Path(__file__).resolve().parent.parent
GIVEN_ENVIRONMENT = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH")
"""What a child learns of our environment: no secret."""
START_SECONDS = 60.0
END_SECONDS = 5.0
KEEP_SECONDS = 60.0
"""A deleted photograph is out of memory after it, even where nobody uploads any more."""
MAX_WAITING = 64
FORGET: tuple[str, tuple[Any, ...], dict[str, Any]] = ("forget", (), {})


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Of one call, but the memory, which is the child's address space."""

    memory_bytes: int = 3 * 1024**3 // 2
    """Warm, a child has 0.4 GiB; with a picture of 39 megapixels it reaches 0.9."""
    cpu_seconds: int = 30
    seconds: float = 60.0


class ImagingPool:
    """`domain.ports.imaging.ImageWorker`. The results are unpickled: a child runs our code only."""

    def __init__(
        self,
        *,
        processes: int,
        models_dir: Path,
        limits: Limits | None = None,
        module: str = "imaging.pipeline",
        warm_up: Sequence[Any] = (),
        keep_seconds: float = KEEP_SECONDS,
    ) -> None:
        """`warm_up`: JSON arguments of the module's `warm_up`. Children start when first needed.
        `keep_seconds`: without a call for so long, a child forgets the pictures that it remembers.
        """
        self._limits = limits or Limits()
        self._models_dir = models_dir
        self._module = module
        self._warm_up = list(warm_up)
        self._keep_seconds = keep_seconds
        self._threads = BoundedThreads(
            "the imaging processes",
            threads=processes,
            max_waiting=MAX_WAITING,
            deadline_seconds=START_SECONDS + 3 * self._limits.seconds,
        )
        self._of_thread = threading.local()
        self._children: list[_Child] = []
        self._deletions = 0

    async def run(self, function: str, *arguments: Any, **options: Any) -> Any:
        """Raise ImageRefused as the function does; TooLarge when it needs more memory than it may have;
        ImagingFailed when it raises anything else, its child dies or it takes too long; Unavailable when
        none can be asked; LookupError for a name that the pipeline does not define.
        """
        return await self._threads.run(lambda: self._call((function, arguments, options)))

    def forget(self) -> None:
        """Each child does it when it is asked next, or after `keep_seconds` without being asked."""
        self._deletions += 1

    async def close(self) -> None:
        """Wait for the calls that run, each within its limits, then end the children."""
        await self._threads.close()
        for child in self._children:
            child.end()

    def pids(self) -> list[int]:
        """The children that run."""
        return [child.pid for child in self._children if child.is_running]

    def _call(self, request: tuple[str, tuple[Any, ...], dict[str, Any]]) -> Any:
        child = self._child()
        if child.deletions != (now := self._deletions):
            child.ask(FORGET, within_seconds=self._limits.seconds)
            child.deletions = now
        succeeded, result = child.ask(request, within_seconds=self._limits.seconds)
        if succeeded:
            return result
        raise _as_told(result, function=request[0])

    def _child(self) -> "_Child":
        """The thread's own, or a new one when that has ended."""
        child: _Child | None = getattr(self._of_thread, "child", None)
        if child is None or not child.is_running:
            if child is not None:
                child.end()
                self._children.remove(child)
            child = self._of_thread.child = self._start()
        return child

    def _start(self) -> "_Child":
        orders = {
            "module": self._module,
            "memory_bytes": self._limits.memory_bytes,
            "cpu_seconds": self._limits.cpu_seconds,
            "warm_up": self._warm_up,
            "keep_seconds": self._keep_seconds,
        }
        child = _Child(json.dumps(orders), self._models_dir)
        child.deletions = self._deletions
        try:
            child.wait_until_warm()
        except Unavailable:
            child.end()
            raise
        self._children.append(child)
        return child


class _Child:
    """A process and our end of its pipe."""

    def __init__(self, orders: str, models_dir: Path) -> None:
        self.deletions = 0
        """Those of the pool that this child knows of."""
        self._pipe, theirs = Pipe()
        with theirs:
            self._process = _spawn(theirs, orders, models_dir)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def wait_until_warm(self) -> None:
        """Raise Unavailable when it does not come so far."""
        with self._patience(START_SECONDS, Unavailable):
            self._pipe.recv()

    def ask(self, request: object, *, within_seconds: float) -> tuple[bool, Any]:
        """Raise ImagingFailed when it dies meanwhile."""
        with self._patience(within_seconds, ImagingFailed):
            self._pipe.send(request)
            answer: tuple[bool, Any] = self._pipe.recv()
            return answer

    def end(self) -> None:
        """A child that idles ends by itself when its pipe is closed. Safe to repeat."""
        self._pipe.close()
        self._exit_code()

    def _exit_code(self) -> int:
        """Wait for its end, and then insist on it."""
        try:
            return self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    @contextmanager
    def _patience(self, seconds: float, fault: type[Unavailable]) -> Iterator[None]:
        """Kill the child after so long, which ends any wait for it. Raise the fault when it died."""
        ran_out = threading.Event()

        def kill() -> None:
            ran_out.set()
            self._process.kill()

        timer = threading.Timer(seconds, kill)
        timer.start()
        try:
            yield
        except (EOFError, OSError) as e:
            raise fault(_why(self._exit_code(), ran_out.is_set(), seconds)) from e
        finally:
            timer.cancel()
            timer.join()
            if ran_out.is_set():  # also when the answer came at the last moment
                self._process.wait()


def _spawn(theirs: Connection, orders: str, models_dir: Path) -> subprocess.Popen[bytes]:
    """In this checkout, without the user's packages; one thread for each numerical library."""
    environment = {name: os.environ[name] for name in GIVEN_ENVIRONMENT if name in os.environ}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment |= {"OPENCV_LOG_LEVEL": "ERROR", "MODELS_DIR": str(models_dir.resolve())}
    command = [sys.executable, "-s", "-m", "integrations.imaging_process"]
    return subprocess.Popen(  # noqa: S603 # our own program
        [*command, str(theirs.fileno()), orders],
        pass_fds=(theirs.fileno(),),
        stdin=subprocess.DEVNULL,
        env=environment,
    )


def _as_told(error: Exception, *, function: str) -> Exception:
    """What imaging says of a picture, and a name that it has not, as they are; a fault of ours as such."""
    if isinstance(error, ImageRefused | UnknownFunctionError):
        return error
    fault: DomainError
    if isinstance(error, MemoryError):
        fault = TooLarge("The picture needs more memory than it may have.")
    else:
        log.error("imaging raised what it should not", function=function, error=repr(error)[:500])
        fault = ImagingFailed(f"Imaging failed at this picture ({type(error).__name__}).")
    fault.__cause__ = error
    return fault


def _why(exit_code: int, ran_out: object, seconds: float) -> str:
    if ran_out:
        return f"Imaging took longer than {seconds:g} seconds."
    if exit_code == -signal.SIGXCPU:
        return "Imaging needed more processor time than it may have."
    return f"The imaging process ended in the middle of its work (code {exit_code})."
