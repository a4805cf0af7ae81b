"""The two applications as real processes on one MongoDB, with the same thousand products in each."""

import csv
import io
import os
import random
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from pymongo import MongoClient

from benchmarks import shop
from embedded.ports import LOOPBACK, free_port

PRODUCTS = 1_000
CUSTOMERS = 32
CATEGORIES = ("Gold", "Silver", "Diamond", "Platinum")
ADMIN = {"ADMIN_EMAIL": "admin@kundan.example", "ADMIN_PASSWORD": "Gold-Necklace-77x"}
START_SECONDS = 60


@dataclass(frozen=True)
class Application:
    name: str
    url: str
    products: list[str]
    tokens: list[str]
    pids: dict[str, int]


def rows() -> list[dict[str, Any]]:
    dice = random.Random(7)
    return [
        {
            "description": f"Gold necklace number {number} of kundan work",
            "price": f"₹{10_000 + number}",
            "availability": "In Stock",
            "image": f"https://img.example.com/{number}.jpg",
            "category": dice.choice(CATEGORIES),
            "specifications": "22k Gold, Freshwater Pearls",
        }
        for number in range(PRODUCTS)
    ]


@contextmanager
def program(module: list[str], environment: dict[str, str], log: Path) -> Iterator[int]:
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *module], env=os.environ | environment, stdout=out, stderr=out
        )
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait(timeout=60)


@contextmanager
def served(app: str, environment: dict[str, str], log: Path) -> Iterator[tuple[str, int]]:
    """One uvicorn with uvloop and httptools; its address and process id."""
    port = free_port()
    told = environment | {"PUBLIC_BASE_URL": f"http://{LOOPBACK}:{port}"}
    options = ["--port", str(port), "--no-access-log", "--no-server-header"]
    with program(["uvicorn", app, *options], told, log) as pid:
        yield f"http://{LOOPBACK}:{port}", pid


def until(look: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            if look():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError(what)


@contextmanager
def ours(environment: dict[str, str], directory: Path) -> Iterator[Application]:
    """API, worker, NATS and Valkey; the products come as a file, as a shop brings them."""
    environment = environment | ADMIN
    with (
        served("main:app", environment, directory / "api.log") as (url, pid),
        shop.worker(environment, directory) as worker,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        until(lambda: client.get("/health/ready").status_code == 200, "the shop is not ready")
        body = {"email": ADMIN["ADMIN_EMAIL"], "password": ADMIN["ADMIN_PASSWORD"]}
        token = _token(client.post("/api/auth/login", json=body))
        text = io.StringIO()
        table = csv.DictWriter(text, list(rows()[0]))
        table.writeheader()
        table.writerows(rows())
        file = {"file": ("products.csv", text.getvalue().encode(), "text/csv")}
        headers = {"Authorization": f"Bearer {token}"}
        client.post("/api/products/import", files=file, headers=headers).raise_for_status()
        until(lambda: _total(client) >= PRODUCTS, "the products do not come")
        yield Application(
            "ours", url, _ids(client), _tokens(client), {"api": pid, "worker": worker}
        )


@contextmanager
def theirs(environment: dict[str, str], directory: Path) -> Iterator[Application]:
    with MongoClient[dict[str, Any]](environment["MONGODB_URL"]) as mongo:
        mongo["crud"]["products"].insert_many([_product(row) for row in rows()])
    with (
        served("benchmarks.side_by_side.crud:app", environment, directory / "crud.log") as (
            url,
            pid,
        ),
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        until(lambda: client.get("/api/products").status_code == 200, "plain CRUD is not ready")
        yield Application("plain CRUD", url, _ids(client), _tokens(client), {"api": pid})


def _product(row: dict[str, Any]) -> dict[str, Any]:
    """As the specification's own import makes it, with a count of what is in stock."""
    now = datetime.now(UTC)
    return {
        "name": row["description"],
        "description": row["description"],
        "price": float(row["price"].removeprefix("₹")),
        "inStock": True,
        "stock": 10**9,
        "images": [row["image"]],
        "category": row["category"],
        "specifications": {"material": row["specifications"]},
        "preorderAvailable": False,
        "featured": False,
        "rating": 0,
        "reviews": 0,
        "createdAt": now,
        "updatedAt": now,
    }


def _total(client: httpx.Client) -> int:
    answer = client.get("/api/products", params={"limit": 1}).json()
    return int(answer["pagination"]["total"])


def _ids(client: httpx.Client) -> list[str]:
    pages = (
        client.get("/api/products", params={"limit": 100, "page": page}).json()["data"]
        for page in range(1, PRODUCTS // 100 + 1)
    )
    return [product["_id"] for page in pages for product in page]


def _tokens(client: httpx.Client) -> list[str]:
    return [
        _token(client.post("/api/auth/register", json=_person(number)))
        for number in range(CUSTOMERS)
    ]


def _person(number: int) -> dict[str, str]:
    name = f"meera.{number}.{secrets.token_hex(4)}@example.com"
    return {"email": name, "password": "Gold-Necklace-77", "firstName": "Meera"}


def _token(answer: httpx.Response) -> str:
    answer.raise_for_status()
    return str(answer.json()["data"]["accessToken"])
