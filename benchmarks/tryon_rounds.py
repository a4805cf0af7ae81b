"""From sending a photograph to having the picture with jewellery, over HTTP, again and again."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from benchmarks.phone import Phone

POLL_SECONDS = 0.02
"""A browser asks until it is ready: there is no push. On average half of this is waited in vain."""
PATIENCE_SECONDS = 60.0


@dataclass(slots=True)
class Rounds:
    """Milliseconds, one of each a round."""

    upload: list[float] = field(default_factory=list)
    analysed: list[float] = field(default_factory=list)
    create: list[float] = field(default_factory=list)
    rendered: list[float] = field(default_factory=list)
    fetched: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    at_once: list[float] = field(default_factory=list)
    """The whole, when the try-on is asked for as soon as the upload is answered."""
    adjusted: list[float] = field(default_factory=list)


def measure(customer: httpx.Client, product_id: str, phone: Phone, *, rounds: int) -> Rounds:
    found = Rounds()
    _round(customer, product_id, phone.photograph(), Rounds())  # the processes grow warm
    for number in range(rounds):
        result = _round(customer, product_id, phone.photograph(), found)
        _adjust(customer, result, number, found)
        _round_at_once(customer, product_id, phone.photograph(), found)
    return found


class Watch:
    """Milliseconds since it was last asked, and since the beginning."""

    def __init__(self) -> None:
        self._begin = self._last = time.perf_counter()

    def lap(self) -> float:
        now = time.perf_counter()
        lap, self._last = now - self._last, now
        return lap * 1e3

    def whole(self) -> float:
        return (time.perf_counter() - self._begin) * 1e3


def _round(customer: httpx.Client, product_id: str, photo: bytes, found: Rounds) -> dict[str, Any]:
    watch = Watch()
    image = upload(customer, photo)
    found.upload.append(watch.lap())
    settled(customer, f"/api/images/{image['id']}")
    found.analysed.append(watch.lap())
    asked = _ask(customer, product_id, image)
    found.create.append(watch.lap())
    result = settled(customer, f"/api/try-on/results/{asked['id']}")
    found.rendered.append(watch.lap())
    _fetch(customer, result)
    found.fetched.append(watch.lap())
    found.whole.append(watch.whole())
    return result


def _round_at_once(customer: httpx.Client, product_id: str, photo: bytes, found: Rounds) -> None:
    watch = Watch()
    asked = _ask(customer, product_id, upload(customer, photo))
    _fetch(customer, settled(customer, f"/api/try-on/results/{asked['id']}"))
    found.at_once.append(watch.whole())


def _adjust(customer: httpx.Client, result: dict[str, Any], number: int, found: Rounds) -> None:
    watch, address = Watch(), f"/api/try-on/results/{result['id']}"
    body = {"adjustments": {"position": {"y": number + 1}}}
    moved = data_of(customer.put(address, json=body))
    ready = settled(customer, address, lambda seen: seen["revision"] == moved["revision"])
    _fetch(customer, ready)
    found.adjusted.append(watch.whole())


def upload(customer: httpx.Client, photo: bytes) -> dict[str, Any]:
    file = ("me.jpg", photo, "image/jpeg")
    answer = customer.post("/api/images/upload", files={"file": file}, data={"consent": "true"})
    return data_of(answer)


def _ask(customer: httpx.Client, product_id: str, image: dict[str, Any]) -> dict[str, Any]:
    body = {"productId": product_id, "userImageId": image["id"]}
    return data_of(customer.post("/api/try-on/create", json=body))


def _fetch(customer: httpx.Client, result: dict[str, Any]) -> None:
    picture = customer.get(result["resultImageUrl"])
    assert picture.content.startswith(b"\xff\xd8"), picture.text


def settled(
    customer: httpx.Client,
    address: str,
    also: Callable[[dict[str, Any]], bool] = lambda _: True,
) -> dict[str, Any]:
    """What is there once it is `ready`. Raise AssertionError when it failed, or after a minute."""
    deadline = time.perf_counter() + PATIENCE_SECONDS
    while time.perf_counter() < deadline:
        seen = data_of(customer.get(address))
        assert seen["status"] in {"processing", "ready"}, seen
        if seen["status"] == "ready" and also(seen):
            return seen
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"{address} was not ready after {PATIENCE_SECONDS:g} seconds")


def data_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code in {200, 201}, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data
