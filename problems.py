"""Problem documents (RFC 9457): what a client gets when a request cannot be done.

`type, title, status, detail, code, requestId`, and `errors` for the fields. Nothing of our insides.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pymongo.errors import (
    ConnectionFailure,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)
from starlette.exceptions import HTTPException
from starlette.types import Scope

from domain.errors import DomainError, FieldError, TooManyRequests, Unavailable

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
MAX_FIELD_ERRORS = 100

Statuses = Sequence[tuple[type[DomainError], int]]

ROUTER_CODES = {
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method-not-allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too-large",
    HTTPStatus.BAD_REQUEST: "malformed-request",
    HTTPStatus.UNAUTHORIZED: "unauthenticated",
    HTTPStatus.FORBIDDEN: "forbidden",
}


class FieldProblem(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)
    field: str = Field(examples=["items.0.quantity"])
    code: str = Field(examples=["less-than-equal"])
    message: str = Field(examples=["Input should be less than or equal to 10"])


class Problem(BaseModel):
    """The form of every answer that is not a success."""

    model_config = ConfigDict(alias_generator=to_camel)
    type: str = Field(examples=["urn:kundan:problem:not-found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["there is nothing with this id"])
    code: str = Field(examples=["not-found"])
    request_id: str
    errors: list[FieldProblem] | None = None


def problem(
    scope: Scope,
    status: int,
    *,
    code: str,
    detail: str,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    **extra: object,
) -> JSONResponse:
    body: dict[str, Any] = {
        "type": f"urn:kundan:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "requestId": scope.get("state", {}).get("request_id", ""),
        **extra,
    }
    if errors:
        body["errors"] = [
            {"field": e.field, "code": e.code, "message": e.message}
            for e in errors[:MAX_FIELD_ERRORS]
        ]
    return JSONResponse(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def handle_problems(app: FastAPI, statuses: Statuses) -> None:
    """Answer everything that is raised with a problem document. The first class that fits counts."""

    async def domain_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, DomainError)
        status = next(status for kind, status in statuses if isinstance(error, kind))
        return problem(
            request.scope,
            status,
            code=error.code,
            detail=error.detail,
            errors=error.errors,
            headers=_headers(error, status),
            **error.extra,
        )

    app.add_exception_handler(DomainError, domain_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _router_error)
    app.add_exception_handler(PyMongoError, _database_error)


def _headers(error: DomainError, status: int) -> dict[str, str]:
    if isinstance(error, TooManyRequests | Unavailable):
        return {"Retry-After": str(error.retry_after_seconds)}
    return {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else {}


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    """Fields that were refused. A malformed id in the path names nothing that exists: 404."""
    assert isinstance(error, RequestValidationError)
    faults = error.errors()
    if any(fault["loc"][:1] == ("path",) for fault in faults):
        return problem(request.scope, 404, code="not-found", detail="there is nothing with this id")
    return problem(
        request.scope,
        422,
        code="invalid",
        detail="the request has fields that cannot be accepted; see errors",
        errors=[field_error(fault) for fault in faults],
    )


def field_error(fault: Mapping[str, Any]) -> FieldError:
    """Pydantic's fault without what was sent: it may be a secret."""
    place = [str(part) for part in fault["loc"] if part != "body"]
    if fault["type"] == "json_invalid":
        place = []
    message = str(fault["msg"]).removeprefix("Value error, ")
    code = str(fault["type"]).replace("_", "-")
    return FieldError(field=".".join(place) or "body", code=code, message=message)


async def _router_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = ROUTER_CODES.get(HTTPStatus(error.status_code), "http-error")
    detail = {
        "not-found": "there is nothing at this address",
        "method-not-allowed": "this address does not take this method",
    }.get(code, str(error.detail))
    return problem(
        request.scope, error.status_code, code=code, detail=detail, headers=error.headers
    )


QUERY_PLAN_KILLED = 175
"""A query met the moment in which a rebuilt collection was moved in: the next one will not."""


async def _database_error(request: Request, error: Exception) -> JSONResponse:
    if (
        isinstance(error, ConnectionFailure | ExecutionTimeout | WTimeoutError)
        or (isinstance(error, OperationFailure) and error.code == QUERY_PLAN_KILLED)
        or (isinstance(error, PyMongoError) and error.timeout)
    ):
        log.warning("the database does not answer", reason=type(error).__name__)
        return problem(
            request.scope,
            503,
            code="unavailable",
            detail="the database does not answer just now",
            headers={"Retry-After": "5"},
        )
    return unexpected(request.scope, error)


def unexpected(scope: Scope, error: BaseException) -> JSONResponse:
    """Our own fault: the log has the story, the client its request id."""
    log.error("unexpected error", exc_info=error)
    return problem(
        scope,
        500,
        code="internal-error",
        detail="something went wrong on our side; the request id helps us to find it",
    )
