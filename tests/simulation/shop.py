"""One simulated shop: two API processes, two workers, users, a broker that forgets; the product's own code.

`storm` runs it from one seed through crashes, stops and losses, then lets it come to rest and looks
whether every promise was kept.
"""

import asyncio
import random
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any, cast

from pymongo.errors import PyMongoError

from commands.queues import Queues
from commands.unit_of_work import UnitOfWork, carry_out
from domain.errors import ConcurrencyConflict, Unavailable
from domain.ports.events import CommandContext, RecordedEvent
from domain.read_models import Batch, Index, Standing
from integrations.event_store import relay
from integrations.event_store.ledger import Ledger
from integrations.event_store.mapping import recorded
from integrations.event_store.memory import MemoryKeys
from integrations.event_store.relay import Relay
from integrations.event_store.sequencer import Sequencer
from integrations.event_store.store import MongoEventStore
from integrations.event_store.verify import Verification
from projections.memory import MemoryReadModels, fold
from projections.projection import Append, Change, Increment, Projection, Put
from projections.runner import Runner
from tests.integrations.event_store.ledgerbook import LineWritten, Notebook, NotebookOpened
from tests.simulation.jetstream import FakeFeed, FakeNats
from tests.simulation.mongo import FakeDatabase
from tests.simulation.virtual_time import run
from tests.simulation.world import CALM, Document, Mechanisms, Process, ViolationError, World
from worker import messages_of

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
STORM_SECONDS = 4.0
REST_SECONDS = 60.0
USERS, COMMANDS, NOTEBOOKS = 5, 5, 3
BLOCK_COMMITS = 3
"""Small, so that a backlog is soon larger than a block."""
CLAIMS_KEY = b"c" * 32


def notebooks() -> Projection:
    projection = Projection("notebooks", version=1)

    @projection.on(NotebookOpened)
    def opened(_: NotebookOpened, at: datetime) -> Change:
        return Put({"lines": 0, "texts": [], "at": at})

    @projection.on(LineWritten)
    def written(event: LineWritten, _: datetime) -> tuple[Change, ...]:
        return Increment({"lines": 1}), Append("texts", event.text)

    return projection


class SimulatedLedger(Ledger):
    """The product's, from which mechanisms can be taken."""

    def __init__(self, world: World, process: Process) -> None:
        super().__init__(cast("Any", FakeDatabase(world, process)), block_commits=BLOCK_COMMITS)
        self._world = world

    async def seal(self) -> Any:
        if not self._world.on.finish_last_block:
            self._finished = sys.maxsize
        return await super().seal()

    async def _in_causal_order(
        self, pending: Sequence[Document], *, is_all: bool
    ) -> list[Document]:
        if not self._world.on.causal_order:
            return sorted(pending, key=itemgetter("at"))
        return await super()._in_causal_order(pending, is_all=is_all)


class SimulatedStore(MongoEventStore):
    def __init__(self, world: World, process: Process, keys: MemoryKeys, skew: float = 0.0) -> None:
        def clock() -> datetime:
            return START + timedelta(seconds=asyncio.get_running_loop().time() + skew)

        super().__init__(cast("Any", FakeDatabase(world, process)), keys, clock=clock)
        self._world = world

    async def read_commits(self, *, after_position: int, limit: int) -> list[Document]:
        if self._world.on.history_stops_at_a_hole:
            return await super().read_commits(after_position=after_position, limit=limit)
        found = self._commits.find({"position": {"$gt": after_position}}).sort("position", 1)
        return await found.limit(limit).to_list()


class SimulatedReadModels:
    """The in-memory twin, far away: answers get lost, and a crash may come before or after."""

    def __init__(self, world: World, process: Process, kept: MemoryReadModels) -> None:
        self._world = world
        self._process = process
        self._kept = kept

    async def standing(self) -> Standing:
        await self._called()
        return await self._kept.standing()

    async def adopt(self, name: str, *, version: int, indexes: Sequence[Index]) -> None:
        await self._called()
        await self._kept.adopt(name, version=version, indexes=indexes)

    async def ensure_indexes(self, name: str, indexes: Sequence[Index]) -> None:
        await self._called()
        await self._kept.ensure_indexes(name, indexes)

    async def apply(self, batch: Batch) -> None:
        await self._called()
        if self._world.on.position_moves_with_the_documents:
            await self._kept.apply(batch)
        else:
            self._kept.collections = self._kept._with(batch)
            await self._world.pause(self._process)
            self._kept.position = batch.position
        await self._world.pause(self._process)
        if self._world.fails(self._world.chances.lost_answer):
            raise Unavailable("the answer was lost")

    async def end_stale_fence(self) -> None:
        """There is none."""

    async def _called(self) -> None:
        await self._world.pause(self._process)
        if self._world.fails(self._world.chances.lost_request):
            raise Unavailable("the request was lost")


@dataclass
class Shop:
    world: World
    keys: MemoryKeys = field(default_factory=MemoryKeys)
    read_models: MemoryReadModels = field(default_factory=MemoryReadModels)
    acknowledged: set[str] = field(default_factory=set)
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    projection: Projection = field(default_factory=notebooks)
    apis: dict[str, tuple[Process, SimulatedStore, Queues]] = field(default_factory=dict)
    failure: BaseException | None = None

    # --- Processes ---

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        return task

    async def keep_alive(self, name: str, live: Callable[[Process], Awaitable[None]]) -> None:
        """As a supervisor does: another one begins when one has crashed or given up."""
        while True:
            process = Process(name)
            life, crash = self.start(_as_task(live(process))), self.start(process.crashed.wait())
            await asyncio.wait({life, crash}, return_when=asyncio.FIRST_COMPLETED)
            process.die()  # when one of its tasks has ended, the others end with it
            error = life.exception() if life.done() else None
            if error is not None and not isinstance(error, Unavailable):
                self.failure = self.failure or error
            await asyncio.sleep(self.world.dice.uniform(0.05, 0.5))

    async def worker(self, process: Process) -> None:
        world, stop = self.world, asyncio.Event()
        ledger = SimulatedLedger(world, process)
        publisher = Relay(cast("Any", FakeNats(world, process)), ledger)
        await publisher.ensure_stream()
        runner = Runner(
            [self.projection],
            read_models=cast("Any", SimulatedReadModels(world, process, self.read_models)),
            history=SimulatedStore(world, process, self.keys),
        )
        feed = FakeFeed(world, process)
        sequencer = Sequencer(
            ledger, publisher, sealed=lambda sealed: feed.offer(messages_of(sealed))
        )
        sequencing = self.start(self.sequence(sequencer, stop))
        projecting = self.start(runner.run(feed, stop=stop))
        done, _ = await asyncio.wait({sequencing, projecting}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def sequence(self, sequencer: Sequencer, stop: asyncio.Event) -> None:
        try:
            await sequencer.run(stop)
        except PyMongoError as e:  # at its start only: later ones are its own business
            raise Unavailable("MongoDB is away") from e

    async def api(self, process: Process) -> None:
        """Its clock may be wrong by seconds."""
        skew = self.world.dice.choice([0.0, -2.0, 3.0])
        store = SimulatedStore(self.world, process, self.keys, skew)
        self.apis[process.name] = process, store, Queues()
        await process.crashed.wait()

    # --- Users ---

    async def user(self, number: int) -> None:
        for command in range(COMMANDS):
            await self.insist(f"command-{number}-{command}")
            await asyncio.sleep(self.world.dice.uniform(0, STORM_SECONDS / COMMANDS))

    async def insist(self, command_id: str) -> None:
        """Ask again under the same id, of whichever API process answers, until it is done."""
        notebook = f"{self.world.dice.randrange(NOTEBOOKS):024x}"
        while command_id not in self.acknowledged:
            process, store, queues = self.apis[self.world.dice.choice(sorted(self.apis))]
            asking = self.start(self.ask(command_id, notebook, store, queues))
            crash = self.start(process.crashed.wait())
            await asyncio.wait(
                {asking, crash}, return_when=asyncio.FIRST_COMPLETED, timeout=self.patience()
            )
            if asking.done() and (error := asking.exception()) is not None:
                raise ViolationError(f"a command cannot be carried out: {error!r}") from error
            await asyncio.sleep(self.world.dice.uniform(0.01, 0.3))

    def patience(self) -> float:
        return self.world.dice.uniform(0.5, 10)

    async def ask(
        self, command_id: str, notebook: str, store: SimulatedStore, queues: Queues
    ) -> None:
        async def write(work: UnitOfWork) -> Notebook:
            found = await work.find(Notebook, notebook)
            if found is None:
                found = work.add(Notebook.open(notebook, owner_id="asha", owner_name="Asha"))
            found.write(command_id)
            return found

        context = CommandContext(
            command="WriteLine", actor="user-asha", correlation="r", command_id=command_id
        )
        try:
            await carry_out(write, context, store, claims_key=CLAIMS_KEY, queues=queues)
        except (Unavailable, ConcurrencyConflict, PyMongoError):
            return
        self.acknowledged.add(command_id)

    # --- The broker's bad moments ---

    async def broker_forgets(self) -> None:
        world = self.world
        while True:
            await asyncio.sleep(world.dice.expovariate(2))
            if world.stream and world.fails(world.chances.lost_tail):
                del world.stream[-world.dice.randint(1, len(world.stream)) :]
            if world.fails(world.chances.deleted_stream):
                world.stream = None

    # --- Promises ---

    def is_at_rest(self) -> bool:
        end = len(self.history())
        unplaced = any("position" not in commit for commit in self.world.commits.values())
        return not unplaced and len(self.world.stream or []) == end == self.read_models.position

    def undone(self, users: Sequence[asyncio.Task[Any]]) -> dict[str, int]:
        return {
            "users": sum(not user.done() for user in users),
            "commits without a place": sum(
                "position" not in c for c in self.world.commits.values()
            ),
            "ledger": len(self.history()),
            "JetStream": len(self.world.stream or []),
            "read model": self.read_models.position,
        }

    def history(self) -> list[RecordedEvent]:
        commits = {commit["_id"]: commit for commit in self.world.commits.values()}
        events: list[RecordedEvent] = []
        for commit_id in self.world.sealed():
            commit = commits[commit_id]
            for stored in commit["events"]:
                keys = {"asha": b"asha".ljust(32, b".")}
                events.append(recorded(commit, stored, len(events) + 1, keys))
        return events

    def check(self) -> None:
        """Raise ViolationError for the first promise that is broken."""
        history = self.history()
        commits = {commit["_id"]: commit for commit in self.world.commits.values()}
        verification = Verification()
        for block in self.world.blocks.values():
            verification.block(block, {e["commit"]: commits[e["commit"]] for e in block["entries"]})
        if findings := verification.finish():
            raise ViolationError(f"the ledger does not verify: {findings[0]}")
        written = [r.event.text for r in history if isinstance(r.event, LineWritten)]
        if len(set(written)) < len(written):
            raise ViolationError("a command had two effects")
        if lost := self.acknowledged - set(written):
            raise ViolationError(f"acknowledged and lost: {sorted(lost)}")
        if self.world.stream != self.world.bodies():
            raise ViolationError("JetStream is not the ledger")
        if self.read_models.collections["notebooks"] != fold(self.projection, history):
            raise ViolationError("the read model is not the fold of the ledger")


def storm(seed: int, on: Mechanisms | None = None) -> World:
    """One run. Raise ViolationError when a promise is broken, or when work stays undone."""
    before, atomic_from = random.getstate(), relay.ATOMIC_FROM
    random.seed(seed)  # the product's jitter
    relay.ATOMIC_FROM = random.Random(seed).choice([2, 3, atomic_from])
    try:
        return run(_storm(World(random.Random(seed), on or Mechanisms())))
    finally:
        random.setstate(before)
        relay.ATOMIC_FROM = atomic_from


async def _storm(world: World) -> World:
    shop = Shop(world)
    try:
        for name in ("api-1", "api-2"):
            _ = shop.start(shop.keep_alive(name, shop.api))
        for name in ("worker-1", "worker-2"):
            _ = shop.start(shop.keep_alive(name, shop.worker))
        _ = shop.start(shop.broker_forgets())
        await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        users = [shop.start(shop.user(number)) for number in range(USERS)]
        await asyncio.sleep(STORM_SECONDS)
        world.chances = CALM
        await _until_rest(shop, users)
        shop.check()
    finally:
        for task in shop.tasks:
            task.cancel()
        await asyncio.gather(*shop.tasks, return_exceptions=True)
    return world


async def _until_rest(shop: Shop, users: Sequence[asyncio.Task[Any]]) -> None:
    deadline = asyncio.get_running_loop().time() + REST_SECONDS
    while not (all(user.done() for user in users) and shop.is_at_rest()):
        if shop.failure is not None:
            raise ViolationError(f"a worker died of {shop.failure!r}") from shop.failure
        if shop.world.violation is not None:
            raise ViolationError(shop.world.violation)
        if asyncio.get_running_loop().time() > deadline:
            raise ViolationError(f"work stays undone for ever: {shop.undone(users)}")
        await asyncio.sleep(0.1)
    for user in users:
        user.result()


async def _as_task(work: Awaitable[None]) -> None:
    await work
