"""Ticks and nanoseconds: each conversion rounds once, to the nearest. Labels convert exactly."""

from datetime import datetime
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from recorder.base.media_time import label_of, label_us, ns_of, ticks, to_ns
from tests.support.fakes import NS_PER_S


@given(st.integers(-(1 << 40), 1 << 40), st.sampled_from([Fraction(1, 90_000), Fraction(1001, 30_000)]))
def test_ticks_are_rounded_to_the_nearest_nanosecond(count: int, time_base: Fraction) -> None:
    """Once, from an integer: errors never add up."""
    assert abs(to_ns(count, time_base) - count * time_base * NS_PER_S) <= Fraction(1, 2)


def test_ticks_become_nanoseconds_and_ticks_again() -> None:
    """Nothing is lost on the way, on either side of zero."""
    for count in [*range(-100, 100), 90_000 * 86_400 + 1, -(90_000 * 3600) - 7]:
        assert ticks(ns_of(count)) == count


@given(st.datetimes())
def test_a_label_is_whole_microseconds_since_1970_and_comes_back(label: datetime) -> None:
    """Labels are naive UTC with microseconds, so nothing is rounded."""
    assert label_of(label_us(label)) == label


def test_labels_count_from_1970() -> None:
    """On either side of the epoch."""
    assert label_of(0) == datetime(1970, 1, 1)
    assert label_us(datetime(1969, 12, 31, 23, 59, 59, 999_999)) == -1
