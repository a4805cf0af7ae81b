"""How an import is carried out: by the worker, in chunks, each of them one commit.

The command id of a chunk names its first row, so a chunk that comes twice acts once; a crash between two
chunks goes on behind the last one.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

from commands.context import policy_context
from commands.decisions.importing import fail_import, finish_id, finish_import, import_rows
from commands.effects.product_files import opened
from commands.reactions.policy import Policy, policy
from commands.unit_of_work import Handler, perform
from dependencies.services import Services
from domain.errors import NotFound, TooLarge
from domain.import_rules import (
    ReadRow,
    TableRefused,
)
from domain.imports import Import, ImportStarted, ImportStatus
from domain.ports.events import CommandContext, RecordedEvent

CHUNK_ROWS = 200
"""Three events a new product: below the 1,000 of a commit."""


@policy("started_import_is_carried_out", on=(ImportStarted,))
async def started_import_is_carried_out(recorded: RecordedEvent, services: Services) -> None:
    """A product file that was taken in is imported, chunk by chunk."""
    job: Import | None = await services.store.load(Import, recorded.event.object_id)
    if job is None or job.status is not ImportStatus.PROCESSING or not job.key:
        return
    act = partial(_act, recorded, services)
    try:
        warnings = await _carry_out(job, services, act)
    except (TableRefused, NotFound, TooLarge) as refused:
        await act(partial(fail_import, job.object_id, refused), finish_id(job.object_id))
        return
    await act(partial(finish_import, job.object_id, tuple(warnings)), finish_id(job.object_id))


Act = Callable[[Handler, str], Any]


async def _carry_out(job: Import, services: Services, act: Act) -> list[str]:
    """Import the rows behind those that are done; return the warnings of the file."""
    data = await services.objects.get(job.key)
    with await asyncio.to_thread(opened, data, job.file_name, services) as table:
        while rows := await asyncio.to_thread(_next_chunk, table.rows, job.through_row):
            if not await _import_rows(job, rows, act, services):
                break
        return table.warnings()


def _next_chunk(rows: Iterator[ReadRow], through_row: int) -> list[ReadRow]:
    return list(islice((row for row in rows if row.raw.row_number > through_row), CHUNK_ROWS))


async def _import_rows(job: Import, rows: Sequence[ReadRow], act: Act, services: Services) -> bool:
    """One chunk, or two halves when its events are too large for one commit. False: cancelled."""
    first = rows[0].raw.row_number
    try:
        await act(
            partial(import_rows, job.object_id, rows), f"import:{job.object_id}:{first}:{len(rows)}"
        )
    except TooLarge:
        if len(rows) == 1:
            raise
        half = len(rows) // 2
        return await _import_rows(job, rows[:half], act, services) and await _import_rows(
            job, rows[half:], act, services
        )
    now: Import = await services.store.load(Import, job.object_id)
    return now.status is ImportStatus.PROCESSING


async def _act(
    recorded: RecordedEvent, services: Services, handler: Handler, command_id: str
) -> None:
    base = policy_context("started_import_is_carried_out", recorded, command="ImportProducts")
    context = CommandContext(**{**vars(base), "command_id": command_id})
    await perform(handler, context, services)


IMPORTING: tuple[Policy, ...] = (started_import_is_carried_out,)
