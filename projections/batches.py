"""What a run of events does to the read models, as one batch: folding, parking, and nothing else."""

from collections.abc import Iterable, Sequence

from domain.kernel import EVENTS, DomainEvent, UnreadableEvent
from domain.ports.events import RecordedEvent
from domain.read_models import Batch, ParkedEvent, RefusedWriteError, Write
from projections.projection import Projection


def commits_of(events: Sequence[RecordedEvent]) -> dict[str, tuple[int, int]]:
    commits: dict[str, tuple[int, int]] = {}
    for event in events:
        first, _ = commits.get(event.commit_id, (event.position, 0))
        commits[event.commit_id] = (first, event.position)
    return commits


def plan(
    projections: Iterable[Projection],
    events: Sequence[RecordedEvent],
    *,
    after: int,
    parked: frozenset[tuple[str, str]],
) -> Batch:
    """Fold the events into one batch. A fold that raises parks its event and, behind it, the stream."""
    writes: dict[str, list[Write]] = {}
    newly: list[ParkedEvent] = []
    for projection in projections:
        aside = {stream for name, stream in parked if name == projection.name}
        mine: list[Write] = []
        for recorded in events:
            if not concerns(projection, recorded.event):
                continue
            if recorded.stream in aside:
                newly.append(parked_event(projection.name, recorded, None))
                continue
            if isinstance(recorded.event, UnreadableEvent):
                newly.append(parked_event(projection.name, recorded, recorded.event.reason))
                aside.add(recorded.stream)
                continue
            try:
                mine += projection.writes(recorded)
            except Exception as error:  # noqa: BLE001 # whatever a fold raises parks its stream only
                newly.append(parked_event(projection.name, recorded, repr(error)))
                aside.add(recorded.stream)
        if mine:
            writes[projection.name] = mine
    return Batch(after=after, position=events[-1].position, writes=writes, parked=newly)


def concerns(projection: Projection, event: DomainEvent) -> bool:
    """What an event of an unknown type would mean is not known, so it concerns every projection."""
    if isinstance(event, UnreadableEvent):
        known = EVENTS.get(event.stored_type)
        return known is None or known in projection.folds
    return type(event) in projection.folds


def parked_event(projection: str, recorded: RecordedEvent, error: str | None) -> ParkedEvent:
    return ParkedEvent(
        projection=projection, stream=recorded.stream, position=recorded.position, error=error
    )


def without(batch: Batch, recorded: RecordedEvent, refusal: RefusedWriteError) -> Batch:
    """The batch of one event, with the event parked for the collection that refused it."""
    writes = {name: w for name, w in batch.writes.items() if name != refusal.collection}
    aside = parked_event(refusal.collection, recorded, refusal.reason)
    return Batch(
        after=batch.after, position=batch.position, writes=writes, parked=[*batch.parked, aside]
    )
