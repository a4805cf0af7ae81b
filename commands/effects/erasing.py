"""Forgetting a person: the ledger first, then the key that makes their data readable."""

from functools import partial

from commands.decisions.accounts import erase_person
from commands.unit_of_work import perform
from dependencies.services import Services
from domain.ports.events import CommandContext, Commit


async def erase(user_id: str, context: CommandContext, services: Services) -> Commit | None:
    """Forget a person. Safe to repeat, which finishes what a crash left undone."""
    commit = await perform(partial(erase_person, user_id), context, services)
    await services.keys.destroy(user_id)
    services.sessions.forget(user_id)
    return commit
