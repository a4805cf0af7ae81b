"""What the worker tells Prometheus: how far the read models are, what is set aside, who retries."""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Sequence

import structlog
from prometheus_client import REGISTRY, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from pymongo.errors import PyMongoError

from domain.ports.events import EventStore
from integrations.messaging.dead_letters import Desk
from integrations.messaging.delivery import Delivery
from projections.runner import Runner

log = structlog.get_logger(__name__)

OBSERVE_SECONDS = 5.0
LOOPBACK = "127.0.0.1"


class WorkerMetrics(Collector):
    """Reads the runner's and the consumers' own figures; only the ends of history and of the dead letters
    are asked of the database, on a timer.
    """

    def __init__(
        self, runner: Runner, deliveries: Sequence[Delivery], *, store: EventStore, desk: Desk
    ) -> None:
        self._runner = runner
        self._deliveries = deliveries
        self._store = store
        self._desk = desk
        self._last_position = 0
        self._dead_letters = 0
        self._tasks = 0
        self._moved_to = 0
        self._moved_at = time.monotonic()

    async def observe(self, *, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                self._last_position = await self._store.last_position()
                self._dead_letters = await self._desk.count()
            except PyMongoError as e:
                log.warning("the worker cannot be observed", reason=repr(e))
            self._tasks = len(asyncio.all_tasks())
            self._note_progress()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(OBSERVE_SECONDS):
                    await stop.wait()

    def _note_progress(self) -> None:
        """A runner that has nothing to do is not late."""
        position = self._runner.position
        if position != self._moved_to or position >= self._last_position:
            self._moved_to, self._moved_at = position, time.monotonic()

    def collect(self) -> Iterable[Metric]:
        yield from self._of_projections()
        yield from self._of_consumers()

    def _of_projections(self) -> Iterable[Metric]:
        self._note_progress()
        position = self._runner.position
        lag = max(0, self._last_position - position)
        age = time.monotonic() - self._moved_at
        yield gauge("kundan_worker_tasks", "Tasks of the event loop", self._tasks)
        yield gauge("kundan_projection_position", "Events that the read models have", position)
        yield gauge("kundan_projection_lag_events", "Events that they have not", lag)
        yield gauge("kundan_projection_age_seconds", "Time since they last moved or had all", age)
        parked = GaugeMetricFamily(
            "kundan_parked_streams", "Streams that wait behind an event", labels=["projection"]
        )
        for projection in self._runner.all:
            count = sum(name == projection.name for name, _ in self._runner.standing.parked)
            parked.add_metric([projection.name], count)
        yield parked
        stored = self._runner.standing.versions
        others = sum(stored.get(p.name) != p.version for p in self._runner.all)
        yield gauge("kundan_projections_of_another_build", "Projections to be moved", others)
        stands_by = float(self._runner.is_superseded)
        yield gauge("kundan_projections_stand_by", "A newer build has the read models", stands_by)

    def _of_consumers(self) -> Iterable[Metric]:
        yield gauge(
            "kundan_dead_letters", "Events that consumers gave up or keep back", self._dead_letters
        )
        redelivered = CounterMetricFamily(
            "kundan_consumer_redeliveries", "Messages delivered again", labels=["consumer"]
        )
        position = GaugeMetricFamily(
            "kundan_consumer_position", "Last event handled or buried", labels=["consumer"]
        )
        for delivery in self._deliveries:
            redelivered.add_metric([delivery.name], delivery.redelivered)
            position.add_metric([delivery.name], delivery.position)
        yield redelivered
        yield position


def gauge(name: str, description: str, value: float) -> Metric:
    return GaugeMetricFamily(name, description, value=value)


class MetricsPage:
    """`http://127.0.0.1:<port>/metrics` while the block runs."""

    def __init__(self, metrics: WorkerMetrics, *, port: int) -> None:
        self._metrics = metrics
        self._port = port

    def __enter__(self) -> int:
        REGISTRY.register(self._metrics)
        self._server, self._thread = start_http_server(self._port, addr=LOOPBACK)
        return int(self._server.server_port)

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        REGISTRY.unregister(self._metrics)
