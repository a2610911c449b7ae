"""Independent tasks with one owner: one that breaks is counted and costs the others nothing."""

import asyncio
import logging

import pytest

from recorder.base.tasks import Tasks


async def test_a_broken_task_is_counted_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    """Its error reaches the log with the task's name."""
    tasks = Tasks()
    go_on = asyncio.Event()
    done = asyncio.Event()

    async def breaks() -> None:
        raise ValueError("broken on purpose")

    async def works() -> None:
        await go_on.wait()
        done.set()

    tasks.spawn(works(), "worker")
    with caplog.at_level(logging.ERROR):
        await asyncio.wait([tasks.spawn(breaks(), "breaker")])
        await asyncio.sleep(0)
    assert tasks.failures == 1
    assert "breaker" in caplog.text
    go_on.set()
    await asyncio.wait_for(done.wait(), 5)
    await tasks.close()


async def test_closing_cancels_what_runs_and_waits_for_it() -> None:
    """A cancelled task may tidy up before `close` returns, and is not a failure."""
    tasks = Tasks()
    started, tidied = asyncio.Event(), asyncio.Event()

    async def waits() -> None:
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            tidied.set()

    tasks.spawn(waits(), "waiter")
    await started.wait()
    await tasks.close()
    assert tidied.is_set()
    assert tasks.failures == 0
