"""The whole corpus through a real worker's child: refused or cleaned, at a bounded cost, and the child
that took the first file takes the last one too.
"""

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from imaging import models
from imaging.errors import ImageRefused
from integrations.imaging_pool import ImagingPool
from tests.imaging.hostile import REFUSED, truncated
from tests.imaging.odd import CANARY, CLEANED, LARGE

ROOT = Path(__file__).parents[3]

METADATA = (CANARY, b"Exif\0\0", b"ICC_PROFILE", b"ns.adobe.com", b"Photoshop", b"<?php", b"MPF\0")

MAX_CPU_SECONDS = 5.0
"""For any file, with slow machines in mind: here the slowest takes 1.1, and no refusal over 0.2."""

MAX_REFUSED_MB = 200
MAX_MB = 500
"""Of memory beyond what the child has when it is warm: for a refusal, and for 39 megapixels."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="costs are read from /proc")


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[ImagingPool]:
    models.fetch(ROOT / ".models")
    pool = ImagingPool(processes=1, models_dir=ROOT / ".models")
    yield pool
    await pool.close()


class Cost(NamedTuple):
    cpu_seconds: float
    peak_mb: float


class Meter:
    """What one call costs the child (proc(5)); writing 5 to clear_refs makes its peak begin anew."""

    def __init__(self, pid: int) -> None:
        self._proc = Path(f"/proc/{pid}")
        (self._proc / "clear_refs").write_text("5", encoding="ascii")
        self._before = self._seconds(), self._mb("VmRSS")

    def read(self) -> Cost:
        seconds, resident = self._before
        return Cost(self._seconds() - seconds, self._mb("VmHWM") - resident)

    def _seconds(self) -> float:
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _mb(self, name: str) -> float:
        lines = (self._proc / "status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


async def outcome(pool: ImagingPool, function: str, data: bytes) -> tuple[str | list[bytes], Cost]:
    """The code of a refusal, or the bytes that would be kept."""
    meter = Meter(pool.pids()[0])
    try:
        made = await pool.run(function, data)
    except ImageRefused as refused:
        return refused.code, meter.read()
    cost = meter.read()
    return [made.png] if function == "prepare_overlay" else [
        made.original_jpeg, *made.sizes.values()
    ], cost  # fmt: skip


@pytest.mark.parametrize("function", ["prepare_photo", "prepare_overlay"])
async def test_no_hostile_file_ends_the_child_or_costs_much(
    pool: ImagingPool, function: str
) -> None:
    await pool.run("forget")
    pids = pool.pids()
    for code, files in REFUSED.items():
        for name, make in files.items():
            found, cost = await outcome(pool, function, make())
            assert found == code, name
            assert cost.cpu_seconds < MAX_CPU_SECONDS, name
            assert cost.peak_mb < MAX_REFUSED_MB, name
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
        found, cost = await outcome(pool, function, make())
        assert cost.cpu_seconds < MAX_CPU_SECONDS, name
        assert cost.peak_mb < (MAX_MB if name in LARGE else MAX_REFUSED_MB), name
        kept_of[name] = found
    assert pool.pids() == pids
    if function == "prepare_photo":
        assert [name for name, found in kept_of.items() if isinstance(found, str)] == []
    for name, found in kept_of.items():
        if isinstance(found, list):
            assert [word for word in METADATA for data in found if word in data] == [], name
        else:
            assert found == "product-not-cuttable", name
