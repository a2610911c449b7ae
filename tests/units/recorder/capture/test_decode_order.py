"""Every unit of a run gets a dts and a pts, whatever the camera leaves out."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.bitstream.access_unit import SourceUnit
from recorder.capture.decode_order import DecodeOrder, Stamped
from tests.support.fakes import NS_PER_S, source_units

FRAME = 3000  # ticks of 1/90000 s
FRAME_NS = NS_PER_S // 30


def begun(held: list[SourceUnit]) -> list[Stamped]:
    return DecodeOrder().begin(held, FRAME_NS)


def ticks_of(stamped: list[Stamped]) -> list[tuple[int, int]]:
    """(dts, pts) of each in ticks again."""
    return [(round(unit.dts_ns * 9 / 100_000), round(unit.pts_ns * 9 / 100_000)) for unit in stamped]


def times_of(sent: list[SourceUnit]) -> list[tuple[int, int]]:
    return [(unit.dts or 0, unit.pts or 0) for unit in sent]


@pytest.mark.parametrize("bframes", [0, 3])
def test_times_that_are_given_are_kept(bframes: int) -> None:
    """Nothing is improved that is not broken."""
    sent = source_units(30, bframes=bframes, first_pts=50_000)
    assert ticks_of(begun(sent)) == times_of(sent)


@pytest.mark.parametrize("bframes", [0, 1, 3])
def test_without_any_dts_a_unit_is_decoded_when_the_earliest_picture_still_to_come_is_shown(
    bframes: int,
) -> None:
    """As far back as pictures are reordered; every pts stays what it was."""
    sent = source_units(40, bframes=bframes)
    order = DecodeOrder()
    without = [replace(unit, dts=None) for unit in sent]
    stamped = [*order.begin(without[:20], FRAME_NS), *(order.stamp(unit, FRAME_NS) for unit in without[20:])]
    assert ticks_of(stamped) == times_of(sent)


def test_the_first_dts_are_counted_back_from_the_first_that_is_known() -> None:
    """RTSP leaves them out at the beginning of a stream with B-frames."""
    sent = source_units(30, bframes=3)
    without = [replace(unit, dts=None) if index < 4 else unit for index, unit in enumerate(sent)]
    assert ticks_of(begun(without)) == times_of(sent)


def test_a_unit_in_front_of_a_hole_is_decoded_when_it_is_shown() -> None:
    """Counting back over the hole would decode it afterwards."""
    first, *others = source_units(5)
    late = [replace(unit, pts=(unit.pts or 0) + FRAME, dts=(unit.dts or 0) + FRAME) for unit in others]
    stamped = ticks_of(begun([replace(first, dts=None), *late]))
    assert stamped == [(0, 0), *times_of(late)]


def test_units_that_have_only_a_dts_are_shown_when_they_are_decoded() -> None:
    """Nothing tells that pictures are reordered."""
    without = [replace(unit, pts=None) for unit in source_units(10)]
    assert ticks_of(begun(without)) == times_of(source_units(10))


def test_without_any_time_units_follow_their_arrival() -> None:
    """The first units and all later ones."""
    sent = [replace(unit, pts=None, dts=None) for unit in source_units(20)]
    order = DecodeOrder()
    stamped = [*order.begin(sent[:10], FRAME_NS), *(order.stamp(unit, FRAME_NS) for unit in sent[10:])]
    for unit in stamped:
        assert unit.pts_ns == unit.dts_ns
        assert abs(unit.dts_ns - unit.source.arrival_ns) < 12_000  # one tick


def test_a_dts_that_is_later_than_its_pts_moves_all_of_them() -> None:
    """Some files count both from the same frame although B-frames are in them."""
    sent = source_units(30, bframes=3)
    shifted = [replace(unit, dts=(unit.dts or 0) + 2 * FRAME) for unit in sent]
    assert ticks_of(begun(shifted)) == times_of(sent)


@given(
    st.lists(
        st.tuples(
            st.none() | st.integers(-(1 << 34), 1 << 34) | st.integers(0, 100_000),
            st.none() | st.integers(-(1 << 34), 1 << 34) | st.integers(0, 100_000),
        ),
        min_size=1,
        max_size=20,
    ),
    st.integers(1, 20),
)
def test_whatever_is_left_out_dts_never_falls_and_no_picture_is_shown_before_it_is_decoded(
    times: list[tuple[int | None, int | None]], held: int
) -> None:
    """One line per run, in decode order, for any camera."""
    (unit,) = source_units(1)
    sent = [
        replace(unit, pts=pts, dts=dts, arrival_ns=unit.arrival_ns + n) for n, (pts, dts) in enumerate(times)
    ]
    order = DecodeOrder()
    stamped = order.begin(sent[:held], FRAME_NS)
    stamped += [order.stamp(later, FRAME_NS) for later in sent[held:]]
    assert [made.source for made in stamped] == sent
    assert all(earlier.dts_ns <= later.dts_ns for earlier, later in pairwise(stamped))
    assert all(made.pts_ns >= made.dts_ns for made in stamped)
