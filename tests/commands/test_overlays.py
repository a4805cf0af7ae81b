"""Overlays for the try-on, cut out of catalogue pictures by staff."""

import io
from dataclasses import replace
from typing import Any

import cv2
import httpx
import numpy as np
import PIL.Image
import pytest

from domain.values import Role
from imaging import pipeline
from tests.api import Api

PRODUCT = {"name": "Haar", "price": 5000, "productType": "necklace", "widthMm": 120}


class Imaging:
    """Fits `domain.ports.ImageWorker`: the real pipeline, in this process."""

    async def run(self, function: str, *arguments: Any, **options: Any) -> Any:
        return getattr(pipeline, function)(*arguments, **options)


def picture(*, plain: bool) -> bytes:
    """A gold half ring on white, or on noise."""
    dice = np.random.default_rng(7)
    shape = (400, 400, 3)
    pixels = np.full(shape, 255, np.uint8)
    if not plain:
        pixels = dice.integers(0, 255, shape, dtype=np.uint8)
    cv2.ellipse(pixels, (200, 120), (140, 200), 0, 0, 180, (190, 150, 40), 14, cv2.LINE_AA)
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def with_imaging(api: Api) -> None:
    services = replace(api.services, images=Imaging())
    api.services = api.app.state.services = services


@pytest.fixture
async def staff(api: Api) -> httpx.AsyncClient:
    with_imaging(api)
    return (await api.staff(Role.CATALOG_MANAGER)).client


async def test_a_picture_on_a_plain_backdrop_becomes_the_products_overlay(
    staff: httpx.AsyncClient,
) -> None:
    made = (await staff.post("/api/products", json=PRODUCT)).json()["data"]
    answer = await staff.post(
        f"/api/products/{made['id']}/overlay", files={"file": ("haar.png", picture(plain=True))}
    )
    assert answer.status_code == 200, answer.text
    overlay = answer.json()["data"]["overlay"]
    assert overlay["widthMm"] == 120
    assert "/media/signed/overlays/" in overlay["image"]
    assert {"left", "right"} <= overlay["anchors"].keys()


async def test_a_busy_picture_is_refused_with_the_reason(staff: httpx.AsyncClient) -> None:
    made = (await staff.post("/api/products", json=PRODUCT)).json()["data"]
    answer = await staff.post(
        f"/api/products/{made['id']}/overlay", files={"file": ("haar.png", picture(plain=False))}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "product-not-cuttable")


async def test_a_piece_of_unknown_width_is_not_guessed(staff: httpx.AsyncClient) -> None:
    unknown = {name: value for name, value in PRODUCT.items() if name != "widthMm"}
    made = (await staff.post("/api/products", json=unknown)).json()["data"]
    answer = await staff.post(
        f"/api/products/{made['id']}/overlay", files={"file": ("haar.png", picture(plain=True))}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "width-unknown")


@pytest.mark.parametrize(
    "key", ["photos/{id}/original.jpg", "overlays/65f0000000000000000000ff/a.png", "overlays/{id}"]
)
async def test_an_overlay_is_none_of_the_other_stored_files(
    staff: httpx.AsyncClient, key: str
) -> None:
    """Whoever sees the product gets a link to it: it might be a customer's photograph."""
    made = (await staff.post("/api/products", json=PRODUCT)).json()["data"]
    image = "object:" + key.format(id=made["id"])
    body = {"image": image, "width": 8, "height": 8, "widthMm": 77, "pxPerMm": 1}
    address = f"/api/products/{made['id']}/overlay"
    answer = await staff.put(address, json=body, headers={"If-Match": "*"})
    assert (answer.status_code, answer.json()["code"]) == (422, "not-its-own-picture")
