"""Puts the parts of the schedules together, so that the composition root says it in a line each."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from backend.base.scheduler import Scheduler
from backend.clips.clips import Clips
from backend.clips.recordings import Desk, Recordings
from backend.config.model import Config
from backend.events.writers import Writers
from backend.schedules.runner import Runner, ScheduleCounters, Times
from backend.schedules.schedules import Schedules
from backend.schedules.timelapse import Timelapses
from recorder.base.clock import LabelLine


@dataclass(frozen=True, slots=True)
class ScheduleRoom:
    """Everything that happens on time."""

    schedules: Schedules
    runner: Runner

    async def open(self, config: Config) -> None:
        """Take over what config.yaml lists, and tidy up; before the first tick."""
        await self.follow(config)
        desk = self.runner.desk
        runs = await desk.catalogue.schedules.open_runs(desk.recorder_id)
        await self.runner.timelapses.sweep({run.id for run in runs})

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
        """For the metrics."""
        counted = asdict(self.runner.counters) | asdict(self.runner.timelapses.counters)
        return {f"schedules_{name}_total": number for name, number in counted.items()} | {
            "schedules_waiting": self.runner.waiting
        }


def schedule_room(
    desk: Desk, recordings: Recordings, clips: Clips, labels: LabelLine, data_dir: Path, writers: Writers
) -> ScheduleRoom:
    """`labels` is the line the buffers go by: what is due and what is buffered must be one time."""
    schedules = Schedules(desk.catalogue, desk.cameras, desk.events, desk.recorder_id, labels.now, writers)
    timelapses = Timelapses(desk, recordings, data_dir / "timelapses", schedules.tell_run)
    times = Times(labels.now, time.monotonic)
    return ScheduleRoom(schedules, Runner(desk, clips, schedules, timelapses, times, ScheduleCounters()))
