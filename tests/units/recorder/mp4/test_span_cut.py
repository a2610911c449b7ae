"""A cut writes what its span shows and what decoding that needs, over units in decode order; no codec."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.base.errors import FinishFailed
from recorder.base.media_time import FOREVER_NS, ns_of
from recorder.bitstream.access_unit import AccessUnit
from recorder.mp4.span_cut import SpanCut, shown_units
from tests.support.fakes import EPOCH, NS_PER_S, shown_numbers, units

START_NS = 1000 * NS_PER_S
STEP_NS = units(1)[0].duration_ns


def at(frame: float) -> int:
    """The time of frame `frame` of a stream of 30 frames per second."""
    return START_NS + round(frame * NS_PER_S / 30)


def shown_of(cut: SpanCut, start_ns: int, end_ns: int) -> list[int]:
    """The numbers of the shown frames, in the order in which they are shown."""
    shown = [unit for unit in cut if start_ns <= unit.pts_ns < end_ns]
    return shown_numbers(sorted(shown, key=lambda unit: unit.pts_ns))


def two_runs(hole_s: float = 10.0, bframes: int = 0) -> list[AccessUnit]:
    """Two seconds of pictures, an outage, two seconds more."""
    before = units(60, bframes=bframes)
    begins_ns = before[0].pts_ns + 2 * NS_PER_S + round(hole_s * NS_PER_S)
    return [*before, *units(60, bframes=bframes, start_ns=begins_ns, run=1, sequence=60)]


@pytest.mark.parametrize("bframes", [0, 2, 3])
def test_a_cut_begins_at_the_keyframe_that_its_first_frame_needs(bframes: int) -> None:
    """The lead-in is written and hidden; its length is known before the first unit is written."""
    cut = SpanCut(units(90, bframes=bframes), at(47), at(70))
    assert (cut.first_pts_ns, cut.lead_in_ns) == (at(47), at(47) - at(30))
    assert cut.epoch == EPOCH
    written = list(cut)
    assert (written[0].is_keyframe, written[0].pts_ns) == (True, at(30))
    assert cut.frame_count == 23
    assert (cut.last_pts_ns, cut.end_ns) == (at(69), at(70))


def test_a_cut_that_begins_at_a_keyframe_has_no_lead_in() -> None:
    """Its first unit is its first frame."""
    cut = SpanCut(units(90), at(30), FOREVER_NS)
    assert cut.lead_in_ns == 0
    assert shown_numbers(cut) == list(range(30, 90))
    assert cut.end_ns == at(89) + STEP_NS


@pytest.mark.parametrize("bframes", [0, 3])
def test_a_span_may_show_the_last_frame_alone(bframes: int) -> None:
    """No unit behind it says that nothing earlier can follow; its GOP is the lead-in."""
    cut = SpanCut(units(60, bframes=bframes), at(59), FOREVER_NS)
    assert (cut.first_pts_ns, cut.lead_in_ns) == (at(59), at(59) - at(30))
    list(cut)
    assert (cut.frame_count, cut.end_ns) == (1, at(59) + STEP_NS)


def test_before_a_unit_is_taken_the_end_is_the_first_frame() -> None:
    """A file whose writing fails at once shows nothing."""
    cut = SpanCut(units(60), at(10), at(20))
    assert cut.end_ns == cut.last_pts_ns == at(10)


def test_pictures_behind_the_end_are_written_only_where_shown_ones_refer_to_them() -> None:
    """An anchor is decoded before the B-frames in front of it, and hidden."""
    stream = units(30, bframes=3)
    for end in range(2, 30):
        written = list(SpanCut(stream, START_NS, at(end)))
        assert max(shown_numbers(written)) <= end + 3
        assert written[-1].pts_ns < at(end), "nothing is written behind the last shown frame"


@pytest.mark.parametrize("bframes", [2, 3])
def test_pictures_behind_the_end_come_at_the_end_and_in_their_order(bframes: int) -> None:
    """Chromium takes the greatest time in a file for its duration, also that of a hidden picture."""
    stream = units(30, bframes=bframes)
    for end in range(2, 30):
        cut = SpanCut(stream, START_NS, at(end))
        written = list(cut)
        assert cut.end_ns == at(end)
        times = {number: unit.pts_ns for number, unit in zip(shown_numbers(written), written, strict=True)}
        hidden = sorted(number for number in times if number >= end)
        assert [times[number] for number in hidden] == [at(end) + ns_of(n) for n in range(len(hidden))]


@st.composite
def cuts(draw: st.DrawFn) -> tuple[list[AccessUnit], int, int]:
    """A stream of one to three runs, and a span that lies in or around it."""
    made: list[AccessUnit] = []
    start_ns = START_NS
    for run in range(draw(st.integers(1, 3))):
        gop, bframes, count = draw(st.integers(1, 20)), draw(st.integers(0, 4)), draw(st.integers(1, 60))
        made += units(count, 30, gop, bframes=bframes, start_ns=start_ns, run=run, sequence=len(made))
        start_ns = max(unit.pts_ns for unit in made) + draw(st.integers(NS_PER_S, 4 * NS_PER_S))
    moments = st.sampled_from(sorted({unit.pts_ns + by for unit in made for by in (-1, 0, 1)}))
    first_ns, end_ns = sorted((draw(moments), draw(moments)))
    return made, first_ns, end_ns


@given(cuts())
def test_any_cut_shows_its_span_and_holds_what_decoding_it_needs(
    cut_of: tuple[list[AccessUnit], int, int],
) -> None:
    """As found by looking at everything: from a keyframe to the last unit shown, without a hole."""
    stream, start_ns, end_ns = cut_of
    shown = [unit for unit in stream if start_ns <= unit.pts_ns < end_ns]
    if not shown:
        with pytest.raises(FinishFailed):
            SpanCut(iter(stream), start_ns, end_ns)
        return
    first_ns = min(unit.pts_ns for unit in shown)
    lead = max(i for i, unit in enumerate(stream) if unit.is_keyframe and unit.pts_ns <= first_ns)
    last = max(i for i, unit in enumerate(stream) if unit.pts_ns < end_ns)
    cut = SpanCut(iter(stream), start_ns, end_ns)
    assert cut.first_pts_ns == first_ns
    written = list(cut)
    kept = stream[lead : last + 1]
    assert [unit for unit in written if unit.pts_ns < cut.end_ns] == [u for u in kept if u.pts_ns < end_ns]
    assert [replace(unit, pts_ns=0) for unit in written] == [replace(unit, pts_ns=0) for unit in kept]
    assert cut.frame_count == len(shown)
    assert cut.last_pts_ns == max(unit.pts_ns for unit in shown)
    assert cut.last_pts_ns < cut.end_ns <= cut.last_pts_ns + shown[-1].duration_ns + 1


@pytest.mark.parametrize("bframes", [0, 3])
def test_an_outage_is_a_declared_gap(bframes: int) -> None:
    """From the end of the last frame before it to the first one after."""
    stream = two_runs(bframes=bframes)
    cut = SpanCut(stream, START_NS, FOREVER_NS)
    assert list(cut) == stream
    assert cut.gaps == [(at(59) + STEP_NS, at(360))]
    assert cut.frame_count == 120


def test_a_reconnect_without_a_hole_is_no_gap() -> None:
    """Two runs that meet play on without a word."""
    cut = SpanCut(two_runs(hole_s=0.01), START_NS, FOREVER_NS)
    list(cut)
    assert (cut.gaps, cut.frame_count) == ([], 120)


def test_units_lost_within_a_run_are_a_gap_and_cost_what_refers_to_them() -> None:
    """A disk slower than the ring is deep: whole GOPs are missing, and the clip says so."""
    stream = [unit for unit in units(120, bframes=3) if not 30 <= unit.sequence < 90]
    cut = SpanCut(stream, START_NS, FOREVER_NS)
    assert shown_of(cut, START_NS, FOREVER_NS) == [*range(30), *range(90, 120)]
    assert cut.gaps == [(at(29) + STEP_NS, at(90))]


def test_a_cut_that_begins_in_an_outage_begins_with_the_next_run() -> None:
    """No lead-in of the run before comes along, and no gap is declared."""
    cut = SpanCut(two_runs(), at(100), FOREVER_NS)
    assert cut.lead_in_ns == 0
    assert shown_numbers(cut) == list(range(60))
    assert cut.gaps == []


def test_the_last_frame_ends_where_the_next_one_begins() -> None:
    """A camera whose rate trembles; before an outage the frame's own length counts."""
    stream = units(60)
    late = [replace(unit, pts_ns=unit.pts_ns + 9_000_000) if unit.sequence == 40 else unit for unit in stream]
    cut = SpanCut(late, START_NS, at(40))
    list(cut)
    assert cut.end_ns == at(40) + 9_000_000
    before_outage = SpanCut(two_runs(), START_NS, at(200))
    list(before_outage)
    assert before_outage.end_ns == at(59) + STEP_NS


def test_pictures_that_refer_to_before_the_run_are_left_out() -> None:
    """A camera with open GOPs joined mid-stream: its first pictures cannot be decoded."""
    stream = units(60)
    leading = replace(stream[1], pts_ns=START_NS - 10_000_000, data=b"leading")
    cut = SpanCut([stream[0], leading, *stream[2:]], 0, FOREVER_NS)
    written = list(cut)
    assert leading not in written
    assert (cut.first_pts_ns, len(written)) == (START_NS, 59)


def test_units_in_front_of_the_first_keyframe_are_left_out() -> None:
    """Nothing before it can be decoded."""
    cut = SpanCut(units(60)[10:], 0, FOREVER_NS)
    assert shown_numbers(cut) == list(range(30, 60))


@pytest.mark.parametrize(
    ("stream", "start_ns", "end_ns"),
    [
        ([], 0, FOREVER_NS),
        (units(30), at(100), FOREVER_NS),
        (units(30), 0, START_NS),
        (units(30)[1:], 0, FOREVER_NS),
    ],
    ids=["nothing", "before", "behind", "no keyframe"],
)
def test_a_span_that_shows_no_frame_is_refused(stream: list[AccessUnit], start_ns: int, end_ns: int) -> None:
    """There is no placeholder video."""
    with pytest.raises(FinishFailed, match="no frame"):
        SpanCut(stream, start_ns, end_ns)


@pytest.mark.parametrize("bframes", [0, 2, 3])
def test_units_that_break_off_anywhere_show_no_hole(bframes: int) -> None:
    """A picture whose B-frames are lost is hidden; whatever the units prove is shown."""
    stream = units(60, bframes=bframes)
    for count in range(35, 48):
        cut = SpanCut(stream[:count], START_NS, FOREVER_NS, may_break_off=True)
        list(cut)
        assert count - max(1, bframes) <= cut.frame_count <= count
        assert cut.last_pts_ns == at(cut.frame_count - 1)
        assert cut.end_ns == cut.last_pts_ns + STEP_NS


def test_the_frames_listed_are_those_the_file_shows_in_the_order_it_shows_them() -> None:
    """B-frames come in another order, what decoding needs on either side is hidden, outages stay holes."""
    stream = two_runs(bframes=3)
    start_ns, end_ns = stream[7].pts_ns, stream[100].pts_ns
    listed = [unit.pts_ns for unit in shown_units(stream, start_ns, end_ns)]
    every = sorted(unit.pts_ns for unit in stream)
    assert listed == [pts_ns for pts_ns in every if start_ns <= pts_ns < end_ns]


def test_no_frame_is_listed_behind_one_that_is_still_on_its_way() -> None:
    """The newest picture comes before the B-pictures in front of it; a step must not jump over them."""
    whole = units(60, bframes=3)
    for count in range(30, 60):
        listed = [unit.pts_ns for unit in shown_units(whole[:count], START_NS, FOREVER_NS)]
        assert count - 3 <= len(listed) <= count
        assert all(later - earlier < 1.5 * STEP_NS for earlier, later in pairwise(listed))
