"""Misbehaviour on demand: a rule names a kind of request, what goes wrong, and how often.

The modes differ in what the caller cannot tell apart: whether the gateway acted.
"""

import asyncio
import random
import re
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.types import ASGIApp, Message, Receive, Scope, Send

RequestMode = Literal[
    "hang", "hang-then-act", "act-then-hang", "act-then-500", "act-then-reset", "act-then-nonsense",
    "act-then-trickle", "502", "429", "redirect",
]  # fmt: skip
WebhookMode = Literal["lose", "duplicate", "delay", "reorder", "bad-signature"]
Mode = RequestMode | WebhookMode

MAX_RULES = 100
HTML = b"<html><body><h1>Bad gateway</h1></body></html>"


@dataclass
class Fault:
    request: str
    """orders.create, orders.list, payments.get … as `request_kind` names them; webhooks; or *."""
    mode: Mode
    times: int = 1
    after: int = 0
    """So many requests of the kind pass first."""
    seconds: float = 30.0
    """How long it hangs, trickles or is delayed."""
    probability: float = 1.0
    seed: int = 0
    dice: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311 # a seed, so that a run can be repeated


class Faults:
    """The rules in force. Of those that fit a request, the first is used up by one."""

    def __init__(self) -> None:
        self.rules: deque[Fault] = deque(maxlen=MAX_RULES)
        self.seen: Counter[str] = Counter()

    def next(self, kind: str) -> Fault | None:
        self.seen[kind] += 1
        return next((rule for rule in self.rules if _strikes(rule, kind)), None)


def _strikes(rule: Fault, kind: str) -> bool:
    """Whether the rule is for this request; counts it."""
    if rule.request != kind and (rule.request != "*" or kind == "webhooks"):
        return False
    if rule.after > 0:
        rule.after -= 1
        return False
    if rule.times <= 0 or rule.dice.random() >= rule.probability:
        return False
    rule.times -= 1
    return True


KINDS = (
    (re.compile(r"POST /v1/orders"), "orders.create"),
    (re.compile(r"GET /v1/orders"), "orders.list"),
    (re.compile(r"GET /v1/orders/[^/]+"), "orders.get"),
    (re.compile(r"GET /v1/orders/[^/]+/payments"), "orders.payments"),
    (re.compile(r"GET /v1/payments"), "payments.list"),
    (re.compile(r"GET /v1/payments/[^/]+"), "payments.get"),
    (re.compile(r"POST /v1/payments/[^/]+/capture"), "payments.capture"),
    (re.compile(r"POST /v1/payments/[^/]+/refund"), "payments.refund"),
    (re.compile(r"GET /v1/payments/[^/]+/refunds"), "payments.refunds"),
    (re.compile(r"GET /v1/refunds"), "refunds.list"),
    (re.compile(r"GET /v1/refunds/[^/]+"), "refunds.get"),
)


def request_kind(scope: Scope) -> str | None:
    """The kind of a request of the gateway's API; None for the simulator's own pages."""
    if scope["type"] != "http":
        return None
    line = f"{scope['method']} {scope['path']}"
    return next((kind for pattern, kind in KINDS if pattern.fullmatch(line)), None)


class FaultyTransport:
    """ASGI middleware between the socket and the API."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = request_kind(scope)
        fault = self._faults.next(kind) if kind else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        body = await _whole_body(receive)
        await _MISDEEDS[fault.mode](Request(self._app, scope, body, send, fault.seconds))


@dataclass
class Request:
    """One request to mistreat."""

    app: ASGIApp
    scope: Scope
    body: bytes
    send: Send
    seconds: float

    async def act(self) -> bytes:
        """Let the gateway act as asked; its answer's body, which the caller has not seen."""
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": self.body, "more_body": False}

        async def keep(message: Message) -> None:
            sent.append(message)

        await self.app(self.scope, receive, keep)
        return b"".join(message.get("body", b"") for message in sent)

    async def answer(self, status: int, body: bytes, **headers: str) -> None:
        await self.begin(status, len(body), **headers)
        await self.send({"type": "http.response.body", "body": body})

    async def begin(self, status: int, length: int, **headers: str) -> None:
        names = {"content_type": "text/html", "content_length": str(length)} | headers
        pairs = [(k.replace("_", "-").encode(), v.encode()) for k, v in names.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": pairs})


async def _hang(request: Request) -> None:
    await asyncio.sleep(request.seconds)
    await request.answer(504, HTML)


async def _hang_then_act(request: Request) -> None:
    await asyncio.sleep(request.seconds)
    await request.answer(200, await request.act(), content_type="application/json")


async def _act_then_hang(request: Request) -> None:
    await request.act()
    await _hang(request)


async def _act_then_500(request: Request) -> None:
    await request.act()
    await request.answer(500, HTML)


async def _act_then_reset(request: Request) -> None:
    """Promise a body, send a part: the server then cuts the connection."""
    answer = await request.act()
    await request.begin(200, len(answer), content_type="application/json")
    part = {"type": "http.response.body", "body": answer[:10], "more_body": True}
    await request.send(part)


async def _act_then_nonsense(request: Request) -> None:
    answer = await request.act()
    await request.answer(200, answer[: len(answer) // 2], content_type="application/json")


async def _act_then_trickle(request: Request) -> None:
    """A byte every tenth of a second, so that no single read times out."""
    answer = await request.act()
    await request.begin(200, len(answer), content_type="application/json")
    for place in range(min(int(request.seconds * 10), len(answer) - 1)):
        part = answer[place : place + 1]
        await request.send({"type": "http.response.body", "body": part, "more_body": True})
        await asyncio.sleep(0.1)


async def _502(request: Request) -> None:
    await request.answer(502, HTML)


async def _429(request: Request) -> None:
    body = b'{"error": {"code": "BAD_REQUEST_ERROR", "description": "Too many requests"}}'
    await request.answer(429, body, content_type="application/json", retry_after="7")


async def _redirect(request: Request) -> None:
    await request.answer(302, b"", location="http://127.0.0.1:1/elsewhere")


_MISDEEDS: dict[Any, Callable[[Request], Awaitable[None]]] = {
    "hang": _hang,
    "hang-then-act": _hang_then_act,
    "act-then-hang": _act_then_hang,
    "act-then-500": _act_then_500,
    "act-then-reset": _act_then_reset,
    "act-then-nonsense": _act_then_nonsense,
    "act-then-trickle": _act_then_trickle,
    "502": _502,
    "429": _429,
    "redirect": _redirect,
}


async def _whole_body(receive: Receive) -> bytes:
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body
