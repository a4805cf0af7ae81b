"""What imaging saw in a photograph, or why it saw nothing, is recorded."""

from typing import Any

from commands.unit_of_work import UnitOfWork
from domain.images import Image
from imaging.types import PIPELINE_VERSION


async def note_analysis(image_id: str, analysis: dict[str, Any], work: UnitOfWork) -> Image:
    image = await work.load(Image, image_id)
    image.process(analysis=analysis, pipeline_version=PIPELINE_VERSION)
    return image


async def reject_image(image_id: str, work: UnitOfWork, *, code: str, reason: str) -> Image:
    image = await work.load(Image, image_id)
    image.reject(code=code, reason=reason, pipeline_version=PIPELINE_VERSION)
    return image
