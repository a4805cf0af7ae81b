"""`make run` from start to stop, with the shop's two programs replaced by tiny ones."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pymongo
import pytest

ROOT = Path(__file__).parents[2]
API = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ready"})
"""
WORKER = """
import os
from prometheus_client import start_http_server
with open("workers", "a") as file:
    file.write(f"{os.getpid()}\\n")
start_http_server(int(os.environ["WORKER_METRICS_PORT"]), addr="127.0.0.1")[1].join()
"""


@pytest.fixture
def shop_dir(tmp_path: Path) -> Path:
    (tmp_path / "main.py").write_text(API)
    (tmp_path / "worker.py").write_text(WORKER)
    return tmp_path


class Run:
    """A supervisor in its own process; its output is read as it comes."""

    def __init__(self, shop_dir: Path, **settings: str) -> None:
        self.run_file = shop_dir / ".data" / "run.json"
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PORT": "0"}
        elsewhere = {"RAZORPAY_BASE_URL": "http://127.0.0.1:9"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "embedded"],
            cwd=shop_dir,
            env=environment | elsewhere | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.02)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(30)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@contextmanager
def running(shop_dir: Path, **settings: str) -> Iterator[Run]:
    run = Run(shop_dir, **settings)
    try:
        yield run
    finally:
        run.end()


def addresses(run: Run) -> dict[str, str]:
    run.until(run.run_file.exists)
    found: dict[str, str] = json.loads(run.run_file.read_text())
    return found


def test_the_shop_starts_keeps_its_worker_alive_and_stops(shop_dir: Path) -> None:
    workers = shop_dir / "workers"
    with running(shop_dir) as run:
        found = addresses(run)
        assert set(found) == {"api", "mongodb", "nats", "redis", "gateway", "mail"}
        for name in ("api", "mail"):
            with urllib.request.urlopen(found[name], timeout=5) as answer:
                assert answer.status == 200
        os.kill(int(workers.read_text()), signal.SIGKILL)
        run.until(lambda: len(workers.read_text().split()) == 2)
        assert run.end() == 0
        assert not run.run_file.exists()
    assert "worker died" in run.output
    assert "password" in run.output


def test_a_second_start_is_quick_and_finds_the_same_data(shop_dir: Path) -> None:
    with running(shop_dir) as run:
        first = addresses(run)
        client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(first["mongodb"])
        with client:
            client.jewelry_store.rings.insert_one({"_id": 1})
    began = time.monotonic()
    with running(shop_dir) as run:
        second = addresses(run)
        assert time.monotonic() - began < 10
        client = pymongo.MongoClient(second["mongodb"])
        with client:
            assert client.jewelry_store.rings.count_documents({}) == 1
    assert {**first, "api": ""} == {**second, "api": ""}


def test_a_second_supervisor_on_the_same_data_says_so(shop_dir: Path) -> None:
    with running(shop_dir) as run:
        addresses(run)
        second = Run(shop_dir)
        assert second.process.wait(30) == 1
        second.end()
        assert f"in use by process {run.process.pid}: stop that one" in second.output
        assert len(second.output.splitlines()) == 1
        assert run.run_file.exists()


def test_a_stop_while_the_start_is_under_way_leaves_nothing(shop_dir: Path) -> None:
    (shop_dir / "main.py").write_text("raise SystemExit('no such setting')")
    run = Run(shop_dir)
    run.until(lambda: "api died (no such setting)" in run.output)
    assert run.end(signal.SIGINT) == 0
    assert "Traceback" not in run.output
    assert not run.run_file.exists()
