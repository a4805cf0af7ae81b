"""Photographs and results are kept for a while, not for ever: `PHOTO_DAYS`, unless a result is saved.

The read models only propose; each photograph and each result decides by its own stream, so a round
that comes twice, late or in two processes changes nothing more. The bytes follow by policy.
"""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from commands.context import system_context
from commands.decisions.expiring import expire_image, expire_result
from commands.reactions.rounds import Round
from commands.unit_of_work import perform
from dependencies.services import Services

MAX_IN_ONE_ROUND = 100
MAX_LOOKED_AT = 1_000
"""More than are removed, so that some that cannot be removed do not hold up all others."""


async def expired(services: Services, waiting: Collection[str]) -> list[str]:
    """Results first, then photographs: `tryOnResults/…`, `uploadedImages/…`."""
    return [name for kind in EXPIRING for name in await _expired(kind, services, waiting)]


async def _expired(kind: str, services: Services, waiting: Collection[str]) -> list[str]:
    due = await services.proposals.expired(kind, by=services.clock(), limit=MAX_LOOKED_AT)
    names = (f"{kind}/{name}" for name in due)
    return [name for name in names if name not in waiting][:MAX_IN_ONE_ROUND]


async def remove(name: str, services: Services) -> bool:
    kind, _, object_id = name.partition("/")
    context = system_context("RemoveExpired", correlation=f"retention-{object_id}")
    return await perform(partial(EXPIRING[kind], object_id), context, services) is not None


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
