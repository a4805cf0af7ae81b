"""Registering, changing and leaving an account, over HTTP; and the roles that an administrator gives."""

from functools import partial

import structlog
from fastapi import Response
from starlette.background import BackgroundTask

from commands.decisions.accounts import (
    ChangePassword,
    ChangeProfile,
    EraseAccount,
    ForgotPassword,
    Register,
    ResetPassword,
    SetRoles,
    change_password,
    change_profile,
    erase_person,
    register_account,
    request_password_reset,
    reset_password,
    set_roles,
)
from commands.decisions.sessions import password_is
from commands.routes.sessions import ThisVisit, signed_in
from dependencies.answers import answer
from dependencies.caller import Admin, CurrentUser
from dependencies.executor import Execute, Executor
from dependencies.limits import count_against, limited
from dependencies.routers import PrefixRouter
from dependencies.services import AllServices, Services
from domain.accounts import Account
from domain.claims import claim_id
from domain.errors import TooManyRequests
from domain.values import ObjectIdText

log = structlog.get_logger(__name__)


router = PrefixRouter(prefix="/api/auth", tags=["accounts"])
admin_router = PrefixRouter(prefix="/api/admin/users", tags=["accounts"])

USERS = "users"


@router.post("/register", status_code=201, dependencies=[limited("register")])
async def post_register(
    command: Register, visit: ThisVisit, services: AllServices, execute: Execute
) -> Response:
    """Open an account, and be signed in."""
    outcome = await execute.carry_out(partial(register_account, command, visit, services))
    return await signed_in(outcome, services, execute, status=201)


@router.put("/profile", dependencies=[limited("write")])
async def put_profile(
    command: ChangeProfile, user: CurrentUser, services: AllServices, execute: Execute
) -> Response:
    """Change what is named; the rest stays."""
    return await execute(partial(change_profile, user.id, command, services), shows=USERS)


@router.post("/change-password", dependencies=[limited("auth")])
async def post_change_password(
    command: ChangePassword, user: CurrentUser, services: AllServices, execute: Execute
) -> Response:
    """Set a new password. Every other session ends."""
    handler = partial(change_password, user.id, user.session_id, command, services)
    response = await execute(handler, shows=USERS)
    services.sessions.forget(user.id)
    return response


@router.post("/forgot-password", status_code=202, dependencies=[limited("forgot")])
async def post_forgot_password(
    command: ForgotPassword, services: AllServices, execute: Execute
) -> Response:
    """Ask for a link by mail. The answer, and its time, are the same for every address."""
    response = answer(
        {"message": "if the address has an account, a link is on its way"}, status=202
    )
    response.background = BackgroundTask(_ask_for_reset, command.email, services, execute)
    return response


async def _ask_for_reset(email: str, services: Services, execute: Executor) -> None:
    key = claim_id("email", email, services.keyring.claims)
    try:
        await count_against(services, bucket="forgot", key=key, limit=3, per_seconds=3_600)
    except TooManyRequests:
        log.info("more links were asked for than are mailed in an hour")
        return
    await execute.carry_out(partial(request_password_reset, email))


@router.post("/reset-password", dependencies=[limited("forgot")])
async def post_reset_password(
    command: ResetPassword, services: AllServices, execute: Execute
) -> Response:
    """Set a new password by the link of the mail. Every session ends."""
    outcome = await execute.carry_out(partial(reset_password, command, services))
    if outcome.object_id is not None:
        services.sessions.forget(outcome.object_id)
    return answer(None, headers=await execute.headers(outcome))


@router.delete("/account", dependencies=[limited("auth")])
async def delete_account(
    command: EraseAccount, user: CurrentUser, services: AllServices, execute: Execute
) -> Response:
    """Leave, and be forgotten: nothing personal can be read any more, in no copy and no backup."""
    account: Account = await services.store.load(Account, user.id)
    await password_is(services.hasher, command.current_password, account)
    outcome = await execute.carry_out(partial(erase_person, user.id))
    await services.keys.destroy(user.id)
    services.sessions.forget(user.id)
    return answer(None, headers=await execute.headers(outcome))


@admin_router.put("/{user_id}/roles", dependencies=[limited("write")])
async def put_roles(
    user_id: ObjectIdText,
    command: SetRoles,
    admin: Admin,
    services: AllServices,
    execute: Execute,
) -> Response:
    """Give an account these roles, and no others."""
    response = await execute(partial(set_roles, user_id, command, admin.id), shows=USERS)
    services.sessions.forget(user_id)
    return response
