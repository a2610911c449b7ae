"""Arithmetic between time scales: nanoseconds, a source's own ticks, and the 90 kHz ticks of our files.

Here: conversions that round once, so that a constant rate stays constant (30 fps: 3000 ticks each). Not here:
clocks (`clock`), the line that units are placed on (`capture.timeline`), times a muxer accepts
(`mp4.ticks`). Pure.
"""

from fractions import Fraction

NS_PER_S = 1_000_000_000
TICKS_PER_S = 90_000
"""The only time scale of video in our files."""
_NS_PER_9_TICKS = 100_000


def to_ns(count: int, time_base: Fraction) -> int:
    """A source's ticks as nanoseconds, rounded once and never summed: a constant rate stays constant."""
    numerator, denominator = time_base.as_integer_ratio()
    return (2 * count * numerator * NS_PER_S + denominator) // (2 * denominator)


def ticks(span_ns: int) -> int:
    """`span_ns` in 90 kHz ticks, to the nearest; always of a difference to one origin, never summed."""
    return (span_ns * 9 + _NS_PER_9_TICKS // 2) // _NS_PER_9_TICKS


def ns_of(count: int) -> int:
    """90 kHz ticks in nanoseconds, to the nearest; `ticks` makes the same number of them again."""
    return (count * _NS_PER_9_TICKS + 4) // 9
