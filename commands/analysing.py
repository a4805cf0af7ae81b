"""Uploaded photographs are looked at for face and neck, by the worker."""

from functools import partial
from typing import Any

import structlog

from commands.policy import act, policy
from commands.unit_of_work import Handler, UnitOfWork
from dependencies import Services
from domain.accounts import Account
from domain.albums import Album
from domain.errors import ImagingFailed, NotFound, TooLarge
from domain.images import Image, ImageProcessingRequested, ImageStatus, ImageUploaded
from domain.ports import RecordedEvent
from domain.values import ImageId, UserId
from imaging.errors import ImageRefused
from imaging.types import PIPELINE_VERSION

log = structlog.get_logger(__name__)


@policy("uploaded_photograph_is_analysed", on=(ImageUploaded, ImageProcessingRequested))
async def uploaded_photograph_is_analysed(recorded: RecordedEvent, services: Services) -> None:
    """An uploaded photograph is looked at for face and neck."""
    image: Image | None = await services.store.load(Image, recorded.event.object_id)
    if image is None or image.status is ImageStatus.DELETED or not image.is_awaited:
        return
    if await is_out_of_sight(image.object_id, image.user_id, services):
        return
    handler = await _analysed(image, services)
    await act_unless_forgotten(
        "uploaded_photograph_is_analysed", handler, recorded, services, command="ProcessImage"
    )


async def _analysed(image: Image, services: Services) -> Handler:
    try:
        original = await services.objects.get(image.keys.original)
        analysis = await analysis_of(original, services, face=image.face)
    except CANNOT as refused:
        return partial(reject_image, image.object_id, code=refused.code, reason=told(refused))
    return partial(note_analysis, image.object_id, analysis)


CANNOT = (ImageRefused, ImagingFailed, TooLarge, NotFound)
"""What a picture itself is to blame for: asked again, imaging would say the same."""


def told(refused: Exception) -> str:
    """The reason, for the person who sent the picture: of our processes they need not hear."""
    is_ours = isinstance(refused, ImagingFailed)
    return "this picture could not be worked on; try another one" if is_ours else str(refused)


async def analysis_of(
    original: bytes, services: Services, *, face: int | None = None
) -> dict[str, Any]:
    """`imaging.types.Analysis` as a dictionary, in pixels of the stored original. Raise `CANNOT`.

    face: which one wears the jewellery; None: the most prominent.
    """
    chosen = {} if face is None else {"face": face}
    analysis: dict[str, Any] = await ask_imaging(services, "analyse_photo", original, **chosen)
    return analysis


async def ask_imaging(services: Services, function: str, *arguments: Any, **options: Any) -> Any:
    """Once more when the process dies: something else may have ended the first. Raise `CANNOT`."""
    try:
        return await services.images.run(function, *arguments, **options)
    except ImagingFailed as failed:
        log.warning("imaging failed", function=function, reason=failed.detail)
        return await services.images.run(function, *arguments, **options)


async def note_analysis(image_id: str, analysis: dict[str, Any], work: UnitOfWork) -> Image:
    image = await work.load(Image, image_id)
    image.process(analysis=analysis, pipeline_version=PIPELINE_VERSION)
    return image


async def reject_image(image_id: str, work: UnitOfWork, *, code: str, reason: str) -> Image:
    image = await work.load(Image, image_id)
    image.reject(code=code, reason=reason, pipeline_version=PIPELINE_VERSION)
    return image


async def is_forgotten(user_id: str, services: Services) -> bool:
    owner: Account | None = await services.store.load(Account, user_id)
    return owner is not None and owner.erased


async def is_out_of_sight(image_id: ImageId, user_id: UserId, services: Services) -> bool:
    """Its owner was forgotten, or has withdrawn the consent: nothing more is made of a photograph."""
    if await is_forgotten(user_id, services):
        return True
    album: Album | None = await services.store.load(Album, user_id)
    return album is not None and image_id in album.leaving


async def act_unless_forgotten(
    name: str, handler: Handler, recorded: RecordedEvent, services: Services, *, command: str
) -> None:
    """Nothing is recorded about a person who was forgotten meanwhile: there is no key for it."""
    try:
        await act(name, handler, recorded, services, command=command)
    except NotFound:
        log.info("the person was forgotten meanwhile", policy=name, event_id=recorded.event_id)
