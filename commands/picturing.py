"""What imaging does by itself: looks at photographs, renders results, removes what is deleted.

Policies of the worker: each runs at least once for its event and acts once. The pictures are
content-addressed, so a repeated render writes the same object.
"""

import hashlib
import io
from functools import partial
from pathlib import Path
from typing import Any

import PIL.Image
import structlog

from commands.context import policy_context
from commands.policy import Policy, policy
from commands.unit_of_work import Handler, UnitOfWork, run
from dependencies import Services
from domain.accounts import Account, PersonalDataErased
from domain.catalogue import Overlay, Product
from domain.errors import NotFound
from domain.images import (
    Image,
    ImageDeleted,
    ImageProcessingRequested,
    ImageStatus,
    ImageUploaded,
)
from domain.ports import RecordedEvent
from domain.tryon import TryOn, TryOnAdjusted, TryOnDeleted, TryOnRequested, TryOnStatus
from imaging.errors import ImageRefused
from imaging.pipeline import OverlaySpec
from imaging.types import PIPELINE_VERSION
from imaging.wearing import lack

log = structlog.get_logger(__name__)

DEMO_URL = "/media/demo/"
DEMO_PICTURES = Path(__file__).parent.parent / "demo" / "overlays"
RENDER_SIDE = 1600
"""Longest side of a result, pixels."""


@policy("uploaded_photograph_is_analysed", on=(ImageUploaded, ImageProcessingRequested))
async def uploaded_photograph_is_analysed(recorded: RecordedEvent, services: Services) -> None:
    """An uploaded photograph is looked at for face and neck."""
    image: Image | None = await services.store.load(Image, recorded.event.object_id)
    if image is None or image.status is ImageStatus.DELETED or not image.is_awaited:
        return
    if await _is_forgotten(image.user_id, services):
        return
    handler = await _analysed(image, services)
    await _act("uploaded_photograph_is_analysed", handler, recorded, services, "ProcessImage")


async def _analysed(image: Image, services: Services) -> Handler:
    try:
        analysis = await _analyse(image, services)
    except (ImageRefused, NotFound) as e:
        code = getattr(e, "code", "unreadable-image")
        return partial(reject_image, image.object_id, code=code, reason=str(e))
    return partial(process_image, image.object_id, analysis)


async def _analyse(image: Image, services: Services) -> dict[str, Any]:
    """`imaging.types.Analysis` as a dictionary, in pixels of the stored original."""
    data = await services.objects.get(image.keys.original)
    chosen = {} if image.face is None else {"face": image.face}
    analysis: dict[str, Any] = await services.images.run("analyse_photo", data, **chosen)
    return analysis


async def process_image(image_id: str, analysis: dict[str, Any], work: UnitOfWork) -> Image:
    image = await work.load(Image, image_id)
    image.process(analysis=analysis, pipeline_version=PIPELINE_VERSION)
    return image


async def reject_image(image_id: str, work: UnitOfWork, *, code: str, reason: str) -> Image:
    image = await work.load(Image, image_id)
    image.reject(code=code, reason=reason)
    return image


@policy("requested_try_on_is_rendered", on=(TryOnRequested, TryOnAdjusted))
async def requested_try_on_is_rendered(recorded: RecordedEvent, services: Services) -> None:
    """A requested or adjusted try-on is rendered, or says why it cannot be."""
    result: TryOn | None = await services.store.load(TryOn, recorded.event.object_id)
    if result is None or result.status is not TryOnStatus.PROCESSING:
        return
    if await _is_forgotten(result.user_id, services):
        return
    handler, key = await _rendered(result, services)
    await _act("requested_try_on_is_rendered", handler, recorded, services, "RenderTryOn")
    if key and not await _is_kept(key, result, services):
        await services.objects.delete(key)


async def _is_forgotten(user_id: str, services: Services) -> bool:
    owner: Account | None = await services.store.load(Account, user_id)
    return owner is not None and owner.erased


async def _is_kept(key: str, rendered: TryOn, services: Services) -> bool:
    """Whether the result shows this picture. It may have been deleted or adjusted meanwhile, and its
    owner forgotten: then nobody else would remove the bytes.
    """
    result: TryOn = await services.store.load(TryOn, rendered.object_id)
    if result.status is TryOnStatus.DELETED or await _is_forgotten(result.user_id, services):
        return False
    return key in result.keys


async def _rendered(result: TryOn, services: Services) -> tuple[Handler, str]:
    """The command that records the picture and the picture's key; or the reason why there is none."""
    image: Image | None = await services.store.load(Image, result.image_id)
    if image is None or image.status is ImageStatus.DELETED or not image.keys.original:
        gone = "the photograph is gone"
        return partial(fail_try_on, result, code="photo-deleted", reason=gone), ""
    try:
        return await _picture(result, image, services)
    except ImageRefused as refused:
        return partial(fail_try_on, result, code=refused.code, reason=refused.message), ""
    except NotFound as missing:
        return partial(fail_try_on, result, code="picture-missing", reason=missing.detail), ""


async def _picture(result: TryOn, image: Image, services: Services) -> tuple[Handler, str]:
    analysis = image.analysis or await _analyse(image, services)
    overlays = [await _overlay(product_id, services) for product_id in result.product_ids]
    if lacking := lack((overlay.product_type for overlay in overlays), analysis):
        code, reason = lacking
        return partial(fail_try_on, result, code=code, reason=reason), ""
    jpeg: bytes = await services.images.run(
        "render",
        await services.objects.get(image.keys.original),
        analysis,
        overlays,
        _for_imaging(result),
        max_side=RENDER_SIDE,
    )
    digest = hashlib.sha256(jpeg).hexdigest()
    key = f"results/{result.user_id}/{result.object_id}/{digest[:32]}.jpg"
    await services.objects.put(key, jpeg, content_type="image/jpeg")
    width, height = picture_size(jpeg)
    return partial(finish_try_on, result, key, width=width, height=height), key


def picture_size(jpeg: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the header of a picture that we made ourselves."""
    with PIL.Image.open(io.BytesIO(jpeg)) as picture:
        return picture.size


def _for_imaging(result: TryOn) -> dict[str, Any]:
    """`imaging.types.Adjustments` as a dictionary."""
    chosen = result.adjustments
    return {
        "scale": chosen.scale,
        "rotation": chosen.rotation,
        "dx": chosen.position.x,
        "dy": chosen.position.y,
        "occlusion": chosen.occlusion,
        "shadow": chosen.shadow,
        "light": chosen.light,
        "sparkle": chosen.sparkle,
    }


async def _overlay(product_id: str, services: Services) -> OverlaySpec:
    """Raise NotFound without an overlay."""
    product: Product | None = await services.store.load(Product, product_id)
    if product is None or product.overlay is None:
        raise NotFound("the product has no overlay picture any more")
    overlay = product.overlay
    anchors = {name: {"x": anchor.x, "y": anchor.y} for name, anchor in overlay.anchors.items()}
    return OverlaySpec(
        png=await overlay_bytes(overlay, services),
        product_type=product.details.product_type.value,
        width_mm=overlay.width_mm,
        anchors=anchors if {"left", "right"} <= anchors.keys() else None,
    )


async def overlay_bytes(overlay: Overlay, services: Services) -> bytes:
    """The overlay's picture: one of the demo's, or an object of ours. Raise NotFound."""
    if overlay.image.startswith(DEMO_URL):
        file = DEMO_PICTURES / Path(overlay.image).name
        if not file.is_file():
            raise NotFound(f"there is no demo picture {file.name}")
        return file.read_bytes()
    return await services.objects.get(overlay.image.removeprefix("object:"))


async def finish_try_on(
    rendered: TryOn, key: str, work: UnitOfWork, *, width: int, height: int
) -> TryOn:
    result = await work.load(TryOn, rendered.object_id)
    result.render(
        revision=rendered.revision,
        key=key,
        width=width,
        height=height,
        pipeline_version=PIPELINE_VERSION,
    )
    return result


async def fail_try_on(failed: TryOn, work: UnitOfWork, *, code: str, reason: str) -> TryOn:
    result = await work.load(TryOn, failed.object_id)
    result.fail(revision=failed.revision, code=code, reason=reason)
    return result


@policy("deleted_pictures_leave_no_bytes", on=(ImageDeleted, TryOnDeleted))
async def deleted_pictures_leave_no_bytes(recorded: RecordedEvent, services: Services) -> None:
    """The bytes of a deleted photograph or result are removed from the object store."""
    event = recorded.event
    if isinstance(event, ImageDeleted):
        for key in event.keys.all():
            await _remove(key, services)
    elif isinstance(event, TryOnDeleted):
        await _remove_below(f"results/{event.user_id}/{event.object_id}/", services)


@policy("erased_person_leaves_no_pictures", on=(PersonalDataErased,))
async def erased_person_leaves_no_pictures(recorded: RecordedEvent, services: Services) -> None:
    """When a person is erased, every picture of theirs goes with them."""
    user_id = recorded.event.object_id
    await _remove_below(f"photos/{user_id}/", services)
    await _remove_below(f"results/{user_id}/", services)


async def _remove_below(prefix: str, services: Services) -> None:
    async for stored in services.objects.list(prefix):
        await services.objects.delete(stored.key)


async def _remove(key: str, services: Services) -> None:
    if key:
        await services.objects.delete(key)


async def _act(
    name: str, handler: Handler, recorded: RecordedEvent, services: Services, command: str
) -> None:
    """Nothing is recorded about a person who was forgotten meanwhile: there is no key for it."""
    try:
        await run(
            handler,
            policy_context(name, recorded, command=command),
            services.store,
            claims_key=services.keyring.claims,
            clock=services.clock,
        )
    except NotFound:
        log.info("the person was forgotten meanwhile", policy=name, event_id=recorded.event_id)


PICTURING: tuple[Policy, ...] = (
    uploaded_photograph_is_analysed,
    requested_try_on_is_rendered,
    deleted_pictures_leave_no_bytes,
    erased_person_leaves_no_pictures,
)
