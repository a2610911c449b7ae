"""Schedules over a real recorder, catalogue and disk, with a wall clock that a test sets."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backend.base.ids import new_id
from backend.cameras.cameras import Cameras, camera_settings
from backend.catalogue.schedule_values import Origin, Run, RunState, Schedule, ScheduleSpec
from backend.clips.clips import Clips
from backend.clips.recorder_events import RecorderInbox
from backend.clips.recordings import ClipServices, Recordings
from backend.config.model import Config, RecordingConfig
from backend.events.clip_events import ClipEvents
from backend.events.log import EventLog
from backend.http.wire.writers import WRITERS
from backend.retention.parts import open_budget, open_disk_room
from backend.schedules.runner import Runner, ScheduleCounters, Times
from backend.schedules.schedules import Schedules
from backend.schedules.timelapse import Timelapses
from recorder.base.clock import LabelLine, SystemClock
from recorder.base.tasks import Tasks
from recorder.base.workers import WorkerPool
from recorder.recorder import Recorder, RecorderDirectories, RecorderTools
from recorder.recording.finishing import Finisher
from recorder.recording.transcoder import Transcoder
from tests.support.backend.foundations import foundation_of
from tests.support.backend.picturing import picturing_of
from tests.support.backend.rows import HERE, Box

CONFIG = Config.model_validate(
    {
        "cameras": [
            {"id": "front", "name": "Front door", "source": "synthetic?size=320x180&fps=30&gop_s=1"},
            # Nobody listens there.
            {"id": "dead", "source": "rtsp://127.0.0.1:9/none"},
        ]
    }
)


class SetClock(SystemClock):
    """The host's clocks, the wall's off by what a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.off_ns = 0

    def realtime_ns(self) -> int:
        return super().realtime_ns() + self.off_ns


@dataclass
class Rig:
    """One box. `tick` is what the scheduler does every second."""

    box: Box
    clock: SetClock
    labels: LabelLine
    services: ClipServices
    clips: Clips
    recordings: Recordings
    directory: Path
    schedules: Schedules
    runner: Runner = field(init=False)
    more_monotonic_s: float = 0.0

    def __post_init__(self) -> None:
        self.runner = self.another_life()

    def another_life(self) -> Runner:
        """A runner that remembers nothing, as after a restart."""
        publish_run = self.schedules.publish_run
        timelapses = Timelapses(self.services, self.recordings, self.directory / "timelapses", publish_run)
        times = Times(self.labels.now, lambda: time.monotonic() + self.more_monotonic_s)
        return Runner(self.services, self.clips, self.schedules, timelapses, times, ScheduleCounters())

    async def reset(self) -> None:
        """Leave no schedule, no open run and no recording of an earlier test."""
        await self.runner.close()
        catalogue = self.box.catalogue
        for schedule in await catalogue.schedules.every():
            await catalogue.schedules.delete(schedule.id, self.labels.now())
        for run in await catalogue.schedules.open_runs(HERE):
            await catalogue.schedules.update_run(run.id, {"state": RunState.DONE})
        for clip in await catalogue.clips_of_recorder(HERE):
            await self.clips.delete(clip.id)
        self.runner = self.another_life()

    def set_wall(self, now: datetime) -> None:
        """Set the wall clock; the label line takes note, as it does within a second."""
        self.clock.off_ns += round((now - self.labels.now()) / timedelta(microseconds=1)) * 1000
        self.labels.check()

    def step_wall(self, by: timedelta) -> None:
        self.set_wall(self.labels.now() + by)

    async def add(self, spec: ScheduleSpec, seen_until: datetime | None) -> Schedule:
        """A schedule that was looked at up to some moment."""
        at = datetime(2026, 1, 1)
        made = Schedule(
            id=new_id(),
            recorder_id=HERE,
            origin=Origin.API,
            spec=spec,
            created_at=at,
            updated_at=at,
            version=1,
            seen_until=seen_until,
            era=0,
        )
        return await self.box.catalogue.schedules.insert(made)

    async def runs(self, schedule: Schedule) -> list[Run]:
        return await self.box.catalogue.schedules.runs(schedule.id)

    async def tick_until(self, condition: Callable[[], Awaitable[object]], deadline_s: float = 30.0) -> None:
        """Tick, faster than the scheduler does, until a condition holds."""
        async with asyncio.timeout(deadline_s):
            while not await condition():
                await self.runner.tick()
                await asyncio.sleep(0.05)

    async def tick_until_run(self, schedule: Schedule, state: RunState) -> Run:
        """The newest run of a schedule once it has a state."""
        found: list[Run] = []

        async def arrived() -> bool:
            found[:] = await self.runs(schedule)
            return bool(found) and found[0].state is state

        await self.tick_until(arrived)
        return found[0]


@asynccontextmanager
async def rigged(tmp_path: Path) -> AsyncIterator[Rig]:
    """A box whose camera `front` has a second in its buffer."""
    async with AsyncExitStack() as stack:
        box = await stack.enter_async_context(Box.opened(tmp_path))
        tools, inbox = _tools(stack)
        settings = await asyncio.to_thread(camera_settings, CONFIG)
        directories = RecorderDirectories(box.files.clips_dir, tmp_path / "runtime")
        cameras = Cameras([Recorder(camera, directories, tools) for camera in settings])
        events = EventLog("test")
        clip_events = ClipEvents(events, WRITERS.clip)
        base = foundation_of(
            box, CONFIG, events=events, disk=tools.disk, finisher=tools.finisher, labels=tools.labels
        )
        services = ClipServices(
            base,
            cameras,
            picturing_of(box, clip_events, tools.workers, tools.disk).previews,
            clip_events,
            open_budget(base, open_disk_room(base, cameras)),
            WRITERS.camera,
        )
        recordings = Recordings(services, inbox)
        clips = Clips(services, recordings, RecordingConfig())
        schedules = Schedules(box.catalogue, cameras, events, HERE, tools.labels.now, WRITERS)
        clock = tools.clock
        assert isinstance(clock, SetClock)
        rig = Rig(box, clock, tools.labels, services, clips, recordings, tmp_path, schedules)
        tasks = Tasks()
        stack.push_async_callback(cameras.close)
        await cameras.start()
        tasks.spawn(recordings.run(), "recordings")
        for part in (services.previews, clips, tasks):
            stack.push_async_callback(part.close)
        try:
            async with asyncio.timeout(20):
                while cameras.find("front").status().buffer.duration_s < 1:
                    await asyncio.sleep(0.02)
            yield rig
        finally:
            await rig.runner.close()


def _tools(stack: AsyncExitStack) -> tuple[RecorderTools, RecorderInbox]:
    disk, finishing, live = (ThreadPoolExecutor(2, thread_name_prefix=n) for n in ("d", "f", "l"))
    workers = WorkerPool(1)
    for end in (workers.close, disk.shutdown, finishing.shutdown, live.shutdown):
        stack.push_async_callback(asyncio.to_thread, end)
    transcoder = Transcoder()
    stack.push_async_callback(transcoder.close)
    transcoder.start()
    inbox = RecorderInbox()
    clock = SetClock()
    tools = RecorderTools(
        recorder_id=HERE,
        clock=clock,
        labels=LabelLine(clock),
        workers=workers,
        disk=disk,
        finisher=Finisher(finishing, transcoder),
        live=live,
        new_id=new_id,
        on_event=inbox.put,
    )
    return tools, inbox


def utc(text: str) -> datetime:
    """An aware ISO time as naive UTC."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
