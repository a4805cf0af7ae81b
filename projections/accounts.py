"""The collections `users`, as the specification names its fields, and `sessions`."""

from datetime import datetime
from typing import Literal, NotRequired

from bson import ObjectId
from typing_extensions import TypedDict

from domain.accounts import (
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
from domain.sessions import SessionEnded, SessionRefreshed, SessionStarted
from domain.values import Role
from projections.projection import (
    Change,
    Changes,
    DeleteWhere,
    Projection,
    Put,
    Set,
    SetWhere,
    Unset,
)
from projections.stored import Hidden, Id, Stored, Word, shape


@shape
class PreferencesDocument(TypedDict):
    favoriteCategories: list[str]
    notifications: bool


@shape
class UserDocument(Stored):
    """What is personal is not there any more once `status` is erased."""

    email: NotRequired[str]
    mobile: NotRequired[str | None]
    firstName: NotRequired[str]
    lastName: NotRequired[str]
    passwordHash: NotRequired[Hidden[str]]
    avatar: NotRequired[str | None]
    preferences: NotRequired[PreferencesDocument]
    roles: list[Word[Role]]
    status: Literal["active", "erased"]
    createdAt: datetime
    updatedAt: datetime


@shape
class SessionDocument(Stored):
    userId: Id
    device: str
    address: str
    createdAt: datetime
    lastUsedAt: datetime
    expiresAt: datetime
    endedAt: datetime | None
    endReason: str | None


USERS = Projection(
    "users",
    document=UserDocument,
    version=1,
    indexes=[
        [("email", 1)],
        [("mobile", 1)],
        [("createdAt", -1), ("_id", -1)],
        [("roles", 1), ("createdAt", -1), ("_id", -1)],
    ],
)
SESSIONS = Projection(
    "sessions",
    document=SessionDocument,
    version=1,
    indexes=[[("userId", 1), ("lastUsedAt", -1), ("_id", -1)]],
)


@USERS.on(AccountRegistered)
def registered(event: AccountRegistered, at: datetime) -> Change:
    return Put(
        {
            "email": event.email,
            "mobile": event.mobile,
            "firstName": event.first_name,
            "lastName": event.last_name,
            "passwordHash": event.password_hash,
            "avatar": None,
            "preferences": {"favoriteCategories": [], "notifications": True},
            "roles": [role.value for role in event.roles],
            "status": "active",
            "createdAt": at,
            "updatedAt": at,
        }
    )


@USERS.on(ProfileChanged)
def profile_changed(event: ProfileChanged, at: datetime) -> Change:
    return Set(
        {
            "firstName": event.first_name,
            "lastName": event.last_name,
            "avatar": event.avatar,
            "preferences": {
                "favoriteCategories": list(event.favorite_categories),
                "notifications": event.notifications,
            },
            "updatedAt": at,
        }
    )


@USERS.on(EmailChanged)
def email_changed(event: EmailChanged, at: datetime) -> Change:
    return Set({"email": event.email, "updatedAt": at})


@USERS.on(MobileChanged)
def mobile_changed(event: MobileChanged, at: datetime) -> Change:
    return Set({"mobile": event.mobile, "updatedAt": at})


@USERS.on(PasswordChanged)
def password_changed(event: PasswordChanged, at: datetime) -> Change:
    return Set({"passwordHash": event.password_hash, "updatedAt": at})


@USERS.on(RolesGranted)
def roles_granted(event: RolesGranted, at: datetime) -> Change:
    return Set({"roles": [role.value for role in event.held], "updatedAt": at})


@USERS.on(RolesRevoked)
def roles_revoked(event: RolesRevoked, at: datetime) -> Change:
    return Set({"roles": [role.value for role in event.held], "updatedAt": at})


@USERS.on(PersonalDataErased)
def erased(_: PersonalDataErased, at: datetime) -> Changes:
    personal = ("email", "mobile", "firstName", "lastName", "passwordHash", "avatar", "preferences")
    return Unset(personal), Set({"status": "erased", "updatedAt": at})


@SESSIONS.on(SessionStarted)
def started(event: SessionStarted, at: datetime) -> Change:
    return Put(
        {
            "userId": ObjectId(event.account_id),
            "device": event.device,
            "address": event.address,
            "createdAt": at,
            "lastUsedAt": at,
            "expiresAt": event.expires_at,
            "endedAt": None,
            "endReason": None,
        }
    )


@SESSIONS.on(SessionRefreshed)
def refreshed(_: SessionRefreshed, at: datetime) -> Change:
    return Set({"lastUsedAt": at})


@SESSIONS.on(SessionEnded)
def ended(event: SessionEnded, at: datetime) -> Change:
    return Set({"endedAt": at, "endReason": event.reason})


@SESSIONS.on(AllSessionsEnded)
def all_ended(event: AllSessionsEnded, at: datetime) -> Change:
    mine = {"userId": ObjectId(event.object_id), "endedAt": None}
    return SetWhere(mine, {"endedAt": at, "endReason": "signed-out-everywhere"})


@SESSIONS.on(PasswordChanged)
def others_ended(event: PasswordChanged, at: datetime) -> Changes:
    """All of the account's sessions; then the one that set the password is opened again."""
    mine = {"userId": ObjectId(event.object_id), "endedAt": None}
    all_of_them = SetWhere(mine, {"endedAt": at, "endReason": "password-changed"})
    if event.kept_session is None:
        return all_of_them
    open_again = Set({"endedAt": None, "endReason": None}, id=event.kept_session)
    return all_of_them, open_again


@SESSIONS.on(PersonalDataErased)
def forgotten(event: PersonalDataErased, _: datetime) -> Change:
    return DeleteWhere({"userId": ObjectId(event.object_id)})
