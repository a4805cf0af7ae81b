"""Signing in, staying signed in, signing out."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from commands.context import Command
from commands.unit_of_work import UnitOfWork
from dependencies.services import Services
from domain.accounts import Account
from domain.claims import Claim
from domain.errors import NotFound, Unauthenticated
from domain.ports.people import PasswordHasher
from domain.sessions import Session
from domain.tokens import first_refresh_token, next_refresh_token, session_of, token_hash
from domain.values import normalised_email, normalised_mobile

ABSOLUTE_FACTOR = 4
"""A session lives as long as it is refreshed, but at most this many lifetimes of a refresh token."""

Secret = Annotated[str, Field(max_length=1_000)]
Identifier = Annotated[str, Field(min_length=1, max_length=254)]


class LogIn(Command):
    """One of `email`, `mobile`, `identifier`, and the password."""

    email: Identifier | None = None
    mobile: Identifier | None = None
    identifier: Identifier | None = None
    password: Secret

    @model_validator(mode="after")
    def _one_of_three(self) -> Self:
        if len([1 for x in (self.email, self.mobile, self.identifier) if x is not None]) != 1:
            raise ValueError("give one of email, mobile or identifier")
        return self

    @property
    def claim(self) -> tuple[str, str]:
        """Kind and normal form. What is neither an address nor a number belongs to nobody."""
        text = self.email or self.mobile or self.identifier or ""
        try:
            return (
                ("email", normalised_email(text))
                if "@" in text
                else ("mobile", normalised_mobile(text))
            )
        except ValueError:
            return ("nothing", text)


class Refresh(Command):
    refresh_token: Annotated[str, Field(max_length=200)]


class LogOut(Command):
    all_sessions: bool = False


@dataclass(frozen=True)
class Visit:
    """From where somebody signs in: shown to them in the list of their sessions."""

    device: str
    address: str


async def log_in(command: LogIn, visit: Visit, services: Services, work: UnitOfWork) -> Session:
    """Raise Unauthenticated, after the same work, for an unknown account and for a wrong password."""
    kind, value = command.claim
    claim = await work.find(Claim, work.claim_id(kind, value))
    owner = None if claim is None else claim.owner
    account = None if owner is None else await work.find(Account, owner)
    if account is not None and account.erased:
        account = None
    hashed = None if account is None else account.password_hash
    matches = await work.verified(command.password, hashed, services.hasher)
    if account is None or not matches:
        raise Unauthenticated("the address or the password is wrong", code="wrong-credentials")
    return begin_session(account, visit, services, work)


def begin_session(account: Account, visit: Visit, services: Services, work: UnitOfWork) -> Session:
    idle = timedelta(days=services.settings.jwt_refresh_token_expire_days)
    session_id = work.new_id()
    first = first_refresh_token(services.keyring.refresh, session_id)
    session = Session.begin(
        session_id,
        account_id=account.object_id,
        era=account.era,
        token_hash=token_hash(first),
        device=visit.device,
        address=visit.address,
        now=work.now,
        idle=idle,
        longest=ABSOLUTE_FACTOR * idle,
    )
    return work.add(session)


async def refresh_session(token: str, key: bytes, work: UnitOfWork) -> Session:
    """Spend the token for its successor; or end the session, when it was spent before."""
    session = await work.find(Session, session_of(token))
    account = None if session is None else await work.find(Account, session.account_id)
    if session is None or account is None:
        raise Unauthenticated("not a refresh token of ours", code="invalid-token")
    if not account.accepts(session.object_id, era=session.era):
        raise Unauthenticated("this session has ended", code="session-ended")
    successor = token_hash(next_refresh_token(key, token))
    session.refresh(presented=token_hash(token), successor=successor, now=work.now)
    return session


async def log_out(session_id: str, command: LogOut, work: UnitOfWork) -> Session:
    session = await work.load(Session, session_id)
    session.end(reason="signed-out")
    if command.all_sessions:
        account = await work.load(Account, session.account_id)
        account.end_all_sessions(era=session.era)
    return session


async def end_session(session_id: str, user_id: str, work: UnitOfWork) -> Session:
    """Raise NotFound for a session of somebody else."""
    session = await work.load(Session, session_id)
    if session.account_id != user_id:
        raise NotFound("no such session")
    session.end(reason="ended-by-owner")
    return session


async def password_is(
    hasher: PasswordHasher, password: str, account: Account, work: UnitOfWork | None = None
) -> None:
    """Raise Unauthenticated unless it is this account's."""
    hashed = account.password_hash
    verified = work.verified(password, hashed, hasher) if work else hasher.verify(password, hashed)
    if not await verified:
        raise Unauthenticated("the current password is wrong", code="wrong-password")
