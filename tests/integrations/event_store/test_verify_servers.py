"""What an insider does to MongoDB and JetStream beside the ledger is found too."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from bson.decimal128 import Decimal128
from nats.aio.client import Client
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from integrations.event_store import Ledger, MongoEventStore, SubjectKeys, published
from integrations.event_store.canonical import leaf_of
from integrations.event_store.relay import Relay
from integrations.event_store.verify import (
    Verification,
    _check_outside_the_ledger,
    blocks_with_commits,
    verify,
)
from tests.integrations.event_store.ledgerbook import context, line, opened

Commits = AsyncCollection[dict[str, Any]]


@dataclass
class Archive:
    ledger: Ledger
    relay: Relay
    store: MongoEventStore
    first: str

    @property
    def commits(self) -> Commits:
        return self.ledger.commits

    async def checks(self) -> set[str]:
        findings, _ = await verify(self.ledger, relay=self.relay)
        return {finding.check for finding in findings}

    async def seal(self) -> None:
        sealed = await self.ledger.seal()
        assert sealed is not None
        await self.ledger.finish(sealed.block)
        await self.relay.catch_up()


@pytest.fixture
async def archive(
    database: AsyncDatabase[dict[str, Any]], nats_connection: Client, stream_name: str
) -> AsyncIterator[Archive]:
    """Three blocks of two commits with three events, all published."""
    ledger, first = Ledger(database), secrets.token_hex(12)
    await ledger.prepare()
    store = MongoEventStore(database, SubjectKeys(database, b"k" * 32))
    await store.prepare()
    relay = Relay(nats_connection, ledger, stream=stream_name)
    await relay.ensure_stream()
    made = Archive(ledger, relay, store, first)
    for block in range(3):
        for number in range(2):
            name = first if block == number == 0 else secrets.token_hex(12)
            await store.append(opened(name, lines=2), context())
        await made.seal()
    yield made
    await store.close()


async def forge(archive: Archive, **changes: object) -> None:
    """A commit with a leaf that fits, which the ledger does not know."""
    [forged] = await archive.commits.find({"position": 4}).to_list()
    forged |= {"_id": "forged", "position": 5, "actor": "user-mallory"}
    for event in forged["events"]:
        event["stream"] = f"notebook-{secrets.token_hex(12)}"
    forged["leaf"] = leaf_of(forged)
    forged |= changes
    await archive.commits.insert_one({k: v for k, v in forged.items() if v is not None})


async def in_the_place_of_another(archive: Archive) -> None:
    """History would show the forged commit, and the number of places would still be right."""
    await forge(archive, position=5)
    await archive.commits.update_one({"position": 4}, {"$unset": {"position": 1}})
    await archive.commits.update_one({"_id": "forged"}, {"$set": {"position": 4}})


async def between_two_places(archive: Archive) -> None:
    await forge(archive, position=5)


async def behind_the_end(archive: Archive) -> None:
    await forge(archive, position=19)


async def at_no_place(archive: Archive) -> None:
    await forge(archive, position=-1.5)


async def at_a_place_of_another_kind(archive: Archive) -> None:
    """MongoDB takes it for a number, Python cannot compare it."""
    await forge(archive, position=Decimal128("4.5"))


async def at_two_places(archive: Archive) -> None:
    await forge(archive, position=[40, 41])


async def never_pending(archive: Archive) -> None:
    """Commands would load it; nothing would ever publish it."""
    await forge(archive, position=None)


async def without_its_mark(archive: Archive) -> None:
    await archive.commits.update_one({"position": 4}, {"$unset": {"position": 1}})


async def marked_elsewhere(archive: Archive) -> None:
    await archive.commits.update_one({"position": 4}, {"$set": {"position": 6}})


async def twice_at_one_place(archive: Archive) -> None:
    await archive.commits.drop_index("position")
    await forge(archive, position=4)


@pytest.mark.parametrize(
    ("act", "checks"),
    [
        (in_the_place_of_another, {"inserted", "mark"}),
        (between_two_places, {"inserted"}),
        (behind_the_end, {"inserted"}),
        (at_no_place, {"inserted"}),
        (at_a_place_of_another_kind, {"inserted"}),
        (at_two_places, {"inserted"}),
        (never_pending, {"inserted"}),
        (without_its_mark, {"inserted", "mark"}),
        (marked_elsewhere, {"mark"}),
        (twice_at_one_place, {"inserted"}),
    ],
)
async def test_a_commit_that_the_ledger_does_not_know_is_found(
    archive: Archive, act: Callable[[Archive], Awaitable[None]], checks: set[str]
) -> None:
    assert await archive.checks() == set()
    await act(archive)
    assert await archive.checks() == checks


async def test_a_running_shop_is_intact(archive: Archive) -> None:
    """Commits wait, the last block is not marked, JetStream has not come so far."""
    await archive.store.append([line(archive.first, 4)], context())
    assert await archive.ledger.seal() is not None
    await archive.store.append([line(archive.first, 5)], context())
    assert await archive.checks() == set()


async def test_a_block_that_is_sealed_while_we_look_is_no_forgery(archive: Archive) -> None:
    verification = Verification()
    async for block, commits in blocks_with_commits(archive.ledger):
        if block["_id"] <= 2:
            verification.block(block, commits)
    await _check_outside_the_ledger(verification, archive.ledger)
    assert verification.finish() == []


async def test_other_bytes_in_jetstream_are_found(
    archive: Archive, nats_connection: Client
) -> None:
    await nats_connection.request(
        f"{archive.relay._stream.lower()}.notebook.Forged", b"{}", timeout=5
    )
    assert await archive.checks() == {"truncated"}
    await archive.store.append([line(archive.first, 4)], context())
    assert await archive.ledger.seal() is not None
    assert await archive.checks() == {"jetstream"}


async def test_a_shorter_jetstream_is_only_behind(archive: Archive) -> None:
    await archive.store.append([line(archive.first, 4)], context())
    assert await archive.ledger.seal() is not None
    assert await archive.checks() == set()


async def test_a_commit_that_was_removed_is_missed(archive: Archive) -> None:
    await archive.commits.delete_one({"position": 4})
    findings, _ = await verify(archive.ledger)
    assert {finding.check for finding in findings} == {"missing"}


async def test_a_jetstream_without_some_of_its_events_is_found(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read in small batches, so that one begins in a hole and one ends in it."""
    monkeypatch.setattr(published, "BATCH_MESSAGES", 4)
    assert await archive.checks() == set()
    name = archive.relay._stream
    manager = archive.relay._client.jetstream()
    config = (await manager.stream_info(name)).config
    await manager.delete_stream(name)
    await manager.add_stream(replace(config, deny_delete=False))
    assert await archive.relay.catch_up() == 18
    for position in (1, 4, 5, 9, 18):
        await manager.delete_msg(name, position)
    findings, head = await verify(archive.ledger, relay=archive.relay)
    assert [(f.check, f.position) for f in findings] == [
        ("jetstream", position) for position in (1, 4, 5, 9, 18)
    ]
    assert head.position == 18
