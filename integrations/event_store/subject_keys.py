"""One data key for each person, wrapped by the master key; destroying it forgets the person.

They live in a database of their own (`<database>_keys`), so that a backup of the ledger does not
carry them. A destroyed key leaves a tombstone: no second key is ever made for that person.
"""

import os
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError
from pymongo.write_concern import WriteConcern

from batching import Batched
from domain.errors import NotFound, Unavailable

CACHE_ENTRIES = 10_000
CACHE_SECONDS = 30.0
"""How long another process may still read a person who has just been erased."""


class SubjectKeys:
    """Fits `domain.ports.events.PersonalKeys`."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], master_key: bytes) -> None:
        durable = WriteConcern("majority", j=True)
        self._keys = database.get_collection("subject_keys", write_concern=durable)
        self._master = AESGCM(master_key)
        self._cache: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._wrapped: Batched[str, dict[str, Any]] = Batched(self._read)
        self.forgotten = 0

    async def ensure(self, subjects: Sequence[str]) -> Mapping[str, bytes]:
        found = dict(await self.get(subjects))
        for subject in subjects:
            if subject not in found:
                found[subject] = await self._make(subject)
        return found

    async def get(self, subjects: Sequence[str]) -> Mapping[str, bytes]:
        found = {s: key for s in subjects if (key := self._cached(s)) is not None}
        missing = [s for s in subjects if s not in found]
        if missing:
            documents = await self._wrapped.get_many(missing)
            found |= {s: self._unwrap(document) for s, document in documents.items()}
        return found

    async def _read(self, subjects: Sequence[str]) -> Mapping[str, dict[str, Any]]:
        query = {"_id": {"$in": list(subjects)}, "wrapped": {"$exists": True}}
        return {document["_id"]: document async for document in self._keys.find(query)}

    async def destroy(self, subject: str) -> None:
        self.forget_cached(subject)
        await self._keys.update_one(
            {"_id": subject},
            {"$unset": {"wrapped": 1}, "$set": {"destroyed": datetime.now(UTC)}},
            upsert=True,
        )
        self.forget_cached(subject)  # a reader may have come between

    def forget_cached(self, subject: str) -> None:
        """Another process destroyed this key."""
        self._cache.pop(subject, None)
        self.forgotten += 1

    async def _make(self, subject: str) -> bytes:
        key, nonce = os.urandom(32), os.urandom(12)
        wrapped = nonce + self._master.encrypt(nonce, key, subject.encode())
        try:
            await self._keys.insert_one(
                {"_id": subject, "wrapped": wrapped, "created": datetime.now(UTC)}
            )
        except DuplicateKeyError:
            document = await self._keys.find_one({"_id": subject})
            if document is None:  # another process made it, and a majority has it not yet
                raise Unavailable("a personal key is being made", retry_after_seconds=1) from None
            if "wrapped" not in document:
                raise NotFound("this person's data has been erased", code="erased") from None
            return self._unwrap(document)
        self._remember(subject, key)
        return key

    def _unwrap(self, document: Mapping[str, Any]) -> bytes:
        subject, wrapped = document["_id"], document["wrapped"]
        key = self._master.decrypt(wrapped[:12], wrapped[12:], subject.encode())
        self._remember(subject, key)
        return key

    def _remember(self, subject: str, key: bytes) -> None:
        self._cache[subject] = (time.monotonic() + CACHE_SECONDS, key)
        if len(self._cache) > CACHE_ENTRIES:
            self._cache.popitem(last=False)

    def _cached(self, subject: str) -> bytes | None:
        entry = self._cache.get(subject)
        return entry[1] if entry is not None and entry[0] > time.monotonic() else None
