"""Stored files: those that nobody owns, and those that are missing."""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table

from commands.reactions.orphans import Judged, judged, orphans_of, pages, remove
from commands.reactions.owners import ORPHANED, Standing
from dependencies.reading import ReadingServices
from operators.missing import ShownFile, is_missing, shown_files
from operators.running import bar, complaints, console, with_services

app = typer.Typer(no_args_is_help=True, help="Stored files: what nobody owns, what is missing.")

AGE = re.compile(r"(\d{1,4})([mhd])")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
LEAST = timedelta(minutes=15)
"""A command that runs has stored its file and not yet recorded it."""
TOLD = 100


@dataclass
class Tally:
    """What was found, by folder and standing."""

    files: Counter[tuple[str, Standing]] = field(default_factory=Counter)
    size: Counter[str] = field(default_factory=Counter)
    named: dict[Standing, list[str]] = field(default_factory=dict)
    removed: int = 0

    def add(self, found: list[Judged]) -> None:
        for each in found:
            folder = each.stored.key.partition("/")[0]
            self.files[folder, each.standing] += 1
            self.size[folder] += each.stored.size
            named = self.named.setdefault(each.standing, [])
            if len(named) < TOLD:
                named.append(each.stored.key)

    def count(self, standing: Standing) -> int:
        return sum(count for (_, of), count in self.files.items() if of is standing)

    def table(self) -> Table:
        table = Table("folder", *(standing.value for standing in Standing), "MB")
        for folder in sorted(self.size):
            counts = (str(self.files[folder, standing]) for standing in Standing)
            table.add_row(folder, *counts, f"{self.size[folder] / 1e6:.1f}")
        return table


@app.command()
def orphans(
    delete: Annotated[bool, typer.Option("--delete", help="remove those that nobody owns")] = False,
    older_than: Annotated[
        str, typer.Option(help="leave younger files alone: 15m at least, 2h, 1d")
    ] = "1h",
) -> None:
    """Find files that no event owns: left by a crash, or never completed. The worker sweeps them too.

    What cannot be told, such as a folder that is not ours, is listed and never removed. Exit code 1 when
    files remain that nobody owns.
    """
    age = _age(older_than)

    async def work(services: ReadingServices) -> Tally:
        before, tally = services.clock() - age, Tally()
        with bar() as progress:
            task = progress.add_task("looking at files", total=None)
            async for page in pages(services):
                found = await judged(page, services, before=before)
                tally.add(found)
                if delete:
                    tally.removed += await remove(orphans_of(found), services, before=before)
                progress.update(task, advance=len(page))
        return tally

    _tell(with_services(work), delete=delete)


def _tell(tally: Tally, *, delete: bool) -> None:
    console.print(tally.table() if tally.files else "there are no files")
    for standing in (Standing.GONE, Standing.NOBODYS, Standing.UNKNOWN):
        for key in tally.named.get(standing, ()):
            console.print(f"{standing.value}: {key}", soft_wrap=True, markup=False)
    left = sum(map(tally.count, ORPHANED)) - tally.removed
    if delete:
        console.print(f"{tally.removed} files removed")
    if left:
        complaints.print(f"[red]{left} files are nobody's[/red]" + ("" if delete else ": --delete"))
        raise typer.Exit(1)


def _age(text: str) -> timedelta:
    found = AGE.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter("an age is a number and m, h or d: 90m, 2h, 1d")
    age = timedelta(**{UNITS[found[2]]: int(found[1])})
    if age < LEAST:
        raise typer.BadParameter("younger files than 15m may belong to a command that runs")
    return age


@app.command("missing")
def missing_files() -> None:
    """Find files that documents show and the store does not have. Exit code 1 when there are any."""

    async def work(services: ReadingServices) -> tuple[int, list[ShownFile]]:
        looked, lost = 0, list[ShownFile]()
        with bar() as progress:
            task = progress.add_task("looking for files", total=None)
            async for shown in shown_files(services):
                looked += 1
                if await is_missing(shown, services):
                    lost.append(shown)
                progress.update(task, advance=1)
        return looked, lost

    looked, lost = with_services(work)
    for shown in lost[:TOLD]:
        console.print(f"{shown.kind} {shown.id}: {shown.key}", soft_wrap=True, markup=False)
    console.print(f"{looked} files are shown, {len(lost)} of them are missing")
    if lost:
        raise typer.Exit(1)
