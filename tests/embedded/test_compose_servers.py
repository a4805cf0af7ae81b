"""The servers of docker-compose.yml, tried with the same programs, configuration and steps."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nats
import pymongo
import pytest
from nats.errors import TimeoutError as NatsTimeoutError
from pymongo.errors import OperationFailure

from embedded.binaries import MONGOD, NATS_SERVER
from embedded.ports import LOOPBACK, free_port, is_free
from embedded.process import ChildProcess

ROOT = Path(__file__).parents[2]
PASSWORDS = {"MONGO_ADMIN_PASSWORD": "of-the-administrator", "MONGO_PASSWORD": "of-the-shop"}


@contextmanager
def program(command: list[str], log_file: Path, **environment: str) -> Iterator[ChildProcess]:
    process = ChildProcess(command, log_file=log_file, environment=os.environ | environment)
    try:
        yield process
    finally:
        process.stop(timeout_seconds=10)


@pytest.fixture
def mongo_port(tmp_path: Path) -> Iterator[int]:
    """mongod with the options of the compose file, on a port of this machine."""
    keyfile, port = tmp_path / "keyfile", free_port()
    keyfile.write_text("k" * 100)
    keyfile.chmod(0o400)
    (tmp_path / "db").mkdir()
    command = [str(MONGOD.path()), "--replSet=rs0", f"--keyFile={keyfile}", "--noscripting"]
    command += [f"--port={port}", f"--bind_ip={LOOPBACK}", f"--dbpath={tmp_path / 'db'}"]
    with program([*command, "--nounixsocket"], tmp_path / "mongod.log"):
        yield port


def init(port: int) -> str:
    return subprocess.run(
        [sys.executable, "-m", "deploy.mongo_init"],
        cwd=ROOT,
        env=os.environ | PASSWORDS | {"MONGO_MEMBER": f"{LOOPBACK}:{port}"},
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    ).stdout


def test_mongo_gets_its_set_and_a_user_that_may_touch_only_the_shop(mongo_port: int) -> None:
    for _ in range(2):  # at the first start, and at any later one
        assert "is a primary with its users" in init(mongo_port)
    url = f"mongodb://kundan:of-the-shop@{LOOPBACK}:{mongo_port}/?replicaSet=rs0&authSource=admin"
    client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(url, timeoutMS=20_000)
    with client, client.start_session() as session, session.start_transaction():
        for name in ("jewelry_store", "jewelry_store_keys"):
            client[name].rings.insert_one({"_id": 1}, session=session)
    again: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(url, timeoutMS=20_000)
    with again, pytest.raises(OperationFailure, match="not authorized"):
        again.other.rings.insert_one({"_id": 1})


def test_mongo_lets_nobody_in_without_a_password(mongo_port: int) -> None:
    init(mongo_port)
    client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(
        LOOPBACK, mongo_port, directConnection=True, timeoutMS=20_000
    )
    with client, pytest.raises(OperationFailure, match="requires authentication"):
        client.jewelry_store.rings.find_one()


def eventually_listens(port: int) -> None:
    deadline = time.monotonic() + 20
    while is_free(port):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[str]:
    """nats-server with the compose file's configuration, its directory and ports moved."""
    port = free_port()
    configuration = (ROOT / "deploy/nats.conf").read_text(encoding="utf-8")
    for fixed, moved in (
        ("0.0.0.0:4222", f"{LOOPBACK}:{port}"),
        ("127.0.0.1:8222", f"{LOOPBACK}:{free_port()}"),
        ("store_dir: /nats", f'store_dir: "{tmp_path}"'),
    ):
        assert fixed in configuration
        configuration = configuration.replace(fixed, moved)
    file = tmp_path / "nats.conf"
    file.write_text(configuration)
    passwords = {"NATS_PASSWORD": "n1e5", "NATS_ANALYTICS_PASSWORD": "n2"}
    command = [str(NATS_SERVER.path()), "--config", str(file)]
    with program(command, tmp_path / "nats.log", **passwords):
        eventually_listens(port)
        yield f"{LOOPBACK}:{port}"


def test_nats_writes_each_event_to_disk_before_it_says_so() -> None:
    lines = (ROOT / "deploy/nats.conf").read_text(encoding="utf-8").splitlines()
    assert [line.split("#")[0].strip() for line in lines if "sync_interval" in line] == [
        "sync_interval: always"
    ]


async def test_analytics_reads_events_and_can_do_nothing_else(nats_server: str) -> None:
    async with await nats.connect(f"nats://kundan:n1e5@{nats_server}") as shop:
        await shop.jetstream().add_stream(name="EVENTS", subjects=["events.>"])
        await shop.jetstream().publish("events.order.1", b"OrderPlaced")

        refused: list[str] = []

        async def remember(error: Exception) -> None:
            await asyncio.sleep(0)
            refused.append(str(error))

        async with await nats.connect(
            f"nats://analytics:n2@{nats_server}",
            inbox_prefix=b"_INBOX.analytics",
            error_cb=remember,
        ) as analytics:
            jetstream = analytics.jetstream(timeout=2)
            reader = await jetstream.pull_subscribe("events.>", "analytics", stream="EVENTS")
            (message,) = await reader.fetch(1, timeout=5)
            assert message.data == b"OrderPlaced"
            await message.ack_sync()
            for forbidden in (
                jetstream.publish("events.order.1", b"OrderCancelled"),
                jetstream.delete_stream("EVENTS"),
                jetstream.delete_consumer("EVENTS", "analytics"),
            ):
                with pytest.raises(NatsTimeoutError):
                    await forbidden
        assert len(refused) == 3
        assert all("permissions violation" in each.lower() for each in refused)


def test_nats_lets_nobody_in_without_a_password(nats_server: str) -> None:
    """By hand: the client library leaves its socket open when it is turned away."""
    host, _, port = nats_server.partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as link:
        link.sendall(b'CONNECT {"verbose": false}\r\nPING\r\n')
        answers = b"".join(iter(lambda: link.recv(4096), b""))
    assert b"Authorization Violation" in answers
    assert b"PONG" not in answers
