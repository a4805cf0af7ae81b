"""Who is calling, and with which roles."""

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from dependencies.services import services_of
from domain.errors import Forbidden, Unauthenticated
from domain.sessions import User
from domain.values import Role

bearer = HTTPBearer(
    auto_error=False, description="The `accessToken` of login, register or refresh."
)


async def current_user(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> User:
    """Raise Unauthenticated unless the token is genuine and its session alive."""
    if credentials is None:
        raise Unauthenticated("this needs an access token")
    services = services_of(request)
    claims = services.tokens.read(credentials.credentials, now=services.clock())
    user = await services.sessions.user(user_id=claims.user_id, session_id=claims.session_id)
    request.state.user = user
    return user


CurrentUser = Annotated[User, Depends(current_user)]


async def _optional_user(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> User | None:
    return None if credentials is None else await current_user(request, credentials)


OptionalUser = Annotated[User | None, Depends(_optional_user)]
"""The caller of a public route, when there is a token; a bad token is still refused."""


def RequireRole(*roles: Role) -> Any:  # noqa: N802 - reads like a type where it is used
    """A dependency: the caller, who has one of these roles or is an administrator."""

    async def required(user: CurrentUser) -> User:
        if not user.has(*roles):
            raise Forbidden("this needs the role " + " or ".join(sorted({*roles, Role.ADMIN})))
        return user

    return Depends(required)


Staff = Annotated[
    User,
    RequireRole(Role.SUPPORT, Role.CATALOG_MANAGER, Role.ORDER_MANAGER, Role.FINANCE),
]
CatalogManager = Annotated[User, RequireRole(Role.CATALOG_MANAGER)]
OrderManager = Annotated[User, RequireRole(Role.ORDER_MANAGER)]
Finance = Annotated[User, RequireRole(Role.FINANCE)]
Auditor = Annotated[User, RequireRole(Role.AUDITOR)]
Admin = Annotated[User, RequireRole()]
