"""Runs small jobs again and again. No state that matters is here: what must happen is a row somewhere.

APScheduler's defaults lose jobs silently when the clock steps or the loop is late by more than a
second; they are all overridden here. Belongs to the event loop.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC

from apscheduler.schedulers.asyncio import AsyncIOScheduler

_log = logging.getLogger(__name__)

Job = Callable[[], Awaitable[object]]


class Scheduler:
    """Jobs by name. A job that fails is counted through `failed` and runs again at its next turn."""

    def __init__(self, failed: Callable[[str], None]) -> None:
        self._failed = failed
        self._running: set[asyncio.Task[None]] = set()
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def every(self, seconds: float, name: str, job: Job) -> None:
        """Run `job` every `seconds`, never twice at the same time."""
        self._scheduler.add_job(self._run, "interval", args=(name, job), seconds=seconds, id=name)

    def start(self) -> None:
        """Begin; the first turn of each job is one interval from now."""
        self._scheduler.start()

    async def close(self) -> None:
        """Start no more jobs and end those that run."""
        self._scheduler.shutdown(wait=False)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, name: str, job: Job) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        try:
            await job()
        except Exception:  # noqa: BLE001  the outermost frame of a job: one bad turn must not end those to come
            self._failed(f"job {name}")
            _log.exception("the job %s failed and runs again at its next turn", name)
