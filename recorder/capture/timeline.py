"""Maps a camera's DTS and PTS to the host's monotonic clock and decides where a run ends.

Here: placing units in time, in order, run by run. Not here: labels (`clock`), missing timestamps
(`decode_order`), reconnecting (`background_stream`). Pure: arrival times come with the units. Used by
the capture thread alone.

The map of a run is an offset added to the camera's own time. The network can only delay a unit, so
the offset follows the *lowest* arrival − DTS of the last half minute. It slews by at most 500 ppm,
and only once it is clearly wrong; in between, frame distances are exactly the camera's own.
"""

from collections import deque
from fractions import Fraction
from statistics import median_low

from recorder.base.media_time import NS_PER_S, to_ns
from recorder.bitstream.access_unit import AccessUnit, Epoch, SourceUnit
from recorder.bitstream.audio_unit import AudioUnit, SourceAudio
from recorder.capture.decode_order import DecodeOrder, Stamped

JUMP_NS = NS_PER_S
"""A DTS step larger than this (plus one frame) ends the run."""
SETTLE_NS = NS_PER_S // 2
"""How long the first units of a run are held: a demuxer delivers the units it read while probing in one
burst, and only later units show the true network delay."""
SETTLE_LIMIT_NS = 2 * NS_PER_S
"""Longest hold while the delay still decreases, as on a machine that is busy starting. Settling during the
decrease would put labels in the future until slewing corrects them minutes later."""
LOST_TRACK_NS = NS_PER_S
"""A larger error of the map begins a new run: slewing would take most of an hour."""
FUTURE_NS = 5 * NS_PER_S
"""Pictures this far ahead of their arrival end the run even without a keyframe: until real time caught up,
no later unit could be kept."""

_STEADY_NS = NS_PER_S // 4
_SLEW_DIVISOR = 2000  # 500 ppm
_SLEW_FROM_NS = 40_000_000
_SLEW_UNTIL_NS = 5_000_000
_BUCKET_NS = 30 * NS_PER_S
_OVERLAP_NS = NS_PER_S // 2
_MOST_HELD = 1024
_MOST_REORDERED = 16  # max_num_reorder_frames of H.264 and H.265
_STEPS_REMEMBERED = 7
_MOST_SOUND_HELD = 2048
_SOUND_ASTRAY_NS = 10 * NS_PER_S
_SOUND_AHEAD_NS = 2 * NS_PER_S
"""Sound that leaps further ahead of its pictures follows a clock step, which the pictures will show too."""
_DEFAULT_STEP_NS = NS_PER_S // 30


class Timeline:
    """Places the units of one camera in time, across all its connections.

    DTS never decreases; PTS ≥ DTS. A run begins with a keyframe, after all frames of the previous run,
    and shows no frame before that keyframe.
    """

    def __init__(self) -> None:
        self.run = 0
        self.discontinuities = 0
        self.units_before_keyframe = 0
        """Units dropped because no keyframe precedes them."""
        self.sound_dropped = 0
        """Sound frames dropped because their times match no picture."""
        self._sound_sequence = 0
        self._last_sound_ns: int | None = None
        self._sequence = 0
        self._last: AccessUnit | None = None
        self._shown_until_ns = 0
        self._steps_ns: deque[int] = deque(maxlen=_STEPS_REMEMBERED)
        self._usual_step_ns: int | None = None
        """Median of the last steps."""
        self._held: list[SourceUnit] = []
        self._held_sound: list[SourceAudio] = []
        self._reset()

    def begin_run(self) -> list[AccessUnit]:
        """Begin a new connection. Returns the units still held from the previous one."""
        flushed = self.flush()
        if self._previous is not None:
            self.run += 1
        self._reset()
        return flushed

    def place(self, unit: SourceUnit) -> list[AccessUnit]:
        """Place a unit. Returns the units that are ready: none while the run settles, then all at once."""
        placed: list[AccessUnit] = []
        dts_step_ns = self._dts_step_ns(unit)
        ends_run = self._ends_run(unit, dts_step_ns)
        # Even if it ends the run: the frame rate of a camera with one frame in two seconds must be learnt.
        self._note_step(dts_step_ns)
        if ends_run:
            placed = self.begin_run()
            self.discontinuities += 1
        self._remember(unit)
        if self._settled:
            stamped = self._order.stamp(unit, self._step_ns(unit) if unit.dts is None else 0)
            self._observe(stamped)
            return self._place_stamped(stamped)
        self._held.append(unit)
        if self._may_settle() or len(self._held) == _MOST_HELD:
            placed += self.flush()
        return placed

    def _may_settle(self) -> bool:
        """Whether the held units suffice: after half a second, unless their delay still decreases."""
        newest_ns = self._held[-1].arrival_ns
        held_ns = newest_ns - self._held[0].arrival_ns
        if held_ns < SETTLE_NS:
            return False
        before_ns: list[int] = []
        recent_ns: list[int] = []
        for unit in self._held:
            stamp = unit.pts if unit.dts is None else unit.dts
            if stamp is not None:  # the first RTSP packet may have none
                part = recent_ns if newest_ns - unit.arrival_ns < _STEADY_NS else before_ns
                part.append(unit.arrival_ns - to_ns(stamp, unit.time_base))
        is_falling = before_ns and recent_ns and min(recent_ns) < min(before_ns) - _SLEW_UNTIL_NS
        return not is_falling or held_ns >= SETTLE_LIMIT_NS

    def flush(self) -> list[AccessUnit]:
        """Settle with the units received so far, because the connection has ended."""
        if not self._held:
            return []
        held, self._held = self._held, []
        stamped = self._order.begin(held, self._step_ns(held[0]))
        for unit in stamped:
            self._observe(unit)
        # A reference frame is sent before the B-frames shown before it. Without this correction it would be
        # labelled later than it arrived.
        ahead_ns = max(unit.pts_ns - unit.dts_ns for unit in stamped)
        self._ahead_ns = ahead_ns if ahead_ns <= JUMP_NS else 0
        self._offset_ns = self._envelope.lowest_ns - self._ahead_ns
        self._settled = True
        return [placed for unit in stamped for placed in self._place_stamped(unit)]

    def _reset(self) -> None:
        """Reset the state of a run."""
        self._held_sound = []
        self._order = DecodeOrder()
        self._envelope = _Envelope()
        self._held = []
        self._settled = False
        self._ahead_ns = 0
        self._offset_ns = 0
        self._slewing = False
        self._slewed_to_ns: int | None = None
        self._first: AccessUnit | None = None
        self._in_first_gop = True
        self._epoch: Epoch | None = None
        self._previous: SourceUnit | None = None
        self._previous_dts: int | None = None
        self._previous_pts: int | None = None
        self._since_dts = 0

    def place_sound(self, frame: SourceAudio) -> list[AudioUnit]:
        """Place a sound frame by the map of the pictures, which share its clock.

        Returns the frames that are ready: none before the first picture of the run.
        """
        self._held_sound.append(frame)
        if self._first is None:
            if len(self._held_sound) > _MOST_SOUND_HELD:
                del self._held_sound[0]
                self.sound_dropped += 1
            return []
        held, self._held_sound = self._held_sound, []
        return [unit for frame in held for unit in self._placed_sound(frame)]

    def _placed_sound(self, frame: SourceAudio) -> list[AudioUnit]:
        pts_ns = to_ns(frame.pts, frame.time_base) + self._offset_ns
        newest_ns = pts_ns if self._last is None else self._last.dts_ns
        last_ns = pts_ns if self._last_sound_ns is None else self._last_sound_ns
        # Sound that continues while the pictures pause has not leapt.
        leapt = min(pts_ns - newest_ns, pts_ns - last_ns) > _SOUND_AHEAD_NS
        astray = abs(pts_ns - newest_ns) > _SOUND_ASTRAY_NS or leapt
        if astray or (self._last_sound_ns is not None and pts_ns <= self._last_sound_ns):
            self.sound_dropped += 1
            return []
        unit = AudioUnit(self._sound_sequence, frame.format, pts_ns, frame.data)
        self._sound_sequence += 1
        self._last_sound_ns = pts_ns
        return [unit]

    def _ends_run(self, unit: SourceUnit, dts_step_ns: int) -> bool:
        previous = self._previous
        if previous is None:
            return False
        if _differ(unit.time_base, previous.time_base) or self._lost_track(unit):
            return True
        if unit.dts is not None:
            delta_ns = dts_step_ns * (self._since_dts + 1)
            if 0 <= delta_ns <= JUMP_NS:
                return False
            return delta_ns < 0 or delta_ns > JUMP_NS + (self._since_dts + 1) * self._step_ns(unit)
        if unit.pts is None or self._previous_pts is None or self._previous_dts is not None:
            return False
        # Without any DTS only PTS remains, which legitimately moves back and forth.
        delta_ns = to_ns(unit.pts - self._previous_pts, unit.time_base)
        return abs(delta_ns) > JUMP_NS + _MOST_REORDERED * self._step_ns(unit)

    def _lost_track(self, unit: SourceUnit) -> bool:
        """Whether the map is too wrong to slew; checked at keyframes, where a new run loses no unit."""
        error_ns = self._error_ns() if self._settled else 0
        return (unit.is_keyframe and abs(error_ns) > LOST_TRACK_NS) or error_ns < -FUTURE_NS

    def _dts_step_ns(self, unit: SourceUnit) -> int:
        """DTS difference to the last unit that had a DTS, per unit; 0 if unknown."""
        if self._previous is None or _differ(unit.time_base, self._previous.time_base):
            return 0
        if unit.dts is None or self._previous_dts is None:
            return 0
        return to_ns(unit.dts - self._previous_dts, unit.time_base) // (self._since_dts + 1)

    def _remember(self, unit: SourceUnit) -> None:
        """Remember the timestamps that the next unit is compared with."""
        self._previous = unit
        self._since_dts += 1
        if unit.pts is not None:
            self._previous_pts = unit.pts
        if unit.dts is not None:
            self._previous_dts, self._since_dts = unit.dts, 0

    def _note_step(self, step_ns: int) -> None:
        if step_ns <= 0:
            return
        steps_ns = self._steps_ns
        # Replacing a step by an equal one leaves the median unchanged, which is nearly always the case.
        is_one_more = len(steps_ns) == _STEPS_REMEMBERED and steps_ns[0] == step_ns
        steps_ns.append(step_ns)
        if not is_one_more:
            self._usual_step_ns = median_low(steps_ns)

    def _step_ns(self, unit: SourceUnit) -> int:
        """The nominal frame duration: the camera's own value unless its timestamps contradict it."""
        declared_ns = to_ns(unit.duration, unit.time_base)
        usual_ns = self._usual_step_ns
        if usual_ns is None:
            return declared_ns if declared_ns > 0 else _DEFAULT_STEP_NS
        return declared_ns if 3 * usual_ns < 4 * declared_ns < 5 * usual_ns else usual_ns

    def _observe(self, unit: Stamped) -> None:
        self._envelope.add(unit.source.arrival_ns, unit.source.arrival_ns - unit.dts_ns)

    def _place_stamped(self, unit: Stamped) -> list[AccessUnit]:
        self._slew(unit)
        if not self._may_follow(unit):
            self.units_before_keyframe += 1
            return []
        if unit.source.is_keyframe or self._epoch is None:
            # Parameter sets that change between keyframes take effect at the next keyframe.
            self._epoch = unit.source.epoch
        dts_ns = unit.dts_ns + self._offset_ns
        if self._last is not None:
            dts_ns = max(dts_ns, self._last.dts_ns)
        placed = AccessUnit(
            sequence=self._sequence,
            run=self.run,
            epoch=self._epoch,
            is_keyframe=unit.source.is_keyframe,
            pts_ns=max(unit.pts_ns + self._offset_ns, dts_ns),
            dts_ns=dts_ns,
            duration_ns=self._step_ns(unit.source),
            data=unit.source.data,
        )
        end_ns = placed.pts_ns + placed.duration_ns
        self._shown_until_ns = end_ns if self._last is None else max(end_ns, self._shown_until_ns)
        self._sequence += 1
        self._last = placed
        self._first = self._first or placed
        return [placed]

    def _may_follow(self, unit: Stamped) -> bool:
        """Whether a decoder that has received the run so far can decode this unit."""
        if self._first is not None:
            self._in_first_gop = self._in_first_gop and not unit.source.is_keyframe
            # Leading pictures of an open GOP refer to a picture from before the run.
            return not self._in_first_gop or unit.pts_ns + self._offset_ns >= self._first.pts_ns
        if not unit.source.is_keyframe:
            return False
        overlap_ns = 0
        if self._last is not None:
            dts_overlap_ns = self._last.dts_ns + 1 - unit.dts_ns
            overlap_ns = max(dts_overlap_ns, self._shown_until_ns - unit.pts_ns) - self._offset_ns
        # Some servers resend their newest GOP on connection; units already kept are not duplicated.
        if overlap_ns > _OVERLAP_NS:
            return False
        self._offset_ns += max(0, overlap_ns)
        return True

    def _error_ns(self) -> int:
        return self._envelope.lowest_ns - self._ahead_ns - self._offset_ns

    def _slew(self, unit: Stamped) -> None:
        """Move the offset towards the envelope, at most 500 ppm of the time since the last unit."""
        elapsed_ns = 0 if self._slewed_to_ns is None else unit.dts_ns - self._slewed_to_ns
        self._slewed_to_ns = unit.dts_ns
        if unit.source.dts is None:
            self._note_step(elapsed_ns)
        error_ns = self._error_ns()
        self._slewing = abs(error_ns) > (_SLEW_UNTIL_NS if self._slewing else _SLEW_FROM_NS)
        if self._slewing:
            most_ns = elapsed_ns // _SLEW_DIVISOR
            self._offset_ns += max(-most_ns, min(most_ns, error_ns))


def _differ(one: Fraction, other: Fraction) -> bool:
    # A stream passes the same fraction object with every unit, and comparing two takes a microsecond.
    return one is not other and one != other


class _Envelope:
    """The lowest value of the last 30 to 60 seconds, kept in two numbers."""

    def __init__(self) -> None:
        self._since_ns: int | None = None
        self._older_ns: int | None = None
        self.lowest_ns = 0
        self._newer_ns = 0

    def add(self, arrival_ns: int, value_ns: int) -> None:
        if self._since_ns is None:
            self._since_ns, self._newer_ns = arrival_ns, value_ns
        elif arrival_ns - self._since_ns >= _BUCKET_NS:
            self._since_ns, self._older_ns, self._newer_ns = arrival_ns, self._newer_ns, value_ns
        self._newer_ns = min(self._newer_ns, value_ns)
        self.lowest_ns = self._newer_ns if self._older_ns is None else min(self._older_ns, self._newer_ns)
