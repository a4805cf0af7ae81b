"""The embedded servers start, keep their data through a kill, and say plainly what is wrong."""

import json
import smtplib
import socket
import urllib.request
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import nats
import pymongo
import pytest
import redis

from embedded.errors import PortTakenError, ServerFailedError
from embedded.ports import LOOPBACK, free_port, is_free
from embedded.servers import MailSink, Mongod, NatsServer, Valkey


def rings(url: str, *, add: int | None = None) -> list[int]:
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(url, timeoutMS=20_000)
    with client:
        if add is not None:
            client.shop.rings.insert_one({"_id": add})
        return [ring["_id"] for ring in client.shop.rings.find()]


def test_mongod_keeps_its_data_through_a_kill_and_a_move_to_another_port(tmp_path: Path) -> None:
    with Mongod(tmp_path) as mongod:
        rings(mongod.url, add=1)
        mongod.kill()
        mongod.restart()
        assert rings(mongod.url) == [1]
    with Mongod(tmp_path) as moved:
        assert rings(moved.url, add=2) == [1, 2]


async def test_nats_keeps_its_stream_through_a_kill(tmp_path: Path) -> None:
    with NatsServer(tmp_path) as server:
        async with await nats.connect(server.url) as connection:
            jetstream = connection.jetstream()
            await jetstream.add_stream(name="RINGS", subjects=["rings"])
            await jetstream.publish("rings", b"sold")
        server.kill()
        server.restart()
        async with await nats.connect(server.url) as connection:
            state = (await connection.jetstream().stream_info("RINGS")).state
            assert state.messages == 1


def test_valkey_keeps_its_keys_through_a_stop(tmp_path: Path) -> None:
    with Valkey(tmp_path) as server:
        with redis.Redis.from_url(server.url) as client:
            client.set("limit", "5")
        server.restart()
        with redis.Redis.from_url(server.url) as client:
            assert client.get("limit") == b"5"


def test_the_mail_sink_keeps_and_shows_a_message(tmp_path: Path) -> None:
    message = EmailMessage()
    message["To"], message["From"] = "meera@example.com", "shop@example.com"
    message["Subject"] = "Your order <R1>"
    message.set_content("On its way.")
    with MailSink(tmp_path) as sink:
        with smtplib.SMTP(LOOPBACK, sink.port, timeout=10) as smtp:
            smtp.send_message(message)
        kept = sink.messages()
        with urllib.request.urlopen(sink.web_url, timeout=10) as page:
            listing = page.read().decode()
        with urllib.request.urlopen(f"{sink.web_url}/messages.json", timeout=10) as answer:
            (as_json,) = json.load(answer)
    assert [(each["Subject"], each["X-Envelope-To"]) for each in kept] == [
        ("Your order <R1>", "meera@example.com")
    ]
    assert "meera@example.com: Your order &lt;R1&gt;" in listing
    assert (as_json["to"], as_json["text"]) == ("meera@example.com", "On its way.")


@pytest.mark.parametrize("kind", [Mongod, NatsServer, Valkey, MailSink])
def test_a_taken_port_is_named_in_one_sentence(
    kind: Callable[[Path, int], Mongod | NatsServer | Valkey | MailSink], tmp_path: Path
) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"cannot listen on port {port}: it is taken"):
            kind(tmp_path, port).start()


def test_a_paused_server_answers_again_after_it_is_resumed(tmp_path: Path) -> None:
    with Valkey(tmp_path) as server, redis.Redis.from_url(server.url, socket_timeout=0.3) as client:
        server.pause()
        with pytest.raises(redis.TimeoutError):
            client.ping()
        server.resume()
        assert client.ping()


def test_a_paused_server_can_be_stopped(tmp_path: Path) -> None:
    server = Valkey(tmp_path).start()
    server.pause()
    server.stop()
    assert not server.is_running
    assert is_free(server.port)


def test_a_server_that_ends_early_says_where_to_look(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file where a directory should be")
    with pytest.raises(ServerFailedError, match=r"before it was ready.*nats-server\.log"):
        NatsServer(tmp_path, free_port()).start()
