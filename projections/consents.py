"""The collection `photoConsents`: one document a customer, with the customer's own id."""

from datetime import datetime

from bson import ObjectId

from domain.accounts import PersonalDataErased
from domain.albums import AlbumOpened, PhotoConsentGiven, PhotoConsentWithdrawn
from domain.images import ImageUploaded
from projections.projection import Delete, Projection, Put, Set, SetWhere
from projections.stored import Id, Stored, shape


@shape
class ConsentDocument(Stored):
    userId: Id
    given: bool
    text: str
    """The version of the words that were agreed to."""
    givenAt: datetime | None
    withdrawnAt: datetime | None


CONSENTS = Projection(
    "photoConsents", document=ConsentDocument, version=1, indexes=[[("userId", 1)]]
)


@CONSENTS.on(AlbumOpened)
def opened(event: AlbumOpened, __: datetime) -> Put:
    never = {"given": False, "text": "", "givenAt": None, "withdrawnAt": None}
    return Put({"userId": ObjectId(event.user_id), **never})


@CONSENTS.on(PhotoConsentGiven)
def given(event: PhotoConsentGiven, _: datetime) -> Set:
    return Set({"given": True, "text": event.version, "givenAt": event.given_at})


@CONSENTS.on(ImageUploaded)
def uploaded(event: ImageUploaded, at: datetime) -> SetWhere | None:
    """At first only the photographs themselves said that their owner had agreed."""
    if not event.consent:
        return None
    given = {"given": True, "text": event.consent, "givenAt": at}
    return SetWhere({"userId": ObjectId(event.user_id), "given": False}, given)


@CONSENTS.on(PhotoConsentWithdrawn)
def withdrawn(event: PhotoConsentWithdrawn, _: datetime) -> Set:
    return Set({"given": False, "withdrawnAt": event.withdrawn_at})


@CONSENTS.on(PersonalDataErased)
def erased(event: PersonalDataErased, _: datetime) -> Delete:
    return Delete(id=event.object_id)
