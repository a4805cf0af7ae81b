"""Try-on: ask for a picture, move the piece, keep it, share it, take it back; and what rendering came to."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from commands.context import Command
from commands.decisions.images import own_image, remove_result
from commands.unit_of_work import UnitOfWork
from domain.albums import Album
from domain.catalogue import Product, ProductStatus
from domain.errors import Invalid, NotFound
from domain.images import Image
from domain.sessions import User
from domain.tryon import TryOn
from domain.tryon_events import (
    Position,
    TryOnAdjustments,
)
from domain.values import ObjectIdText, ResultId, Role, UserId

SHARE_DAYS = 30


class PositionBody(Command):
    x: Annotated[float, Field(ge=-10_000, le=10_000)] = 0.0
    y: Annotated[float, Field(ge=-10_000, le=10_000)] = 0.0


class AdjustmentsBody(Command):
    """From the automatic fit: `scale` 1 = automatic, `rotation` in degrees clockwise, `position` in
    pixels of the photograph from the automatic anchor. What is left out stays as it is; `face` null is
    the automatic one again.
    """

    scale: Annotated[float, Field(ge=0.1, le=5)] | None = None
    rotation: Annotated[float, Field(ge=-180, le=180)] | None = None
    position: PositionBody | None = None
    face: Annotated[int, Field(ge=0, le=20)] | None = None
    occlusion: bool | None = None
    shadow: Annotated[float, Field(ge=0, le=1)] | None = None
    light: Annotated[float, Field(ge=0, le=1)] | None = None
    sparkle: Annotated[float, Field(ge=0, le=1)] | None = None

    def over(self, before: TryOnAdjustments) -> TryOnAdjustments:
        named: dict[str, object] = {
            name: value for name, value in self if value is not None and name != "position"
        }
        if self.position is not None:
            named["position"] = Position(x=self.position.x, y=self.position.y)
        if "face" in self.model_fields_set:
            named["face"] = self.face
        return TryOnAdjustments.model_validate({**dict(before), **named})


class CreateTryOn(Command):
    product_id: ObjectIdText
    user_image_id: ObjectIdText
    adjustments: AdjustmentsBody = AdjustmentsBody()
    more_product_ids: Annotated[list[ObjectIdText], Field(max_length=3)] = Field(
        default_factory=list
    )
    """Further pieces worn at the same time: earrings with a necklace."""


async def request_try_on(command: CreateTryOn, user: User, work: UnitOfWork, *, days: int) -> TryOn:
    """Raise NotFound for another's photograph, Invalid for a product that cannot be tried on."""
    image = await own_image(command.user_image_id, user.id, work)
    products = [
        await _wearable(product_id, user, work)
        for product_id in (command.product_id, *command.more_product_ids)
    ]
    adjustments = command.adjustments.over(TryOnAdjustments())
    image.must_show(adjustments.face)
    result_id = work.new_id()
    image.try_on(result_id)
    return work.add(
        TryOn.request(
            result_id,
            user_id=user.id,
            product_id=command.product_id,
            product_name=products[0].details.name,
            image_id=command.user_image_id,
            adjustments=adjustments,
            more_product_ids=tuple(command.more_product_ids),
            expires_at=work.now + timedelta(days=days),
        )
    )


async def _wearable(product_id: str, user: User, work: UnitOfWork) -> Product:
    """Only those who can mend it are told why there is no overlay."""
    product = await work.load(Product, product_id)
    if product.status is not ProductStatus.ACTIVE:
        raise NotFound("there is no such product")
    if product.overlay is None:
        refusal = product.refusal
        raise Invalid(
            f"{product.details.name} cannot be tried on: it has no overlay picture"
            + (f" ({refusal.reason})" if refusal and user.has(Role.CATALOG_MANAGER) else ""),
            code="product-has-no-overlay",
        )
    return product


class AdjustTryOn(Command):
    adjustments: AdjustmentsBody


async def adjust_try_on(
    result_id: ResultId, user_id: UserId, command: AdjustTryOn, work: UnitOfWork
) -> TryOn:
    """Raise Invalid for a face that is not on the photograph, RuleViolation once that is gone."""
    result = await _own(result_id, user_id, work)
    wanted = command.adjustments.over(result.adjustments)
    image = await work.load(Image, result.image_id)
    if wanted != result.adjustments:
        image.must_be_there()
        image.must_show(wanted.face)
    result.adjust(wanted)
    return result


async def save_try_on(result_id: ResultId, user_id: UserId, work: UnitOfWork) -> TryOn:
    """Raise RuleViolation over the quota of saved results."""
    result = await _own(result_id, user_id, work)
    album = await work.load(Album, user_id)
    album.keep(result_id)
    result.save()
    return result


class ShareTryOn(Command):
    expires_in_days: Annotated[int, Field(ge=1, le=365)] | None = None
    """Left out: 30 for a new link, and one that holds stays as it is."""


async def share_try_on(
    result_id: ResultId, user_id: UserId, command: ShareTryOn, token: str, work: UnitOfWork
) -> TryOn:
    result = await _own(result_id, user_id, work)
    result.share(
        token=token,
        token_sha256=hashlib.sha256(token.encode()).hexdigest(),
        expires_at=work.now + timedelta(days=command.expires_in_days or SHARE_DAYS),
        now=work.now,
    )
    if command.expires_in_days is not None:
        result.hold_link_until(work.now + timedelta(days=command.expires_in_days))
    return result


async def unshare_try_on(result_id: ResultId, user_id: UserId, work: UnitOfWork) -> TryOn:
    result = await _own(result_id, user_id, work)
    result.unshare()
    return result


async def delete_try_on(result_id: ResultId, user_id: UserId, work: UnitOfWork) -> TryOn:
    await _own(result_id, user_id, work)
    return await remove_result(result_id, work, reason="deleted by its owner")


async def _own(result_id: ResultId, user_id: UserId, work: UnitOfWork) -> TryOn:
    """Raise NotFound for another's result, a deleted one, and one that goes with its photograph."""
    result = await work.load(TryOn, result_id)
    result.must_belong_to(user_id)
    album = await work.load(Album, user_id)
    album.must_hold(result.image_id)
    return result


async def answer_try_on(asked: TryOn, answer: Callable[..., None], work: UnitOfWork) -> TryOn:
    """The answer is to the revision that was rendered; the result knows whether it still waits."""
    result = await work.load(TryOn, asked.object_id)
    answer(result, revision=asked.revision)
    return result
