"""Replay, as-of, proof and export of history."""

import json
import math
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from dependencies.reading import ReadingServices
from domain.errors import Invalid, NotFound
from domain.kernel import AGGREGATES, AggregateRoot
from integrations.event_store import Ledger
from integrations.event_store.relay import Relay
from integrations.event_store.verify import Finding, Head, blocks_with_commits, export_lines, verify
from operators.running import bar, complaints, console, with_services

app = typer.Typer(no_args_is_help=True, help="Replay history, and prove that it was not changed.")

StreamName = Annotated[str, typer.Argument(help="a stream: order-65f1c0ffee0000000000abcd")]
SHOWN_DATA = 100
PAGE_ROWS = 1_000


def ledger_of(services: ReadingServices) -> Ledger:
    return Ledger(services.read_models)


def relay_of(services: ReadingServices) -> Relay:
    settings = services.settings
    assert services.nats is not None
    return Relay(
        services.nats,
        ledger_of(services),
        stream=settings.nats_stream,
        replicas=settings.nats_replicas,
    )


@app.command()
def history(
    stream: StreamName,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
) -> None:
    """Every event of a stream: position, version, time, actor, data and hash."""
    show = _as_lines if as_json else _as_table

    async def work(services: ReadingServices) -> int:
        count = 0
        async for rows in pages_of(stream, services):
            show(rows)
            count += len(rows)
        return count

    if not with_services(work):
        complaints.print(f"there are no events of {stream}")
        raise typer.Exit(1)


async def pages_of(stream: str, services: ReadingServices) -> AsyncIterator[list[dict[str, Any]]]:
    """Its history, a page in memory at a time; what waits for a place comes last."""
    after = 0
    while rows := await services.store.history_of([stream], after_position=after, limit=PAGE_ROWS):
        yield rows
        places = [row["position"] for row in rows if row["position"] is not None]
        if len(rows) < PAGE_ROWS or len(places) < len(rows):
            return
        after = places[-1]


def _as_lines(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        typer.echo(json.dumps(row, ensure_ascii=False))


def _as_table(rows: list[dict[str, Any]]) -> None:
    console.print(_table(rows))


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table("position", "version", "time", "type", "actor", "data", "hash")
    for row in rows:
        data = json.dumps(row["data"], ensure_ascii=False)
        table.add_row(
            str(row["position"] or "pending"),
            str(row["version"]),
            row["time"],
            row["type"],
            row["actor"],
            data if len(data) <= SHOWN_DATA else data[:SHOWN_DATA] + "…",
            row["hash"][:12],
        )
    return table


@app.command("as-of")
def as_of(
    stream: StreamName,
    position: Annotated[int, typer.Option(min=1, help="the state after this position")],
) -> None:
    """The state of an order, a payment, a stock … as it was after a position in history."""
    aggregate = with_services(lambda services: state_as_of(stream, position, services))
    console.print_json(json.dumps(state_of(aggregate), default=str))


async def state_as_of(stream: str, position: int, services: ReadingServices) -> AggregateRoot:
    """Raise Invalid for an unknown category, NotFound when the stream began later."""
    aggregate_class = AGGREGATES.get(stream.partition("-")[0])
    if aggregate_class is None:
        known = ", ".join(sorted(AGGREGATES))
        raise Invalid(f"{stream} is no stream of ours; they begin with {known}")
    version = 0
    async for rows in pages_of(stream, services):
        before = [r["version"] for r in rows if (r["position"] or math.inf) <= position]
        version = max(version, *before, 0)
        if len(before) < len(rows):
            break
    if not version:
        raise NotFound(f"{stream} had no events up to position {position}")
    events = await services.store.read_stream(stream, up_to_version=version)
    aggregate = aggregate_class.replay(events)
    assert aggregate is not None
    return aggregate


def state_of(aggregate: AggregateRoot) -> dict[str, Any]:
    """What an aggregate knows, without the library's own fields."""
    state = {n: v for n, v in vars(aggregate).items() if not n.startswith("_")}
    return {"stream": aggregate.id, "version": aggregate.version, **state}


@app.command("verify")
def verify_ledger(
    head: Annotated[
        list[str] | None,
        typer.Option(metavar="BLOCK:HASH", help="a head that you kept; may be given several times"),
    ] = None,
    jetstream: Annotated[bool, typer.Option(help="compare JetStream with MongoDB too")] = True,
) -> None:
    """Check every leaf, block, root and link of the ledger. Exit code 1 when anything was changed."""
    anchor = _anchor(head or [])

    async def work(services: ReadingServices) -> tuple[list[Finding], Head]:
        relay = relay_of(services) if jetstream else None
        with bar() as progress:
            task = progress.add_task("verifying", total=await services.store.last_position())
            return await verify(
                ledger_of(services),
                relay=relay,
                anchor=anchor,
                progress=lambda position: progress.update(task, completed=position),
            )

    findings, last = with_services(work)
    for found in findings:
        complaints.print(
            f"[red]{found.check}[/red] block {found.block} position {found.position}: {found.detail}"
        )
    if findings:
        raise typer.Exit(1)
    console.print(f"intact: {last.block} blocks, {last.position} events")
    console.print(f"keep this head: {last.block}:{last.hash}", soft_wrap=True)


def _anchor(heads: list[str]) -> dict[int, str]:
    anchor = {}
    for text in heads:
        number, _, digest = text.partition(":")
        if not number.isdigit() or len(digest) != 64:
            raise typer.BadParameter("a head is the number of a block, a colon and its hash")
        anchor[int(number)] = digest
    return anchor


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="NDJSON; tools/verify_export.py checks it alone")],
) -> None:
    """Write the whole ledger to a file that anybody can verify with nothing but Python."""

    async def work(services: ReadingServices) -> Head:
        with bar() as progress:
            total = await services.store.last_position()
            task = progress.add_task("exporting", total=total)
            return await _write(
                file, services, lambda position: progress.update(task, completed=position)
            )

    last = with_services(work)
    console.print(f"{file}: {last.block} blocks, {last.position} events", soft_wrap=True)
    console.print(f"keep this head: {last.block}:{last.hash}", soft_wrap=True)


async def _write(file: Path, services: ReadingServices, progress: Any) -> Head:
    """Whole or not at all: written beside, then renamed."""
    head = Head(0, 0, "")
    partial = file.with_name(file.name + ".partial")
    with partial.open("wb") as lines:
        async for block, commits in blocks_with_commits(ledger_of(services)):
            for line in export_lines(block, commits):
                lines.write(line + b"\n")
            head = Head(block["_id"], block["first"] + block["count"] - 1, block["hash"])
            progress(head.position)
        lines.flush()
        os.fsync(lines.fileno())
    partial.replace(file)
    return head
