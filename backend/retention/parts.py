"""Keeps the disk in order while nobody looks: puts reserve, retention and budget together.

Here: how the three are made, which jobs they run, what they count, how they follow a reload. Not here:
what any of them decides. Belongs to the event loop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass

from backend.base.health import Health
from backend.base.scheduler import Scheduler
from backend.catalogue import Catalogue, Clip
from backend.config.model import Config
from backend.events.log import EventLog
from backend.foundation.local_files import LocalFiles
from backend.retention.budget import Budget
from backend.retention.disk_room import DiskRoom, RoomParts
from backend.retention.sweep import CopiesAtStore, Retention, RetentionParts
from recorder import Recorder
from recorder.base.clock import LabelLine
from recorder.base.tasks import Tasks
from recorder.base.values import CameraStatus

LOOK_EVERY_S = 1.0
SWEEP_EVERY_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseParts:
    """What the disk is kept in order with."""

    catalogue: Catalogue
    recorder_id: str
    files: LocalFiles
    disk: Executor
    labels: LabelLine
    events: EventLog
    health: Health
    statuses: Callable[[], Sequence[CameraStatus]]
    find_recorder: Callable[[str, str], Recorder | None]


class Housekeeping:
    """Reserve, retention and budget of one box."""

    def __init__(self, parts: HouseParts, config: Config) -> None:
        self._parts = parts
        self._tasks = Tasks()
        room_parts = RoomParts(
            catalogue=parts.catalogue,
            recorder_id=parts.recorder_id,
            data_dir=config.data_dir,
            files=parts.files,
            statuses=parts.statuses,
            find_recorder=parts.find_recorder,
            disk=parts.disk,
            events=parts.events,
            health=parts.health,
        )
        self.room = DiskRoom(room_parts, config.retention.reserve, config.recording)
        self.budget = Budget(parts.catalogue, parts.recorder_id, self.room, parts.events, config.budget)
        self._config = config.retention
        self._retention: Retention | None = None
        self._making_room: asyncio.Task[None] | None = None

    @property
    def retention(self) -> Retention:
        """Only after `open`."""
        if self._retention is None:
            raise RuntimeError("housekeeping has not been opened")
        return self._retention

    async def open(
        self,
        sweep_garbage: Callable[[], Awaitable[object]],
        gone: Callable[[Clip], None],
        store: CopiesAtStore | None = None,
    ) -> None:
        """Look at the disk, so that the first press can be judged. `gone` hears of every deleted clip."""
        parts = self._parts
        retention_parts = RetentionParts(
            catalogue=parts.catalogue,
            recorder_id=parts.recorder_id,
            files=parts.files,
            labels=parts.labels,
            room=self.room,
            events=parts.events,
            health=parts.health,
            sweep_garbage=sweep_garbage,
            gone=gone,
            store=store,
        )
        self._retention = Retention(retention_parts, self._config)
        await self.room.look()

    def run(self, scheduler: Scheduler) -> None:
        """Add the jobs."""
        scheduler.every(LOOK_EVERY_S, "disk", lambda: self.room.tick(self._make_room_soon))
        scheduler.every(SWEEP_EVERY_S, "retention", self.retention.sweep)
        scheduler.every(3600, "charges", self.budget.expire)
        self.sweep_soon()

    async def follow(self, config: Config) -> None:
        """Take a changed configuration; the next sweep goes by it."""
        self.room.config = config.retention.reserve
        self.room.recording = config.recording
        self.budget.config = config.budget
        if self.retention.config != config.retention:
            self.retention.config = config.retention
            self.sweep_soon()

    def sweep_soon(self) -> None:
        """Sweep in the background, now."""
        self._tasks.spawn(self._sweep(), "retention")

    async def _sweep(self) -> None:
        await self.retention.sweep()

    async def _make_room_soon(self) -> None:
        """In the background: a store that is slow to let copies go must not delay the next look."""
        if self._making_room is None or self._making_room.done():
            self._making_room = self._tasks.spawn(self.retention.make_room(), "make room")

    async def close(self) -> None:
        """End a sweep under way; what it has not deleted yet goes in the next life."""
        await self._tasks.close()

    def numbers(self) -> Mapping[str, float]:
        """For /metrics."""
        room, retention = self.room, self.retention
        last = retention.last
        return {
            "disk_free_bytes": room.free_bytes,
            "disk_reserve_bytes": room.reserve_bytes,
            "disk_low": room.is_low,
            "retention_held": last is not None and last.plan.why_held is not None,
            "retention_age_paused": last is not None and last.clock.doubt is not None,
            "credits_refused_total": self.budget.counters.refused,
            **{f"disk_room_{name}_total": number for name, number in asdict(room.counters).items()},
            **{f"retention_{name}_total": number for name, number in asdict(retention.counters).items()},
        }
