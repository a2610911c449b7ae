"""One file holds one epoch: a replay across a change of codec parameters shows what came after it."""

from itertools import pairwise

from recorder.replay import newest_fitting
from recorder.span_cut import shown_units
from tests.support.fakes import NS_PER_S, OTHER_EPOCH, units


def test_a_replay_across_a_border_begins_at_the_border() -> None:
    """The newer stretch is what a person wants to see."""
    before, after = units(30), units(30, epoch=OTHER_EPOCH, sequence=30)
    assert newest_fitting([*before, *after]) == after
    assert newest_fitting(before) == before


def test_the_frames_told_of_are_those_the_file_shows_in_the_order_it_shows_them() -> None:
    """B-frames come in another order, what decoding needs on either side is hidden, outages stay holes."""
    before = units(60, bframes=3, start_ns=0)
    after = units(60, bframes=3, start_ns=10 * NS_PER_S, run=1, sequence=60)
    start_ns, end_ns = before[7].pts_ns, after[40].pts_ns
    told = [unit.pts_ns for unit in shown_units([*before, *after], start_ns, end_ns)]
    every = sorted(unit.pts_ns for unit in (*before, *after))
    assert told == [pts_ns for pts_ns in every if start_ns <= pts_ns < end_ns]


def test_no_frame_is_told_of_behind_one_that_is_still_on_its_way() -> None:
    """The newest picture comes before the B-pictures in front of it; a step must not jump over them."""
    whole = units(60, bframes=3, start_ns=0)
    step_ns = whole[0].duration_ns
    for count in range(30, 60):
        told = [unit.pts_ns for unit in shown_units(whole[:count], 0, 10 * NS_PER_S)]
        assert count - 3 <= len(told) <= count
        assert all(later - earlier < 1.5 * step_ns for earlier, later in pairwise(told))
