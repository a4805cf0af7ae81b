"""The way from a commit to JetStream, on real servers."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import nats
import pytest
from nats.aio.client import Client
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import AutoReconnect

from domain.errors import Unavailable
from integrations.event_store import Ledger, MongoEventStore, SubjectKeys
from integrations.event_store.relay import (
    LedgerDivergedError,
    Relay,
    WrongStreamError,
    stream_config,
)
from integrations.event_store.sequencer import LEASE_SECONDS, Lease, Sequencer
from tests.integrations.event_store.ledgerbook import context, line, opened


@dataclass
class Shop:
    database: AsyncDatabase[dict[str, Any]]
    store: MongoEventStore
    ledger: Ledger
    relay: Relay
    nats: Client
    stream: str

    def another_relay(self) -> Relay:
        return Relay(self.nats, self.ledger, stream=self.stream)

    async def published(self) -> list[tuple[int, dict[str, Any]]]:
        """(sequence, body) of all that JetStream holds."""
        last = await self.relay.last_sequence()
        bodies = [await self.relay.message_at(n) for n in range(1, last + 1)]
        return [(n, json.loads(b)) for n, b in enumerate(bodies, 1) if b is not None]

    async def until_published(self, position: int) -> None:
        async with asyncio.timeout(20):
            while await self.relay.last_sequence() < position:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.01)


@pytest.fixture
async def shop(
    database: AsyncDatabase[dict[str, Any]], nats_connection: Client, stream_name: str
) -> AsyncIterator[Shop]:
    ledger = Ledger(database)
    await ledger.prepare()
    store = MongoEventStore(database, SubjectKeys(database, b"k" * 32))
    await store.prepare()
    relay = Relay(nats_connection, ledger, stream=stream_name)
    await relay.ensure_stream()
    yield Shop(database, store, ledger, relay, nats_connection, stream_name)
    await store.close()


async def running(
    shop: Shop, *, lease: bool = False
) -> tuple[Sequencer, asyncio.Event, asyncio.Task[None]]:
    stop = asyncio.Event()
    sequencer = Sequencer(
        shop.ledger, shop.another_relay(), lease=Lease(shop.database) if lease else None
    )
    return sequencer, stop, asyncio.create_task(sequencer.run(stop))


async def write(shop: Shop, count: int) -> None:
    await asyncio.gather(
        *(
            shop.store.append(opened(secrets.token_hex(12), lines=1), context())
            for _ in range(count)
        )
    )


async def test_every_event_reaches_jetstream_at_its_position(shop: Shop) -> None:
    sequencer, stop, task = await running(shop)
    await write(shop, 100)
    sequencer.wake()
    await shop.until_published(200)
    stop.set()
    await task
    history = await shop.store.read_history(after_position=0, limit=1_000)
    published = await shop.published()
    assert [n for n, _ in published] == list(range(1, 201))
    assert [body["id"] for _, body in published] == [e.event_id for e in history]
    assert [int(body["sequence"]) for _, body in published] == [e.position for e in history]


@pytest.mark.timeout(300)  # a batch that JetStream gave up is tried again after ten seconds
async def test_three_sequencers_without_a_lease_make_one_history(shop: Shop) -> None:
    several = [await running(shop) for _ in range(3)]
    for _ in range(10):
        await write(shop, 20)
    await shop.until_published(400)
    for _, stop, task in several:
        stop.set()
        await task
    history = await shop.store.read_history(after_position=0, limit=1_000)
    assert len({e.event_id for e in history}) == 400
    assert [body["id"] for _, body in await shop.published()] == [e.event_id for e in history]
    blocks = await shop.ledger.blocks.find().sort("_id", 1).to_list()
    assert [b["_id"] for b in blocks] == list(range(1, len(blocks) + 1))


async def test_a_lease_keeps_the_second_sequencer_idle_until_the_first_ends(shop: Shop) -> None:
    first, second = Lease(shop.database), Lease(shop.database)
    assert await first.held()
    assert not await second.held()
    await first.release()
    assert await second.held()


async def test_a_lease_is_renewed_beside_the_work(shop: Shop) -> None:
    first, second = Lease(shop.database), Lease(shop.database)
    assert await first.held()
    for _ in range(6):  # longer than it lasts unrenewed
        await asyncio.sleep(LEASE_SECONDS / 5)
        assert await first.held()
        assert not await second.held()
    await first.release()
    assert await second.held()


async def test_a_block_left_unfinished_is_finished_by_the_next_sequencer(shop: Shop) -> None:
    await write(shop, 5)
    assert await shop.ledger.seal() is not None  # and the process dies before it marks the commits
    assert await shop.store.read_history(after_position=0, limit=10) == []
    await write(shop, 5)
    successor = Ledger(shop.database)
    sealed = await successor.seal()
    assert sealed is not None
    await successor.finish(sealed.block)
    history = await shop.store.read_history(after_position=0, limit=100)
    assert [e.position for e in history] == list(range(1, 21))


async def test_blocks_that_wait_for_the_relay_go_in_one_publish(shop: Shop) -> None:
    blocks = []
    for _ in range(3):
        await write(shop, 2)
        sealed = await shop.ledger.seal()
        assert sealed is not None
        await shop.ledger.finish(sealed.block)
        blocks.append(sealed)
    assert not await shop.relay.publish(blocks[1], blocks[2])
    assert await shop.relay.publish(*blocks)
    assert [n for n, _ in await shop.published()] == list(range(1, 13))


async def test_an_old_leader_that_wakes_hours_later_changes_nothing(shop: Shop) -> None:
    await write(shop, 3)
    sleeper = Ledger(shop.database)
    old = await sleeper.seal()
    assert old is not None
    other = Ledger(shop.database)
    await other.seal()
    await write(shop, 3)
    newer = await other.seal()
    assert newer is not None
    await other.finish(newer.block)
    before = await shop.database["commits"].find().sort("_id", 1).to_list()
    await sleeper.finish(old.block)
    assert await shop.database["commits"].find().sort("_id", 1).to_list() == before


async def test_a_version_written_by_a_slow_clock_still_follows_its_predecessor(shop: Shop) -> None:
    a = secrets.token_hex(12)
    await shop.store.append(opened(a), context())
    await shop.store.append([line(a, 2)], context())
    await shop.database["commits"].update_one(
        {"events.version": 2}, [{"$set": {"at": {"$subtract": ["$at", 3_600_000]}}}]
    )
    sealed = await shop.ledger.seal()
    assert sealed is not None
    assert [c["events"][0]["version"] for c in sealed.commits] == [1, 2]


async def test_an_effect_follows_its_cause(shop: Shop) -> None:
    a, b = secrets.token_hex(12), secrets.token_hex(12)
    await shop.store.append(opened(a), context())
    cause = await shop.database["commits"].find_one({})
    assert cause is not None
    effect = replace(context(), causation=cause["events"][0]["id"])
    await shop.store.append(opened(b), effect)
    await shop.database["commits"].update_one(
        {"causation": {"$ne": None}}, [{"$set": {"at": {"$subtract": ["$at", 3_600_000]}}}]
    )
    sealed = await shop.ledger.seal()
    assert sealed is not None
    assert [c["events"][0]["stream"] for c in sealed.commits] == [f"notebook-{a}", f"notebook-{b}"]


async def test_a_backlog_larger_than_a_block_keeps_every_order(shop: Shop) -> None:
    ids = [secrets.token_hex(12) for _ in range(400)]
    await asyncio.gather(*(shop.store.append(opened(i), context()) for i in ids))
    await asyncio.gather(*(shop.store.append([line(i, 2)], context()) for i in ids))
    await shop.database["commits"].update_many(
        {"events.version": 2}, [{"$set": {"at": {"$subtract": ["$at", 3_600_000]}}}]
    )
    for _ in range(50):
        if (sealed := await shop.ledger.seal()) is not None:
            await shop.ledger.finish(sealed.block)
    history = await shop.store.read_history(after_position=0, limit=1_000)
    assert len(history) == 800
    seen: dict[str, int] = {}
    for recorded in history:
        assert recorded.version == seen.get(recorded.stream, 0) + 1
        seen[recorded.stream] = recorded.version


async def test_a_backlog_whose_first_pages_wait_for_its_last_is_placed(shop: Shop) -> None:
    """Every second version by a clock that is an hour slow: no page of the backlog can be placed alone."""
    ids = [secrets.token_hex(12) for _ in range(12)]
    await asyncio.gather(*(shop.store.append(opened(i), context()) for i in ids))
    await asyncio.gather(*(shop.store.append([line(i, 2)], context()) for i in ids))
    await shop.database["commits"].update_many(
        {"events.version": 2}, [{"$set": {"at": {"$subtract": ["$at", 3_600_000]}}}]
    )
    ledger = Ledger(shop.database, block_commits=4)
    for _ in range(12):
        if (sealed := await ledger.seal()) is not None:
            assert len(sealed.commits) <= 4
            await ledger.finish(sealed.block)
    assert await shop.store.last_position() == 24


async def test_what_another_sequencer_was_faster_with_is_not_taken_for_placed(shop: Shop) -> None:
    a, others = secrets.token_hex(12), [secrets.token_hex(12) for _ in range(3)]
    await shop.store.append(opened(a), context())
    slow, fast = Ledger(shop.database, block_commits=2), Ledger(shop.database, block_commits=2)
    reads = slow._in_causal_order

    async def while_another_seals(
        pending: Sequence[dict[str, Any]], *, is_all: bool
    ) -> list[dict[str, Any]]:
        """Between the slow one's reading and its insert."""
        ordered = await reads(pending, is_all=is_all)
        if others:
            for _ in range(2):
                await shop.store.append(opened(others.pop()), context())
            await shop.database["commits"].update_many(
                {"events.stream": {"$ne": f"notebook-{a}"}},
                [{"$set": {"at": {"$subtract": ["$at", 3_600_000]}}}],
            )
            others.clear()
            assert await fast.seal() is not None
        return ordered

    slow._in_causal_order = while_another_seals  # type: ignore[method-assign]
    assert await slow.seal() is None
    assert slow._placed == {}


@pytest.mark.parametrize("commits", [4, 40])
async def test_a_lost_acknowledgement_is_recognised_by_the_stored_bytes(
    shop: Shop, commits: int
) -> None:
    await write(shop, commits)
    sealed = await shop.ledger.seal()
    assert sealed is not None
    assert await shop.relay.publish(sealed)
    twin = shop.another_relay()  # knows nothing of it and publishes again
    assert await twin.publish(sealed)
    assert await shop.relay.last_sequence() == 2 * commits


async def test_a_stream_of_an_earlier_release_learns_to_take_batches(shop: Shop) -> None:
    jetstream = shop.nats.jetstream()
    await jetstream.delete_stream(shop.stream)
    await jetstream.add_stream(name=shop.stream, subjects=[f"{shop.stream.lower()}.>"])
    await shop.relay.ensure_stream()
    await write(shop, 40)
    sealed = await shop.ledger.seal()
    assert sealed is not None
    assert await shop.relay.publish(sealed)
    assert await shop.relay.last_sequence() == 80


async def test_another_event_at_our_position_halts_the_relay(shop: Shop) -> None:
    await write(shop, 2)
    sealed = await shop.ledger.seal()
    assert sealed is not None
    await shop.nats.request(f"{shop.stream.lower()}.notebook.Forged", b"{}", timeout=5)
    with pytest.raises(LedgerDivergedError):
        await shop.relay.publish(sealed)


async def test_a_deleted_stream_is_filled_again_with_the_same_positions(shop: Shop) -> None:
    sequencer, stop, task = await running(shop)
    await write(shop, 30)
    sequencer.wake()
    await shop.until_published(60)
    before = await shop.published()
    await shop.nats.jetstream().delete_stream(shop.stream)
    await write(shop, 30)
    sequencer.wake()
    await shop.until_published(120)
    stop.set()
    await task
    assert (await shop.published())[:60] == before


async def test_a_ledger_behind_jetstream_refuses_to_sequence(shop: Shop) -> None:
    await write(shop, 2)
    sealed = await shop.ledger.seal()
    assert sealed is not None
    await shop.relay.publish(sealed)
    await shop.database["ledger"].delete_many({})  # MongoDB came back from an older backup
    sequencer = Sequencer(shop.ledger, shop.another_relay())
    with pytest.raises(LedgerDivergedError, match="older backup"):
        await sequencer.run(asyncio.Event())


async def test_a_halted_relay_ends_the_sequencer_with_its_reason(shop: Shop) -> None:
    sequencer, _, task = await running(shop, lease=True)
    await write(shop, 2)
    sequencer.wake()
    await shop.until_published(4)
    await shop.nats.request(f"{shop.stream.lower()}.notebook.Forged", b"{}", timeout=5)
    await write(shop, 2)
    sequencer.wake()
    with pytest.raises(LedgerDivergedError):
        await asyncio.wait_for(task, 20)
    assert await shop.database["leases"].count_documents({}) == 0


async def test_jetstream_of_another_shop_is_recognised_by_its_last_event(shop: Shop) -> None:
    await write(shop, 2)
    sealed = await shop.ledger.seal()
    assert sealed is not None
    await shop.nats.request(f"{shop.stream.lower()}.notebook.Foreign", b"{}", timeout=5)
    with pytest.raises(LedgerDivergedError, match="another copy"):
        await Sequencer(shop.ledger, shop.another_relay()).run(asyncio.Event())


class Restored(Ledger):
    """Its database fails once, and comes back as it was before."""

    failed = False

    async def seal(self) -> Any:
        if await self.blocks.count_documents({}) and not self.failed:
            self.failed = True
            await self.blocks.database["ledger"].delete_many({})
            raise AutoReconnect("the server is restarting")
        return await super().seal()


async def test_a_database_restored_behind_a_running_sequencer_halts_it(shop: Shop) -> None:
    await write(shop, 2)
    sequencer = Sequencer(Restored(shop.database), shop.another_relay())
    first = await shop.ledger.seal()
    assert first is not None
    await shop.relay.publish(first)
    with pytest.raises(LedgerDivergedError, match="older backup"):
        await asyncio.wait_for(sequencer.run(asyncio.Event()), 20)
    assert await shop.database["ledger"].count_documents({}) == 0


async def test_commits_of_old_blocks_that_a_backup_shows_as_pending_stop_nothing(
    shop: Shop,
) -> None:
    for _ in range(3):
        await write(shop, 2)
        sealed = await shop.ledger.seal()
        assert sealed is not None
        await shop.ledger.finish(sealed.block)
    await shop.database["commits"].update_many(
        {"position": {"$lte": 4}}, {"$set": {"pending": True}, "$unset": {"position": 1}}
    )
    await write(shop, 2)
    successor = Ledger(shop.database)
    for _ in range(3):
        if (sealed := await successor.seal()) is not None:
            await successor.finish(sealed.block)
    history = await shop.store.read_history(after_position=0, limit=100)
    assert [e.position for e in history] == list(range(1, 17))


async def test_commits_that_wait_for_each_other_are_told(shop: Shop) -> None:
    a, b = secrets.token_hex(12), secrets.token_hex(12)
    await shop.store.append([*opened(a), line(b, 2)], context())
    await shop.store.append([*opened(b), line(a, 2)], context())
    with pytest.raises(Unavailable, match="2 commits wait for predecessors"):
        await shop.ledger.seal()


async def test_a_page_of_large_commits_ends_before_memory_does(shop: Shop) -> None:
    ids = [secrets.token_hex(12) for _ in range(12)]
    for i in ids:
        await shop.store.append(
            [*opened(i), line(i, 2, "x" * 450_000), line(i, 3, "y" * 450_000)], context()
        )
    blocks = []
    while (sealed := await shop.ledger.seal()) is not None:
        await shop.ledger.finish(sealed.block)
        assert await shop.relay.publish(sealed) or await shop.relay.catch_up()
        blocks.append(len(sealed.commits))
    assert blocks == [9, 3]
    assert await shop.relay.last_sequence() == 36


async def test_a_damaged_ledger_names_the_commit_that_is_gone(shop: Shop) -> None:
    await write(shop, 2)
    sealed = await shop.ledger.seal()
    assert sealed is not None
    await shop.database["commits"].delete_one({"_id": sealed.commits[0]["_id"]})
    with pytest.raises(LedgerDivergedError, match="is gone"):
        await shop.relay.catch_up()


@pytest.mark.parametrize(
    "setting",
    [
        {"subjects": ["elsewhere.>"]},
        {"max_msgs": 10},
        {"max_age": 3_600_000_000_000},
        {"retention": "workqueue"},
        {"storage": "memory"},
    ],
    ids=lambda setting: next(iter(setting)),
)
async def test_a_stream_that_would_lose_events_is_refused(
    shop: Shop, setting: dict[str, Any]
) -> None:
    await shop.nats.jetstream().delete_stream(shop.stream)
    config = stream_config(shop.stream, replicas=1, first_seq=1) | setting
    answer = await shop.relay._api(f"STREAM.CREATE.{shop.stream}", config)
    assert "error" not in answer
    with pytest.raises(WrongStreamError, match=next(iter(setting))):
        await shop.relay.ensure_stream()


async def test_a_stream_of_an_earlier_release_learns_what_it_lacks(shop: Shop) -> None:
    await shop.nats.jetstream().delete_stream(shop.stream)
    config = stream_config(shop.stream, replicas=1, first_seq=1)
    for name in ("allow_atomic", "deny_delete", "deny_purge"):
        del config[name]
    await shop.relay._api(f"STREAM.CREATE.{shop.stream}", config)
    await shop.relay.ensure_stream()
    info = await shop.relay._api(f"STREAM.INFO.{shop.stream}", {})
    assert info["config"]["allow_atomic"]
    assert info["config"]["deny_delete"]
    assert info["config"]["deny_purge"]


@pytest.mark.parametrize("lines", [1, 30], ids=["one by one", "as a batch"])
async def test_a_broker_that_takes_only_small_messages_is_named(shop: Shop, lines: int) -> None:
    a = secrets.token_hex(12)
    await shop.store.append([*opened(a, lines=lines), line(a, lines + 2, "x" * 400_000)], context())
    await shop.store.append(opened(secrets.token_hex(12)), context())
    sealed = await shop.ledger.seal()
    assert sealed is not None
    shop.nats._max_payload = 100_000
    with pytest.raises(Unavailable, match="max_payload"):
        await shop.relay.catch_up()


async def test_a_relay_without_a_broker_goes_on_later(shop: Shop, nats_url: str) -> None:
    connection = await nats.connect(nats_url)
    relay = Relay(connection, shop.ledger, stream=shop.stream)
    await connection.close()
    for count in (1, 20):
        await write(shop, count)
        sealed = await shop.ledger.seal()
        assert sealed is not None
        relay._published = sealed.block["first"] - 1
        with pytest.raises(Unavailable):
            await relay.publish(sealed)
    with pytest.raises(Unavailable):
        await relay.catch_up()
