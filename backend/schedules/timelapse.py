"""Timelapses: a picture every few seconds out of the buffer, joined into a clip when its time is over.

A picture is due at exact moments of the period (`due_at + n × every`) and is taken from the buffer by its
label, so a tick that is late costs nothing. Pictures lie in one part file per run,
`<data_dir>/timelapses/<run id>.part`, each synced before it counts. Joining gives that file to a clip
as its material and finishes it like any other: in a worker process, with progress, retry and salvage.

Order of work when joining, each step found again after a kill: the clip's id is in the run since its
first picture → link the file into the clip's directory → commit the clip's row → acknowledge → finish it →
run `joining` → the clip is a draft → the run's own name of the file goes. Event loop only.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from backend.base.ids import is_id, new_id
from backend.catalogue import Clip, NewClip
from backend.catalogue.lifecycle import Status
from backend.catalogue.schedule_values import Run, RunFields, RunState
from backend.clips.recordings import ClipServices, Recordings
from backend.problems.refused import Refused, as_refused
from backend.recurrence.titles import title
from recorder import (
    TimelapseContents,
    TimelapseOrder,
    TimelapsePart,
    link_timelapse_part,
    read_timelapse_part,
)
from recorder.base.errors import Busy, PartFileDamaged, RecorderError
from recorder.base.tasks import Tasks
from recorder.base.threads import in_thread
from recorder.base.values import ClockState, Picture

log = logging.getLogger(__name__)

GRACE = timedelta(seconds=10)
"""How long after its end a run waits for the last pictures to come out of the buffer."""
MOST_AT_ONCE = 20
"""Pictures of one run per tick: enough to catch up, too few to hold the workers."""
STALE = timedelta(seconds=2)
"""A frame older than this when it is due was held over an outage: no picture of that moment."""
WRITE_ROW_EVERY = 10
"""Pictures, and at least as many seconds; the file itself knows how many there are."""
TAGS = ("timelapse",)


@dataclass(slots=True)
class TimelapseCounters:
    """Since the daemon started."""

    pictures: int = 0
    pictures_missed: int = 0


@dataclass(slots=True)
class _Collecting:
    """A run in this life of the process."""

    run: Run
    next_slot: int = 0
    part: TimelapsePart | None = None
    reason: str | None = None
    task: asyncio.Task[None] | None = None


class Timelapses:
    """The pictures of all timelapses that are under way."""

    def __init__(
        self,
        services: ClipServices,
        recordings: Recordings,
        directory: Path,
        publish_run: Callable[[Run], None],
    ) -> None:
        self.counters = TimelapseCounters()
        self._services = services
        self._recordings = recordings
        self._directory = directory
        self._publish_run = publish_run
        self._tasks = Tasks()
        self._collecting: dict[str, _Collecting] = {}

    async def close(self) -> None:
        """End what is under way; the files stay, and the next start goes on with them."""
        await self._tasks.close()
        for collecting in self._collecting.values():
            if collecting.part is not None:
                await in_thread(self._services.base.disk, collecting.part.close)

    async def sweep(self, open_ids: set[str]) -> None:
        """At start: remove the files of runs that are over. Others were never ours and stay."""
        for path in await in_thread(self._services.base.disk, lambda: sorted(self._directory.glob("*.part"))):
            if is_id(path.stem) and path.stem not in open_ids:
                await in_thread(self._services.base.disk, partial(path.unlink, missing_ok=True))

    def is_complete(self, run: Run, now: datetime) -> bool:
        """Whether the run has all the pictures it will get."""
        collecting = self._collecting.get(run.id)
        if collecting is not None and collecting.task is not None and not collecting.task.done():
            return False
        if now < run.ends_at:
            return False
        return now >= run.ends_at + GRACE or (
            collecting is not None and _due_at(run, collecting.next_slot) >= run.ends_at
        )

    def reason(self, run: Run) -> str | None:
        """Why the newest picture could not be had."""
        collecting = self._collecting.get(run.id)
        return None if collecting is None else collecting.reason

    def collect(self, run: Run) -> None:
        """Take the pictures that are due, in the background."""
        collecting = self._collecting.setdefault(run.id, _Collecting(run))
        # The row may have been read before the first picture gave the run its clip.
        collecting.run = replace(run, clips=run.clips or collecting.run.clips)
        if collecting.task is None or collecting.task.done():
            collecting.task = self._tasks.spawn(self._collect(collecting), f"timelapse {run.id}")

    async def join(self, run: Run) -> bool:
        """Make the pictures a clip that is being finished; False where there are none."""
        collecting = self._collecting.pop(run.id, None)
        if collecting is not None and collecting.part is not None:
            await in_thread(self._services.base.disk, collecting.part.close)
        try:
            kept = await in_thread(self._services.base.disk, partial(read_timelapse_part, self._path(run)))
        except PartFileDamaged as error:  # its very beginning is lost: there is no picture to save
            log.warning("the pictures of timelapse %s are lost: %s", run.id, error)
            kept = None
        if kept is None or not run.clips:
            return False
        reason = _missing(run, kept, collecting)
        clip = await self._services.base.catalogue.get_clip(run.clips[0])
        if clip is None:
            clip = await self._make_clip(run, kept)
        if clip.status is Status.PENDING:
            clip = await self._services.base.catalogue.transition(clip.id, Status.PROCESSING)
            self._tasks.spawn(self._recordings.finish_again(clip), f"join {clip.id}")
        # Last: a run that is `joining` is only watched, so a task must be at work on its clip.
        fields = {"state": RunState.JOINING, "pictures": kept.pictures, "reason": reason}
        await self._changed(run, fields)
        return True

    async def discard(self, run: Run) -> None:
        """The run is over: its own name of the pictures goes."""
        collecting = self._collecting.pop(run.id, None)
        if collecting is not None and collecting.part is not None:
            await in_thread(self._services.base.disk, collecting.part.close)
        await in_thread(self._services.base.disk, partial(self._path(run).unlink, missing_ok=True))

    async def _collect(self, collecting: _Collecting) -> None:
        run = collecting.run
        for _ in range(MOST_AT_ONCE):
            try:
                picture = await self._next_picture(collecting)
                if picture is None:
                    return
                await self._keep(collecting, picture)
            except Busy:
                return  # the moment stays in the buffer for a while
            except (Refused, RecorderError, OSError) as error:
                await self._missed(collecting, error)
            collecting.next_slot += 1
        log.debug("timelapse %s catches up", run.id)

    async def _next_picture(self, collecting: _Collecting) -> Picture | None:
        """The picture of the next moment that has come and is still buffered; None: not yet."""
        run = collecting.run
        recorder = self._services.cameras.get(run.spec.camera)
        if recorder is None:
            collecting.reason = f"There is no camera '{run.spec.camera}' now."
            return None
        status = recorder.status()
        oldest, newest = status.buffer.oldest_frame, status.buffer.newest_frame
        if oldest is None or newest is None:
            collecting.reason = f"Camera '{run.spec.camera}' sends no pictures. {status.reason}".strip()
            return None
        collecting.next_slot = max(collecting.next_slot, _slot_from(run, oldest))
        due_at = _due_at(run, collecting.next_slot)
        if due_at > newest or due_at >= run.ends_at:
            return None
        picture = await recorder.frame(due_at)
        if due_at - picture.label > STALE:
            raise RecorderError(f"Camera '{run.spec.camera}' sent no picture of that moment.")
        return picture

    async def _keep(self, collecting: _Collecting, picture: Picture) -> None:
        run = collecting.run
        if not run.clips:
            # First the row: a start that finds the file must know whose it is.
            begun = {"state": RunState.RUNNING, "clips": (new_id(),), "started_at": picture.label}
            collecting.run = run = await self._changed(run, begun) or run
        if collecting.part is None:
            order = TimelapseOrder(run.clips[0], run.spec.camera, run.recorder_id, run.spec.fps or 1)
            collecting.part = await in_thread(
                self._services.base.disk, partial(TimelapsePart, self._path(run), order)
            )
        part = collecting.part
        await self._services.budget.admit_disk()
        await in_thread(self._services.base.disk, partial(part.append, picture))
        self.counters.pictures += 1
        if part.pictures % WRITE_ROW_EVERY == 1 or (run.spec.every_s or 1) >= WRITE_ROW_EVERY:
            await self._changed(run, {"pictures": part.pictures})

    async def _missed(self, collecting: _Collecting, error: Exception) -> None:
        refused = as_refused(error)
        if isinstance(error, OSError):
            collecting.reason = f"The disk refused: {error.strerror}."
        else:
            collecting.reason = str(error) if refused is None else refused.detail
        self.counters.pictures_missed += 1
        if collecting.part is None and collecting.run.reason != collecting.reason:
            await self._changed(collecting.run, {"reason": collecting.reason})

    async def _make_clip(self, run: Run, kept: TimelapseContents) -> Clip:
        services = self._services
        clip_id = run.clips[0]
        files = services.files(clip_id)
        await in_thread(self._services.base.disk, partial(link_timelapse_part, self._path(run), files))
        recorder = services.cameras.get(run.spec.camera)
        camera_name = run.spec.camera if recorder is None else recorder.settings.name or run.spec.camera
        row = NewClip(
            id=clip_id,
            recorder_id=run.recorder_id,
            camera=run.spec.camera,
            start_time=kept.first_label,
            # What the pictures stand for; the clip itself is much shorter.
            end_time=run.ends_at,
            pressed_at=kept.first_label,
            title=title(run.spec, camera_name, run.due_at),
            tags=TAGS,
            clock=ClockState.UNSYNCHRONISED if recorder is None else recorder.status().clock,
            width=kept.width,
            height=kept.height,
        )
        clip = await services.base.catalogue.insert_clip(row)
        await in_thread(self._services.base.disk, files.acknowledge)
        services.clip_events.changed(clip)
        return clip

    async def _changed(self, run: Run, fields: RunFields) -> Run | None:
        changed = await self._services.base.catalogue.schedules.update_run(run.id, fields)
        if changed is not None:
            self._publish_run(changed)
        return changed

    def _path(self, run: Run) -> Path:
        return self._directory / f"{run.id}.part"


def _due_at(run: Run, slot: int) -> datetime:
    return run.due_at + slot * timedelta(seconds=run.spec.every_s or 1)


def _slot_from(run: Run, label: datetime) -> int:
    """The first moment at or after `label`."""
    every = timedelta(seconds=run.spec.every_s or 1)
    return max(0, -((run.due_at - label) // every))  # rounded up


def _missing(run: Run, kept: TimelapseContents, collecting: _Collecting | None) -> str | None:
    every = timedelta(seconds=run.spec.every_s or 1)
    expected = -((run.due_at - run.ends_at) // every)
    if kept.pictures >= expected:
        return None
    why = collecting.reason if collecting is not None and collecting.reason else ""
    return f"{expected - kept.pictures} of {expected} pictures are missing. {why}".strip()
