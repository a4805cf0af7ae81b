"""Files that nobody owns are swept: left by a crash between storing and recording, or never completed.

Only what is older than an hour is looked at, and only what its owner's stream does not know is deleted
(`commands.owners`). Each round looks at one page of each folder and goes on behind it in the next; two
workers that meet do the same twice.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from commands.owners import OWNERS, Standing, nobodys
from dependencies import Services
from domain.ports import StoredObject

log = structlog.get_logger(__name__)

AGE = timedelta(hours=1)
"""Longer than any command, retry or direct upload takes from its file to its commit."""
PAGE = 2_000
MOST = 50
"""A crash leaves a few files. More in one page say that history is not that of this store."""


@dataclass(frozen=True)
class Judged:
    stored: StoredObject
    standing: Standing


async def sweep_orphans(services: Services) -> int:
    """One round over all folders that we know; how many files were removed."""
    before = services.clock() - AGE
    return sum([await _sweep(folder, services, before=before) for folder in OWNERS])


async def _sweep(folder: str, services: Services, *, before: datetime) -> int:
    """The place is kept only after the page is done: a round that breaks off is done again."""
    place = await services.read_models["sweeps"].find_one({"_id": folder})
    page = await next_page(services, folder, after=place["after"] if place else "")
    orphans = orphans_of(await judged(page, services, before=before))
    removed = await _remove_few(folder, orphans, services, before=before)
    after = page[-1].key if len(page) == PAGE else ""
    await services.read_models["sweeps"].update_one(
        {"_id": folder}, {"$set": {"after": after}}, upsert=True
    )
    return removed


async def _remove_few(
    folder: str, orphans: Sequence[StoredObject], services: Services, *, before: datetime
) -> int:
    if len(orphans) > MOST and OWNERS[folder] is not nobodys:
        log.error("too many files that nobody owns: none removed", folder=folder, of=len(orphans))
        return 0
    removed = await remove(orphans, services, before=before)
    if removed:
        log.info("files that nobody owns removed", folder=folder, files=removed)
    return removed


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


def orphans_of(page: Sequence[Judged]) -> list[StoredObject]:
    return [each.stored for each in page if each.standing is Standing.NOBODYS]


async def remove(orphans: Sequence[StoredObject], services: Services, *, before: datetime) -> int:
    """What was written again since it was listed stays."""
    gone = [await services.objects.delete_old(each.key, before=before) for each in orphans]
    return Counter(gone)[True]
