"""The line of ticks in one file: times that a muxer takes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.base.media_time import ns_of
from recorder.mp4.ticks import MAX_HOLE_TICKS, TickLine

FRAME_NS = 33_333_333


@given(st.lists(st.tuples(st.integers(-(10**9), 10**12), st.integers(-(10**9), 10**9)), max_size=30))
def test_any_times_become_a_line_that_a_muxer_takes(times: list[tuple[int, int]]) -> None:
    """dts always rises, by a tick at least, and no picture is shown before it is decoded."""
    line = TickLine(origin_ns=0)
    placed = [line.place(pts_ns, pts_ns - ahead_ns) for pts_ns, ahead_ns in times]
    assert all(later > earlier for (_, earlier), (_, later) in pairwise(placed))
    assert all(pts >= dts for pts, dts in placed)


def test_good_times_are_kept() -> None:
    """Counted from the origin, also before it."""
    line = TickLine(origin_ns=10 * FRAME_NS)
    placed = [line.place(n * FRAME_NS, (n - 2) * FRAME_NS) for n in range(5, 30)]
    assert placed == [(3000 * (n - 10), 3000 * (n - 12)) for n in range(5, 30)]


def test_a_hole_of_more_than_six_hours_is_refused() -> None:
    """MP4 cannot hold a picture for longer."""
    line = TickLine(origin_ns=0)
    line.place(0, 0)
    line.place(ns_of(MAX_HOLE_TICKS), ns_of(MAX_HOLE_TICKS))
    with pytest.raises(ValueError, match="six hours"):
        line.place(ns_of(2 * MAX_HOLE_TICKS + 1), ns_of(2 * MAX_HOLE_TICKS + 1))
