"""The state machine of one recording, as stories; and its laws, for any story."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.base.errors import SpanOutsideBuffer
from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch
from recorder.recording.clip_session import (
    AHEAD_NS,
    LONGEST_HOLE_NS,
    QUIET_GRACE_NS,
    Append,
    ClipSession,
    Continue,
    Discarded,
    Extended,
    Finish,
    FinishBroke,
    FinishSucceeded,
    MoveEnd,
    ReportFailure,
    RequestedSpan,
    SessionEvent,
    SessionState,
    SpanPlan,
    StopPressed,
    StreamQuiet,
    UnitsArrived,
    WriteFailed,
    fitting,
    plan_span,
)
from tests.support.playbook import Playbook

EPOCH = Epoch(Codec.H264, 640, 360, b"one")
OTHER = Epoch(Codec.H264, 1280, 720, b"two")
FRAME_NS = 100


def unit(number: int, *, epoch: Epoch = EPOCH, pts_ns: int | None = None) -> AccessUnit:
    """Unit `number` of a camera that sends one every 100 ns, keyframes every tenth."""
    dts_ns = number * FRAME_NS
    return AccessUnit(
        number, 0, epoch, number % 10 == 0, dts_ns if pts_ns is None else pts_ns, dts_ns, FRAME_NS, b""
    )


def units(first: int, end: int) -> tuple[AccessUnit, ...]:
    return tuple(unit(number) for number in range(first, end))


def test_units_before_the_end_are_written_and_the_first_beyond_it_finishes() -> None:
    """No frame of the span can follow a unit whose dts has reached the end."""
    book = Playbook(ClipSession(200, 1000))
    book.happens(UnitsArrived(units(0, 9)), asks=[Append(units(0, 9))])
    book.happens(UnitsArrived(units(9, 12)), asks=[Append(units(9, 10)), Finish(200, 1000)])
    book.happens(FinishSucceeded())
    assert book.session.state is SessionState.DONE


def test_b_frames_shown_before_the_end_are_waited_for() -> None:
    """A reference with pts beyond the end does not finish the clip while its B-frames are on their way."""
    book = Playbook(ClipSession(0, 300))
    book.happens(UnitsArrived([unit(0), unit(1, pts_ns=400)]), asks=[Append((unit(0), unit(1, pts_ns=400)))])
    b_frame = unit(2, pts_ns=250)
    book.happens(UnitsArrived([b_frame]), asks=[Append((b_frame,))])
    book.happens(UnitsArrived([unit(3)]), asks=[Finish(0, 300)])


def test_a_recording_until_stopped_ends_where_stop_was_pressed() -> None:
    """Stop sets the end durably; the next unit beyond it finishes."""
    book = Playbook(ClipSession(0, None))
    book.happens(UnitsArrived(units(0, 5)), asks=[Append(units(0, 5))])
    book.happens(StopPressed(500), asks=[MoveEnd(500)])
    book.happens(UnitsArrived(units(5, 6)), asks=[Finish(0, 500)])


def test_stop_never_makes_a_planned_clip_longer() -> None:
    """A stop after the planned end changes nothing but says so again."""
    Playbook(ClipSession(0, 300)).happens(StopPressed(900), asks=[MoveEnd(300)])


def test_stop_before_the_first_frame_still_leaves_a_span() -> None:
    """A span is never empty or backwards."""
    Playbook(ClipSession(500, None)).happens(StopPressed(100), asks=[MoveEnd(501)])


def test_extend_moves_a_planned_end_and_nothing_else() -> None:
    """An open-ended recording has no end to move."""
    Playbook(ClipSession(0, 300)).happens(Extended(200), asks=[MoveEnd(500)])
    Playbook(ClipSession(0, None)).happens(Extended(200))


def test_a_silent_camera_does_not_keep_a_recording_open() -> None:
    """When the end is well past and nothing comes, what there is becomes the clip."""
    book = Playbook(ClipSession(0, 1000))
    book.happens(UnitsArrived(units(0, 5)), asks=[Append(units(0, 5))])
    book.happens(StreamQuiet(1000 + QUIET_GRACE_NS - 1))
    book.happens(StreamQuiet(1000 + QUIET_GRACE_NS), asks=[Finish(0, 500)])


def test_a_silent_camera_keeps_an_open_recording_waiting() -> None:
    """Until stopped means until stopped: the camera may come back."""
    Playbook(ClipSession(0, None)).happens(StreamQuiet(10**15))


def test_new_codec_parameters_end_the_clip_and_begin_another() -> None:
    """One file holds one epoch; the rest of the span goes on in a continuation."""
    other = unit(5, epoch=OTHER)
    book = Playbook(ClipSession(0, 1000))
    book.happens(
        UnitsArrived([*units(0, 5), other]),
        asks=[Append(units(0, 5)), Continue(other, 1000), Finish(0, 500)],
    )


def test_new_codec_parameters_at_the_very_end_begin_nothing() -> None:
    """A continuation that could hold no frame is not begun."""
    other = unit(5, epoch=OTHER, pts_ns=700)
    book = Playbook(ClipSession(0, 600))
    book.happens(UnitsArrived([*units(0, 5), other]), asks=[Append(units(0, 5)), Finish(0, 500)])


def test_an_outage_of_hours_begins_another_clip() -> None:
    """A night without the camera must not burst the file of a recording that nobody stopped."""
    morning = replace(unit(5), pts_ns=LONGEST_HOLE_NS * 2, dts_ns=LONGEST_HOLE_NS * 2, run=1)
    book = Playbook(ClipSession(0, None))
    book.happens(
        UnitsArrived([*units(0, 5), morning]),
        asks=[Append(units(0, 5)), Continue(morning, None), Finish(0, 500)],
    )


def test_units_fit_one_file_up_to_the_first_that_does_not() -> None:
    """Other codec parameters, or a hole of hours; without either all of them do."""
    stretch = units(0, 5)
    changed = (*stretch, unit(5, epoch=OTHER), unit(6))
    torn = (*stretch, replace(unit(5), pts_ns=LONGEST_HOLE_NS * 2, dts_ns=LONGEST_HOLE_NS * 2))
    assert fitting(changed) == fitting(torn) == fitting(stretch) == stretch
    assert fitting(()) == ()


def test_units_given_twice_are_written_once() -> None:
    """Overlapping reads of the ring never double a frame."""
    book = Playbook(ClipSession(0, None))
    book.happens(UnitsArrived(units(0, 5)), asks=[Append(units(0, 5))])
    book.happens(UnitsArrived(units(3, 7)), asks=[Append(units(5, 7))])


def test_a_failed_write_ends_the_recording_with_its_reason() -> None:
    """The part file is kept; the reason reaches a person."""
    book = Playbook(ClipSession(0, None))
    book.happens(WriteFailed("disk full"), asks=[ReportFailure("disk full")])
    book.happens(UnitsArrived(units(0, 5)))
    assert book.session.state is SessionState.FAILED


def test_a_failed_finish_is_reported_once() -> None:
    """Finishing can fail, and then the session is over."""
    book = Playbook(ClipSession(0, 100))
    book.happens(UnitsArrived(units(0, 2)), asks=[Append(units(0, 1)), Finish(0, 100)])
    book.happens(FinishBroke("no space"), asks=[ReportFailure("no space")])
    book.happens(FinishBroke("no space"))


def test_a_finished_recording_stays_finished() -> None:
    """It may be deleted later, but not by its recorder."""
    book = Playbook(ClipSession(0, 100))
    book.happens(FinishSucceeded())  # nothing was being finished, so nothing changes
    book.happens(UnitsArrived(units(0, 2)), asks=[Append(units(0, 1)), Finish(0, 100)])
    book.happens(UnitsArrived(units(2, 4)))
    book.happens(FinishSucceeded())
    book.happens(Discarded())
    assert book.session.state is SessionState.DONE


def test_a_discarded_recording_orders_nothing_more() -> None:
    """Deleted means deleted, whatever was under way."""
    book = Playbook(ClipSession(0, None))
    book.happens(Discarded())
    book.happens(UnitsArrived(units(0, 5)))
    assert book.session.over


def test_progress_is_the_share_of_the_plan() -> None:
    """Half the span recorded is 0.5; an open end has no progress."""
    session = ClipSession(0, 1000)
    session.handle(UnitsArrived(units(0, 5)))
    assert session.progress == 0.5
    assert ClipSession(0, None).progress is None


HAPPENINGS = st.one_of(
    st.integers(0, 60).flatmap(
        lambda first: st.integers(0, 9).map(lambda count: UnitsArrived(units(first, first + count)))
    ),
    st.integers(0, 10**10).map(StreamQuiet),
    st.integers(-1000, 8000).map(StopPressed),
    st.integers(0, 3000).map(Extended),
    st.just(WriteFailed("disk full")),
    st.just(FinishSucceeded()),
    st.just(FinishBroke("no space")),
    st.just(Discarded()),
)


@given(st.lists(HAPPENINGS, max_size=30), st.one_of(st.none(), st.integers(1, 5000)))
def test_any_story_finishes_at_most_once_and_never_writes_after_it(
    story: list[SessionEvent], end_ns: int | None
) -> None:
    """Whatever happens: one Finish at most, nothing appended after it, no unit twice or out of order."""
    session = ClipSession(0, end_ns)
    finished, failures = 0, 0
    written: list[int] = []
    for happening in story:
        was_over = session.over
        for command in session.handle(happening):
            assert not was_over
            match command:
                case Append(appended):
                    assert not finished
                    written.extend(one.sequence for one in appended)
                case Finish(start_ns, finish_ns):
                    finished += 1
                    assert finish_ns > start_ns
                case ReportFailure():
                    failures += 1
                case _:
                    pass
    assert finished <= 1
    assert failures <= 1
    assert written == sorted(set(written))
    assert (failures == 1) == (session.state is SessionState.FAILED)


def test_a_plan_counts_from_the_newest_label_unless_told_otherwise() -> None:
    """Before and after count from "now"."""
    assert plan_span(RequestedSpan(None, 300, 200), 0, 1000) == SpanPlan(1000, 700, 1200)
    assert plan_span(RequestedSpan(800, 300, None), 0, 1000) == SpanPlan(800, 500, None)


def test_a_plan_is_clamped_to_what_is_buffered() -> None:
    """More look-back than there is becomes all there is; a moment ahead of the buffer is the newest."""
    assert plan_span(RequestedSpan(5000, 3000, 100), 400, 1000) == SpanPlan(1000, 400, 1100)
    assert plan_span(RequestedSpan(start_ns=100, end_ns=900), 400, 1000) == SpanPlan(900, 400, 900)


@pytest.mark.parametrize(
    "requested",
    [
        RequestedSpan(start_ns=100, end_ns=300),
        RequestedSpan(start_ns=700, end_ns=700),
        RequestedSpan(start_ns=1100, end_ns=1200),
        RequestedSpan(200, 50, 100),
    ],
)
def test_a_span_without_a_buffered_frame_is_refused(requested: RequestedSpan) -> None:
    """Too early, empty, or in the future: a clear error, never a placeholder."""
    with pytest.raises(SpanOutsideBuffer):
        plan_span(requested, 400, 1000)


def test_a_moment_that_no_lag_explains_is_refused_and_not_taken_for_now() -> None:
    """Two hours ahead is a zone left out: the clip would silently be of something else."""
    assert plan_span(RequestedSpan(1000 + AHEAD_NS, 300, 100), 0, 1000) == SpanPlan(1000, 700, 1100)
    with pytest.raises(SpanOutsideBuffer, match="after the newest frame") as refused:
        plan_span(RequestedSpan(1001 + AHEAD_NS, 300, 100), 0, 1000)
    assert refused.value.parameter == "at"
