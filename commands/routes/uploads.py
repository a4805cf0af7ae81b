"""A photograph is taken in: cleaned, stored, recorded; the same way however it comes."""

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

from fastapi import File, Form, Response, UploadFile, status

from commands.decisions.images import upload_image
from commands.effects.keys import display_name
from commands.effects.photographs import remove_unless_kept, store_photo
from commands.routes.images import IMAGES
from commands.unit_of_work import Handler
from dependencies.caller import CurrentUser
from dependencies.executor import Execute, Executor
from dependencies.limits import limited
from dependencies.routers import PrefixRouter
from dependencies.services import AllServices, Services
from domain.errors import DomainError, Invalid, TooLarge, Unavailable
from domain.values import UserId

router = PrefixRouter(prefix="/api/images", tags=["images"])

Purpose = Literal["tryon", "avatar"]


@dataclass(frozen=True, kw_only=True)
class TakenPhoto:
    """A photograph as it came, with its owner's consent."""

    data: bytes
    file_name: str
    purpose: Purpose
    user_id: UserId


@router.post("/upload", status_code=status.HTTP_201_CREATED, dependencies=[limited("upload")])
async def post_photo(
    user: CurrentUser,
    execute: Execute,
    services: AllServices,
    *,
    file: Annotated[UploadFile, File(description="JPEG, PNG, WebP or AVIF")],
    consent: Annotated[bool, Form(description="the photograph may be used for try-on")] = False,
    purpose: Annotated[Purpose, Form()] = "tryon",
) -> Response:
    """Upload a photograph. It is cleaned of metadata, stored upright, and looked at for face and neck."""
    must_consent(is_given=consent)
    data = await file.read(max_bytes(services) + 1)
    must_fit(len(data), services)
    name = display_name(file.filename or "")
    taken = TakenPhoto(data=data, file_name=name, purpose=purpose, user_id=user.id)
    digest = hashlib.sha256(data).digest()
    return await take_in(taken, execute, services, content_digest=digest)


def must_consent(*, is_given: bool) -> None:
    """Raise Invalid without it."""
    if not is_given:
        raise Invalid(
            "send consent=true: a photograph of a face is stored only with consent",
            code="consent-required",
        )


def max_bytes(services: Services) -> int:
    return services.settings.max_upload_mb * 1_000_000


def must_fit(size: int, services: Services) -> None:
    """Raise TooLarge for a photograph of more bytes than the shop takes."""
    if size > max_bytes(services):
        raise TooLarge(f"a photograph may have {services.settings.max_upload_mb} MB")


async def take_in(
    taken: TakenPhoto, execute: Executor, services: Services, *, content_digest: bytes = b""
) -> Response:
    """Store a photograph and record it; what is refused leaves no bytes behind."""
    photo = await store_photo(taken.data, user_id=taken.user_id, services=services)
    handler = partial(
        upload_image,
        taken.user_id,
        photo,
        file_name=taken.file_name,
        purpose=taken.purpose,
        days=services.settings.photo_days,
    )
    try:
        shown = await show_photo(handler, execute, content_digest=content_digest)
    except Unavailable:
        raise  # nobody knows whether it was taken in: it may need its bytes yet
    except DomainError:
        await remove_unless_kept(photo, taken.user_id, services)
        raise
    await remove_unless_kept(photo, taken.user_id, services)
    return shown


async def show_photo(
    handler: Handler, execute: Executor, *, content_digest: bytes = b""
) -> Response:
    return await execute(
        handler,
        shows=IMAGES,
        status=status.HTTP_201_CREATED,
        location="/api/images/{id}",
        content_digest=content_digest,
    )
