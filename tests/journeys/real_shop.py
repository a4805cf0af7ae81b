"""The shop as `make run` starts it: every server and program real, in a directory of the test's own.

with RealShop(tmp_path) as shop:
    meera = shop.customer()
    products = ok(meera.get("/api/products"))
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from embedded.given import Given
from tests.buying import ok
from tests.samples import ADMIN_EMAIL, ADMIN_PASSWORD, PASSWORD

ROOT = Path(__file__).parents[2]
ASTRONAUT = ROOT / "tests" / "imaging" / "photos" / "astronaut.jpg"

START_SECONDS = 120.0
STOP_SECONDS = 60.0
PAUSE_SECONDS = 0.05

T = TypeVar("T")
C = TypeVar("C", bound=httpx.Client)


def eventually(look: Callable[[], T | None], what: str, *, seconds: float = 60.0) -> T:
    """What `look` sees, as soon as it sees something; the shop works on its own meanwhile."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, f"after {seconds:.0f} s still not {what}"
        time.sleep(PAUSE_SECONDS)
    return seen


class Customer(httpx.Client):
    """Somebody who is signed in; the client says so with every request."""

    def __init__(self, api: str, data: dict[str, Any]) -> None:
        headers = {"Authorization": f"Bearer {data['accessToken']}"}
        super().__init__(base_url=api, headers=headers, timeout=30)
        self.id: str = data["user"]["id"]
        self.tokens = data


class RealShop:
    """`python -m embedded`; what it says of its addresses is in `addresses`."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.data_dir = folder / ".data"
        self.log = folder / "shop.log"
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: list[httpx.Client] = []
        self.addresses: dict[str, str] = {}

    # --- Its life --------------------------------------------------------------------------------

    def start(self) -> Self:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "embedded"],
                cwd=ROOT,
                env=self._own_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        run_file = self.data_dir / "run.json"
        eventually(lambda: self._is_up(run_file), "ready", seconds=START_SECONDS)
        self.addresses = json.loads(run_file.read_text())
        return self

    def _is_up(self, run_file: Path) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        return run_file.exists()

    def _own_environment(self) -> dict[str, str]:
        """The user's, without what would lead to another shop."""
        theirs = {name.upper() for name in Given.model_fields}
        kept = {name: value for name, value in os.environ.items() if name not in theirs}
        return (
            kept
            | {
                "PORT": "0",
                "DATA_DIR": str(self.data_dir),
                "ADMIN_EMAIL": ADMIN_EMAIL,
                "ADMIN_PASSWORD": ADMIN_PASSWORD,
                "DEMO_CATALOGUE": "true",
            }
            | self._settings
        )

    def stop(self) -> int:
        """As Ctrl-C and `docker stop` do; the exit code."""
        for client in self._clients:
            client.close()
        self._clients.clear()
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(STOP_SECONDS)
        self._process = None
        return code

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # --- Who comes in ----------------------------------------------------------------------------

    @property
    def api(self) -> str:
        return self.addresses["api"]

    def visitor(self) -> httpx.Client:
        return self._kept(self.fresh_visitor())

    def fresh_visitor(self) -> httpx.Client:
        """To be closed by who asks."""
        return httpx.Client(base_url=self.api, timeout=30)

    def customer(self, **fields: Any) -> Customer:
        """Somebody new."""
        body = {
            "email": f"meera.{secrets.token_hex(6)}@example.com",
            "password": PASSWORD,
            "firstName": "Meera",
        }
        answer = self.visitor().post("/api/auth/register", json=body | fields)
        return self._kept(Customer(self.api, ok(answer, 201)))

    def admin(self) -> Customer:
        return self.login(email=ADMIN_EMAIL, password=ADMIN_PASSWORD)

    def login(self, **fields: str) -> Customer:
        answer = self.visitor().post("/api/auth/login", json=fields)
        return self._kept(Customer(self.api, ok(answer)))

    def _kept(self, client: C) -> C:
        self._clients.append(client)
        return client

    # --- Who looks after it ----------------------------------------------------------------------

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`python -m cli …` beside the running shop, told nothing but where its data lies."""
        return subprocess.run(
            [sys.executable, "-m", "cli", *arguments],
            cwd=ROOT,
            env=self._own_environment() | {"COLUMNS": "200", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def pid_of(self, words: str) -> int:
        """The process of ours whose command line has these words: `-m worker`, `nats-server`."""
        assert self._process is not None
        for pid, command in children(self._process.pid).items():
            if words in command:
                return pid
        raise AssertionError(f"nothing of ours runs as {words}")

    @property
    def supervisor(self) -> int:
        assert self._process is not None
        return self._process.pid


def children(parent: int) -> dict[int, str]:
    """Pid → command line of a process's own children (Linux)."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
            command = (status.parent / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
        if int(fields[1]) == parent:
            found[int(status.parent.name)] = command.replace(b"\0", b" ").decode()
    return found
