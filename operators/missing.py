"""Files that a document shows and the object store does not have: lost by a disk, or by somebody's hand."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bson import ObjectId

from dependencies.reading import ReadingServices

KINDS = ("uploadedImages", "tryOnResults", "products", "importLogs")
OBJECT = "object:"


@dataclass(frozen=True, kw_only=True)
class ShownFile:
    kind: str
    id: ObjectId
    key: str


async def shown_files(
    services: ReadingServices, *, newest: int | None = None
) -> AsyncIterator[ShownFile]:
    """What the read models show, the newest documents first; `newest` of each kind, or all."""
    for kind in KINDS:
        found = services.read_models[kind].find().sort("_id", -1).limit(newest or 0)
        async for document in found:
            for key in sorted(set(keys_in(document))):
                yield ShownFile(kind=kind, id=document["_id"], key=key)


def keys_in(value: Any, name: str = "") -> Iterator[str]:
    """Keys of stored files, wherever they stand in a document."""
    match value:
        case str() if value.startswith(OBJECT):
            yield value.removeprefix(OBJECT)
        case str() if name == "_key" and value:
            yield value
        case Mapping():
            for inner, part in value.items():
                yield from keys_in(part, inner)
        case list():
            for part in value:
                yield from keys_in(part)
        case _:
            return


async def is_missing(shown: ShownFile, services: ReadingServices) -> bool:
    """Whether its document still shows it, though it is not there."""
    if await services.objects.exists(shown.key):
        return False
    document = await services.read_models[shown.kind].find_one({"_id": shown.id})
    return document is not None and shown.key in set(keys_in(document))
