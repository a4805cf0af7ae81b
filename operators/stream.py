"""JetStream can be destroyed at any time: it is filled again from MongoDB, positions unchanged."""

from typing import Annotated

import typer
from nats.js.errors import NotFoundError

from dependencies.reading import ReadingServices
from operators.audit import ledger_of, relay_of
from operators.running import bar, console, with_services

app = typer.Typer(no_args_is_help=True, help="The stream on NATS JetStream.")


@app.command()
def status() -> None:
    """Where the ledger stands, and how far JetStream has it."""

    async def work(services: ReadingServices) -> tuple[int, int]:
        block = await ledger_of(services).last_block()
        ledger = 0 if block is None else block["first"] + block["count"] - 1
        return ledger, await relay_of(services).last_sequence()

    ledger, stream = with_services(work)
    console.print(f"ledger {ledger}, JetStream {stream}, behind by {ledger - stream}")


@app.command()
def rebuild(yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False) -> None:
    """Delete the stream and publish the whole ledger again. Consumers go on where they were."""
    if not yes:
        typer.confirm("Delete the stream and publish it again from MongoDB?", abort=True)

    async def work(services: ReadingServices) -> int:
        assert services.nats is not None
        try:
            await services.nats.jetstream().delete_stream(services.settings.nats_stream)
        except NotFoundError:
            console.print("there was no stream")
        relay = relay_of(services)
        await relay.ensure_stream()
        with bar() as progress:
            task = progress.add_task("publishing", total=await services.store.last_position())
            position = await relay.catch_up(
                progress=lambda done: progress.update(task, completed=done)
            )
            progress.update(task, completed=position)
        return position

    console.print(f"JetStream holds the ledger up to position {with_services(work)}")
