"""The room of everything that happens on time. Event loop only."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from backend.base.numbers import counted
from backend.base.scheduler import Scheduler
from backend.clips.parts import ClipRoom
from backend.config.model import Config
from backend.events.writers import Writers
from backend.schedules.runner import Runner, ScheduleCounters, Times
from backend.schedules.schedules import Schedules
from backend.schedules.timelapse import Timelapses


@dataclass(frozen=True, slots=True)
class ScheduleRoom:
    """The parts, for those who need one of them."""

    schedules: Schedules
    runner: Runner

    async def follow(self, config: Config) -> None:
        """Make the rows of config.yaml what it lists now."""
        default = config.effective_cameras[0].id
        wanted = [schedule.spec(default, config.timezone) for schedule in config.schedules]
        await self.schedules.follow_config(wanted, config.timezone)

    async def close(self) -> None:
        """Before the cameras close."""
        await self.runner.close()

    def start(self, scheduler: Scheduler) -> None:
        """Tick from now on."""
        scheduler.every(1, "schedules", self.runner.tick)
        scheduler.every(3600, "history of schedules", self.runner.prune)

    def numbers(self) -> Mapping[str, float]:
        """For /metrics."""
        return {
            **counted("schedules", self.runner.counters),
            **counted("schedules", self.runner.timelapses.counters),
            "schedules_waiting": self.runner.waiting,
        }


async def open_schedules(room: ClipRoom, writers: Writers) -> ScheduleRoom:
    """Take over what config.yaml lists, and tidy up; before the first tick."""
    services, base = room.services, room.services.base
    # What is due and what is buffered must be one time: the labels'.
    now = base.labels.now
    schedules = Schedules(base.catalogue, services.cameras, base.events, base.recorder_id, now, writers)
    timelapses = Timelapses(
        services, room.recordings, base.config.data_dir / "timelapses", schedules.publish_run
    )
    runner = Runner(
        services, room.clips, schedules, timelapses, Times(now, time.monotonic), ScheduleCounters()
    )
    opened = ScheduleRoom(schedules, runner)
    await opened.follow(base.config)
    runs = await base.catalogue.schedules.open_runs(base.recorder_id)
    await timelapses.sweep({run.id for run in runs})
    return opened
