"""Try-on over HTTP."""

import secrets
from functools import partial

from fastapi import Response, status

from commands.decisions.tryon import (
    AdjustTryOn,
    CreateTryOn,
    ShareTryOn,
    adjust_try_on,
    delete_try_on,
    request_try_on,
    save_try_on,
    share_try_on,
    unshare_try_on,
)
from dependencies.caller import CurrentUser
from dependencies.documents import object_id_or_404
from dependencies.executor import Execute
from dependencies.limits import limited
from dependencies.routers import PrefixRouter
from dependencies.services import AllServices

router = PrefixRouter(prefix="/api/try-on", tags=["try-on"])

RESULTS = "tryOnResults"
LOCATION = "/api/try-on/results/{id}"


@router.post("/create", status_code=status.HTTP_201_CREATED, dependencies=[limited("tryon")])
async def post_try_on(
    command: CreateTryOn, user: CurrentUser, execute: Execute, services: AllServices
) -> Response:
    """Ask for a picture. It is rendered in a moment: read the result until `status` is `ready`."""
    days = services.settings.photo_days
    return await execute(
        partial(request_try_on, command, user, days=days),
        shows=RESULTS,
        status=status.HTTP_201_CREATED,
        location=LOCATION,
    )


@router.put("/results/{result_id}", dependencies=[limited("adjust")])
async def put_try_on(
    result_id: str, command: AdjustTryOn, user: CurrentUser, execute: Execute
) -> Response:
    """Move, turn or scale the piece; the picture is rendered again."""
    object_id_or_404(result_id)
    return await execute(partial(adjust_try_on, result_id, user.id, command), shows=RESULTS)


@router.post("/results/{result_id}/save", dependencies=[limited("write")])
async def post_save(result_id: str, user: CurrentUser, execute: Execute) -> Response:
    """Keep a result for good."""
    object_id_or_404(result_id)
    return await execute(partial(save_try_on, result_id, user.id), shows=RESULTS)


@router.post("/results/{result_id}/share", dependencies=[limited("write")])
async def post_share(
    result_id: str, user: CurrentUser, execute: Execute, command: ShareTryOn | None = None
) -> Response:
    """Make a link that anybody may open until it expires or is withdrawn. It says nothing of you. A link
    that holds stays the same, and ends when `expiresInDays` says so.
    """
    object_id_or_404(result_id)
    token = secrets.token_urlsafe(24)
    handler = partial(share_try_on, result_id, user.id, command or ShareTryOn(), token)
    return await execute(handler, shows=RESULTS)


@router.delete("/results/{result_id}/share", dependencies=[limited("write")])
async def delete_share(result_id: str, user: CurrentUser, execute: Execute) -> Response:
    """Withdraw the link: it is dead at once."""
    object_id_or_404(result_id)
    return await execute(partial(unshare_try_on, result_id, user.id), shows=RESULTS)


@router.delete(
    "/results/{result_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[limited("write")],
)
async def delete_result(result_id: str, user: CurrentUser, execute: Execute) -> Response:
    """Delete a result, its picture and its link."""
    object_id_or_404(result_id)
    outcome = await execute.carry_out(partial(delete_try_on, result_id, user.id))
    return Response(status_code=status.HTTP_204_NO_CONTENT, headers=await execute.headers(outcome))
