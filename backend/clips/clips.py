"""The use cases of clips: record, stop, extend, retry, change, delete, take a snapshot.

Here: the order of work that makes a 201 a promise. Not here: HTTP (`http.api.clips`), what recorders
report later (`recordings`), pictures (`pictures.automatic`). Event loop only.
"""

import errno
import hashlib
import logging
from datetime import datetime
from functools import partial
from typing import Any

from backend.base.ids import is_id, new_id
from backend.base.shielded import run_shielded
from backend.base.times import rfc3339
from backend.catalogue import Clip, ClipFilter, ClipPage, ClipUnknown, MediaType, NewClip, PreviewSource
from backend.catalogue.lifecycle import UNFINISHED, Status
from backend.clips.recordings import ClipServices, Recordings
from backend.clips.requests import LONGEST_PLANNED_S, ClipChanges, RecordOptions, SnapshotOptions
from backend.clips.rows import recording_row
from backend.config.model import RecordingConfig
from backend.problems.kinds import Kind
from backend.problems.refused import Refused, as_refused
from recorder import ClipFiles, Recorder
from recorder.base.durable import write_durably
from recorder.base.errors import SpanOutsideBuffer, UnknownRecording
from recorder.base.tasks import Tasks
from recorder.base.threads import in_thread
from recorder.base.values import ClockState, Picture, RecordRequest

log = logging.getLogger(__name__)

SNAPSHOT_NAME = "snapshot.jpg"


class Clips:
    """The use cases of clips and snapshots."""

    def __init__(self, services: ClipServices, recordings: Recordings, defaults: RecordingConfig) -> None:
        self._services = services
        self._recordings = recordings
        self.defaults = defaults
        """What a request leaves out; replaced by a reload."""
        self._tasks = Tasks()

    async def close(self) -> None:
        """End what was begun for clients; a recording cut short here is cleaned up at the next start."""
        await self._tasks.close()

    async def get(self, clip_id: str) -> Clip:
        """The clip. Refused when there is none."""
        clip = await self._find(clip_id)
        if clip is None:
            raise Refused(Kind.CLIP_UNKNOWN, field="id")
        return clip

    async def camera_of(self, clip_id: str) -> str | None:
        """The camera of a clip; None when there is none."""
        clip = await self._find(clip_id)
        return None if clip is None else clip.camera

    async def list(self, wanted: ClipFilter, cursor: str | None, limit: int) -> ClipPage:
        """One page, newest first."""
        return await self._services.base.catalogue.list_clips(wanted, cursor, limit)

    async def create(
        self, options: RecordOptions, clip_id: str | None = None, *, continues: str | None = None
    ) -> Clip:
        """Record. When this returns the material so far is durable and the row is committed.

        `continues`: the clip that was broken off and goes on in this one.
        """
        recorder = self._services.cameras.find(options.camera)
        request = self._request(options, clip_id or new_id())
        return await run_shielded(self._tasks, self._create(recorder, request, options, continues))

    async def snapshot(self, options: SnapshotOptions, clip_id: str | None = None) -> Clip:
        """Keep one frame as an image row."""
        recorder = self._services.cameras.find(options.camera)
        picture = await recorder.frame(options.at)
        if options.at is not None and picture.label > options.at:
            raise SpanOutsideBuffer(
                f"The buffer begins at {rfc3339(picture.label)}, after the asked moment.", "at"
            )
        return await run_shielded(
            self._tasks, self._snapshot(recorder, options, picture, clip_id or new_id())
        )

    async def stop(self, clip_id: str) -> Clip:
        """End a recording at the newest frame."""
        clip = await self._under_way(clip_id)
        await self._recorder(clip).stop(clip_id)
        return clip

    async def extend(self, clip_id: str, seconds: float) -> Clip:
        """Move the planned end of a recording later."""
        clip = await self._under_way(clip_id)
        if clip.planned_end is None:
            raise Refused(Kind.NO_PLANNED_END)
        length_s = (clip.planned_end - clip.start_time).total_seconds() + seconds
        if length_s > LONGEST_PLANNED_S:
            raise Refused(Kind.EXTENDED_TOO_FAR, field="seconds", limit_s=LONGEST_PLANNED_S)
        planned_end = await self._recorder(clip).extend(clip_id, seconds)
        changed: dict[str, object] = {"planned_end": planned_end}
        if clip.requested_after_s is not None:
            changed["requested_after_s"] = clip.requested_after_s + seconds
        return self._report_change(await self._services.base.catalogue.update_clip(clip_id, changed))

    async def retry(self, clip_id: str) -> Clip:
        """Finish a failed clip again from its part file; the answer is the clip `processing`."""
        clip = await self.get(clip_id)
        if clip.status is not Status.FAILED:
            raise Refused(Kind.NOTHING_TO_RETRY, status=clip.status)
        if not clip.retryable:
            raise Refused(Kind.MATERIAL_LOST)
        clip = await self._services.base.catalogue.transition(
            clip_id, Status.PROCESSING, expect=Status.FAILED, fields={"error": None, "progress": 0.0}
        )
        self._tasks.spawn(self._recordings.finish_again(clip), f"retry {clip_id}")
        return self._report_change(clip)

    async def change(self, clip_id: str, changes: ClipChanges) -> Clip:
        """Change what is given; the rest stays."""
        return await run_shielded(self._tasks, self._change(clip_id, changes))

    async def _change(self, clip_id: str, changes: ClipChanges) -> Clip:
        clip = await self.get(clip_id)
        given = changes.given("thumbnail", "keep")
        changed = {name: value for name, value in given.items() if value != getattr(clip, name)}
        if changed:
            clip = await self._services.base.catalogue.update_clip(clip_id, changed)
        if texts := changes.given("title", "caption", "tags"):
            clip = await self._services.base.catalogue.edit_clip(clip_id, **texts)
        return self._report_change(clip)

    async def delete(self, clip_id: str) -> None:
        """Remove a clip; its row is gone when this returns, its files follow."""
        clip = await self.get(clip_id)
        await run_shielded(self._tasks, self._delete(clip))

    def forget(self, clip: Clip) -> None:
        """Forget a finished or failed clip whose row retention deleted."""
        self._services.clip_events.deleted(clip)
        self._services.previews.forget(clip.id)

    async def _find(self, clip_id: str) -> Clip | None:
        return await self._services.base.catalogue.get_clip(clip_id) if is_id(clip_id) else None

    def _request(self, options: RecordOptions, clip_id: str) -> RecordRequest:
        if options.start is not None or options.end is not None:
            start, end = _span(options)
            return RecordRequest(clip_id, start=start, end=end, replay=options.replay)
        if options.replay is not None:
            raise Refused(Kind.REPLAY_WITHOUT_SPAN, field="replay")
        before_s = self.defaults.before_seconds if options.before_s is None else options.before_s
        after_s = self.defaults.after_seconds if options.after_s is None else options.after_s
        if options.until_stopped:
            after_s = None
        if before_s == 0 and after_s == 0:
            raise Refused(Kind.SPAN_EMPTY, field="before_seconds")
        return RecordRequest(clip_id, at=options.at, before_s=before_s, after_s=after_s)

    async def _create(
        self, recorder: Recorder, request: RecordRequest, options: RecordOptions, continues: str | None
    ) -> Clip:
        budget = self._services.budget
        await (budget.admit(MediaType.VIDEO) if continues is None else budget.admit_disk())
        started = await _on_a_working_disk(recorder.record(request))
        try:
            row = recording_row(started, self._services.base.recorder_id, options, request)
            clip = await self._insert(row, continues)
        except Exception:
            # Not when cancelled: the daemon ends, the commit may go through all the same, and start-up sees.
            await recorder.abandon(request.recording_id)
            raise
        try:
            await recorder.acknowledge(clip.id)
        except OSError:
            # The marker would not go: the disk has turned read-only. Take the promise back.
            await self._services.base.catalogue.delete_clip(clip.id)
            await self._services.budget.take_back(clip.id)
            await recorder.abandon(clip.id)
            raise
        self._report_change(clip)
        if request.replay is None:  # what a replay shows may have left the buffer
            self._services.previews.current(clip.id, recorder, started.pressed_at)
        if started.finished is not None:
            stepped = started.clock is ClockState.STEPPED
            self._services.previews.middle(clip.id, started.finished, None if stepped else recorder)
        return clip

    async def _insert(self, row: NewClip, continues: str | None) -> Clip:
        if continues is not None:
            try:
                earlier, clip = await self._services.base.catalogue.insert_continuation(continues, row)
            except ClipUnknown:
                log.debug("what clip %s goes on from was deleted", row.id)
            else:
                self._report_change(earlier)
                return clip
        return await self._services.budget.insert(row)

    async def _snapshot(
        self, recorder: Recorder, options: SnapshotOptions, picture: Picture, clip_id: str
    ) -> Clip:
        await self._services.budget.admit(MediaType.IMAGE)
        files = self._services.files(clip_id)
        await _on_a_working_disk(
            in_thread(self._services.base.disk, partial(_write_snapshot, files, picture.jpeg))
        )
        row = NewClip(
            id=clip_id,
            recorder_id=self._services.base.recorder_id,
            camera=recorder.settings.camera_id,
            media_type=MediaType.IMAGE,
            status=Status.DRAFT,
            start_time=picture.label,
            end_time=picture.label,
            pressed_at=options.at or picture.label,
            title=options.title,
            caption=options.caption,
            tags=options.tags,
            clock=recorder.status().clock,
            thumbnail=PreviewSource.CURRENT,
            frame_count=1,
            width=picture.width,
            height=picture.height,
            video_codec="jpeg",
            size_bytes=len(picture.jpeg),
            sha256=hashlib.sha256(picture.jpeg).hexdigest(),
            path=f"{clip_id}/{SNAPSHOT_NAME}",
        )
        try:
            clip = await self._services.budget.insert(row)
        except Exception:
            await in_thread(self._services.base.disk, files.remove)
            raise
        await in_thread(self._services.base.disk, files.acknowledge)
        self._report_change(clip)
        self._services.previews.snapshot(clip.id, files.directory / SNAPSHOT_NAME)
        return clip

    async def _delete(self, clip: Clip) -> None:
        # The row goes first: were the files to go first and the row to stay, a promise would be broken.
        await self._services.base.catalogue.delete_clip(clip.id)
        self._services.clip_events.deleted(clip)
        self._services.base.finisher.transcoder.cancel_clip(clip.id)
        recorder = self._services.cameras.recording(clip.id, clip.camera)
        if recorder is not None and clip.status in UNFINISHED:
            try:
                await recorder.discard(clip.id)
            except UnknownRecording:
                log.debug("clip %s was deleted when its recording had just ended", clip.id)
        self._services.previews.forget(clip.id)

    async def _under_way(self, clip_id: str) -> Clip:
        clip = await self.get(clip_id)
        if clip.status is not Status.PENDING:
            raise Refused(Kind.NOT_RECORDING, status=clip.status)
        return clip

    def _recorder(self, clip: Clip) -> Recorder:
        recorder = self._services.cameras.recording(clip.id, clip.camera)
        if recorder is None or not recorder.is_recording(clip.id):
            raise Refused(Kind.RECORDING_JUST_ENDED)
        return recorder

    def _report_change(self, clip: Clip) -> Clip:
        self._services.clip_events.changed(clip)
        return clip


def _span(options: RecordOptions) -> tuple[datetime, datetime]:
    others = {"at": options.at, "before_seconds": options.before_s, "after_seconds": options.after_s}
    for name, value in others.items():
        if value is not None:
            raise Refused(Kind.SPAN_WITH_SECONDS, field=name)
    if options.start is None:
        raise Refused(Kind.SPAN_WITHOUT_START, field="start")
    if options.end is None:
        raise Refused(Kind.SPAN_WITHOUT_END, field="end")
    if options.end <= options.start:
        raise Refused(Kind.SPAN_BACKWARDS, field="end")
    if (options.end - options.start).total_seconds() > LONGEST_PLANNED_S:
        raise Refused(Kind.SPAN_TOO_LONG, field="end", limit_s=LONGEST_PLANNED_S)
    return options.start, options.end


async def _on_a_working_disk(work: Any) -> Any:
    try:
        return await work
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise Refused(Kind.DISK_FULL) from error
        raise as_refused(error) or Refused(Kind.DISK_REFUSES, reason=error.strerror) from error


def _write_snapshot(files: ClipFiles, jpeg: bytes) -> None:
    try:
        files.claim()
        write_durably(files.directory / SNAPSHOT_NAME, jpeg)
    except OSError:
        files.remove()
        raise
