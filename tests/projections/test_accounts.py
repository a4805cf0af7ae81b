"""The documents of `users` and `sessions`, as events make them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId

from domain.accounts import (
    Account,
    AccountRegistered,
    AllSessionsEnded,
    EmailChanged,
    MobileChanged,
    PasswordChanged,
    PersonalDataErased,
    ProfileChanged,
    RolesGranted,
    RolesRevoked,
)
from domain.kernel import AggregateRoot, DomainEvent
from domain.ports.events import RecordedEvent
from domain.sessions import Session, SessionEnded, SessionRefreshed, SessionStarted
from domain.values import Role
from projections.accounts import SESSIONS, USERS
from projections.memory import fold

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
ACCOUNT, HERE, THERE = "a" * 24, "b" * 24, "c" * 24
REGISTERED = AccountRegistered(
    account_id=ACCOUNT,
    email="meera@example.com",
    mobile=None,
    first_name="Meera",
    last_name="Iyer",
    password_hash="hash-1",
    roles=(Role.CUSTOMER,),
)
NEW_PASSWORD = PasswordChanged(account_id=ACCOUNT, password_hash="hash-2", kept_session=HERE)
STARTED = SessionStarted(
    account_id=ACCOUNT,
    era=1,
    token_hash="t1",
    device="Firefox",
    address="203.0.113.7",
    started_at=AT,
    idle_seconds=60,
    expires_at=AT + timedelta(days=28),
)

Told = tuple[type[AggregateRoot], str, DomainEvent]


def history(*told: Told) -> list[RecordedEvent]:
    """Each a second after the one before."""
    versions: dict[str, int] = {}
    recorded = []
    for position, (cls, object_id, event) in enumerate(told, 1):
        stream = cls.stream(object_id)
        versions[stream] = versions.get(stream, 0) + 1
        place = {"originator_id": stream, "originator_version": versions[stream]}
        recorded.append(
            RecordedEvent(
                position=position,
                event_id=str(position),
                commit_id=str(position),
                command="Test",
                actor="system",
                correlation="test",
                causation=None,
                at=AT + timedelta(seconds=position - 1),
                event=event.model_copy(update=place),
            )
        )
    return recorded


def user(*events: DomainEvent) -> dict[str, Any]:
    told: Sequence[Told] = [(Account, ACCOUNT, event) for event in events]
    return fold(USERS, history(*told))[ObjectId(ACCOUNT)]


def test_a_user_has_the_fields_of_the_specification() -> None:
    document = user(REGISTERED)
    specified = {
        "email": "meera@example.com",
        "mobile": None,
        "firstName": "Meera",
        "lastName": "Iyer",
        "passwordHash": "hash-1",
        "avatar": None,
        "preferences": {"favoriteCategories": [], "notifications": True},
        "createdAt": AT,
        "updatedAt": AT,
    }
    assert document.items() >= specified.items()
    assert (document["_id"], document["version"]) == (ObjectId(ACCOUNT), 1)
    assert (document["roles"], document["status"]) == (["customer"], "active")


def test_a_user_changes_with_what_happens() -> None:
    document = user(
        REGISTERED,
        ProfileChanged(
            account_id=ACCOUNT,
            first_name="Mira",
            last_name="",
            avatar="https://cdn.example/m.jpg",
            favorite_categories=("Gold",),
            notifications=False,
        ),
        EmailChanged(account_id=ACCOUNT, email="mira@example.com"),
        MobileChanged(account_id=ACCOUNT, mobile="+919876543210"),
        NEW_PASSWORD,
        RolesGranted(roles=(Role.ADMIN,), held=(Role.ADMIN, Role.CUSTOMER)),
        RolesRevoked(roles=(Role.ADMIN,), held=(Role.CUSTOMER,)),
    )
    changed = {
        "firstName": "Mira",
        "lastName": "",
        "avatar": "https://cdn.example/m.jpg",
        "preferences": {"favoriteCategories": ["Gold"], "notifications": False},
        "email": "mira@example.com",
        "mobile": "+919876543210",
        "passwordHash": "hash-2",
        "roles": ["customer"],
        "createdAt": AT,
        "updatedAt": AT + timedelta(seconds=6),
        "version": 7,
    }
    assert document.items() >= changed.items()


def test_somebody_forgotten_leaves_an_id_and_dates() -> None:
    document = user(REGISTERED, PersonalDataErased(account_id=ACCOUNT))
    kept = {"_id", "roles", "status", "createdAt", "updatedAt", "version", "position"}
    assert document.keys() == kept
    assert document["status"] == "erased"


def sessions(*after: Told) -> dict[str, dict[str, Any]]:
    begun: list[Told] = [(Session, HERE, STARTED), (Session, THERE, STARTED)]
    found = fold(SESSIONS, history(*begun, *after))
    return {str(key): document for key, document in found.items()}


def ended(documents: dict[str, dict[str, Any]]) -> dict[str, str | None]:
    return {key: document["endReason"] for key, document in documents.items()}


def test_a_session_shows_from_where_and_until_when() -> None:
    shown = sessions()[HERE]
    fields = {
        "userId": ObjectId(ACCOUNT),
        "device": "Firefox",
        "address": "203.0.113.7",
        "createdAt": AT,
        "lastUsedAt": AT,
        "expiresAt": AT + timedelta(days=28),
        "endedAt": None,
        "endReason": None,
    }
    assert shown.items() >= fields.items()


def test_a_refresh_is_a_use() -> None:
    refreshed = SessionRefreshed(token_hash="t2", refreshed_at=AT)
    assert sessions((Session, HERE, refreshed))[HERE]["lastUsedAt"] == AT + timedelta(seconds=2)


def test_a_session_ends_alone() -> None:
    over = ended(sessions((Session, THERE, SessionEnded(reason="signed-out"))))
    assert over == {HERE: None, THERE: "signed-out"}


def test_a_new_password_ends_all_sessions_but_its_own() -> None:
    over = ended(sessions((Account, ACCOUNT, NEW_PASSWORD)))
    assert over == {HERE: None, THERE: "password-changed"}


def test_a_reset_password_ends_them_all() -> None:
    by_link = NEW_PASSWORD.model_copy(update={"kept_session": None})
    over = ended(sessions((Account, ACCOUNT, by_link)))
    assert over == {HERE: "password-changed", THERE: "password-changed"}


def test_signing_out_everywhere_ends_them_all() -> None:
    over = ended(sessions((Account, ACCOUNT, AllSessionsEnded())))
    assert set(over.values()) == {"signed-out-everywhere"}


def test_nothing_is_left_of_the_sessions_of_somebody_forgotten() -> None:
    assert sessions((Account, ACCOUNT, PersonalDataErased(account_id=ACCOUNT))) == {}
