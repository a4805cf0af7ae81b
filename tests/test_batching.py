"""Questions of many callers go out together, and none is answered from the past."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from batching import Batched


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
