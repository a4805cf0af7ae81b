"""The documents of `photoConsents`, as events make them."""

from datetime import timedelta
from typing import Any

from bson import ObjectId

from domain.accounts import Account, PersonalDataErased
from domain.albums import Album, AlbumOpened, PhotoConsentGiven, PhotoConsentWithdrawn
from domain.images import Image
from domain.kernel import DomainEvent
from projections.consents import CONSENTS
from tests.folding import AT, folded
from tests.projections.test_images import IMAGE, UPLOADED

USER = "c" * 24
LATER = AT + timedelta(days=1)
OPENED = AlbumOpened(user_id=USER)
WITHDRAWN = PhotoConsentWithdrawn(withdrawn_at=LATER)
GIVEN = PhotoConsentGiven(version="photo-try-on-1", given_at=AT)


def consent(*events: DomainEvent) -> dict[str, Any]:
    return folded(CONSENTS, *((Album, USER, event) for event in events))[ObjectId(USER)]


def test_nobody_has_agreed_before_being_asked() -> None:
    assert consent(OPENED)["given"] is False


def test_consent_is_shown_with_its_text_and_time() -> None:
    document = consent(OPENED, GIVEN)
    assert (document["given"], document["text"]) == (True, "photo-try-on-1")
    assert document["givenAt"] == AT


def test_withdrawn_consent_is_shown_as_withdrawn_until_it_is_given_again() -> None:
    withdrawn = (OPENED, GIVEN, WITHDRAWN)
    document = consent(*withdrawn)
    assert (document["given"], document["withdrawnAt"]) == (False, LATER)
    assert consent(*withdrawn, GIVEN)["given"] is True


def test_a_photograph_of_before_consent_was_noted_says_so_itself() -> None:
    told = ((Album, USER, OPENED), (Image, IMAGE, UPLOADED), (Image, "2" * 24, UPLOADED))
    document = folded(CONSENTS, *told)[ObjectId(USER)]
    assert (document["given"], document["text"]) == (True, "photo-try-on-1")
    assert document["givenAt"] == AT + timedelta(seconds=1)
    assert folded(CONSENTS, *told, (Album, USER, WITHDRAWN))[ObjectId(USER)]["given"] is False


def test_a_photograph_does_not_change_when_consent_was_noted() -> None:
    told = ((Album, USER, OPENED), (Album, USER, GIVEN), (Image, IMAGE, UPLOADED))
    assert folded(CONSENTS, *told)[ObjectId(USER)]["givenAt"] == AT


def test_a_photograph_without_consent_gives_none() -> None:
    bare = UPLOADED.model_copy(update={"consent": ""})
    told = ((Album, USER, OPENED), (Image, IMAGE, bare))
    assert folded(CONSENTS, *told)[ObjectId(USER)]["given"] is False


def test_of_a_forgotten_person_there_is_none() -> None:
    erased = (Account, USER, PersonalDataErased(account_id=USER))
    assert folded(CONSENTS, (Album, USER, OPENED), (Album, USER, GIVEN), erased) == {}
