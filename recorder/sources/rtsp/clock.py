"""Aligns the clocks of sound and pictures of an RTSP connection.

With two streams FFmpeg maps both clocks onto the camera's sender reports (RTCP, RFC 3550, 6.4.1). That
synchronises sound and pictures, but an inaccurate report, or one that follows a step of the camera's wall
clock, also moves the *pictures*. `VideoStepFilter` removes such steps from the video's times and shifts the
sound by the same amount. `SoundAlignment` estimates the sound's offset until the reports have arrived.
Pure.
"""

from collections import deque
from fractions import Fraction

from recorder.base.media_time import NS_PER_S

HOLD_NS = 4 * NS_PER_S
"""How long sound waits for the camera's reports before it is aligned by arrival times."""
_LOCKED_AFTER = 12
"""Consecutive pictures on one grid before a picture off the grid counts as a clock step."""
_MOST_STEPS = 4
"""More recent steps than this mean that the grid is unreliable."""
_JUMP_S = Fraction(1, 2)
_WINDOW_NS = 30 * NS_PER_S
_CHAIN = 8
"""Packets whose distances determine the usual packet duration."""


class VideoStepFilter:
    """Detects steps that sender reports cause in the pictures' times, in ticks of their time base.

    At a constant rate, pictures lie on a grid of whole ticks that only a report can move. Without a grid (a
    varying rate) only jumps that do not match the arrival times are removed.
    """

    def __init__(self, time_base: Fraction) -> None:
        self.shift = 0
        """Correction to add to the times of pictures and sound."""
        self._time_base = time_base
        self._last: tuple[int, int] | None = None
        self._steps: deque[int] = deque(maxlen=_LOCKED_AFTER)
        self._recent_corrections = 0
        self._grid: int | None = None

    def note(self, pts: int, arrival_ns: int) -> int:
        """Take a picture's PTS, in order of arrival; return the shift that applies from it on."""
        last, self._last = self._last, (pts, arrival_ns)
        if last is None:
            return self.shift
        step, passed_ns = pts - last[0], arrival_ns - last[1]
        if self._is_jump(step, passed_ns):
            self.shift -= step - (self._grid or 0)
            self._forget_grid()
        elif self._grid is not None:
            self._keep_to_grid(step)
        self._steps.append(step)
        if self._grid is None:
            self._grid = self._found_grid()
        return self.shift

    def _is_jump(self, step: int, passed_ns: int) -> bool:
        """Whether the picture's time jumped while the arrival time did not."""
        step_s, passed_s = step * self._time_base, Fraction(passed_ns, NS_PER_S)
        return abs(step_s) > _JUMP_S and abs(step_s - passed_s) > _JUMP_S

    def _keep_to_grid(self, step: int) -> None:
        grid = self._grid or 1
        error = (step + grid // 2) % grid - grid // 2
        if not error:
            self._recent_corrections = max(0, self._recent_corrections - 1)
            return
        self._recent_corrections += _LOCKED_AFTER
        if self._recent_corrections > _MOST_STEPS * _LOCKED_AFTER:
            self._forget_grid()
            return
        self.shift -= error

    def _found_grid(self) -> int | None:
        """The smallest step, if all recent steps are multiples of it (B-frames make steps negative)."""
        if len(self._steps) < _LOCKED_AFTER:
            return None
        smallest = min((abs(step) for step in self._steps if step), default=0)
        # A grid finer than 5 ms is useless: every time would lie on it.
        if smallest * self._time_base < Fraction(1, 200):
            return None
        return smallest if all(step % smallest == 0 for step in self._steps) else None

    def _forget_grid(self) -> None:
        self._grid = None
        self._steps.clear()
        self._recent_corrections = 0


class EarliestArrival:
    """The smallest arrival − PTS of the last 30 to 60 seconds: that of the least delayed packet."""

    def __init__(self) -> None:
        self._older_ns: int | None = None
        self._newer_ns: int | None = None
        self._since_ns = 0

    def note(self, pts_ns: int, arrival_ns: int) -> None:
        """Take the arrival of a packet with time `pts_ns`."""
        value_ns = arrival_ns - pts_ns
        if self._newer_ns is None or arrival_ns - self._since_ns >= _WINDOW_NS:
            self._older_ns, self._newer_ns, self._since_ns = self._newer_ns, value_ns, arrival_ns
        self._newer_ns = min(self._newer_ns, value_ns)

    def move(self, by_ns: int) -> None:
        """Note that the clock of the packets was stepped ahead by `by_ns`."""
        self._newer_ns = None if self._newer_ns is None else self._newer_ns - by_ns
        self._older_ns = None if self._older_ns is None else self._older_ns - by_ns

    @property
    def zero_ns(self) -> int | None:
        """The arrival time of a packet with time 0; None before the first packet."""
        if self._newer_ns is None or self._older_ns is None:
            return self._newer_ns
        return min(self._older_ns, self._newer_ns)


class FirstReport:
    """Measures how far the first sender report moves the clock of the sound.

    Before it, FFmpeg counts each stream from its own start; after it, the sound is on the clock of the
    pictures, and earlier sound must be moved as well. Sound packets are contiguous, so the excess of a step
    over the usual one is the move.
    """

    def __init__(self) -> None:
        self._last_ns: int | None = None
        self._steps_ns: deque[int] = deque(maxlen=_CHAIN)
        self._reported = False

    def note(self, pts_ns: int, *, reported: bool) -> int:
        """How far this packet's clock is ahead of the previous one's; nonzero at most once."""
        last_ns, self._last_ns = self._last_ns, pts_ns
        first, self._reported = reported and not self._reported, self._reported or reported
        if last_ns is None:
            return 0
        step_ns = pts_ns - last_ns
        if first and self._steps_ns:
            # The smallest step: a longer one contains lost packets.
            return step_ns - min(self._steps_ns)
        if step_ns > 0:
            self._steps_ns.append(step_ns)
        return 0


class SoundAlignment:
    """The offset between the clocks of sound and pictures, as FFmpeg reports them."""

    def __init__(self) -> None:
        self.video = EarliestArrival()
        self.sound = EarliestArrival()
        self._first_ns: int | None = None
        self._by_arrival_ns: int | None = None

    def move_sound(self, by_ns: int) -> None:
        """Note that the sound's clock was stepped ahead by `by_ns`; the aligned sound does not move."""
        self.sound.move(by_ns)
        if self._by_arrival_ns is not None:
            self._by_arrival_ns -= by_ns

    def offset_ns(self, *, reported: bool, now_ns: int) -> int | None:
        """The offset to add to the sound's times; None while waiting for the camera's reports.

        `reported`: both streams have had a report, so FFmpeg has put them on one clock.
        """
        if reported:
            return 0
        if self._first_ns is None:
            self._first_ns = now_ns
        video_ns, sound_ns = self.video.zero_ns, self.sound.zero_ns
        if video_ns is None or sound_ns is None or now_ns - self._first_ns < HOLD_NS:
            return None
        if self._by_arrival_ns is None:
            self._by_arrival_ns = sound_ns - video_ns
        return self._by_arrival_ns
