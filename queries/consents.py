"""Whether one has agreed to one's photographs being stored, to which text, and when."""

from datetime import datetime

from fastapi import Response
from typing_extensions import TypedDict

from dependencies.answers import answer, present
from dependencies.caller import CurrentUser
from dependencies.documents import object_id_or_404
from dependencies.limits import limited
from dependencies.reading import ReadModels
from dependencies.routers import PrefixRouter
from projections.stored import shape

router = PrefixRouter(prefix="/api/images/consent", tags=["images"], dependencies=[limited("read")])

CONSENTS = "photoConsents"
NEVER_ASKED = {"given": False, "text": "", "givenAt": None, "withdrawnAt": None}


@shape
class NeverAsked(TypedDict):
    given: bool
    text: str
    givenAt: datetime | None
    withdrawnAt: datetime | None


@router.get("")
async def get_consent(user: CurrentUser, read_models: ReadModels) -> Response:
    """One's own consent: `text` is the version of the words that were agreed to."""
    document = await read_models[CONSENTS].find_one({"_id": object_id_or_404(user.id)})
    return answer(NEVER_ASKED if document is None else present(document))
