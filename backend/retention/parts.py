"""The room that keeps the disk in order while nobody looks: reserve, budget, retention, garbage.

Here: how they are put together, which jobs they run, how they follow a reload. Not here: what any of them
decides. Reserve and budget come first, because recordings ask them; retention comes when there is something
to delete. Event loop only.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from backend.base.numbers import counted
from backend.base.scheduler import Scheduler
from backend.cameras.cameras import Cameras
from backend.catalogue import Clip
from backend.config.model import Config
from backend.foundation.foundation import Foundation
from backend.retention.budget import Budget
from backend.retention.disk_room import DiskRoom
from backend.retention.garbage import GarbageSweep
from backend.retention.sweep import CopiesAtStore, Retention
from recorder.base.tasks import Tasks

CHECK_EVERY_S = 1.0
SWEEP_EVERY_S = 60.0


def open_disk_room(base: Foundation, cameras: Cameras) -> DiskRoom:
    """The reserve of free space."""
    return DiskRoom(base, cameras.statuses, cameras.recording)


def open_budget(base: Foundation, room: DiskRoom) -> Budget:
    """Whether something may be recorded now."""
    return Budget(base.catalogue, base.recorder_id, room, base.events, base.config.budget)


async def open_retention(
    base: Foundation,
    room: DiskRoom,
    budget: Budget,
    on_deleted: Callable[[Clip], None],
    store: "CopiesAtStore | None",
) -> "RetentionRoom":
    """Check the disk, so that the first press can be judged. Deleted clips are passed to `on_deleted`."""
    garbage = GarbageSweep(base.catalogue, base.files, base.recorder_id, base.disk)
    retention = Retention(base, room, garbage, on_deleted, store)
    await room.check()
    return RetentionRoom(room, budget, retention, garbage)


@dataclass(slots=True)
class RetentionRoom:
    """Reserve, budget, retention and garbage of one box."""

    room: DiskRoom
    budget: Budget
    retention: Retention
    garbage: GarbageSweep
    _tasks: Tasks = field(default_factory=Tasks)
    _making_room: "asyncio.Task[None] | None" = None

    def start(self, scheduler: Scheduler) -> None:
        """Watch, sweep and forget from now on."""
        scheduler.every(10, "garbage", self.garbage.run)
        scheduler.every(CHECK_EVERY_S, "disk", lambda: self.room.tick(self._make_room_soon))
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
        """In the background: a store that is slow to let copies go must not delay the next check."""
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
            "garbage_deleted_total": self.garbage.counters.deleted,
            "garbage_failures_total": self.garbage.counters.failures,
            **counted("disk_room", room.counters),
            **counted("retention", retention.counters),
        }
