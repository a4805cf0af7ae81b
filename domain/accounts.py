"""Accounts: registered, changed, given roles, and at last forgotten.

An account also says which of its sessions still count: each session remembers the account's `era`, and
a new password, a sign-out everywhere or an erasure begins a new one.

Event topics and fields are a storage format: change them only by adding.
"""

from datetime import datetime
from typing import Annotated, ClassVar, Self

from domain.errors import NotFound, RuleViolation
from domain.kernel import (
    AggregateRoot,
    DomainEvent,
    InitialEvent,
    PersonalData,
    ValueObject,
    applies,
)
from domain.values import Role

ERASED = ""

Personal = Annotated[str, PersonalData(erased=ERASED)]
PersonalOrNone = Annotated[str | None, PersonalData(erased=None)]


class Profile(ValueObject):
    """What its owner may change without proving the password again."""

    first_name: str
    last_name: str = ""
    avatar: str | None = None
    favorite_categories: tuple[str, ...] = ()
    notifications: bool = True


class AccountRegistered(InitialEvent):
    TOPIC: ClassVar[str] = "AccountRegistered"
    SUBJECT: ClassVar[str | None] = "account_id"
    account_id: str
    email: Personal
    mobile: PersonalOrNone
    first_name: Personal
    last_name: Personal
    password_hash: Personal
    roles: tuple[Role, ...]
    consent: bool | None = None
    """To the terms, when the form asked."""


class ProfileChanged(DomainEvent):
    """The whole profile as it now is."""

    TOPIC: ClassVar[str] = "ProfileChanged"
    SUBJECT: ClassVar[str | None] = "account_id"
    account_id: str
    first_name: Personal
    last_name: Personal
    avatar: PersonalOrNone
    favorite_categories: tuple[str, ...]
    notifications: bool


class EmailChanged(DomainEvent):
    TOPIC: ClassVar[str] = "EmailChanged"
    SUBJECT: ClassVar[str | None] = "account_id"
    account_id: str
    email: Personal


class MobileChanged(DomainEvent):
    TOPIC: ClassVar[str] = "MobileChanged"
    SUBJECT: ClassVar[str | None] = "account_id"
    account_id: str
    mobile: PersonalOrNone


class PasswordChanged(DomainEvent):
    """A new password: all sessions end, but for the one that changed it."""

    TOPIC: ClassVar[str] = "PasswordChanged"
    SUBJECT: ClassVar[str | None] = "account_id"
    account_id: str
    password_hash: Personal
    kept_session: str | None


class PasswordResetRequested(DomainEvent):
    """A link may be mailed. Its secret is made from the nonce and a key that is not stored here."""

    TOPIC: ClassVar[str] = "PasswordResetRequested"
    nonce: str
    expires_at: datetime


class RolesGranted(DomainEvent):
    TOPIC: ClassVar[str] = "RolesGranted"
    roles: tuple[Role, ...]
    held: tuple[Role, ...]
    """All of them, thereafter."""


class RolesRevoked(DomainEvent):
    TOPIC: ClassVar[str] = "RolesRevoked"
    roles: tuple[Role, ...]
    held: tuple[Role, ...]


class AllSessionsEnded(DomainEvent):
    TOPIC: ClassVar[str] = "AllSessionsEnded"


class PersonalDataErased(DomainEvent):
    """The person's key is destroyed: what it encrypted cannot be read any more, anywhere."""

    TOPIC: ClassVar[str] = "PersonalDataErased"
    account_id: str


class Account(AggregateRoot):
    TOPIC: ClassVar[str] = "Account"
    CATEGORY: ClassVar[str] = "account"

    @classmethod
    def register(
        cls,
        account_id: str,
        *,
        email: str,
        mobile: str | None,
        first_name: str,
        last_name: str,
        password_hash: str,
        roles: tuple[Role, ...] = (Role.CUSTOMER,),
        consent: bool | None = None,
    ) -> Self:
        return cls.start(
            account_id,
            AccountRegistered,
            account_id=account_id,
            email=email,
            mobile=mobile,
            first_name=first_name,
            last_name=last_name,
            password_hash=password_hash,
            roles=roles,
            consent=consent,
        )

    def change_profile(self, profile: Profile) -> None:
        self._check_alive()
        if profile != self.profile:
            self.record(
                ProfileChanged,
                account_id=self.object_id,
                first_name=profile.first_name,
                last_name=profile.last_name,
                avatar=profile.avatar,
                favorite_categories=profile.favorite_categories,
                notifications=profile.notifications,
            )

    def change_email(self, email: str) -> None:
        self._check_alive()
        if email != self.email:
            self.record(EmailChanged, account_id=self.object_id, email=email)

    def change_mobile(self, mobile: str | None) -> None:
        self._check_alive()
        if mobile != self.mobile:
            self.record(MobileChanged, account_id=self.object_id, mobile=mobile)

    def change_password(self, password_hash: str, *, kept_session: str | None) -> None:
        self._check_alive()
        if password_hash != self.password_hash:
            self.record(
                PasswordChanged,
                account_id=self.object_id,
                password_hash=password_hash,
                kept_session=kept_session,
            )

    def request_reset(self, *, nonce: str, expires_at: datetime) -> None:
        """The newest request makes those before it void."""
        self._check_alive()
        if nonce != self.reset_nonce:
            self.record(PasswordResetRequested, nonce=nonce, expires_at=expires_at)

    def resets_with(self, nonce: str, *, now: datetime) -> bool:
        """Whether a link of this nonce still works: the newest, unused, in time."""
        return (
            self.reset_nonce == nonce and self.reset_expires_at is not None
        ) and now < self.reset_expires_at

    def set_roles(self, roles: frozenset[Role]) -> None:
        """Grant what is missing, revoke what is too much. Everybody stays a customer."""
        self._check_alive()
        wanted = roles | {Role.CUSTOMER}
        if missing := wanted - self.roles:
            held = tuple(sorted(self.roles | missing))
            self.record(RolesGranted, roles=tuple(sorted(missing)), held=held)
        if extra := self.roles - wanted:
            self.record(RolesRevoked, roles=tuple(sorted(extra)), held=tuple(sorted(wanted)))

    def end_all_sessions(self, *, era: int) -> None:
        """End every session of this era or an earlier one."""
        if era >= self.era:
            self.record(AllSessionsEnded)

    def erase(self) -> None:
        """Repeating it changes nothing."""
        if not self.erased:
            self.record(PersonalDataErased, account_id=self.object_id)

    def accepts(self, session_id: str, *, era: int) -> bool:
        """Whether a session that began in this era still counts."""
        return not self.erased and (era == self.era or session_id == self.kept_session)

    def _check_alive(self) -> None:
        if self.erased:
            raise RuleViolation("this account was erased", code="account-erased")

    @applies(AccountRegistered)
    def _registered(self, event: AccountRegistered) -> None:
        self.email: str = event.email
        self.mobile: str | None = event.mobile
        self.profile: Profile = Profile(first_name=event.first_name, last_name=event.last_name)
        self.password_hash: str = event.password_hash
        self.roles: frozenset[Role] = frozenset(event.roles)
        self.erased: bool = False
        self.era: int = 1
        self.kept_session: str | None = None
        self.reset_nonce: str | None = None
        self.reset_expires_at: datetime | None = None

    @applies(ProfileChanged)
    def _profile_changed(self, event: ProfileChanged) -> None:
        self.profile = Profile(
            first_name=event.first_name,
            last_name=event.last_name,
            avatar=event.avatar,
            favorite_categories=event.favorite_categories,
            notifications=event.notifications,
        )

    @applies(EmailChanged)
    def _email_changed(self, event: EmailChanged) -> None:
        self.email = event.email

    @applies(MobileChanged)
    def _mobile_changed(self, event: MobileChanged) -> None:
        self.mobile = event.mobile

    @applies(PasswordChanged)
    def _password_changed(self, event: PasswordChanged) -> None:
        self.password_hash = event.password_hash
        self._new_era(event.kept_session)

    @applies(PasswordResetRequested)
    def _reset_requested(self, event: PasswordResetRequested) -> None:
        self.reset_nonce = event.nonce
        self.reset_expires_at = event.expires_at

    @applies(RolesGranted)
    def _granted(self, event: RolesGranted) -> None:
        self.roles = frozenset(event.held)

    @applies(RolesRevoked)
    def _revoked(self, event: RolesRevoked) -> None:
        self.roles = frozenset(event.held)

    @applies(AllSessionsEnded)
    def _all_ended(self, _: AllSessionsEnded) -> None:
        self._new_era(None)

    @applies(PersonalDataErased)
    def _erased(self, _: PersonalDataErased) -> None:
        self.erased = True
        self._new_era(None)

    def _new_era(self, kept_session: str | None) -> None:
        self.era += 1
        self.kept_session = kept_session
        self.reset_nonce = None
        self.reset_expires_at = None


def found(account: Account | None) -> Account:
    """Raise NotFound for an account that is missing or erased."""
    if account is None or account.erased:
        raise NotFound("no such account")
    return account
