"""The API in process: the real application over the event store in memory and real MongoDB read models.

    async def test_a_visitor_sees_products(api: Api) -> None:
        response = await api.client.get("/api/products")

`api.customer()` and `api.staff(Role.FINANCE)` sign somebody up and give them a client of their own.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import structlog
from fastapi import FastAPI
from pydantic import ValidationError
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from dependencies.documents import Documents
from dependencies.reading import ReadingServices
from dependencies.services import Keyring, utc_now
from domain.values import Role
from integrations import tabular
from integrations.cache import SessionGate
from integrations.event_store.memory import MemoryEventStore
from integrations.object_store import LocalObjectStore
from integrations.proposals import MongoProposals, MongoSweeps
from integrations.read_models import MongoReadModels
from integrations.security import JwtTokens
from integrations.setbacks import MongoSetbacks
from main import create_app
from projections import PROJECTIONS
from projections.runner import Runner
from settings import Settings
from tests.contracted import contract_of
from tests.fakes import (
    CountingLimiter,
    Folding,
    MemoryShelf,
    NoImaging,
    Outbox,
    PictureShelf,
    PlainHasher,
)
from tests.fakes_gateway import FakeGateway
from tests.folding import fits
from tests.samples import ADMIN_EMAIL, ADMIN_PASSWORD, PASSWORD, settings_for_tests

BASE_URL = "http://shop.test"
LOG_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.format_exc_info,
    structlog.processors.JSONRenderer(),
]
"""The default renders the locals of every frame of a traceback, which takes seconds."""


class Clock:
    """The wall clock, moved on by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@dataclass
class Person:
    """Somebody who is signed in, with a client that says so."""

    id: str
    email: str
    client: httpx.AsyncClient
    tokens: dict[str, Any]


@dataclass
class Api:
    app: FastAPI
    client: httpx.AsyncClient
    services: ReadingServices
    store: MemoryEventStore
    clock: Clock
    mails: Outbox
    gateway: FakeGateway
    consistency: Folding
    stack: AsyncExitStack = field(repr=False)
    plants_documents: bool = False
    """Set by a test that puts documents of its own making among those of folds."""

    async def customer(self, email: str | None = None, **fields: Any) -> Person:
        """Somebody new."""
        email = email or f"meera.{secrets.token_hex(4)}@example.com"
        body = {"email": email, "password": PASSWORD, "firstName": "Meera"} | fields
        response = await self.client.post("/api/auth/register", json=body)
        assert response.status_code == 201, response.text
        return await self._person(email, response.json()["data"])

    async def admin(self) -> Person:
        """The first administrator."""
        body = {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD}
        response = await self.client.post("/api/auth/login", json=body)
        assert response.status_code == 200, response.text
        return await self._person(ADMIN_EMAIL, response.json()["data"])

    async def again(self, person: Person) -> httpx.AsyncClient:
        """Somebody who signs in again: the tokens of before are too old."""
        body = {"identifier": person.email, "password": PASSWORD}
        response = await self.client.post("/api/auth/login", json=body)
        assert response.status_code == 200, response.text
        return (await self._person(person.email, response.json()["data"])).client

    async def staff(self, *roles: Role) -> Person:
        """Somebody new, with these roles."""
        person, admin = await self.customer(), await self.admin()
        body = {"roles": [role.value for role in roles]}
        response = await admin.client.put(f"/api/admin/users/{person.id}/roles", json=body)
        assert response.status_code == 200, response.text
        return person

    async def topics(self) -> list[str]:
        """What has happened, in order, by type."""
        return [recorded.type for recorded in await self.store.history()]

    async def _person(self, email: str, data: dict[str, Any]) -> Person:
        headers = {"Authorization": f"Bearer {data['accessToken']}"}
        client = await self.stack.enter_async_context(_client(self.app, headers=headers))
        return Person(id=data["user"]["id"], email=email, client=client, tokens=data)


def _client(app: FastAPI, **options: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, client=("203.0.113.7", 4711))
    contract = contract_of(app)

    async def keep_the_contract(response: httpx.Response) -> None:
        await response.aread()
        breach = contract.breach(response)
        assert breach is None, breach

    hooks = {"response": [keep_the_contract]}
    return httpx.AsyncClient(transport=transport, base_url=BASE_URL, event_hooks=hooks, **options)


@asynccontextmanager
async def open_api(
    database: AsyncDatabase[dict[str, Any]], folder: Path, **changes: Any
) -> AsyncIterator[Api]:
    """`changes` are settings that differ from those of `tests/samples.py`."""
    settings = settings_for_tests(data_dir=folder, **changes)
    structlog.configure(processors=LOG_PROCESSORS)
    services = in_process(settings, database, folder)

    @asynccontextmanager
    async def opener(_: Settings) -> AsyncIterator[ReadingServices]:
        yield services

    app = create_app(settings, opener=opener)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        yield Api(
            app=app,
            client=await stack.enter_async_context(_client(app)),
            services=app.state.services,
            store=cast("MemoryEventStore", services.store),
            clock=cast("Clock", services.clock),
            mails=cast("Outbox", services.mailer),
            gateway=cast("FakeGateway", services.gateway),
            consistency=cast("Folding", services.consistency),
            stack=stack,
        )


def in_process(
    settings: Settings, database: AsyncDatabase[dict[str, Any]], folder: Path
) -> ReadingServices:
    """Services over the store in memory, with fakes for what is outside."""
    clock = Clock()
    store = MemoryEventStore(clock=clock)
    runner = Runner(PROJECTIONS, read_models=MongoReadModels(database), history=store)
    return ReadingServices(
        settings=settings,
        store=store,
        keys=store.keys,
        read_models=database,
        gateway=FakeGateway(),
        objects=LocalObjectStore(folder, base_url=BASE_URL, signing_key=b"k" * 32),
        mailer=Outbox(),
        limiter=CountingLimiter(),
        setbacks=MongoSetbacks(database),
        proposals=MongoProposals(database),
        sweeps=MongoSweeps(database),
        shelf=MemoryShelf(),
        documents=Documents(database),
        hasher=PlainHasher(),
        images=NoImaging(),
        pictures=PictureShelf(),
        tables=tabular,
        consistency=Folding(runner),
        tokens=JwtTokens(
            secret=settings.jwt_secret_key.get_secret_value(),
            algorithm=settings.jwt_algorithm,
            lifetime=timedelta(minutes=settings.jwt_access_token_expire_minutes),
        ),
        sessions=SessionGate(store, fresh_seconds=0, clock=clock),
        keyring=Keyring.of(settings.master_key.get_secret_value()),
        nats=None,
        clock=clock,
    )


@pytest.fixture(scope="session")
async def shared_read_models(
    mongo_client: AsyncMongoClient[dict[str, Any]],
) -> AsyncIterator[AsyncDatabase[dict[str, Any]]]:
    """One database for all: to make twenty collections with their indexes takes half a second."""
    name = f"test_{secrets.token_hex(8)}"
    yield mongo_client[name]
    await mongo_client.drop_database(name)


@pytest.fixture
async def api(
    shared_read_models: AsyncDatabase[dict[str, Any]], tmp_path: Path
) -> AsyncIterator[Api]:
    """The shop, with its first administrator and nothing else."""
    async with open_api(shared_read_models, tmp_path) as opened:
        yield opened
    misshapen = [] if opened.plants_documents else await _misshapen(shared_read_models)
    await _empty(shared_read_models)
    assert not misshapen, misshapen[0]


async def _misshapen(database: AsyncDatabase[dict[str, Any]]) -> list[str]:
    """Why documents that the test's commands have left do not fit the shape that their folds promise."""
    found = await asyncio.gather(
        *(database[projection.name].find().to_list(100) for projection in PROJECTIONS)
    )
    faults = []
    for projection, documents in zip(PROJECTIONS, found, strict=True):
        for document in documents:
            try:
                fits(projection, document)
            except ValidationError as fault:
                faults.append(f"{projection.name} {document['_id']}: {fault}")
    return faults


async def _empty(database: AsyncDatabase[dict[str, Any]]) -> None:
    """Documents go, collections and indexes stay; the read models begin with history again."""
    names = set(await database.list_collection_names()) - {"checkpoints"}
    await asyncio.gather(*(database[name].delete_many({}) for name in names))
    await database["checkpoints"].update_many({}, {"$set": {"position": 0}})
