"""The worker as a process, beside real servers: what is committed is read, and mailed once."""

import asyncio
import os
import re
import secrets
import signal
import sys
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from pymongo import AsyncMongoClient

from bootstrap import open_services
from dependencies.reading import ReadingServices
from domain.accounts import Account, Profile
from domain.ports.events import CommandContext, Commit
from embedded.servers import MailSink
from projections import PROJECTIONS
from projections.memory import fold
from settings import Settings
from tests.samples import settings_for_tests

ROOT = Path(__file__).parents[1]


class Process:
    """`python -m worker` with its log."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.log: list[str] = []

    async def until(self, pattern: str) -> re.Match[str]:
        async with asyncio.timeout(30):
            while line := (await self.stderr.readline()).decode():
                self.log.append(line)
                if found := re.search(pattern, line):
                    return found
        raise AssertionError("the worker ended: " + "".join(self.log[-20:]))

    @property
    def stderr(self) -> asyncio.StreamReader:
        assert self.process.stderr is not None
        return self.process.stderr

    async def end(self, number: int = signal.SIGTERM) -> int:
        if self.process.returncode is None:
            self.process.send_signal(number)
        rest, _ = await asyncio.gather(self.stderr.read(), self.process.wait())
        self.log.append(rest.decode())
        sys.stdout.write("".join(self.log))
        assert self.process.returncode is not None
        return self.process.returncode


async def started(settings: Settings) -> Process:
    return Process(
        await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "worker"),
            cwd=ROOT,
            env=os.environ | environment(settings),
            stderr=asyncio.subprocess.PIPE,
            limit=1 << 20,
        )
    )


@asynccontextmanager
async def worker(settings: Settings) -> AsyncIterator[Process]:
    process = await started(settings)
    try:
        await process.until("worker runs")
        yield process
    finally:
        await process.end(signal.SIGKILL)


def environment(settings: Settings) -> dict[str, str]:
    values = settings.model_dump(exclude_none=True)
    plain = {
        name: getattr(value, "get_secret_value", lambda v=value: v)()
        for name, value in values.items()
    }
    return {
        name.upper(): ",".join(value) if isinstance(value, list) else str(value)
        for name, value in plain.items()
    }


@pytest.fixture
async def settings(
    mongodb_url: str,
    mongo_client: AsyncMongoClient[dict[str, Any]],
    nats_url: str,
    stream_name: str,
    mail_sink: MailSink,
    tmp_path: Path,
) -> AsyncIterator[Settings]:
    name = f"test_{secrets.token_hex(8)}"
    base, _, options = mongodb_url.partition("?")
    yield settings_for_tests(
        mongodb_url=f"{base.rpartition('/')[0]}/{name}?{options}",
        nats_url=nats_url,
        nats_stream=stream_name[-32:],
        smtp_host="127.0.0.1",
        smtp_port=mail_sink.port,
        smtp_starttls=False,
        data_dir=tmp_path,
    )
    await mongo_client.drop_database(name)
    await mongo_client.drop_database(f"{name}_keys")


@pytest.fixture
async def shop(settings: Settings, nats_connection: Client) -> AsyncIterator[ReadingServices]:
    """The API's side."""
    async with open_services(settings, role="api") as services:
        yield services
    await nats_connection.jetstream().delete_stream(settings.nats_stream)


def context(command: str) -> CommandContext:
    return CommandContext(command=command, actor="system", correlation="test")


async def register(shop: ReadingServices, name: str) -> Account:
    account = Account.register(
        secrets.token_hex(12),
        email=f"{name}@example.com",
        mobile=None,
        first_name=name,
        last_name="",
        password_hash="none",
    )
    await append(shop, account, "RegisterAccount")
    return account


async def append(shop: ReadingServices, account: Account, command: str) -> Commit:
    events: Any = account.collect_events()
    return await shop.store.append(events, context(command))


async def rename(shop: ReadingServices, account: Account, name: str) -> int:
    """Record it; return the position once the read models have it."""
    account = await shop.store.load(Account, account.object_id)
    account.change_profile(Profile(first_name=name))
    commit = await append(shop, account, "ChangeProfile")
    place = await shop.consistency.wait_for_commit(commit.id, seconds=20, events=commit.events)
    assert place is not None
    return place


async def name_of(shop: ReadingServices, account: Account) -> str:
    found = await shop.read_models["users"].find_one({"email": account.email})
    assert found is not None
    return str(found["firstName"])


async def assert_read_models_are_the_fold(shop: ReadingServices) -> None:
    history = await shop.store.read_history(after_position=0, limit=5_000)
    for projection in PROJECTIONS:
        folded = fold(projection, history)
        found = await shop.read_models[projection.name].find().to_list()
        assert {d["_id"]: d for d in found} == folded, projection


def letters_to(sink: MailSink, address: str) -> list[str]:
    """The subjects of the mails to this address, once there is one."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if found := [m["Subject"] for m in sink.messages() if m["To"] == address]:
            return found
        time.sleep(0.02)
    return []


async def test_what_is_committed_can_be_read_and_is_told_by_mail(
    settings: Settings, shop: ReadingServices, mail_sink: MailSink
) -> None:
    async with worker(settings) as process:
        account = await register(shop, name := f"meera{secrets.token_hex(4)}")
        await rename(shop, account, "Meera")
        assert await name_of(shop, account) == "Meera"
        account = await shop.store.load(Account, account.object_id)
        account.change_password("another", kept_session=None)
        await append(shop, account, "ChangePassword")
        letters = asyncio.to_thread(letters_to, mail_sink, f"{name}@example.com")
        assert len(await letters) == 1
        assert await process.end() == 0
    await assert_read_models_are_the_fold(shop)


async def test_killed_and_started_again_it_goes_on_and_doubles_nothing(
    settings: Settings, shop: ReadingServices
) -> None:
    account = await register(shop, "asha")
    for round_ in range(3):
        async with worker(settings) as process:
            changes = [rename(shop, account, f"Asha {round_}.{n}") for n in range(2)]
            for change in changes:
                await change
            await process.end(signal.SIGKILL)
    await assert_read_models_are_the_fold(shop)


async def test_the_stream_is_deleted_and_nobody_notices(
    settings: Settings, shop: ReadingServices, nats_connection: Client
) -> None:
    async with worker(settings):
        account = await register(shop, "rani")
        first = await rename(shop, account, "Rani 1")
        await nats_connection.jetstream().delete_stream(settings.nats_stream)
        second = await rename(shop, account, "Rani 2")
        assert second == first + 1
        assert await name_of(shop, account) == "Rani 2"


async def test_it_tells_prometheus_how_far_it_is(settings: Settings, shop: ReadingServices) -> None:
    async with worker(settings) as process:
        port = re.search(r'"metrics_port": (\d+)', process.log[-1])
        assert port is not None
        account = await register(shop, "uma")
        place = await rename(shop, account, "Uma")
        page = await asyncio.to_thread(read, f"http://127.0.0.1:{port[1]}/metrics")
    assert f"kundan_projection_position {place:.1f}" in page
    assert 'kundan_parked_streams{projection="users"} 0.0' in page
    assert re.search(r"^kundan_worker_tasks [1-9]", page, re.MULTILINE)
    assert 'kundan_consumer_redeliveries_total{consumer="erased_person_loses_the_key"} 0.0' in page


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())


async def test_when_an_essential_task_dies_it_exits_with_a_fault(
    settings: Settings, shop: ReadingServices, mongo_client: AsyncMongoClient[dict[str, Any]]
) -> None:
    """Here the ledger lost what JetStream has: the sequencer refuses to go on."""
    async with worker(settings) as process:
        account = await register(shop, "tara")
        await rename(shop, account, "Tara")
        await process.end()
    await shop.read_models["ledger"].delete_many({})
    process = await started(settings)
    await process.until("task died")
    assert await process.end() == 70


async def test_two_workers_begin_an_empty_shop_together(settings: Settings) -> None:
    first, second = await asyncio.gather(started(settings), started(settings))
    try:
        await asyncio.gather(first.until("worker runs"), second.until("worker runs"))
    finally:
        await asyncio.gather(first.end(), second.end())
    assert first.process.returncode == second.process.returncode == 0
