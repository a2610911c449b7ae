"""The two clocks of the host, and the line that turns monotonic nanoseconds into labels.

Here: reading clocks, and `LabelLine`, the one wall anchor of the process. Not here: a camera's own
clock (`timeline`). Everything is kept in monotonic nanoseconds; a label is computed on reading, so a
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
"""A wall clock that is off by no more than this keeps its anchor: a small correction must not shift
labels that people and files already carry."""
STEP_REMEMBERED_NS = 60 * NS_PER_S
"""`state` says `stepped` for this long after a step."""

_READINGS = 5
_TIMEX_BYTES = 512  # struct timex is 208 bytes on 64-bit Linux and 128 on 32-bit
_TIME_ERROR = 5  # adjtimex(2): "the system clock is not synchronized"


def label_offsets_us(moments_ns: Iterable[int]) -> tuple[int, ...]:
    """The labels of moments (≥ 1, in any order), ascending, as microseconds after the earliest one's.

    Exact whatever the anchor is: a label is the moment cut to microseconds, plus whole microseconds.
    """
    labels_us = sorted({moment_ns // NS_PER_US for moment_ns in moments_ns})
    return tuple(label_us - labels_us[0] for label_us in labels_us)


class Clock(Protocol):
    """What the recorder asks of a host's clocks."""

    def monotonic_ns(self) -> int:
        """Time that never jumps; differences are durations."""

    def realtime_ns(self) -> int:
        """Nanoseconds since 1970 by the wall clock, which people and NTP may set."""

    def synchronised(self) -> bool | None:
        """Whether the kernel believes its wall clock; None where nobody can tell."""


class SystemClock:
    """The host's own clocks."""

    def __init__(self) -> None:
        self._adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def realtime_ns(self) -> int:
        return time.time_ns()

    def synchronised(self) -> bool | None:
        """Ask the kernel (one read-only system call; containers may forbid it, then None)."""
        if self._adjtimex is None:
            return None
        # All zero means modes = 0: read, change nothing. The verdict is the return value.
        verdict = self._adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
        return None if verdict < 0 else verdict != _TIME_ERROR


@dataclass(frozen=True, slots=True)
class _Anchor:
    offset_us: int
    steps: int
    stepped_at_ns: int | None


class LabelLine:
    """Maps monotonic nanoseconds to labels (naive UTC datetimes) and back.

    The offset is whole microseconds, so the map back is exact: `start <= label(t) < end` holds if and
    only if `monotonic_ns(start) <= t < monotonic_ns(end)`.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._anchor = _Anchor(self._offset_us(), 0, None)

    @property
    def steps(self) -> int:
        """Steps of the wall clock noticed since the process began."""
        return self._anchor.steps

    @property
    def state(self) -> ClockState:
        """How far a label made now can be trusted."""
        return self.state_since(self._clock.monotonic_ns() - STEP_REMEMBERED_NS)

    def state_since(self, start_ns: int) -> ClockState:
        """How far the labels of a span that began at `start_ns` can be trusted now."""
        stepped_at_ns = self._anchor.stepped_at_ns
        if stepped_at_ns is not None and stepped_at_ns > start_ns:
            return ClockState.STEPPED
        # Nobody can tell is not a promise: None counts as unsynchronised.
        return ClockState.SYNCHRONISED if self._clock.synchronised() else ClockState.UNSYNCHRONISED

    def label(self, mono_ns: int) -> datetime:
        """The label of a monotonic moment."""
        return label_of(mono_ns // NS_PER_US + self._anchor.offset_us)

    def monotonic_ns(self, label: datetime) -> int:
        """The first monotonic nanosecond whose label is `label` or later."""
        return (label_us(label) - self._anchor.offset_us) * NS_PER_US

    def now(self) -> datetime:
        """The label of this moment."""
        return self.label(self._clock.monotonic_ns())

    def check(self) -> float | None:
        """Compare the clocks; on a step of more than a second take a new anchor.

        Returns the seconds stepped, or None. On Linux NTP slews both clocks alike, so they part only
        by steps (and by suspend, which is one).
        """
        anchor = self._anchor
        offset_us = self._offset_us()
        step_us = offset_us - anchor.offset_us
        if abs(step_us) <= STEP_TOLERANCE_US:
            return None
        self._anchor = _Anchor(offset_us, anchor.steps + 1, self._clock.monotonic_ns())
        return step_us / 1e6

    def _offset_us(self) -> int:
        """Wall minus monotonic, by the tightest of a few readings: a thread may be put aside between two."""
        readings = []
        for _ in range(_READINGS):
            before_ns = self._clock.monotonic_ns()
            wall_ns = self._clock.realtime_ns()
            after_ns = self._clock.monotonic_ns()
            readings.append((after_ns - before_ns, wall_ns - (before_ns + after_ns) // 2))
        return min(readings)[1] // NS_PER_US
