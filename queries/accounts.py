"""Who one is, where one is signed in, and, for administrators, who there is."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query, Response

from dependencies.answers import answer, etag, present, view_of
from dependencies.caller import Admin, CurrentUser
from dependencies.documents import Document, object_id_or_404
from dependencies.limits import limited
from dependencies.lists import Page
from dependencies.reading import Reading, ReadModels
from dependencies.routers import PrefixRouter
from dependencies.services import Services
from domain.errors import NotFound
from domain.values import Role
from projections.accounts import SessionDocument
from projections.stored import shape

router = PrefixRouter(prefix="/api/auth", tags=["accounts"], dependencies=[limited("read")])
admin_router = PrefixRouter(
    prefix="/api/admin/users", tags=["accounts"], dependencies=[limited("read")]
)

USERS, SESSIONS = "users", "sessions"


@shape
class SessionShown(SessionDocument):
    current: bool
    """Whether it is the one that asks."""


def user_view(document: Document, _: Services) -> dict[str, Any]:
    """Everything but the password's hash, which `present` never shows."""
    return present(document)


@router.get("/me")
async def get_me(user: CurrentUser, read_models: ReadModels, services: Reading) -> Response:
    """One's own account."""
    return await _one(user.id, read_models, services)


@router.get("/sessions")
async def get_sessions(user: CurrentUser, read_models: ReadModels, page: Page) -> Response:
    """Where one is signed in, the latest first."""
    mine: Mapping[str, Any] = {"userId": object_id_or_404(user.id), "endedAt": None}
    found = await page.find(read_models[SESSIONS], mine, (("lastUsedAt", -1), ("_id", -1)))
    total = await page.total(read_models[SESSIONS], mine)
    here = [present(d) | {"current": str(d["_id"]) == user.session_id} for d in found.documents]
    return page.answer(here, total, next_cursor=found.next_cursor)


@admin_router.get("")
async def get_users(
    _: Admin,
    read_models: ReadModels,
    services: Reading,
    page: Page,
    role: Annotated[Role | None, Query()] = None,
) -> Response:
    """All accounts, the newest first."""
    query: dict[str, Any] = {} if role is None else {"roles": role.value}
    found = await page.find(read_models[USERS], query, (("createdAt", -1), ("_id", -1)))
    total = await page.total(read_models[USERS], query)
    show = view_of(services, USERS)
    shown = [show(document) for document in found.documents]
    return page.answer(shown, total, next_cursor=found.next_cursor)


@admin_router.get("/{user_id}")
async def get_user(user_id: str, _: Admin, read_models: ReadModels, services: Reading) -> Response:
    """One account."""
    return await _one(user_id, read_models, services)


async def _one(user_id: str, read_models: ReadModels, services: Services) -> Response:
    document = await read_models[USERS].find_one({"_id": object_id_or_404(user_id)})
    if document is None:
        raise NotFound("no such account")
    return answer(view_of(services, USERS)(document), headers=etag(document))
