"""One line for each request, as cheap as a line can be: put together at once, written many at a time.

The lines have the form of all others (`integrations/logs.py`). They lie in memory for at most
`LONGEST_SECONDS`; a process that is killed loses so many of them, and nothing else.
"""

import asyncio
import atexit
import logging
import sys
import time
from datetime import UTC, datetime
from typing import BinaryIO

import orjson

from integrations.logs import scrubbed

LONGEST_SECONDS = 0.2
MOST_LINES = 500
FAULT = 500
"""A fault of ours may be the last word of this process: its line does not wait."""


class AccessLog:
    """One a process. Says nothing below `info`."""

    def __init__(self, out: BinaryIO, *, level: str = "INFO") -> None:
        self._out = out
        self.is_on = logging.getLevelNamesMapping()[level] <= logging.INFO
        self._lines: list[bytes] = []
        self._second = 0
        self._instant = ""
        atexit.register(self.flush)

    def write(
        self, *, method: str, route: str, status: int, seconds: float, request_id: str, trace: str
    ) -> None:
        """`request_id` and `trace` may come from outside, and go through the same filter as any text."""
        line = {
            "event": "request",
            "method": method,
            "route": route,
            "status": status,
            "milliseconds": round(seconds * 1e3, 1),
            "request_id": scrubbed(request_id),
            "trace_id": trace,
            "level": "info",
            "timestamp": self._now(),
        }
        if not self._lines:
            self._flush_later()
        self._lines.append(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        if len(self._lines) >= MOST_LINES or status >= FAULT:
            self.flush()

    def _now(self) -> str:
        """ISO 8601 in milliseconds; the part before the fraction is put together once a second."""
        now = time.time()
        if int(now) != self._second:
            self._second = int(now)
            self._instant = datetime.fromtimestamp(self._second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._instant}.{int(now % 1 * 1e3):03d}Z"

    def _flush_later(self) -> None:
        asyncio.get_running_loop().call_later(LONGEST_SECONDS, self.flush)

    def flush(self) -> None:
        if self._lines and not self._out.closed:
            lines, self._lines = b"".join(self._lines), []
            self._out.write(lines)
            self._out.flush()


def to_standard_error(level: str) -> AccessLog:
    return AccessLog(sys.stderr.buffer, level=level)
