"""What people ask of clips: record, stop, extend, retry, change, delete, take a snapshot.

Here: the order of work that makes a 201 a promise. Not here: HTTP (`http.api.clips`), what recorders
report later (`recordings`), pictures (`pictures.automatic`). Event loop only.
"""

import asyncio
import errno
import hashlib
import logging
from datetime import datetime, timedelta
from typing import Any

from backend.base.ids import is_id, new_id
from backend.base.shielded import to_the_end
from backend.catalogue import Clip, ClipFilter, ClipPage, ClipUnknown, MediaType, NewClip, PreviewSource
from backend.catalogue.lifecycle import FINISHED, UNFINISHED, Status
from backend.clips.recordings import Desk, Recordings, finished_fields
from backend.config.model import RecordingConfig
from backend.http.problems import Problem
from backend.http.wire.clips import (
    MOST_AFTER_S,
    MOST_BEFORE_S,
    ClipJson,
    ClipPatch,
    ClipRequest,
    SnapshotRequest,
)
from backend.http.wire.times import rfc3339
from backend.storage.local import write_durably
from recorder.base.errors import SpanOutsideBuffer, UnknownRecording
from recorder.base.tasks import Tasks
from recorder.base.values import ClockState, Picture, RecordingStarted, RecordRequest
from recorder.recorder import Recorder
from recorder.recording.clip_files import ClipFiles

log = logging.getLogger(__name__)

SNAPSHOT_NAME = "snapshot.jpg"


class Clips:
    """The use cases of clips and snapshots."""

    def __init__(self, desk: Desk, recordings: Recordings, defaults: RecordingConfig) -> None:
        self._desk = desk
        self._recordings = recordings
        self.defaults = defaults
        """What Record takes when it is not told; another one after a reload."""
        self._tasks = Tasks()

    async def close(self) -> None:
        """End what was begun for clients; a recording cut short here is cleaned up at the next start."""
        await self._tasks.close()

    def json(self, clip: Clip) -> ClipJson:
        """The clip as JSON, with the progress of its recording."""
        return self._desk.news.json(clip)

    async def get(self, clip_id: str) -> Clip:
        """The clip, or the 404."""
        clip = await self._desk.catalogue.get_clip(clip_id) if is_id(clip_id) else None
        if clip is None:
            raise Problem(
                404, "Unknown clip", "There is no such clip; GET /api/clips lists them.", field="id"
            )
        return clip

    async def list(self, wanted: ClipFilter, cursor: str | None, limit: int) -> ClipPage:
        """One page, newest first."""
        return await self._desk.catalogue.list_clips(wanted, cursor, limit)

    async def create(
        self, asked: ClipRequest, clip_id: str | None = None, *, continues: str | None = None
    ) -> Clip:
        """Record. When this returns the material so far is durable and the row is committed.

        `continues`: the clip that was broken off and goes on in this one.
        """
        recorder = self._desk.cameras.find(asked.camera)
        request = self._wish(asked, clip_id or new_id())
        return await to_the_end(self._tasks, self._create(recorder, request, asked, continues))

    async def snapshot(self, asked: SnapshotRequest, clip_id: str | None = None) -> Clip:
        """Keep one frame as an image row."""
        recorder = self._desk.cameras.find(asked.camera)
        picture = await recorder.frame(asked.at)
        if asked.at is not None and picture.label > asked.at:
            raise SpanOutsideBuffer(
                f"The buffer begins at {rfc3339(picture.label)}, after the asked moment.", "at"
            )
        return await to_the_end(self._tasks, self._snapshot(recorder, asked, picture, clip_id or new_id()))

    async def stop(self, clip_id: str) -> Clip:
        """End a recording at the newest frame."""
        clip = await self._under_way(clip_id)
        await self._recorder(clip).stop(clip_id)
        return clip

    async def extend(self, clip_id: str, seconds: float) -> Clip:
        """Move the planned end of a recording later."""
        clip = await self._under_way(clip_id)
        if clip.planned_end is None:
            raise Problem(409, "Nothing to extend", "This recording has no planned end: stop it when done.")
        longest = timedelta(seconds=MOST_BEFORE_S + MOST_AFTER_S)
        if clip.planned_end + timedelta(seconds=seconds) - clip.start_time > longest:
            detail = f"A planned recording lasts at most {longest}; record again from its end."
            raise Problem(422, "Too long", f"seconds: {detail}", field="seconds")
        planned_end = await self._recorder(clip).extend(clip_id, seconds)
        changed: dict[str, object] = {"planned_end": planned_end}
        if clip.requested_after_s is not None:
            changed["requested_after_s"] = clip.requested_after_s + seconds
        return self._told(await self._desk.catalogue.update_clip(clip_id, changed))

    async def retry(self, clip_id: str) -> Clip:
        """Finish a failed clip again from its part file; the answer is the clip `processing`."""
        clip = await self.get(clip_id)
        if clip.status is not Status.FAILED:
            raise Problem(409, "Nothing to retry", f"The clip is {clip.status}; only failed ones can be.")
        if not clip.retryable:
            raise Problem(409, "Cannot be retried", "Its material is lost; delete the clip.")
        clip = await self._desk.catalogue.transition(
            clip_id, Status.PROCESSING, expect=Status.FAILED, fields={"error": None, "progress": 0.0}
        )
        self._tasks.spawn(self._recordings.finish_again(clip), f"retry {clip_id}")
        return self._told(clip)

    async def change(self, clip_id: str, patch: ClipPatch) -> Clip:
        """Change what was given; the rest stays."""
        return await to_the_end(self._tasks, self._change(clip_id, patch))

    async def _change(self, clip_id: str, patch: ClipPatch) -> Clip:
        clip = await self.get(clip_id)
        given = patch.model_fields_set
        changed: dict[str, object] = {}
        if "thumbnail" in given and patch.thumbnail != clip.thumbnail:
            changed["thumbnail"] = PreviewSource(patch.thumbnail)
        if "keep" in given and patch.keep != clip.keep:
            changed["keep"] = patch.keep
        if changed:
            clip = await self._desk.catalogue.update_clip(clip_id, changed)
        texts: dict[str, Any] = {name: getattr(patch, name) for name in given & {"title", "caption", "tags"}}
        if texts:
            clip = await self._desk.catalogue.edit_clip(clip_id, **texts)
        return self._told(clip)

    async def delete(self, clip_id: str) -> None:
        """Remove a clip; its row is gone when this returns, its files follow."""
        clip = await self.get(clip_id)
        await to_the_end(self._tasks, self._delete(clip))

    def gone(self, clip: Clip) -> None:
        """The row of a finished or failed clip was deleted by somebody else: forget what is known of it."""
        self._desk.news.deleted(clip)
        self._desk.previews.forget(clip.id)

    def _wish(self, asked: ClipRequest, clip_id: str) -> RecordRequest:
        if asked.start is not None or asked.end is not None:
            start, end = _absolute(asked)
            return RecordRequest(clip_id, start=start, end=end, replay=asked.replay)
        if asked.replay is not None:
            raise _refused("replay", "needs start and end: which part of it becomes the clip.")
        before_s = asked.before_seconds
        before_s = self.defaults.before_seconds if before_s is None else before_s
        after_s = asked.after_seconds
        if "after_seconds" not in asked.model_fields_set:
            after_s = self.defaults.after_seconds
        if before_s == 0 and after_s == 0:
            raise _refused("before_seconds", "and after_seconds cannot both be 0: the clip would be empty.")
        return RecordRequest(clip_id, at=asked.at, before_s=before_s, after_s=after_s)

    async def _create(
        self, recorder: Recorder, request: RecordRequest, asked: ClipRequest, continues: str | None
    ) -> Clip:
        budget = self._desk.budget
        await (budget.admit(MediaType.VIDEO) if continues is None else budget.admit_disk())
        started = await _on_a_working_disk(recorder.record(request))
        try:
            row = _video_row(started, request, asked, self._desk.recorder_id)
            clip = await self._insert(row, continues)
        except Exception:
            # Not when cancelled: the daemon ends, the commit may go through all the same, and start-up sees.
            await recorder.abandon(request.recording_id)
            raise
        try:
            await recorder.acknowledge(clip.id)
        except OSError:
            # The marker would not go: the disk has turned read-only. Take the promise back.
            await self._desk.catalogue.delete_clip(clip.id)
            await self._desk.budget.take_back(clip.id)
            await recorder.abandon(clip.id)
            raise
        self._told(clip)
        if request.replay is None:  # what a replay shows may have left the buffer
            self._desk.previews.current(clip.id, recorder, started.pressed_at)
        if started.finished is not None:
            stepped = started.clock is ClockState.STEPPED
            self._desk.previews.middle(clip.id, started.finished, None if stepped else recorder)
        return clip

    async def _insert(self, row: NewClip, continues: str | None) -> Clip:
        if continues is not None:
            try:
                earlier, clip = await self._desk.catalogue.insert_continuation(continues, row)
            except ClipUnknown:
                log.debug("what clip %s goes on from was deleted", row.id)
            else:
                self._told(earlier)
                return clip
        return await self._desk.budget.insert(row)

    async def _snapshot(
        self, recorder: Recorder, asked: SnapshotRequest, picture: Picture, clip_id: str
    ) -> Clip:
        await self._desk.budget.admit(MediaType.IMAGE)
        files = self._desk.files(clip_id)
        loop = asyncio.get_running_loop()
        await _on_a_working_disk(loop.run_in_executor(self._desk.disk, _write_snapshot, files, picture.jpeg))
        row = NewClip(
            id=clip_id,
            recorder_id=self._desk.recorder_id,
            camera=recorder.settings.camera_id,
            media_type=MediaType.IMAGE,
            status=Status.DRAFT,
            start_time=picture.label,
            end_time=picture.label,
            pressed_at=asked.at or picture.label,
            title=asked.title,
            caption=asked.caption,
            tags=asked.tags,
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
            clip = await self._desk.budget.insert(row)
        except Exception:
            await loop.run_in_executor(self._desk.disk, files.remove)
            raise
        await loop.run_in_executor(self._desk.disk, files.acknowledge)
        self._told(clip)
        self._desk.previews.snapshot(clip.id, files.directory / SNAPSHOT_NAME)
        return clip

    async def _delete(self, clip: Clip) -> None:
        # The row goes first: were the files to go first and the row to stay, a promise would be broken.
        await self._desk.catalogue.delete_clip(clip.id)
        self._desk.news.deleted(clip)
        self._desk.finisher.transcoder.cancel_clip(clip.id)
        recorder = self._desk.cameras.recording(clip.id, clip.camera)
        if recorder is not None and clip.status in UNFINISHED:
            try:
                await recorder.discard(clip.id)
            except UnknownRecording:
                log.debug("clip %s was deleted when its recording had just ended", clip.id)
        self._desk.previews.forget(clip.id)

    async def _under_way(self, clip_id: str) -> Clip:
        clip = await self.get(clip_id)
        if clip.status is not Status.PENDING:
            raise Problem(409, "Not being recorded", f"The clip is {clip.status}; its recording has ended.")
        return clip

    def _recorder(self, clip: Clip) -> Recorder:
        recorder = self._desk.cameras.recording(clip.id, clip.camera)
        if recorder is None or not recorder.is_recording(clip.id):
            raise Problem(409, "Not being recorded", "Its recording has just ended; read the clip again.")
        return recorder

    def _told(self, clip: Clip) -> Clip:
        self._desk.news.changed(clip)
        return clip


def is_ready(clip: Clip) -> bool:
    """Whether the file can be played or downloaded."""
    return clip.status in FINISHED and clip.path is not None


def _absolute(asked: ClipRequest) -> tuple[datetime, datetime]:
    for name in ("at", "before_seconds", "after_seconds"):
        if name in asked.model_fields_set and getattr(asked, name) is not None:
            raise _refused(name, "cannot be combined with start and end; leave one of them out.")
    if asked.start is None:
        raise _refused("start", "is required with end.")
    if asked.end is None:
        raise _refused("end", "is required with start; use at and after_seconds to record on.")
    if asked.end <= asked.start:
        raise _refused("end", "must be later than start.")
    if (asked.end - asked.start).total_seconds() > MOST_BEFORE_S + MOST_AFTER_S:
        raise _refused("end", f"must be at most {MOST_BEFORE_S + MOST_AFTER_S:.0f} seconds after start.")
    return asked.start, asked.end


def _refused(field: str, detail: str) -> Problem:
    return Problem(422, "The body is not valid", f"{field} {detail}", field=field)


def _video_row(
    started: RecordingStarted, request: RecordRequest, asked: ClipRequest, recorder_id: str
) -> NewClip:
    absolute = request.start is not None
    row: dict[str, Any] = {
        "id": started.recording_id,
        "recorder_id": recorder_id,
        "camera": started.camera_id,
        "start_time": started.start_time,
        "pressed_at": started.pressed_at,
        "planned_end": started.planned_end,
        "title": asked.title,
        "caption": asked.caption,
        "tags": asked.tags,
        "thumbnail": PreviewSource(asked.thumbnail),
        "clock": started.clock,
        "requested_before_s": None if absolute else request.before_s,
        "requested_after_s": None if absolute else request.after_s,
        "covered_before_s": started.covered_before_s,
        "covered_after_s": started.covered_after_s,
        "width": started.width,
        "height": started.height,
        "fps": started.fps,
        "video_codec": started.video_codec,
    }
    if started.finished is not None:
        fields = finished_fields(started.finished, started.pressed_at, started.recording_id)
        row |= {name: value for name, value in fields.items() if name not in {"error", "retryable"}}
        row["status"] = Status.DRAFT
    return NewClip(**row)


async def _on_a_working_disk(work: Any) -> Any:
    try:
        return await work
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise Problem(
            507 if full else 503,
            "The disk is full" if full else "The disk refuses to write",
            "Nothing was recorded; the buffer goes on. "
            + ("Free some space on the disk of data_dir." if full else f"The disk says: {error.strerror}."),
        ) from error


def _write_snapshot(files: ClipFiles, jpeg: bytes) -> None:
    try:
        files.claim()
        write_durably(files.directory / SNAPSHOT_NAME, jpeg)
    except OSError:
        files.remove()
        raise
