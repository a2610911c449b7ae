"""Keeps a reserve of free space: measures, refuses recordings below it, ends those under way in time.

Here: how large the reserve is, and what happens when it is touched. Not here: making room by deleting
(`sweep`). What is decided is pure and stands at the top; the rest runs on the event loop and
asks the disk in disk threads, so a hung disk delays one check and nothing else.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from backend.base.machine.host import FreeSpace
from backend.base.text.human_units import readable_bytes
from backend.catalogue import Clip
from backend.catalogue.lifecycle import Status
from backend.config.model import RecordingConfig
from backend.config.retention import ReserveConfig
from backend.foundation.foundation import Foundation
from backend.foundation.local_files import LocalFiles
from backend.problems.kinds import Kind
from backend.problems.refused import Refused
from backend.retention.estimates import bytes_per_second
from backend.retention.plan import ROOM_SHARE
from backend.retention.spare_room import SpareRoom
from recorder import ClipFiles, Recorder
from recorder.base.errors import UnknownRecording
from recorder.base.threads import in_thread
from recorder.base.values import CameraStatus

log = logging.getLogger(__name__)

SUBJECT = "disk"
"""Under which `Health` knows of a disk that is too full."""
OPEN_ENDED_S = 60.0
"""What a recording that a person stops is counted as."""
MEASURE_PATIENCE_S = 0.5
RESTING_TURNS = 5
"""One tick in so many checks the disk when nothing is at stake: it is far from full and no camera records."""
LAST_SHARE = 0.25
"""Of the reserve, below which recordings under way are ended; finishing them takes their size once more."""


def reserve_bytes(config: ReserveConfig, recording: RecordingConfig, cameras: Iterable[CameraStatus]) -> int:
    """The larger of the configured bytes and so many recordings of the greediest camera."""
    after_s = OPEN_ENDED_S if recording.after_seconds is None else recording.after_seconds
    rates = [rate for status in cameras if (rate := bytes_per_second(status)) is not None]
    clip_bytes = max(rates, default=0.0) * (recording.before_seconds + after_s)
    return max(config.bytes, int(config.clips * clip_bytes))


def must_end(free_bytes: int, reserve: int, part_bytes: Sequence[int]) -> bool:
    """Whether recordings under way must end now, to be finished in what is left."""
    return bool(part_bytes) and free_bytes < sum(part_bytes) + reserve * LAST_SHARE


@dataclass(slots=True)
class RoomCounters:
    """Since the daemon started."""

    refused: int = 0
    ended: int = 0
    look_failures: int = 0


class DiskRoom:
    """Free space where clips go. Call `check` before the first `admit`; belongs to the event loop."""

    def __init__(
        self,
        base: Foundation,
        statuses: Callable[[], Sequence[CameraStatus]],
        find_recorder: Callable[[str, str], Recorder | None],
    ) -> None:
        """`find_recorder` finds what records a clip, by the clip's id and camera."""
        self._base = base
        self._statuses = statuses
        self._find_recorder = find_recorder
        self.config = base.config.retention.reserve
        self.recording = base.config.recording
        """Both replaced by a reload."""
        self.free_bytes = 0
        self.total_bytes = 0
        self._spare = SpareRoom(base.config.data_dir)
        self._has_spare = False
        self.pending_bytes = 0
        """Of unfinished clips: what finishing them takes once more."""
        self.is_low = False
        self._is_at_stake = True
        self._turn = 0
        self.counters = RoomCounters()

    @property
    def reserve_bytes(self) -> int:
        """What must stay free."""
        return self.reserve_of(self.config)

    def reserve_of(self, config: ReserveConfig) -> int:
        """What another configuration would keep free."""
        return reserve_bytes(config, self.recording, self._statuses())

    @property
    def shortage(self) -> FreeSpace | None:
        """Why recordings are refused now; None when they are not."""
        return FreeSpace(self.free_bytes, self.reserve_bytes) if self.is_low else None

    @property
    def reason(self) -> str | None:
        """The shortage as a sentence."""
        if (short := self.shortage) is None:
            return None
        return (
            f"Only {readable_bytes(short.free_bytes)} are free on the disk of the clips, and "
            f"{readable_bytes(short.reserve_bytes)} are kept in reserve (retention.reserve)."
        )

    async def admit(self) -> None:
        """Refuse to begin a recording or to keep a snapshot while the reserve is touched."""
        self._is_at_stake = True
        # Many presses within a second take more than the last check measured. A disk that does not answer
        # is not waited for here: what was seen last counts.
        with suppress(TimeoutError):
            async with asyncio.timeout(MEASURE_PATIENCE_S):
                await self._measure()
        if (short := self.shortage) is None:
            return
        self.counters.refused += 1
        raise Refused(
            Kind.DISK_ALMOST_FULL,
            retry_after_s=30,
            free_bytes=short.free_bytes,
            reserve_bytes=short.reserve_bytes,
        )

    async def tick(self, when_low: Callable[[], Awaitable[object]]) -> None:
        """Check the disk, now or at one of the next turns; called once a second."""
        self._turn += 1
        if self._is_at_stake or self._turn % RESTING_TURNS == 0:
            await self.check(when_low)

    async def check(self, when_low: Callable[[], Awaitable[object]] | None = None) -> None:
        """Measure, and end recordings in time. `when_low` is called when space runs short."""
        reserve = await self._measure()
        if reserve and not self.is_low:
            await self._keep_spare()
        is_recording = any(camera.recordings for camera in self._statuses())
        await self._end_in_time(reserve, is_recording=is_recording)
        is_near = self.free_bytes < (reserve + self.pending_bytes) * (1 + ROOM_SHARE)
        self._is_at_stake = is_near or is_recording
        if is_near and when_low is not None:
            await when_low()

    async def give_spare(self) -> bool:
        """Make the last room there is, for a deletion; False when it is used up."""
        self._has_spare = False
        return await in_thread(self._base.disk, self._spare.give)

    async def _keep_spare(self) -> None:
        if not self._has_spare:
            with suppress(OSError):  # tried again at the next check
                await in_thread(self._base.disk, self._spare.keep)
                self._has_spare = True

    async def _measure(self) -> int:
        """Take what the disk says; returns the reserve that it was compared with."""
        reserve = self.reserve_bytes
        try:
            free, total = await in_thread(self._base.disk, self._base.files.space_bytes)
        except OSError as error:
            self.counters.look_failures += 1
            log.warning("the disk of the clips does not say how full it is: %s", error.strerror)
            return reserve
        self.free_bytes, self.total_bytes = free, total
        self._set_low(free < reserve)
        return reserve

    def _set_low(self, is_low: bool) -> None:
        if is_low is self.is_low:
            return
        self.is_low = is_low
        self._base.health.concern(SUBJECT, self.reason and f"{self.reason} Recordings are refused.")

    async def _end_in_time(self, reserve: int, *, is_recording: bool) -> None:
        base = self._base
        if reserve == 0 or not (self.pending_bytes or is_recording):
            self.pending_bytes = 0
            return
        unfinished = await base.catalogue.list_unfinished(base.recorder_id)
        sizes = await in_thread(base.disk, partial(_part_sizes, base.files, unfinished))
        self.pending_bytes = sum(sizes)
        running = [clip for clip in unfinished if clip.status is Status.PENDING]
        if not running or not must_end(self.free_bytes, reserve, sizes):
            return
        for clip in running:
            await self._end(clip)

    async def _end(self, clip: Clip) -> None:
        recorder = self._find_recorder(clip.id, clip.camera)
        if recorder is None or not recorder.is_recording(clip.id):
            return
        with suppress(UnknownRecording):
            await recorder.stop(clip.id)
            self.counters.ended += 1
            message = f"The recording {clip.id} was ended while there is space to finish it."
            log.warning("%s", message)
            self._base.events.publish("disk", {"message": message}, camera=clip.camera)


def _part_sizes(files: LocalFiles, clips: Sequence[Clip]) -> list[int]:
    sizes = []
    for clip in clips:
        with suppress(FileNotFoundError):
            sizes.append(ClipFiles(files.clips_dir, clip.id).part.stat().st_size)
    return sizes
