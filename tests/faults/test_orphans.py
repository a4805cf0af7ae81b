"""An API that is killed between a photograph's bytes and its commit leaves files that are nobody's."""

import asyncio
import io
import os
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import PIL.Image
import pytest
from pymongo import AsyncMongoClient

from domain.albums import Album
from tests.faults.processes import Eyes, Processes, open_eyes, until
from tests.samples import PASSWORD

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

PHOTO = Path(__file__).parents[1] / "imaging" / "photos" / "astronaut.jpg"
TRIES = 8
"""The commit may be faster than the killer."""
LOOK_SECONDS = 0.001
TWO_HOURS = 7_200


class Shop:
    def __init__(self, folder: Path, processes: Processes, eyes: Eyes) -> None:
        self.objects = folder / "objects"
        self.processes = processes
        self.eyes = eyes
        self.user = ""
        self.headers: dict[str, str] = {}

    async def register(self) -> None:
        email = f"meera.{secrets.token_hex(4)}@example.com"
        body = {"email": email, "password": PASSWORD, "firstName": "Meera"}
        async with httpx.AsyncClient(base_url=self.processes.api_url, timeout=30) as browser:
            data = (await browser.post("/api/auth/register", json=body)).json()["data"]
        self.user = data["user"]["id"]
        self.headers = {"Authorization": f"Bearer {data['accessToken']}"}

    async def upload(self, data: bytes) -> httpx.Response:
        url = f"{self.processes.api_url}/api/images/upload"
        async with httpx.AsyncClient(headers=self.headers, timeout=60) as browser:
            return await browser.post(
                url, files={"file": ("me.jpg", data)}, data={"consent": "true"}
            )

    def stored(self) -> set[str]:
        """The keys of photographs."""
        found = (self.objects / "photos").rglob("*.jpg")
        return {file.relative_to(self.objects).as_posix() for file in found}

    async def photographs(self) -> int:
        album: Album | None = await self.eyes.store.load(Album, self.user)
        return 0 if album is None else len(album.photos)

    async def kill_api_after_its_first_file(self, known: set[str]) -> None:
        def watch() -> None:
            deadline = time.monotonic() + 60
            while not self.stored() - known:
                assert time.monotonic() < deadline, "no file was stored"
                time.sleep(LOOK_SECONDS)

        await asyncio.to_thread(watch)
        await self.processes.kill(self.processes.api)

    def grow_old(self) -> None:
        then = time.time() - TWO_HOURS
        for key in self.stored():
            os.utime(self.objects / key, (then, then))


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    processes = Processes(folder)
    try:
        await processes.start()
        url = processes.shop.addresses["mongodb"]
        async with AsyncMongoClient[dict[str, Any]](url, tz_aware=True) as client:
            eyes, connection = await open_eyes(client, processes)
            yield Shop(folder, processes, eyes)
            await connection.close()
    finally:
        await processes.close()


def photograph(number: int) -> bytes:
    """The same picture in other bytes each time."""
    file = io.BytesIO()
    with PIL.Image.open(PHOTO) as picture:
        picture.save(file, "JPEG", quality=70 + number)
    return file.getvalue()


async def crashed(shop: Shop) -> set[str]:
    """The files of an upload whose commit never came."""
    for number in range(1, TRIES + 1):
        known, before = shop.stored(), await shop.photographs()
        asking = asyncio.create_task(shop.upload(photograph(number)))
        await shop.kill_api_after_its_first_file(known)
        await asyncio.gather(asking, return_exceptions=True)
        if await shop.photographs() == before:
            return shop.stored() - known
        await shop.processes.heal()
    raise AssertionError(f"the commit came before the kill {TRIES} times")


async def test_the_worker_removes_what_an_upload_left_that_died_before_its_commit(
    shop: Shop,
) -> None:
    await shop.register()
    assert (await shop.upload(photograph(0))).status_code == 201
    lost = await crashed(shop)
    owned = shop.stored() - lost
    assert lost
    await shop.processes.heal()
    await shop.processes.restart(shop.processes.worker)
    await shop.processes.heal()
    assert shop.stored() == owned | lost, "what is young was removed"
    shop.grow_old()
    await shop.processes.restart(shop.processes.worker)

    async def swept() -> bool:
        return not shop.stored() & lost

    await until(swept, "the orphans are gone")
    assert shop.stored() == owned
