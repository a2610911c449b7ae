"""The ring buffer: a camera's most recent access units in whole GOPs, limited by seconds and by bytes.

Here: keeping, evicting and finding units. Not here: assigning times (`timeline`), using a span
(`clip_session`, `muxer`). Pure; has no lock: the owner takes one around every call. Lookups bisect on DTS,
which never decreases, and then check the few units that B-frames reorder. Results are references to
immutable units; no bytes are copied.

Relies on the guarantees of the timeline: DTS never decreases, PTS ≥ DTS, sequence numbers increase by one,
and no unit of a run is shown before that run's first keyframe. If damaged timestamps show a keyframe out of
order, a result may be off by one GOP, but it always begins with a keyframe and contains the unit.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from recorder.base.errors import BufferEmpty, SpanOutsideBuffer
from recorder.base.media_time import NS_PER_S
from recorder.base.settings import BufferSettings
from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch
from recorder.bitstream.audio_unit import AudioUnit
from recorder.buffer.pins import Gop, Pin, Pins
from recorder.buffer.shelf import Shelf

_EMPTY = "The camera has not sent a picture yet, so nothing is buffered."
_NO_FRAME = "No buffered frame lies between the start and the end asked for."
_FEW_UNITS, _BYTES_PER_UNIT = 4096, 1024


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open span of the ring: the units shown and those needed to decode them.

    `units` are in decode order, from the lead-in keyframe to the last unit shown. They include reference
    pictures outside [start_ns, end_ns), which the muxer hides. The bounds are those requested, clamped to
    the buffered frames.
    """

    units: tuple[AccessUnit, ...]
    start_ns: int
    end_ns: int

    @property
    def shown(self) -> tuple[AccessUnit, ...]:
        """The units with start_ns ≤ pts_ns < end_ns, in decode order. Linear."""
        return tuple(unit for unit in self.units if self.start_ns <= unit.pts_ns < self.end_ns)

    @property
    def frame_count(self) -> int:
        """How many frames are shown. Linear."""
        return sum(self.start_ns <= unit.pts_ns < self.end_ns for unit in self.units)

    @property
    def first_pts_ns(self) -> int:
        """PTS of the first shown frame. Linear."""
        return min(unit.pts_ns for unit in self.shown)

    @property
    def size_bytes(self) -> int:
        """Bytes of all units, lead-in included. Linear."""
        return sum(len(unit.data) for unit in self.units)

    @property
    def gaps(self) -> tuple[tuple[int, int], ...]:
        """Outages between shown runs, as (end of the last frame before, PTS of the first after)."""
        shown = sorted(self.shown, key=_pts)
        return tuple(
            (before.pts_ns + before.duration_ns, after.pts_ns)
            for before, after in pairwise(shown)
            if before.run != after.run and 2 * (after.pts_ns - before.pts_ns) > 3 * before.duration_ns
        )


class Recent(NamedTuple):
    """The newest seconds of the ring; times are None if it is empty."""

    frame_count: int
    duration_s: float
    oldest_pts_ns: int | None
    newest_pts_ns: int | None


class RingBuffer:
    """Recent units of one camera. Appends in amortised O(1), finds in O(log n)."""

    def __init__(self, limits: BufferSettings) -> None:
        self._limits = limits
        self._units: Shelf[AccessUnit] = Shelf(_NO_UNIT)
        self._gops: Shelf[Gop] = Shelf(Gop(_NO_UNIT, 0))
        self._newest: AccessUnit | None = None
        self._last_sequence = -1
        self._reorder_ns = 0
        self._held_bytes = 0
        self._pins = Pins()
        self.sound_bytes = 0
        """Bytes of the sound ring; they count towards the byte limit."""
        self.gops_evicted_by_bytes = 0
        self.gops_too_large = 0

    def append(self, unit: AccessUnit) -> None:
        """Append a unit and evict the oldest GOPs as needed.

        Ignores a unit without a preceding keyframe, as after dropping a GOP that was too large.
        """
        self._last_sequence = unit.sequence
        if unit.is_keyframe:
            self._gops.append(Gop(unit, self._units.end))
        elif not self._gops:
            return
        self._units.append(unit)
        gop = self._gops[self._gops.end - 1]
        size_bytes = len(unit.data)
        gop.size_bytes += size_bytes
        self._held_bytes += size_bytes
        if unit.pts_ns - unit.dts_ns > self._reorder_ns:
            self._reorder_ns = unit.pts_ns - unit.dts_ns
        if self._newest is None or unit.pts_ns >= self._newest.pts_ns:
            self._newest = unit
        self._keep_within_limits(self._newest)

    def set_limits(self, limits: BufferSettings) -> None:
        """Apply new limits, evict GOPs and let pins go as needed."""
        self._limits = limits
        self._pins.keep_within(limits.most_pinned_bytes)
        if self._newest is not None:
            self._keep_within_limits(self._newest)

    @property
    def limits(self) -> BufferSettings:
        return self._limits

    @property
    def held_frames(self) -> int:
        return len(self._units)

    @property
    def held_bytes(self) -> int:
        return self._held_bytes

    @property
    def pinned_bytes(self) -> int:
        """Bytes evicted but still pinned; they have a limit of their own."""
        return self._pins.kept_bytes

    @property
    def pins_let_go(self) -> int:
        """Pins given up because of that limit."""
        return self._pins.let_go

    @property
    def held_s(self) -> float:
        if self._newest is None:
            return 0.0
        return round((_end_ns(self._newest) - self._oldest_pts_ns()) / NS_PER_S, 6)

    @property
    def last_sequence(self) -> int:
        """Sequence of the newest unit ever appended; -1 before the first."""
        return self._last_sequence

    def newest(self) -> AccessUnit:
        """The unit with the largest PTS. Raises BufferEmpty."""
        if self._newest is None:
            raise BufferEmpty(_EMPTY)
        return self._newest

    def oldest(self) -> AccessUnit:
        """The keyframe that begins the ring. Raises BufferEmpty."""
        if not self._gops:
            raise BufferEmpty(_EMPTY)
        return self._gops[self._gops.first].keyframe

    def last(self) -> AccessUnit:
        """The unit appended last; later units have no smaller DTS. Raises BufferEmpty."""
        if not self._units:
            raise BufferEmpty(_EMPTY)
        return self._units[self._units.end - 1]

    def newest_gop(self) -> tuple[AccessUnit, ...]:
        """The units received so far of the newest GOP. Raises BufferEmpty."""
        if not self._gops:
            raise BufferEmpty(_EMPTY)
        return self._units.slice(self._gops[self._gops.end - 1].first, self._units.end)

    def recent(self, seconds: float) -> Recent:
        """The frames of the newest `seconds`: exactly seconds × rate once the ring is full."""
        newest = self._newest
        if newest is None:
            return Recent(0, 0.0, None, None)
        # Half a frame of tolerance: rounding to nanoseconds must not make the count flicker.
        wanted_ns = newest.pts_ns - round(seconds * NS_PER_S) + (newest.duration_ns + 1) // 2
        start_ns = max(wanted_ns, self._oldest_pts_ns())
        settled = self._first_dts(start_ns)
        reordered = self._units.slice(self._first_dts(start_ns - self._reorder_ns), settled)
        count = self._units.end - settled + sum(unit.pts_ns >= start_ns for unit in reordered)
        oldest = self._first_shown(start_ns)
        oldest_ns = newest.pts_ns if oldest is None else oldest.pts_ns
        duration_s = round((_end_ns(newest) - oldest_ns) / NS_PER_S, 6)
        return Recent(count, min(duration_s, float(seconds)), oldest_ns, newest.pts_ns)

    def span(self, start_ns: int, end_ns: int) -> Span:
        """The frames with start_ns ≤ PTS < end_ns and the units needed to decode them.

        Raises BufferEmpty, or SpanOutsideBuffer if the span holds no frame.
        """
        newest = self.newest()
        # Leading pictures of an open GOP, shown before the oldest keyframe, refer to an evicted GOP.
        first = self._first_shown(max(start_ns, self._oldest_pts_ns()))
        if first is None or first.pts_ns >= end_ns:
            raise SpanOutsideBuffer(_NO_FRAME, "start" if first is None else "end")
        lead_in = self._lead_in(self._units.bisect_left(first.sequence, _sequence))
        last = self._first_dts(end_ns) - 1
        while self._units[last].pts_ns >= end_ns:
            last -= 1
        if start_ns < self._oldest_pts_ns():
            start_ns = first.pts_ns
        return Span(self._units.slice(lead_in, last + 1), start_ns, min(end_ns, _end_ns(newest)))

    def after(self, sequence: int) -> tuple[AccessUnit, ...]:
        """The held units with a larger sequence, in decode order."""
        return self._units.slice(self._units.bisect_right(sequence, _sequence), self._units.end)

    def lost_after(self, sequence: int) -> int:
        """How many later units were appended and are no longer held."""
        held = self._units.end - self._units.bisect_right(sequence, _sequence)
        return max(0, self._last_sequence - sequence - held)

    def frame_at(self, ns: int) -> AccessUnit:
        """The unit shown at `ns`: the largest PTS ≤ ns, or the oldest keyframe. Raises BufferEmpty."""
        return self._units[self._position_at(ns)]

    def gop_of(self, pts_ns: int) -> tuple[AccessUnit, ...]:
        """The units needed to decode the frame shown at `pts_ns`, ending with that frame's unit."""
        position = self._position_at(pts_ns)
        return self._units.slice(self._lead_in(position), position + 1)

    def keyframes(self, start_ns: int, end_ns: int) -> tuple[AccessUnit, ...]:
        """The held keyframes with start_ns ≤ PTS < end_ns."""
        first, last = (self._gops.bisect_left(ns, _keyframe_pts) for ns in (start_ns, end_ns))
        return tuple(gop.keyframe for gop in self._gops.slice(first, last))

    def pin(self, span: Span, owner: str = "", sound: tuple[AudioUnit, ...] = ()) -> Pin:
        """Keep a span and its sound until `unpin`, even after their eviction; never at the ring's cost.

        Pins that keep too much are let go, those of the greediest owner first. Raises Busy.
        """
        end = self._gops.bisect_right(span.units[-1].sequence, _keyframe_sequence)
        first = self._gops.bisect_right(span.units[0].sequence, _keyframe_sequence) - 1
        gops = self._gops.slice(max(first, self._gops.first), end)
        loose_bytes = self._loose_bytes(span) + sum(len(unit.data) for unit in sound)
        pin = Pin(owner, gops, loose_bytes, span.units, sound)
        self._pins.add(pin, self._limits.most_pinned_bytes)
        return pin

    def unpin(self, pin: Pin) -> None:
        """Release a pinned span. Idempotent."""
        self._pins.remove(pin)

    def _loose_bytes(self, span: Span) -> int:
        """Bytes of a span's evicted units. Linear only if there are any."""
        if self._units and span.units[0].sequence >= self._units[self._units.first].sequence:
            return 0
        held_from = self._units[self._units.first].sequence if self._units else self._last_sequence + 1
        return sum(len(unit.data) for unit in span.units if unit.sequence < held_from)

    def _keep_within_limits(self, newest: AccessUnit) -> None:
        full_from_ns = _end_ns(newest) - round(self._limits.seconds * NS_PER_S)
        while len(self._gops) > 1 and self._gops[self._gops.first + 1].keyframe.pts_ns <= full_from_ns:
            self._evict_oldest()
        if not self._is_too_much(self._counted_bytes()):
            return
        self._evict_by_bytes()
        if self._is_too_much(self._held_bytes):
            self._evict_oldest()
            self._newest = None
            self.gops_too_large += 1

    def _evict_by_bytes(self) -> None:
        while self._is_too_much(self._counted_bytes()) and len(self._gops) > 1:
            self._evict_oldest()
            self.gops_evicted_by_bytes += 1

    def _counted_bytes(self) -> int:
        return self._held_bytes + self.sound_bytes

    def _is_too_much(self, size_bytes: int) -> bool:
        # A unit costs some 400 bytes beyond its data: a camera that sends tiny units with a stopped clock
        # would otherwise use a hundred times its limit.
        most_bytes = self._limits.max_bytes
        return size_bytes > most_bytes or len(self._units) > max(_FEW_UNITS, most_bytes // _BYTES_PER_UNIT)

    def _evict_oldest(self) -> None:
        gop = self._gops[self._gops.first]
        self._gops.drop_before(self._gops.first + 1)
        self._units.drop_before(self._gops[self._gops.first].first if self._gops else self._units.end)
        self._held_bytes -= gop.size_bytes
        self._pins.evicted(gop, self._limits.most_pinned_bytes)

    def _oldest_pts_ns(self) -> int:
        return self._gops[self._gops.first].keyframe.pts_ns

    def _first_dts(self, ns: int) -> int:
        """Position of the first unit with DTS ≥ ns; every PTS from there on is also ≥ ns."""
        return self._units.bisect_left(ns, _dts)

    def _lead_in(self, position: int) -> int:
        """Position of the keyframe from which the unit at `position` can be decoded."""
        gop = self._gop_at(self._units[position].pts_ns)
        # With damaged times a unit may be shown after the next keyframe; decoding still begins before the
        # unit.
        while gop > self._gops.first and self._gops[gop].first > position:
            gop -= 1
        return self._gops[gop].first

    def _gop_at(self, pts_ns: int) -> int:
        """Position of the last GOP whose keyframe is shown at or before `pts_ns`, else of the oldest."""
        return max(self._gops.first, self._gops.bisect_right(pts_ns, _keyframe_pts) - 1)

    def _first_shown(self, ns: int) -> AccessUnit | None:
        """The unit with the smallest PTS ≥ ns."""
        best: AccessUnit | None = None
        for position in range(self._first_dts(ns - self._reorder_ns), self._units.end):
            unit = self._units[position]
            if best is not None and unit.dts_ns >= best.pts_ns:
                break
            if unit.pts_ns >= ns and (best is None or unit.pts_ns < best.pts_ns):
                best = unit
        return best

    def _position_at(self, ns: int) -> int:
        """Position of the unit with the largest PTS ≤ ns, else of the oldest keyframe."""
        if self._newest is None:
            raise BufferEmpty(_EMPTY)
        best, best_pts_ns = self._units.first, self._oldest_pts_ns()
        for position in range(self._units.bisect_right(ns, _dts) - 1, self._units.first, -1):
            unit = self._units[position]
            if unit.dts_ns + self._reorder_ns < best_pts_ns:
                break
            if best_pts_ns < unit.pts_ns <= ns:
                best, best_pts_ns = position, unit.pts_ns
        return best


_NO_UNIT = AccessUnit(-1, -1, Epoch(Codec.MJPEG, 0, 0, b""), False, 0, 0, 1, b"")


def _pts(unit: AccessUnit) -> int:
    return unit.pts_ns


def _dts(unit: AccessUnit) -> int:
    return unit.dts_ns


def _sequence(unit: AccessUnit) -> int:
    return unit.sequence


def _keyframe_sequence(gop: Gop) -> int:
    return gop.keyframe.sequence


def _keyframe_pts(gop: Gop) -> int:
    return gop.keyframe.pts_ns


def _end_ns(unit: AccessUnit) -> int:
    return unit.pts_ns + unit.duration_ns
