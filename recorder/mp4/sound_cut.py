"""Which frames of sound a file of a span holds, and when each is heard.

Here: laying frames of one format along the clip in samples, so that they fit the pictures in every player.
Some players go by the times of frames, others (Chromium) play them one behind the other whatever their times
say. So both must agree: where sound is missing, silent frames stand in; where there is too much, frames
go. Not here: which pictures are shown (`span_cut`), writing (`muxer`). Pure.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import length_hint

from recorder.base.media_time import NS_PER_S
from recorder.bitstream.aac import silence
from recorder.bitstream.audio_unit import FRAME_SAMPLES, AudioFormat, AudioUnit

_NEAR_NS = 2_000_000
"""A hole this close to a whole number of frames is lost frames, not a trembling clock."""
_FAR_NS = 40_000_000
"""A hole of another size counts from here on."""
_DRIFT_NS = 15_000_000
"""From here on (or five eighths of a frame) one that lasts is no trembling."""
_LASTS_FRAMES = 12
_JITTER_NS = 15_000_000
"""Times are followed at once beyond this, a sample per frame below."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A frame as it is written: its time in samples of the format, 0 being the first picture shown."""

    data: bytes
    pts: int


class SoundCut:
    """The sound of a clip, in order; asked for piece by piece as its pictures are written.

    Frames before the first picture are hidden by the file's edit list; one or two of them are needed, because
    a decoder begins on the frame before. The sound begins with the clip: silence leads up to a later one.
    Frames of another format than the first one's are left out; a track has one format.
    """

    def __init__(self, units: Iterable[AudioUnit], start_ns: int, end_ns: int) -> None:
        self.most_pieces = length_hint(units)
        """An upper bound of the pieces to come, silence included, where `units` tells one (`Sound`)."""
        self.end = 0
        """Where the last piece taken ends, in samples."""
        self._start_ns = start_ns
        self._units = iter(units)
        self._next = self._following(None)
        if self._next is not None and self._next.pts_ns >= end_ns:
            self._next = None
        self.format: AudioFormat | None = None if self._next is None else self._next.format
        """None: there is no sound in the span."""
        self._played: int | None = None
        self._last: int | None = None
        self._drifting = 0
        """Frames in a row that were too late (or, negative, too early) by more than _DRIFT_NS."""

    def before(self, ns: int) -> Iterator[Piece]:
        """The pieces of frames that begin before `ns`, and not taken yet.

        The units may end for now and go on later, as those of a recording under way do.
        """
        if self._next is None:
            self._next = self._following(self.format)
        while self._next is not None and self._next.pts_ns < ns:
            unit, self._next = self._next, self._following(self.format)
            yield from self._laid(unit)

    def _following(self, audio_format: AudioFormat | None) -> AudioUnit | None:
        for unit in self._units:
            late = unit.pts_ns + 2 * unit.format.frame_ns <= self._start_ns
            if not late and audio_format in (None, unit.format):
                return unit
        return None

    def _laid(self, unit: AudioUnit) -> Iterator[Piece]:
        true = self._samples(unit.format, unit.pts_ns - self._start_ns)
        if self._played is None:
            missing = max(0, -(-true // FRAME_SAMPLES))
            self._played = self.end = true - missing * FRAME_SAMPLES
        else:
            missing = self._missing(unit.format, true - self._played)
        if missing < 0:
            return
        for _ in range(missing):
            yield self._piece(silence(unit.format), self.end)
        follows = true if missing else self._followed(unit.format, true)
        yield self._piece(unit.data, follows if self._last is None else max(follows, self._last + 1))

    def _missing(self, audio_format: AudioFormat, error: int) -> int:
        """Frames of silence to put in; negative where this frame is one too many."""
        frames = round(error / FRAME_SAMPLES)
        rest = abs(error - frames * FRAME_SAMPLES)
        far = abs(error) > self._samples(audio_format, _FAR_NS)
        if far or rest <= self._samples(audio_format, _NEAR_NS):
            self._drifting = 0
            return frames
        return self._drifted(error, max(self._samples(audio_format, _DRIFT_NS), FRAME_SAMPLES * 5 // 8))

    def _drifted(self, error: int, much: int) -> int:
        """One frame in or out once the sound has been off by `much` for a while."""
        if abs(error) <= much:
            self._drifting = 0
            return 0
        side = 1 if error > 0 else -1
        self._drifting = (self._drifting if self._drifting * side > 0 else 0) + side
        if abs(self._drifting) < _LASTS_FRAMES:
            return 0
        self._drifting = 0
        return side

    def _followed(self, audio_format: AudioFormat, true: int) -> int:
        error = true - self.end
        if abs(error) > self._samples(audio_format, _JITTER_NS):
            return true
        return self.end + max(-1, min(1, error))

    def _piece(self, data: bytes, pts: int) -> Piece:
        self._last, self.end = pts, pts + FRAME_SAMPLES
        self._played = (self._played or 0) + FRAME_SAMPLES
        return Piece(data, pts)

    @staticmethod
    def _samples(audio_format: AudioFormat, ns: int) -> int:
        return (2 * ns * audio_format.sample_rate_hz + NS_PER_S) // (2 * NS_PER_S)


class CopiedSound:
    """The frames of a finished clip, laid already: to be copied as they are. Asked like `SoundCut`."""

    def __init__(self, audio_format: AudioFormat, pieces: Iterator[Piece], most_pieces: int) -> None:
        self.format = audio_format
        self.most_pieces = most_pieces
        self._pieces = pieces
        self._next = next(pieces, None)

    def before(self, ns: int) -> Iterator[Piece]:
        """The pieces that begin before `ns`, and not taken yet."""
        while self._next is not None and self._next.pts * NS_PER_S < ns * self.format.sample_rate_hz:
            yield self._next
            self._next = next(self._pieces, None)


class Sound:
    """Frames at hand, with a length hint that counts the silence a cut from `start_ns` on may need."""

    def __init__(self, units: Sequence[AudioUnit], start_ns: int) -> None:
        self._units = units
        self._start_ns = start_ns

    def __iter__(self) -> Iterator[AudioUnit]:
        return iter(self._units)

    def __length_hint__(self) -> int:
        if not self._units:
            return 0
        first = self._units[0]
        return most_pieces(first, self._units[-1].end_ns, self._start_ns)


def most_pieces(first: AudioUnit, end_ns: int, start_ns: int) -> int:
    """How many pieces a file may need whose sound runs from `first` to `end_ns`, silence included."""
    return (end_ns - min(first.pts_ns, start_ns)) // first.format.frame_ns * 101 // 100 + 8
