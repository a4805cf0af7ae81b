"""Try-on results, looked into from the command line."""

from typing import Annotated

import typer

from commands.effects.reproducing import Verdict, reproduce
from domain.tryon_events import TryOnFinished
from operators.running import console, with_services

app = typer.Typer(no_args_is_help=True, help="Look into the pictures of try-on results.")


@app.callback()
def _tryon() -> None:
    """Keeps `tryon reproduce` a command of its own while it is the only one."""


@app.command("reproduce")
def reproduce_result(
    result_id: Annotated[str, typer.Argument(metavar="ID", help="the result's 24 characters")],
) -> None:
    """Render a result's pictures again from the recorded inputs. Exit code 1 unless all are equal."""
    found = with_services(lambda services: reproduce(result_id, services))
    for each in found:
        size = "full size" if isinstance(each.picture, TryOnFinished) else "preview"
        console.print(f"{size} of revision {each.picture.revision}: {each.verdict} ({each.detail})")
    if not found:
        console.print("this result has no picture")
    if any(each.verdict is not Verdict.EQUAL for each in found):
        raise typer.Exit(1)
