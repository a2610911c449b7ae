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
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from recorder.base.tasks import Tasks

_log = logging.getLogger(__name__)

Job = Callable[[], Awaitable[object]]


@dataclass(slots=True)
class _Member:
    """A job and its turn under way."""

    name: str
    job: Job
    turn: asyncio.Task[None] | None = None


class Scheduler:
    """Jobs by name. A job that fails is counted through `failed` and runs again at its next turn."""

    def __init__(
        self, failed: Callable[[str], None], monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._failed = failed
        self._tasks = Tasks()
        self._members: dict[float, list[_Member]] = {}
        self._scheduler = AsyncIOScheduler(
            timezone=_NeverSet(monotonic_s),
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def every(self, seconds: float, name: str, job: Job) -> None:
        """Run `job` every `seconds`, never twice at the same time.

        Jobs of one interval have their turns together: to wake up costs more than most of them.
        """
        members = self._members.get(seconds)
        if members is None:
            members = self._members[seconds] = []
            self._scheduler.add_job(self._begin, _Every(seconds), args=(members,), id=f"every {seconds:g} s")
        members.append(_Member(name, job))

    def start(self) -> None:
        """Begin; the first turn of each job is one interval from now."""
        self._scheduler.start()

    async def close(self) -> None:
        """Start no more jobs and end those that run."""
        self._scheduler.shutdown(wait=False)
        await self._tasks.close()

    async def _begin(self, members: list[_Member]) -> None:
        """Give every job its turn that is not still busy with the one before."""
        for member in members:
            if member.turn is None or member.turn.done():
                member.turn = self._tasks.spawn(self._run(member.name, member.job), f"job {member.name}")

    async def _run(self, name: str, job: Job) -> None:
        try:
            await job()
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
