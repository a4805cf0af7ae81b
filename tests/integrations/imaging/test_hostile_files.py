"""The whole corpus through a real worker's child: refused or cleaned, at a bounded cost, and the child
that took the first file takes the last one too.
"""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from imaging import models
from imaging.errors import ImageRefused
from integrations.imaging_pool import ImagingPool, Limits
from tests.imaging.hostile import REFUSED, truncated
from tests.imaging.odd import CANARY, CLEANED, LARGE

ROOT = Path(__file__).parents[3]

METADATA = (CANARY, b"Exif\0\0", b"ICC_PROFILE", b"ns.adobe.com", b"Photoshop", b"<?php", b"MPF\0")

CPU_SECONDS = 8
"""A call that takes more ends the child. With slow machines in mind: here the slowest file takes 1.1."""

MAX_REFUSED_MB = 200
MAX_MB = 500
"""Of memory beyond what the child has when it is warm: for a refusal, and for 39 megapixels."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="costs are read from /proc")


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[ImagingPool]:
    models.fetch(ROOT / ".models")
    limits = Limits(cpu_seconds=CPU_SECONDS)
    pool = ImagingPool(processes=1, models_dir=ROOT / ".models", limits=limits)
    yield pool
    await pool.close()


class Meter:
    """Memory that one call adds to the child (proc(5)); writing 5 to clear_refs makes its peak begin
    anew.
    """

    def __init__(self, pid: int) -> None:
        self._proc = Path(f"/proc/{pid}")
        (self._proc / "clear_refs").write_text("5", encoding="ascii")
        self._before = self._mb("VmRSS")

    def peak_mb(self) -> float:
        return self._mb("VmHWM") - self._before

    def _mb(self, name: str) -> float:
        lines = (self._proc / "status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


async def outcome(pool: ImagingPool, function: str, data: bytes) -> tuple[str | list[bytes], float]:
    """The code of a refusal, or the bytes that would be kept; and the memory that it took, MB."""
    meter = Meter(pool.pids()[0])
    try:
        made = await pool.run(function, data)
    except ImageRefused as refused:
        return refused.code, meter.peak_mb()
    taken = meter.peak_mb()
    return [made.png] if function == "prepare_overlay" else [
        made.original_jpeg, *made.sizes.values()
    ], taken  # fmt: skip


@pytest.mark.parametrize("function", ["prepare_photo", "prepare_overlay"])
async def test_no_hostile_file_ends_the_child_or_costs_much(
    pool: ImagingPool, function: str
) -> None:
    await pool.run("forget")
    pids = pool.pids()
    for code, files in REFUSED.items():
        for name, make in files.items():
            found, taken = await outcome(pool, function, make())
            assert found == code, name
            assert taken < MAX_REFUSED_MB, name
    for name, data in truncated().items():
        found, _ = await outcome(pool, function, data)
        assert isinstance(found, list) or found in _ALLOWED, name
    assert pool.pids() == pids


_ALLOWED = {"unreadable-image", "unsupported-type", "product-not-cuttable"}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("function", ["prepare_photo", "prepare_overlay"])
async def test_no_odd_file_ends_the_child_or_takes_anything_with_it(
    pool: ImagingPool, function: str
) -> None:
    await pool.run("forget")
    pids = pool.pids()
    kept_of = {}
    for name, make in CLEANED.items():
        found, taken = await outcome(pool, function, make())
        assert taken < (MAX_MB if name in LARGE else MAX_REFUSED_MB), name
        kept_of[name] = found
    assert pool.pids() == pids
    if function == "prepare_photo":
        assert [name for name, found in kept_of.items() if isinstance(found, str)] == []
    for name, found in kept_of.items():
        if isinstance(found, list):
            assert [word for word in METADATA for data in found if word in data] == [], name
        else:
            assert found == "product-not-cuttable", name
