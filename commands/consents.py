"""Consent to photographs: given with each upload, withdrawn here."""

from functools import partial

from fastapi import APIRouter, Response

from commands.unit_of_work import UnitOfWork
from dependencies import CurrentUser, Execute, limited
from domain.albums import Album
from domain.values import UserId

router = APIRouter(prefix="/api/images/consent", tags=["images"])

CONSENTS = "photoConsents"


@router.delete("", dependencies=[limited("write")])
async def delete_consent(user: CurrentUser, execute: Execute) -> Response:
    """Withdraw the consent to photographs: from the answer on none of them is shown, and all of them
    are removed, with results, saved ones too, and links. A new upload asks for consent again.
    """
    return await execute(partial(withdraw_consent, user.id), shows=CONSENTS)


async def withdraw_consent(user_id: UserId, work: UnitOfWork) -> Album:
    album = await work.find(Album, user_id) or work.add(Album.open(user_id))
    album.withdraw_consent(now=work.now)
    return album
