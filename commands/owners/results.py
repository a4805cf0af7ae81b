"""`results/{user}/{result}/…`: owned by what that result's events name, until it is deleted."""

import re
from collections.abc import Mapping, Sequence

from commands.owners.rule import Standing, loaded, matched
from dependencies import Services
from domain.accounts import Account
from domain.kernel import DomainEvent
from domain.tryon import TryOn
from domain.tryon_events import TryOnStatus

KEY = re.compile(r"results/([0-9a-f]{24})/([0-9a-f]{24})/[A-Za-z0-9._/-]{1,200}")


async def owners(keys: Sequence[str], services: Services) -> Mapping[str, Standing]:
    """Pictures of earlier revisions are owned too: the events that name them are still there."""
    parts = matched(KEY, keys)
    accounts = await loaded(Account, (user for user, _ in parts.values()), services)
    streams = {
        name: await services.store.read_stream(TryOn.stream(name))
        for name in sorted({name for _, name in parts.values()})
    }
    return {
        key: _standing(key, accounts[user], streams[name])
        for key, (user, name) in parts.items()
        if user in accounts
    }


def _standing(key: str, account: Account, events: Sequence[DomainEvent]) -> Standing:
    result = TryOn.replay(events)
    if result is None or result.user_id != account.object_id:
        return Standing.UNKNOWN
    if account.erased or result.status is TryOnStatus.DELETED:
        return Standing.NOBODYS
    if any(f'"{key}"' in event.model_dump_json() for event in events):
        return Standing.OWNED
    return Standing.UNKNOWN if "" in result.keys else Standing.NOBODYS
