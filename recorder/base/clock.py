"""The host's two clocks, and the conversion of monotonic nanoseconds into labels.

Here: reading the clocks, and `LabelLine`, the process's one anchor of monotonic to wall time. Not here: a
camera's own clock (`timeline`). All times are stored as monotonic nanoseconds and labelled when read, so a
step of the wall clock relabels everything at once and moves no frame.

Any thread may read a `LabelLine` (its anchor is one immutable attribute); one task calls `check`.
"""

import ctypes
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from recorder.base.media_time import NS_PER_S, NS_PER_US, label_of, label_us
from recorder.base.values import ClockState

STEP_TOLERANCE_US = 1_000_000
"""The anchor stays while the wall clock is off by no more than this: a small correction must not shift labels
that people and files already carry."""
STEP_REMEMBERED_NS = 60 * NS_PER_S
"""`state` says `stepped` for this long after a step."""

_READINGS = 5
_TIMEX_BYTES = 512  # struct timex is 208 bytes on 64-bit Linux and 128 on 32-bit
_TIME_ERROR = 5  # adjtimex(2): "the system clock is not synchronized"


def label_offsets_us(moments_ns: Iterable[int]) -> tuple[int, ...]:
    """The labels of at least one time, in any order, as ascending microseconds after the earliest label.

    Independent of the anchor: a label is the time truncated to microseconds plus whole microseconds.
    """
    labels_us = sorted({moment_ns // NS_PER_US for moment_ns in moments_ns})
    return tuple(label_us - labels_us[0] for label_us in labels_us)


class Clock(Protocol):
    """The host clocks the recorder needs."""

    def monotonic_ns(self) -> int:
        """Nanoseconds of a clock that never jumps; differences are durations."""

    def realtime_ns(self) -> int:
        """Nanoseconds since 1970 by the wall clock, which users and NTP may set."""

    def synchronised(self) -> bool | None:
        """Whether the kernel considers its wall clock synchronised; None if unknown."""


class SystemClock:
    """The host's own clocks."""

    def __init__(self) -> None:
        self._adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def realtime_ns(self) -> int:
        return time.time_ns()

    def synchronised(self) -> bool | None:
        """Query the kernel with one read-only system call; None if a container forbids it."""
        if self._adjtimex is None:
            return None
        # All zeros means modes = 0: read only. The return value is the clock state.
        verdict = self._adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
        return None if verdict < 0 else verdict != _TIME_ERROR


@dataclass(frozen=True, slots=True)
class _Anchor:
    offset_us: int
    steps: int
    stepped_at_ns: int | None


class LabelLine:
    """Maps monotonic nanoseconds to labels (naive UTC datetimes) and back.

    The offset is whole microseconds, so the inverse is exact: `start <= label(t) < end` holds if and
    only if `monotonic_ns(start) <= t < monotonic_ns(end)`.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._anchor = _Anchor(self._offset_us(), 0, None)

    @property
    def steps(self) -> int:
        """Steps of the wall clock detected since the process started."""
        return self._anchor.steps

    @property
    def state(self) -> ClockState:
        """How reliable a label made now is."""
        return self.state_since(self._clock.monotonic_ns() - STEP_REMEMBERED_NS)

    def state_since(self, start_ns: int) -> ClockState:
        """How reliable the labels of a span that began at `start_ns` are."""
        stepped_at_ns = self._anchor.stepped_at_ns
        if stepped_at_ns is not None and stepped_at_ns > start_ns:
            return ClockState.STEPPED
        # None (unknown) counts as unsynchronised.
        return ClockState.SYNCHRONISED if self._clock.synchronised() else ClockState.UNSYNCHRONISED

    def label(self, mono_ns: int) -> datetime:
        """The label of a monotonic time."""
        return label_of(mono_ns // NS_PER_US + self._anchor.offset_us)

    def monotonic_ns(self, label: datetime) -> int:
        """The first monotonic nanosecond whose label is `label` or later."""
        return (label_us(label) - self._anchor.offset_us) * NS_PER_US

    def now(self) -> datetime:
        """The label of the current time."""
        return self.label(self._clock.monotonic_ns())

    def check(self) -> float | None:
        """Compare the clocks and re-anchor after a step of more than a second.

        Returns the size of the step in seconds, or None. On Linux, NTP slews both clocks alike, so they
        diverge only by steps and suspends.
        """
        anchor = self._anchor
        offset_us = self._offset_us()
        step_us = offset_us - anchor.offset_us
        if abs(step_us) <= STEP_TOLERANCE_US:
            return None
        self._anchor = _Anchor(offset_us, anchor.steps + 1, self._clock.monotonic_ns())
        return step_us / 1e6

    def _offset_us(self) -> int:
        """Wall minus monotonic, from the tightest of a few readings: a thread may be preempted in between."""
        readings = []
        for _ in range(_READINGS):
            before_ns = self._clock.monotonic_ns()
            wall_ns = self._clock.realtime_ns()
            after_ns = self._clock.monotonic_ns()
            readings.append((after_ns - before_ns, wall_ns - (before_ns + after_ns) // 2))
        return min(readings)[1] // NS_PER_US
