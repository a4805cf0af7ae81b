"""Ask once for what many ask for at the same time.

    products = Batched(fetch_products)
    document = await products.get(product_id)    # one question to the database for all who wait

Keys that are asked for in one turn of the event loop, or while questions are under way, go out together.
Nobody is answered from a question that was sent before they asked: what they read is as fresh as a read of
their own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
T = TypeVar("T")

Fetch = Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]


class Batched(Generic[K, V]):
    """One a process and kind of question. A fault of `fetch` reaches every caller of that question."""

    def __init__(self, fetch: Fetch[K, V], *, most: int = 200, under_way: int = 2) -> None:
        """`most` keys in one question, `under_way` questions at once."""
        self._fetch = fetch
        self._most = most
        self._under_way = under_way
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._asking: set[asyncio.Task[None]] = set()
        self._is_scheduled = False

    async def get(self, key: K) -> V | None:
        """None when there is no such thing. Safe to cancel: other callers are still answered."""
        return await asyncio.shield(self._asked_for(key))

    async def get_many(self, keys: Sequence[K]) -> dict[K, V]:
        """Those that there are."""
        futures = {key: self._asked_for(key) for key in keys}
        if futures:
            await asyncio.wait(futures.values())
        found = {key: future.result() for key, future in futures.items()}
        return {key: one for key, one in found.items() if one is not None}

    def _asked_for(self, key: K) -> "asyncio.Future[V | None]":
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
            self._schedule()
        return future

    def _schedule(self) -> None:
        if not self._is_scheduled and len(self._asking) < self._under_way:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._send)

    def _send(self) -> None:
        self._is_scheduled = False
        keys = list(self._waiting)[: self._most]
        batch = {key: self._waiting.pop(key) for key in keys}
        task = asyncio.create_task(self._ask(batch), name="batched question")
        self._asking.add(task)
        task.add_done_callback(self._asked)
        if self._waiting:
            self._schedule()

    def _asked(self, task: asyncio.Task[None]) -> None:
        self._asking.discard(task)
        if self._waiting:
            self._schedule()

    async def _ask(self, batch: Mapping[K, asyncio.Future[V | None]]) -> None:
        try:
            found = await self._fetch(list(batch))
        except asyncio.CancelledError:
            for future in batch.values():
                future.cancel()
            raise
        except Exception as fault:  # noqa: BLE001 - theirs who asked, each of them
            for future in batch.values():
                future.set_exception(fault)
                future.exception()  # a caller that was cancelled does not come for it
        else:
            for key, future in batch.items():
                future.set_result(found.get(key))


class Shared:
    """Do once what several ask for at the same time.

        document = await lists.of(key, partial(read_list, query))

    Whoever asks while `under_way` others are at work waits, together with all who want the same; what they
    get was begun after each of them asked. Work that takes longer than `patience` seconds holds nobody up.
    """

    def __init__(self, *, under_way: int = 4, patience: float = 0.05) -> None:
        self._under_way = under_way
        self._patience = patience
        self._waiting: dict[Hashable, tuple[asyncio.Future[Any], Callable[[], Awaitable[Any]]]] = {}
        self._working: set[asyncio.Task[None]] = set()
        self._overdue: set[asyncio.Task[None]] = set()

    async def of(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """What `make` of the first who asked comes to, its fault too. Safe to cancel."""
        if key not in self._waiting:
            self._waiting[key] = (asyncio.get_running_loop().create_future(), make)
            self._begin()
        found: T = await asyncio.shield(self._waiting[key][0])
        return found

    def _begin(self) -> None:
        if self._waiting and len(self._working) < self._under_way:
            task = asyncio.create_task(self._work(), name="shared work")
            self._working.add(task)
            timer = asyncio.get_running_loop().call_later(self._patience, self._make_room, task)
            task.add_done_callback(partial(self._worked, timer))

    def _make_room(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        self._overdue.add(task)
        self._begin()

    def _worked(self, timer: asyncio.TimerHandle, task: asyncio.Task[None]) -> None:
        timer.cancel()
        self._working.discard(task)
        self._overdue.discard(task)
        self._begin()

    async def _work(self) -> None:
        if not self._waiting:  # another has taken it
            return
        future, make = self._waiting.pop(next(iter(self._waiting)))
        try:
            future.set_result(await make())
        except asyncio.CancelledError:
            future.cancel()
            raise
        except Exception as fault:  # noqa: BLE001 - theirs who asked, each of them
            future.set_exception(fault)
            future.exception()  # a caller that was cancelled does not come for it
