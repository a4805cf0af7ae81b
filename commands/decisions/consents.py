"""Consent to photographs is withdrawn."""

from commands.unit_of_work import UnitOfWork
from domain.albums import Album
from domain.values import UserId


async def withdraw_consent(user_id: UserId, work: UnitOfWork) -> Album:
    album = await work.find(Album, user_id) or work.add(Album.open(user_id))
    album.withdraw_consent(now=work.now)
    return album
