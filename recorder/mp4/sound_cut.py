"""Selects and times the sound frames of a clip.

Here: placing frames of one format along the clip, in samples, so they match the pictures in every player.
Some players use the timestamps, others (Chromium) ignore them and play the frames back to back. Both must
agree, so missing sound is filled with silent frames and surplus frames are dropped. Not here: choosing
pictures (`span_cut`), muxing (`muxer`). Pure.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import length_hint

from recorder.base.media_time import NS_PER_S
from recorder.bitstream.aac import silence
from recorder.bitstream.audio_unit import FRAME_SAMPLES, AudioFormat, AudioUnit

_NEAR_NS = 2_000_000
"""A hole this close to a whole number of frames means lost frames, not clock jitter."""
_FAR_NS = 40_000_000
"""A hole of any other size counts only if it is longer than this."""
_DRIFT_NS = 15_000_000
"""A persistent error larger than this (or five eighths of a frame) is drift, not jitter."""
_LASTS_FRAMES = 12
_JITTER_NS = 15_000_000
"""Larger errors of a timestamp are corrected at once, smaller ones by one sample per frame."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A frame as it is muxed; `pts` is in samples from the first picture shown."""

    data: bytes
    pts: int


class SoundCut:
    """The sound of a clip, in order, consumed piece by piece as its pictures are muxed.

    Frames before the first picture are hidden by the edit list; the decoder needs one or two as lead-in.
    Silence fills the time from the start of the clip to the first frame. Frames whose format differs from the
    first one's are skipped, because a track has one format.
    """

    def __init__(self, units: Iterable[AudioUnit], start_ns: int, end_ns: int) -> None:
        self.most_pieces = length_hint(units)
        """An upper bound of the pieces, silence included, if `units` has a length hint (`Sound`)."""
        self.end = 0
        """End of the last piece taken, in samples."""
        self._start_ns = start_ns
        self._units = iter(units)
        self._next = self._following(None)
        if self._next is not None and self._next.pts_ns >= end_ns:
            self._next = None
        self.format: AudioFormat | None = None if self._next is None else self._next.format
        """None: the span has no sound."""
        self._played: int | None = None
        self._last: int | None = None
        self._drifting = 0
        """Consecutive frames that were late (negative: early) by more than _DRIFT_NS."""

    def before(self, ns: int) -> Iterator[Piece]:
        """The pieces of frames that begin before `ns` and have not been taken.

        The units may run out and continue later, as those of a recording in progress.
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
        """How many silent frames to insert; negative if this frame is surplus."""
        frames = round(error / FRAME_SAMPLES)
        rest = abs(error - frames * FRAME_SAMPLES)
        far = abs(error) > self._samples(audio_format, _FAR_NS)
        if far or rest <= self._samples(audio_format, _NEAR_NS):
            self._drifting = 0
            return frames
        return self._drifted(error, max(self._samples(audio_format, _DRIFT_NS), FRAME_SAMPLES * 5 // 8))

    def _drifted(self, error: int, much: int) -> int:
        """Insert or drop one frame once the sound has been off by more than `much` for a while."""
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
    """The frames of a finished clip, copied with their times; has the interface of `SoundCut`."""

    def __init__(self, audio_format: AudioFormat, pieces: Iterator[Piece], most_pieces: int) -> None:
        self.format = audio_format
        self.most_pieces = most_pieces
        self._pieces = pieces
        self._next = next(pieces, None)

    def before(self, ns: int) -> Iterator[Piece]:
        """The pieces that begin before `ns` and have not been taken."""
        while self._next is not None and self._next.pts * NS_PER_S < ns * self.format.sample_rate_hz:
            yield self._next
            self._next = next(self._pieces, None)


class Sound:
    """Frames with a length hint that includes the silence a cut from `start_ns` may need."""

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
    """An upper bound of the pieces for sound from `first` to `end_ns`, silence included."""
    return (end_ns - min(first.pts_ns, start_ns)) // first.format.frame_ns * 101 // 100 + 8
