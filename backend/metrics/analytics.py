"""Makes the samples behind `/api/analytics`: what each camera did in each minute.

Reads every camera's status once a tick and adds the differences up; a minute is written when it is
over, and what there is of the last one at the end. Every number adds up, so a minute written in two
pieces is right. Event loop only.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backend.base.scheduler import Scheduler
from backend.base.times import utc_now
from backend.catalogue import Catalogue, Sample
from backend.catalogue.errors import CatalogueError
from backend.catalogue.values import CameraStorage, ClipTally, SampleFilter
from backend.foundation.foundation import Foundation
from recorder.base.values import CameraStatus, StreamCounters

log = logging.getLogger(__name__)

KEEP_MINUTES = timedelta(days=7)
LONGEST_TICK_S = 120.0
"""A longer pause (a suspended machine) is no time in which a camera was watched."""
MOST_KEPT = 600
"""Samples kept while the catalogue does not answer."""


@dataclass(slots=True)
class _Seen:
    counters: StreamCounters
    at_s: float


def drops_of(counters: StreamCounters) -> int:
    """Units a camera sent, or began to send, that nobody will see."""
    return counters.units_before_keyframe + counters.units_damaged + counters.recording_units_lost


def open_analytics(base: Foundation) -> "Analytics":
    """The sample builder of this daemon."""
    return Analytics(base.catalogue, base.recorder_id, now=utc_now, monotonic_s=time.monotonic)


class Analytics:
    """The sample builder. `now` gives naive UTC, `monotonic_s` seconds."""

    def __init__(
        self,
        catalogue: Catalogue,
        recorder_id: str,
        *,
        now: Callable[[], datetime],
        monotonic_s: Callable[[], float],
    ) -> None:
        self._catalogue = catalogue
        self._recorder_id = recorder_id
        self._now = now
        self._monotonic_s = monotonic_s
        self._seen: dict[str, _Seen] = {}
        self._open: dict[str, Sample] = {}
        self._done: list[Sample] = []
        self._removed: dict[str, tuple[int, int]] = {}
        self.lost = 0

    async def tick(self, statuses: Iterable[CameraStatus]) -> None:
        """Look at every camera; call it every few seconds."""
        now_s, minute = self._monotonic_s(), self._now().replace(second=0, microsecond=0)
        present = list(statuses)
        for status in present:
            self._add(status, now_s, minute)
        for camera in self._seen.keys() - {status.camera_id for status in present}:
            self._part_with(camera)
        self._note_removed(minute)
        await self._write()

    async def samples(self, wanted: SampleFilter) -> list[Sample]:
        """The samples of a span, added up by its steps."""
        return await self._catalogue.samples(wanted)

    async def clips_by_quarter(self, wanted: SampleFilter) -> list[ClipTally]:
        """How many clips each camera made, and their bytes, by quarters of an hour."""
        return await self._catalogue.clips_by_quarter(wanted)

    async def storage_by_camera(self) -> list[CameraStorage]:
        """What the clips of each camera take."""
        return await self._catalogue.storage_by_camera()

    def start(self, scheduler: Scheduler, statuses: Callable[[], Iterable[CameraStatus]]) -> None:
        """Look at every camera from now on."""
        scheduler.every(1, "samples", lambda: self.tick(statuses()))
        scheduler.every(3600, "thin samples", self.thin)

    def numbers(self) -> Mapping[str, float]:
        """For /metrics."""
        return {"samples_lost_total": self.lost}

    async def close(self) -> None:
        """Write the minute under way."""
        self._done.extend(self._open.values())
        self._open.clear()
        self._note_removed(self._now().replace(second=0, microsecond=0))
        await self._write()

    def removed(self, camera: str, size_bytes: int) -> None:
        """Retention deleted a clip, perhaps of a camera that is gone."""
        clips, total = self._removed.get(camera, (0, 0))
        self._removed[camera] = (clips + 1, total + size_bytes)

    async def thin(self) -> int:
        """Make hours of what is older than a week."""
        return await self._catalogue.thin_samples(self._recorder_id, self._now() - KEEP_MINUTES)

    def _note_removed(self, minute: datetime) -> None:
        for camera, (clips, size_bytes) in self._removed.items():
            sample = Sample(recorder_id=self._recorder_id, camera=camera, at=minute)
            self._done.append(replace(sample, clips_removed=clips, bytes_removed=size_bytes))
        self._removed.clear()

    def _add(self, status: CameraStatus, now_s: float, minute: datetime) -> None:
        camera = status.camera_id
        seen = self._seen.get(camera)
        self._seen[camera] = _Seen(status.counters, now_s)
        if seen is None or not 0 < now_s - seen.at_s <= LONGEST_TICK_S:
            return
        if _restarted(status.counters, seen.counters):
            return
        sample = self._open.get(camera)
        if sample is not None and sample.at != minute:
            self._done.append(sample)
            sample = None
        if sample is None:
            sample = Sample(recorder_id=self._recorder_id, camera=camera, at=minute)
        self._open[camera] = _grown(sample, status, seen.counters, now_s - seen.at_s)

    def _part_with(self, camera: str) -> None:
        del self._seen[camera]
        if (sample := self._open.pop(camera, None)) is not None:
            self._done.append(sample)

    async def _write(self) -> None:
        while self._done:
            try:
                await self._catalogue.add_sample(self._done[0])
            except CatalogueError as error:
                log.warning("samples wait, the catalogue does not take them: %s", error)
                excess = max(0, len(self._done) - MOST_KEPT)
                self.lost += excess
                del self._done[:excess]
                return
            self._done.pop(0)


def _restarted(now: StreamCounters, before: StreamCounters) -> bool:
    """Whether another recorder counts for this camera now: a reload gave it another source."""
    return now.units < before.units or now.bytes < before.bytes or drops_of(now) < drops_of(before)


def _grown(sample: Sample, status: CameraStatus, before: StreamCounters, seconds: float) -> Sample:
    state = f"{status.state}_s"
    fill = min(1.0, status.buffer.duration_s / status.buffer.capacity_s)
    return replace(
        sample,
        frames=sample.frames + status.counters.units - before.units,
        drops=sample.drops + drops_of(status.counters) - drops_of(before),
        bytes=sample.bytes + status.counters.bytes - before.bytes,
        filled_s=sample.filled_s + fill * seconds,
        **{state: getattr(sample, state) + seconds},
    )
