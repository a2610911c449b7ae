"""Conversions between time scales: nanoseconds, source ticks, 90 kHz ticks, and labels in microseconds.

Here: conversions that round once, so a constant rate stays constant (30 fps: 3000 ticks each). Not here:
clocks and the offset between a label and the monotonic clock (`clock`), placing units in time
(`capture.timeline`), timestamps a muxer accepts (`mp4.ticks`). Pure.
"""

from datetime import datetime, timedelta
from fractions import Fraction

NS_PER_S = 1_000_000_000
NS_PER_US = 1000
FOREVER_NS = 1 << 62
"""The end of a span that has none."""
TICKS_PER_S = 90_000
"""The time scale of all video in our files."""
_NS_PER_9_TICKS = 100_000
_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)


def to_ns(count: int, time_base: Fraction) -> int:
    """Source ticks as nanoseconds. Convert totals, not differences: sums of rounded values would drift."""
    numerator, denominator = time_base.as_integer_ratio()
    return (2 * count * numerator * NS_PER_S + denominator) // (2 * denominator)


def ticks(span_ns: int) -> int:
    """`span_ns` in 90 kHz ticks, to the nearest. Measure it from one fixed origin; sums would drift."""
    return (span_ns * 9 + _NS_PER_9_TICKS // 2) // _NS_PER_9_TICKS


def ns_of(count: int) -> int:
    """90 kHz ticks in nanoseconds, to the nearest; `ticks` inverts it exactly."""
    return (count * _NS_PER_9_TICKS + 4) // 9


def label_us(label: datetime) -> int:
    """A label (naive UTC) as microseconds since 1970."""
    return (label - _EPOCH) // _MICROSECOND


def label_of(us: int) -> datetime:
    """The label of `us` microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=us)
