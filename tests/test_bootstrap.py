"""The services against real servers: what starts, what is told when one of them is down."""

import gc
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymongo import AsyncMongoClient

from bootstrap import database_name, open_services
from dependencies.reading import ReadingServices
from domain.errors import NotFound
from embedded.servers import NatsServer
from main import create_app
from settings import Settings, SettingsError
from tests.samples import ADMIN_EMAIL, ADMIN_PASSWORD, settings_for_tests


@pytest.fixture
async def mongodb(
    mongodb_url: str, mongo_client: AsyncMongoClient[dict[str, Any]]
) -> AsyncIterator[str]:
    """The URL of a database of this test's own."""
    name = f"test_{secrets.token_hex(8)}"
    server, _, rest = mongodb_url.rpartition("/")
    yield f"{server}/{name}?{rest.partition('?')[2]}"
    await mongo_client.drop_database(name)
    await mongo_client.drop_database(f"{name}_keys")


leaves_sockets = pytest.mark.filterwarnings(
    "ignore:unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
"""Drivers leave the socket of an attempt that was cancelled to the collector: have it come at once."""


def settings_of(mongodb: str, nats: str, redis: str | None, folder: Path) -> Settings:
    return settings_for_tests(
        mongodb_url=mongodb,
        nats_url=nats,
        redis_url=redis,
        data_dir=folder,
        consistency_wait_seconds=0.2,
    )


@pytest.fixture
def settings(mongodb: str, nats_url: str, redis_url: str, tmp_path: Path) -> Settings:
    return settings_of(mongodb, nats_url, redis_url, tmp_path)


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
            yield client


async def test_it_is_ready_when_everything_answers(client: httpx.AsyncClient) -> None:
    response = await client.get("/health/ready")
    assert response.json() == {
        "status": "ready",
        "checked": ["mongodb", "nats", "read-models", "valkey"],
    }
    assert (await client.get("/health/live")).json() == {"status": "live"}


@leaves_sockets
async def test_it_names_what_is_down(mongodb: str, tmp_path: Path) -> None:
    with NatsServer(tmp_path / "nats", sync="lazy") as broker:
        settings = settings_of(mongodb, broker.url, "redis://127.0.0.1:1", tmp_path)
        app = create_app(settings)
        async with app.router.lifespan_context(app):
            broker.stop()
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://shop.test"
            ) as client:
                response = await client.get("/health/ready")
    assert (response.status_code, response.json()["code"]) == (503, "not-ready")
    gc.collect()
    assert response.json()["down"] == ["nats", "valkey"]
    assert response.headers["Retry-After"] == "5"


async def test_the_first_administrator_is_there_and_stays(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    body = {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD}
    first = await client.post("/api/auth/login", json=body)
    assert first.json()["data"]["user"]["roles"] == ["admin", "customer"]
    app = create_app(settings.model_copy(update={"admin_password": settings.jwt_secret_key}))
    async with app.router.lifespan_context(app):
        again = await client.post("/api/auth/login", json=body)
    assert again.json()["data"]["user"]["id"] == first.json()["data"]["user"]["id"]


async def test_a_write_that_nobody_projects_yet_answers_202_with_a_token(
    client: httpx.AsyncClient,
) -> None:
    body = {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD}
    token = (await client.post("/api/auth/login", json=body)).json()["data"]["accessToken"]
    headers = {"Authorization": f"Bearer {token}"}
    changed = await client.put("/api/auth/profile", json={"firstName": "Ada"}, headers=headers)
    assert changed.status_code == 202
    consistency = {"Consistency-Token": changed.headers["Consistency-Token"]}
    read = await client.get("/api/auth/me", headers=headers | consistency)
    assert (read.status_code, read.headers["Retry-After"]) == (503, "1")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"admin_password": "Password1"}, "ADMIN_PASSWORD"),
        ({"admin_email": "nobody"}, "ADMIN_EMAIL"),
        ({"razorpay_key_id": None}, "RAZORPAY_KEY_ID"),
    ],
)
async def test_a_setting_that_will_not_do_stops_the_start(
    settings: Settings, changes: dict[str, Any], name: str
) -> None:
    values = settings.model_dump() | changes
    app = create_app(settings_for_tests(**values))
    with pytest.raises(SettingsError, match=name):
        async with app.router.lifespan_context(app):
            pass


async def test_every_adapter_closes_again(settings: Settings) -> None:
    services: ReadingServices
    async with open_services(settings, role="worker") as services:
        with pytest.raises(NotFound):
            await services.objects.get("photos/none.jpg")
        assert services.nats is not None
    assert services.nats.is_closed


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("mongodb://h1,h2/shop?replicaSet=rs0", "shop"),
        ("mongodb://u:p@h1:27017/?replicaSet=rs0", "jewelry_store"),
        ("mongodb://h1", "jewelry_store"),
    ],
)
def test_the_database_is_named_by_the_url(url: str, name: str) -> None:
    assert database_name(settings_for_tests(mongodb_url=url)) == name
