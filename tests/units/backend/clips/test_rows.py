"""Rows made from what a recorder reports."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from backend.catalogue import PreviewSource
from backend.catalogue.lifecycle import Status
from backend.clips.requests import RecordOptions
from backend.clips.rows import finished_fields, recording_row
from recorder.base.values import ClockState, FinishedClip, Gap, RecordingStarted, RecordRequest
from tests.support.backend.clips import a_clip
from tests.support.backend.rows import HERE

START = datetime(2026, 3, 29, 1, 30)
PRESSED = START + timedelta(seconds=10)
STARTED = RecordingStarted(
    recording_id="new",
    camera_id="yard",
    pressed_at=PRESSED,
    start_time=START,
    planned_end=START + timedelta(seconds=40),
    covered_before_s=10.0,
    covered_after_s=0.5,
    width=1280,
    height=720,
    fps=25.0,
    video_codec="h264",
    clock=ClockState.SYNCHRONISED,
    part_path=None,
    finished=None,
    continued_from="before",
)
FINISHED = FinishedClip(
    path=Path("/clips/new/clip.mp4"),
    start_time=START,
    end_time=START + timedelta(seconds=15),
    duration_s=15.0,
    frame_count=375,
    width=640,
    height=360,
    fps=24.9,
    video_codec="avc1.640028",
    size_bytes=1_000_000,
    sha256="ab" * 32,
    gaps=(Gap(START, PRESSED, "reconnected"),),
    audio_codec="aac",
    lead_in_s=0.25,
)
OPTIONS = RecordOptions(title="Fox", caption="At dusk", tags=("fox",), thumbnail=PreviewSource.CURRENT)


def test_a_recording_that_has_begun_is_pending_and_holds_what_the_recorder_reports() -> None:
    """Title, caption, tags and picture come from the request; the link to an earlier clip never does."""
    row = recording_row(STARTED, HERE, OPTIONS, RecordRequest("new", before_s=10.0, after_s=30.0))
    assert (row.id, row.recorder_id, row.camera, row.status) == ("new", HERE, "yard", Status.PENDING)
    assert (row.start_time, row.pressed_at, row.planned_end) == (START, PRESSED, STARTED.planned_end)
    assert (row.covered_before_s, row.covered_after_s, row.clock) == (10.0, 0.5, ClockState.SYNCHRONISED)
    assert (row.width, row.height, row.fps, row.video_codec) == (1280, 720, 25.0, "h264")
    assert (row.title, row.caption, row.tags) == ("Fox", "At dusk", ("fox",))
    assert row.thumbnail is PreviewSource.CURRENT
    assert (row.requested_before_s, row.requested_after_s) == (10.0, 30.0)
    assert (row.continued_from, row.end_time, row.path) == (None, None, None)


def test_an_absolute_span_has_no_requested_seconds() -> None:
    """They would be those of the configuration, which did not count."""
    request = RecordRequest("new", start=START, end=PRESSED)
    row = recording_row(STARTED, HERE, OPTIONS, request)
    assert (row.requested_before_s, row.requested_after_s) == (None, None)


def test_a_recording_that_is_finished_at_once_is_a_draft_with_the_facts_of_its_file() -> None:
    """They were measured, so they replace what was estimated when it began."""
    row = recording_row(replace(STARTED, finished=FINISHED), HERE, OPTIONS)
    assert (row.status, row.path) == (Status.DRAFT, "new/clip.mp4")
    assert (row.width, row.height, row.fps, row.video_codec) == (640, 360, 24.9, "avc1.640028")
    assert (row.covered_before_s, row.covered_after_s) == (10.0, 5.0)
    assert (row.frame_count, row.gaps, row.sha256) == (375, FINISHED.gaps, FINISHED.sha256)


def test_a_continuation_keeps_what_a_person_chose_for_the_clip_before_it() -> None:
    """It is the same press, so it has the same title."""
    before = a_clip(title="Fox", tags=("fox",), thumbnail=PreviewSource.CURRENT, status=Status.PUBLISHED)
    row = recording_row(STARTED, HERE, before)
    assert (row.title, row.tags, row.thumbnail) == ("Fox", ("fox",), PreviewSource.CURRENT)
    assert (row.id, row.status, row.requested_before_s) == ("new", Status.PENDING, None)


def test_a_finished_file_clears_the_error_of_an_earlier_try() -> None:
    """Every field that only a finished file has is set, and nothing else."""
    fields = finished_fields(FINISHED, PRESSED, "new")
    assert (fields["error"], fields["retryable"], fields["path"]) == (None, False, "new/clip.mp4")
    assert set(fields) == {
        *("start_time", "end_time", "covered_before_s", "covered_after_s", "duration_s", "frame_count"),
        *("gaps", "width", "height", "fps", "video_codec", "audio_codec", "lead_in_s"),
        *("size_bytes", "sha256", "path", "error", "retryable"),
    }
