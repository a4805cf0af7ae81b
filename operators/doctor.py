"""Is everything there, and does it work? Each check says what to do when it does not."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import typer
from rich.table import Table

from dependencies.reading import ReadingServices
from domain.errors import DomainError
from imaging import models
from integrations.messaging.dead_letters import Desk
from integrations.read_models import MongoReadModels
from integrations.setbacks import MongoSetbacks
from operators import missing
from operators.audit import relay_of
from operators.running import console, with_services
from projections import PROJECTIONS

CHECK_SECONDS = 10.0
LAG_EVENTS = 1_000
PICTURES = 50
"""So many of each kind are looked for."""


class CheckFailedError(DomainError):
    """What is wrong and what to do about it."""

    code = "check-failed"


@dataclass(frozen=True)
class Check:
    name: str
    look: Callable[[ReadingServices], Awaitable[str]]


async def _mongodb(services: ReadingServices) -> str:
    hello = await services.read_models.command("hello")
    if "setName" not in hello:
        raise CheckFailedError("MongoDB is no replica set: start it with --replSet and initiate it")
    version = (await services.read_models.command("buildInfo"))["version"]
    return f"{version}, replica set {hello['setName']}, {len(hello.get('hosts', []))} members"


async def _ledger(services: ReadingServices) -> str:
    waiting = await services.read_models["commits"].count_documents({"pending": True}, limit=10_000)
    if waiting >= LAG_EVENTS:
        raise CheckFailedError(f"{waiting} commits have no position yet: does a worker run?")
    return f"position {await services.store.last_position()}, {waiting} commits wait"


async def _jetstream(services: ReadingServices) -> str:
    sequence = await relay_of(services).last_sequence()
    position = await services.store.last_position()
    if sequence > position:
        raise CheckFailedError(
            f"JetStream stands at {sequence}, the ledger at {position}: was an old backup restored? "
            "See `python -m cli stream rebuild`"
        )
    if position - sequence > LAG_EVENTS:
        raise CheckFailedError(
            f"JetStream is {position - sequence} events behind: does a worker run?"
        )
    return f"sequence {sequence}, {position - sequence} behind"


async def _projections(services: ReadingServices) -> str:
    standing = await MongoReadModels(services.read_models).standing()
    behind = await services.store.last_position() - standing.position
    if behind > LAG_EVENTS:
        raise CheckFailedError(f"read models are {behind} events behind: does a worker run?")
    ours = {projection.name: projection.version for projection in PROJECTIONS}
    others = [name for name, version in ours.items() if standing.versions.get(name) != version]
    if others and standing.position:
        raise CheckFailedError(
            f"{', '.join(others)} are of another build; a worker of this one builds them anew beside what "
            "serves: does one run? See `python -m cli projections status`"
        )
    return f"position {standing.position}, {behind} behind"


async def _set_aside(services: ReadingServices) -> str:
    events = await services.read_models["parked"].estimated_document_count()
    letters = await Desk(services.read_models).count()
    items = await MongoSetbacks(services.read_models).count()
    if events or letters or items:
        raise CheckFailedError(
            f"{events} events are parked, {letters} letters dead, {items} items of rounds set back: see "
            "`python -m cli parked list`"
        )
    return "nothing"


async def _valkey(services: ReadingServices) -> str:
    if services.settings.redis_url is None:
        return "not used: limits of rate are counted in each process (REDIS_URL is not set)"
    await services.probes["valkey"]()
    return "answers"


async def _objects(services: ReadingServices) -> str:
    key = "doctor/probe.txt"
    await services.objects.put(key, b"probe", content_type="text/plain")
    if await services.objects.get(key) != b"probe":
        raise CheckFailedError("the object store does not give back what it was given")
    await services.objects.delete(key)
    return "writes, reads and deletes"


async def _pictures(services: ReadingServices) -> str:
    newest = [shown async for shown in missing.shown_files(services, newest=PICTURES)]
    lost = [shown.key for shown in newest if await missing.is_missing(shown, services)]
    if lost:
        raise CheckFailedError(
            f"{len(lost)} of the newest files are missing: see `python -m cli objects missing`"
        )
    return f"the newest {len(newest)} are there"


async def _sweeps(services: ReadingServices) -> str:
    refused = services.read_models["sweeps"].find({"refused": {"$gt": 0}}).limit(10)
    if held := [f"{each['refused']} in {each['_id']}" async for each in refused]:
        raise CheckFailedError(
            f"files that no event knows were too many to be swept, {', '.join(held)}: is this the right "
            "database? See `python -m cli objects orphans`"
        )
    return "no page was refused"


async def _models(services: ReadingServices) -> str:
    directory = services.settings.models_dir
    missing = await asyncio.to_thread(models.wanting, directory)
    if missing:
        names = ", ".join(model.name for model in missing)
        raise CheckFailedError(f"{names} are missing or damaged: run `make models`")
    return f"complete in {directory}"


CHECKS = (
    Check("MongoDB", _mongodb),
    Check("ledger", _ledger),
    Check("JetStream", _jetstream),
    Check("read models", _projections),
    Check("set aside", _set_aside),
    Check("Valkey", _valkey),
    Check("object store", _objects),
    Check("pictures", _pictures),
    Check("sweeps", _sweeps),
    Check("imaging models", _models),
)


def doctor() -> None:
    """Look at every part, and say what to do about those that do not work. Exit code 1 when any does not."""
    table = Table("part", "", "finding")

    async def work(services: ReadingServices) -> bool:
        well = True
        for check in CHECKS:
            sound, finding = await _looked(check, services)
            well = well and sound
            table.add_row(check.name, "[green]ok[/green]" if sound else "[red]ill[/red]", finding)
        return well

    well = with_services(work)
    console.print(table)
    if not well:
        raise typer.Exit(1)


async def _looked(check: Check, services: ReadingServices) -> tuple[bool, str]:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return True, await check.look(services)
    except DomainError as ill:
        return False, ill.detail
    except Exception as e:  # noqa: BLE001 - any failure of a part is the finding
        return False, f"{type(e).__name__}: {e}"
