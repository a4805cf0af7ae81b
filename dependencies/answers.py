"""The form of answers: the envelope, ids and dates, ETags."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from bson import ObjectId
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from dependencies.documents import Document
from dependencies.services import Services


def iso(at: datetime) -> str:
    """2026-11-23T12:00:00.123Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def present(document: Document) -> dict[str, Any]:
    """A document without what is ours alone, `_id` also as `id`. Ids and dates are written by `Json`."""
    shown = {name: value for name, value in document.items() if name[0] != "_" and name not in OURS}
    if "_id" in document:
        shown["_id"] = shown["id"] = document["_id"]
    return shown


OURS = frozenset({"passwordHash", "position"})


def view_of(services: Services, collection: str) -> Callable[[Document], dict[str, Any]]:
    """How the documents of this collection are shown."""
    view = services.views.get(collection)
    if view is None:
        return present
    return lambda document: view(document, services)


JSON = "application/json"


class Json(JSONResponse):
    """Written in one pass, dates and ids as `present` shows them."""

    def render(self, content: Any) -> bytes:
        return written(content)


def _written(value: Any) -> Any:
    return value.model_dump(by_alias=True) if isinstance(value, BaseModel) else jsonable(value)


def jsonable(value: Any) -> Any:
    """Ids, dates and decimal numbers. Raise TypeError for what has no place in an answer."""
    match value:
        case ObjectId():
            return str(value)
        case datetime():
            return iso(value)
        case Decimal():
            return float(value)
        case set() | frozenset():
            return sorted(value)
        case Mapping():
            return dict(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no place in an answer")


def answer(
    data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None, **beside: Any
) -> JSONResponse:
    """The envelope of success."""
    content = {"success": True, "data": data, **beside}
    return Json(content, status_code=status, headers=dict(headers or {}))


def written(content: Any) -> bytes:
    """The JSON of an answer's part."""
    return orjson.dumps(content, default=_written, option=orjson.OPT_PASSTHROUGH_DATETIME)


def enveloped(data: bytes | Sequence[bytes], **beside: Any) -> bytes:
    """The envelope of success around what is written already: one thing, or a list of them."""
    inner = data if isinstance(data, bytes) else b"[" + b",".join(data) + b"]"
    tail = b"," + written(beside)[1:] if beside else b"}"
    return b'{"success":true,"data":' + inner + tail


def etag(document: Document) -> dict[str, str]:
    """The header of a document's version, for If-Match."""
    return {"ETag": f'"v{document["version"]}"'} if "version" in document else {}
