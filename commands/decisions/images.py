"""Photographs: uploaded with consent, looked at again, deleted with all that was made from them."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from commands.context import Command
from commands.unit_of_work import UnitOfWork
from domain.albums import Album
from domain.errors import NotFound
from domain.images import Image
from domain.tryon import TryOn
from domain.values import ImageId, ResultId, UserId

CONSENT = "photo-try-on-1"
"""The version of the text under the tick box: this photograph is used for try-on only."""


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


async def complete_again(_: UnitOfWork) -> None:
    """Comes to be asked only when no Idempotency-Key tells of an answer that was given."""
    raise NotFound("there is no such upload; it may have been completed, or be over an hour old")
