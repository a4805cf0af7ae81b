"""Whatever the wire does, a collection is the fold of the ledger."""

import asyncio
import random

import pytest

from domain.errors import Unavailable
from domain.read_models import Batch, Message, ParkedEvent, ReadModels, Standing
from projections.memory import fold
from projections.parking import Retried, retry
from projections.runner import Applied, Runner
from tests.projections.conftest import Documents
from tests.projections.gems import (
    Announcements,
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

GEMS = gems_projection()


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
async def runner(read_models: ReadModels, ledger: Ledger) -> Runner:
    return await started(read_models, ledger)


async def started(read_models: ReadModels, ledger: Ledger, *, cured: bool = False) -> Runner:
    projections = [gems_projection(cured=cured)]
    runner = Runner(projections, read_models=read_models, history=ledger, announce=Announcements())
    await runner.start()
    return runner


def as_folded(ledger: Ledger) -> list[dict[str, object]]:
    folded = fold(GEMS, ledger.events)
    return [folded[key] for key in sorted(folded, key=str)]


async def test_events_become_documents_and_the_position_moves(
    runner: Runner, ledger: Ledger, documents: Documents
) -> None:
    await runner.take(ledger.add(1, GemFound(name="ruby"), GemCut(facets=8), GemPriced()))
    [ruby] = await documents("gems")
    assert (ruby["name"], ruby["facets"], ruby["version"]) == ("ruby", 8, 2)
    assert runner.position == (await runner.read_models.standing()).position == 3


async def test_a_message_that_comes_twice_is_applied_once(
    runner: Runner, ledger: Ledger, documents: Documents
) -> None:
    messages = ledger.add(1, GemFound(name="ruby"), GemCut(facets=8))
    await runner.take([*messages, *messages])
    await runner.take(messages)
    assert await documents("gems") == as_folded(ledger)


async def test_messages_out_of_order_are_applied_in_order(
    runner: Runner, ledger: Ledger, documents: Documents
) -> None:
    messages = ledger.add(1, GemFound(name="ruby"), *(GemCut(facets=n) for n in range(9)))
    await runner.take(messages[5:][::-1])
    await runner.take(messages[:5][::-1])
    assert await documents("gems") == as_folded(ledger)
    assert runner.position == 10


async def test_a_gap_is_read_from_the_ledger(
    runner: Runner, ledger: Ledger, documents: Documents
) -> None:
    ledger.add(1, GemFound(name="ruby"), GemCut(facets=8))
    [last] = ledger.add(1, GemCut(facets=9))
    await runner.take([last])
    assert await documents("gems") == as_folded(ledger)
    assert runner.position == 3


async def test_where_the_wire_says_something_else_the_ledger_is_believed(
    runner: Runner, ledger: Ledger, documents: Documents
) -> None:
    """Somebody else published into the stream: bodies that are not those of their positions."""
    ledger.add(1, GemFound(name="ruby"), GemCut(facets=8), GemCut(facets=4))
    await runner.take([Message(1, b"2"), Message(2, b"1"), Message(3, b"3")])
    assert await documents("gems") == as_folded(ledger)
    assert runner.position == 3


async def test_a_gap_that_the_ledger_does_not_show_yet_is_waited_for(
    runner: Runner, ledger: Ledger, documents: Documents
) -> None:
    ledger.add(1, GemFound(name="ruby"))
    [last] = ledger.add(1, GemCut(facets=9))
    ledger.shown = 0
    await runner.take([last])
    assert runner.position == 0
    ledger.shown = None
    await runner.take([])
    assert await documents("gems") == as_folded(ledger)


async def test_a_runner_that_dies_between_write_and_acknowledgement_applies_nothing_twice(
    read_models: ReadModels, runner: Runner, ledger: Ledger, documents: Documents
) -> None:
    messages = ledger.add(1, GemFound(name="ruby"), GemCut(facets=8))
    await runner.take(messages)
    successor = await started(read_models, ledger)
    await successor.take([*messages, *ledger.add(1, GemCut(facets=1))])
    assert await documents("gems") == as_folded(ledger)


async def test_two_runners_at_once_apply_every_event_once(
    read_models: ReadModels, ledger: Ledger, documents: Documents
) -> None:
    pair = [await started(read_models, ledger), await started(read_models, ledger)]
    messages = ledger.add(1, GemFound(name="ruby"), *(GemCut(facets=1) for _ in range(60)))
    chunks = [messages[i : i + 7] for i in range(0, len(messages), 7)]

    async def feed(runner: Runner) -> None:
        for chunk in chunks:
            await runner.take(chunk)
        await runner.catch_up()

    await asyncio.gather(*(feed(runner) for runner in pair))
    assert await documents("gems") == as_folded(ledger)
    assert {runner.position for runner in pair} == {61}


async def test_any_disorder_on_the_wire_gives_the_fold_of_the_ledger(
    runner: Runner, ledger: Ledger, documents: Documents
) -> None:
    dice = random.Random(7)
    messages = [m for n in range(8) for m in ledger.add(n, GemFound(name=f"gem {n}"))]
    for _ in range(150):
        kind = dice.choice([GemCut(facets=dice.randrange(9)), GemPriced(), GemLost()])
        messages += ledger.add(dice.randrange(8), kind)
    wire = [m for m in messages if dice.random() > 0.2] + dice.choices(messages, k=40)
    dice.shuffle(wire)
    for start in range(0, len(wire), 11):
        await runner.take(wire[start : start + 11])
    await runner.take([])
    assert await documents("gems") == as_folded(ledger)


async def test_what_was_applied_is_announced_with_its_commits(
    runner: Runner, ledger: Ledger
) -> None:
    await runner.take(
        [
            *ledger.add(1, GemFound(name="ruby"), GemCut(facets=1), commit="one"),
            *ledger.add(2, GemFound(name="opal"), commit="two"),
        ]
    )
    assert isinstance(runner.announce, Announcements)
    types = frozenset({GemFound.TOPIC, GemCut.TOPIC})
    assert runner.announce.heard == [Applied(0, 3, {"one": (1, 2), "two": (3, 3)}, types)]


# --- Poisoned events ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "poison", [GemStained(), GemCracked()], ids=["fold raises", "write refused"]
)
async def test_a_poisoned_event_stops_its_stream_and_no_other(
    poison: GemStained | GemCracked, runner: Runner, ledger: Ledger, documents: Documents
) -> None:
    messages = [
        *ledger.add(1, GemFound(name="ruby"), GemCut(facets=1)),
        *ledger.add(2, GemFound(name="opal")),
        *ledger.add(1, poison, GemCut(facets=10)),
        *ledger.add(2, GemCut(facets=20)),
    ]
    await runner.take(messages)
    await runner.take(ledger.add(1, GemCut(facets=100)))
    ruby, opal = await documents("gems")
    assert (ruby["facets"], opal["facets"]) == (1, 20)
    aside = await runner.read_models.parked(projection="gems", stream=f"gem-{gem(1)}", limit=9)
    assert [(p.position, p.error is None) for p in aside] == [(4, False), (5, True), (7, True)]
    assert runner.position == 7


async def test_every_poisoned_stream_of_a_large_batch_is_found(
    runner: Runner, ledger: Ledger, documents: Documents
) -> None:
    messages = [m for n in range(40) for m in ledger.add(n, GemFound(name="gem"))]
    for n in range(40):
        messages += ledger.add(n, GemCracked() if n % 7 == 0 else GemCut(facets=n))
    await runner.take(messages)
    standing = await runner.read_models.standing()
    assert standing.parked == {("gems", f"gem-{gem(n)}") for n in range(0, 40, 7)}
    assert [g["facets"] for g in await documents("gems")] == [
        0 if n % 7 == 0 else n for n in range(40)
    ]


async def test_a_parked_stream_stays_parked_over_a_restart(
    read_models: ReadModels, runner: Runner, ledger: Ledger, documents: Documents
) -> None:
    await runner.take(ledger.add(1, GemFound(name="ruby"), GemStained()))
    successor = await started(read_models, ledger, cured=True)
    await successor.take(ledger.add(1, GemCut(facets=5)))
    [ruby] = await documents("gems")
    assert ruby["facets"] == 0


async def test_one_projection_s_poison_is_another_s_daily_bread(
    read_models: ReadModels, ledger: Ledger, documents: Documents
) -> None:
    pair = [gems_projection(), gems_projection(name="cured", cured=True)]
    runner = Runner(pair, read_models=read_models, history=ledger)
    await runner.start()
    await runner.take(ledger.add(1, GemFound(name="ruby"), GemCracked(), GemCut(facets=3)))
    [parked], [cured] = await documents("gems"), await documents("cured")
    assert (parked["facets"], cured["facets"], cured["cracked"]) == (0, 3, True)


@pytest.mark.parametrize(
    "poison", [GemStained(), GemCracked()], ids=["fold raises", "write refused"]
)
async def test_retried_with_a_cured_fold_the_stream_goes_on(
    poison: GemStained | GemCracked,
    read_models: ReadModels,
    runner: Runner,
    ledger: Ledger,
    documents: Documents,
) -> None:
    await runner.take(ledger.add(1, GemFound(name="ruby"), poison, GemCut(facets=4)))
    cured = gems_projection(cured=True)
    stream = f"gem-{gem(1)}"
    done = await retry(cured, stream, read_models=read_models, history=ledger)
    assert done == Retried(2)
    await runner.take(ledger.add(1, GemCut(facets=5)))  # it still believes the stream parked
    await runner.take([])
    assert (await read_models.standing()).parked == frozenset()
    expected = fold(cured, ledger.events)
    assert await documents("gems") == list(expected.values())


@pytest.mark.parametrize(
    "poison", [GemStained(), GemCracked()], ids=["fold raises", "write refused"]
)
async def test_retried_with_the_same_fold_the_stream_stays_parked_behind_the_same_event(
    poison: GemStained | GemCracked, read_models: ReadModels, runner: Runner, ledger: Ledger
) -> None:
    await runner.take(ledger.add(1, GemFound(name="ruby"), poison, GemCut(facets=4)))
    stream = f"gem-{gem(1)}"
    done = await retry(GEMS, stream, read_models=read_models, history=ledger)
    assert done.released == 0
    assert done.failed is not None
    assert done.failed.position == 2
    aside = await read_models.parked(projection="gems", stream=stream, limit=9)
    assert [p.position for p in aside] == [2, 3]


# --- Standing and stopping ----------------------------------------------------------------------------


async def test_documents_of_an_older_build_are_kept_up_to_date_until_they_are_rebuilt(
    read_models: ReadModels, runner: Runner, ledger: Ledger, documents: Documents
) -> None:
    await runner.take(ledger.add(1, GemFound(name="ruby")))
    successor = Runner([gems_projection(version=2)], read_models=read_models, history=ledger)
    await successor.start()
    await successor.take(ledger.add(1, GemCut(facets=5)) + ledger.add(2, GemFound(name="opal")))
    assert [(gem["name"], gem["facets"]) for gem in await documents("gems")] == [
        ("ruby", 5),
        ("opal", 0),
    ]
    assert (await read_models.standing()).versions == {"gems": 1}


@pytest.mark.parametrize("newer", [{"gems": 2}, {"carts": 1}], ids=["moved", "new"])
async def test_an_older_build_stands_by_before_read_models_of_a_newer_one(
    newer: dict[str, int],
    read_models: ReadModels,
    runner: Runner,
    ledger: Ledger,
    documents: Documents,
) -> None:
    await runner.take(ledger.add(1, GemFound(name="ruby")))
    for name, version in newer.items():
        await read_models.adopt(name, version=version, indexes=())
    with pytest.raises(Unavailable):
        await runner.take(ledger.add(1, GemCut(facets=5)))
    assert (runner.is_superseded, (await read_models.standing()).position) == (True, 1)
    assert [gem["facets"] for gem in await documents("gems")] == [0]


async def test_a_silent_feed_lets_the_ledger_be_read(
    runner: Runner, ledger: Ledger, documents: Documents
) -> None:
    ledger.add(1, GemFound(name="ruby"), GemCut(facets=1))
    await runner.take([])
    assert await documents("gems") == as_folded(ledger)


async def test_asked_to_stop_it_finishes_its_batch(
    runner: Runner, ledger: Ledger, documents: Documents
) -> None:
    stop, feed = asyncio.Event(), Deliveries()
    running = asyncio.create_task(runner.run(feed, stop=stop))
    feed.queue.put_nowait(ledger.add(1, GemFound(name="ruby")))
    stop.set()
    feed.queue.put_nowait(ledger.add(1, GemCut(facets=1)))
    await running
    assert runner.position in {0, 2}
    assert await documents("gems") == (as_folded(ledger) if runner.position else [])


class OftenDown:
    """A store whose first `faults` writes end unknown: some written, some not."""

    def __init__(self, store: ReadModels, *, faults: int) -> None:
        self.store = store
        self.faults = faults

    async def standing(self) -> Standing:
        return await self.store.standing()

    async def adopt(self, *args: object, **options: object) -> None:
        await self.store.adopt(*args, **options)  # type: ignore[arg-type]

    async def ensure_indexes(self, *args: object) -> None:
        await self.store.ensure_indexes(*args)  # type: ignore[arg-type]

    async def apply(self, batch: Batch) -> None:
        if self.faults == 0:
            await self.store.apply(batch)
            return
        self.faults -= 1
        if self.faults % 2:
            await self.store.apply(batch)
        raise Unavailable("the answer was lost")

    async def end_stale_fence(self) -> None:
        await self.store.end_stale_fence()

    async def parked(self, **options: object) -> list[ParkedEvent]:
        return await self.store.parked(**options)  # type: ignore[arg-type]

    async def release(self, *args: object, **options: object) -> None:
        await self.store.release(*args, **options)  # type: ignore[arg-type]


async def test_a_write_whose_answer_was_lost_is_neither_lost_nor_doubled(
    read_models: ReadModels, ledger: Ledger, documents: Documents
) -> None:
    shaky = OftenDown(read_models, faults=2)
    applied = asyncio.Event()

    async def announce(what: Applied) -> None:
        if what.position == 8:
            applied.set()

    runner = Runner([gems_projection()], read_models=shaky, history=ledger, announce=announce)
    stop, feed = asyncio.Event(), Deliveries()
    running = asyncio.create_task(runner.run(feed, stop=stop))
    for n in range(4):
        feed.queue.put_nowait(ledger.add(n, GemFound(name="gem"), GemCut(facets=1)))
    nothing: list[Message] = []
    feed.queue.put_nowait(nothing)
    feed.queue.put_nowait(nothing)
    async with asyncio.timeout(10):
        await applied.wait()
    stop.set()
    feed.queue.put_nowait(nothing)
    await running
    assert await documents("gems") == as_folded(ledger)
