"""More of the try-on, on the shop that `make run` starts: full size, faces, consent."""

import io
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import PIL.Image
import pytest

from imaging.types import Rgb
from tests.buying import ok, refused
from tests.journeys.real_shop import ASTRONAUT, Customer, RealShop, eventually
from tests.journeys.steps import necklace, tried_on, uploaded


@pytest.fixture(scope="module")
def wearer(shop: RealShop) -> Customer:
    return shop.customer()


def decoded(jpeg: bytes) -> Rgb:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture.astype(np.uint8)


def pictures(shop: RealShop, name: str) -> list[Path]:
    """On the disk, of a person or a result."""
    return [file for file in (shop.data_dir / "objects").rglob("*.jpg") if name in str(file)]


def finished(customer: Customer, address: str) -> dict[str, Any]:
    """The result, once its full size is there."""

    def there() -> dict[str, Any] | None:
        found: dict[str, Any] = ok(customer.get(address))
        return found if found["fullSize"]["status"] == "ready" else None

    return eventually(there, f"finished: {address}")


def test_a_saved_result_is_as_large_as_its_photograph_and_can_be_made_again(
    shop: RealShop, wearer: Customer
) -> None:
    picture = PIL.Image.open(ASTRONAUT).convert("RGB").resize((1500, 1500))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=92)
    result = tried_on(wearer, uploaded(wearer, file.getvalue()), necklace(wearer))
    assert (result["width"], result["height"]) == (1024, 1024)
    address = f"/api/try-on/results/{result['id']}"
    ok(wearer.post(f"{address}/save"))
    full = finished(wearer, address)
    assert decoded(httpx.get(full["resultImageUrl"]).content).shape == (1500, 1500, 3)
    assert decoded(httpx.get(full["previewImageUrl"]).content).shape == (1024, 1024, 3)
    ok(wearer.put(address, json={"adjustments": {"scale": 1.1, "face": 0}}))
    assert finished(wearer, address)["revision"] == 2
    eventually(lambda: len(pictures(shop, result["id"])) == 2, "without the older pictures")
    made = shop.cli("tryon", "reproduce", result["id"])
    assert (made.returncode, made.stdout.count("equal")) == (0, 2), made.stdout + made.stderr


def test_a_face_that_is_not_there_is_refused_at_once(
    wearer: Customer,
) -> None:
    photo = uploaded(wearer)
    body = {
        "productId": necklace(wearer)["id"],
        "userImageId": photo["id"],
        "adjustments": {"face": 7},
    }
    refused(wearer.post("/api/try-on/create", json=body), 422, "no-such-face")


def test_who_withdraws_consent_has_no_pictures_left(shop: RealShop) -> None:
    customer = shop.customer()
    photo = uploaded(customer)
    result = tried_on(customer, photo, necklace(customer))
    address = f"/api/try-on/results/{result['id']}"
    ok(customer.post(f"{address}/save"))
    shared = ok(customer.post(f"{address}/share"))
    assert ok(customer.get("/api/images/consent"))["given"] is True
    assert ok(customer.delete("/api/images/consent"))["given"] is False
    assert ok(customer.get("/api/images/user")) == []
    assert httpx.get(shared["shareUrl"]).status_code == 410
    eventually(lambda: not pictures(shop, customer.id), "without pictures")
    again = uploaded(customer)
    assert again["id"] != photo["id"]
    assert again["status"] == "ready"
