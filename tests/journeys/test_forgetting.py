"""A person uses all of the shop and is then forgotten: no store of the shop's own knows them any more.

Mails that were sent lie in the customer's mailbox, which the mail sink plays here; they are outside. So is
MongoDB's operation log, which it overwrites by itself. Everything else is searched, byte by byte.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bson
import nats
import pytest
from nats.js.errors import NotFoundError
from pymongo import MongoClient
from redis import Redis

from tests.buying import ok, order_body, refused
from tests.journeys.real_shop import ASTRONAUT, ROOT, Customer, RealShop, eventually
from tests.journeys.steps import (
    checkout,
    confirm,
    intent_for,
    necklace,
    settled,
    tried_on,
    uploaded,
    with_status,
)
from tests.samples import PASSWORD
from tests.shop import ADDRESS_BODY

CANARIES = {
    "e-mail": "zuleikha.canary@forgetting.example",
    "changed e-mail": "zuleikha.later@forgetting.example",
    "first name": "Zuleikhacanary",
    "last name": "Quetzalcanary",
    "changed name": "Xanthecanary",
    "mobile": "7012345699",
    "street": "77 Canarygasse",
    "recipient": "Oswinecanary",
    "landmark": "behind the canary tree",
    "file name": "canary-portrait",
    "inside the file": "canary in the metadata",
    "device": "CanaryBrowser/7",
    "search": "canarysearchword",
}
OURS = ("mail",)
"""Folder of the data directory that stands for the outside world: the customer's mailbox."""
SERVER_FILES = ("mongodb",)
"""Read through the server: its files hold the operation log."""


@dataclass(frozen=True)
class Forgotten:
    """What is left once a person is gone."""

    id: str
    found_before: set[str]
    erased: str
    photo: dict[str, Any]
    pictures: list[str]


@pytest.fixture(scope="module")
def forgotten(shop: RealShop) -> Forgotten:
    customer = shop.customer(
        email=CANARIES["e-mail"],
        mobile=CANARIES["mobile"],
        firstName=CANARIES["first name"],
        lastName=CANARIES["last name"],
    )
    photo, pictures = use_everything(shop, customer)
    found_before = {name for name, _ in found(shop)}
    erased = shop.cli("erase-person", customer.id, "--yes")
    assert erased.returncode == 0, erased.stderr
    objects = shop.data_dir / "objects"
    eventually(lambda: not files_of(objects, customer.id), "without pictures")
    eventually(lambda: "users" not in {place for _, place in found(shop)}, "forgotten in users")
    return Forgotten(customer.id, found_before, erased.stdout, photo, pictures)


def use_everything(shop: RealShop, customer: Customer) -> tuple[dict[str, Any], list[str]]:
    """Every feature that takes something personal; the photograph and its results' links."""
    photo = uploaded(customer, marked_photo(), name=f"{CANARIES['file name']}.jpg")
    ok(customer.post(f"/api/images/{photo['id']}/process"))
    result = tried_on(customer, photo, necklace(customer))
    address = f"/api/try-on/results/{result['id']}"
    ok(customer.put(address, json={"adjustments": {"rotation": 3}}))
    adjusted = settled(customer, address)
    ok(customer.post(f"{address}/save"))
    shared = ok(customer.post(f"{address}/share"))
    buy(shop, customer)
    sign_in_and_out(shop, customer)
    return photo, [photo["originalUrl"], adjusted["resultImageUrl"], shared["shareUrl"]]


def marked_photo() -> bytes:
    """The photograph with a comment in its metadata (a COM segment, ITU T.81 B.2.4.5)."""
    words = CANARIES["inside the file"].encode()
    comment = b"\xff\xfe" + (len(words) + 2).to_bytes(2, "big") + words
    jpeg = ASTRONAUT.read_bytes()
    return jpeg[:2] + comment + jpeg[2:]


def buy(shop: RealShop, customer: Customer) -> None:
    address = ADDRESS_BODY | {
        "street": CANARIES["street"],
        "name": CANARIES["recipient"],
        "landmark": CANARIES["landmark"],
        "phone": CANARIES["mobile"],
    }
    piece = necklace(customer)
    for outcome in ("success", "failure"):
        body = order_body((piece["id"], 1), shippingAddress=address, billingAddress=address)
        headers = {"Idempotency-Key": f"canary-{outcome}"}
        order = ok(customer.post("/api/orders", json=body, headers=headers), 201)
        intent = intent_for(customer, order)
        signed = checkout(shop.addresses["gateway"], intent, outcome)
        if outcome == "success":
            confirm(customer, intent, signed)
            with_status(customer, order, "confirmed")
        else:
            ok(customer.post(f"/api/orders/{order['id']}/cancel"))


def sign_in_and_out(shop: RealShop, customer: Customer) -> None:
    """Also what is refused: faults are logged and counted."""
    visitor = shop.visitor()
    device = {"User-Agent": CANARIES["device"]}
    wrong = {"email": CANARIES["e-mail"], "password": "not this one, " + CANARIES["street"]}
    refused(visitor.post("/api/auth/login", json=wrong, headers=device), 401, "wrong-credentials")
    right = {"mobile": CANARIES["mobile"], "password": PASSWORD}
    ok(visitor.post("/api/auth/login", json=right, headers=device))
    changes = {
        "firstName": CANARIES["changed name"],
        "email": CANARIES["changed e-mail"],
        "currentPassword": PASSWORD,
    }
    ok(customer.put("/api/auth/profile", json=changes))
    visitor.get("/api/products/search", params={"q": CANARIES["search"]})
    nonsense = {"items": [], "shippingAddress": {"street": CANARIES["street"], "zipCode": "x"}}
    refused(customer.post("/api/orders", json=nonsense), 422, "invalid")
    ok(visitor.post("/api/auth/forgot-password", json={"email": CANARIES["changed e-mail"]}), 202)


# --- The search ----------------------------------------------------------------------------------


def found(shop: RealShop) -> list[tuple[str, str]]:
    """(canary, place) wherever the shop still knows something of the person."""
    places = [
        *in_mongodb(shop.addresses["mongodb"]),
        *asyncio.run(in_jetstream(shop.addresses["nats"])),
        *in_valkey(shop.addresses["redis"]),
        *in_files(shop.data_dir),
    ]
    return [
        (name, place)
        for place, content in places
        for name, canary in CANARIES.items()
        if canary.encode().lower() in content.lower()
    ]


def in_mongodb(url: str) -> Iterator[tuple[str, bytes]]:
    client: MongoClient[dict[str, Any]] = MongoClient(url)
    with client:
        for name in client.list_database_names():
            for collection in client[name].list_collection_names() if name != "local" else ():
                for document in client[name][collection].find():
                    yield collection, bson.encode(document)


async def in_jetstream(url: str) -> list[tuple[str, bytes]]:
    """The messages as consumers get them; the store's files are searched as they lie."""
    broker = await nats.connect(url)
    stream = broker.jetstream()
    state = (await stream.stream_info("EVENTS")).state
    found = []
    for sequence in range(state.first_seq, state.last_seq + 1):
        try:
            message = await stream.get_msg("EVENTS", sequence)
        except NotFoundError:
            continue
        headers = repr(message.headers).encode()
        found.append(("JetStream", headers + b" " + (message.data or b"")))
    await broker.close()
    return found


def in_valkey(url: str) -> Iterator[tuple[str, bytes]]:
    with Redis.from_url(url) as valkey:
        for key in valkey.scan_iter():
            yield "Valkey", key + b" " + (valkey.dump(key) or b"")


def in_files(data_dir: Path) -> Iterator[tuple[str, bytes]]:
    """Streams, objects, logs, the gateway's books: whatever lies in the data directory."""
    for file in sorted(data_dir.rglob("*")):
        place = file.relative_to(data_dir)
        is_log = file.suffix in {".log", ".1"}
        if place.parts[0] in OURS or (place.parts[0] in SERVER_FILES and not is_log):
            continue
        try:
            yield str(place), str(place).encode() + (file.read_bytes() if file.is_file() else b"")
        except FileNotFoundError:
            continue  # the servers tidy up


def files_of(objects: Path, user_id: str) -> list[Path]:
    return [file for file in objects.rglob("*") if file.is_file() and user_id in str(file)]


# --- The tests -----------------------------------------------------------------------------------


def test_the_search_finds_what_is_there(forgotten: Forgotten) -> None:
    """Otherwise it would prove nothing. Passwords, searches and metadata are not kept at all."""
    never_kept = {"inside the file", "search"}
    no_longer_current = {"e-mail", "first name"}
    assert forgotten.found_before == CANARIES.keys() - never_kept - no_longer_current


def test_nothing_of_the_person_is_left_anywhere(shop: RealShop, forgotten: Forgotten) -> None:
    assert found(shop) == []


def test_the_photograph_its_results_and_links_are_gone(
    shop: RealShop, forgotten: Forgotten
) -> None:
    for link in forgotten.pictures:
        assert shop.visitor().get(link).status_code in {404, 410}
    assert files_of(shop.data_dir / "objects", forgotten.id) == []


def test_nobody_signs_in_as_the_person_and_the_address_is_free_again(
    shop: RealShop, forgotten: Forgotten
) -> None:
    body = {"email": CANARIES["changed e-mail"], "password": PASSWORD}
    refused(shop.visitor().post("/api/auth/login", json=body), 401, "wrong-credentials")


def test_the_ledger_is_still_whole(shop: RealShop, forgotten: Forgotten, tmp_path: Path) -> None:
    verified = shop.cli("audit", "verify")
    assert (verified.returncode, verified.stdout[:7]) == (0, "intact:"), verified.stderr
    file = tmp_path / "ledger.ndjson"
    exported = shop.cli("audit", "export", str(file))
    assert exported.returncode == 0, exported.stderr
    head = exported.stdout.rpartition("keep this head: ")[2].strip()
    checked = subprocess.run(
        [sys.executable, "-I", str(ROOT / "tools/verify_export.py"), str(file), "--head", head],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
    content = file.read_bytes().lower()
    assert [name for name, canary in CANARIES.items() if canary.encode().lower() in content] == []
    assert forgotten.id.encode() in content


def test_to_forget_again_changes_nothing(shop: RealShop, forgotten: Forgotten) -> None:
    assert forgotten.erased == "erased\n"
    again = shop.cli("erase-person", forgotten.id, "--yes")
    assert (again.returncode, again.stdout) == (0, "this person had been erased before\n")


def test_what_is_rebuilt_does_not_know_the_person_either(
    shop: RealShop, forgotten: Forgotten
) -> None:
    stream = shop.cli("stream", "rebuild", "--yes")
    assert stream.returncode == 0, stream.stderr
    status = shop.cli("stream", "status")
    assert status.stdout.endswith("behind by 0\n"), status.stdout
    for projection in ("users", "orders", "tryOnResults"):
        rebuilt = shop.cli("projections", "rebuild", projection)
        assert rebuilt.returncode == 0, rebuilt.stderr
    assert found(shop) == []
