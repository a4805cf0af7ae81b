"""Photographs over HTTP: looked at again, deleted. Uploading has modules of its own."""

from functools import partial

from fastapi import Response, status

from commands.decisions.images import ProcessImage, delete_image, look_again
from dependencies.caller import CurrentUser
from dependencies.documents import object_id_or_404
from dependencies.executor import Execute
from dependencies.limits import limited
from dependencies.routers import PrefixRouter

router = PrefixRouter(prefix="/api/images", tags=["images"])

IMAGES = "uploadedImages"


@router.post("/{image_id}/process", dependencies=[limited("upload")])
async def post_process(
    image_id: str, user: CurrentUser, execute: Execute, command: ProcessImage | None = None
) -> Response:
    """Look at a photograph again, or choose another face. The same request again changes nothing."""
    object_id_or_404(image_id)
    wanted = command or ProcessImage()
    return await execute(partial(look_again, image_id, user.id, wanted), shows=IMAGES)


@router.delete(
    "/{image_id}", status_code=status.HTTP_204_NO_CONTENT, dependencies=[limited("write")]
)
async def delete_photo(image_id: str, user: CurrentUser, execute: Execute) -> Response:
    """Delete a photograph, and with it every result and link that was made from it."""
    object_id_or_404(image_id)
    handler = partial(delete_image, image_id, user.id, reason="deleted by its owner")
    outcome = await execute.carry_out(handler)
    return Response(status_code=status.HTTP_204_NO_CONTENT, headers=await execute.headers(outcome))
