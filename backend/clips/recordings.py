"""Follows what the recorders report into the catalogue: processing, finished, failed, continued.

Here: one reader of the inbox, so that a recording's events are handled in the order they happened, and
the finishing of part files again (retry, start-up). Not here: what people ask for (`clips`). A
database that does not answer holds the reader, never the recordings: their files are durable, the
inbox is short, and each event is tried again until it is committed. Event loop only.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import assert_never

from backend.base.backoff import Backoff
from backend.cameras.cameras import Cameras
from backend.catalogue import Clip, ClipUnknown, IllegalTransition
from backend.catalogue.errors import CatalogueUnavailable
from backend.catalogue.lifecycle import FINISHED, Status
from backend.clips.recorder_events import RecorderInbox
from backend.clips.rows import finished_fields, recording_row
from backend.events.clip_events import ClipEvents
from backend.events.writers import Json
from backend.foundation.foundation import Foundation
from backend.pictures.automatic import AutomaticPreviews
from backend.retention.budget import Budget
from recorder import ClipFiles
from recorder.base.errors import RecorderError
from recorder.base.threads import in_thread
from recorder.base.values import (
    CameraChanged,
    CameraStatus,
    ClockState,
    ClockStepped,
    FinishedClip,
    FinishProgressed,
    RecorderEvent,
    RecordingContinued,
    RecordingFailed,
    RecordingFinished,
    RecordingProcessing,
    RecordingProgressed,
    RecordingStarted,
)

log = logging.getLogger(__name__)

BACKOFF = Backoff(0.2, 10.0)
_OF_PLAYING = frozenset({"start_time", "end_time", "covered_before_s", "covered_after_s"})


@dataclass(slots=True)
class InboxCounters:
    """What went wrong on the way into the catalogue, since the daemon started."""

    commits_retried: int = 0
    news_dropped: int = 0


@dataclass(frozen=True, slots=True)
class ClipServices:
    """What the use cases of clips share."""

    base: Foundation
    cameras: Cameras
    previews: AutomaticPreviews
    clip_events: ClipEvents
    budget: Budget
    write_camera: Callable[[CameraStatus, bool], Json]
    counters: InboxCounters = field(default_factory=InboxCounters)

    def files(self, clip_id: str) -> ClipFiles:
        """The files of one recording."""
        return ClipFiles(self.base.files.clips_dir, clip_id)


class Recordings:
    """The reader of the inbox."""

    def __init__(self, services: ClipServices, inbox: RecorderInbox) -> None:
        self._services = services
        self._inbox = inbox

    async def run(self) -> None:
        """Handle events until cancelled."""
        while True:
            event = await self._inbox.take()
            try:
                await self._until_committed(partial(self.handle, event))
            except asyncio.CancelledError:
                raise
            except Exception:
                # The outermost frame of the reader: one event must not stop all later ones.
                self._services.counters.news_dropped += 1
                log.exception("news of a recorder was dropped")

    async def handle(self, event: RecorderEvent) -> None:
        """Carry one event into the catalogue; a clip that was deleted meanwhile is no error."""
        match event:
            case RecordingProgressed():
                self._services.clip_events.progressed(event)
            case FinishProgressed():
                self._services.clip_events.finishing(event)
            case RecordingProcessing(recording_id):
                await self._move(recording_id, Status.PROCESSING, {"progress": 0.0})
            case RecordingFinished(recording_id, clip, clock):
                await self.finished(recording_id, clip, clock)
            case RecordingFailed(recording_id, reason, retryable):
                await self._move(recording_id, Status.FAILED, {"error": reason, "retryable": retryable})
            case RecordingContinued(recording_id, started):
                await self._continued(recording_id, started)
            case CameraChanged(camera_id):
                self._camera_changed(camera_id)
            case ClockStepped(by_s):
                self._services.base.events.publish("clock", {"stepped_seconds": by_s})
            case _:
                assert_never(event)

    async def finished(self, clip_id: str, clip: FinishedClip, clock: ClockState) -> None:
        """The finished file is durable: the row becomes a draft, then the part file goes."""
        row = await self._services.base.catalogue.get_clip(clip_id)
        if row is None:
            return
        fields = finished_fields(clip, row.pressed_at, clip_id) | {"clock": clock}
        if row.end_time is not None:  # a timelapse: its time is that of its pictures, not of its playing
            fields = {name: value for name, value in fields.items() if name not in _OF_PLAYING}
        # A commit whose result was lost is repeated: the row is there already, and so is the part file.
        if row.status not in FINISHED and await self._move(clip_id, Status.DRAFT, fields) is None:
            return
        await in_thread(self._services.base.disk, self._services.files(clip_id).discard_part)
        # After a step of the clock the buffer has other labels than the clip.
        same_labels = clock is not ClockState.STEPPED
        self._services.previews.middle(
            clip_id, clip, self._services.cameras.get(row.camera) if same_labels else None
        )

    async def finish_again(self, row: Clip) -> None:
        """Make the finished file of a `processing` row from its part file; publishes its progress."""
        files = self._services.files(row.id)
        self._services.clip_events.changed(row)
        try:
            clip = await self._services.base.finisher.finish(
                files, lambda share: self._services.clip_events.finishing(FinishProgressed(row.id, share))
            )
        except (RecorderError, OSError) as error:
            reason = f"The disk refused: {error.strerror}." if isinstance(error, OSError) else str(error)
            kept = await in_thread(self._services.base.disk, files.part.exists)
            failed = RecordingFailed(row.id, reason, retryable=kept)
            await self._until_committed(partial(self.handle, failed))
            return
        await self._until_committed(partial(self.finished, row.id, clip, row.clock))

    async def _continued(self, recording_id: str, started: RecordingStarted) -> None:
        services = self._services
        recorder = services.cameras.recording(started.recording_id, started.camera_id)
        try:
            await self._insert_continuation(recording_id, started)
        except ClipUnknown:
            # Deleted while it ran: nobody wants the rest either.
            if recorder is not None and recorder.is_recording(started.recording_id):
                await recorder.discard(started.recording_id)
            return
        if recorder is None:  # its camera was removed meanwhile
            await in_thread(self._services.base.disk, services.files(started.recording_id).acknowledge)
        else:
            await recorder.acknowledge(started.recording_id)
            services.previews.current(started.recording_id, recorder, started.pressed_at)

    async def _insert_continuation(self, recording_id: str, started: RecordingStarted) -> None:
        catalogue = self._services.base.catalogue
        if await catalogue.get_clip(started.recording_id) is not None:
            return  # repeated: an earlier try broke off after the commit
        earlier = await catalogue.get_clip(recording_id)
        if earlier is None:
            raise ClipUnknown(recording_id)
        for clip in await catalogue.insert_continuation(
            recording_id, recording_row(started, earlier.recorder_id, earlier)
        ):
            self._services.clip_events.changed(clip)

    def _camera_changed(self, camera_id: str) -> None:
        recorder = self._services.cameras.get(camera_id)
        if recorder is None:
            return
        status = recorder.status()
        written = self._services.write_camera(status, camera_id == self._services.cameras.default_id)
        self._services.base.events.publish("camera", written, camera=camera_id)

    async def _move(self, clip_id: str, to: Status, fields: dict[str, object]) -> Clip | None:
        try:
            clip = await self._services.base.catalogue.transition(clip_id, to, fields=fields)
        except ClipUnknown:
            return None
        except IllegalTransition as refusal:
            if refusal.current is not to:
                raise
            return None
        self._services.clip_events.changed(clip)
        return clip

    async def _until_committed(self, work: Callable[[], Awaitable[None]]) -> None:
        for failures in count():
            wait_s = BACKOFF.wait_s(failures)
            try:
                await work()
                return
            except CatalogueUnavailable as error:
                self._services.counters.commits_retried += 1
                log.warning("the catalogue does not answer, trying again in %.1f s: %s", wait_s, error)
            await asyncio.sleep(wait_s)
