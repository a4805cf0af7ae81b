"""Steps of importing, over HTTP: the worker carries an import out while the request waits for it."""

from dataclasses import replace
from typing import Any

import httpx

from commands.reactions.importing import IMPORTING
from tests.api import Api, Person
from tests.buying import ok, react
from tests.fakes import Folding

EXAMPLE = """description,price,availability,image,category,specifications
"Diamond Solitaire Ring 1.5ct","₹299999","In Stock","https://example.com/ring.jpg","Diamond","18k White Gold, 1.5ct Diamond"
"Gold Pearl Necklace","₹89999","Limited Stock","https://example.com/necklace.jpg","Gold","22k Gold, Freshwater Pearls"
"""  # noqa: E501 - the specification's own lines
HEADER = "description,price,availability,image,category,sku\n"


class Working:
    """Fits `dependencies.services.Consistency`: a worker that is as quick as whoever waits for it.

    While it is `away` nothing is carried out, and every wait for it runs out at once.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._folding: Folding = api.consistency
        self.away = False

    @property
    def position(self) -> int:
        return self._folding.position

    def last_change(self, types: frozenset[str]) -> int | None:
        return self._folding.last_change(types)

    async def wait_for_position(self, position: int, *, seconds: float) -> bool:
        return await self._folding.wait_for_position(position, seconds=seconds)

    async def wait_for_commit(
        self,
        commit_id: str,
        *,
        seconds: float,  # noqa: ARG002 - the port's
        events: int | None = None,  # noqa: ARG002 - the port's
    ) -> int | None:
        if self.away:
            return None
        await react(self._api, *IMPORTING)
        commit = await self._api.store.commit(commit_id)
        return None if commit is None else commit.last_position


def with_worker(api: Api) -> Working:
    worker = Working(api)
    services = replace(api.app.state.services, consistency=worker)
    api.services = api.app.state.services = services
    return worker


def row(number: int, **changes: str) -> str:
    cells = {
        "description": f"Piece {number}",
        "price": str(1000 + number),
        "availability": "In Stock",
        "image": f"https://example.com/{number}.jpg",
        "category": "Gold",
        "sku": f"SKU-{number}",
    } | changes
    return ",".join(cells.values()) + "\n"


def rows(*numbers: int, **changes: str) -> str:
    return HEADER + "".join(row(number, **changes) for number in numbers)


async def send(
    person: Person, text: str, *, to: str = "import", name: str = "products.csv", **query: str
) -> httpx.Response:
    return await person.client.post(
        f"/api/products/{to}", files={"file": (name, text.encode())}, params=query
    )


async def imported(person: Person, text: str, **query: str) -> dict[str, Any]:
    """What it came to."""
    outcome: dict[str, Any] = ok(await send(person, text, **query))
    return outcome


async def catalogue(api: Api) -> dict[str, dict[str, Any]]:
    """All products by name."""
    listed = ok(await api.client.get("/api/products", params={"limit": 100}))
    return {product["name"]: product for product in listed}
