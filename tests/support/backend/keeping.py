"""A box that keeps its disk in order: catalogue, files, clocks and a disk of a size that a test chooses."""

import errno
import os
from collections.abc import AsyncIterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from backend.base.health import Health
from backend.catalogue import Catalogue, Clip, Root
from backend.config.model import Config
from backend.config.retention import RetentionConfig
from backend.events.log import EventLog
from backend.foundation.local_files import LocalFiles
from backend.retention.disk_room import DiskRoom
from backend.retention.garbage import GarbageSweep
from backend.retention.sweep import Retention
from recorder.base.clock import LabelLine
from recorder.base.values import CameraStatus
from tests.support.backend.foundations import foundation_of
from tests.support.backend.rows import HERE, Box
from tests.support.fakes import NS_PER_S, SimulatedClock


@dataclass(frozen=True, slots=True)
class SmallDisk(LocalFiles):
    """A disk that holds `total_bytes`, of which a stranger's file takes some; a file `dead` makes it fail."""

    total_bytes: int = 1 << 40
    stranger: Path | None = None

    def space_bytes(self) -> tuple[int, int]:
        if self.stranger and self.stranger.with_name("dead").exists():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        used = sum(file.size_bytes for root in Root for file in self.walk(root))
        strange = self.stranger.stat().st_size if self.stranger and self.stranger.exists() else 0
        return max(0, self.total_bytes - used - strange), self.total_bytes


@dataclass
class WallClock:
    """The catalogue's wall clock, which is the box's."""

    clock: SimulatedClock

    @property
    def time(self) -> datetime:
        return datetime.fromtimestamp(self.clock.realtime_ns() / NS_PER_S, UTC).replace(tzinfo=None)

    def now(self) -> datetime:
        return self.time


@dataclass
class Keeping:
    """One life of the daemon, as far as it keeps the disk in order."""

    box: Box
    files: SmallDisk
    clock: SimulatedClock
    labels: LabelLine
    room: DiskRoom
    retention: Retention
    garbage: GarbageSweep
    health: Health
    events: EventLog
    gone: list[str]
    directory: Path
    statuses: list[CameraStatus]

    async def clip(self, size: int = 1000, **changes: Any) -> Clip:
        """A draft of so many bytes, made now, by the clock as it is."""
        clip = await self.box.finished_clip(os.urandom(1) * size)
        return await self.box.catalogue.update_clip(clip.id, {"clock": self.labels.state} | changes)

    async def ids(self) -> list[str]:
        return [clip.id for clip in await self.box.catalogue.clips_of_recorder(HERE)]

    def pass_time(self, **span: float) -> None:
        """Let time pass and notice, as the daemon does each second, whether the clock was set meanwhile."""
        self.clock.advance(int(timedelta(**span).total_seconds() * NS_PER_S))
        self.labels.check()

    def step(self, **span: float) -> None:
        """Somebody sets the clock; without NTP the kernel then calls it unsynchronised."""
        self.clock.step_wall(int(timedelta(**span).total_seconds() * NS_PER_S))
        self.labels.check()

    def restart(self, **settings: Any) -> "Keeping":
        """The next life, with other settings if any; nothing in memory survives."""
        config = RetentionConfig.model_validate(settings) if settings else self.retention.config
        return _made(self.box, self.files, self.clock, config, self.directory)


@asynccontextmanager
async def keeping(
    directory: Path,
    *,
    total_bytes: int = 1 << 40,
    synchronised: bool | None = True,
    begins: datetime | None = None,
    **settings: Any,
) -> AsyncIterator[Keeping]:
    """`settings` are those of `retention`; without any there is no reserve."""
    clock = SimulatedClock()
    if begins is not None:
        clock.step_wall(int(begins.replace(tzinfo=UTC).timestamp()) * NS_PER_S - clock.realtime_ns())
    clock.wall_synchronised = synchronised
    async with Box.opened(directory) as first:
        await first.catalogue.close()
        wall = WallClock(clock)
        catalogue = Catalogue(f"sqlite:///{directory}/catalogue.db", now=wall.now)
        await catalogue.open()
        try:
            base = first.files
            files = SmallDisk(
                base.clips_dir,
                base.thumbnails_dir,
                base.quarantine_dir,
                total_bytes=total_bytes,
                stranger=directory / "stranger",
            )
            box = replace(first, catalogue=catalogue, files=files, clock=wall)  # type: ignore[arg-type]
            settings = {"reserve": {"bytes": 0}} | settings
            yield _made(box, files, clock, RetentionConfig.model_validate(settings), directory)
        finally:
            await catalogue.close()


_DISK: Executor = ThreadPoolExecutor(1)


def _made(
    box: Box, files: SmallDisk, clock: SimulatedClock, config: RetentionConfig, directory: Path
) -> Keeping:
    statuses: list[CameraStatus] = []
    labels, events, gone = LabelLine(clock), EventLog("boot"), list[str]()
    health = Health(lambda subject, said: events.publish("concern", {"subject": subject}))
    base = foundation_of(
        box,
        Config(retention=config),
        files=files,
        labels=labels,
        disk=_DISK,
        events=events,
        health=health,
    )
    room = DiskRoom(base, lambda: statuses, lambda clip_id, camera: None)
    garbage = GarbageSweep(box.catalogue, files, HERE, _DISK, box.clock.now)
    retention = Retention(base, room, garbage, lambda clip: gone.append(clip.id), None)
    return Keeping(
        box, files, clock, labels, room, retention, garbage, health, events, gone, directory, statuses
    )
