"""The OpenAPI 3.1 document: FastAPI's, with each operation's name, answers and refusals."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from contract.operations import OPERATIONS, Answer, Bare, Data, File, Nothing, Operation
from contract.schemas import REF, Schema, Schemas, opened, partly, plain
from problems import MEDIA_TYPE, Problem

EXAMPLES = Path(__file__).parent / "examples.json"

PAGINATION: Schema = {
    "type": "object",
    "properties": {
        "page": {"type": ["integer", "null"], "minimum": 1},
        "limit": {"type": "integer", "minimum": 1, "maximum": 100},
        "skip": {"type": ["integer", "null"], "minimum": 0},
        "total": {
            "type": "integer",
            "description": "counted so far as anybody pages: of a large list it may be less",
        },
        "pages": {"type": "integer"},
        "hasMore": {"type": "boolean"},
        "nextCursor": {
            "type": ["string", "null"],
            "description": "`cursor` of the next page, which neither skips nor repeats what is there",
        },
    },
    "required": ["page", "limit", "skip", "total", "pages", "hasMore", "nextCursor"],
    "additionalProperties": False,
}
CONTINUATION: Schema = {
    "type": "object",
    "properties": {
        "after": {"type": "integer", "description": "the position behind which this page begins"},
        "limit": {"type": "integer"},
        "hasMore": {"type": "boolean"},
    },
    "required": ["after", "limit", "hasMore"],
    "additionalProperties": False,
}
METHODS_META: Schema = {
    "type": "object",
    "properties": {
        "gateway": {"type": "string"},
        "available": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["gateway", "available"],
    "additionalProperties": False,
}
REFUSALS: Mapping[int, str] = {
    400: "The request or file cannot be read",
    401: "No valid access token",
    403: "Not with your role",
    404: "No such thing, or not yours",
    409: "Not in its present state, or changed by others meanwhile",
    410: "It has ended",
    412: "Changed since the version that If-Match names",
    413: "Over a limit of size",
    415: "Not a kind of file that is taken",
    422: "Fields that cannot be accepted",
    428: "Say in If-Match which version you saw",
    429: "Over a limit of rate; see Retry-After",
    503: "Something that it needs is down; see Retry-After",
}
OF_COMMANDS = frozenset({409, 412, 413, 415, 428})
SUCCESSES = {200: "Done", 201: "Made", 202: "Accepted", 204: "Done", 304: "As you have it"}


def describe(app: FastAPI, *, strict: bool = False) -> dict[str, Any]:
    """The document. Raise TypeError for a route without a line in `OPERATIONS`, or the other way round.

    `strict`: answers may have no field beyond those that are described, as tests want it.
    """
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    schemas = Schemas()
    schemas.components |= {"Pagination": PAGINATION, "Continuation": CONTINUATION}
    problem = Problem.model_json_schema(ref_template=REF)
    schemas.components |= problem.pop("$defs", {}) | {"Problem": problem}
    bodies = document.setdefault("components", {}).setdefault("schemas", {})
    for name, path, operation in operations_of(document):
        known = OPERATIONS.get(name)
        if known is None:
            raise TypeError(f"{name} has no line in contract/operations.py")
        _name_form(operation, known, bodies)
        _complete(operation, known, name, path, schemas)
    if unknown := OPERATIONS.keys() - {name for name, *_ in operations_of(document)}:
        raise TypeError(f"no route answers to {sorted(unknown)}")
    for name in ("HTTPValidationError", "ValidationError"):
        bodies.pop(name, None)
    every = {**bodies, **schemas.components}
    needed = set(_references(document["paths"], every))
    document["components"]["schemas"] = {n: s for n, s in every.items() if n in needed}
    return document if strict else _opened(document)


@cache
def examples() -> dict[str, Any]:
    """Of requests and answers, by operation: real ones, written down by the tests."""
    known: dict[str, Any] = json.loads(EXAMPLES.read_bytes())
    return known


def operations_of(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method and path, the path, the operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", path, operation


def _name_form(operation: dict[str, Any], known: Operation, bodies: dict[str, Schema]) -> None:
    """A form is called after its operation, not after the function that takes it."""
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        if media == "multipart/form-data":
            name = content["schema"]["$ref"].rpartition("/")[2]
            form = known.id[0].upper() + known.id[1:] + "Form"
            bodies[form] = plain(bodies.pop(name))
            content["schema"] = {"$ref": REF.format(model=form)}


def _complete(
    operation: dict[str, Any], known: Operation, name: str, path: str, schemas: Schemas
) -> None:
    operation["operationId"] = known.id
    operation["summary"] = _words(known.id)
    example = examples().get(known.id, {"answers": {}})
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None and "body" in example:
        body["example"] = example["body"]
    answers = {
        str(status): _answer(status, answer, schemas) for status, answer in known.answers.items()
    }
    page = {"text/html": {"schema": {"type": "string"}}}
    pages = {
        str(status): {"description": REFUSALS[status], "content": page}
        for status in known.refused_as_page
    }
    for status, told in example["answers"].items():
        answers[status]["content"]["application/json"]["example"] = told
    operation["responses"] = answers | _refusals(operation, name, path) | pages


def _refusals(operation: Mapping[str, Any], name: str, path: str) -> dict[str, Any]:
    """Those that can occur: a public read needs no role, and only a command can be too late."""
    left_out: set[int] = set()
    if name.startswith("GET "):
        left_out |= OF_COMMANDS
    if "security" not in operation:
        if name.startswith("GET "):
            left_out |= {403}
        if path.startswith(("/api/share", "/share", "/media", "/health", "/metrics")):
            left_out |= {401}
    if "share" not in path:
        left_out |= {410}
    content = {MEDIA_TYPE: {"schema": {"$ref": REF.format(model="Problem")}}}
    return {
        str(status): {"description": text, "content": content}
        for status, text in REFUSALS.items()
        if status not in left_out
    }


def _answer(status: int, answer: Answer, schemas: Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {"description": SUCCESSES[status]}
    match answer:
        case Nothing():
            return described
        case File(media_type):
            text = media_type.startswith("text/")
            schema: Schema = {"type": "string"} if text else {"type": "string", "format": "binary"}
            return described | {"content": {media_type: {"schema": schema}}}
        case Bare(shape):
            schema = schemas.of(shape)
        case Data():
            schema = _envelope(answer, schemas)
    return described | {"content": {"application/json": {"schema": schema}}}


def _envelope(answer: Data, schemas: Schemas) -> Schema:
    properties: dict[str, Schema] = {
        "success": {"type": "boolean", "const": True},
        "data": _data(answer, schemas),
    }
    if answer.pagination is not None:
        properties["pagination"] = {"$ref": REF.format(model=answer.pagination)}
    if answer.meta:
        properties["meta"] = METHODS_META
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _data(answer: Data, schemas: Schemas) -> Schema:
    if answer.beside is not None:
        return _beside(*answer.beside, schemas)
    if answer.order is not None:
        return _confirmation(answer.order, schemas)
    each = [schemas.of(shape) for shape in answer.shapes]
    if not each:
        return {"type": "null"}
    schema = each[0] if len(each) == 1 else {"anyOf": each}
    return {"type": "array", "items": schema} if answer.listed else schema


def _beside(document: Any, always: Any, schemas: Schemas) -> Schema:
    """A document that may not be shown yet, and what is always there."""
    known = _component(schemas, document)
    more = _component(schemas, always)
    return {
        **more,
        "properties": {**partly(known)["properties"], **more["properties"]},
    }


def _confirmation(order: Any, schemas: Schemas) -> Schema:
    known = partly(_component(schemas, order))
    return {
        "type": "object",
        "properties": {
            "status": {"type": "string"},
            "paymentId": {"type": "string", "pattern": "^[0-9a-f]{24}$"},
            "order": {**known, "required": ["_id", "id", "status"]},
        },
        "required": ["status", "paymentId", "order"],
        "additionalProperties": False,
    }


def _component(schemas: Schemas, shape: Any) -> Schema:
    return schemas.components[schemas.of(shape)["$ref"].rpartition("/")[2]]


def _opened(document: dict[str, Any]) -> dict[str, Any]:
    """Bodies stay closed: what we do not know in them is refused."""
    closed: dict[str, Schema] = document["components"]["schemas"]
    paths: dict[str, Any] = {}
    for path, methods in document["paths"].items():
        paths[path] = {
            method: {**operation, "responses": opened(operation["responses"])}
            for method, operation in methods.items()
        }
    asked = set(_references({p: _requests(m) for p, m in document["paths"].items()}, closed))
    components = {n: s if n in asked else opened(s) for n, s in closed.items()}
    return {
        **document,
        "paths": paths,
        "components": {**document["components"], "schemas": components},
    }


def _requests(methods: Mapping[str, Any]) -> list[Any]:
    return [operation.get("requestBody") for operation in methods.values()]


def _references(schema: Any, components: Mapping[str, Schema]) -> Iterator[str]:
    """Names of all components that this leads to."""
    found: set[str] = set()
    waiting: list[Any] = [schema]
    while waiting:
        for name in REFERENCE.findall(repr(waiting.pop())):
            if name not in found:
                found.add(name)
                waiting.append(components.get(name, {}))
    yield from found


REFERENCE = re.compile(r"#/components/schemas/(\w+)")


def _words(name: str) -> str:
    """`getProduct` → Get product."""
    words = re.sub(r"([A-Z])", r" \1", name).lower()
    return words[0].upper() + words[1:]
