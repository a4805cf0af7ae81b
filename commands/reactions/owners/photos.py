"""`photos/{user}/{random}/{size}.jpg`: owned by a photograph of that user's album."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from commands.reactions.owners.rule import Standing, loaded, matched
from dependencies.services import Services
from domain.accounts import Account
from domain.albums import Album, PhotoRemoved
from domain.images import Image, ImageStatus

KEY = re.compile(r"photos/([0-9a-f]{24})/[0-9a-f]{32}/[a-z]{1,20}\.jpg")


async def owners(keys: Sequence[str], services: Services) -> Mapping[str, Standing]:
    """An account of another shop tells nothing; one that was erased owns nothing any more."""
    users = {key: user for key, (user,) in matched(KEY, keys).items()}
    accounts = await loaded(Account, users.values(), services)
    albums = await loaded(Album, accounts, services)
    photographs = [name for album in albums.values() for name in album.photos.values()]
    images = await loaded(Image, photographs, services)
    kept = _kept(images.values())
    standing = {
        key: _standing(key, accounts[user], kept.get(user, frozenset()))
        for key, user in users.items()
        if user in accounts
    }
    lost = {users[key] for key, each in standing.items() if each is Standing.NOBODYS}
    deleted = await _deleted(lost, services)
    return standing | dict.fromkeys(deleted & standing.keys(), Standing.GONE)


async def _deleted(users: Collection[str], services: Services) -> set[str]:
    """The files of photographs that left the albums of these people."""
    names: set[str] = set()
    for user in sorted(users):
        events = await services.store.read_stream(Album.stream(user))
        names |= {event.image_id for event in events if isinstance(event, PhotoRemoved)}
    images = await loaded(Image, names, services)
    return {
        key
        for each in images.values()
        if each.status is ImageStatus.DELETED
        for key in each.keys.all()
        if key
    }


def _kept(images: Iterable[Image]) -> dict[str, set[str]]:
    """By user. A photograph that is deleted leaves its album in the same commit."""
    kept: dict[str, set[str]] = {}
    for image in images:
        kept.setdefault(image.user_id, set()).update(image.keys.all())
    return kept


def _standing(key: str, account: Account, kept: Collection[str]) -> Standing:
    """Empty keys of somebody who was not erased mean that the personal keys are out of reach."""
    if account.erased:
        return Standing.GONE
    if key in kept:
        return Standing.OWNED
    return Standing.UNKNOWN if "" in kept else Standing.NOBODYS
