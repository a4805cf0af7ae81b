"""Commands of this process that want the same stream stand in line, once they have met.

A command takes its chance first: most meet nobody. One that lost a race joins the line of the streams that
it wants to write, and who comes to a stream with a line joins it too, rather than take the place of those
who wait. All streams of a command are taken in one order, so lines cannot wait for each other in a circle.
Other processes know nothing of it: between them the store decides, as ever.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from domain.errors import Unavailable

MOST_IN_LINE = 1_000
LONGEST_SECONDS = 5.0
TOO_MANY = "too many want the same thing just now"


class InLineError(Exception):
    """Others stand in line for what this try of a command has come to."""

    def __init__(self, streams: Iterable[str]) -> None:
        self.streams = tuple(streams)


class _Line:
    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.people = 0


class Queues:
    """One a process."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    def has_line(self, stream: str) -> bool:
        return stream in self._lines

    @asynccontextmanager
    async def turn(self, streams: Iterable[str]) -> AsyncIterator[None]:
        """When it comes. Raise Unavailable when too many wait, or for too long."""
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(LONGEST_SECONDS):
                    for stream in sorted(set(streams)):
                        await stack.enter_async_context(self._in_line(stream))
            except TimeoutError as e:
                raise Unavailable(TOO_MANY, retry_after_seconds=1) from e
            yield

    @asynccontextmanager
    async def _in_line(self, stream: str) -> AsyncIterator[None]:
        line = self._lines.setdefault(stream, _Line())
        if line.people >= MOST_IN_LINE:
            raise Unavailable(TOO_MANY, retry_after_seconds=1)
        line.people += 1
        try:
            async with line.lock:
                yield
        finally:
            line.people -= 1
            if not line.people:
                del self._lines[stream]


QUEUES = Queues()
