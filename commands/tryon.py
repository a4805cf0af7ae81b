"""Try-on: ask for a picture, move the piece, keep it, share it, take it back."""

import hashlib
import secrets
from datetime import timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Response, status
from pydantic import Field

from commands.context import Command
from commands.images import own_image, remove_result
from commands.unit_of_work import UnitOfWork
from dependencies import AllServices, CurrentUser, Execute, limited, object_id_or_404
from domain.albums import Album
from domain.catalogue import Product, ProductStatus
from domain.errors import Invalid, NotFound
from domain.images import Image
from domain.sessions import User
from domain.tryon import TryOn
from domain.tryon_events import Position, TryOnAdjustments
from domain.values import ObjectIdText, ResultId, Role, UserId

router = APIRouter(prefix="/api/try-on", tags=["try-on"])

RESULTS = "tryOnResults"
SHARE_DAYS = 30
LOCATION = "/api/try-on/results/{id}"


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


@router.post("/create", status_code=status.HTTP_201_CREATED, dependencies=[limited("tryon")])
async def post_try_on(
    command: CreateTryOn, user: CurrentUser, execute: Execute, services: AllServices
) -> Response:
    """Ask for a picture. It is rendered in a moment: read the result until `status` is `ready`."""
    days = services.settings.photo_days
    return await execute(
        partial(request_try_on, command, user, days=days),
        shows=RESULTS,
        status=status.HTTP_201_CREATED,
        location=LOCATION,
    )


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


@router.put("/results/{result_id}", dependencies=[limited("adjust")])
async def put_try_on(
    result_id: str, command: AdjustTryOn, user: CurrentUser, execute: Execute
) -> Response:
    """Move, turn or scale the piece; the picture is rendered again."""
    object_id_or_404(result_id)
    return await execute(partial(adjust_try_on, result_id, user.id, command), shows=RESULTS)


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


@router.post("/results/{result_id}/save", dependencies=[limited("write")])
async def post_save(result_id: str, user: CurrentUser, execute: Execute) -> Response:
    """Keep a result for good."""
    object_id_or_404(result_id)
    return await execute(partial(save_try_on, result_id, user.id), shows=RESULTS)


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


@router.post("/results/{result_id}/share", dependencies=[limited("write")])
async def post_share(
    result_id: str, user: CurrentUser, execute: Execute, command: ShareTryOn | None = None
) -> Response:
    """Make a link that anybody may open until it expires or is withdrawn. It says nothing of you. A link
    that holds stays the same, and ends when `expiresInDays` says so.
    """
    object_id_or_404(result_id)
    token = secrets.token_urlsafe(24)
    handler = partial(share_try_on, result_id, user.id, command or ShareTryOn(), token)
    return await execute(handler, shows=RESULTS)


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


@router.delete("/results/{result_id}/share", dependencies=[limited("write")])
async def delete_share(result_id: str, user: CurrentUser, execute: Execute) -> Response:
    """Withdraw the link: it is dead at once."""
    object_id_or_404(result_id)
    return await execute(partial(unshare_try_on, result_id, user.id), shows=RESULTS)


async def unshare_try_on(result_id: ResultId, user_id: UserId, work: UnitOfWork) -> TryOn:
    result = await _own(result_id, user_id, work)
    result.unshare()
    return result


@router.delete(
    "/results/{result_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[limited("write")],
)
async def delete_result(result_id: str, user: CurrentUser, execute: Execute) -> Response:
    """Delete a result, its picture and its link."""
    object_id_or_404(result_id)
    outcome = await execute.carry_out(partial(delete_try_on, result_id, user.id))
    return Response(status_code=status.HTTP_204_NO_CONTENT, headers=await execute.headers(outcome))


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
