"""Photographs: uploaded with consent, looked at again, deleted with all that was made from them."""

import asyncio
import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Response, status
from pydantic import Field

from commands.context import Command
from commands.unit_of_work import UnitOfWork
from dependencies import (
    CurrentUser,
    Execute,
    Services,
    limited,
    object_id_or_404,
)
from domain.albums import Album
from domain.errors import (
    DomainError,
    Invalid,
    TooLarge,
    Unreadable,
    UnsupportedType,
)
from domain.images import Image, PhotoKeys
from domain.tryon import TryOn
from domain.values import ImageId, ResultId, UserId
from imaging.errors import ImageRefused
from imaging.types import PIPELINE_VERSION

router = APIRouter(prefix="/api/images", tags=["images"])

IMAGES = "uploadedImages"
CONSENT = "photo-try-on-1"
"""The version of the text under the tick box: this photograph is used for try-on only."""

REFUSALS: Mapping[str, type[DomainError]] = {
    "unsupported-type": UnsupportedType,
    "too-large": TooLarge,
    "product-not-cuttable": Invalid,
    "not-wearable-here": Invalid,
}


def as_domain_error(refused: ImageRefused) -> DomainError:
    """What imaging refuses, as the problem that the caller is told."""
    return REFUSALS.get(refused.code, Unreadable)(refused.message, code=refused.code)


def display_name(name: str) -> str:
    """What the file was called, fit to be shown: no path, no control characters, 120 characters."""
    bare = name.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in bare if c.isprintable()).strip()[:120] or "photograph"


async def store_photo(data: bytes, *, user_id: UserId, services: Services) -> dict[str, Any]:
    """Clean a photograph and put its sizes into the object store; the facts of ImageUploaded.

    Each upload has a folder of its own, so that the bytes of a deleted one can be removed without a look
    at others. What a crash leaves behind before the commit is swept: `commands.orphans`.
    """
    try:
        prepared = await services.images.run("prepare_photo", data)
    except ImageRefused as refused:
        raise as_domain_error(refused) from refused
    digest = hashlib.sha256(data).hexdigest()
    folder = f"photos/{user_id}/{secrets.token_hex(16)}"
    pictures = {"original": prepared.original_jpeg} | {
        name: prepared.sizes[size] for name, size in SIZES.items() if size in prepared.sizes
    }
    keys = {name: f"{folder}/{name}.jpg" for name in pictures}
    await asyncio.gather(
        *(
            services.objects.put(keys[name], picture, content_type="image/jpeg")
            for name, picture in pictures.items()
        )
    )
    known = {name: keys.get(name, keys["original"]) for name in ("original", *SIZES)}
    return {
        "keys": PhotoKeys(**known),
        "sha256": digest,
        "size": len(data),
        "mime_type": "image/jpeg",
        "width": prepared.width,
        "height": prepared.height,
        "pipeline_version": PIPELINE_VERSION,
    }


async def remove_unless_kept(photo: dict[str, Any], user_id: UserId, services: Services) -> None:
    """The same bytes may have been there before, or the album full: then these objects are nobody's."""
    keys: PhotoKeys = photo["keys"]
    album: Album | None = await services.store.load(Album, user_id)
    known = None if album is None else album.holds(photo["sha256"])
    image: Image | None = None if known is None else await services.store.load(Image, known)
    if image is None or image.keys != keys:
        for key in keys.all():
            await services.objects.delete(key)


SIZES = {"large": 1600, "medium": 1024, "small": 320}
"""Longest side in pixels; a smaller photograph is never made larger."""


async def upload_image(
    user_id: UserId,
    photo: dict[str, Any],
    work: UnitOfWork,
    *,
    file_name: str,
    purpose: str,
    days: int,
) -> Image:
    """The same bytes again are the same photograph. Only called with consent."""
    album = await work.find(Album, user_id) or work.add(Album.open(user_id))
    if (known := album.holds(photo["sha256"])) is not None:
        return await work.load(Image, known)
    image_id = work.new_id()
    album.consent(version=CONSENT, now=work.now)
    album.add(image_id, sha256=photo["sha256"], size=photo["size"])
    return work.add(
        Image.upload(
            image_id,
            user_id=user_id,
            file_name=file_name,
            purpose=purpose,
            consent=CONSENT,
            expires_at=work.now + timedelta(days=days),
            **photo,
        )
    )


class ProcessImage(Command):
    face: Annotated[int, Field(ge=0, le=20)] | None = None
    """Which face wears the jewellery, as numbered in `metadata.faces`."""


@router.post("/{image_id}/process", dependencies=[limited("upload")])
async def post_process(
    image_id: str, user: CurrentUser, execute: Execute, command: ProcessImage | None = None
) -> Response:
    """Look at a photograph again, or choose another face. The same request again changes nothing."""
    object_id_or_404(image_id)
    wanted = command or ProcessImage()
    return await execute(partial(look_again, image_id, user.id, wanted), shows=IMAGES)


async def look_again(
    image_id: ImageId, user_id: UserId, command: ProcessImage, work: UnitOfWork
) -> Image:
    image = await own_image(image_id, user_id, work)
    image.request_processing(face=command.face)
    return image


async def own_image(image_id: ImageId, user_id: UserId, work: UnitOfWork) -> Image:
    """Raise NotFound for another's photograph, a deleted one, and one whose consent was withdrawn."""
    image = await work.load(Image, image_id)
    image.must_belong_to(user_id)
    album = await work.load(Album, user_id)
    album.must_hold(image_id)
    return image


@router.delete(
    "/{image_id}", status_code=status.HTTP_204_NO_CONTENT, dependencies=[limited("write")]
)
async def delete_photo(image_id: str, user: CurrentUser, execute: Execute) -> Response:
    """Delete a photograph, and with it every result and link that was made from it."""
    object_id_or_404(image_id)
    handler = partial(delete_image, image_id, user.id, reason="deleted by its owner")
    outcome = await execute.carry_out(handler)
    return Response(status_code=status.HTTP_204_NO_CONTENT, headers=await execute.headers(outcome))


async def delete_image(
    image_id: ImageId, user_id: UserId, work: UnitOfWork, *, reason: str
) -> Image:
    """Photograph, album and results in one commit; the bytes follow by policy."""
    image = await work.load(Image, image_id)
    image.must_belong_to(user_id)
    album = await work.load(Album, user_id)
    album.remove(image_id, sha256=image.sha256, size=image.size)
    for result_id in sorted(image.results):
        result = await work.load(TryOn, result_id)
        result.delete(reason=reason)
    album.release(image.results)
    image.delete(reason=reason)
    return image


async def remove_result(result_id: ResultId, work: UnitOfWork, *, reason: str) -> TryOn:
    result = await work.load(TryOn, result_id)
    album = await work.load(Album, result.user_id)
    album.release((result_id,))
    result.delete(reason=reason)
    return result
