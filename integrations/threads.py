"""Blocking libraries off the event loop: a bounded number of threads, of waiting calls and of seconds."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from domain.errors import Unavailable

T = TypeVar("T")


class BoundedThreads:
    """Threads of one adapter's own, so that a slow service starves nothing else.

    Cancelling the awaiting task does not stop a call that runs: its outcome is then unknown.
    """

    def __init__(
        self, name: str, *, threads: int, max_waiting: int = 64, deadline_seconds: float = 30.0
    ) -> None:
        """`name` stands in the sentences: "the payment gateway"."""
        self._name = name
        self._deadline_seconds = deadline_seconds
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name.replace(" ", "-"))
        self._places = threading.BoundedSemaphore(threads + max_waiting)
        self._closed = False

    async def run(self, call: Callable[[], T]) -> T:
        """Call it in a thread. Raise what it raises; Unavailable when it waits or runs too long."""
        if self._closed:
            raise Unavailable(f"The connection to {self._name} is closed.")
        if not self._places.acquire(blocking=False):
            raise Unavailable(f"Too many calls to {self._name} are waiting.")
        running: Future[T] = self._pool.submit(call)
        running.add_done_callback(lambda _: self._places.release())
        try:
            async with asyncio.timeout(self._deadline_seconds):
                return await asyncio.wrap_future(running)
        except TimeoutError as e:
            raise Unavailable(f"The answer of {self._name} did not come in time.") from e

    async def close(self) -> None:
        """Drop what waits, and wait for what runs; each call has its own time limits."""
        self._closed = True
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)
