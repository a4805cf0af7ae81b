"""`results/{user}/{result}/…`: owned while its result shows it, as preview or in full size."""

from collections.abc import Mapping, Sequence

from commands.effects.keys import RESULT
from commands.reactions.owners.rule import Standing, loaded, matched
from dependencies.services import Services
from domain.accounts import Account
from domain.tryon import TryOn
from domain.tryon_events import TryOnStatus


async def owners(keys: Sequence[str], services: Services) -> Mapping[str, Standing]:
    """Of neither an unknown person nor an unknown result anything is told."""
    parts = matched(RESULT, keys)
    accounts = await loaded(Account, (user for user, _ in parts.values()), services)
    results = await loaded(TryOn, (name for _, name in parts.values()), services)
    return {
        key: _standing(key, accounts[user], results.get(name))
        for key, (user, name) in parts.items()
        if user in accounts
    }


def _standing(key: str, account: Account, result: TryOn | None) -> Standing:
    if result is None or result.user_id != account.object_id:
        return Standing.UNKNOWN
    if account.erased or result.status is TryOnStatus.DELETED:
        return Standing.GONE
    if "" in result.keys:  # its person's key is out of reach
        return Standing.UNKNOWN
    return Standing.OWNED if key in result.keys else Standing.NOBODYS
