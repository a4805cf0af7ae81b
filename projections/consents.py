"""The collection `photoConsents`: one document a customer, with the customer's own id."""

from datetime import datetime

from domain.accounts import PersonalDataErased
from domain.albums import AlbumOpened, PhotoConsentGiven, PhotoConsentWithdrawn
from projections.projection import Delete, Projection, Put, Set

CONSENTS = Projection("photoConsents", version=1)


@CONSENTS.on(AlbumOpened)
def opened(_: AlbumOpened, __: datetime) -> Put:
    return Put({"given": False, "text": "", "givenAt": None, "withdrawnAt": None})


@CONSENTS.on(PhotoConsentGiven)
def given(event: PhotoConsentGiven, _: datetime) -> Set:
    return Set({"given": True, "text": event.version, "givenAt": event.given_at})


@CONSENTS.on(PhotoConsentWithdrawn)
def withdrawn(event: PhotoConsentWithdrawn, _: datetime) -> Set:
    return Set({"given": False, "withdrawnAt": event.withdrawn_at})


@CONSENTS.on(PersonalDataErased)
def erased(event: PersonalDataErased, _: datetime) -> Delete:
    return Delete(id=event.object_id)
