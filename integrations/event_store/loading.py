"""One load path: what is known of an aggregate, and the events after that.

Known is what the process has kept, else a snapshot, else nothing. A snapshot is read with the event that it
ends with: when that is not there, history was restored from before it, and the snapshot is of no use.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.kernel import AggregateRoot
from domain.ports.events import PersonalKeys
from integrations.event_store.kept import KeptAggregates
from integrations.event_store.mapping import subjects_of, to_event
from integrations.event_store.snapshots import Snapshots
from integrations.event_store.streams import PAGE_EVENTS, Stored, Streams

SNAPSHOT_ON_THE_WAY = 10_000
"""A long fold leaves a snapshot so often, so that the next one gets further if this is cut short."""
BULK = 64
"""Who asks for more at once passes through a catalogue, and would push out what is in use."""


@dataclass(slots=True)
class _Known:
    """Where a load begins. `after`: the events from the one after this version are still to be folded."""

    aggregate: Any = None
    after: int = 0
    snapshot_version: int = 0
    is_kept: bool = False

    @property
    def is_snapshot(self) -> bool:
        return self.aggregate is not None and not self.is_kept


class Loading:
    def __init__(self, streams: Streams, keys: PersonalKeys, snapshots: Snapshots) -> None:
        self._streams = streams
        self._keys = keys
        self._snapshots = snapshots
        self.kept = KeptAggregates(keys)

    async def load(
        self, aggregate_class: type[AggregateRoot], streams: Sequence[str]
    ) -> dict[str, Any]:
        """Those that exist, by stream. Each is the caller's own."""
        forgotten = self._keys.forgotten
        known = await self._known(aggregate_class, streams)
        places = {stream: (stream, one.after) for stream, one in known.items()}
        pages = await self._streams.pages(list(places.values()))
        keys = await self._keys_of([stored for page in pages.values() for stored in page])
        found: dict[str, Any] = {}
        for stream, one in known.items():
            page = pages.get(places[stream], [])
            is_as_kept = one.is_kept and not page
            aggregate = one.aggregate if is_as_kept else await self._fold(stream, one, page, keys)
            if aggregate is not None:
                keep = not is_as_kept and len(streams) <= BULK
                found[stream] = self._keep(aggregate, one, forgotten) if keep else aggregate
        return found

    async def _known(
        self, aggregate_class: type[AggregateRoot], streams: Sequence[str]
    ) -> dict[str, _Known]:
        known: dict[str, _Known] = {}
        for stream in streams:
            if (kept := self.kept.copy_of(aggregate_class, stream)) is not None:
                aggregate, snapshot_version = kept
                known[stream] = _Known(aggregate, aggregate.version, snapshot_version, is_kept=True)
        unknown = [stream for stream in streams if stream not in known]
        snapshots = await self._snapshots.latest(aggregate_class, unknown) if unknown else {}
        for stream in unknown:
            snapshot = snapshots.get(stream)
            if snapshot is None:
                known[stream] = _Known()
            else:
                known[stream] = _Known(snapshot, snapshot.version - 1, snapshot.version)
        return known

    async def _keys_of(self, page: Sequence[Stored]) -> Mapping[str, bytes]:
        subjects = subjects_of(stored for stored, _ in page)
        return await self._keys.get(subjects) if subjects else {}

    def _keep(self, aggregate: Any, known: _Known, forgotten: int) -> Any:
        """A copy for the caller, who may change it."""
        version = known.snapshot_version
        self.kept.keep(aggregate, snapshot_version=version, forgotten=forgotten)
        return aggregate.copy()

    async def _fold(
        self, stream: str, known: _Known, page: list[Stored], keys: Mapping[str, bytes]
    ) -> Any:
        """However long the stream is, a page at a time."""
        aggregate, after = known.aggregate, known.after
        if known.is_snapshot and (not page or page[0][0]["version"] != known.snapshot_version):
            return await self._fold_all(stream)
        while page:
            for stored, at in page:
                if aggregate is None or stored["version"] > aggregate.version:
                    aggregate = to_event(stored, at, keys).mutate(aggregate)
            if len(page) < PAGE_EVENTS:
                break
            await self._offer(aggregate, known, every=SNAPSHOT_ON_THE_WAY)
            after += PAGE_EVENTS
            page = await self._streams.page(stream, after_version=after)
            keys = await self._keys_of(page)
        if aggregate is not None:
            await self._offer(aggregate, known)
        return aggregate

    async def _fold_all(self, stream: str) -> Any:
        page = await self._streams.page(stream, after_version=0)
        return await self._fold(stream, _Known(), page, await self._keys_of(page))

    async def _offer(self, aggregate: Any, known: _Known, *, every: int = 0) -> None:
        if await self._snapshots.offer(aggregate, newest=known.snapshot_version, every=every):
            known.snapshot_version = aggregate.version
