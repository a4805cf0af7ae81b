"""Overlays for the try-on: cut out of a catalogue picture, or given with an alpha channel of their own.

Staff upload the picture, see the cut-out on the product, and correct its anchors and width by
`PUT /api/products/{id}/overlay`. A picture that cannot be cut out is refused with the reason.
"""

import hashlib
from functools import partial
from math import hypot
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Response, UploadFile

from commands.catalogue import KnownProduct, SetOverlay, set_overlay
from commands.images import as_domain_error
from dependencies import AllServices, CatalogManager, Execute, Services, limited
from domain.catalogue import Product
from domain.errors import Invalid, NotFound, TooLarge
from imaging.errors import ImageRefused

router = APIRouter(prefix="/api/products", tags=["products"])

PRODUCTS = "products"
BETWEEN_ENDS = {"necklace", "pendant", "chain", "mangalsutra"}
"""Of these the width is that between the chain's ends; of others that of the whole picture."""


@router.post("/{product_id}/overlay", dependencies=[limited("upload")])
async def post_overlay(
    product_id: KnownProduct,
    _: CatalogManager,
    execute: Execute,
    services: AllServices,
    *,
    file: Annotated[UploadFile, File(description="the piece on a plain backdrop, or cut out")],
    width_mm: Annotated[float | None, Form(alias="widthMm", gt=0, le=2000)] = None,
) -> Response:
    """Cut a picture out of its backdrop and make it the product's overlay."""
    product: Product | None = await services.store.load(Product, product_id)
    if product is None:
        raise NotFound("there is no such product")
    width = width_mm or product.details.width_mm
    if width is None:
        raise Invalid(
            "say how wide the piece is: send widthMm, or give the product a width_mm",
            code="width-unknown",
        )
    data = await _read(file, services)
    overlay = await _cut_out(data, product, width_mm=width, services=services)
    return await execute(
        partial(set_overlay, product_id, overlay),
        shows=PRODUCTS,
        content_digest=hashlib.sha256(data).digest(),
    )


async def _read(file: UploadFile, services: Services) -> bytes:
    limit = services.settings.max_upload_mb * 1_000_000
    data = await file.read(limit + 1)
    if len(data) > limit:
        raise TooLarge(f"a picture may have {services.settings.max_upload_mb} MB")
    return data


async def _cut_out(
    data: bytes, product: Product, *, width_mm: float, services: Services
) -> SetOverlay:
    """Once a picture: the object is named by its content. Raise what imaging refuses as a problem."""
    try:
        prepared = await services.images.run("prepare_overlay", data)
    except ImageRefused as refused:
        raise as_domain_error(refused) from refused
    key = f"overlays/{product.object_id}/{prepared.sha256[:32]}.png"
    await services.objects.put(key, prepared.png, content_type="image/png")
    return SetOverlay(
        image=f"object:{key}",
        width=prepared.width,
        height=prepared.height,
        width_mm=width_mm,
        px_per_mm=_measured(prepared, product.details.product_type.value) / width_mm,
        anchors=prepared.anchors,
    )


def _measured(prepared: Any, product_type: str) -> float:
    """Pixels that the width in millimetres stands for."""
    left, right = prepared.anchors["left"], prepared.anchors["right"]
    between = hypot(right["x"] - left["x"], right["y"] - left["y"])
    return between if product_type in BETWEEN_ENDS and between > 1 else float(prepared.width)
