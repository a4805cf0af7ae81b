"""The HTTP shell: what surrounds every request, and what bad input gets."""

import hashlib
import inspect
import re
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, File, Response, UploadFile
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import Field
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import AutoReconnect, OperationFailure

import commands
import queries
from commands.context import Command
from commands.unit_of_work import UnitOfWork
from dependencies.documents import Document
from dependencies.executor import Execute
from dependencies.limits import limited
from dependencies.lists import Page, PageOfList
from dependencies.reading import Reading, ReadingServices
from domain import errors
from domain.accounts import Account
from domain.errors import ConcurrencyConflict, DomainError
from domain.values import Role
from main import STATUSES
from tests.api import Api, open_api

PROBLEM = "application/problem+json"
MEGABYTE = 1_048_576


class Line(Command):
    quantity: Annotated[int, Field(ge=1, le=10)]


class Body(Command):
    items: list[Line]


router = APIRouter(prefix="/api/probe")


@router.post("/body")
async def post_body(body: Body) -> dict[str, int]:
    return {"items": len(body.items)}


@router.post("/file")
async def post_file(file: Annotated[UploadFile, File()]) -> dict[str, int]:
    return {"size": len(await file.read())}


async def _open(email: str, work: UnitOfWork) -> Account:
    name: dict[str, Any] = {"email": email, "mobile": None, "first_name": "M", "last_name": ""}
    return work.add(Account.register(work.new_id(), password_hash="h", **name))


def _greeting(document: Document, _: ReadingServices) -> dict[str, Any]:
    return {"hello": document["email"]}


@router.post("/command/{name}")
async def post_command(name: str, email: str, execute: Execute) -> Response:
    options: dict[str, dict[str, Any]] = {
        "shown": {"shows": "users", "status": 201},
        "elsewhere": {"shows": "users", "status": 201, "location": "/api/users/{id}/profile"},
        "another": {"shows": "users", "view": _greeting},
        "nothing": {},
        "gone": {"shows": "wishlists"},
    }
    return await execute(partial(_open, email), **options[name])


@router.post("/upload")
async def post_upload(
    file: Annotated[UploadFile, File()], execute: Execute, email: str
) -> Response:
    digest = hashlib.sha256(await file.read()).digest()
    return await execute(partial(_open, email), content_digest=digest)


@router.post("/void")
async def post_void(execute: Execute) -> Response:
    async def do_nothing(_: UnitOfWork) -> None:
        """Some commands have nothing to show."""

    outcome = await execute.carry_out(do_nothing)
    assert await execute.shown(outcome, "users") is None
    return await execute(do_nothing, shows="users")


@router.get("/fault/{name}")
async def get_fault(name: str) -> None:
    raise FAULTS[name]


@router.get("/list")
async def get_list(page: Page) -> dict[str, int]:
    return {"limit": page.limit, "skip": page.skip}


@router.get("/limited", dependencies=[limited("search")])
async def get_limited(services: Reading) -> dict[str, str]:
    return {"env": services.settings.app_env}


FAULTS: dict[str, Exception] = {
    "unexpected": ZeroDivisionError("secret inside /srv/kundan/vault.py"),
    "network": AutoReconnect("10.0.0.7:27017: connection refused"),
    "driver": OperationFailure("not allowed on kundan.commits"),
    "unavailable": errors.Unavailable("the payment gateway does not answer"),
    "waiting": errors.TooManyRequests("too many requests", retry_after_seconds=7),
    "unreadable": errors.Unreadable("row 3 has no end"),
    "type": errors.UnsupportedType("we take JPEG, PNG and WebP"),
    "conflict": ConcurrencyConflict("others were faster", currentVersion=4),
}


@pytest.fixture
async def shell(api: Api) -> Api:
    api.app.include_router(router)
    return api


# --- Bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/nothing", 404, "not-found"),
        ("/api/probe/fault/unexpected", 500, "internal-error"),
        ("/api/probe/fault/network", 503, "unavailable"),
        ("/api/probe/fault/driver", 500, "internal-error"),
        ("/api/probe/fault/unavailable", 503, "unavailable"),
        ("/api/probe/fault/waiting", 429, "too-many-requests"),
        ("/api/probe/fault/unreadable", 400, "unreadable-file"),
        ("/api/probe/fault/type", 415, "unsupported-type"),
        ("/api/probe/fault/conflict", 409, "conflict"),
    ],
)
async def test_a_fault_gets_a_problem_document(
    shell: Api, path: str, status: int, code: str
) -> None:
    response = await shell.client.get(path, headers={"X-Request-ID": "request-42"})
    problem = response.json()
    assert (response.status_code, problem["code"]) == (status, code)
    assert response.headers["Content-Type"] == PROBLEM
    assert problem["requestId"] == response.headers["X-Request-ID"] == "request-42"
    assert problem["type"] == f"urn:kundan:problem:{code}"
    assert problem.keys() >= {"title", "status", "detail"}


async def test_our_insides_stay_inside(shell: Api) -> None:
    for name in ("unexpected", "network", "driver"):
        text = (await shell.client.get(f"/api/probe/fault/{name}")).text
        assert not any(
            word in text
            for word in ("secret", "vault", "ZeroDivision", "10.0.0.7", "commits", "Traceback")
        )


@pytest.mark.parametrize(("name", "seconds"), [("waiting", "7"), ("network", "5")])
async def test_who_must_wait_is_told_how_long(shell: Api, name: str, seconds: str) -> None:
    response = await shell.client.get(f"/api/probe/fault/{name}")
    assert response.headers["Retry-After"] == seconds


async def test_a_conflict_tells_the_current_version(shell: Api) -> None:
    problem = (await shell.client.get("/api/probe/fault/conflict")).json()
    assert problem["currentVersion"] == 4


async def test_a_wrong_method_is_told_so(shell: Api) -> None:
    response = await shell.client.delete("/api/probe/body")
    assert (response.status_code, response.json()["code"]) == (405, "method-not-allowed")
    assert "POST" in response.headers["Allow"]


@pytest.mark.parametrize("path", ["/api/products", "/health/live", "/api/products/nowhere"])
async def test_what_can_be_read_can_be_asked_for_without_its_body(api: Api, path: str) -> None:
    """Twice, as the second answer may lie ready. Of a signed-in customer's own the same is true."""
    read = await api.client.get(path)
    for _ in range(2):
        asked = await api.client.head(path)
        assert (asked.status_code, asked.content) == (read.status_code, b"")
        assert asked.headers["Content-Length"] == str(len(read.content))
        assert asked.headers.get("ETag") == read.headers.get("ETag")
    metrics = (await api.client.get("/metrics")).text
    assert 'method="HEAD"' in metrics


async def test_what_is_done_is_not_done_by_asking_for_headers(shell: Api) -> None:
    assert (await shell.client.head("/api/probe/body")).status_code == 405


async def test_a_malformed_id_names_nothing(api: Api) -> None:
    person = await api.customer()
    for name in ("nonsense", "0" * 24, "..%2f..%2fetc", "0" * 23 + "G"):
        response = await person.client.delete(f"/api/auth/sessions/{name}")
        assert response.status_code == 404


async def test_refused_fields_are_named_with_their_path(shell: Api) -> None:
    body = {"items": [{"quantity": 1}, {"quantity": 11, "price": 1}]}
    response = await shell.client.post("/api/probe/body", json=body)
    assert response.status_code == 422
    assert response.json()["errors"] == [
        {
            "field": "items.1.quantity",
            "code": "less-than-equal",
            "message": "Input should be less than or equal to 10",
        },
        {
            "field": "items.1.price",
            "code": "extra-forbidden",
            "message": "Extra inputs are not permitted",
        },
    ]


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b'"x"', b"\xff\xfe", b"[" * 5_000])
async def test_a_body_that_is_not_json_is_refused(shell: Api, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    response = await shell.client.post("/api/probe/body", content=body, headers=headers)
    assert response.status_code in {400, 422}
    assert response.json()["code"] in {"invalid", "malformed-request"}


async def test_a_list_has_bounds(shell: Api) -> None:
    ok = await shell.client.get("/api/probe/list", params={"page": 3, "limit": 10})
    assert ok.json() == {"limit": 10, "skip": 20}
    ok = await shell.client.get("/api/probe/list", params={"skip": 5})
    assert ok.json() == {"limit": 20, "skip": 5}
    for query in ({"limit": 101}, {"limit": 0}, {"page": 0}, {"skip": -1}, {"skip": 10**9}):
        refused = await shell.client.get("/api/probe/list", params=query)
        assert refused.status_code == 422


async def test_a_body_over_its_limit_is_refused_before_it_is_read(shell: Api) -> None:
    response = await shell.client.post("/api/probe/body", content=b"x" * (MEGABYTE + 1))
    assert (response.status_code, response.json()["code"]) == (413, "too-large")
    assert response.json()["maxBytes"] == MEGABYTE


async def test_a_body_that_does_not_say_its_length_is_cut_off(shell: Api) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while True:
            sent += 65_536
            yield b"x" * 65_536

    headers = {"Content-Type": "application/json"}
    response = await shell.client.post("/api/probe/body", content=endless(), headers=headers)
    assert (response.status_code, response.json()["code"]) == (413, "too-large")
    assert sent <= MEGABYTE + 2 * 65_536


async def test_a_file_may_be_larger_than_a_body(shell: Api) -> None:
    fits = {"file": ("photo.jpg", b"x" * (2 * MEGABYTE))}
    assert (await shell.client.post("/api/probe/file", files=fits)).json() == {"size": 2 * MEGABYTE}
    heavy = {"file": ("photo.jpg", b"x" * (11 * MEGABYTE))}
    response = await shell.client.post("/api/probe/file", files=heavy)
    assert (response.status_code, response.json()["code"]) == (413, "too-large")


async def test_an_address_without_end_is_refused(shell: Api) -> None:
    response = await shell.client.get("/api/probe/list?" + "a=1&" * 5_000)
    assert (response.status_code, response.json()["code"]) == (414, "too-long")


async def test_a_host_that_is_not_ours_is_refused(shell: Api) -> None:
    for host in ("evil.example", "shop.test.evil.example", "SHOP.test@evil.example"):
        response = await shell.client.get("/api/probe/list", headers={"Host": host})
        assert (response.status_code, response.json()["code"]) == (400, "unknown-host")
    for host in ("shop.test", "SHOP.TEST:8000", "localhost:8000"):
        response = await shell.client.get("/api/probe/list", headers={"Host": host})
        assert response.status_code == 200


async def test_an_idempotency_key_must_be_readable(api: Api) -> None:
    person = await api.customer()
    for key in ("", "with space", "x" * 256):
        response = await person.client.put(
            "/api/auth/profile", json={}, headers={"Idempotency-Key": key}
        )
        assert (response.status_code, response.json()["code"]) == (422, "invalid-idempotency-key")


async def test_an_if_match_that_is_none_of_ours_fails(api: Api) -> None:
    person = await api.customer()
    for tag in ('"abc"', "v1", '"v1", "v2"'):
        response = await person.client.put("/api/auth/profile", json={}, headers={"If-Match": tag})
        assert (response.status_code, response.json()["code"]) == (412, "precondition-failed")


async def test_too_many_requests_are_told_to_wait(
    database: AsyncDatabase[dict[str, Any]], tmp_path: Path
) -> None:
    async with open_api(database, tmp_path, rate_limits=True) as api:
        api.app.include_router(router)
        answers = [await api.client.get("/api/probe/limited") for _ in range(121)]
        assert [r.status_code for r in answers[-2:]] == [200, 429]
        assert answers[-1].headers["Retry-After"] == "60"


async def test_a_developer_has_ten_times_the_patience(
    database: AsyncDatabase[dict[str, Any]], tmp_path: Path
) -> None:
    async with open_api(database, tmp_path, rate_limits=True, app_env="development") as api:
        api.app.include_router(router)
        answers = [await api.client.get("/api/probe/limited") for _ in range(121)]
        assert answers[-1].status_code == 200


def test_every_kind_of_error_has_a_status() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    ours = [kind for kind in kinds if issubclass(kind, DomainError)]
    named = [kind for kind, _ in STATUSES]
    assert all(any(issubclass(kind, base) for base in named[:-1]) for kind in ours[1:])
    assert named[-1] is DomainError


# --- Who is calling ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x.y.z", "Basic dTpw", "Bearer " + "a" * 5_000]
)
async def test_a_caller_without_a_genuine_token_is_unknown(api: Api, header: str) -> None:
    response = await api.client.get("/api/auth/me", headers={"Authorization": header})
    assert response.status_code == 401
    assert response.json()["code"] in {"unauthenticated", "invalid-token"}
    assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_a_token_that_ran_out_says_so(api: Api) -> None:
    person = await api.customer()
    api.clock.ahead += timedelta(minutes=31)
    response = await person.client.get("/api/auth/me")
    assert (response.status_code, response.json()["code"]) == (401, "token-expired")


OPEN_TO_ALL = {
    "POST /api/auth/register",
    "POST /api/auth/login",
    "POST /api/auth/refresh",
    "POST /api/auth/forgot-password",
    "POST /api/auth/reset-password",
    "GET /api/products",
    "GET /api/products/facets",
    "GET /api/products/featured",
    "GET /api/products/search",
    "GET /api/products/category/{category}",
    "GET /api/products/{product_id}",
    "GET /api/products/{product_id}/recommendations",
    "GET /api/products/{product_id}/reviews",
    "GET /api/share/{token}",
    "POST /api/webhooks/razorpay",
}


async def test_every_route_of_the_api_asks_who_you_are_or_is_known_not_to(api: Api) -> None:
    """A new route that answers strangers must be written down above."""
    headers = {"If-Match": '"v1"', "Idempotency-Key": "k"}
    for path, operations in api.app.openapi()["paths"].items():
        concrete = re.sub(r"{\w+}", "0" * 24, path)
        for method in operations:
            name = f"{method.upper()} {path}"
            if path.startswith("/api/") and name not in OPEN_TO_ALL:
                response = await api.client.request(method, concrete, headers=headers)
                assert response.status_code == 401, f"{name} answers {response.status_code}"


# --- What surrounds an answer --------------------------------------------------------------------


async def test_every_answer_is_dressed_for_safety(shell: Api) -> None:
    for path in ("/api/probe/list", "/api/nothing", "/api/probe/fault/unexpected", "/health/live"):
        headers = (await shell.client.get(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


async def test_a_request_without_an_id_gets_one(api: Api) -> None:
    for given in ("", "short", "x" * 65, "with space", "ünïcode-id"):
        headers = {"X-Request-ID": given.encode()}
        response = await api.client.get("/health/live", headers=headers)  # type: ignore[arg-type]
        assert len(response.headers["X-Request-ID"]) == 32


async def test_only_our_own_front_end_may_call_from_a_browser(api: Api) -> None:
    for origin, allowed in (
        ("https://shop.test", "https://shop.test"),
        ("https://shop.test.evil.example", None),
        ("http://shop.test", None),
        ("null", None),
    ):
        response = await api.client.get("/health/live", headers={"Origin": origin})
        assert response.headers.get("Access-Control-Allow-Origin") == allowed
        assert "Access-Control-Allow-Credentials" not in response.headers


async def test_the_figures_name_routes_and_not_ids(api: Api) -> None:
    person = await api.customer()
    await person.client.delete(f"/api/auth/sessions/{'1' * 24}")
    figures = (await api.client.get("/metrics")).text
    assert 'route="/api/auth/sessions/{session_id}"' in figures
    assert re.search(r"^kundan_api_tasks [1-9]", figures, re.MULTILINE)
    assert "1" * 24 not in figures


async def test_the_documentation_names_problems_and_tags(api: Api) -> None:
    schema = (await api.client.get("/openapi.json")).json()
    login = schema["paths"]["/api/auth/login"]["post"]
    assert login["tags"] == ["accounts"]
    assert PROBLEM in login["responses"]["422"]["content"]
    assert "Problem" in schema["components"]["schemas"]
    named = {tag["name"] for tag in schema["tags"]}
    used = {t for ops in schema["paths"].values() for op in ops.values() for t in op["tags"]}
    assert used <= named
    page = await api.client.get("/docs")
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]


# --- Commands ------------------------------------------------------------------------------------


async def test_what_was_made_is_shown_with_its_place(shell: Api) -> None:
    response = await shell.client.post("/api/probe/command/shown?email=a@example.com")
    made = response.json()["data"]
    assert (response.status_code, made["email"]) == (201, "a@example.com")
    assert response.headers["Location"] == f"/api/probe/command/shown/{made['id']}"
    assert (response.headers["ETag"], made["version"]) == ('"v1"', 1)


async def test_its_place_may_be_elsewhere(shell: Api) -> None:
    response = await shell.client.post("/api/probe/command/elsewhere?email=a@example.com")
    object_id = response.json()["data"]["id"]
    assert response.headers["Location"] == f"/api/users/{object_id}/profile"


async def test_it_may_be_shown_another_way(shell: Api) -> None:
    response = await shell.client.post("/api/probe/command/another?email=a@example.com")
    assert response.json()["data"] == {"hello": "a@example.com"}


async def test_what_cannot_be_shown_is_named(shell: Api) -> None:
    for name in ("nothing", "gone"):
        response = await shell.client.post(f"/api/probe/command/{name}?email=a@example.com")
        assert response.json()["data"].keys() == {"_id", "id"}
    response = await shell.client.post("/api/probe/void")
    assert response.json() == {"success": True, "data": None}


async def test_a_repeated_upload_is_known_by_its_file(shell: Api) -> None:
    async def upload(content: bytes) -> httpx.Response:
        return await shell.client.post(
            "/api/probe/upload?email=a@example.com",
            files={"file": ("photo.jpg", content)},
            headers={"Idempotency-Key": "upload-1"},
        )

    first, again, other = await upload(b"one"), await upload(b"one"), await upload(b"two")
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in other.headers, "another file is another request"


# --- Reads that must not be older -----------------------------------------------------------------


async def test_a_read_with_a_token_waits_for_it(api: Api) -> None:
    person = await api.customer()
    api.consistency.lags = True
    changed = await person.client.put("/api/auth/profile", json={"firstName": "Mira"})
    assert changed.status_code == 202
    assert changed.json()["data"]["id"] == person.id
    token = {"Consistency-Token": changed.headers["Consistency-Token"]}
    waiting = await person.client.get("/api/auth/me", headers=token)
    assert (waiting.status_code, waiting.json()["code"]) == (503, "unavailable")
    assert waiting.headers["Retry-After"] == "1"
    api.consistency.lags = False
    me = await person.client.get("/api/auth/me", headers=token)
    assert me.json()["data"]["firstName"] == "Mira"


@pytest.mark.parametrize("token", ["x", "p", "p-1", "pabc", "c", "c" + "0" * 32, "p" + "9" * 40])
async def test_a_token_that_is_none_of_ours_is_refused(api: Api, token: str) -> None:
    person = await api.customer()
    headers = {"Consistency-Token": token}
    response = await person.client.get("/api/auth/me", headers=headers)
    assert (response.status_code, response.json()["code"]) == (422, "invalid-consistency-token")


# --- Lists and roles -----------------------------------------------------------------------------


def test_a_page_says_where_it_stands() -> None:
    assert PageOfList(limit=20, skip=40).pagination(61, next_cursor="c") == {
        "page": 3,
        "limit": 20,
        "skip": 40,
        "total": 61,
        "pages": 4,
        "hasMore": True,
        "nextCursor": "c",
    }


async def test_a_role_opens_its_own_doors_only(api: Api) -> None:
    clerk = await api.staff(Role.FINANCE)
    refused = await clerk.client.get("/api/admin/users")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_nothing_that_a_request_passes_waits_for_a_thread() -> None:
    """FastAPI sends each dependency that is no coroutine through its pool of threads."""
    waiting = {
        f"{call.__module__}.{call.__qualname__}"
        for router in (*commands.ROUTERS, *queries.ROUTERS)
        for route in router.routes
        if isinstance(route, APIRoute)
        for call in _calls_of(route.dependant)
        if not inspect.iscoroutinefunction(call) and not isinstance(call, HTTPBearer)
    }
    assert not waiting


def _calls_of(dependant: Dependant) -> Iterator[Any]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls_of(inner)
