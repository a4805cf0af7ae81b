"""An import: begun, refused, one chunk of its rows at a time, cancelled, ended.

Products are found by claims (SKU, or description and category), never in the read models.
"""

from collections.abc import Mapping, Sequence

from commands.decisions.catalogue import import_product, rewrite_product
from commands.decisions.drawn import drawn
from commands.unit_of_work import UnitOfWork
from domain.catalogue import Product
from domain.claims import Claim
from domain.errors import DomainError, RuleViolation
from domain.import_rules import (
    Create,
    Failed,
    OnDuplicate,
    Planned,
    ProductSnapshot,
    ReadRow,
    RowProblem,
    Skip,
    TableRefused,
    Unchanged,
    Update,
    plan,
)
from domain.imports import Counts, Import, ImportStatus
from domain.values import ImportId, UserId


async def start_import(
    user_id: UserId,
    work: UnitOfWork,
    *,
    file_name: str,
    file_size: int,
    sha256: str,
    key: str,
    on_duplicate: OnDuplicate,
) -> Import:
    return work.add(
        Import.begin(
            work.new_id(),
            user_id=user_id,
            file_name=file_name,
            file_size=file_size,
            sha256=sha256,
            key=key,
            on_duplicate=on_duplicate,
            now=work.now,
        )
    )


async def refuse_import(
    user_id: UserId,
    refused: TableRefused,
    work: UnitOfWork,
    *,
    file_name: str,
    file_size: int,
    sha256: str,
) -> Import:
    """A file that cannot be read leaves its trace in the history all the same."""
    job = await start_import(
        user_id,
        work,
        file_name=file_name,
        file_size=file_size,
        sha256=sha256,
        key="",
        on_duplicate="skip",
    )
    job.fail(code=refused.code, reason=refused.detail, now=work.now)
    return job


async def cancel_import(import_id: ImportId, user_id: UserId, work: UnitOfWork) -> Import:
    job = await work.load(Import, import_id)
    job.must_belong_to(user_id)
    job.cancel()
    return job


FINISH = "finish"


def finish_id(import_id: str) -> str:
    """The command id that ends an import: whoever started it can wait for that commit."""
    return f"import:{import_id}:{FINISH}"


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


def claimed_as(key: str) -> tuple[str, str]:
    """Kind and value of the claim that a product's key stands for."""
    kind, _, value = key.partition(":")
    return ("sku", value) if kind == "sku" else ("product", key)


async def _existing(rows: Sequence[ReadRow], work: UnitOfWork) -> dict[str, ProductSnapshot]:
    names = {
        row.draft.key: work.claim_id(*claimed_as(row.draft.key))
        for row in rows
        if row.draft is not None
    }
    claims = await work.find_many(Claim, list(names.values()))
    owners = {key: claims[name].owner for key, name in names.items() if name in claims}
    products = await work.find_many(Product, [o for o in owners.values() if o])
    return snapshots(owners, products)


def snapshots(
    owners: Mapping[str, str | None], products: Mapping[str, Product]
) -> dict[str, ProductSnapshot]:
    return {
        key: ProductSnapshot.of(owner, products[owner].details)
        for key, owner in owners.items()
        if owner is not None and owner in products
    }
