"""What was set aside: events that a projection could not fold, and dead letters of policies."""

from typing import Annotated, Any

import typer
from rich.table import Table

from commands.reactions.policies import POLICIES, ROUNDS
from dependencies.reading import ReadingServices
from domain.ports.events import RecordedEvent
from integrations.messaging.dead_letters import DeadLetter, Desk
from integrations.messaging.dead_letters import retry as retry_letters
from integrations.read_models import MongoReadModels
from integrations.setbacks import MongoSetbacks
from operators.projections import BY_NAME
from operators.running import complaints, console, with_services
from projections.parking import retry as retry_events

app = typer.Typer(no_args_is_help=True, help="Events that were set aside, with their stream.")

LIMIT = 100


@app.command("list")
def list_parked() -> None:
    """The oldest events that were set aside, and why."""

    async def work(services: ReadingServices) -> Table:
        table = Table("by", "stream", "position", "error")
        for head in await MongoReadModels(services.read_models).parked_heads(limit=LIMIT):
            table.add_row(
                head["projection"], head["stream"], str(head["position"]), str(head.get("error"))
            )
        for letter in await Desk(services.read_models).listed(limit=LIMIT):
            table.add_row(
                letter["consumer"],
                letter["stream"],
                str(letter["position"]),
                letter["error"] or "waits behind another",
            )
        for setback in await MongoSetbacks(services.read_models).listed(limit=LIMIT):
            tries = f"{setback['tries']} tries"
            table.add_row(setback["round"], setback["name"], tries, setback["error"])
        return table

    table = with_services(work)
    console.print(table if table.row_count else "nothing is set aside")


@app.command()
def retry(
    by: Annotated[
        str, typer.Argument(help="the projection, policy or round, as `parked list` shows it")
    ],
    stream: Annotated[str, typer.Argument(help="the stream, or the item of a round, that waits")],
) -> None:
    """Send a stream's parked events the normal way again, in order. Exit code 1 when one fails.

    An item of a round is tried again by the next round of the worker.
    """
    if by in {each.name for each in ROUNDS}:
        _let_round_try(by, stream)
        return
    policies = {policy.name: policy for policy in POLICIES}
    if by not in BY_NAME and by not in policies:
        raise typer.BadParameter(f"there is no projection, policy or round called {by}")

    async def work(services: ReadingServices) -> tuple[int, Any]:
        if by in BY_NAME:
            retried = await retry_events(
                BY_NAME[by],
                stream,
                read_models=MongoReadModels(services.read_models),
                history=services.store,
            )
            return retried.released, retried.failed

        async def handle(recorded: RecordedEvent) -> None:
            await policies[by](recorded, services)

        async def event_at(position: int) -> RecordedEvent:
            (event,) = await services.store.read_history(after_position=position - 1, limit=1)
            return event

        return await retry_letters(
            Desk(services.read_models), consumer=by, stream=stream, event_at=event_at, handle=handle
        )

    released, failed = with_services(work)
    console.print(f"{released} events went through")
    if failed is not None:
        complaints.print(f"[red]position {failed.position} fails again[/red]: {_why(failed)}")
        raise typer.Exit(1)


def _let_round_try(round_name: str, name: str) -> None:
    async def work(services: ReadingServices) -> bool:
        setbacks = MongoSetbacks(services.read_models)
        return await setbacks.retry(round_name, name, now=services.clock())

    if not with_services(work):
        complaints.print(f"[red]{name} was not set back in this round[/red]")
        raise typer.Exit(1)
    console.print("the next round tries it again")


def _why(failed: Any) -> str:
    return str(failed.error if not isinstance(failed, DeadLetter) else failed.error or "unknown")
