"""Photographs and results are kept for a while, not for ever: `PHOTO_DAYS`, unless a result is saved.

The read models only propose; each photograph and each result decides by its own stream, so a round
that comes twice, late or in two processes changes nothing more. The bytes follow by policy.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import structlog

from commands.context import system_context
from commands.unit_of_work import Handler, UnitOfWork, run
from dependencies import Services
from domain.albums import Album
from domain.errors import DomainError, Unavailable
from domain.images import Image, ImageStatus
from domain.tryon import TryOn

log = structlog.get_logger(__name__)

MAX_IN_ONE_ROUND = 100
MAX_LOOKED_AT = 1_000
"""More than are removed, so that some that cannot be removed do not hold up all others."""
REASON = "kept as long as was agreed"


async def remove_expired_pictures(services: Services) -> int:
    """Remove what has expired: results first, then photographs. Answers how many."""
    results = await _round("tryOnResults", expire_result, services)
    return results + await _round("uploadedImages", expire_image, services)


async def _round(collection: str, expire: Callable[..., Any], services: Services) -> int:
    now = services.clock()
    due = services.read_models[collection].find({"expiresAt": {"$lte": now}}, {"_id": 1})
    removed = 0
    for document in await due.sort("expiresAt").limit(MAX_LOOKED_AT).to_list():
        if removed == MAX_IN_ONE_ROUND:
            break
        name = str(document["_id"])
        try:
            removed += await _remove(partial(expire, name), name, services)
        except Unavailable:
            raise
        except DomainError as e:
            log.warning("expired picture not removed", name=name, code=e.code)
    return removed


async def _remove(handler: Handler, name: str, services: Services) -> bool:
    commit = await run(
        handler,
        system_context("RemoveExpired", correlation=f"retention-{name}"),
        services.store,
        claims_key=services.keyring.claims,
        clock=services.clock,
    )
    return commit is not None


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
