"""Customers who order, pay and cancel over HTTP, and keep account of what they were told.

A deed is done once the shop has said so, refused when it said no, and unknown when nobody answered.
An unknown one is asked again under the same Idempotency-Key, or left, as a customer who goes away.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from commands.context import request_command_id
from domain.ports.events import commit_id_of
from tests.samples import ADDRESS, PASSWORD

ASKED_AGAIN = 8
ANSWER_SECONDS = 12.0
Outcome = Literal["done", "refused", "unknown"]
Answer = tuple[Outcome, httpx.Response | None]


@dataclass(kw_only=True)
class Deed:
    kind: str
    """register, order, intent, confirm or cancel."""
    actor: str
    route: str
    key: str
    outcome: Outcome = "unknown"
    object_id: str | None = None
    """The account, order or payment."""
    version: int = 0
    token: str | None = None

    @property
    def commit_id(self) -> str:
        """The id that the product must give the commit of this deed, for ever."""
        command_id = request_command_id(actor=self.actor, route=self.route, key=self.key)
        return commit_id_of(command_id)


@dataclass
class Journal:
    """What all customers did, and what they saw that must not be."""

    deeds: list[Deed] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    fresh_reads: int = 0
    repeats: int = 0

    def done(self, kind: str) -> list[Deed]:
        return [deed for deed in self.deeds if (deed.kind, deed.outcome) == (kind, "done")]

    def counted(self) -> dict[str, int]:
        return {
            outcome: sum(deed.outcome == outcome for deed in self.deeds)
            for outcome in ("done", "refused", "unknown")
        }


class Customer:
    def __init__(
        self,
        shop: httpx.AsyncClient,
        gateway: httpx.AsyncClient,
        journal: Journal,
        *,
        products: Sequence[str],
        dice: random.Random,
    ) -> None:
        self._shop = shop
        self._gateway = gateway
        self._journal = journal
        self._products = products
        self._dice = dice
        self._headers: dict[str, str] = {}
        self.id = "anonymous"

    async def register(self) -> None:
        """Asked again until it is known; a second answer must be about the same person."""
        email = f"asha.{self._dice.randbytes(6).hex()}@example.com"
        body = {"email": email, "password": PASSWORD, "firstName": "Asha"}
        response = await self._shop.post("/api/auth/register", json=body)
        response.raise_for_status()
        data = response.json()["data"]
        self.id = data["user"]["id"]
        self._headers = {"Authorization": f"Bearer {data['accessToken']}"}
        deed = Deed(kind="register", actor="anonymous", route="", key="", outcome="done")
        deed.object_id, deed.token = self.id, response.headers.get("Consistency-Token")
        self._journal.deeds.append(deed)

    async def shop_until(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._buy(stop)
            await asyncio.sleep(self._dice.uniform(0.0, 0.2))

    async def _buy(self, stop: asyncio.Event) -> None:
        chosen = self._dice.sample(self._products, self._dice.randint(1, 2))
        items = [{"productId": p, "quantity": self._dice.randint(1, 2)} for p in chosen]
        body = {"items": items, "shippingAddress": ADDRESS}
        order = await self._ask("order", "/api/orders", body, stop)
        if order.outcome != "done" or order.object_id is None:
            await asyncio.sleep(self._dice.uniform(0.3, 1.0))  # perhaps somebody cancels
            return
        await self._look_again(order)
        if self._dice.random() < 0.7:
            await self._pay(order.object_id, stop)
        if self._dice.random() < 0.3:
            await self._cancel(order.object_id, stop)

    async def _cancel(self, order_id: str, stop: asyncio.Event) -> None:
        cancel = await self._ask("cancel", f"/api/orders/{order_id}/cancel", {}, stop)
        if cancel.outcome == "done":
            await self._look_again(cancel)

    async def _pay(self, order_id: str, stop: asyncio.Event) -> None:
        """Half of the browsers are closed before they tell the shop: then only the webhook does."""
        path = "/api/payments/create-intent"
        intent = await self._ask("intent", path, {"orderId": order_id}, stop)
        if intent.outcome != "done" or intent.object_id is None:
            return
        checkout = {"order_id": self._gateway_order, "method": "upi", "outcome": "success"}
        paid = (await self._gateway.post("/_sim/checkout", json=checkout)).raise_for_status().json()
        if self._dice.random() < 0.5:
            body = {"paymentId": intent.object_id, **paid}
            await self._ask("confirm", "/api/payments/confirm", body, stop)

    # --- Asking ---

    async def _ask(
        self, kind: str, path: str, body: Mapping[str, Any], stop: asyncio.Event
    ) -> Deed:
        key = self._dice.randbytes(8).hex()
        deed = Deed(kind=kind, actor=f"user-{self.id}", route=f"POST {path}", key=key)
        self._journal.deeds.append(deed)
        was_unknown = False
        for _ in range(ASKED_AGAIN):
            outcome, response = await self._post(path, body, key)
            if response is not None and outcome == "done":
                self._note(deed, response)
                await self._perhaps_repeat(deed, path, body)
                return deed
            if outcome == "refused":
                deed.outcome = "unknown" if was_unknown else "refused"
                return deed
            was_unknown = True
            if stop.is_set() or self._dice.random() < 0.1:
                return deed
            await asyncio.sleep(self._dice.uniform(0.1, 0.6))
        return deed

    async def _post(self, path: str, body: Mapping[str, Any], key: str) -> Answer:
        headers = self._headers | {"Idempotency-Key": key}
        try:
            response = await self._shop.post(path, json=body, headers=headers)
        except httpx.TransportError:
            return "unknown", None
        if response.is_success:
            return "done", response
        return ("unknown" if response.is_server_error else "refused"), response

    def _note(self, deed: Deed, response: httpx.Response) -> None:
        data = response.json()["data"]
        object_id = str(data["paymentId"] if deed.kind in {"intent", "confirm"} else data["id"])
        if deed.object_id is not None and deed.object_id != object_id:
            self._complain(f"{deed.kind} {deed.key} gave {deed.object_id}, then {object_id}")
        deed.outcome, deed.object_id = "done", object_id
        deed.token = response.headers.get("Consistency-Token") or deed.token
        deed.version = int(response.headers.get("ETag", '"v0"').strip('"v'))
        if deed.kind == "intent":
            self._gateway_order = str(data["razorpay"]["orderId"])

    async def _perhaps_repeat(self, deed: Deed, path: str, body: Mapping[str, Any]) -> None:
        """A click comes twice."""
        if deed.kind == "confirm" or self._dice.random() > 0.25:
            return
        outcome, response = await self._post(path, body, deed.key)
        if response is not None and outcome == "done":
            self._journal.repeats += 1
            self._note(deed, response)
        elif outcome == "refused" and response is not None:
            self._complain(f"{deed.kind} {deed.key} was done, then refused: {response.text}")

    async def _look_again(self, deed: Deed) -> None:
        """A read that carries the token must not show an older state; it may be refused for now."""
        headers = self._headers | {"Consistency-Token": deed.token or ""}
        try:
            response = await self._shop.get(f"/api/orders/{deed.object_id}", headers=headers)
        except httpx.TransportError:
            return
        if response.is_server_error:
            return
        self._journal.fresh_reads += 1
        if (complaint := staleness(deed, response)) is not None:
            self._complain(complaint)

    def _complain(self, sentence: str) -> None:
        self._journal.complaints.append(sentence)


def staleness(deed: Deed, response: httpx.Response) -> str | None:
    """What is wrong with this answer to a read that carried the deed's token."""
    if not response.is_success:
        return f"{deed.kind} of {deed.object_id} is done, but reading it gives {response.text}"
    shown = response.json()["data"]
    if shown["version"] < deed.version:
        return f"{deed.object_id} is at version {deed.version}, shown was {shown['version']}"
    if deed.kind == "cancel" and shown["status"] != "cancelled":
        return f"{deed.object_id} is cancelled, shown was {shown['status']}"
    return None
