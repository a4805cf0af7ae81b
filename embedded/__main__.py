"""`make run`: the whole shop on this machine, until Ctrl-C."""

import http.client
import select
import socket
import sys
import time
from http import HTTPStatus
from urllib.parse import urlsplit

from embedded.data_directory import Ports, local_secrets, sole_owner, write_json
from embedded.errors import EmbeddedError, ServerFailedError
from embedded.given import Given, load_given
from embedded.shop import Shop, plan
from embedded.supervisor import StopRequested, Supervisor, stop_on_signals

READY_TIMEOUT_SECONDS = 90.0
ASK_SECONDS = 0.1


def main() -> int:
    """0 after a wished stop, 1 with one sentence on standard error otherwise."""
    try:
        given = load_given()
        with sole_owner(given.data_dir):
            _run(given)
    except EmbeddedError as fault:
        print(f"kundan: {fault}", file=sys.stderr)
        return 1
    return 0


def _run(given: Given) -> None:
    run_file = given.data_dir / "run.json"
    run_file.unlink(missing_ok=True)  # left by a start that was killed
    supervisor = Supervisor(say=_say)
    try:
        with stop_on_signals() as wakeup:
            began = time.monotonic()
            known_secrets = local_secrets(given.data_dir)
            shop = plan(given, known_secrets, Ports(given.data_dir))
            for kept in shop.kept:
                supervisor.start(kept)
            _wait_until_ready(shop, supervisor, wakeup)
            write_json(run_file, shop.addresses)
            _show(shop, given, known_secrets, seconds=time.monotonic() - began)
            supervisor.watch(wakeup)
    except StopRequested:
        _say("Stopping.")
    finally:
        run_file.unlink(missing_ok=True)
        supervisor.stop_all()


def _wait_until_ready(shop: Shop, supervisor: Supervisor, wakeup: socket.socket) -> None:
    """Ask API and worker until both can serve; meanwhile start again what dies."""
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    waiting = shop.ready_pages
    while waiting := [page for page in waiting if not _answers(page)]:
        supervisor.look_once()
        if time.monotonic() > deadline:
            raise ServerFailedError(
                f"{waiting[0]} did not answer in {READY_TIMEOUT_SECONDS:.0f} s. "
                f"See {shop.environment['DATA_DIR']}/logs."
            )
        if select.select([wakeup], [], [], ASK_SECONDS)[0]:
            wakeup.recv(4096)


def _answers(page: str) -> bool:
    address = urlsplit(page)
    connection = http.client.HTTPConnection(address.netloc, timeout=5)
    try:
        connection.request("GET", address.path)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False  # not listening yet
    finally:
        connection.close()


def _show(shop: Shop, given: Given, known_secrets: dict[str, str], *, seconds: float) -> None:
    api = shop.addresses["api"]
    rows = [
        ("shop", f"{api}/"),
        ("API", f"{api}/docs"),
        ("gateway", shop.addresses["gateway"]),
        ("mail", shop.addresses["mail"]),
        ("MongoDB", _without_password(shop.addresses["mongodb"])),
        ("NATS", _without_password(shop.addresses["nats"])),
        ("Redis", _without_password(shop.addresses["redis"])),
        ("logs", f"{shop.environment['DATA_DIR']}/logs"),
        ("admin", shop.environment["ADMIN_EMAIL"]),
    ]
    if given.admin_password is None:
        rows.append(("password", known_secrets["ADMIN_PASSWORD"]))
    print(f"\nKundan is ready after {seconds:.1f} s. Ctrl-C stops it.\n")
    for name, value in rows:
        print(f"  {name:<9} {value}")
    print(flush=True)


def _without_password(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _say(sentence: str) -> None:
    print(f"kundan: {sentence}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
