"""`python -m integrations.payments.simulator`: where it starts, and where it refuses to."""

import os
import signal
import subprocess
import sys
import time

import httpx
import pytest

from embedded.ports import LOOPBACK, free_port
from tests.gateway_simulator import KEY_ID, KEY_SECRET, WEBHOOK_SECRET

KEYS = {
    "RAZORPAY_KEY_ID": KEY_ID,
    "RAZORPAY_KEY_SECRET": KEY_SECRET,
    "RAZORPAY_WEBHOOK_SECRET": WEBHOOK_SECRET,
}
COMMAND = [sys.executable, "-m", "integrations.payments.simulator"]


@pytest.mark.parametrize(
    ("changed", "arguments", "sentence"),
    [
        ({"APP_ENV": "production"}, [], "APP_ENV=production"),
        ({}, ["--host", "0.0.0.0"], "loopback only"),
        ({}, ["--host", "example.com"], "loopback only"),
        ({}, ["--webhook-url", "https://example.com/hook"], "loopback only"),
        ({"RAZORPAY_KEY_SECRET": ""}, [], "needs RAZORPAY_KEY_SECRET"),
        ({"RAZORPAY_KEY_ID": "rzp_live_x"}, [], "no live key"),
    ],
)
def test_it_refuses_to_start(changed: dict[str, str], arguments: list[str], sentence: str) -> None:
    refused = subprocess.run(
        [*COMMAND, "--port", str(free_port()), *arguments],
        env=os.environ | KEYS | changed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 1
    assert sentence in refused.stderr
    assert "Traceback" not in refused.stderr


def test_it_serves_on_loopback_and_ends_when_asked() -> None:
    port = free_port()
    with subprocess.Popen([*COMMAND, "--port", str(port)], env=os.environ | KEYS) as process:
        try:
            assert _answers(f"http://{LOOPBACK}:{port}/_sim/ledger")
        finally:
            process.terminate()
        assert process.wait(timeout=30) == -signal.SIGTERM


def _answers(url: str) -> bool:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            return httpx.get(url).status_code == 200
        except httpx.ConnectError:
            time.sleep(0.1)
    return False
