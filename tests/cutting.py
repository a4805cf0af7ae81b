"""Catalogue pictures for tests: a shelf of them, and imaging in this process that counts its cuts."""

import io
from dataclasses import replace
from typing import Any, cast

import cv2
import numpy as np
import PIL.Image

from commands.reactions.catalogue_pictures import cut_out_catalogue_pictures
from imaging import pipeline
from tests.api import Api
from tests.fakes import PictureShelf

HAAR: dict[str, Any] = {
    "name": "Haar",
    "price": 5000,
    "productType": "necklace",
    "images": ["https://shop.example/haar.png"],
    "widthMm": 120,
}


class Imaging:
    """Fits `domain.ports.imaging.ImageWorker`: the real pipeline, in this process."""

    def __init__(self) -> None:
        self.cuts = 0
        self.failure: Exception | None = None

    async def run(self, function: str, *arguments: Any, **options: Any) -> Any:
        self.cuts += function == "prepare_overlay"
        if self.failure is not None:
            raise self.failure
        return getattr(pipeline, function)(*arguments, **options)

    def forget(self) -> None:
        pipeline.forget()


def picture(*, plain: bool = True, colour: tuple[int, int, int] = (190, 150, 40)) -> bytes:
    """A half ring on white, or on noise."""
    shape = (400, 400, 3)
    pixels = np.full(shape, 255, np.uint8)
    if not plain:
        pixels = np.random.default_rng(7).integers(0, 255, shape, dtype=np.uint8)
    cv2.ellipse(pixels, (200, 120), (140, 200), 0, 0, 180, colour, 14, cv2.LINE_AA)
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def with_cutting(api: Api, *, fetch: str = "true") -> tuple[PictureShelf, Imaging]:
    """From now on pictures are really cut out, of what lies on the shelf."""
    imaging = Imaging()
    changed = {"fetch_catalogue_pictures": fetch == "true"}
    settings = api.services.settings.model_copy(update=changed)
    services = replace(api.services, images=imaging, settings=settings)
    api.services = api.app.state.services = services
    return cast("PictureShelf", services.pictures), imaging


async def rounds(api: Api, *, count: int = 1) -> int:
    """How many pictures the worker looked at, with the read models caught up before and after."""
    looked_at = 0
    for _ in range(count):
        await api.consistency.fold()
        looked_at += await cut_out_catalogue_pictures(api.services)
    await api.consistency.fold()
    return looked_at
