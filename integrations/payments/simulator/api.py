"""The gateway's API as the SDK calls it: /v1/orders, /v1/payments, /v1/refunds."""

import base64
import binascii
import hmac
import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from integrations.payments.simulator.books import Books
from integrations.payments.simulator.entities import Entity, collection, shown, shown_whole
from integrations.payments.simulator.refusals import Refusal

MAX_BODY_BYTES = 64_000


def razorpay_api(books: Books, *, key_id: str, key_secret: str) -> Starlette:
    """To be mounted at /v1."""
    app = Starlette(
        routes=[
            Route("/orders", _authenticated(create_order), methods=["POST"]),
            Route("/orders", _authenticated(list_entities)),
            Route("/orders/{id}", _authenticated(get_entity)),
            Route("/orders/{id}/payments", _authenticated(order_payments)),
            Route("/payments", _authenticated(list_entities)),
            Route("/payments/{id}", _authenticated(get_entity)),
            Route("/payments/{id}/capture", _authenticated(capture), methods=["POST"]),
            Route("/payments/{id}/refund", _authenticated(refund), methods=["POST"]),
            Route("/payments/{id}/refunds", _authenticated(payment_refunds)),
            Route("/refunds", _authenticated(list_entities)),
            Route("/refunds/{id}", _authenticated(get_entity)),
        ],
        exception_handlers={Refusal: refused, 404: no_such_url, 405: no_such_url},
    )
    app.state.books = books
    app.state.keys = f"{key_id}:{key_secret}".encode()
    return app


async def create_order(request: Request) -> Entity:
    return shown(_books(request).create_order(await _body(request)))


async def list_entities(request: Request) -> Entity:
    found = _books(request).find(_kind(request), request.query_params)
    return collection([shown(entity) for entity in found])


async def get_entity(request: Request) -> Entity:
    entity = _books(request).get(_kind(request), request.path_params["id"])
    expands = request.query_params.get("expand[]") == "card"
    return shown_whole(entity) if expands else shown(entity)


async def order_payments(request: Request) -> Entity:
    order = _books(request).get("order", request.path_params["id"])
    return collection([shown(p) for p in _books(request).payments_of(order["id"])])


async def capture(request: Request) -> Entity:
    payment_id = request.path_params["id"]
    return shown(_books(request).capture(payment_id, await _body(request)))


async def refund(request: Request) -> Entity:
    key = request.headers.get("x-refund-idempotency")
    payment_id = request.path_params["id"]
    return shown(_books(request).refund(payment_id, await _body(request), key=key))


async def payment_refunds(request: Request) -> Entity:
    payment = _books(request).get("payment", request.path_params["id"])
    found = _books(request).find("refund", request.query_params, payment_id=payment["id"])
    return collection([shown(entity) for entity in found])


def _authenticated(endpoint: Any) -> Any:
    async def answer(request: Request) -> JSONResponse:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            keys = base64.b64decode(given, validate=True)
        except (binascii.Error, ValueError):
            keys = b""
        if scheme.lower() != "basic" or not hmac.compare_digest(keys, request.app.state.keys):
            raise Refusal("Authentication failed", status=401, reason="NA")
        return JSONResponse(await endpoint(request))

    return answer


async def refused(_: Request, refusal: Exception) -> JSONResponse:
    assert isinstance(refusal, Refusal)
    return JSONResponse({"error": refusal.error}, status_code=refusal.status)


async def no_such_url(request: Request, _: Exception) -> JSONResponse:
    return await refused(request, Refusal("The requested URL was not found on the server."))


def _books(request: Request) -> Books:
    books: Books = request.app.state.books
    return books


def _kind(request: Request) -> str:
    """order, payment or refund, from the first part of the path."""
    path = request.url.path.removeprefix("/v1/")
    return path.split("/", maxsplit=1)[0].removesuffix("s")


async def _body(request: Request) -> dict[str, Any]:
    raw = b""
    async for part in request.stream():
        raw += part
        if len(raw) > MAX_BODY_BYTES:
            raise Refusal("The request is too large", status=413)
    try:
        body = json.loads(raw or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refusal("The request body is not a JSON object")
    return body
