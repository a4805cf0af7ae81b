"""Catalogue pictures become overlays, by themselves where `FETCH_CATALOGUE_PICTURES` allows it.

A round of the worker and not a policy: ten thousand rows of a file, or one dead host, hold up nothing
but themselves. The read model proposes whose picture is due, the newest first; each product's stream
decides, so a round that comes twice, late or in two processes changes nothing more.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

import structlog

from commands.context import system_context
from commands.decisions.overlays import UNREACHABLE, refuse_awaited, refuse_cut_out, take_cut_out
from commands.effects.cutting import REFUSALS, fetched, overlay_of_bytes
from commands.reactions.rounds import Whole
from commands.unit_of_work import Handler, perform
from dependencies.services import Services
from domain.catalogue import Product
from domain.errors import DomainError, Invalid
from domain.overlays import Overlay
from domain.values import ProductId

log = structlog.get_logger(__name__)

MAX_IN_ONE_ROUND = 100
MAX_OF_ONE_HOST = 25
MAX_PROPOSED = 1_000
"""So many that are due are looked through for pictures of other hosts than the newest."""
ROUND_SECONDS = 10.0
"""After so long no further picture is begun: a worker that is to stop has 25 s."""
HOSTS_AT_ONCE = 4


@dataclass
class Looking:
    """Hosts are asked beside each other; pictures are cut one at a time, as customers wait for imaging."""

    services: Services
    ends_at: float
    looked_at: int = 0
    failures: list[DomainError] = field(default_factory=list)
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(HOSTS_AT_ONCE))
    cutting: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_over(self) -> bool:
        return asyncio.get_running_loop().time() > self.ends_at


async def look_after_due_pictures(services: Services) -> int:
    """Look after the pictures that are due. Answers how many were looked at."""
    if not services.settings.fetch_catalogue_pictures:
        return 0
    begun = asyncio.get_running_loop().time()
    this_round = Looking(services, ends_at=begun + ROUND_SECONDS)
    hosts = await _due_by_host(services)
    work = (_of_one_host(product_ids, this_round) for product_ids in hosts.values())
    await asyncio.gather(*work)
    if this_round.failures:
        raise this_round.failures[0]
    return this_round.looked_at


async def _due_by_host(services: Services) -> dict[str, list[ProductId]]:
    """The newest, but no more of one host than leave room for others."""
    due = services.proposals.due_pictures(by=services.clock(), limit=MAX_PROPOSED)
    hosts: defaultdict[str, list[ProductId]] = defaultdict(list)
    taken = 0
    async for product_id, images in due:
        of_host = hosts[_host(images)]
        if len(of_host) < MAX_OF_ONE_HOST:
            of_host.append(product_id)
            taken += 1
        if taken == MAX_IN_ONE_ROUND:
            break
    return hosts


def _host(images: Sequence[str]) -> str:
    """Addresses of products are well formed: they were checked as they came in."""
    return urlsplit(images[0]).netloc.lower() if images else ""


async def _of_one_host(product_ids: Sequence[ProductId], this_round: Looking) -> None:
    """A host that cannot be reached is asked once: the rest of its pictures share the answer."""
    away: str | None = None
    async with this_round.places:
        for product_id in product_ids:
            if this_round.is_over and away is None:
                return
            looking = _look_after(product_id, this_round, away=away)
            (outcome,) = await asyncio.gather(looking, return_exceptions=True)
            if isinstance(outcome, BaseException):
                await _set_aside(product_id, outcome, this_round)
            else:
                away = outcome or away


async def _look_after(
    product_id: ProductId, this_round: Looking, *, away: str | None
) -> str | None:
    """Cut it out, or say why not; the reason when its host was away."""
    services = this_round.services
    product: Product | None = await services.store.load(Product, product_id)
    picture = None if product is None else product.awaited_picture
    if product is None or picture is None:
        return None
    this_round.looked_at += 1
    try:
        overlay = await _overlay(product, picture, this_round, away=away)
    except REFUSALS as refused:
        refusing = partial(
            refuse_cut_out, product_id, picture=picture, code=refused.code, reason=refused.detail
        )
        await _act(refusing, product_id, services)
        return refused.detail if refused.code == UNREACHABLE else None
    await _act(partial(take_cut_out, product_id, overlay), product_id, services)
    return None


async def _overlay(
    product: Product, picture: str, this_round: Looking, *, away: str | None
) -> Overlay:
    if away is not None:
        raise Invalid(away, code=UNREACHABLE)
    data = await fetched(picture, this_round.services)
    async with this_round.cutting:
        return await overlay_of_bytes(product, picture, data, this_round.services)


async def _set_aside(product_id: ProductId, fault: BaseException, this_round: Looking) -> None:
    """The next picture is begun all the same. What is no problem of the shop's is a fault of ours, found
    by this picture: it is refused for now, so that it neither ends the worker nor comes each round.
    """
    log.error("picture not looked after", product=product_id, exc_info=fault)
    if isinstance(fault, DomainError):
        this_round.failures.append(fault)
    else:
        await _act(partial(refuse_awaited, product_id), product_id, this_round.services)


async def _act(handler: Handler, product_id: ProductId, services: Services) -> None:
    await perform(
        handler,
        system_context("CutOutCataloguePicture", correlation=f"overlay-{product_id}"),
        services,
    )


cut_out_catalogue_pictures = Whole(
    name="catalogue pictures become overlays", every_seconds=5, go=look_after_due_pictures
)
