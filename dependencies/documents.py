"""Single documents of the read models, and their ids."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import bson
from bson import ObjectId
from bson.errors import InvalidId
from pymongo.asynchronous.database import AsyncDatabase

from batching import Batched
from domain.errors import NotFound

Document = Mapping[str, Any]
WITHOUT_TOKENS = {"_tokens": 0}
"""What a product is found by is most of its document, and never shown."""


def object_id_or_404(text: str) -> ObjectId:
    """A malformed id names nothing that exists."""
    try:
        return ObjectId(text)
    except InvalidId:
        raise NotFound("there is nothing with this id") from None


class Documents:
    """Single documents of the read models; those that are asked for at one moment come in one question."""

    def __init__(self, read_models: AsyncDatabase[dict[str, Any]]) -> None:
        self._read_models = read_models
        self._collections: dict[str, Batched[ObjectId, bytes]] = {}

    async def find(self, collection: str, object_id: str) -> dict[str, Any] | None:
        """Raise NotFound for what is no id."""
        raw = await self.find_raw(collection, object_id)
        return None if raw is None else self.decoded(raw)

    async def find_raw(self, collection: str, object_id: str) -> bytes | None:
        """As it came from MongoDB, in BSON. Raise NotFound for what is no id."""
        batched = self._collections.get(collection)
        if batched is None:
            batched = self._collections[collection] = Batched(partial(self._fetch, collection))
        return await batched.get(object_id_or_404(object_id))

    def decoded(self, raw: bytes) -> dict[str, Any]:
        return bson.decode(raw, self._read_models.codec_options)

    async def _fetch(self, collection: str, ids: Sequence[ObjectId]) -> Mapping[ObjectId, bytes]:
        found = self._read_models[collection].find_raw_batches(
            {"_id": {"$in": list(ids)}}, WITHOUT_TOKENS
        )
        return {id_of(raw): raw async for batch in found for raw in split(batch)}


def split(batch: Any) -> Iterator[bytes]:
    """The documents of a raw batch, which are bytes, whatever PyMongo's types say.

    Each begins with its length, as int32 (bsonspec.org).
    """
    at = 0
    while at < len(batch):
        end = at + int.from_bytes(batch[at : at + 4], "little")
        yield batch[at:end]
        at = end


def id_of(raw: bytes) -> ObjectId:
    """MongoDB puts `_id` first: length (4 bytes), type (1), name and its zero (4), then the id (12)."""
    return ObjectId(raw[9:21])
