"""The progress of clips under way, which lives beside their rows."""

from dataclasses import replace

from backend.catalogue.lifecycle import Status
from backend.events.clip_events import ClipEvents
from backend.events.log import EventLog
from recorder.base.values import FinishProgressed
from tests.support.backend.clips import a_clip


def test_a_row_read_before_its_clip_ended_keeps_the_progress_that_was_known() -> None:
    """A reader gets its row, then the clip becomes a draft, then the answer is written: it must not say 0."""
    known = ClipEvents(EventLog("test"), lambda clip, facts: {})
    processing = a_clip(status=Status.PROCESSING, progress=0.0)
    known.changed(processing)
    known.finishing(FinishProgressed(processing.id, 0.98))
    known.changed(replace(processing, status=Status.DRAFT))
    assert known.facts(processing).progress == 0.98
    assert not known.is_under_way(processing)


def test_a_clip_that_is_tried_again_begins_at_nothing() -> None:
    """What the failed try had done is worth nothing."""
    known = ClipEvents(EventLog("test"), lambda clip, facts: {})
    processing = a_clip(status=Status.PROCESSING, progress=0.0)
    known.changed(processing)
    known.finishing(FinishProgressed(processing.id, 0.98))
    known.changed(replace(processing, status=Status.FAILED))
    known.changed(processing)
    assert known.facts(processing).progress is None


def test_what_is_remembered_of_ended_clips_has_a_bound() -> None:
    """A busy year must not grow it."""
    known = ClipEvents(EventLog("test"), lambda clip, facts: {})
    clips = [a_clip(id=f"clip {n}", status=Status.PROCESSING) for n in range(150)]
    for clip in clips:
        known.changed(clip)
        known.finishing(FinishProgressed(clip.id, 0.5))
        known.changed(replace(clip, status=Status.DRAFT))
    kept = [clip.id for clip in clips if known.facts(clip).progress == 0.5]
    assert kept == [clip.id for clip in clips[-100:]]
