"""A file with addresses of pictures ends with a necklace worn: nobody has touched an overlay."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import numpy as np
import pytest

from imaging.decode import decode
from imaging.encode import encode_jpeg
from tests.buying import ok
from tests.imaging.test_cutout import on, overlay
from tests.journeys.real_shop import Customer, RealShop, eventually
from tests.journeys.steps import settled, uploaded

HEADER = "description,price,availability,image,category,name,product_type,quantity"


class Photographer(BaseHTTPRequestHandler):
    """Serves a necklace on grey paper, and one on noise."""

    def do_GET(self) -> None:
        pictures = self.server.pictures  # type: ignore[attr-defined]
        found = pictures.get(self.path)
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(found or b"")))
        self.end_headers()
        self.wfile.write(found or b"")

    def log_message(self, *_: Any) -> None:
        """The test's own output is enough."""


@contextmanager
def photographer() -> Iterator[str]:
    noise = np.random.default_rng(7).integers(0, 255, (400, 400, 3), np.uint8)
    with ThreadingHTTPServer(("127.0.0.1", 0), Photographer) as server:
        server.pictures = {  # type: ignore[attr-defined]
            "/haar.jpg": encode_jpeg(on("grey", overlay("oxidised-collar"))),
            "/busy.jpg": encode_jpeg(noise),
        }
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    with photographer() as url:
        yield url


@pytest.fixture(scope="module")
def fetching_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealShop]:
    with RealShop(
        tmp_path_factory.mktemp("fetching"),
        DEMO_CATALOGUE="false",
        FETCH_CATALOGUE_PICTURES="true",
        FETCH_ALLOWED_NETWORKS="127.0.0.0/8",
    ) as running:
        yield running


@pytest.fixture(scope="module")
def imported(fetching_shop: RealShop, host: str) -> Customer:
    """Three rows; the administrator who brought them."""
    rows = [
        f"Silver collar,9000,In Stock,{host}/haar.jpg,Silver,Collar,necklace,3",
        f"Worn necklace,9000,In Stock,{host}/busy.jpg,Silver,Worn,necklace,3",
        "Inside,9000,In Stock,http://169.254.169.254/latest.jpg,Silver,Inside,necklace,3",
    ]
    admin = fetching_shop.admin()
    file = ("pieces.csv", "\n".join([HEADER, *rows]).encode(), "text/csv")
    ok(admin.post("/api/products/import", files={"file": file}))
    return admin


def with_overlay(admin: Customer, name: str) -> dict[str, Any]:
    def there() -> dict[str, Any] | None:
        found = [p for p in ok(admin.get("/api/products")) if p["name"] == name]
        return found[0] if found and found[0]["tryOn"]["available"] else None

    return eventually(there, f"cut out: {name}")


def test_an_imported_necklace_is_worn(fetching_shop: RealShop, imported: Customer) -> None:
    product = with_overlay(imported, "Collar")
    seen = ok(imported.get(f"/api/products/{product['id']}"))["overlay"]
    assert (seen["source"], seen["widthEstimated"], seen["widthMm"]) == ("catalogue", True, 120)
    wearer = fetching_shop.customer()
    photo = uploaded(wearer)
    body = {"productId": product["id"], "userImageId": photo["id"]}
    asked = ok(wearer.post("/api/try-on/create", json=body), 201)
    result = settled(wearer, f"/api/try-on/results/{asked['id']}")
    assert result["status"] == "ready", result
    before, after = (
        decode(httpx.get(url).content).rgb.astype(int)
        for url in (photo["originalUrl"], result["resultImageUrl"])
    )
    assert (np.abs(after - before).max(axis=-1) > 30).sum() > 500


def test_what_could_not_be_cut_out_is_listed_with_its_reason(imported: Customer) -> None:
    def refused() -> dict[str, dict[str, Any]] | None:
        found = ok(imported.get("/api/products/overlays", params={"status": "refused"}))
        return {p["name"]: p["overlayRefusal"] for p in found} if len(found) == 2 else None

    reasons = eventually(refused, "refused")
    assert reasons["Worn"]["code"] == "product-not-cuttable"
    assert reasons["Inside"]["code"] == "picture-address-refused"
