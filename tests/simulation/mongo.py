"""The part of MongoDB that the event store uses, in memory: documents, unique keys, lost answers.

An operation takes effect at one moment between two awaits, so all interleavings of operations can come.
"""

import copy
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Self

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import UpdateOne
from pymongo.errors import AutoReconnect, BulkWriteError, DuplicateKeyError

from tests.simulation.world import Document, Process, World

DUPLICATE_KEY = 11000
AWARE: CodecOptions[Document] = CodecOptions(tz_aware=True)


class FakeDatabase:
    def __init__(self, world: World, process: Process) -> None:
        self._world = world
        self._process = process

    def get_collection(self, name: str, **_concerns: object) -> "FakeCollection":
        kinds = {"commits": FakeCommits, "ledger": FakeBlocks, "snapshots": FakeCollection}
        return kinds[name](self._world, self._process)


class FakeCollection:
    def __init__(self, world: World, process: Process) -> None:
        self.world = world
        self.process = process

    @property
    def documents(self) -> dict[int, Document]:
        return {}

    def with_options(self, **_options: object) -> Self:
        return self

    async def called(self) -> None:
        """A request under way. It may be lost before it has an effect."""
        await self.world.pause(self.process)
        if self.world.fails(self.world.chances.lost_request):
            raise AutoReconnect("the request was lost")

    async def answered(self) -> None:
        await self.world.pause(self.process)
        if self.world.fails(self.world.chances.lost_answer):
            raise AutoReconnect("the answer was lost")

    def find(self, query: Document, projection: Any = None) -> "Cursor":
        return Cursor(self, query, projection or {})

    async def find_one(
        self,
        query: Document,
        projection: Any = None,
        sort: Sequence[tuple[str, int]] = (),
    ) -> Document | None:
        found = await Cursor(self, query, projection or {}).sort(sort).limit(1).to_list()
        return found[0] if found else None


class Cursor:
    """All is read at one moment, as from a snapshot."""

    def __init__(self, collection: FakeCollection, query: Document, shape: Document) -> None:
        self._collection = collection
        self._query = query
        self._shape = shape
        self._order: list[tuple[str, int]] = []
        self._limit: int | None = None

    def sort(self, by: Sequence[tuple[str, int]] | str, direction: int = 1) -> Self:
        self._order = [(by, direction)] if isinstance(by, str) else list(by)
        return self

    def limit(self, count: int) -> Self:
        self._limit = count
        return self

    def batch_size(self, _count: int) -> Self:
        return self

    async def close(self) -> None:
        """Nothing is held."""

    async def to_list(self) -> list[Document]:
        await self._collection.called()
        documents = self._collection.documents.values()
        found = [document for document in documents if matches(document, self._query)]
        for name, direction in reversed(self._order):
            found.sort(key=itemgetter(name), reverse=direction < 0)
        found = copy.deepcopy(found[: self._limit])
        if "$filter" in str(self._shape.get("events")):
            _keep_streams(found, self._shape["events"]["$filter"]["cond"]["$in"][1])
        await self._collection.answered()
        return found

    async def __aiter__(self) -> AsyncIterator[Document]:
        for document in await self.to_list():
            yield document


class FakeCommits(FakeCollection):
    @property
    def documents(self) -> dict[int, Document]:
        return self.world.commits

    async def insert_many(self, raw: Sequence[RawBSONDocument], *, ordered: bool) -> None:
        """Each by itself; when the connection is lost, any part of them may have been written."""
        assert not ordered
        documents: list[Document] = [bson.decode(one.raw, AWARE) for one in raw]
        await self.called()
        cut = self.world.fails(self.world.chances.lost_answer)
        written = documents[: self.world.dice.randint(0, len(documents))] if cut else documents
        errors = [
            {"index": index, "code": DUPLICATE_KEY, "errmsg": reason}
            for index, document in enumerate(written)
            if (reason := self._insert(document)) is not None
        ]
        if cut:
            raise AutoReconnect("the connection was lost")
        await self.answered()
        if errors:
            raise BulkWriteError({"writeErrors": errors, "writeConcernErrors": []})

    def _insert(self, document: Document) -> str | None:
        if any(other["_id"] == document["_id"] for other in self.documents.values()):
            return "duplicate _id"
        taken = set(_places(self.documents.values()))
        if self.world.on.version_is_unique and taken & set(_places([document])):
            return "duplicate version"
        self.documents[len(self.documents)] = copy.deepcopy(document)
        return None

    async def bulk_write(self, updates: Sequence[UpdateOne], *, ordered: bool) -> None:
        """Marks, one by one: a crash may come between any two."""
        assert not ordered
        await self.called()
        for update in self.world.dice.sample(list(updates), len(updates)):
            wanted: Any = update._filter["_id"]
            change: Any = update._doc
            [marked] = [d for d in self.documents.values() if d["_id"] == wanted]
            marked.update(change["$set"])
            for name in change["$unset"]:
                marked.pop(name, None)
            await self.world.pause(self.process)
        await self.answered()


class FakeBlocks(FakeCollection):
    @property
    def documents(self) -> dict[int, Document]:
        return self.world.blocks

    async def insert_one(self, block: Document) -> None:
        await self.called()
        numbers = {other["_id"] for other in self.documents.values()}
        if self.world.on.block_number_is_unique and block["_id"] in numbers:
            raise DuplicateKeyError("_id")
        commits = {entry["commit"] for entry in block["entries"]}
        if self.world.on.commit_once_in_ledger and commits & set(self.world.sealed()):
            raise DuplicateKeyError("entries.commit")
        self.documents[len(self.documents)] = copy.deepcopy(block)
        await self.answered()


def _keep_streams(documents: Iterable[Document], streams: Sequence[str]) -> None:
    for document in documents:
        document["events"] = [e for e in document["events"] if e["stream"] in streams]


def matches(document: Document, query: Mapping[str, Any]) -> bool:
    return all(_fits(document, name, wanted) for name, wanted in query.items())


def _fits(document: Document, name: str, wanted: Any) -> bool:
    if name == "$or":
        return any(matches(document, branch) for branch in wanted)
    found = list(_values(document, name.split(".")))
    if isinstance(wanted, dict):
        return all(_compares(found, operator, value) for operator, value in wanted.items())
    return wanted in found


def _compares(found: list[Any], operator: str, value: Any) -> bool:
    match operator:
        case "$in":
            return any(one in value for one in found)
        case "$lte":
            return any(one <= value for one in found)
        case "$gte":
            return any(one >= value for one in found)
        case "$gt":
            return any(one > value for one in found)
        case "$type":
            return any(isinstance(one, int) for one in found)
        case "$elemMatch":
            return any(matches(one, value) for items in found for one in items)
        case _:
            raise NotImplementedError(operator)


def _values(node: Any, path: Sequence[str]) -> Iterator[Any]:
    """What a dotted name reaches, through lists of documents too."""
    if not path:
        yield node
    elif isinstance(node, list):
        for item in node:
            yield from _values(item, path)
    elif path[0] in node:
        yield from _values(node[path[0]], path[1:])


def _places(documents: Iterable[Document]) -> Iterator[tuple[str, int]]:
    return ((e["stream"], e["version"]) for d in documents for e in d["events"])
