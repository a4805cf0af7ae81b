"""What the shop survives: its stream lost while people buy, its programs killed, a stop and a new start."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymongo import MongoClient

from tests.buying import ok
from tests.journeys.real_shop import Customer, RealShop, eventually
from tests.journeys.steps import (
    accepted,
    asked_for,
    checkout,
    confirm,
    intent_for,
    necklace,
    ordered,
    products,
    tried_on,
    uploaded,
    with_status,
)
from tests.samples import PASSWORD


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealShop]:
    """A shop of its own: what is done to it here, others would notice."""
    with RealShop(tmp_path_factory.mktemp("fragile"), RATE_LIMITS="false") as shop:
        products(shop.visitor())
        yield shop


def kill(shop: RealShop, words: str) -> int:
    """The process dies at once, as when the machine's memory is full; its old pid."""
    pid = shop.pid_of(words)
    os.kill(pid, signal.SIGKILL)
    return pid


def another(shop: RealShop, words: str, old: int) -> None:
    """Wait until the supervisor has started it again."""

    def replaced() -> bool:
        try:
            return shop.pid_of(words) != old
        except AssertionError:
            return False

    eventually(replaced, f"started again: {words}")


def history(shop: RealShop) -> dict[int, str]:
    """Position → the commit's id, as the ledger has it."""
    client: MongoClient[dict[str, Any]] = MongoClient(shop.addresses["mongodb"])
    with client:
        blocks = client.jewelry_store.ledger.find().sort("_id", 1)
        positions: dict[int, str] = {}
        for block in blocks:
            at = block["first"]
            for entry in block["entries"]:
                positions[at] = entry["commit"]
                at += entry["events"]
    return positions


def renamed(customer: Customer, names: list[str]) -> list[int]:
    """The positions of changes that went through, each read again at once."""
    positions = []
    for name in names:
        written = customer.put("/api/auth/profile", json={"firstName": name})
        assert written.status_code in {200, 202}, written.text
        token = written.headers["Consistency-Token"]

        def read(token: str = token) -> dict[str, Any] | None:
            answer = customer.get("/api/auth/me", headers={"Consistency-Token": token})
            return ok(answer) if answer.status_code == 200 else None

        assert eventually(read, "caught up")["firstName"] == name
        if token.startswith("p"):
            positions.append(int(token[1:]))
    return positions


def test_the_stream_and_its_files_are_lost_while_people_buy(fragile: RealShop) -> None:
    customer = fragile.customer()
    paid = ordered(customer, necklace(customer))
    intent = intent_for(customer, paid)
    before = history(fragile)
    piece = necklace(customer)
    with without_the_stream(fragile):
        meanwhile = asked_for(customer, piece)
    with_status(customer, accepted(meanwhile), "pending")
    signed = checkout(fragile.addresses["gateway"], intent)
    confirm(customer, intent, signed)
    assert with_status(customer, paid, "confirmed")["paymentStatus"] == "completed"
    assert len(ok(customer.get("/api/orders"))) == 2
    after = history(fragile)
    assert {position: after[position] for position in before} == before
    assert renamed(customer, ["Mira", "Mirabai"])[0] > max(after)
    status = fragile.cli("stream", "status")
    assert "behind by 0" in status.stdout, status.stdout + status.stderr
    verified = fragile.cli("audit", "verify")
    assert verified.stdout.startswith("intact:"), verified.stderr


@contextmanager
def without_the_stream(shop: RealShop) -> Iterator[None]:
    """NATS dies and its directory is removed; what is done within happens before it is back."""
    store = shop.data_dir / "nats"
    os.kill(shop.supervisor, signal.SIGSTOP)  # so that nothing is started again too early
    try:
        old = kill(shop, "nats-server")
        eventually(lambda: removed(store), "removed")
        yield
    finally:
        os.kill(shop.supervisor, signal.SIGCONT)
    another(shop, "nats-server", old)


def removed(folder: Path) -> bool:
    """The dying process may write a last file."""
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def test_killed_programs_come_back_and_the_journey_goes_on(fragile: RealShop) -> None:
    customer = fragile.customer()
    photo = uploaded(customer)
    for words in ("-m worker", "-m uvicorn", "-m worker"):
        old = kill(fragile, words)
        another(fragile, words, old)
        eventually(lambda: is_ready(fragile), "ready")
        assert tried_on(customer, photo, necklace(customer))["status"] == "ready"
    assert renamed(customer, ["Mira"])
    assert len(ok(customer.get("/api/try-on/results"))) == 3


def is_ready(shop: RealShop) -> bool:
    try:
        with shop.fresh_visitor() as visitor:
            return visitor.get("/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def test_it_starts_again_with_its_data(fragile: RealShop) -> None:
    customer = fragile.customer(email="again@recovery.example")
    order = ordered(customer, necklace(customer))
    stock = [product["id"] for product in products(fragile.visitor())]
    assert fragile.stop() == 0
    fragile.start()
    again = fragile.login(email="again@recovery.example", password=PASSWORD)
    assert [each["id"] for each in ok(again.get("/api/orders"))] == [order["id"]]
    assert [product["id"] for product in products(fragile.visitor())] == stock
    intent = intent_for(again, order)
    signed = checkout(fragile.addresses["gateway"], intent)
    assert confirm(again, intent, signed)["order"]["status"] == "confirmed"
