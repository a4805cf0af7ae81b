"""Uploaded photographs are looked at for face and neck, by the worker."""

from functools import partial
from typing import Any

import structlog

from commands.policy import act, policy
from commands.unit_of_work import Handler, UnitOfWork
from dependencies import Services
from domain.accounts import Account
from domain.errors import NotFound
from domain.images import Image, ImageProcessingRequested, ImageStatus, ImageUploaded
from domain.ports import RecordedEvent
from imaging.errors import ImageRefused
from imaging.types import PIPELINE_VERSION

log = structlog.get_logger(__name__)


@policy("uploaded_photograph_is_analysed", on=(ImageUploaded, ImageProcessingRequested))
async def uploaded_photograph_is_analysed(recorded: RecordedEvent, services: Services) -> None:
    """An uploaded photograph is looked at for face and neck."""
    image: Image | None = await services.store.load(Image, recorded.event.object_id)
    if image is None or image.status is ImageStatus.DELETED or not image.is_awaited:
        return
    if await is_forgotten(image.user_id, services):
        return
    handler = await _analysed(image, services)
    await act_unless_forgotten(
        "uploaded_photograph_is_analysed", handler, recorded, services, command="ProcessImage"
    )


async def _analysed(image: Image, services: Services) -> Handler:
    try:
        analysis = await analysis_of(image, services)
    except (ImageRefused, NotFound) as e:
        code = getattr(e, "code", "unreadable-image")
        return partial(reject_image, image.object_id, code=code, reason=str(e))
    return partial(process_image, image.object_id, analysis)


async def analysis_of(image: Image, services: Services) -> dict[str, Any]:
    """`imaging.types.Analysis` as a dictionary, in pixels of the stored original."""
    data = await services.objects.get(image.keys.original)
    chosen = {} if image.face is None else {"face": image.face}
    analysis: dict[str, Any] = await services.images.run("analyse_photo", data, **chosen)
    return analysis


async def process_image(image_id: str, analysis: dict[str, Any], work: UnitOfWork) -> Image:
    image = await work.load(Image, image_id)
    image.process(analysis=analysis, pipeline_version=PIPELINE_VERSION)
    return image


async def reject_image(image_id: str, work: UnitOfWork, *, code: str, reason: str) -> Image:
    image = await work.load(Image, image_id)
    image.reject(code=code, reason=reason)
    return image


async def is_forgotten(user_id: str, services: Services) -> bool:
    owner: Account | None = await services.store.load(Account, user_id)
    return owner is not None and owner.erased


async def act_unless_forgotten(
    name: str, handler: Handler, recorded: RecordedEvent, services: Services, *, command: str
) -> None:
    """Nothing is recorded about a person who was forgotten meanwhile: there is no key for it."""
    try:
        await act(name, handler, recorded, services, command=command)
    except NotFound:
        log.info("the person was forgotten meanwhile", policy=name, event_id=recorded.event_id)
