"""Signing in, staying signed in, signing out."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, model_validator

from commands.context import Command
from commands.unit_of_work import UnitOfWork
from dependencies import (
    AllServices,
    CommandOutcome,
    CurrentUser,
    Execute,
    Executor,
    Services,
    answer,
    client_address,
    count_against,
    limited,
    object_id_or_404,
    view_of,
)
from domain.accounts import Account
from domain.claims import Claim, claim_id
from domain.errors import NotFound, Unauthenticated
from domain.ports import PasswordHasher
from domain.sessions import Session
from domain.tokens import first_refresh_token, next_refresh_token, session_of, token_hash
from domain.values import ObjectIdText, normalised_email, normalised_mobile

router = APIRouter(prefix="/api/auth", tags=["accounts"])

USERS = "users"
ABSOLUTE_FACTOR = 4
"""A session lives as long as it is refreshed, but at most this many lifetimes of a refresh token."""

TRIES_A_MINUTE, TRIES_AN_HOUR = 5, 100
"""At one account: from one address in a minute, from everywhere in an hour."""

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


async def _visit(request: Request) -> Visit:
    return Visit(request.headers.get("user-agent", ""), client_address(request))


ThisVisit = Annotated[Visit, Depends(_visit)]

# --- Handlers ------------------------------------------------------------------------------------


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


# --- Endpoints -----------------------------------------------------------------------------------


@router.post("/login", dependencies=[limited("auth")])
async def post_login(
    command: LogIn, visit: ThisVisit, services: AllServices, execute: Execute
) -> Response:
    """Sign in with an e-mail address or a mobile number."""
    await _count_tries(command, visit, services)
    outcome = await execute.carry_out(partial(log_in, command, visit, services))
    return await signed_in(outcome, services, execute)


async def _count_tries(command: LogIn, visit: Visit, services: Services) -> None:
    """Before the costly hash. Never a lock: a minute later its owner may try again."""
    account = claim_id(*command.claim, services.keyring.claims)
    here = f"{account} {visit.address}"
    await count_against(services, bucket="auth", key=here, limit=TRIES_A_MINUTE, per_seconds=60)
    await count_against(
        services, bucket="account", key=account, limit=TRIES_AN_HOUR, per_seconds=3_600
    )


@router.post("/refresh", dependencies=[limited("refresh")])
async def post_refresh(command: Refresh, services: AllServices, execute: Execute) -> Response:
    """A new access token and the next refresh token. A refresh token works once."""
    token, key = command.refresh_token, services.keyring.refresh
    outcome = await execute.carry_out(partial(refresh_session, token, key))
    session: Session = await services.store.load(Session, session_of(token))
    successor = next_refresh_token(key, token)
    if session.ended or session.current != token_hash(successor):
        services.sessions.forget(session.account_id)
        raise Unauthenticated(
            "this refresh token was used before; the session has ended", code="refresh-token-reused"
        )
    account: Account = await services.store.load(Account, session.account_id)
    data = await tokens_of(session, account, successor, services)
    return answer(data, headers=await execute.headers(outcome))


@router.post("/logout")
async def post_logout(
    user: CurrentUser, services: AllServices, execute: Execute, command: LogOut | None = None
) -> Response:
    """End this session, or with `allSessions` every one."""
    outcome = await execute.carry_out(partial(log_out, user.session_id, command or LogOut()))
    services.sessions.forget(user.id)
    return answer(None, headers=await execute.headers(outcome))


@router.delete("/sessions/{session_id}")
async def delete_session(
    session_id: ObjectIdText, user: CurrentUser, services: AllServices, execute: Execute
) -> Response:
    """End one of one's own sessions, on a lost telephone say."""
    outcome = await execute.carry_out(partial(end_session, session_id, user.id))
    services.sessions.forget(user.id)
    return answer(None, headers=await execute.headers(outcome))


async def signed_in(
    outcome: CommandOutcome, services: Services, execute: Executor, *, status: int = 200
) -> Response:
    """The answer of login and register: who it is, and the tokens of the new session."""
    assert outcome.object_id is not None
    session: Session = await services.store.load(Session, outcome.object_id)
    account: Account = await services.store.load(Account, session.account_id)
    if status == 201:
        await execute.shown(outcome, "sessions")
    first = first_refresh_token(services.keyring.refresh, session.object_id)
    data = await tokens_of(session, account, first, services)
    return answer(data, status=status, headers=await execute.headers(outcome))


async def tokens_of(
    session: Session, account: Account, refresh_token: str, services: Services
) -> dict[str, Any]:
    access = services.tokens.issue(
        user_id=account.object_id,
        session_id=session.object_id,
        roles=sorted(account.roles),
        now=services.clock(),
    )
    return {
        "user": await _user(account, services),
        "accessToken": access,
        "refreshToken": refresh_token,
        "tokenType": "bearer",
        "expiresIn": services.settings.jwt_access_token_expire_minutes * 60,
    }


async def _user(account: Account, services: Services) -> dict[str, Any]:
    """As the read model shows it; its name and roles alone when that lags behind."""
    users = services.read_models[USERS]
    document = await users.find_one({"_id": object_id_or_404(account.object_id)})
    if document is not None:
        return view_of(services, USERS)(document)
    return {
        "_id": account.object_id,
        "id": account.object_id,
        "email": account.email,
        "mobile": account.mobile,
        "firstName": account.profile.first_name,
        "lastName": account.profile.last_name,
        "roles": sorted(account.roles),
    }


async def password_is(
    hasher: PasswordHasher, password: str, account: Account, work: UnitOfWork | None = None
) -> None:
    """Raise Unauthenticated unless it is this account's."""
    hashed = account.password_hash
    verified = work.verified(password, hashed, hasher) if work else hasher.verify(password, hashed)
    if not await verified:
        raise Unauthenticated("the current password is wrong", code="wrong-password")
