"""Holds the sound of the same seconds as the picture ring, frame by frame.

Here: keeping, evicting and finding. The picture ring determines the oldest frame. The bytes count towards
that ring's limit, and sound may use at most an eighth of it. Pure; has no lock: the owner takes one around
every call (`LockedSound`).
"""

from recorder.bitstream.access_unit import AccessUnit
from recorder.bitstream.audio_unit import AudioFormat, AudioUnit
from recorder.buffer.shelf import Shelf

LEAD_NS = 500_000_000
"""Sound kept before the oldest picture: a cut needs a lead-in for the decoder."""
_SHARE = 8


class SoundRing:
    """Recent sound of one camera. Appends in amortised O(1), finds in O(log n)."""

    def __init__(self) -> None:
        self._units: Shelf[AudioUnit] = Shelf(_NO_SOUND)
        self.held_bytes = 0

    def append(self, unit: AudioUnit) -> None:
        """Append a frame; its PTS must not be less than the last one's."""
        self._units.append(unit)
        self.held_bytes += len(unit.data)

    def trim(self, oldest: AccessUnit, max_bytes: int) -> None:
        """Evict frames before the oldest picture, and those that exceed the share of `max_bytes`."""
        from_ns = oldest.pts_ns - LEAD_NS
        while self._units and (
            self._units[self._units.first].pts_ns < from_ns or self.held_bytes * _SHARE > max_bytes
        ):
            self.held_bytes -= len(self._units[self._units.first].data)
            self._units.drop_before(self._units.first + 1)

    @property
    def format(self) -> AudioFormat | None:
        """Format of the newest frame; None without sound."""
        return self._units[self._units.end - 1].format if self._units else None

    @property
    def newest_end_ns(self) -> int | None:
        """End of the newest frame; None without sound."""
        return self._units[self._units.end - 1].end_ns if self._units else None

    def after(self, sequence: int) -> tuple[AudioUnit, ...]:
        """The held frames with a larger sequence."""
        return self._units.slice(self._units.bisect_right(sequence, _sequence), self._units.end)

    def span(self, start_ns: int, end_ns: int) -> tuple[AudioUnit, ...]:
        """The frames that begin before `end_ns` and at most LEAD_NS before `start_ns`."""
        first = self._units.bisect_left(start_ns - LEAD_NS, _pts)
        return self._units.slice(first, max(first, self._units.bisect_left(end_ns, _pts)))


def _sequence(unit: AudioUnit) -> int:
    return unit.sequence


def _pts(unit: AudioUnit) -> int:
    return unit.pts_ns


_NO_SOUND = AudioUnit(-1, AudioFormat(48_000, 1, b""), 0, b"")
