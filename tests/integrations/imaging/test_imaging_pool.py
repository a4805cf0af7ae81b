"""Whatever a picture does to a process, the call ends, the others go on, and nothing is left over."""

import asyncio
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.errors import ImagingFailed, TooLarge, Unavailable
from imaging.errors import ImageRefused
from integrations.imaging_pool import KEEP_SECONDS, ImagingPool, Limits

JOBS = "tests.integrations.imaging.jobs_for_tests"


def pool_of(
    processes: int, limits: Limits | None = None, *, keep_seconds: float = KEEP_SECONDS
) -> ImagingPool:
    return ImagingPool(
        processes=processes,
        models_dir=Path(".models"),
        limits=limits,
        module=JOBS,
        warm_up=["warm"],
        keep_seconds=keep_seconds,
    )


@pytest.fixture
async def pool() -> AsyncIterator[ImagingPool]:
    pool = pool_of(1)
    yield pool
    await pool.close()
    assert pool.pids() == []


@pytest.fixture
async def strict() -> AsyncIterator[ImagingPool]:
    """A second of time of either kind, and half a gigabyte."""
    pool = pool_of(1, Limits(memory_bytes=512 * 1024**2, cpu_seconds=1, seconds=1.0))
    yield pool
    await pool.close()


async def test_a_function_is_called_in_another_process(pool: ImagingPool) -> None:
    assert await pool.run("add", 2, right=3) == 5
    assert await pool.run("pid") != os.getpid()


async def test_a_process_is_warmed_up_once_and_kept(pool: ImagingPool) -> None:
    first = await pool.run("pid")
    assert await pool.run("pid") == first
    assert await pool.run("warmth") == ["warm"]


async def test_a_large_picture_goes_there_and_back(pool: ImagingPool) -> None:
    picture = secrets.token_bytes(20_000_000)
    assert await pool.run("echo", picture) == picture


async def test_what_imaging_refuses_comes_back_as_it_is(pool: ImagingPool) -> None:
    with pytest.raises(ImageRefused, match="no face") as refusal:
        await pool.run("refuse")
    assert refusal.value.code == "not-wearable-here"
    assert await pool.run("add", 1, right=1) == 2


@pytest.mark.parametrize(
    ("job", "sentence"),
    [
        ("raise_opencvs_own", "error"),
        ("divide", "ZeroDivisionError"),
        ("miss", "KeyError"),
        ("unpicklable", "RuntimeError"),
        ("raise_awkward", "RuntimeError"),
    ],
)
async def test_any_other_error_is_a_failure_of_this_call_alone(
    pool: ImagingPool, job: str, sentence: str
) -> None:
    before = await pool.run("pid")
    with pytest.raises(ImagingFailed, match=rf"at this picture \({sentence}\)"):
        await pool.run(job)
    assert await pool.run("pid") == before


@pytest.mark.parametrize("name", ["_private", "getcwd", "os", "WARM", "nothing", "AwkwardError"])
async def test_only_the_pipelines_own_public_functions_are_called(
    pool: ImagingPool, name: str
) -> None:
    with pytest.raises(LookupError, match="no public function"):
        await pool.run(name)


@pytest.mark.parametrize(("job", "sentence"), [("crash", "code -11"), ("leave", "code 3")])
async def test_a_process_that_dies_fails_its_call_and_is_replaced(
    pool: ImagingPool, job: str, sentence: str
) -> None:
    before = await pool.run("pid")
    with pytest.raises(ImagingFailed, match=sentence):
        await pool.run(job)
    assert await pool.run("pid") != before
    assert len(pool.pids()) == 1


async def test_what_takes_too_long_is_ended(strict: ImagingPool) -> None:
    await strict.run("pid")
    started = time.monotonic()
    with pytest.raises(ImagingFailed, match="longer than 1 seconds"):
        await strict.run("sleep", 60)
    assert time.monotonic() - started < 10
    assert await strict.run("add", 1, right=1) == 2


async def test_a_process_that_was_stopped_does_not_hold_its_caller(strict: ImagingPool) -> None:
    with pytest.raises(ImagingFailed, match="longer than"):
        await strict.run("stop")
    assert await strict.run("add", 1, right=1) == 2


async def test_processor_time_is_limited_for_each_call() -> None:
    pool = pool_of(1, Limits(cpu_seconds=1, seconds=30))
    with pytest.raises(ImagingFailed, match="processor time"):
        await pool.run("burn")
    await pool.close()


@pytest.mark.parametrize("job", ["devour", "devour_pixels"])
async def test_memory_is_limited(strict: ImagingPool, job: str) -> None:
    before = await strict.run("pid")
    with pytest.raises(TooLarge):
        await strict.run(job)
    assert await strict.run("pid") == before


async def test_a_process_knows_no_secret(
    pool: ImagingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MASTER_KEY", "canary")
    known: dict[str, str] = await pool.run("environment")
    assert "MASTER_KEY" not in known
    assert known["OMP_NUM_THREADS"] == "1"


async def test_pictures_of_people_are_forgotten_when_nobody_asks(tmp_path: Path) -> None:
    pool = pool_of(1, keep_seconds=0.2)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    await pool.run("remember", str(pipe))
    assert await asyncio.to_thread(pipe.read_text) == "forgotten"
    assert await pool.run("add", 1, right=1) == 2
    await pool.close()


async def test_when_somebodys_pictures_are_deleted_none_are_remembered_at_the_next_call(
    pool: ImagingPool, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    await pool.run("remember", str(pipe))
    pool.forget()
    told = asyncio.create_task(asyncio.to_thread(pipe.read_text))
    assert await pool.run("add", 1, right=1) == 2
    assert await told == "forgotten"


async def test_imaging_leaves_the_processor_to_those_who_wait(pool: ImagingPool) -> None:
    child = await pool.run("pid")
    assert os.getpriority(os.PRIO_PROCESS, child) > os.getpriority(os.PRIO_PROCESS, 0)


@pytest.mark.parametrize(
    ("job", "sentence"), [("unpicklable", "cannot be sent back"), ("raise_awkward", "sideways")]
)
async def test_what_cannot_be_sent_back_is_said(pool: ImagingPool, job: str, sentence: str) -> None:
    with pytest.raises(ImagingFailed) as failure:
        await pool.run(job)
    assert sentence in str(failure.value.__cause__)
    assert await pool.run("add", 1, right=1) == 2


async def test_a_crash_leaves_the_other_processes_alone() -> None:
    pool = pool_of(2)
    slow = asyncio.create_task(pool.run("sleep", 1.5))
    await asyncio.gather(*(pool.run("add", n, right=n) for n in range(4)))
    with pytest.raises(Unavailable):
        await pool.run("crash")
    await slow
    await pool.close()
    assert pool.pids() == []


async def test_an_abandoned_call_does_not_take_its_process_along(pool: ImagingPool) -> None:
    before = await pool.run("pid")
    abandoned = asyncio.create_task(pool.run("sleep", 0.3))
    await asyncio.sleep(0)
    abandoned.cancel()
    with pytest.raises(asyncio.CancelledError):
        await abandoned
    assert await pool.run("pid") == before


async def test_calls_do_not_queue_up_without_end(pool: ImagingPool) -> None:
    outcomes = await asyncio.gather(
        *(pool.run("sleep", 0.01) for _ in range(80)), return_exceptions=True
    )
    refused = [o for o in outcomes if isinstance(o, Unavailable)]
    assert len(refused) == 80 - 65


async def test_a_closed_pool_is_unavailable_and_leaves_no_process() -> None:
    pool = pool_of(1)
    pid = await pool.run("pid")
    await pool.close()
    with pytest.raises(Unavailable):
        await pool.run("pid")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_pipeline_that_cannot_start_is_unavailable(
    capfd: pytest.CaptureFixture[str],
) -> None:
    pool = ImagingPool(processes=1, models_dir=Path(), module="tests.no_such_pipeline")
    with pytest.raises(Unavailable, match="code 1"):
        await pool.run("pid")
    await pool.close()
    assert "no_such_pipeline" in capfd.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="open files are counted in /proc")
async def test_repeated_crashes_leave_no_files_open(pool: ImagingPool) -> None:
    await _crash(pool)
    before = _open_files()
    for _ in range(5):
        await _crash(pool)
    assert _open_files() <= before


async def _crash(pool: ImagingPool) -> None:
    with pytest.raises(Unavailable):
        await pool.run("crash")


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
