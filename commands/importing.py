"""How an import is carried out: by the worker, in chunks, each of them one commit.

The command id of a chunk names its first row, so a chunk that comes twice acts once; a crash between two
chunks goes on behind the last one. Products are found by claims (SKU, or description and category),
never in the read models.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Any, Self

from commands.catalogue import import_product, rewrite_product
from commands.context import policy_context
from commands.drawn import drawn
from commands.policy import Policy, policy
from commands.unit_of_work import Handler, UnitOfWork, perform
from dependencies import Services
from domain.catalogue import Product
from domain.claims import Claim, claim_id
from domain.errors import DomainError, NotFound, RuleViolation, TooLarge
from domain.import_rules import (
    Create,
    Failed,
    Planned,
    ProductSnapshot,
    ReadRow,
    RowProblem,
    Skip,
    TableRefused,
    Unchanged,
    Update,
    plan,
    read_header,
    read_rows,
)
from domain.import_rules.table import TableReading
from domain.imports import Counts, Import, ImportStarted, ImportStatus
from domain.ports import CommandContext, RecordedEvent

CHUNK_ROWS = 200
"""Three events a new product: below the 1,000 of a commit."""
FINISH = "finish"


def finish_id(import_id: str) -> str:
    """The command id that ends an import: whoever started it can wait for that commit."""
    return f"import:{import_id}:{FINISH}"


# --- Reading -------------------------------------------------------------------------------------


@dataclass
class OpenTable:
    """A file with its header understood; `rows` are drafts or problems."""

    reading: TableReading
    rows: Iterator[ReadRow]
    header_warnings: tuple[str, ...]

    def warnings(self) -> list[str]:
        """Complete once the rows are exhausted."""
        return [*self.header_warnings, *self.reading.warnings]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.reading.close()


def opened(data: bytes, file_name: str, services: Services) -> OpenTable:
    """Raise TableRefused when the file or its header cannot be read. Blocks: call it in a thread."""
    reading = services.tables.read_table(data, file_name=file_name)
    try:
        header = read_header(reading.header.cells)
    except TableRefused:
        reading.close()
        raise
    return OpenTable(reading, read_rows(header, reading.rows), header.warnings)


# --- Finding what is there -----------------------------------------------------------------------


def claimed_as(key: str) -> tuple[str, str]:
    """Kind and value of the claim that a product's key stands for."""
    kind, _, value = key.partition(":")
    return ("sku", value) if kind == "sku" else ("product", key)


async def existing_products(
    rows: Sequence[ReadRow], services: Services
) -> dict[str, ProductSnapshot]:
    """The products that these rows mean, by key, as their streams say; for a check without commits."""
    names = {
        row.draft.key: claim_id(*claimed_as(row.draft.key), services.keyring.claims)
        for row in rows
        if row.draft is not None
    }
    claims = await services.store.load_many(Claim, list(names.values()))
    owners = {key: claims[name].owner for key, name in names.items() if name in claims}
    products = await services.store.load_many(Product, [o for o in owners.values() if o])
    return _snapshots(owners, products)


async def _existing(rows: Sequence[ReadRow], work: UnitOfWork) -> dict[str, ProductSnapshot]:
    names = {
        row.draft.key: work.claim_id(*claimed_as(row.draft.key))
        for row in rows
        if row.draft is not None
    }
    claims = await work.find_many(Claim, list(names.values()))
    owners = {key: claims[name].owner for key, name in names.items() if name in claims}
    products = await work.find_many(Product, [o for o in owners.values() if o])
    return _snapshots(owners, products)


def _snapshots(
    owners: Mapping[str, str | None], products: Mapping[str, Product]
) -> dict[str, ProductSnapshot]:
    return {
        key: ProductSnapshot.of(owner, products[owner].details)
        for key, owner in owners.items()
        if owner is not None and owner in products
    }


# --- Carrying out --------------------------------------------------------------------------------


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


async def import_rows(import_id: str, rows: Sequence[ReadRow], work: UnitOfWork) -> Import:
    """The products of these rows and the import's progress: one commit."""
    job = await work.load(Import, import_id)
    if job.status is not ImportStatus.PROCESSING:
        return job
    rows = [row for row in rows if row.raw.row_number > job.through_row]
    if not rows:
        return job
    counts = Counts()
    problems: list[RowProblem] = []
    for step in plan(rows, await _existing(rows, work), job.on_duplicate):
        came_to, faults = await _carry_out_step(step, import_id, work)
        counts = counts.plus(Counts(**{came_to: 1}))
        problems += faults
    job.progress(through_row=rows[-1].raw.row_number, counts=counts, problems=tuple(problems))
    return job


async def _carry_out_step(
    step: Planned, import_id: str, work: UnitOfWork
) -> tuple[str, tuple[RowProblem, ...]]:
    """What the row came to (a name of Counts), and what was wrong with it."""
    match step:
        case Create():
            await _create(step, import_id, work)
            return "created", ()
        case Update():
            return await _update(step, import_id, work)
        case Unchanged():
            return "unchanged", ()
        case Skip():
            return "skipped", ()
        case Failed():
            return "failed", step.problems


async def _create(step: Create, import_id: str, work: UnitOfWork) -> None:
    product = await import_product(step.draft.details, work, import_id=import_id, row=step.row)
    if (overlay := drawn(step.draft.images)) is not None:
        product.set_overlay(overlay)
    kind, value = claimed_as(step.key)
    await work.claim(kind, value, owner=product.object_id)


async def _update(
    step: Update, import_id: str, work: UnitOfWork
) -> tuple[str, tuple[RowProblem, ...]]:
    product = await work.load(Product, step.product_id)
    details = product.details.model_copy(update=dict(step.changes))
    try:
        await rewrite_product(product, details, work, import_id=import_id, row=step.row)
    except RuleViolation as refused:
        problem = RowProblem(row=step.row, line=step.row, code=refused.code, message=refused.detail)
        return "failed", (problem,)
    return "updated", ()


async def finish_import(import_id: str, warnings: tuple[str, ...], work: UnitOfWork) -> Import:
    job = await work.load(Import, import_id)
    job.finish(warnings=warnings[:100], now=work.now)
    return job


async def fail_import(import_id: str, refused: DomainError, work: UnitOfWork) -> Import:
    job = await work.load(Import, import_id)
    job.fail(code=refused.code, reason=refused.detail, now=work.now)
    return job


async def _act(
    recorded: RecordedEvent, services: Services, handler: Handler, command_id: str
) -> None:
    base = policy_context("started_import_is_carried_out", recorded, command="ImportProducts")
    context = CommandContext(**{**vars(base), "command_id": command_id})
    await perform(handler, context, services)


# --- Telling -------------------------------------------------------------------------------------


def outcome_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The specification's answer to an import."""
    imported, failed = document["successfulImports"], document["failedImports"]
    return {
        "importId": str(document["_id"]),
        "status": document["status"],
        "imported": imported,
        "failed": failed,
        "errors": document["errors"][:100],
        "message": f"Successfully imported {imported} products. {failed} failed.",
        "created": document["created"],
        "updated": document["updated"],
        "unchanged": document["unchanged"],
        "skipped": document["skipped"],
        "totalRows": document["totalRows"],
        "warnings": document["warnings"],
        "processingTime": document["processingTime"],
    }


def read_problems(problems: Sequence[RowProblem]) -> list[dict[str, Any]]:
    return [problem.model_dump() for problem in problems]


IMPORTING: tuple[Policy, ...] = (started_import_is_carried_out,)
