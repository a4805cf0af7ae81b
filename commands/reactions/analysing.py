"""Uploaded photographs are looked at for face and neck, by the worker."""

from functools import partial

import structlog

from commands.decisions.analysing import note_analysis, reject_image
from commands.effects.analysis import CANNOT, analysis_of, is_out_of_sight, told
from commands.reactions.policy import act, policy
from commands.unit_of_work import Handler
from dependencies.services import Services
from domain.errors import NotFound
from domain.images import Image, ImageProcessingRequested, ImageStatus, ImageUploaded
from domain.ports.events import RecordedEvent

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


async def act_unless_forgotten(
    name: str, handler: Handler, recorded: RecordedEvent, services: Services, *, command: str
) -> None:
    """Nothing is recorded about a person who was forgotten meanwhile: there is no key for it."""
    try:
        await act(name, handler, recorded, services, command=command)
    except NotFound:
        log.info("the person was forgotten meanwhile", policy=name, event_id=recorded.event_id)
