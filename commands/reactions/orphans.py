"""Files that nobody owns are swept: left by a crash between storing and recording, or never completed.

Only what is older than an hour is looked at, and only what its owner's stream does not know is deleted
(`reactions.owners`). Each round looks at one page of each folder and goes on behind it in the next; two
workers that meet do the same twice.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Container, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from commands.reactions.owners import ORPHANED, OWNERS, SWEPT, Standing
from commands.reactions.rounds import Round
from dependencies.services import Services
from domain.ports.files import StoredObject
from domain.ports.rounds import Place

log = structlog.get_logger(__name__)

AGE = timedelta(hours=1)
"""Longer than any command, retry or direct upload takes from its file to its commit."""
PAGE = 2_000
MOST = 50
"""A crash leaves a few files that no event knows. More in one page say that history is not that of this
store. What an event says is to go does not count: a policy may have missed an album's worth of it.
"""


@dataclass(frozen=True)
class Judged:
    stored: StoredObject
    standing: Standing


async def folders(_: Services, waiting: Collection[str]) -> list[str]:
    return [folder for folder in SWEPT if folder not in waiting]


async def sweep(folder: str, services: Services) -> int:
    """One page of a folder. One that cannot be swept now holds up no other. How many files were removed."""
    return await _sweep(folder, services, before=services.clock() - AGE)


async def _sweep(folder: str, services: Services, *, before: datetime) -> int:
    """The place is kept only after the page is done: a round that breaks off is done again."""
    place = await services.sweeps.place(folder)
    page = await next_page(services, folder, after=place.after)
    found = await judged(page, services, before=before)
    refused = _too_many(folder, found)
    orphans = orphans_of(found, {Standing.GONE} if refused else ORPHANED)
    removed = await remove(orphans, services, before=before)
    if removed:
        log.info("files that nobody owns removed", folder=folder, files=removed)
    earlier = place.refused if place.after else 0  # of the same way through the folder
    after = page[-1].key if len(page) == PAGE else ""
    await services.sweeps.keep(folder, Place(after=after, refused=earlier + refused))
    return removed


def _too_many(folder: str, found: Sequence[Judged]) -> int:
    """How many files no event knows, if more than a crash leaves: then none of them is removed."""
    unknown_of = len(orphans_of(found, {Standing.NOBODYS}))
    if unknown_of <= MOST:
        return 0
    log.error("too many files that nobody owns: none removed", folder=folder, of=unknown_of)
    return unknown_of


async def pages(services: Services) -> AsyncIterator[list[StoredObject]]:
    """All stored files, also those in folders that we do not know."""
    after = ""
    while page := await next_page(services, "", after=after):
        yield page
        after = page[-1].key


async def next_page(services: Services, prefix: str, *, after: str) -> list[StoredObject]:
    found: list[StoredObject] = []
    async with aclosing(services.objects.list(prefix, after=after)) as listed:
        async for stored in listed:
            found.append(stored)
            if len(found) == PAGE:
                break
    return found


async def judged(
    page: Sequence[StoredObject], services: Services, *, before: datetime
) -> list[Judged]:
    """Streams are read after the files were listed, so what was committed meanwhile counts."""
    standing = {stored.key: Standing.YOUNG for stored in page if stored.modified >= before}
    old = [stored.key for stored in page if stored.key not in standing]
    for folder, rule in OWNERS.items():
        if keys := [key for key in old if key.startswith(folder)]:
            standing |= await rule(keys, services)
    return [Judged(stored, standing.get(stored.key, Standing.UNKNOWN)) for stored in page]


def orphans_of(
    page: Sequence[Judged], standings: Container[Standing] = ORPHANED
) -> list[StoredObject]:
    return [each.stored for each in page if each.standing in standings]


async def remove(orphans: Sequence[StoredObject], services: Services, *, before: datetime) -> int:
    """What was written again since it was listed stays."""
    gone = [await services.objects.delete_old(each.key, before=before) for each in orphans]
    return Counter(gone)[True]


sweep_orphans = Round(
    name="files that nobody owns are swept",
    every_seconds=600,
    propose=folders,
    carry_out=sweep,
    outage="is the item's",
)
