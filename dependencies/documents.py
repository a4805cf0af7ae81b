"""Single documents of the read models, and their ids."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

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
        self._collections: dict[str, Batched[ObjectId, dict[str, Any]]] = {}

    async def find(self, collection: str, object_id: str) -> dict[str, Any] | None:
        """Raise NotFound for what is no id."""
        batched = self._collections.get(collection)
        if batched is None:
            batched = self._collections[collection] = Batched(partial(self._fetch, collection))
        return await batched.get(object_id_or_404(object_id))

    async def _fetch(
        self, collection: str, ids: Sequence[ObjectId]
    ) -> Mapping[ObjectId, dict[str, Any]]:
        found = self._read_models[collection].find({"_id": {"$in": list(ids)}}, WITHOUT_TOKENS)
        return {document["_id"]: document for document in await found.to_list()}
