"""Consent to photographs: given with each upload, withdrawn here."""

from functools import partial

from fastapi import Response

from commands.decisions.consents import withdraw_consent
from dependencies.caller import CurrentUser
from dependencies.executor import Execute
from dependencies.limits import limited
from dependencies.routers import PrefixRouter

router = PrefixRouter(prefix="/api/images/consent", tags=["images"])

CONSENTS = "photoConsents"


@router.delete("", dependencies=[limited("write")])
async def delete_consent(user: CurrentUser, execute: Execute) -> Response:
    """Withdraw the consent to photographs: from the answer on none of them is shown, and all of them
    are removed, with results, saved ones too, and links. A new upload asks for consent again.
    """
    return await execute(partial(withdraw_consent, user.id), shows=CONSENTS)
