"""An event that this build cannot read stops its own stream, and nothing else."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from domain.kernel import UnreadableEvent
from integrations.event_store import Ledger, MongoEventStore, SubjectKeys
from integrations.event_store.mapping import UndecodableEventError, message_body
from projections.memory import MemoryReadModels
from projections.parking import retry
from projections.projection import Append, Change, Projection, Put
from projections.runner import Runner
from tests.integrations.event_store.ledgerbook import (
    LineWritten,
    Notebook,
    NotebookOpened,
    context,
    line,
    opened,
)

NOTEBOOKS = Projection("notebooks", version=1)


@NOTEBOOKS.on(NotebookOpened)
def placed(event: NotebookOpened, _at: datetime) -> Change:
    return Put({"owner": event.owner_name, "lines": []})


@NOTEBOOKS.on(LineWritten)
def written(event: LineWritten, _at: datetime) -> Change:
    return Append("lines", event.text)


class Shelf:
    """Two notebooks of three events each, sealed; the first one's second event is spoilt."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self.commits = database["commits"]
        self.ledger = Ledger(database)
        self.store = MongoEventStore(database, SubjectKeys(database, b"k" * 32))
        self.spoilt, self.sound = secrets.token_hex(12), secrets.token_hex(12)

    async def fill(self) -> None:
        await self.ledger.prepare()
        await self.store.prepare()
        for name in (self.spoilt, self.sound):
            await self.store.append(opened(name), context())
            for version in (2, 3):
                await self.store.append([line(name, version, f"line {version}")], context())
        sealed = await self.ledger.seal()
        assert sealed is not None
        await self.ledger.finish(sealed.block)

    async def spoil(self, **changes: object) -> None:
        await self.commits.update_one(
            {"events.stream": f"notebook-{self.spoilt}", "events.version": 2},
            {"$set": {f"events.0.{name}": value for name, value in changes.items()}},
        )


@pytest.fixture
async def shelf(database: AsyncDatabase[dict[str, Any]]) -> AsyncIterator[Shelf]:
    made = Shelf(database)
    await made.fill()
    yield made
    await made.store.close()


SPOILT = [
    {"type": "TestOfTheNextRelease"},
    {"schema": 9},
    {"schema": -1},
    {"data": {"text": ["Asha of Pune"]}},
]


@pytest.mark.parametrize("changes", SPOILT, ids=["type", "newer", "no upcaster", "data"])
async def test_projections_go_on_and_set_its_stream_aside(
    shelf: Shelf, changes: dict[str, object]
) -> None:
    await shelf.spoil(**changes)
    read_models = MemoryReadModels()
    runner = Runner([NOTEBOOKS], read_models=read_models, history=shelf.store)
    await runner.start()
    await runner.catch_up()
    assert runner.position == 6
    documents = read_models.collections["notebooks"].values()
    assert sorted(len(document["lines"]) for document in documents) == [0, 2]
    [first, second] = await read_models.parked(
        projection="notebooks", stream=f"notebook-{shelf.spoilt}", limit=10
    )
    assert first.error is not None
    assert "Asha" not in first.error
    assert second.error is None


async def test_a_later_release_takes_up_what_was_set_aside(shelf: Shelf) -> None:
    await shelf.spoil(type="TestOfTheNextRelease")
    read_models = MemoryReadModels()
    runner = Runner([NOTEBOOKS], read_models=read_models, history=shelf.store)
    await runner.start()
    await runner.catch_up()
    stream = f"notebook-{shelf.spoilt}"
    again = await retry(NOTEBOOKS, stream, read_models=read_models, history=shelf.store)
    assert again.failed is not None
    await shelf.spoil(type="TestLineWritten")
    again = await retry(NOTEBOOKS, stream, read_models=read_models, history=shelf.store)
    assert (again.released, again.failed) == (2, None)
    documents = read_models.collections["notebooks"].values()
    assert [len(document["lines"]) for document in documents] == [2, 2]


async def test_no_decision_rests_on_it(shelf: Shelf) -> None:
    await shelf.spoil(schema=9)
    with pytest.raises(UndecodableEventError, match="schema 9"):
        await shelf.store.load(Notebook, shelf.spoilt)
    with pytest.raises(UndecodableEventError):
        await shelf.store.load_many(Notebook, [shelf.spoilt, shelf.sound])
    assert (await shelf.store.load(Notebook, shelf.sound)).version == 3


async def test_as_a_message_it_keeps_its_place(shelf: Shelf) -> None:
    await shelf.spoil(type="TestOfTheNextRelease")
    commits = await shelf.store.read_commits(after_position=0, limit=10)
    bodies = [message_body(c, e, c["position"]) for c in commits for e in c["events"]]
    decoded = await shelf.store.decode(bodies)
    assert [(r.position, r.type) for r in decoded][:3] == [
        (1, "TestNotebookOpened"),
        (2, "TestOfTheNextRelease"),
        (3, "TestLineWritten"),
    ]
    assert isinstance(decoded[1].event, UnreadableEvent)
    with pytest.raises(UndecodableEventError, match="not an event of ours"):
        await shelf.store.decode([b"{}"])


@pytest.mark.parametrize("box", ["no base64!", "AAAA", ""])
async def test_a_personal_part_that_was_moved_or_changed_is_noticed(shelf: Shelf, box: str) -> None:
    stream = f"notebook-{shelf.spoilt}"
    await shelf.commits.update_one(
        {"events.stream": stream, "events.version": 1}, {"$set": {"events.0.personal.box": box}}
    )
    with pytest.raises(UndecodableEventError, match="was changed"):
        await shelf.store.read_stream(stream)


async def test_a_personal_part_cannot_be_moved_to_another_event(shelf: Shelf) -> None:
    firsts = await shelf.commits.find({"events.version": 1}).to_list()
    boxes = [commit["events"][0]["personal"] for commit in firsts]
    for commit, personal in zip(firsts, reversed(boxes), strict=True):
        await shelf.commits.update_one(
            {"_id": commit["_id"]}, {"$set": {"events.0.personal": personal}}
        )
    outcomes = await asyncio.gather(
        *(shelf.store.read_stream(f"notebook-{name}") for name in (shelf.spoilt, shelf.sound)),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [UndecodableEventError] * 2
