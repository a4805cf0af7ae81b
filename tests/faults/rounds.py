"""The faults: who is killed, stopped, rolled back, and when. Each runs while customers shop.

Moments are chosen by stopping a process (SIGSTOP), looking at the stores, and killing it when they are
in the state that is wanted: so the steps of the failure table are met without a line in the product.
"""

import asyncio
import os
import random
import secrets
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from nats.js.errors import NotFoundError

from embedded.server import Server
from tests.faults.processes import STREAM, Eyes, Processes

SEED = int(os.environ.get("FAULT_SEED") or secrets.randbelow(1_000_000))
PASSES = int(os.environ.get("FAULT_ROUNDS") or 1)
LOG: list[str] = []
"""What each round did, for the end of the run."""

CATCHES = 60
"""How often a process is stopped and looked at before it is killed wherever it stands."""
LEASE_SECONDS = 2.0


class Stage:
    def __init__(self, processes: Processes, eyes: Eyes, dice: random.Random) -> None:
        self.processes = processes
        self.eyes = eyes
        self.dice = dice
        self.told: list[str] = []
        """What happened, for whoever reads the log of a failure."""

    def tell(self, sentence: str) -> None:
        self.told.append(sentence)

    async def while_shopping(self, low: float = 0.2, high: float = 1.5) -> None:
        """Let customers go on for a time that the seed chooses."""
        await asyncio.sleep(self.dice.uniform(low, high))

    async def kill_worker_when(self, state: Callable[[], Awaitable[bool]], name: str) -> None:
        worker = self.processes.worker
        for look in range(CATCHES):
            await asyncio.sleep(self.dice.uniform(0.002, 0.05))
            self.processes.freeze(worker)
            if await state():
                self.tell(f"killed while {name}, at look {look + 1}")
                break
            self.processes.thaw(worker)
        else:
            self.tell(f"never seen while {name}; killed all the same")
        await self.processes.kill(worker)


Round = Callable[[Stage], Awaitable[None]]


async def worker_killed_at_each_step(stage: Stage) -> None:
    """Sequencer, relay, projector and policy, each between its two writes."""
    eyes, processes = stage.eyes, stage.processes
    steps: list[tuple[Callable[[], Awaitable[bool]], str]] = [
        (eyes.has_unmarked_block, "a block is written and its commits are not all marked"),
        (eyes.relay_is_behind, "JetStream is behind the ledger"),
        (eyes.projections_are_behind, "the read models are behind the ledger"),
        (eyes.policies_are_behind, "a policy has an event in hand"),
    ]
    stage.dice.shuffle(steps)
    for state, name in steps:
        await processes.heal()
        await stage.while_shopping()
        await stage.kill_worker_when(state, name)


async def api_killed_in_the_middle_of_requests(stage: Stage) -> None:
    for _ in range(2):
        await stage.while_shopping(0.5, 2.0)
        await stage.processes.kill(stage.processes.api)
        await stage.while_shopping(0.0, 0.5)
        await stage.processes.heal()
    await stage.while_shopping()


async def old_leader_wakes_up(stage: Stage) -> None:
    """The worker is stopped for longer than its lease, another takes over, then the first goes on."""
    processes = stage.processes
    await asyncio.to_thread(processes.second.start)
    await stage.while_shopping(2.0, 3.0)
    for _ in range(2):
        processes.freeze(processes.worker)
        await stage.while_shopping(LEASE_SECONDS + 0.5, LEASE_SECONDS + 1.5)
        processes.thaw(processes.worker)
        await stage.while_shopping()


async def nats_killed(stage: Stage) -> None:
    for _ in range(2):
        await stage.while_shopping()
        await killed_for_a_while(stage, stage.processes.nats)
    await stage.while_shopping()


async def nats_rolled_back_to_an_older_copy(stage: Stage) -> None:
    await stage.while_shopping()
    older = await stage.eyes.published()
    await killed_for_a_while(stage, stage.processes.nats, meanwhile=_copy)
    await stage.while_shopping(3.0, 4.0)
    newer = await stage.eyes.published()
    await killed_for_a_while(stage, stage.processes.nats, meanwhile=_roll_back)
    stage.tell(f"JetStream was rolled back from {newer} to about {older}")
    await stage.while_shopping()


async def nats_loses_its_directory(stage: Stage) -> None:
    await stage.while_shopping()
    await killed_for_a_while(stage, stage.processes.nats, meanwhile=_delete)
    await stage.while_shopping()


async def stream_deleted(stage: Stage) -> None:
    for _ in range(2):
        await stage.while_shopping()
        try:
            await stage.eyes.stream.delete_stream(STREAM)
        except NotFoundError:
            stage.tell("the stream was not there yet")
    await stage.while_shopping()


async def mongod_killed(stage: Stage) -> None:
    for _ in range(2):
        await stage.while_shopping()
        await killed_for_a_while(stage, stage.processes.mongod)
    await stage.while_shopping()


async def servers_stopped_for_a_while(stage: Stage) -> None:
    """Connections stay open and nobody answers."""
    for server in (stage.processes.mongod, stage.processes.nats):
        await stage.while_shopping()
        server.pause()
        await stage.while_shopping(1.0, 3.0)
        server.resume()
    await stage.while_shopping()


async def everything_killed_in_any_order(stage: Stage) -> None:
    processes = stage.processes
    victims: list[Any] = [processes.worker, processes.api, processes.nats, processes.mongod]
    for victim in stage.dice.sample(victims, 4):
        await stage.while_shopping(0.0, 0.6)
        stage.tell(f"{victim.name} killed")
        if isinstance(victim, Server):
            await asyncio.to_thread(victim.kill)
        else:
            await processes.kill(victim)
    await processes.heal()
    await stage.while_shopping()


ROUNDS: tuple[Round, ...] = (
    worker_killed_at_each_step,
    api_killed_in_the_middle_of_requests,
    old_leader_wakes_up,
    nats_killed,
    nats_rolled_back_to_an_older_copy,
    nats_loses_its_directory,
    stream_deleted,
    mongod_killed,
    servers_stopped_for_a_while,
    everything_killed_in_any_order,
)


async def killed_for_a_while(
    stage: Stage, server: Server, *, meanwhile: Callable[[Path], None] | None = None
) -> None:
    """`meanwhile` may change the dead server's store."""
    await asyncio.to_thread(server.kill)
    if meanwhile is not None:
        await asyncio.to_thread(meanwhile, server.data_dir / "store")
    await stage.while_shopping(0.0, 1.0)
    await asyncio.to_thread(server.start)


def _copy(store: Path) -> None:
    shutil.rmtree(_older(store), ignore_errors=True)
    shutil.copytree(store, _older(store))


def _roll_back(store: Path) -> None:
    shutil.rmtree(store)
    _older(store).rename(store)


def _delete(store: Path) -> None:
    shutil.rmtree(store)


def _older(store: Path) -> Path:
    return store.with_name("store-older")
