"""A rebuilt collection is the fold of the ledger, and takes its place while everything runs."""

import asyncio
from datetime import datetime
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

from domain.errors import Unavailable
from domain.read_models import MovedError
from integrations.moves import Move
from integrations.read_models import MongoReadModels
from integrations.rebuilding import MongoBuilding
from projections.compact import compact
from projections.memory import Collection, apply_write, fold
from projections.projection import Change, Projection, Put
from projections.rebuild import rebuild
from projections.runner import Runner
from tests.projections.gems import (
    Deliveries,
    GemCracked,
    GemCut,
    GemFound,
    GemLost,
    GemPriced,
    GemStained,
    Ledger,
    gem,
    gems_projection,
)

Database = AsyncDatabase[dict[str, Any]]
QUERY_PLAN_KILLED = 175
NEW = gems_projection(version=2, cured=True)


class Shop:
    """The live runner of version 1, and a ledger of gems."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ledger = Ledger()
        self.feed = Deliveries()
        self.read_models = MongoReadModels(database)
        self.stop = asyncio.Event()
        self.runner = self.runner_of(gems_projection())

    def runner_of(self, *projections: Projection) -> Runner:
        return Runner(projections, read_models=self.read_models, history=self.ledger)

    def fill(self, gems: int) -> None:
        for number in range(gems):
            self.ledger.add(number, GemFound(name=f"gem {number}"), GemCut(facets=number))
        for number in range(0, gems, 3):
            self.ledger.add(number, GemCut(facets=1), GemPriced())
        for number in range(0, gems, 10):
            self.ledger.add(number, GemLost())

    def building(self, version: int = 2) -> MongoBuilding:
        return MongoBuilding(self.database, "gems", version=version)

    async def rebuild(self, projection: Projection = NEW, **options: Any) -> int:
        building = self.building(projection.version)
        return await rebuild(projection, building=building, history=self.ledger, **options)

    async def documents(self) -> list[dict[str, Any]]:
        return await self.database["gems"].find().sort("_id", 1).to_list()

    def folded(self, projection: Projection = NEW) -> list[dict[str, Any]]:
        folded = fold(projection, self.ledger.events)
        return [folded[key] for key in sorted(folded, key=str)]

    async def leftovers(self) -> list[str]:
        names = await self.database.list_collection_names()
        checkpoints = await self.database["checkpoints"].distinct("_id")
        return [name for name in [*names, *checkpoints] if "__v" in name]


@pytest.fixture
async def shop(database: Database) -> Shop:
    shop = Shop(database)
    await shop.read_models.prepare()
    await shop.runner.start()
    return shop


async def test_a_rebuilt_collection_is_the_fold_of_the_ledger(shop: Shop) -> None:
    shop.fill(200)
    await shop.runner.catch_up()
    assert await shop.documents() == shop.folded(gems_projection())
    assert await shop.rebuild(batch_events=37) == len(shop.ledger.events)
    assert await shop.documents() == shop.folded()
    assert await shop.leftovers() == []
    assert (await shop.read_models.standing()).versions == {"gems": 2}


@pytest.mark.parametrize("batch_events", [1, 20, 1_000])
async def test_what_is_put_again_replaces_what_was_put_before(
    batch_events: int, shop: Shop
) -> None:
    last_words = Projection("gems", version=3)

    @last_words.on(GemFound, GemCut)
    def told(event: GemFound | GemCut, at: datetime) -> Change:
        return Put({"last": event.TOPIC, "at": at})

    shop.fill(20)
    await shop.runner.catch_up()
    await shop.rebuild(last_words, batch_events=batch_events)
    assert await shop.documents() == shop.folded(last_words)


async def test_the_rebuilt_collection_has_its_indexes(shop: Shop) -> None:
    await shop.rebuild()
    indexes = await shop.database["gems"].index_information()
    assert [("name", 1)] in [index["key"] for index in indexes.values()]


@pytest.mark.parametrize("version", [1, 2], ids=["while it is served", "while it stands still"])
async def test_live_events_arrive_all_the_while_and_none_is_lost_or_doubled(
    version: int, shop: Shop
) -> None:
    shop.fill(600)
    await shop.runner.catch_up()
    projection = gems_projection(version=version, cured=True)
    runner = shop.runner_of(projection)
    rebuilt = asyncio.Event()

    async def serve() -> None:
        await runner.start()
        rounds = 0
        while rounds < 20:
            number = len(shop.ledger.events) % 500
            await runner.take(shop.ledger.add(number, GemCut(facets=1)))
            rounds += rebuilt.is_set()

    async def read() -> int:
        least = 10**9
        while not serving.done():
            try:
                least = min(least, len(await shop.database["gems"].find().to_list()))
            except OperationFailure as e:
                assert e.code == QUERY_PLAN_KILLED  # noqa: PT017 # in flight at the very moment
        return least

    serving = asyncio.create_task(serve())
    reading = asyncio.create_task(read())
    await shop.rebuild(projection, batch_events=50)
    rebuilt.set()
    await serving
    assert await reading == 540
    assert await shop.documents() == shop.folded(projection)


async def test_a_rebuild_that_died_goes_on_where_it_was(shop: Shop) -> None:
    shop.fill(1_000)
    await shop.runner.catch_up()
    seen: list[int] = []

    class PowerCutError(Exception):
        pass

    def die(position: int, _end: int) -> None:
        seen.append(position)
        if position >= 1_000:
            raise PowerCutError

    with pytest.raises(PowerCutError):
        await shop.rebuild(progress=die, batch_events=100)
    seen.clear()
    await shop.rebuild(progress=lambda position, _end: seen.append(position), batch_events=100)
    assert seen[0] == 1_100
    assert await shop.documents() == shop.folded()


async def test_an_increment_is_not_doubled_when_a_batch_is_repeated(shop: Shop) -> None:
    shop.fill(30)
    await shop.runner.catch_up()
    building = shop.building()
    await building.begin()
    first = Runner([NEW], read_models=building, history=shop.ledger)
    second = Runner([NEW], read_models=building, history=shop.ledger)
    await first.start()
    await second.start()
    events = await shop.ledger.read_history(after_position=0, limit=60)
    await first.apply(events)
    await second.apply(events)
    await shop.rebuild()
    assert await shop.documents() == shop.folded()


async def test_what_the_old_folds_parked_the_new_ones_take_in(shop: Shop) -> None:
    shop.ledger.add(1, GemFound(name="ruby"), GemStained(), GemCut(facets=5))
    shop.ledger.add(2, GemFound(name="opal"), GemCracked())
    await shop.runner.catch_up()
    assert len((await shop.read_models.standing()).parked) == 2
    await shop.rebuild()
    assert (await shop.read_models.standing()).parked == frozenset()
    assert await shop.documents() == shop.folded()


async def test_what_the_new_folds_cannot_take_in_is_parked_once_they_serve(shop: Shop) -> None:
    shop.ledger.add(1, GemFound(name="ruby"), GemCracked(), GemCut(facets=5))
    shop.ledger.add(2, GemFound(name="opal"), GemStained())
    await shop.runner.catch_up()
    await shop.rebuild(gems_projection(version=2))
    aside = await shop.read_models.parked(projection="gems", stream=f"gem-{gem(1)}", limit=9)
    assert [p.position for p in aside] == [2, 3]
    standing = await shop.read_models.standing()
    assert {stream for _, stream in standing.parked} == {f"gem-{gem(1)}", f"gem-{gem(2)}"}
    assert await shop.leftovers() == []


async def test_a_runner_that_looked_away_during_the_move_notices_it(shop: Shop) -> None:
    """The position is the same before and after; the collection is not."""
    shop.fill(20)
    await shop.runner.catch_up()
    successor = shop.runner_of(NEW)
    await successor.start()
    await shop.rebuild()
    await successor.take(shop.ledger.add(1, GemCut(facets=1)))
    assert await shop.documents() == shop.folded()


# --- Deaths inside the fence -----------------------------------------------------------------------


async def fenced(shop: Shop) -> MongoBuilding:
    """A rebuild that has come as far as the fence."""
    shop.fill(20)
    await shop.runner.catch_up()
    building = shop.building()
    await building.begin()
    runner = Runner([NEW], read_models=building, history=shop.ledger)
    await runner.start()
    await building.fence()
    await runner.catch_up()
    return building


async def test_while_fenced_nothing_is_applied_and_readers_have_the_old_collection(
    shop: Shop,
) -> None:
    await fenced(shop)
    before = await shop.documents()
    with pytest.raises(MovedError):
        await shop.building(version=3).fence()
    waiting = asyncio.create_task(shop.runner.take(shop.ledger.add(1, GemCut(facets=1))))
    done, _ = await asyncio.wait({waiting}, timeout=0.3)
    assert not done
    assert await shop.documents() == before
    again = shop.building()
    await again.fence()
    await again.swap()
    with pytest.raises(Unavailable):  # they are of a newer build now
        await waiting


async def test_a_maker_that_died_before_the_rename_is_given_up_after_a_minute(shop: Shop) -> None:
    building = await fenced(shop)
    before = await shop.documents()
    await Move(shop.database).end_if_stale()
    assert (await shop.read_models.standing()).fence == "gems"
    await Move(shop.database, stale_milliseconds=-1).end_if_stale()
    assert (await shop.read_models.standing()).fence is None
    assert await shop.documents() == before
    assert await shop.leftovers() == []
    with pytest.raises(MovedError):
        await building.swap()  # it was only asleep
    await shop.rebuild()
    assert await shop.documents() == shop.folded()


async def test_a_maker_that_slept_does_not_move_in_what_another_one_is_filling(
    shop: Shop,
) -> None:
    sleeper = await fenced(shop)
    await Move(shop.database, stale_milliseconds=-1).end_if_stale()
    other = shop.building(version=3)
    await other.begin()
    await other.adopt("gems", version=3, indexes=())
    before = await shop.documents()
    await other.fence()
    with pytest.raises(MovedError):
        await sleeper.swap()
    assert await shop.documents() == before
    assert (await shop.read_models.standing()).fence == "gems"


async def test_what_was_not_filled_to_the_end_is_not_moved_in(shop: Shop) -> None:
    """Another maker of the same may have taken it away, or the ledger shows less than it did."""
    shop.fill(20)
    await shop.runner.catch_up()
    before = await shop.documents()
    shown = shop.ledger.read_history

    async def less(**asked: Any) -> Any:
        return (await shown(**asked))[:-3]

    shop.ledger.read_history = less  # type: ignore[method-assign]
    with pytest.raises(MovedError):
        await shop.rebuild()
    shop.ledger.read_history = shown  # type: ignore[method-assign]
    assert await shop.documents() == before
    await shop.rebuild()
    assert await shop.documents() == shop.folded()


async def test_a_maker_that_died_after_the_rename_has_its_move_finished_by_the_runner(
    shop: Shop,
) -> None:
    building = await fenced(shop)
    move = Move(shop.database)
    fence = await move._fence()
    assert fence is not None
    await move._rename(fence)
    successor = shop.runner_of(NEW)
    async with asyncio.timeout(5):
        await successor.start()
        await successor.take(shop.ledger.add(1, GemCut(facets=1)))
    assert await shop.documents() == shop.folded()
    assert await shop.leftovers() == []
    with pytest.raises(MovedError):
        await building.swap()


async def test_a_maker_that_died_in_the_fence_and_comes_back_finishes(shop: Shop) -> None:
    await fenced(shop)
    await shop.rebuild()
    assert await shop.documents() == shop.folded()


# --- Fewer writes, same effect ------------------------------------------------------------------------


def test_compact_writes_have_the_same_effect(shop: Shop) -> None:
    shop.fill(30)
    shop.ledger.add(3, GemFound(name="again"), GemCut(facets=2), GemLost(), GemCut(facets=9))
    writes = [write for event in shop.ledger.events for write in NEW.writes(event)]
    fewer = compact(writes)
    assert len(fewer) < len(writes) / 2
    plain: Collection = {}
    short: Collection = {}
    for write in writes:
        apply_write(plain, write)
    for write in fewer:
        apply_write(short, write)
    assert short == plain


def test_a_write_that_will_be_refused_is_left_for_mongodb_to_refuse(shop: Shop) -> None:
    shop.ledger.add(1, GemFound(name="ruby"), GemCracked(), GemCut(facets=1))
    old = gems_projection()
    writes = [write for event in shop.ledger.events for write in old.writes(event)]
    assert compact(writes) == writes
