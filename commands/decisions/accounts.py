"""What people may do with an account: open it, change it, be forgotten; an administrator gives it roles."""

import secrets
from datetime import timedelta
from typing import Annotated, Any

import structlog
from pydantic import AfterValidator, Field, StringConstraints

from commands.context import Command
from commands.decisions.sessions import Secret, Visit, begin_session, password_is
from commands.unit_of_work import UnitOfWork
from dependencies.services import Services
from domain.accounts import Account, Profile, found
from domain.claims import Claim
from domain.errors import Invalid, RuleViolation
from domain.passwords import checked_password
from domain.sessions import Session
from domain.tokens import invalid_reset_token, read_reset_token
from domain.values import EmailText, MobileText, Role

log = structlog.get_logger()
RESET_LIFETIME = timedelta(minutes=30)

NameText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=80)]


def _web_address(text: str) -> str:
    if not text.startswith(("https://", "/api/")):
        raise ValueError("an avatar is an https:// address")
    return text


class Register(Command):
    email: EmailText = Field(examples=["meera@example.com"])
    password: Secret = Field(examples=["three old maps of Jaipur"])
    first_name: Annotated[NameText, StringConstraints(min_length=1)] = Field(examples=["Meera"])
    last_name: NameText = Field(default="", examples=["Iyer"])
    mobile: MobileText | None = Field(default=None, examples=["9876543210"])
    consent: bool | None = None


class Preferences(Command):
    favorite_categories: Annotated[list[NameText], Field(max_length=20)] | None = None
    notifications: bool | None = None


class ChangeProfile(Command):
    """What is not named stays as it is. Another e-mail address or mobile number needs the password."""

    first_name: Annotated[NameText, StringConstraints(min_length=1)] | None = None
    last_name: NameText | None = None
    avatar: (
        Annotated[str, StringConstraints(max_length=500), AfterValidator(_web_address)] | None
    ) = None
    preferences: Preferences = Preferences()
    email: EmailText | None = None
    mobile: MobileText | None = None
    current_password: Secret | None = None


class ChangePassword(Command):
    current_password: Secret
    new_password: Secret


class ForgotPassword(Command):
    email: EmailText


class ResetPassword(Command):
    token: Annotated[str, Field(max_length=200)]
    new_password: Secret


class EraseAccount(Command):
    current_password: Secret


class SetRoles(Command):
    roles: Annotated[frozenset[Role], Field(max_length=len(Role))]


async def register_account(
    command: Register, visit: Visit, services: Services, work: UnitOfWork
) -> Session:
    """The account, the claims on its address and number, and its first session: one commit."""
    account = await open_account(command, services, work)
    return begin_session(account, visit, services, work)


async def open_account(
    command: Register,
    services: Services,
    work: UnitOfWork,
    *,
    roles: tuple[Role, ...] = (Role.CUSTOMER,),
) -> Account:
    account_id = work.new_id()
    await work.claim("email", command.email, owner=account_id)
    if command.mobile is not None:
        await work.claim("mobile", command.mobile, owner=account_id)
    about = (command.email.partition("@")[0], command.first_name, command.last_name)
    password = checked_password(command.password, field="password", about=about)
    account = Account.register(
        account_id,
        email=command.email,
        mobile=command.mobile,
        first_name=command.first_name,
        last_name=command.last_name,
        password_hash=await work.hashed(password, services.hasher),
        roles=roles,
        consent=command.consent,
    )
    return work.add(account)


async def change_profile(
    user_id: str, command: ChangeProfile, services: Services, work: UnitOfWork
) -> Account:
    account = found(await work.find(Account, user_id))
    account.change_profile(_profile(account.profile, command))
    named = command.model_fields_set & {"email", "mobile"}
    if named:
        await _change_contact(account, command, services, work)
    return account


def _profile(before: Profile, command: ChangeProfile) -> Profile:
    """The old profile with what the command names. Only `avatar` may be taken away by null."""
    preferences = command.preferences
    stated = {
        "first_name": command.first_name,
        "last_name": command.last_name,
        "favorite_categories": preferences.favorite_categories,
        "notifications": preferences.notifications,
    }
    changes: dict[str, Any] = {name: v for name, v in stated.items() if v is not None}
    if "avatar" in command.model_fields_set:
        changes["avatar"] = command.avatar
    return Profile.model_validate(before.model_dump() | changes)


async def _change_contact(
    account: Account, command: ChangeProfile, services: Services, work: UnitOfWork
) -> None:
    """Claims move with the values, in the same commit."""
    email = command.email or account.email
    mobile = command.mobile if "mobile" in command.model_fields_set else account.mobile
    if (email, mobile) == (account.email, account.mobile):
        return
    if command.current_password is None:
        raise Invalid("another address or number needs currentPassword", code="password-needed")
    await password_is(services.hasher, command.current_password, account, work)
    owner = account.object_id
    if email != account.email:
        await work.claim("email", email, owner=owner)
        await work.release("email", account.email, owner=owner)
        account.change_email(email)
    if mobile != account.mobile:
        if mobile is not None:
            await work.claim("mobile", mobile, owner=owner)
        if account.mobile is not None:
            await work.release("mobile", account.mobile, owner=owner)
        account.change_mobile(mobile)


async def change_password(
    user_id: str, session_id: str, command: ChangePassword, services: Services, work: UnitOfWork
) -> Account:
    """All other sessions end."""
    account = found(await work.find(Account, user_id))
    await password_is(services.hasher, command.current_password, account, work)
    await _set_password(account, command.new_password, services, work, kept_session=session_id)
    return account


async def _set_password(
    account: Account,
    password: str,
    services: Services,
    work: UnitOfWork,
    *,
    kept_session: str | None,
) -> None:
    about = (account.email.partition("@")[0], account.profile.first_name, account.profile.last_name)
    checked_password(password, field="newPassword", about=about)
    hashed = await work.hashed(password, services.hasher)
    account.change_password(hashed, kept_session=kept_session)


async def request_password_reset(email: str, work: UnitOfWork) -> Account | None:
    """Nothing happens for an unknown address. The mail is a policy's: see `reactions/accounts.py`."""
    claim = await work.find(Claim, work.claim_id("email", email))
    if claim is None or claim.owner is None:
        return None
    account = await work.load(Account, claim.owner)
    nonce = secrets.token_hex(12)
    account.request_reset(nonce=nonce, expires_at=work.now + RESET_LIFETIME)
    return account


async def reset_password(command: ResetPassword, services: Services, work: UnitOfWork) -> Account:
    """All sessions end. Raise Invalid, always the same, for a token that does not work."""
    account_id, nonce = read_reset_token(services.keyring.reset, command.token)
    account = await work.find(Account, account_id)
    if account is None or account.erased or not account.resets_with(nonce, now=work.now):
        raise invalid_reset_token()
    await _set_password(account, command.new_password, services, work, kept_session=None)
    return account


async def set_roles(user_id: str, command: SetRoles, admin_id: str, work: UnitOfWork) -> Account:
    account = found(await work.find(Account, user_id))
    if user_id == admin_id and Role.ADMIN not in command.roles:
        raise RuleViolation(
            "an administrator cannot stop being one; another one can do it", code="own-role"
        )
    account.set_roles(command.roles)
    return account


async def erase_person(user_id: str, work: UnitOfWork) -> Account:
    """Forget: sessions end, claims are given back. The caller then destroys the key: see `erase`."""
    account = await work.load(Account, user_id)
    if not account.erased:
        await work.release("email", account.email, owner=user_id)
        if account.mobile is not None:
            await work.release("mobile", account.mobile, owner=user_id)
    account.erase()
    return account
