"""A photograph is cleaned, and its sizes are put into the object store."""

import asyncio
import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from commands.effects.imaging import ask
from dependencies.services import Services
from domain.albums import Album
from domain.errors import (
    DomainError,
    Invalid,
    TooLarge,
    Unreadable,
    UnsupportedType,
)
from domain.images import Image, PhotoKeys
from domain.values import UserId
from imaging import pipeline
from imaging.errors import ImageRefused
from imaging.types import PIPELINE_VERSION

REFUSALS: Mapping[str, type[DomainError]] = {
    "unsupported-type": UnsupportedType,
    "too-large": TooLarge,
    "product-not-cuttable": Invalid,
    "not-wearable-here": Invalid,
}


def as_domain_error(refused: ImageRefused) -> DomainError:
    """What imaging refuses, as the problem that the caller is told."""
    return REFUSALS.get(refused.code, Unreadable)(refused.message, code=refused.code)


async def store_photo(data: bytes, *, user_id: UserId, services: Services) -> dict[str, Any]:
    """Clean a photograph and put its sizes into the object store; the facts of ImageUploaded.

    Each upload has a folder of its own, so that the bytes of a deleted one can be removed without a look
    at others. What a crash leaves behind before the commit is swept: `reactions.orphans`.
    """
    try:
        prepared = await ask(services, pipeline.prepare_photo, data)
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
