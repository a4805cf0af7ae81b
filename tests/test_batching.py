"""Questions of many callers go out together, and none is answered from the past."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest

from batching import Batched, Shared


class Shelf:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.stock = {"ring": 1, "chain": 2}
        self.open = asyncio.Event()
        self.open.set()
        self.came = asyncio.Semaphore(0)

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, int]:
        self.asked.append(list(keys))
        self.came.release()
        answer = dict(self.stock)
        await self.open.wait()
        if "fire" in keys:
            raise OSError("the shelf burns")
        return answer


async def test_callers_of_one_moment_share_a_question() -> None:
    shelf = Shelf()
    batched = Batched(shelf.fetch)
    answers = await asyncio.gather(*(batched.get(k) for k in ("ring", "chain", "ring", "crown")))
    assert answers == [1, 2, 1, None]
    assert shelf.asked == [["ring", "chain", "crown"]]


async def test_who_asks_later_is_not_answered_from_an_earlier_question() -> None:
    shelf = Shelf()
    batched = Batched(shelf.fetch)
    shelf.open.clear()
    early = asyncio.create_task(batched.get("ring"))
    await shelf.came.acquire()
    shelf.stock["ring"] = 9
    late = asyncio.create_task(batched.get("ring"))
    await shelf.came.acquire()
    shelf.open.set()
    assert (await early, await late) == (1, 9)


async def test_only_so_many_questions_are_under_way() -> None:
    shelf = Shelf()
    batched = Batched(shelf.fetch, under_way=1, most=2)
    shelf.open.clear()
    first = asyncio.create_task(batched.get("ring"))
    await shelf.came.acquire()
    rest = [asyncio.create_task(batched.get(k)) for k in ("chain", "a", "b")]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert shelf.asked == [["ring"]]
    shelf.open.set()
    assert await asyncio.gather(first, *rest) == [1, 2, None, None]
    assert shelf.asked == [["ring"], ["chain", "a"], ["b"]]


async def test_a_fault_reaches_all_who_asked_and_nobody_else() -> None:
    batched = Batched(Shelf().fetch)
    failed = await asyncio.gather(batched.get("fire"), batched.get("ring"), return_exceptions=True)
    assert [type(f) for f in failed] == [OSError, OSError]
    assert await batched.get("ring") == 1


async def test_a_caller_who_leaves_takes_nobody_along() -> None:
    shelf = Shelf()
    batched = Batched(shelf.fetch)
    shelf.open.clear()
    leaving, staying = (asyncio.create_task(batched.get("ring")) for _ in range(2))
    await shelf.came.acquire()
    leaving.cancel()
    shelf.open.set()
    assert await staying == 1
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_many_are_those_that_there_are() -> None:
    assert await Batched(Shelf().fetch).get_many(["ring", "crown"]) == {"ring": 1}


class Kitchen:
    """Cooks when it is told to, and numbers what it makes."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.open = asyncio.Event()
        self.came = asyncio.Semaphore(0)

    def making(self, name: str) -> Callable[[], Awaitable[str]]:
        async def make() -> str:
            self.began.append(name)
            self.came.release()
            dish = f"{name} {len(self.began)}"
            await self.open.wait()
            if name == "fire":
                raise OSError("the kitchen burns")
            return dish

        return make


def ordered(shared: Shared, kitchen: Kitchen, *names: str) -> list[asyncio.Task[str]]:
    return [asyncio.create_task(shared.of(name, kitchen.making(name))) for name in names]


async def test_who_waits_for_the_same_gets_it_once_made_and_begun_after_all_of_them_asked() -> None:
    shared, kitchen = Shared(under_way=1), Kitchen()
    first = ordered(shared, kitchen, "dal")
    await kitchen.came.acquire()
    later = ordered(shared, kitchen, "dal", "rice", "dal")
    kitchen.open.set()
    dishes = await asyncio.gather(*first, *later)
    assert dishes == ["dal 1", "dal 2", "rice 3", "dal 2"]


async def test_only_so_many_are_at_work() -> None:
    shared, kitchen = Shared(under_way=2), Kitchen()
    tasks = ordered(shared, kitchen, "dal", "rice", "roti")
    for _ in range(2):
        await kitchen.came.acquire()
    await asyncio.sleep(0)
    assert kitchen.began == ["dal", "rice"]
    kitchen.open.set()
    assert await asyncio.gather(*tasks) == ["dal 1", "rice 2", "roti 3"]


async def test_a_fault_reaches_all_who_waited_for_that_and_the_next_is_made() -> None:
    shared, kitchen = Shared(under_way=1), Kitchen()
    kitchen.open.set()
    tasks = ordered(shared, kitchen, "fire", "fire", "dal")
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in found] == [OSError, OSError, str]


async def test_who_leaves_takes_nobody_along_who_waits_for_the_same() -> None:
    shared, kitchen = Shared(under_way=1), Kitchen()
    gone, stays = ordered(shared, kitchen, "dal", "dal")
    await kitchen.came.acquire()
    gone.cancel()
    kitchen.open.set()
    assert await stays == "dal 1"


async def test_what_takes_long_holds_up_nothing_else() -> None:
    """Four lists whose filters fit nothing walked a whole catalogue: no other list may wait for them."""
    shared, kitchen = Shared(under_way=2, patience=0.001), Kitchen()
    slow = ordered(shared, kitchen, "dal", "rice")
    quick = Kitchen()
    quick.open.set()
    tasks = ordered(shared, quick, "roti", "chai", "raita")
    assert await asyncio.gather(*tasks) == ["roti 1", "chai 2", "raita 3"]
    kitchen.open.set()
    assert await asyncio.gather(*slow) == ["dal 1", "rice 2"]
    assert not shared._working
    assert not shared._overdue
