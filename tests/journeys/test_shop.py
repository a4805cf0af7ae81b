"""The shop's main job, by HTTP, on the shop that `make run` starts: nothing in it is a stand-in."""

import re
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from imaging.types import Rgb
from tests.buying import ok, order_body, refused
from tests.journeys.real_shop import ASTRONAUT, Customer, RealShop, eventually
from tests.journeys.steps import (
    checkout,
    confirm,
    intent_for,
    necklace,
    ordered,
    products,
    settled,
    tried_on,
    uploaded,
    with_status,
)
from tests.samples import PASSWORD

EXAMPLE = """description,price,availability,image,category,specifications
"Diamond Solitaire Ring 1.5ct","₹299999","In Stock","https://example.com/ring.jpg","Diamond","18k White Gold, 1.5ct Diamond"
"Gold Pearl Necklace","₹89999","Limited Stock","https://example.com/necklace.jpg","Gold","22k Gold, Freshwater Pearls"
"""  # noqa: E501 - the specification's own lines
UNKNOWN = "0" * 24
VISIBLE = 30
"""Levels of 255; what a second JPEG compression does to an unchanged pixel stays well below."""


@pytest.fixture(scope="module")
def imported(shop: RealShop) -> dict[str, Any]:
    """What the specification's example file came to."""
    answer = shop.admin().post(
        "/api/products/import", files={"file": ("products.csv", EXAMPLE.encode(), "text/csv")}
    )
    outcome: dict[str, Any] = ok(answer)
    return outcome


@pytest.fixture(scope="module")
def wearer(shop: RealShop) -> Customer:
    return shop.customer()


@pytest.fixture(scope="module")
def photo(wearer: Customer) -> dict[str, Any]:
    return uploaded(wearer)


@pytest.fixture(scope="module")
def result(wearer: Customer, photo: dict[str, Any]) -> dict[str, Any]:
    return tried_on(wearer, photo, necklace(wearer))


# --- The shop window -----------------------------------------------------------------------------


def test_an_empty_shop_opens_with_a_catalogue_to_try_on(shop: RealShop) -> None:
    drawn = eventually_drawn(shop)
    assert all(product["overlay"] is not None for product in drawn)
    picture = shop.visitor().get(drawn[0]["images"][0])
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")


def eventually_drawn(shop: RealShop) -> list[dict[str, Any]]:
    """The demo's pieces, once each has its overlay."""

    def drawn() -> list[dict[str, Any]] | None:
        found = [p for p in products(shop.visitor()) if p["images"][0].startswith("/media/demo/")]
        return found if all(p.get("overlay") for p in found) else None

    return eventually(drawn, "drawn")


def test_the_specifications_example_file_comes_out_right(
    shop: RealShop, imported: dict[str, Any]
) -> None:
    assert (imported["imported"], imported["failed"], imported["errors"]) == (2, 0, [])
    assert imported["message"] == "Successfully imported 2 products. 0 failed."
    assert imported["status"] == "completed"
    ring, pearls = (
        ok(shop.visitor().get("/api/products/search", params={"q": words}))[0]
        for words in ("Diamond Solitaire Ring 1.5ct", "Gold Pearl Necklace")
    )
    assert (ring["price"], ring["priceMinor"], ring["category"]) == (299_999, 29_999_900, "Diamond")
    assert (ring["inStock"], ring["stock"]["status"]) == (True, "in_stock")
    assert ring["images"] == ["https://example.com/ring.jpg"]
    assert ring["specifications"]["material"] == "18k White Gold"
    assert ring["specifications"]["gemstone"] == "1.5ct Diamond"
    assert (pearls["price"], pearls["category"]) == (89_999, "Gold")
    assert pearls["stock"]["status"] == "limited"
    assert pearls["specifications"]["material"] == "22k Gold"
    assert pearls["specifications"]["gemstone"] == "Freshwater Pearls"


def test_a_product_is_found_by_list_search_and_id(shop: RealShop, imported: dict[str, Any]) -> None:
    visitor = shop.visitor()
    found = ok(visitor.get("/api/products/search", params={"q": "solitaire ring"}))
    listed = visitor.get("/api/products", params={"limit": 5, "category": "Diamond"})
    assert listed.json()["pagination"]["total"] >= len(ok(listed)) > 0
    one = ok(visitor.get(f"/api/products/{found[0]['id']}"))
    assert one["id"] == one["_id"] == found[0]["id"]


# --- Who comes in --------------------------------------------------------------------------------


def test_somebody_registers_and_signs_in_by_address_or_number(shop: RealShop) -> None:
    meera = shop.customer(email="meera@journey.example", mobile="98765 43210", lastName="Iyer")
    assert set(meera.tokens) >= {"user", "accessToken", "refreshToken", "tokenType", "expiresIn"}
    for name in ({"email": "Meera@Journey.example"}, {"mobile": "9876543210"}):
        again = shop.login(**name, password=PASSWORD)
        assert again.id == meera.id
    by_either = shop.login(identifier="+91 98765 43210", password=PASSWORD)
    me = ok(by_either.get("/api/auth/me"))
    assert (me["firstName"], me["lastName"]) == ("Meera", "Iyer")
    assert "passwordHash" not in me


def test_a_session_is_refreshed_once_with_each_token(shop: RealShop) -> None:
    meera = shop.customer()
    body = {"refreshToken": meera.tokens["refreshToken"]}
    fresh = ok(shop.visitor().post("/api/auth/refresh", json=body))
    headers = {"Authorization": f"Bearer {fresh['accessToken']}"}
    assert ok(shop.visitor().get("/api/auth/me", headers=headers))["id"] == meera.id
    assert fresh["refreshToken"] != meera.tokens["refreshToken"]


def test_a_forgotten_password_is_set_anew_by_the_link_of_the_mail(shop: RealShop) -> None:
    address = "tara@journey.example"
    tara = shop.customer(email=address)
    forgotten = shop.visitor().post("/api/auth/forgot-password", json={"email": address})
    assert forgotten.status_code == 202
    mail = mailed(shop, address, "A new password for Kundan")
    found = re.search(r"token=(\S+)", mail)
    assert found is not None
    reset = {"token": found[1], "newPassword": "five new maps of Udaipur"}
    ok(shop.visitor().post("/api/auth/reset-password", json=reset))
    again = shop.login(email=address, password="five new maps of Udaipur")
    assert again.id == tara.id
    assert shop.visitor().post("/api/auth/reset-password", json=reset).status_code == 422


def mailed(shop: RealShop, address: str, subject: str) -> str:
    """The text of the mail, once it has arrived."""

    def arrived() -> str | None:
        for mail in httpx.get(f"{shop.addresses['mail']}/messages.json").json():
            if mail["to"] == address and mail["subject"] == subject:
                return str(mail["text"])
        return None

    return eventually(arrived, f"mailed: {subject}")


# --- Try-on --------------------------------------------------------------------------------------


def test_face_and_neck_are_found_on_the_photograph(wearer: Customer, photo: dict[str, Any]) -> None:
    assert photo["status"] == "ready"
    assert photo["metadata"]["faceDetected"] is True
    neck = photo["metadata"]["neckPosition"]
    assert 150 < neck["x"] < neck["x"] + neck["width"] < 300
    assert 150 < neck["y"] < neck["y"] + neck["height"] < 260
    assert [image["id"] for image in ok(wearer.get("/api/images/user"))] == [photo["id"]]


def test_the_necklace_is_worn_on_the_neck_and_nowhere_else(
    photo: dict[str, Any], result: dict[str, Any]
) -> None:
    assert result["status"] == "ready"
    picture = httpx.get(result["resultImageUrl"])
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    before, after = decoded(httpx.get(photo["originalUrl"]).content), decoded(picture.content)
    assert before.shape == after.shape
    changed = np.abs(before.astype(int) - after).max(axis=2) > VISIBLE
    rows, columns = np.nonzero(changed)
    neck = photo["metadata"]["neckPosition"]
    assert changed.sum() > neck["width"] * neck["height"] / 4
    near = (
        (rows > neck["y"] - neck["height"] / 2)
        & (rows < neck["y"] + 4 * neck["height"])
        & (np.abs(columns - neck["x"] - neck["width"] / 2) < 1.5 * neck["width"])
    )
    assert near.mean() > 0.99


def decoded(jpeg: bytes) -> Rgb:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture.astype(np.uint8)


def test_a_link_to_a_picture_cannot_be_changed_nor_kept(result: dict[str, Any]) -> None:
    link = httpx.URL(result["resultImageUrl"])
    assert httpx.get(link).status_code == 200
    refused(httpx.get(link.copy_merge_params({"expires": "1"})), 404, "not-found")
    later = str(int(link.params["expires"]) + 60)
    refused(httpx.get(link.copy_merge_params({"expires": later})), 404, "not-found")
    forged = link.params["signature"][::-1]
    refused(httpx.get(link.copy_merge_params({"signature": forged})), 404, "not-found")
    refused(httpx.get(link.copy_with(query=b"")), 404, "not-found")
    elsewhere = link.path.replace("/results/", "/photos/")
    refused(httpx.get(link.copy_with(path=elsewhere)), 404, "not-found")


def test_a_result_is_moved_and_rendered_again(wearer: Customer, photo: dict[str, Any]) -> None:
    first = tried_on(wearer, photo, necklace(wearer, "pearl-strand"))
    address = f"/api/try-on/results/{first['id']}"
    moved = ok(wearer.put(address, json={"adjustments": {"scale": 1.2, "position": {"y": 8}}}))
    assert (moved["revision"], moved["adjustments"]["scale"]) == (2, 1.2)
    second = settled(wearer, address)
    pictures = [httpx.get(each["resultImageUrl"]).content for each in (first, second)]
    assert pictures[0] != pictures[1]


def test_a_result_is_saved_shared_and_taken_back(wearer: Customer, photo: dict[str, Any]) -> None:
    result = tried_on(wearer, photo, necklace(wearer, "kundan-bib"))
    address = f"/api/try-on/results/{result['id']}"
    assert ok(wearer.post(f"{address}/save"))["saved"] is True
    shared = ok(wearer.post(f"{address}/share"))
    page = httpx.get(shared["shareUrl"])
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert result["productName"] in page.text
    assert httpx.get(f"{shared['shareUrl']}/picture").headers["content-type"] == "image/jpeg"
    told = httpx.get(shared["shareUrl"].replace("/share/", "/api/share/"))
    assert httpx.get(ok(told)["resultImageUrl"]).headers["content-type"] == "image/jpeg"
    assert not any(wearer.id in text for text in (page.text, str(ok(told)["productId"])))
    assert "userId" not in ok(told)
    ok(wearer.delete(f"{address}/share"))
    assert httpx.get(shared["shareUrl"]).status_code == 410
    assert httpx.get(f"{shared['shareUrl']}/picture").status_code == 410


def test_a_deleted_photograph_is_gone_from_the_disk(shop: RealShop) -> None:
    customer = shop.customer()
    photo = uploaded(customer)
    result = tried_on(customer, photo, necklace(customer))
    kept = [file for file in (shop.data_dir / "objects").rglob("*.jpg") if customer.id in str(file)]
    assert len(kept) >= 3
    assert customer.delete(f"/api/images/{photo['id']}").status_code == 204
    eventually(lambda: not any(file.exists() for file in kept), "gone")
    refused(httpx.get(photo["originalUrl"]), 404, "not-found")
    refused(httpx.get(result["resultImageUrl"]), 404, "not-found")
    assert ok(customer.get("/api/try-on/results")) == []


# --- Buying --------------------------------------------------------------------------------------


def test_an_order_is_paid_and_its_whole_history_is_told(shop: RealShop) -> None:
    customer = shop.customer()
    piece = necklace(customer)
    order = ordered(customer, piece, **{"Idempotency-Key": "bought-once"})
    assert (order["status"], order["paymentStatus"]) == ("pending", "pending")
    assert ordered(customer, piece, **{"Idempotency-Key": "bought-once"})["id"] == order["id"]
    assert len(ok(customer.get("/api/orders"))) == 1
    intent = intent_for(customer, order)
    assert (intent["gateway"], intent["currency"]) == ("razorpay", "INR")
    assert intent["amountMinor"] == order["totalMinor"] == intent["amount"] * 100
    signed = checkout(shop.addresses["gateway"], intent)
    paid = confirm(customer, intent, signed)
    assert paid["status"] == "completed"
    assert (paid["order"]["status"], paid["order"]["paymentStatus"]) == ("confirmed", "completed")
    assert with_status(customer, order, "confirmed")["paymentStatus"] == "completed"
    history = ok(customer.get(f"/api/audit/orders/{order['id']}/history"))
    told = {event["type"] for event in history}
    assert told >= {
        "OrderPlaced",
        "StockReserved",
        "PaymentIntentRequested",
        "PaymentConfirmed",
        "OrderConfirmed",
        "StockCommitted",
    }
    assert all(
        {"position", "version", "type", "time", "actor", "data", "hash"} <= set(event)
        for event in history
    )
    positions = [event["position"] for event in history]
    assert positions == sorted(positions)


def test_the_gateways_word_is_enough_when_the_browser_never_comes_back(shop: RealShop) -> None:
    customer = shop.customer(email="uma@journey.example")
    order = ordered(customer, necklace(customer))
    intent = intent_for(customer, order)
    signed = checkout(shop.addresses["gateway"], intent)
    assert with_status(customer, order, "confirmed")["paymentStatus"] == "completed"
    late = confirm(customer, intent, signed)
    assert (late["status"], late["order"]["status"]) == ("completed", "confirmed")
    history = ok(customer.get(f"/api/audit/orders/{order['id']}/history"))
    assert [event["type"] for event in history].count("OrderConfirmed") == 1
    number = order["orderNumber"]
    for subject in (f"Your order {number}", f"Your order {number} is confirmed"):
        assert number in mailed(shop, "uma@journey.example", subject)


# --- Reading what was written --------------------------------------------------------------------


def test_every_write_says_which_state_it_shows_and_a_read_is_never_older(shop: RealShop) -> None:
    customer = shop.customer()
    for number in range(20):
        name = f"Meera {number}"
        written = customer.put("/api/auth/profile", json={"firstName": name})
        assert ok(written)["firstName"] == name
        assert written.headers["ETag"] == f'"v{ok(written)["version"]}"'
        token = {"Consistency-Token": written.headers["Consistency-Token"]}
        read = customer.get("/api/auth/me", headers=token)
        assert ok(read)["firstName"] == name


def test_who_changes_an_older_state_is_told_the_current_version(shop: RealShop) -> None:
    customer = shop.customer()
    first = customer.put("/api/auth/profile", json={"firstName": "Mira"})
    ok(customer.put("/api/auth/profile", json={"firstName": "Mirabai"}))
    problem = refused(
        customer.put(
            "/api/auth/profile",
            json={"firstName": "Mir"},
            headers={"If-Match": first.headers["ETag"]},
        ),
        412,
        "precondition-failed",
    )
    assert problem["currentVersion"] == ok(first)["version"] + 1


# --- Bad input -----------------------------------------------------------------------------------


def test_what_is_not_there_is_404(shop: RealShop) -> None:
    customer = shop.customer()
    for address in ("/api/nothing", "/nothing", "/api/products/nonsense", "/media/demo/x.png"):
        refused(customer.get(address), 404, "not-found")
    for kind in ("products", "orders", "images", "try-on/results", "payments"):
        refused(customer.get(f"/api/{kind}/{UNKNOWN}"), 404, "not-found")


def test_what_belongs_to_another_is_404(
    shop: RealShop, photo: dict[str, Any], result: dict[str, Any]
) -> None:
    owner, stranger = shop.customer(), shop.customer()
    order = ordered(owner, necklace(owner))
    intent = intent_for(owner, order)
    for address in (
        f"/api/orders/{order['id']}",
        f"/api/audit/orders/{order['id']}/history",
        f"/api/payments/{intent['paymentId']}",
        f"/api/images/{photo['id']}",
        f"/api/try-on/results/{result['id']}",
    ):
        refused(stranger.get(address), 404, "not-found")
    theirs = {"productId": necklace(owner)["id"], "userImageId": photo["id"]}
    refused(stranger.post("/api/try-on/create", json=theirs), 404, "not-found")
    pay = {"orderId": order["id"]}
    refused(stranger.post("/api/payments/create-intent", json=pay), 404, "not-found")
    refused(stranger.delete(f"/api/images/{photo['id']}"), 404, "not-found")


def test_a_body_with_faults_is_422_and_names_the_fields(shop: RealShop) -> None:
    body = order_body((UNKNOWN, 0)) | {"total": 1}
    problem = refused(shop.customer().post("/api/orders", json=body), 422, "invalid")
    assert {error["field"] for error in problem["errors"]} == {"items.0.quantity", "total"}
    assert problem["requestId"]


def test_a_body_or_a_file_over_its_limit_is_413(shop: RealShop) -> None:
    customer = shop.customer()
    heavy = b'{"firstName": "' + b"x" * 1_100_000 + b'"}'
    refused(customer.put("/api/auth/profile", content=heavy), 413, "too-large")
    photo = {"file": ("me.jpg", b"\xff\xd8\xff" + bytes(10_100_000), "image/jpeg")}
    consent = {"consent": "true"}
    answer = customer.post("/api/images/upload", files=photo, data=consent)
    refused(answer, 413, "too-large")


def test_a_file_of_the_wrong_kind_is_415_and_a_broken_one_400_with_the_reason(
    shop: RealShop,
) -> None:
    customer, consent = shop.customer(), {"consent": "true"}
    text = {"file": ("me.jpg", b"GIF89a, or so it says", "image/jpeg")}
    answer = customer.post("/api/images/upload", files=text, data=consent)
    refused(answer, 415, "unsupported-type")
    broken = {"file": ("me.jpg", ASTRONAUT.read_bytes()[:3_000], "image/jpeg")}
    answer = customer.post("/api/images/upload", files=broken, data=consent)
    assert len(refused(answer, 400, "unreadable-image")["detail"]) > 20
    assert ok(customer.get("/api/images/user")) == []


def test_a_product_file_that_cannot_be_read_is_400_and_says_what_is_missing(
    shop: RealShop,
) -> None:
    file = {"file": ("products.csv", b"description,price\nRing,1\n", "text/csv")}
    problem = refused(shop.admin().post("/api/products/import", files=file), 400, "missing-columns")
    assert set(problem["missing"]) == {"availability", "image"}


def test_what_is_no_longer_possible_is_409(shop: RealShop) -> None:
    customer = shop.customer()
    order = ordered(customer, necklace(customer))
    ok(customer.post(f"/api/orders/{order['id']}/cancel"))
    pay = {"orderId": order["id"]}
    assert customer.post("/api/payments/create-intent", json=pay).status_code == 409
    taken = {"email": "taken@journey.example", "password": PASSWORD, "firstName": "A"}
    shop.customer(email="taken@journey.example")
    refused(shop.visitor().post("/api/auth/register", json=taken), 409, "email-taken")


def test_who_asks_too_often_is_429_and_told_when_to_come_back(shop: RealShop) -> None:
    customer = shop.customer()
    answers = [customer.post("/api/orders", json={}) for _ in range(101)]
    assert [answer.status_code for answer in answers[:100]] == [422] * 100
    refused(answers[-1], 429, "too-many-requests")
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60


def test_while_the_gateway_is_down_it_answers_503_and_the_order_can_be_paid_later(
    shop: RealShop,
) -> None:
    gateway, customer = shop.addresses["gateway"], shop.customer()
    order = ordered(customer, necklace(customer))
    fault = {"request": "*", "mode": "502", "times": 100}
    assert httpx.post(f"{gateway}/_sim/faults", json=fault).status_code == 201
    try:
        pay = {"orderId": order["id"]}
        answer = customer.post("/api/payments/create-intent", json=pay)
    finally:
        httpx.delete(f"{gateway}/_sim/faults")
    refused(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    intent = intent_for(customer, order)
    assert confirm(customer, intent, checkout(gateway, intent))["status"] == "completed"


# --- Those who run it ----------------------------------------------------------------------------


def test_it_tells_its_health_its_figures_and_its_documentation(shop: RealShop) -> None:
    for address in ("/health/live", "/health/ready", "/metrics", "/docs"):
        assert shop.visitor().get(address).status_code == 200
