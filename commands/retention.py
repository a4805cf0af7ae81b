"""Photographs and results are kept for a while, not for ever: `PHOTO_DAYS`, unless a result is saved.

The read models only propose; each photograph and each result decides by its own stream, so a round
that comes twice, late or in two processes changes nothing more. The bytes follow by policy.
"""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from commands.context import system_context
from commands.rounds import Round
from commands.unit_of_work import UnitOfWork, perform
from dependencies import Services
from domain.albums import Album
from domain.images import Image, ImageStatus
from domain.tryon import TryOn

MAX_IN_ONE_ROUND = 100
MAX_LOOKED_AT = 1_000
"""More than are removed, so that some that cannot be removed do not hold up all others."""
REASON = "kept as long as was agreed"


async def expired(services: Services, waiting: Collection[str]) -> list[str]:
    """Results first, then photographs: `tryOnResults/…`, `uploadedImages/…`."""
    return [name for kind in EXPIRING for name in await _expired(kind, services, waiting)]


async def _expired(kind: str, services: Services, waiting: Collection[str]) -> list[str]:
    due = services.read_models[kind].find({"expiresAt": {"$lte": services.clock()}}, {"_id": 1})
    documents = await due.sort("expiresAt").limit(MAX_LOOKED_AT).to_list()
    names = (f"{kind}/{document['_id']}" for document in documents)
    return [name for name in names if name not in waiting][:MAX_IN_ONE_ROUND]


async def remove(name: str, services: Services) -> bool:
    kind, _, object_id = name.partition("/")
    context = system_context("RemoveExpired", correlation=f"retention-{object_id}")
    return await perform(partial(EXPIRING[kind], object_id), context, services) is not None


async def expire_result(result_id: str, work: UnitOfWork) -> TryOn:
    result = await work.load(TryOn, result_id)
    if result.has_expired(work.now):
        result.delete(reason=REASON)
    return result


async def expire_image(image_id: str, work: UnitOfWork) -> Image:
    """The photograph and the results that nobody saved: one commit. Saved ones keep their own picture."""
    image = await work.load(Image, image_id)
    if image.status is ImageStatus.DELETED or not image.has_expired(work.now):
        return image
    album = await work.load(Album, image.user_id)
    if image_id in album.leaving:  # without consent nothing is kept: its policy removes it
        return image
    results = (await work.find_many(TryOn, sorted(image.results))).values()
    album.remove(image_id, sha256=image.sha256, size=image.size)
    for result in results:
        if not result.saved:
            result.delete(reason=REASON)
    image.delete(reason=REASON)
    return image


EXPIRING: Mapping[str, Callable[..., Any]] = {
    "tryOnResults": expire_result,
    "uploadedImages": expire_image,
}

remove_expired_pictures = Round(
    name="expired pictures are removed",
    every_seconds=600,
    propose=expired,
    carry_out=remove,
    most=2 * MAX_IN_ONE_ROUND,
)
