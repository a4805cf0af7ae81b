"""The message process: sequencer, relay, projections, policies and timers. `python -m worker`.

Any number may run. SIGTERM ends it in order: what is in hand is finished, then connections close. When
one of its essential tasks dies it exits with 70, and the supervisor starts it anew.
"""

import asyncio
import contextlib
import gc
import hashlib
import random
import signal
import sys
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any

import structlog
from pymongo.errors import PyMongoError

from bootstrap import open_services
from commands.reactions.policies import POLICIES, ROUNDS
from commands.reactions.policy import Policy
from commands.reactions.rounds import Round, Whole
from dependencies.reading import ReadingServices
from domain.errors import Unavailable
from domain.ports.events import RecordedEvent
from domain.read_models import Message, MovedError
from integrations.builds import Builds
from integrations.event_store import COMMITTED_SUBJECT, Ledger
from integrations.event_store.ledger import Sealed
from integrations.event_store.relay import Relay
from integrations.event_store.sequencer import Lease, Sequencer
from integrations.logs import configure_logs
from integrations.messaging.announcements import Announcer, applied_subject
from integrations.messaging.consumers import Consumer, Consumers
from integrations.messaging.dead_letters import Desk
from integrations.messaging.feed import JetStreamFeed
from integrations.read_models import MongoReadModels
from integrations.rebuilding import MongoBuilding
from projections import PROJECTIONS
from projections.projection import Projection
from projections.rebuild import rebuild
from projections.runner import Runner
from settings import Settings, load_settings
from worker_metrics import MetricsPage, WorkerMetrics

log = structlog.get_logger("worker")

SOFTWARE_FAULT = 70
GRACE_SECONDS = 25.0
LONGEST_PAUSE = 600.0
MOST_FAILURES = 10
BEAT_SECONDS = 5.0
"""Far shorter than the half minute for which a build counts as at work."""
LONGEST_PAUSE_OF_MOVES = 20.0


@dataclass
class Tasks:
    """Those that must all run until `stop`; the first to end earlier ends the worker."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    running: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self, name: str, work: Awaitable[None]) -> None:
        async def run() -> None:
            await work

        self.running.append(asyncio.create_task(run(), name=name))

    async def until_stopped(self) -> bool:
        """Wait for `stop`, or for the death of a task; end all. False when one had died."""
        stopping = asyncio.create_task(self.stop.wait())
        await asyncio.wait({stopping, *self.running}, return_when=asyncio.FIRST_COMPLETED)
        dead = [task for task in self.running if task.done() and not self.stop.is_set()]
        for task in dead:
            log.critical("task died", task=task.get_name(), exc_info=task.exception())
        self.stop.set()
        await stopping
        _, late = await asyncio.wait(self.running, timeout=GRACE_SECONDS)
        for task in late:
            log.error("task did not end in time", task=task.get_name())
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)
        return not dead and not late


async def work(
    services: ReadingServices, *, metrics_port: int = 0, tasks: Tasks | None = None
) -> bool:
    """Run until `tasks.stop` is set. False when an essential task died."""
    tasks = tasks or Tasks()
    runner = runner_of(services)
    await MongoReadModels(services.read_models).prepare()
    desk = Desk(services.read_models)
    consumers = consumers_of(services, desk)
    feed = JetStreamFeed(broker(services), stream=services.settings.nats_stream)
    await sequence(services, tasks, feed=feed)
    await consumers.start(last_position=await services.store.last_position())
    tasks.start("projections", runner.run(feed, stop=tasks.stop))
    tasks.start("policies", consumers.run(stop=tasks.stop))
    for each in ROUNDS:
        tasks.start(each.name, keep_going(each, services, stop=tasks.stop))
    tasks.start("read models", keep_read_models_ours(services, stop=tasks.stop))
    metrics = WorkerMetrics(runner, consumers.deliveries, store=services.store, desk=desk)
    tasks.start("metrics", metrics.observe(stop=tasks.stop))
    gc.freeze()  # what is here now stays: the collector need not walk through it again and again
    with MetricsPage(metrics, port=metrics_port) as port:
        log.info("worker runs", metrics_port=port)
        sound = await tasks.until_stopped()
    await consumers.close()
    await feed.close()
    return sound


def broker(services: ReadingServices) -> Any:
    assert services.nats is not None, "a worker without a broker"
    return services.nats


async def sequence(services: ReadingServices, tasks: Tasks, *, feed: JetStreamFeed) -> None:
    """Start sequencer and relay. A word from an API process wakes them at once.

    What is sealed here goes to the projections at once, not only when JetStream brings it.
    """
    settings = services.settings
    ledger = Ledger(services.read_models)
    relay = Relay(
        broker(services), ledger, stream=settings.nats_stream, replicas=settings.nats_replicas
    )
    await relay.ensure_stream()
    sequencer = Sequencer(
        ledger,
        relay,
        lease=Lease(services.read_models),
        sealed=lambda sealed: feed.offer(messages_of(sealed)),
    )

    async def wake(_message: object) -> None:
        sequencer.wake()

    await broker(services).subscribe(COMMITTED_SUBJECT, cb=wake)
    tasks.start("sequencer", sequencer.run(tasks.stop))


def messages_of(sealed: Sealed) -> list[Message]:
    """A block's events as JetStream will bring them."""
    return [Message(position, body) for position, _, _, body in sealed.events]


def runner_of(services: ReadingServices) -> Runner:
    subject = applied_subject(services.settings.nats_stream)
    return Runner(
        PROJECTIONS,
        read_models=MongoReadModels(services.read_models),
        history=services.store,
        announce=Announcer(broker(services), subject=subject),
    )


def consumers_of(services: ReadingServices, desk: Desk) -> Consumers:
    return Consumers(
        services.settings.nats_url,
        [consumer_of(policy, services) for policy in POLICIES],
        stream=services.settings.nats_stream,
        decoder=services.store,
        desk=desk,
    )


def consumer_of(policy: Policy, services: ReadingServices) -> Consumer:
    async def handle(recorded: RecordedEvent) -> None:
        await policy(recorded, services)

    topics = tuple(event_class.TOPIC for event_class in policy.on)
    return Consumer(name=policy.name, topics=topics, handle=handle, description=policy.sentence)


async def keep_read_models_ours(services: ReadingServices, *, stop: asyncio.Event) -> None:
    """Build what is not of this build's version beside what serves, and move it in; new ones too.

    Higher versions win. Lower ones are taken back to only when no newer worker is left: a rollback.
    """
    versions = {p.name: p.version for p in PROJECTIONS}
    builds = Builds(services.read_models, versions, indexes=digest_of_indexes())
    is_tidy = False
    beating = asyncio.create_task(keep_beating(builds, stop=stop), name="builds")
    failures = 0
    try:
        while not stop.is_set():
            try:
                await builds.beat()
                for projection in await not_ours(services, builds):
                    await move(projection, services)
                is_tidy = await tidied(services, builds, is_tidy=is_tidy)
                failures = 0
            except (MovedError, Unavailable, PyMongoError) as e:
                failures = min(failures + 1, MOST_FAILURES)
                log.warning("read models not moved yet", failures=failures, reason=repr(e))
            await pause(min(BEAT_SECONDS + 2**failures, LONGEST_PAUSE_OF_MOVES), stop=stop)
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
        await builds.leave()


async def tidied(services: ReadingServices, builds: Builds, *, is_tidy: bool) -> bool:
    """Drop indexes that no build at work wants, once all agree. An older build that starts beside a newer one
    must not take away what that has just made.
    """
    read_models = MongoReadModels(services.read_models)
    ours = {projection.name: projection.version for projection in PROJECTIONS}
    if not await builds.agree() or (await read_models.standing()).versions != ours:
        return False
    if not is_tidy:
        for projection in PROJECTIONS:
            await read_models.drop_unwanted_indexes(projection.name, projection.indexes)
    return True


def digest_of_indexes() -> str:
    told = repr([(p.name, p.indexes) for p in PROJECTIONS])
    return hashlib.sha256(told.encode()).hexdigest()


async def keep_beating(builds: Builds, *, stop: asyncio.Event) -> None:
    """Also while a collection is filled for an hour: an older build would think that we are gone."""
    while not stop.is_set():
        try:
            await builds.beat()
        except Unavailable as e:
            log.warning("this build is not heard", reason=e.detail)
        await pause(BEAT_SECONDS, stop=stop)


async def pause(seconds: float, *, stop: asyncio.Event) -> None:
    """About so long, or until `stop`."""
    spread = random.uniform(0.8, 1.2)  # noqa: S311 # spreads load, hides nothing
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds * spread):
            await stop.wait()


async def not_ours(services: ReadingServices, builds: Builds) -> list[Projection]:
    """Those to move. What only a newer build knew is forgotten when that is gone."""
    read_models = MongoReadModels(services.read_models)
    standing = await read_models.standing()
    if not standing.position:  # the runner adopts them in an empty shop
        return []
    ours = {projection.name: projection.version for projection in PROJECTIONS}
    if any(version > ours.get(name, 0) for name, version in standing.versions.items()):
        if await builds.is_newer_at_work():
            return []
        await read_models.forget(standing.versions.keys() - ours.keys())
    return [p for p in PROJECTIONS if standing.versions.get(p.name) != p.version]


async def move(projection: Projection, services: ReadingServices) -> None:
    log.info("projection is built anew", projection=projection.name, version=projection.version)
    building = MongoBuilding(services.read_models, projection.name, version=projection.version)
    end = await rebuild(projection, building=building, history=services.store)
    log.info("projection moved", projection=projection.name, position=end)


async def keep_going(
    this: Round | Whole, services: ReadingServices, *, stop: asyncio.Event
) -> None:
    """Round and round, a little early or late, so that two workers seldom meet; slower while it fails. No
    fault of a round is the worker's death.
    """
    failures = 0
    while not stop.is_set():
        try:
            await this(services)
            failures = 0
        except Exception as e:  # noqa: BLE001 - the next round is the remedy, and the log tells
            failures = min(failures + 1, MOST_FAILURES)
            log.warning("round failed", round=this.name, failures=failures, reason=repr(e))
        longest = max(LONGEST_PAUSE, this.every_seconds)
        await pause(min(this.every_seconds * 2**failures, longest), stop=stop)


async def main(settings: Settings) -> int:
    """Work until SIGTERM or SIGINT; the exit code."""
    tasks = Tasks()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, tasks.stop.set)
    async with open_services(settings, role="worker") as services:
        sound = await work(services, metrics_port=settings.worker_metrics_port, tasks=tasks)
    log.info("worker ends", sound=sound)
    return 0 if sound else SOFTWARE_FAULT


def run() -> int:
    settings = load_settings()
    configure_logs(settings.log_level)
    if sys.platform == "win32":
        return asyncio.run(main(settings))
    import uvloop  # noqa: PLC0415 # there is none for Windows

    return uvloop.run(main(settings))


if __name__ == "__main__":
    sys.exit(run())
