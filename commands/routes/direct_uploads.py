"""A photograph that its owner brings straight to the object store, and then names.

`POST /api/images/upload-url` answers with a form that holds for five minutes; the browser posts form and
file to the store; `POST /api/images/upload/complete` takes the photograph in as if it had come with the
request. Nothing is recorded before that. The file lies under `incoming/{user}/`, so nobody can name
another's; what is not completed is swept after an hour (`reactions.orphans`).
"""

import contextlib
import re
import secrets
from typing import Annotated, Any, Literal

from fastapi import File, Form, Response, UploadFile, status
from pydantic import Field

from commands.context import Command
from commands.decisions.images import complete_again
from commands.effects.keys import display_name
from commands.routes.uploads import (
    Purpose,
    TakenPhoto,
    max_bytes,
    must_consent,
    must_fit,
    show_photo,
    take_in,
)
from dependencies.answers import answer, iso
from dependencies.caller import CurrentUser
from dependencies.executor import Execute, Executor
from dependencies.limits import limited
from dependencies.routers import PrefixRouter
from dependencies.services import AllServices, Services
from domain.albums import Album
from domain.errors import DomainError, NotFound, Unavailable
from domain.values import UserId

router = PrefixRouter(prefix="/api/images", tags=["images"])
media_router = PrefixRouter(prefix="/media", tags=["media"])

EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/avif": "avif",
    "image/heic": "heic",
}
"""Types that a browser may bring. What is in the file is looked at when it is taken in."""
UPLOAD_ID = re.compile(rf"[0-9a-f]{{32}}\.(?:{'|'.join(EXTENSIONS.values())})")
FORM_SECONDS = 300


class PrepareUpload(Command):
    content_type: Literal["image/jpeg", "image/png", "image/webp", "image/avif", "image/heic"]
    file_size: Annotated[int, Field(ge=1)]
    """Bytes; the form takes no more."""
    file_name: Annotated[str, Field(max_length=1_000)] = ""
    """Only so that a browser may send all it knows: what counts is what completes the upload."""


@router.post(
    "/upload-url", status_code=status.HTTP_201_CREATED, dependencies=[limited("upload-url")]
)
async def post_upload_url(
    command: PrepareUpload, user: CurrentUser, services: AllServices
) -> Response:
    """A form that brings one photograph straight to the object store: POST `fields`, the file last."""
    must_fit(command.file_size, services)
    album: Album | None = await services.store.load(Album, user.id)
    if album is not None:
        album.must_have_room(command.file_size)
    upload_id = f"{secrets.token_hex(16)}.{EXTENSIONS[command.content_type]}"
    form = services.objects.presigned_post(
        f"incoming/{user.id}/{upload_id}",
        content_type=command.content_type,
        max_bytes=command.file_size,
        seconds=FORM_SECONDS,
    )
    told = {"uploadId": upload_id, "method": "POST", "url": form.url, "fields": dict(form.fields)}
    return answer(told | {"expiresAt": iso(form.expires_at)}, status=status.HTTP_201_CREATED)


@media_router.post(
    "/upload", status_code=status.HTTP_204_NO_CONTENT, dependencies=[limited("write")]
)
async def post_upload(
    services: AllServices,
    *,
    file: Annotated[UploadFile, File()],
    key: Annotated[str, Form(max_length=512)],
    content_type: Annotated[str, Form(alias="Content-Type", max_length=100)],
    max_size: Annotated[str, Form(alias="max-bytes", max_length=12)],
    expires: Annotated[str, Form(max_length=12)],
    signature: Annotated[str, Form(max_length=128)],
) -> Response:
    """Take a file that a form of ours brings. Only where files lie in a directory: S3 takes its own."""
    objects: Any = services.objects
    receive = getattr(objects, "receive", None)
    if receive is None:
        raise NotFound("files are not brought here")
    fields = {
        "key": key,
        "Content-Type": content_type,
        "max-bytes": max_size,
        "expires": expires,
        "signature": signature,
    }
    await receive(fields, file.read, now=services.clock().timestamp())
    return Response(status_code=status.HTTP_204_NO_CONTENT)


class CompleteUpload(Command):
    upload_id: Annotated[str, Field(max_length=100)]
    consent: bool = False
    purpose: Purpose = "tryon"
    file_name: Annotated[str, Field(max_length=1_000)] = ""


@router.post(
    "/upload/complete", status_code=status.HTTP_201_CREATED, dependencies=[limited("upload")]
)
async def post_upload_complete(
    command: CompleteUpload, user: CurrentUser, execute: Execute, services: AllServices
) -> Response:
    """Take in what was brought to the object store. After 503 it may be asked for again, at any other
    answer the brought file is gone: with an Idempotency-Key the same request has the same answer.
    """
    if not UPLOAD_ID.fullmatch(command.upload_id):
        raise NotFound("there is no such upload")
    key = f"incoming/{user.id}/{command.upload_id}"
    try:
        shown = await _complete(key, command, user.id, execute, services)
    except Unavailable:
        raise  # the same bytes may be needed once more
    except DomainError:
        await _discard(key, services)
        raise
    await _discard(key, services)
    return shown


async def _complete(
    key: str, command: CompleteUpload, user_id: UserId, execute: Executor, services: Services
) -> Response:
    must_consent(is_given=command.consent)
    try:
        data = await services.objects.get(key, max_bytes=max_bytes(services))
    except NotFound:
        return await show_photo(complete_again, execute)
    name = display_name(command.file_name)
    taken = TakenPhoto(data=data, file_name=name, purpose=command.purpose, user_id=user_id)
    return await take_in(taken, execute, services)


async def _discard(key: str, services: Services) -> None:
    with contextlib.suppress(Unavailable):  # it is swept within the hour
        await services.objects.delete(key)
