"""Jobs that run again and again."""

import asyncio
import time

import pytest

from backend.base.scheduler import Scheduler


async def test_a_job_that_fails_is_counted_and_runs_again() -> None:
    """One bad turn ends nothing, and another job does not notice."""
    failed: list[str] = []
    turns = asyncio.Semaphore(0)

    async def bad() -> None:
        raise RuntimeError

    async def good() -> None:
        turns.release()

    scheduler = Scheduler(failed.append)
    scheduler.every(0.02, "bad", bad)
    scheduler.every(0.02, "good", good)
    scheduler.start()
    async with asyncio.timeout(5):
        for _ in range(3):
            await turns.acquire()
        while len(failed) < 2:
            await turns.acquire()
    await scheduler.close()
    assert set(failed) == {"job bad"}


async def test_a_turn_that_lasts_is_not_run_twice_at_once_and_is_ended_by_close() -> None:
    """A slow database must not pile up work."""
    under_way = 0
    started = asyncio.Event()
    turns = asyncio.Semaphore(0)

    async def slow() -> None:
        nonlocal under_way
        under_way += 1
        started.set()
        await asyncio.Event().wait()

    async def other() -> None:
        turns.release()

    scheduler = Scheduler(lambda name: None)
    scheduler.every(0.02, "slow", slow)
    scheduler.every(0.02, "other", other)
    scheduler.start()
    async with asyncio.timeout(5):
        await started.wait()
        for _ in range(4):
            await turns.acquire()
    assert under_way == 1
    await scheduler.close()


async def test_the_end_of_a_job_that_is_under_way_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    """A daemon that is stopped in the middle of a job logs no traceback for it."""
    started = asyncio.Event()
    failed: list[str] = []

    async def slow() -> None:
        started.set()
        await asyncio.Event().wait()

    scheduler = Scheduler(failed.append)
    scheduler.every(0.02, "slow", slow)
    scheduler.start()
    async with asyncio.timeout(5):
        await started.wait()
    await scheduler.close()
    assert failed == []
    assert "exception" not in caplog.text


async def test_a_process_that_was_paused_catches_up_with_one_turn() -> None:
    """An hour without a turn: the job runs at once, once, and then at its pace; nothing is listed or lost."""
    paused_s = 0.0
    turns = asyncio.Semaphore(0)
    counted = 0

    async def job() -> None:
        nonlocal counted
        counted += 1
        turns.release()

    scheduler = Scheduler(lambda name: None, lambda: time.monotonic() + paused_s)
    scheduler.every(0.02, "job", job)
    scheduler.start()
    async with asyncio.timeout(5):
        await turns.acquire()
        before = counted
        paused_s += 3600 * 24 * 400
        await turns.acquire()
        assert counted - before <= 2
        for _ in range(3):
            await turns.acquire()
    await scheduler.close()
