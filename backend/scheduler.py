"""Runs small jobs again and again. No state that matters is here: what must happen is a row somewhere.

APScheduler's defaults lose jobs silently when the loop is late by more than a second; they are all
overridden here. It also lives by the wall clock: set back by an hour it rests for an hour, set ahead
by a year it lists every turn of that year first. So the only time it gets to see is one that is never
set. Belongs to the event loop.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, tzinfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

_log = logging.getLogger(__name__)

Job = Callable[[], Awaitable[object]]


class Scheduler:
    """Jobs by name. A job that fails is counted through `failed` and runs again at its next turn."""

    def __init__(
        self, failed: Callable[[str], None], monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._failed = failed
        self._running: set[asyncio.Task[None]] = set()
        self._closing = False
        self._scheduler = AsyncIOScheduler(
            timezone=_NeverSet(monotonic_s),
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def every(self, seconds: float, name: str, job: Job) -> None:
        """Run `job` every `seconds`, never twice at the same time."""
        self._scheduler.add_job(self._run, _Every(seconds), args=(name, job), id=name)

    def start(self) -> None:
        """Begin; the first turn of each job is one interval from now."""
        self._scheduler.start()

    async def close(self) -> None:
        """Start no more jobs and end those that run."""
        self._closing = True
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
        except asyncio.CancelledError:
            if not self._closing:  # at the end it is meant, and APScheduler would log it as a failure
                raise
        except Exception:  # noqa: BLE001  the outermost frame of a job: one bad turn must not end those to come
            self._failed(f"job {name}")
            _log.exception("the job %s failed and runs again at its next turn", name)


class _NeverSet(tzinfo):
    """The zone APScheduler asks for the time: its now is the monotonic clock, counted from 1970.

    Only `datetime.now(zone)` may convert into it; times in it are compared and added to like any other.
    """

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s

    def fromutc(self, moment: datetime) -> datetime:
        return datetime(1970, 1, 1, tzinfo=self) + timedelta(seconds=self._monotonic_s())

    def utcoffset(self, moment: datetime | None) -> timedelta:
        return timedelta(0)

    def dst(self, moment: datetime | None) -> timedelta:
        return timedelta(0)

    def tzname(self, moment: datetime | None) -> str:
        return "monotonic"


class _Every(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Every so many seconds; turns that were missed are one turn, not a list of them."""

    def __init__(self, seconds: float) -> None:
        self._interval = timedelta(seconds=seconds)

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        return max((previous or now) + self._interval, now)
