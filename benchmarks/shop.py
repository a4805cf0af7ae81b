"""A shop to measure: real servers, a real worker process, and the services of an API process."""

import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from bootstrap import open_services
from dependencies.reading import ReadingServices
from embedded.servers import Mongod, NatsServer, Valkey
from settings import Settings


@contextmanager
def servers(directory: Path) -> Iterator[dict[str, str]]:
    """MongoDB, NATS (synced at every write, as in production) and Valkey; the environment to use them."""
    with (
        Mongod(directory / "mongodb") as mongod,
        NatsServer(directory / "nats") as nats,
        Valkey(directory / "valkey") as valkey,
    ):
        yield {
            "MONGODB_URL": mongod.url,
            "NATS_URL": nats.url,
            "REDIS_URL": valkey.url,
            "JWT_SECRET_KEY": secrets.token_hex(32),
            "MASTER_KEY": secrets.token_hex(32),
            "RAZORPAY_KEY_ID": "rzp_test_benchmark",
            "RAZORPAY_KEY_SECRET": secrets.token_hex(16),
            "DATA_DIR": str(directory),
            "RATE_LIMITS": "false",
            "LOG_LEVEL": "WARNING",
        }


@contextmanager
def worker(environment: dict[str, str], directory: Path) -> Iterator[int]:
    """The worker process; its process id."""
    with (directory / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "worker"],
            env=os.environ | environment,
            stdout=log,
            stderr=log,
        )
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait(timeout=60)


@asynccontextmanager
async def services(environment: dict[str, str]) -> AsyncIterator[ReadingServices]:
    """What an API process has."""
    known: dict[str, Any] = {name.lower(): value for name, value in environment.items()}
    async with open_services(Settings(**known), role="api") as opened:
        yield opened


def resident_mb(pid: int) -> float:
    """A process's resident memory in MB; 0 where /proc is not to be had."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0.0
    line = next(x for x in status.read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
