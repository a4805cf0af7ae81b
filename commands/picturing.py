"""What imaging does by itself: renders results; with what belongs to it, in `PICTURING`.

Policies of the worker: each runs at least once for its event and acts once. The pictures are
content-addressed, so a repeated render writes the same object.
"""

import hashlib
import io
from functools import partial
from pathlib import Path
from typing import Any

import PIL.Image

from commands.analysing import (
    CANNOT,
    act_unless_forgotten,
    analysis_of,
    ask_imaging,
    is_forgotten,
    told,
    uploaded_photograph_is_analysed,
)
from commands.policy import Policy, policy
from commands.removing import deleted_pictures_leave_no_bytes, erased_person_leaves_no_pictures
from commands.unit_of_work import Handler, UnitOfWork
from dependencies import Services
from domain.catalogue import Overlay, Product
from domain.errors import NotFound
from domain.images import Image, ImageStatus
from domain.ports import RecordedEvent
from domain.tryon import TryOn
from domain.tryon_events import TryOnAdjusted, TryOnRequested, TryOnStatus
from imaging.pipeline import OverlaySpec
from imaging.types import PIPELINE_VERSION

DEMO_URL = "/media/demo/"
DEMO_PICTURES = Path(__file__).parent.parent / "demo" / "overlays"
RENDER_SIDE = 1600
"""Longest side of a result, pixels."""
NO_SUCH_FACE = "this photograph shows fewer faces than that; they are numbered from 0"


@policy("requested_try_on_is_rendered", on=(TryOnRequested, TryOnAdjusted))
async def requested_try_on_is_rendered(recorded: RecordedEvent, services: Services) -> None:
    """A requested or adjusted try-on is rendered, or says why it cannot be."""
    result: TryOn | None = await services.store.load(TryOn, recorded.event.object_id)
    if result is None or result.status is not TryOnStatus.PROCESSING:
        return
    if await is_forgotten(result.user_id, services):
        return
    handler, key = await _rendered(result, services)
    await act_unless_forgotten(
        "requested_try_on_is_rendered", handler, recorded, services, command="RenderTryOn"
    )
    if key and not await _is_kept(key, result, services):
        await services.objects.delete(key)


async def _is_kept(key: str, rendered: TryOn, services: Services) -> bool:
    """Whether the result shows this picture. It may have been deleted or adjusted meanwhile, and its
    owner forgotten: then nobody else would remove the bytes.
    """
    result: TryOn = await services.store.load(TryOn, rendered.object_id)
    if result.status is TryOnStatus.DELETED or await is_forgotten(result.user_id, services):
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
    except CANNOT as refused:
        code = "picture-missing" if isinstance(refused, NotFound) else refused.code
        return partial(fail_try_on, result, code=code, reason=told(refused)), ""


async def _picture(result: TryOn, image: Image, services: Services) -> tuple[Handler, str]:
    original = await services.objects.get(image.keys.original)
    analysis = await _analysis(result, image, original, services)
    if not shows(analysis, face=result.adjustments.face):
        return partial(fail_try_on, result, code="no-such-face", reason=NO_SUCH_FACE), ""
    overlays = [await _overlay(product_id, services) for product_id in result.product_ids]
    hangs_on_ears = all(overlay.product_type == "earrings" for overlay in overlays)
    if not analysis.get("faces") or (analysis.get("neck") is None and not hangs_on_ears):
        reasons = ", ".join(analysis.get("reasons") or ["no-face"])
        reason = f"no neck to hang it on was found on the photograph ({reasons})"
        return partial(fail_try_on, result, code="no-neck", reason=reason), ""
    jpeg: bytes = await ask_imaging(
        services,
        "render",
        original,
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


async def _analysis(
    result: TryOn, image: Image, original: bytes, services: Services
) -> dict[str, Any]:
    """Of the face that the customer chose for this result; else of the photograph's own."""
    face, known = result.adjustments.face, image.analysis
    if known and face in {None, known["primary"]}:
        return known
    return await analysis_of(original, services, face=image.face if face is None else face)


def shows(analysis: dict[str, Any], *, face: int | None) -> bool:
    return face is None or face < len(analysis["faces"])


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


PICTURING: tuple[Policy, ...] = (
    uploaded_photograph_is_analysed,
    requested_try_on_is_rendered,
    deleted_pictures_leave_no_bytes,
    erased_person_leaves_no_pictures,
)
