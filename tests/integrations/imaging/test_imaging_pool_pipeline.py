"""The pool with the real pipeline: a photograph through the nets, and what is no photograph."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.errors import Unavailable
from imaging import models
from imaging.errors import ImageRefused
from integrations.imaging_pool import ImagingPool

ROOT = Path(__file__).parents[3]
PHOTO = ROOT / "tests" / "imaging" / "photos" / "astronaut.jpg"


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[ImagingPool]:
    models_dir = ROOT / ".models"
    models.fetch(models_dir)
    pool = ImagingPool(processes=1, models_dir=models_dir)
    yield pool
    await pool.close()


async def test_a_photograph_is_prepared_and_its_neck_found(pool: ImagingPool) -> None:
    prepared = await pool.run("prepare_photo", PHOTO.read_bytes())
    assert (prepared.width, prepared.height) == (512, 512)
    analysis = await pool.run("analyse_photo", prepared.original_jpeg)
    assert analysis["neck"] is not None


async def test_what_is_no_photograph_is_refused_as_imaging_refuses_it(pool: ImagingPool) -> None:
    with pytest.raises(ImageRefused) as refused:
        await pool.run("prepare_photo", b"\xff\xd8\xff\xe0 not much of a photograph")
    assert refused.value.code in {"unreadable-image", "unsupported-type"}


async def test_without_the_weights_it_is_unavailable_and_says_why(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pool = ImagingPool(processes=1, models_dir=tmp_path)
    with pytest.raises(Unavailable):
        await pool.run("prepare_photo", PHOTO.read_bytes())
    await pool.close()
    assert "ModelRefused" in capfd.readouterr().err
