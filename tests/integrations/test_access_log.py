"""Lines of requests: whole, soon, in the form of all others, and without what should not be there."""

import asyncio
import io
import json

from integrations import access_log
from integrations.access_log import AccessLog


def line(log: AccessLog, request_id: str = "abcdefgh", *, status: int = 200) -> None:
    log.write(
        method="GET",
        route="/api/products/{product_id}",
        status=status,
        seconds=0.00123,
        request_id=request_id,
        trace="0" * 32,
    )


async def test_a_line_is_written_within_a_moment() -> None:
    out = io.BytesIO()
    line(AccessLog(out))
    assert out.getvalue() == b""
    await asyncio.sleep(2 * access_log.LONGEST_SECONDS)
    (written,) = map(json.loads, out.getvalue().splitlines())
    assert written.pop("timestamp").endswith("Z")
    assert written == {
        "event": "request",
        "method": "GET",
        "route": "/api/products/{product_id}",
        "status": 200,
        "milliseconds": 1.2,
        "request_id": "abcdefgh",
        "trace_id": "0" * 32,
        "level": "info",
    }


async def test_many_lines_do_not_wait() -> None:
    out = io.BytesIO()
    log = AccessLog(out)
    for _ in range(access_log.MOST_LINES):
        line(log)
    assert len(out.getvalue().splitlines()) == access_log.MOST_LINES


async def test_the_line_of_a_fault_does_not_wait() -> None:
    out = io.BytesIO()
    log = AccessLog(out)
    line(log)
    line(log, status=503)
    assert [json.loads(each)["status"] for each in out.getvalue().splitlines()] == [200, 503]


async def test_what_was_called_an_id_by_a_stranger_is_filtered() -> None:
    out = io.BytesIO()
    log = AccessLog(out)
    line(log, request_id="4111-1111-1111-1111")
    log.flush()
    assert b"4111" not in out.getvalue()


def test_above_info_nothing_is_said() -> None:
    assert not AccessLog(io.BytesIO(), level="WARNING").is_on
