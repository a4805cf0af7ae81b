"""Events that were set aside go the normal way again, in order, and the same step un-parks them."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.ports.events import RecordedEvent
from domain.read_models import ParkedEvent, ReadModels, RefusedWriteError
from projections.batches import parked_event, plan
from projections.projection import Projection
from projections.runner import History

PAGE = 100


@dataclass(frozen=True)
class Retried:
    released: int
    failed: ParkedEvent | None = None
    """The event that still stands in the way, with its error."""


async def retry(
    projection: Projection, stream: str, *, read_models: ReadModels, history: History
) -> Retried:
    """Replay a stream's parked events until none is left or one fails again. Safe beside the runner.

    Raises MovedError when another one releases the same stream, or a rebuild moves the collection in.
    """
    released = 0
    while aside := await read_models.parked(projection=projection.name, stream=stream, limit=PAGE):
        events = [await _event(history, parked.position) for parked in aside]
        try:
            step = await _release(projection, aside, events, read_models)
        except RefusedWriteError:
            step = await _release_first(projection, aside, events, read_models)
        released += step.released
        if step.failed is not None:
            return Retried(released, step.failed)
    return Retried(released)


async def _event(history: History, position: int) -> RecordedEvent:
    [event] = await history.read_history(after_position=position - 1, limit=1)
    return event


async def _release(
    projection: Projection,
    aside: Sequence[ParkedEvent],
    events: Sequence[RecordedEvent],
    read_models: ReadModels,
) -> Retried:
    """Release all events up to the first that the fold still raises on."""
    after = events[0].position - 1
    batch = plan([projection], events, after=after, parked=frozenset())
    failed = batch.parked[0] if batch.parked else None
    good = [a for a in aside if failed is None or a.position < failed.position]
    await read_models.release(batch, good, failed=failed)
    return Retried(len(good), failed)


async def _release_first(
    projection: Projection,
    aside: Sequence[ParkedEvent],
    events: Sequence[RecordedEvent],
    read_models: ReadModels,
) -> Retried:
    try:
        return await _release(projection, aside[:1], events[:1], read_models)
    except RefusedWriteError as refusal:
        failed = parked_event(projection.name, events[0], refusal.reason)
        nothing = plan([], events[:1], after=events[0].position - 1, parked=frozenset())
        await read_models.release(nothing, [], failed=failed)
        return Retried(0, failed)
