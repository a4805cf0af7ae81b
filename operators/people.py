"""A person's right to be forgotten, from the command line."""

import secrets
from typing import Annotated

import typer

from commands.context import system_context
from commands.effects.erasing import erase
from dependencies.reading import ReadingServices
from domain.ports.events import Commit
from operators.running import console, with_services


def erase_person(
    user_id: Annotated[str, typer.Argument(metavar="ID", help="the account's 24 characters")],
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Forget a person: destroy their key, so that no store of ours can show their data again.

    The ledger stays as it is, and verifies. Photographs and results are removed. This cannot be undone.
    """
    if not yes:
        typer.confirm(f"Erase the personal data of account {user_id} for ever?", abort=True)

    async def work(services: ReadingServices) -> Commit | None:
        context = system_context("ErasePerson", correlation=f"cli-{secrets.token_hex(8)}")
        return await erase(user_id, context, services)

    commit = with_services(work)
    console.print("erased" if commit else "this person had been erased before")
