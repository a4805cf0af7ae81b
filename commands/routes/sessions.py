"""Sessions over HTTP: sign in, refresh, sign out, end the one on a lost telephone."""

from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Request, Response

from commands.decisions.sessions import (
    LogIn,
    LogOut,
    Refresh,
    Visit,
    end_session,
    log_in,
    log_out,
    refresh_session,
)
from dependencies.answers import answer, view_of
from dependencies.caller import CurrentUser
from dependencies.executor import CommandOutcome, Execute, Executor
from dependencies.limits import client_address, count_against, limited
from dependencies.routers import PrefixRouter
from dependencies.services import AllServices, Services
from domain.accounts import Account
from domain.claims import claim_id
from domain.errors import Unauthenticated
from domain.sessions import Session
from domain.tokens import first_refresh_token, next_refresh_token, session_of, token_hash
from domain.values import ObjectIdText

router = PrefixRouter(prefix="/api/auth", tags=["accounts"])

USERS = "users"

TRIES_A_MINUTE, TRIES_AN_HOUR = 5, 100
"""At one account: from one address in a minute, from everywhere in an hour."""


async def _visit(request: Request) -> Visit:
    return Visit(request.headers.get("user-agent", ""), client_address(request))


ThisVisit = Annotated[Visit, Depends(_visit)]


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
    document = await services.documents.find(USERS, account.object_id)
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
