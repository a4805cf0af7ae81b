"""Real servers for tests: one of each in a session, started when a test first asks for it."""

import contextlib
import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any

import hypothesis
import nats
import pytest
from nats.aio.client import Client as NatsConnection
from nats.js.errors import NotFoundError
from pymongo import AsyncMongoClient, monitoring
from pymongo.asynchronous.database import AsyncDatabase

from embedded.servers import MailSink, Mongod, NatsServer, Valkey
from tests.explained import Explained

pytest_plugins = ["tests.contracted", "tests.api", "tests.shuffled"]

hypothesis.settings.register_profile("kundan", deadline=None)
hypothesis.settings.load_profile("kundan")
"""How long an example takes says how busy the machine is, and nothing of the product."""

WHOLE_SHOPS = ("journeys", "embedded", "faults")
"""Folders whose tests start whole shops: those run in one process, since a port that was free when a shop
looked for it must still be free when it comes to use it.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name in WHOLE_SHOPS:
            item.add_marker(pytest.mark.xdist_group("whole shops"))


EXPLAINED = Explained()
monitoring.register(EXPLAINED)


@pytest.fixture(autouse=True)
def every_query_has_an_index() -> Iterator[None]:
    """Fails the test in which the product first sent a query that reads a collection whole."""
    EXPLAINED.complaints.clear()
    yield
    assert not EXPLAINED.complaints, "\n".join(EXPLAINED.complaints)


@pytest.fixture
def unexplained() -> Iterator[None]:
    """For a test that takes indexes away."""
    yield
    EXPLAINED.complaints.clear()


@pytest.fixture(scope="session", autouse=True)
def explaining() -> Iterator[None]:
    yield
    EXPLAINED.close()


@pytest.fixture(scope="session")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """Shared by all tests: a test that kills or stops its server starts one of its own."""
    with Mongod(tmp_path_factory.mktemp("mongod")) as server:
        yield server


@pytest.fixture(scope="session")
def mongodb_url(mongod: Mongod) -> str:
    return mongod.url


@pytest.fixture(scope="session")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with NatsServer(tmp_path_factory.mktemp("nats"), sync="lazy") as server:
        yield server.url


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server.url


@pytest.fixture(scope="session")
def mail_sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailSink]:
    """Shared: look for your own recipient's address among `messages()`."""
    with MailSink(tmp_path_factory.mktemp("mail")) as server:
        yield server


@pytest.fixture(scope="session")
async def mongo_client(mongodb_url: str) -> AsyncIterator[AsyncMongoClient[dict[str, Any]]]:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongodb_url, tz_aware=True)
    async with client:
        yield client


@pytest.fixture
async def database(
    mongo_client: AsyncMongoClient[dict[str, Any]],
) -> AsyncIterator[AsyncDatabase[dict[str, Any]]]:
    """An empty database of this test's own, dropped after it."""
    name = f"test_{secrets.token_hex(8)}"
    yield mongo_client[name]
    await mongo_client.drop_database(name)


@pytest.fixture
async def nats_connection(nats_url: str) -> AsyncIterator[NatsConnection]:
    connection = await nats.connect(nats_url)
    yield connection
    await connection.close()


@pytest.fixture
async def stream_name(nats_connection: NatsConnection) -> AsyncIterator[str]:
    """A name for a JetStream stream that no other test has; the stream is deleted after."""
    name = f"TEST_{secrets.token_hex(8)}"
    yield name
    with contextlib.suppress(NotFoundError):  # the test made none, or deleted it itself
        await nats_connection.jetstream().delete_stream(name)
