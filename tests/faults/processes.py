"""The whole shop as real processes: servers, gateway simulator, API and worker, to be killed one by one."""

import asyncio
import secrets
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import nats.errors
import nats.js.errors
from nats.aio.client import Client as NatsConnection
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from commands.reactions.policies import POLICIES
from embedded.data_directory import Ports, local_secrets
from embedded.given import Given
from embedded.program import Program
from embedded.servers import DATABASE, Mongod, NatsServer
from embedded.shop import plan
from integrations.event_store import Ledger, MongoEventStore, SubjectKeys
from integrations.event_store.relay import Relay
from integrations.messaging.connection import connect

ROOT = Path(__file__).parents[2]
STREAM = "EVENTS"
START_SECONDS = 60.0
QUIET_SECONDS = 90.0
"""A message that a killed worker had in hand comes again after 30 s."""
LOOK_SECONDS = 0.1
OURS = {
    "APP_ENV": "test",
    "RATE_LIMITS": "false",
    "DEMO_CATALOGUE": "false",
    "CONSISTENCY_WAIT_SECONDS": "0.5",
    "PYTHONPATH": str(ROOT),
}


class Processes:
    """Start with `start`, look with `store`, `database` and `stream`, break with the servers' faults."""

    def __init__(self, folder: Path) -> None:
        self.secrets = local_secrets(folder)
        self.shop = plan(_nothing_given(folder), self.secrets, Ports(folder))
        kept = {each.name: each for each in self.shop.kept}
        mongod, nats = kept["mongod"], kept["nats-server"]
        assert isinstance(mongod, Mongod)
        assert isinstance(nats, NatsServer)
        self.mongod, self.nats = mongod, nats
        for each in self.shop.kept:
            if isinstance(each, Program):
                each.environment = {**(each.environment or {}), **OURS}
        self.api = _program(kept["api"])
        self.worker = _program(kept["worker"])
        self.second = Program(
            "second worker",
            [sys.executable, "-m", "worker"],
            log_file=folder / "logs" / "second.log",
            environment={**(self.worker.environment or {}), "WORKER_METRICS_PORT": "0"},
        )

    @property
    def api_url(self) -> str:
        return self.shop.addresses["api"]

    @property
    def gateway_url(self) -> str:
        return self.shop.addresses["gateway"]

    # --- Starting and ending ---

    async def start(self) -> None:
        for kept in self.shop.kept:
            await asyncio.to_thread(kept.start)
        await self.heal()

    async def heal(self) -> None:
        """Everything runs again and says that it is ready; a second worker ends."""
        await self.end(self.second)
        for server in (self.mongod, self.nats):
            await asyncio.to_thread(server.start)
        async with httpx.AsyncClient(timeout=5) as http:
            for page in self.shop.ready_pages:
                await until(partial(self._serves, http, page), f"{page} answers")

    async def _serves(self, http: httpx.AsyncClient, page: str) -> bool:
        """A program that died because a server was away is started again, as a supervisor would."""
        for program in (self.api, self.worker):
            await asyncio.to_thread(program.start)
        try:
            return (await http.get(page)).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    async def kill(self, program: Program) -> None:
        """SIGKILL, also when it is stopped."""
        if program.process is not None:
            await asyncio.to_thread(program.process.kill)

    async def end(self, program: Program) -> None:
        await asyncio.to_thread(program.stop, within_seconds=10)

    async def restart(self, program: Program) -> None:
        await self.kill(program)
        await asyncio.to_thread(program.start)

    def freeze(self, program: Program) -> None:
        assert program.process is not None
        program.process.signal(signal.SIGSTOP)

    def thaw(self, program: Program) -> None:
        assert program.process is not None
        program.process.signal(signal.SIGCONT)

    async def close(self) -> None:
        await self.end(self.second)
        for kept in reversed(self.shop.kept):
            await asyncio.to_thread(kept.stop, within_seconds=10)


class Eyes:
    """Looks at the stores from outside, with the product's own readers."""

    def __init__(
        self, client: AsyncMongoClient[dict[str, Any]], nats: NatsConnection, master_key: bytes
    ) -> None:
        self.database: AsyncDatabase[dict[str, Any]] = client[DATABASE]
        self.ledger = Ledger(self.database)
        self.store = MongoEventStore(
            self.database, SubjectKeys(client[f"{DATABASE}_keys"], master_key)
        )
        self.nats = nats
        self.relay = Relay(nats, self.ledger, stream=STREAM)
        self.stream: JetStreamContext = nats.jetstream(timeout=5)

    async def has_unmarked_block(self) -> bool:
        block = await self.ledger.last_block()
        ids = [entry["commit"] for entry in block["entries"]] if block else []
        query = {"_id": {"$in": ids}, "pending": True}
        return await self.ledger.commits.find_one(query, {"_id": 1}) is not None

    async def has_pending_commits(self) -> bool:
        return await self.ledger.commits.find_one({"pending": True}, {"_id": 1}) is not None

    async def relay_is_behind(self) -> bool:
        return await self.published() < await self.store.last_position()

    async def projections_are_behind(self) -> bool:
        return await self.checkpoint() < await self.store.last_position()

    async def policies_are_behind(self) -> bool:
        """A consumer that was lost with its stream is behind until the watchdog has made it again."""
        infos = {info.name: info for info in await self.stream.consumers_info(STREAM)}
        if not infos.keys() >= {policy.name for policy in POLICIES}:
            return True
        return any(infos[p.name].num_pending or infos[p.name].num_ack_pending for p in POLICIES)

    async def published(self) -> int:
        """The stream's last sequence; -1 when there is none."""
        try:
            info = await self.stream.stream_info(STREAM)
        except NotFoundError:
            return -1
        return int(info.state.last_seq)

    async def checkpoint(self) -> int:
        found = await self.database["checkpoints"].find_one({"_id": "live"}) or {}
        return int(found.get("position", 0))


class Calm:
    """Is everything that was asked for done? Quiet means: twice in a row, at the same position."""

    def __init__(self, eyes: Eyes, gateway: httpx.AsyncClient) -> None:
        self.eyes = eyes
        self.gateway = gateway
        self.seen = -1

    async def reached(self) -> bool:
        position = await self.eyes.store.last_position()
        is_calm = not await self.restless() and position == self.seen
        self.seen = position
        return is_calm

    async def restless(self) -> list[str]:
        """What is still under way."""
        looks = {
            "commits are pending": self.eyes.has_pending_commits,
            "JetStream is behind": self.eyes.relay_is_behind,
            "projections are behind": self.eyes.projections_are_behind,
            "policies are behind": self.eyes.policies_are_behind,
            "webhooks wait": self._webhooks_wait,
        }
        return [what for what, look in looks.items() if await _is_so(look)]

    async def _webhooks_wait(self) -> bool:
        answer = await self.gateway.get("/_sim/webhooks")
        return bool(answer.raise_for_status().json()["waiting"])

    async def wait(self) -> None:
        try:
            await until(self.reached, "all is quiet", seconds=QUIET_SECONDS)
        except TimeoutError as e:
            raise TimeoutError(f"not quiet: {await self.restless()}") from e


async def _is_so(look: Callable[[], Awaitable[bool]]) -> bool:
    """What cannot be asked, because a stream or a server is away for the moment, is not at rest."""
    try:
        return await look()
    except (nats.errors.Error, nats.js.errors.Error):
        return True


async def until(
    condition: Callable[[], Awaitable[bool]], what: str, *, seconds: float = START_SECONDS
) -> None:
    """Poll. Raise TimeoutError that says what did not come."""
    deadline = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds:.0f} s it is not so that {what}")
        await asyncio.sleep(LOOK_SECONDS)


async def open_eyes(
    client: AsyncMongoClient[dict[str, Any]], processes: Processes
) -> tuple[Eyes, NatsConnection]:
    connection = await connect(
        processes.shop.addresses["nats"], name=f"eyes-{secrets.token_hex(2)}"
    )
    return Eyes(client, connection, bytes.fromhex(processes.secrets["MASTER_KEY"])), connection


def _program(kept: object) -> Program:
    assert isinstance(kept, Program)
    return kept


def _nothing_given(folder: Path) -> Given:
    """Whatever `.env` and the environment say: every server is one of ours."""
    unset = dict.fromkeys(
        (
            *("mongodb_url", "nats_url", "redis_url", "smtp_host", "public_base_url"),
            *("razorpay_key_id", "razorpay_key_secret", "razorpay_webhook_secret"),
            *("razorpay_base_url", "jwt_secret_key", "master_key", "admin_email", "admin_password"),
        )
    )
    values: dict[str, Any] = {"port": 0, "data_dir": folder, "demo_catalogue": False, **unset}
    return Given(_env_file=None, **values)  # type: ignore[call-arg]
