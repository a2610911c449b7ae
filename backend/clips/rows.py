"""Values of clip rows, made from what a recorder reports. Pure.

Fields that a report and a row share have the same name in both, so they are copied by name. Not here:
committing them (`recordings`, `clips`), rows of the database (`catalogue.clip_rows`).
"""

from dataclasses import fields
from datetime import datetime
from typing import Any

from backend.catalogue import Clip, NewClip
from backend.catalogue.lifecycle import Status
from backend.clips.requests import RecordOptions
from recorder.base.values import FinishedClip, RecordingStarted, RecordRequest

_OF_NEW_CLIP = frozenset(field.name for field in fields(NewClip))


def _shared_names(report: type[FinishedClip | RecordingStarted], *others: str) -> tuple[str, ...]:
    """The fields that `report` shares with a row, without `others`."""
    return tuple(
        field.name for field in fields(report) if field.name in _OF_NEW_CLIP and field.name not in others
    )


# The catalogue links a continuation with the clip before it in one transaction.
_OF_STARTED = _shared_names(RecordingStarted, "continued_from")
# The path of a report is absolute.
_OF_FINISHED = _shared_names(FinishedClip, "path")


def user_fields(source: RecordOptions | Clip) -> dict[str, Any]:
    """What a person chose for a clip."""
    return {name: getattr(source, name) for name in ("title", "caption", "tags", "thumbnail")}


def recording_row(
    started: RecordingStarted,
    recorder_id: str,
    source: RecordOptions | Clip,
    request: RecordRequest | None = None,
) -> NewClip:
    """The row of a recording that has begun, and perhaps is finished already.

    Args:
        started: What the recorder reports.
        recorder_id: The recorder that the row belongs to.
        source: Where title, caption, tags and thumbnail come from; for a continuation the clip before it.
        request: The request for it; None for a continuation.
    """
    row = {name: getattr(started, name) for name in _OF_STARTED} | user_fields(source)
    row |= {"id": started.recording_id, "recorder_id": recorder_id, "camera": started.camera_id}
    if request is not None and request.start is None:
        row |= {"requested_before_s": request.before_s, "requested_after_s": request.after_s}
    if started.finished is not None:
        finished = finished_fields(started.finished, started.pressed_at, started.recording_id)
        row |= {name: value for name, value in finished.items() if name in _OF_NEW_CLIP}
        row["status"] = Status.DRAFT
    return NewClip(**row)


def finished_fields(clip: FinishedClip, pressed_at: datetime, clip_id: str) -> dict[str, object]:
    """The fields of a row that are known once the finished file is there."""
    return {name: getattr(clip, name) for name in _OF_FINISHED} | {
        "path": f"{clip_id}/{clip.path.name}",
        "covered_before_s": max(0.0, (pressed_at - clip.start_time).total_seconds()),
        "covered_after_s": max(0.0, (clip.end_time - pressed_at).total_seconds()),
        "error": None,
        "retryable": False,
    }
