"""Gives every unit of a run a DTS and a PTS, even if the camera omits them.

Here: filling in timestamps, in the camera's own ticks. Not here: the host's time, jumps, runs
(`timeline`). Pure; one object per run.

RTSP has no DTS on the first packets of a stream with B-frames and no timestamp at all on the very first
packet; some sources never send a DTS.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from statistics import median_low

from recorder.base.media_time import NS_PER_S, to_ns
from recorder.bitstream.access_unit import SourceUnit

_FARTHEST_AHEAD_NS = 5 * NS_PER_S
"""A PTS further ahead of its DTS is damaged: 16 reordered frames at 5 fps are 3.2 s."""
_MOST_REORDERED = 16  # max_num_reorder_frames of H.264 and H.265


@dataclass(frozen=True, slots=True)
class Stamped:
    """A unit with its timestamps on the camera's clock, in nanoseconds; PTS ≥ DTS."""

    source: SourceUnit
    dts_ns: int
    pts_ns: int


class DecodeOrder:
    """The timestamps of one run, derived from decode order if missing."""

    def __init__(self) -> None:
        self._unstamped = False
        self._waiting: list[int] | None = None
        """A heap of PTS still to be used as DTS, for a camera that sends no DTS."""
        self._dts_late = 0
        self._last_dts: int | None = None

    def begin(self, held: Sequence[SourceUnit], step_ns: int) -> list[Stamped]:
        """Stamp the first units of a run together: later timestamps supply those the first ones lack.

        `step_ns` is the nominal frame duration.
        """
        self._unstamped = all(unit.dts is None and unit.pts is None for unit in held)
        if self._unstamped:
            return [self.stamp(unit, step_ns) for unit in held]
        step = _usual_step(held) or _to_ticks(step_ns, held[0].time_base)
        shown = _shown(held, step)
        first_dts = next((index for index, unit in enumerate(held) if unit.dts is not None), None)
        if first_dts is None:
            self._wait(shown, step)
            decoded: list[int | None] = [None] * len(held)
        else:
            decoded = [unit.dts for unit in held]
            _count_back(decoded, shown, first_dts, step)
            self._dts_late = _how_late(held, step)
        return [
            self._stamped(unit, dts, pts, step_ns)
            for unit, dts, pts in zip(held, decoded, shown, strict=True)
        ]

    def stamp(self, unit: SourceUnit, step_ns: int) -> Stamped:
        """Stamp the next unit; `step_ns` matters only if it has no DTS."""
        if self._unstamped:
            arrival = _to_ticks(unit.arrival_ns, unit.time_base)
            return self._stamped(unit, arrival, arrival, step_ns)
        return self._stamped(unit, unit.dts, unit.pts, step_ns)

    def _wait(self, shown: Sequence[int | None], step: int) -> None:
        """Determine the reorder depth: a DTS is the PTS that many places back in sorted order."""
        known = [pts for pts in shown if pts is not None]
        rank = {pts: index for index, pts in enumerate(sorted(known))}
        depth = max(index - rank[pts] for index, pts in enumerate(known))
        self._waiting = [min(known) - step * ahead for ahead in range(depth, 0, -1)]

    def _stamped(self, unit: SourceUnit, dts: int | None, pts: int | None, step_ns: int) -> Stamped:
        dts = self._made(unit, pts, step_ns) if dts is None else dts - self._dts_late
        if self._last_dts is not None:
            dts = max(dts, self._last_dts)
        self._last_dts = dts
        dts_ns = to_ns(dts, unit.time_base)
        if pts is None or pts <= dts:
            return Stamped(unit, dts_ns, dts_ns)
        pts_ns = to_ns(pts, unit.time_base)
        return Stamped(unit, dts_ns, dts_ns if pts_ns - dts_ns > _FARTHEST_AHEAD_NS else pts_ns)

    def _made(self, unit: SourceUnit, pts: int | None, step_ns: int) -> int:
        """A DTS from decode order: the next PTS in sorted order if no unit has a DTS, else one frame on."""
        if self._last_dts is None:
            following = pts or 0
        else:
            following = self._last_dts + _to_ticks(step_ns, unit.time_base)
        if self._waiting is not None:
            return heapq.heappushpop(self._waiting, following if pts is None else pts)
        return following if pts is None else min(following, pts)


def _to_ticks(ns: int, time_base: Fraction) -> int:
    return max(1, round(Fraction(ns, NS_PER_S) / time_base))


def _usual_step(held: Sequence[SourceUnit]) -> int | None:
    """The median distance between pictures in ticks, or None if unknown; more than a second is damage."""
    known = sorted(unit.pts for unit in held if unit.pts is not None)
    gaps = [
        later - earlier for earlier, later in pairwise(known) if 0 < later - earlier <= 1 / held[0].time_base
    ]
    return median_low(gaps) if gaps else None


def _shown(held: Sequence[SourceUnit], step: int) -> list[int | None]:
    """The PTS of the first units; units before the first known PTS are placed before all others."""
    shown = [unit.pts for unit in held]
    known = [pts for pts in shown if pts is not None]
    if known:
        first = next(index for index, pts in enumerate(shown) if pts is not None)
        for index in range(first):
            shown[index] = min(known) - step * (first - index)
    return shown


def _count_back(decoded: list[int | None], shown: Sequence[int | None], first: int, step: int) -> None:
    """Fill in the DTS of the units before index `first`, the first unit that has one."""
    dts = decoded[first] or 0
    for index in range(first - 1, -1, -1):
        pts = shown[index]
        dts -= step
        # Never after the PTS, but ignore a PTS that is many frames away.
        if pts is not None and dts - _MOST_REORDERED * step < pts < dts:
            dts = pts
        decoded[index] = dts


def _how_late(held: Sequence[SourceUnit], step: int) -> int:
    """How much earlier all DTS must be so that none exceeds its PTS.

    Some files with B-frames count both from the same frame.
    """
    late = (unit.dts - unit.pts for unit in held if unit.dts is not None and unit.pts is not None)
    return max((ticks for ticks in late if 0 < ticks <= _MOST_REORDERED * step), default=0)
