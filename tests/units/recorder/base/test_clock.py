"""The label line: exact both ways, deaf to zones, relabels at once when the wall clock steps."""

import time
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.base.clock import LabelLine, SystemClock, label_offsets_us
from recorder.base.values import ClockState
from tests.support.fakes import NS_PER_S, SimulatedClock, units


def at(year: int, month: int, day: int, hour: int = 0) -> int:
    """Nanoseconds since 1970 of a UTC moment."""
    return (datetime(year, month, day, hour) - datetime(1970, 1, 1)) // timedelta(microseconds=1) * 1000


def test_a_label_is_the_naive_utc_wall_time_of_a_monotonic_moment() -> None:
    """The anchor ties now to now."""
    clock = SimulatedClock(monotonic_ns=5 * NS_PER_S, realtime_ns=at(2025, 10, 26, 8))
    line = LabelLine(clock)
    assert line.now() == datetime(2025, 10, 26, 8)
    assert line.label(8 * NS_PER_S) == datetime(2025, 10, 26, 8, 0, 3)


@given(
    st.integers(0, 10**18),
    st.integers(0, 10**13),
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)),
    st.integers(-2000, 2000),
)
def test_half_open_over_labels_is_half_open_over_nanoseconds(
    realtime_ns: int, monotonic_ns: int, start: datetime, around_ns: int
) -> None:
    """`label(t) >= start` exactly when `t >= monotonic_ns(start)`, to the nanosecond."""
    line = LabelLine(SimulatedClock(monotonic_ns, realtime_ns))
    first_ns = line.monotonic_ns(start)
    assert line.label(first_ns) == start
    assert line.label(first_ns - 1) < start
    assert (line.label(first_ns + around_ns) >= start) == (around_ns >= 0)


@given(st.integers(0, 10**18), st.lists(st.integers(0, 10**13), min_size=1))
def test_offsets_added_to_the_first_label_are_the_labels_themselves(
    realtime_ns: int, moments_ns: list[int]
) -> None:
    """To the microsecond, each once, in order, wherever the moments lie between two microseconds."""
    line = LabelLine(SimulatedClock(0, realtime_ns))
    first = line.label(min(moments_ns))
    told = [first + timedelta(microseconds=offset_us) for offset_us in label_offsets_us(moments_ns)]
    assert told == sorted({line.label(moment_ns) for moment_ns in moments_ns})


def test_a_deviation_of_up_to_a_second_keeps_the_anchor() -> None:
    """Labels that people already saw do not move for a small correction."""
    clock = SimulatedClock()
    line = LabelLine(clock)
    before = line.label(0)
    clock.step_wall(NS_PER_S)
    assert line.check() is None
    assert (line.label(0), line.steps) == (before, 0)


def test_small_steps_in_one_direction_add_up_to_one_that_is_taken() -> None:
    """Deviation is judged against the anchor, so labels are never off by more than a second."""
    clock = SimulatedClock()
    line = LabelLine(clock)
    clock.step_wall(600_000_000)
    assert line.check() is None
    clock.step_wall(600_000_000)
    assert line.check() == pytest.approx(1.2)
    assert line.check() is None


def test_a_start_in_1970_and_then_a_step_relabels_everything() -> None:
    """A box without a battery clock: the frames of before the step get true labels too."""
    clock = SimulatedClock(monotonic_ns=20 * NS_PER_S, realtime_ns=12 * NS_PER_S)
    clock.wall_synchronised = False
    line = LabelLine(clock)
    assert line.label(15 * NS_PER_S) == datetime(1970, 1, 1, 0, 0, 7)
    assert line.state is ClockState.UNSYNCHRONISED
    clock.step_wall(at(2025, 10, 26))
    clock.wall_synchronised = True
    assert line.check() == pytest.approx(at(2025, 10, 26) / NS_PER_S)
    assert line.label(15 * NS_PER_S) == datetime(2025, 10, 26, 0, 0, 7)
    assert (line.state, line.steps) == (ClockState.STEPPED, 1)


def test_a_backward_step_is_taken_as_well() -> None:
    """The sign of the step is told."""
    clock = SimulatedClock()
    line = LabelLine(clock)
    clock.step_wall(-3600 * NS_PER_S)
    assert line.check() == pytest.approx(-3600)


def test_a_step_during_a_recording_changes_no_frame_and_no_duration() -> None:
    """The same units, the same distances; only the labels move, all by the same amount."""
    clock = SimulatedClock()
    line = LabelLine(clock)
    recorded = units(90, start_ns=clock.monotonic_ns())
    before = [line.label(unit.pts_ns) for unit in recorded]
    start_ns, end_ns = line.monotonic_ns(before[10]), line.monotonic_ns(before[60])
    clock.step_wall(7200 * NS_PER_S)
    line.check()
    after = [line.label(unit.pts_ns) for unit in recorded]
    assert [b - a for a, b in pairwise(after)] == [b - a for a, b in pairwise(before)]
    assert (line.monotonic_ns(after[10]), line.monotonic_ns(after[60])) == (start_ns, end_ns)


def test_a_span_is_stepped_only_when_the_step_came_after_its_start() -> None:
    """A clip recorded wholly after the step is as good as the clock is now."""
    clock = SimulatedClock()
    line = LabelLine(clock)
    before_ns = clock.monotonic_ns()
    clock.advance(NS_PER_S)
    clock.step_wall(100 * NS_PER_S)
    line.check()
    clock.advance(NS_PER_S)
    assert line.state_since(before_ns) is ClockState.STEPPED
    assert line.state_since(clock.monotonic_ns()) is ClockState.SYNCHRONISED


@pytest.mark.parametrize(
    ("verdict", "told"), [(True, "synchronised"), (False, "unsynchronised"), (None, "unsynchronised")]
)
def test_the_state_now_is_what_the_kernel_believes_once_a_step_is_a_minute_past(
    verdict: bool | None, told: str
) -> None:
    """Nobody can tell counts as unsynchronised."""
    clock = SimulatedClock()
    line = LabelLine(clock)
    clock.step_wall(100 * NS_PER_S)
    line.check()
    assert line.state is ClockState.STEPPED
    clock.advance(60 * NS_PER_S)
    clock.wall_synchronised = verdict
    assert line.state is ClockState(told)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize(
    "change", [at(2025, 3, 30, 1), at(2025, 10, 26, 1), at(2025, 3, 9, 7), at(2025, 11, 2, 6)]
)
def test_summer_time_moves_no_label(monkeypatch: pytest.MonkeyPatch, zone: str, change: int) -> None:
    """Across both changes of two zones, labels go on second by second in UTC."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        clock = SimulatedClock(realtime_ns=change - 2 * NS_PER_S)
        line = LabelLine(clock)
        labels = []
        for _ in range(4):
            labels.append(line.now())
            clock.advance(NS_PER_S)
            assert line.check() is None
    finally:
        monkeypatch.undo()
        time.tzset()
    assert {b - a for a, b in pairwise(labels)} == {timedelta(seconds=1)}
    assert labels[2] == datetime(1970, 1, 1) + timedelta(microseconds=change // 1000)


def test_the_host_clock_reads_what_the_host_says() -> None:
    """The real one agrees with `time`, and the kernel's verdict is one of three."""
    clock = SystemClock()
    assert time.monotonic_ns() <= clock.monotonic_ns() <= time.monotonic_ns()
    assert time.time_ns() <= clock.realtime_ns() <= time.time_ns()
    assert clock.synchronised() in (True, False, None)


def test_a_host_without_adjtimex_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other systems have no such call; that is not an error."""
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    assert SystemClock().synchronised() is None


def test_the_label_line_of_the_host_says_utc() -> None:
    """Anchored on the real clocks, now is now."""
    before_us = time.time_ns() // 1000
    label_us = (LabelLine(SystemClock()).now() - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    assert abs(label_us - before_us) < 1_000_000
