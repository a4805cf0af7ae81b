"""A projection is filled anew beside the one that serves, and moved in under the live runner.

1. `orders__v2` is filled from the ledger, its position kept in the same transactions.
2. Near the live position the live group is fenced: its runner pauses, readers read the old collection.
3. The new collection is filled up to exactly the live position and renamed over the old one; then the
   fence is taken away. No event is lost or doubled, and no reader sees an empty collection.

A rebuild that dies goes on where it was. One that dies inside the fence is ended by the live runner.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from domain.ports.events import RecordedEvent
from domain.read_models import MovedError, ReadModels
from projections.projection import Projection
from projections.runner import History, Runner

BATCH_EVENTS = 5_000
"""The more, the oftener a document that changes again and again is written only once. Far from the ten
seconds that MongoDB gives a transaction: 5,000 updates with eight indexes took one.
"""
PAGE_EVENTS = 5_000
NEAR_EVENTS = 1_000
"""So few events behind, the rest is filled inside the fence: a fraction of a second."""

Progress = Callable[[int, int], None]
"""Called with the position reached and the live position, in events."""


def unseen(_position: int, _end: int) -> None:
    """Nobody watches."""


class Building(ReadModels, Protocol):
    """The read models' port, over a collection that nobody reads yet."""

    async def begin(self) -> None:
        """Finish what an earlier rebuild left, or go on with it."""

    async def live_position(self) -> int:
        """Where the live read models stand."""

    async def fence(self) -> int:
        """Stop the live read models; return where they stand. Raises MovedError when fenced already."""

    async def swap(self) -> None:
        """Move the collection in, with its parked events, and take the fence away. Raises MovedError when the
        fence is another's by now.
        """


async def rebuild(
    projection: Projection,
    *,
    building: Building,
    history: History,
    progress: Progress = unseen,
    batch_events: int = BATCH_EVENTS,
) -> int:
    """Fill the projection anew and move it in; return the position. Safe beside the live runner. Raises
    MovedError when it could not be filled to the end: begin again.
    """
    await building.begin()
    runner = Runner([projection], read_models=building, history=history)
    await runner.start()
    while (end := await building.live_position()) - runner.position > NEAR_EVENTS:
        await fill(runner, history, end=end, progress=progress, batch_events=batch_events)
    end = await building.fence()
    await fill(runner, history, end=end, progress=progress, batch_events=batch_events)
    if runner.position != end:  # somebody has taken the collection away, or the ledger shows less
        raise MovedError
    await building.swap()
    return end


async def fill(
    runner: Runner, history: History, *, end: int, progress: Progress, batch_events: int
) -> None:
    """Fold history up to `end`; the next page is read while this one is written."""

    async def page(after: int) -> list[RecordedEvent]:
        return await history.read_history(
            after_position=after, limit=PAGE_EVENTS, up_to_position=end
        )

    async def write(events: list[RecordedEvent]) -> None:
        for start in range(0, len(events), batch_events):
            await runner.apply(events[start : start + batch_events])
            progress(runner.position, end)

    events = await page(runner.position)
    while events:
        following = asyncio.create_task(page(events[-1].position))
        try:
            await write(events)
            events = await following
        finally:
            following.cancel()
