"""Arguments: the file descriptor of a `multiprocessing` connection, and a JSON object of `Orders`.

Sends None when it is warm. Then, for each `(function, arguments, options)` that it receives, it sends
`(True, result)` or `(False, error)`. What it remembers of people's pictures it forgets when nothing was asked
for a while. Ends when the other end is closed.
"""

import ctypes
import importlib
import inspect
import json
import os
import pickle
import resource
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any, TypedDict

from integrations.imaging_process.errors import UnknownFunctionError

OPENCV_NO_MEMORY = -4

IDLE_SECONDS = 1.0

POLITE = 15
"""Added to the priority number: with all processors busy, answering people comes before pictures."""


class Orders(TypedDict):
    module: str
    memory_bytes: int
    cpu_seconds: int
    """For each call."""
    warm_up: list[Any]
    """Arguments of the module's `warm_up`."""
    keep_seconds: float
    """Without a call for so long, the module's `forget` is called."""


def main() -> None:
    orders: Orders = json.loads(sys.argv[2])
    _restrict(orders)
    pipeline = importlib.import_module(orders["module"])
    pipeline.warm_up(*orders["warm_up"])
    with Connection(int(sys.argv[1])) as connection:
        connection.send(None)
        _serve(connection, pipeline, orders)


def _restrict(orders: Orders) -> None:
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (orders["memory_bytes"],) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(POLITE)


def _serve(connection: Connection, pipeline: ModuleType, orders: Orders) -> None:
    while True:
        try:
            _wait(connection, pipeline, keep_seconds=orders["keep_seconds"])
            function, arguments, options = connection.recv()
        except EOFError:
            return
        _allow_seconds(orders["cpu_seconds"])
        answer = _answer(pipeline, function, arguments, options)
        _send(connection, answer)


def _wait(connection: Connection, pipeline: ModuleType, *, keep_seconds: float) -> None:
    """Until something is asked, or the other end is closed. What idles gives back first what it has
    freed, and then also what it has kept.
    """
    if connection.poll(min(IDLE_SECONDS, keep_seconds)):
        return
    _give_memory_back()
    if not connection.poll(max(0.0, keep_seconds - IDLE_SECONDS)):
        pipeline.forget()
        _give_memory_back()


def _give_memory_back() -> None:
    """What was freed goes to the system too, where the C library is the one that keeps it (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _allow_seconds(seconds: int) -> None:
    """Of processor time, from now; more ends the process with SIGXCPU."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds + 1, hard))


def _answer(
    pipeline: ModuleType, name: str, arguments: tuple[Any, ...], options: dict[str, Any]
) -> tuple[bool, Any]:
    try:
        return True, _allowed(pipeline, name)(*arguments, **options)
    except Exception as error:  # noqa: BLE001 # it is raised again where the call came from
        return False, MemoryError(str(error)) if _is_out_of_memory(error) else error


def _is_out_of_memory(error: Exception) -> bool:
    """OpenCV has an error of its own for it, with its code StsNoMem."""
    return type(error).__name__ == "error" and getattr(error, "code", None) == OPENCV_NO_MEMORY


def _allowed(pipeline: ModuleType, name: str) -> Callable[..., Any]:
    """A public function that the pipeline defines itself. Raise LookupError for any other name."""
    found = getattr(pipeline, name, None)
    if (
        name.startswith("_")
        or not inspect.isfunction(found)
        or found.__module__ != pipeline.__name__
    ):
        raise UnknownFunctionError(f"{pipeline.__name__} has no public function {name!r}")
    return found


def _send(connection: Connection, answer: tuple[bool, Any]) -> None:
    """An answer that cannot be pickled becomes an error that says so."""
    try:
        pickled = pickle.dumps(answer)
        if not answer[0]:
            pickle.loads(pickled)  # noqa: S301 # our own bytes: some errors cannot be made again
    except (pickle.PicklingError, TypeError, AttributeError) as e:
        failure = RuntimeError(
            f"{type(answer[1]).__name__} cannot be sent back ({e}): {answer[1]}"[:500]
        )
        pickled = pickle.dumps((False, failure))
    connection.send_bytes(pickled)


if __name__ == "__main__":
    main()
