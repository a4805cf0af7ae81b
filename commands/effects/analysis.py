"""A photograph is shown to imaging: where the face is, and the neck."""

from typing import Any

from commands.effects.imaging import ask_again
from dependencies.services import Services
from domain.accounts import Account
from domain.albums import Album
from domain.errors import ImagingFailed, NotFound, TooLarge
from domain.values import ImageId, UserId
from imaging import pipeline
from imaging.errors import ImageRefused

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
    return await ask_again(services, pipeline.analyse_photo, original, face=face or 0)


async def is_forgotten(user_id: str, services: Services) -> bool:
    owner: Account | None = await services.store.load(Account, user_id)
    return owner is not None and owner.erased


async def is_out_of_sight(image_id: ImageId, user_id: UserId, services: Services) -> bool:
    """Its owner was forgotten, or has withdrawn the consent: nothing more is made of a photograph."""
    if await is_forgotten(user_id, services):
        return True
    album: Album | None = await services.store.load(Album, user_id)
    return album is not None and image_id in album.leaving
