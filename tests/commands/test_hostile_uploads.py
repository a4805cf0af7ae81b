"""The corpus of hostile files over HTTP, with the imaging that really runs: each gets the status and the
code that say what is wrong, leaves nothing behind, and takes no process with it.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from imaging import models
from integrations.imaging_pool import ImagingPool
from tests.api import Api
from tests.buying import ok, refused
from tests.imaging.hostile import REFUSED
from tests.imaging.making import corners, saved
from tests.imaging.odd import CANARY, JPEGS, OTHERS, PNGS
from tests.trying_on import objects, upload

ROOT = Path(__file__).parents[2]

STATUSES = {
    "unsupported-type": 415,
    "too-large": 413,
    "unreadable-image": 400,
    "too-many-pixels": 400,
}

PHOTOGRAPHS = {
    name: (JPEGS | PNGS | OTHERS)[name]
    for name in (
        "jpeg of a phone",
        "jpeg and php",
        "png with texts",
        "webp of a phone",
        "two pictures",
    )
}


@pytest.fixture
async def pool(api: Api) -> AsyncIterator[ImagingPool]:
    """From now on the shop's pictures are made by a child of the real pool."""
    models.fetch(ROOT / ".models")
    pool = ImagingPool(processes=1, models_dir=ROOT / ".models")
    api.app.state.services = replace(api.app.state.services, images=pool)
    await pool.run("forget")
    yield pool
    await pool.close()


async def test_every_hostile_upload_is_told_what_is_wrong(api: Api, pool: ImagingPool) -> None:
    person, pids = await api.customer(), pool.pids()
    for code, files in REFUSED.items():
        for name, make in files.items():
            answer = await upload(person, make(), name=f"{name}.jpg")
            assert (answer.status_code, answer.json()["code"]) == (STATUSES[code], code), name
    assert await objects(api) == []
    assert pool.pids() == pids


async def test_what_a_photograph_carried_does_not_reach_the_store(
    api: Api, pool: ImagingPool
) -> None:
    person = await api.customer()
    for name, make in PHOTOGRAPHS.items():
        assert CANARY in make()
        ok(await upload(person, make(), name=f"{name}.jpg"), 201)
    stored = [await api.services.objects.get(key) for key in await objects(api)]
    assert len(stored) == 4 * len(PHOTOGRAPHS)
    assert [data for data in stored if CANARY in data or b"Exif" in data] == []


@pytest.mark.parametrize("name", ["me.exe", "me.svg", "me.gif", "me"])
async def test_what_a_file_is_called_says_nothing(api: Api, pool: ImagingPool, name: str) -> None:
    person = await api.customer()
    ok(await upload(person, saved(corners((64, 48)), "PNG"), name=name), 201)
    refused(await upload(person, b"<svg/>", name="me.jpg"), 415, "unsupported-type")
