"""Decides which units a file of a span contains, which of them are shown, and where it has gaps.

Here: lead-in, end and gaps of a half-open span of units in decode order, in constant memory beyond one GOP,
and the frames shown of an interrupted recording. Not here: muxing (`muxer`), taking the span out of the ring
(`ring_buffer`). Pure.
"""

from bisect import insort
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, pairwise

from recorder.base.errors import FinishFailed
from recorder.base.media_time import ns_of
from recorder.bitstream.access_unit import AccessUnit, Epoch

# A hole shorter than this many frames is jitter, not an outage.
_GAP_IN_FRAMES = 1.5


class SpanCut:
    """Iterate once: yields the units to mux, in decode order, starting with a keyframe.

    A unit is shown if and only if `start_ns ≤ pts_ns < end_ns`. Hidden units are the lead-in from the latest
    keyframe not after the first shown frame, and later pictures that shown B-frames refer to. The latter get
    PTS right behind the end, because Chromium takes the greatest PTS in a file for its duration. Leading
    pictures of a keyframe that opens a run or follows lost units refer to missing pictures and are left out.
    With `may_break_off` the units may end between a picture and the B-frames shown before it; frames after
    such a hole are hidden too.
    `first_pts_ns` and `epoch` are known after construction, everything else after the last unit.
    """

    def __init__(
        self, units: Iterable[AccessUnit], start_ns: int, end_ns: int, *, may_break_off: bool = False
    ) -> None:
        """Reads up to the first shown frame. Raises FinishFailed if the span shows no frame."""
        self.frame_count = 0
        self.gaps: list[tuple[int, int]] = []
        self._source = iter(units)
        self._start_ns = start_ns
        self._end_ns = end_ns
        self._run: int | None = None
        self._sequence = -1
        self._opens_ns = start_ns
        self._last_pts_ns: int | None = None
        self._last_duration_ns = 0
        self._next_pts_ns: int | None = None
        self._may_break_off = may_break_off
        # (pts_ns, duration_ns) of the newest shown frame that no later unit can precede, and of all after it.
        self._unproven: list[tuple[int, int]] = []
        self._lead, self.first_pts_ns = self._read_lead()

    @property
    def epoch(self) -> Epoch:
        """Epoch of the first unit; the caller handles a change."""
        return self._lead[0].epoch

    @property
    def lead_in_ns(self) -> int:
        """Length of the hidden lead-in before the first shown frame."""
        return max(0, self.first_pts_ns - self._lead[0].pts_ns)

    @property
    def end_ns(self) -> int:
        """End of the last shown frame: the next frame's time if known, else its nominal duration."""
        if self._last_pts_ns is None:
            return self.first_pts_ns
        if self._next_pts_ns is not None:
            true_ns = self._next_pts_ns - self._last_pts_ns
            if true_ns <= _GAP_IN_FRAMES * self._last_duration_ns:
                return self._next_pts_ns
        return self._last_pts_ns + self._last_duration_ns

    @property
    def last_pts_ns(self) -> int:
        """PTS of the last shown frame."""
        return self.first_pts_ns if self._last_pts_ns is None else self._last_pts_ns

    def __iter__(self) -> Iterator[AccessUnit]:
        # A unit waits while a later one may be shown before it: until then it is not known to be shown.
        held: deque[AccessUnit] = deque()
        self._run = None
        for unit in chain(self._lead, self._source):
            follows = self._follows(unit)
            if unit.dts_ns >= self._end_ns:
                self._note_later(unit)
                break
            if not self._decodable(unit):
                continue
            if unit.pts_ns >= self._end_ns:
                self._note_later(unit)
            elif unit.pts_ns >= self._start_ns:
                self._note_shown(unit, follows)
            held.append(unit)
            while held and held[0].pts_ns <= unit.dts_ns:
                yield held.popleft()
        else:
            if self._may_break_off:
                self._hide_behind_hole()
        yield from self._without_late_times(held)

    def _without_late_times(self, units: deque[AccessUnit]) -> Iterator[AccessUnit]:
        """The last units, up to the last shown one; those hidden behind the end begin there, a tick apart."""
        last_ns = self.last_pts_ns
        while units and units[-1].pts_ns > last_ns:
            units.pop()
        hidden = sorted(unit.pts_ns for unit in units if unit.pts_ns > last_ns)
        for unit in units:
            if unit.pts_ns > last_ns:
                unit = replace(unit, pts_ns=self.end_ns + ns_of(hidden.index(unit.pts_ns)))
            yield unit

    def _read_lead(self) -> tuple[list[AccessUnit], int]:
        lead: list[AccessUnit] = []
        first_ns: int | None = None
        for unit in self._source:
            if first_ns is not None and unit.dts_ns >= first_ns:  # PTS ≥ DTS: no earlier frame can follow
                return [*_from_last_keyframe(lead, first_ns), unit], first_ns
            if unit.dts_ns >= self._end_ns:
                break
            if not lead and not unit.is_keyframe:
                continue
            if unit.is_keyframe and first_ns is None and unit.pts_ns <= self._start_ns:
                lead.clear()
            lead.append(unit)
            if self._decodable(unit) and self._start_ns <= unit.pts_ns < self._end_ns:
                first_ns = unit.pts_ns if first_ns is None else min(first_ns, unit.pts_ns)
        if first_ns is None:
            raise FinishFailed("The span holds no frame that can be shown.")
        return _from_last_keyframe(lead, first_ns), first_ns

    def _follows(self, unit: AccessUnit) -> bool:
        # Units of a run may be missing if the ring evicted them before a slow disk took them.
        return unit.run == self._run and unit.sequence == self._sequence + 1

    def _decodable(self, unit: AccessUnit) -> bool:
        if not self._follows(unit):
            self._opens_ns = unit.pts_ns
        self._run, self._sequence = unit.run, unit.sequence
        return unit.pts_ns >= self._opens_ns

    def _note_shown(self, unit: AccessUnit, follows: bool) -> None:
        self.frame_count += 1
        last_ns = self._last_pts_ns
        if last_ns is not None and not follows:
            hole_ns = unit.pts_ns - last_ns
            if hole_ns > _GAP_IN_FRAMES * self._last_duration_ns:
                self.gaps.append((last_ns + self._last_duration_ns, unit.pts_ns))
        if last_ns is None or unit.pts_ns > last_ns:
            self._last_pts_ns = unit.pts_ns
            self._last_duration_ns = unit.duration_ns
        if not follows:
            self._unproven.clear()
        insort(self._unproven, (unit.pts_ns, unit.duration_ns))
        while len(self._unproven) > 1 and self._unproven[1][0] <= unit.dts_ns:  # later PTS ≥ this DTS
            del self._unproven[0]

    def _hide_behind_hole(self) -> None:
        for index, ((pts_ns, duration_ns), (next_pts_ns, _)) in enumerate(pairwise(self._unproven), 1):
            if next_pts_ns - pts_ns > _GAP_IN_FRAMES * duration_ns:
                self.frame_count -= len(self._unproven) - index
                self._last_pts_ns, self._last_duration_ns = pts_ns, duration_ns
                return

    def _note_later(self, unit: AccessUnit) -> None:
        if self._next_pts_ns is None or unit.pts_ns < self._next_pts_ns:
            self._next_pts_ns = unit.pts_ns


def shown_units(units: Iterable[AccessUnit], start_ns: int, end_ns: int) -> list[AccessUnit]:
    """The frames that a file of this span shows, in presentation order; the units may break off. Linear.

    Raises FinishFailed.
    """
    cut = SpanCut(units, start_ns, end_ns, may_break_off=True)
    shown = [unit for unit in cut if start_ns <= unit.pts_ns < end_ns]
    return sorted((unit for unit in shown if unit.pts_ns <= cut.last_pts_ns), key=lambda unit: unit.pts_ns)


def _from_last_keyframe(lead: list[AccessUnit], first_ns: int) -> list[AccessUnit]:
    """`lead` from the latest keyframe from which the frame at `first_ns` can be decoded."""
    for index in range(len(lead) - 1, 0, -1):
        unit = lead[index]
        if unit.is_keyframe and unit.pts_ns <= first_ns:
            return lead[index:]
    return lead
