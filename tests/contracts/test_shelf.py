"""A shelf that processes share: Valkey's, and the one in memory that stands for it in tests."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.ports.shelf import Shelf
from embedded.servers import Valkey
from integrations.shelf import NoShelf, ValkeyShelf
from tests.fakes import MemoryShelf


@pytest.fixture(params=["valkey", "memory"])
async def shelf(request: pytest.FixtureRequest) -> AsyncIterator[Shelf]:
    if request.param == "memory":
        yield MemoryShelf()
        return
    opened = ValkeyShelf(request.getfixturevalue("redis_url"), of=secrets.token_hex(4))
    yield opened
    await opened.close()


async def test_what_was_laid_there_is_found(shelf: Shelf) -> None:
    assert await shelf.fetch(b"/api/products?") is None
    await shelf.lay(b"/api/products?", b"\x00 all bytes \xff", seconds=30)
    assert await shelf.fetch(b"/api/products?") == b"\x00 all bytes \xff"
    assert await shelf.fetch(b"/api/products?page=2") is None


async def test_the_latest_lies_on_top(shelf: Shelf) -> None:
    for what in (b"1", b"2"):
        await shelf.lay(b"a", what, seconds=30)
    assert await shelf.fetch(b"a") == b"2"


async def test_nothing_lies_there_for_longer_than_was_said(shelf: Shelf) -> None:
    await shelf.lay(b"a", b"1", seconds=0.01)
    async with asyncio.timeout(5):
        while await shelf.fetch(b"a") is not None:  # noqa: ASYNC110 - it has no word for it
            await asyncio.sleep(0.005)


async def test_shops_and_builds_have_shelves_of_their_own(redis_url: str) -> None:
    ours, theirs = ValkeyShelf(redis_url, of="a:1"), ValkeyShelf(redis_url, of="a:2")
    await ours.lay(b"/api/products?", b"ours", seconds=30)
    assert await theirs.fetch(b"/api/products?") is None
    await ours.close()
    await theirs.close()


async def test_a_shelf_that_is_gone_is_left_alone_and_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Valkey(tmp_path) as server:
        shelf = ValkeyShelf(server.url, of="x")
        await shelf.lay(b"a", b"1", seconds=30)
    assert await shelf.fetch(b"a") is None

    def asked(*_: object) -> bytes:
        raise AssertionError("it was asked again at once")

    monkeypatch.setattr(shelf, "_key", asked)
    await shelf.lay(b"a", b"1", seconds=30)
    assert await shelf.fetch(b"a") is None
    monkeypatch.setattr("integrations.shelf.time.monotonic", lambda: float("inf"))
    with pytest.raises(AssertionError):
        await shelf.fetch(b"a")
    monkeypatch.undo()
    await shelf.close()


async def test_where_there_is_none_nothing_is_found() -> None:
    shelf = NoShelf()
    await shelf.lay(b"a", b"1", seconds=30)
    assert await shelf.fetch(b"a") is None
