"""Live sound of one camera, in independently decodable pieces that are played beside the pictures.

Nothing is muxed or queued: each listener pulls frames from the sound ring at its own pace. Slow listeners,
and sound that is missing, late or broken, cannot affect the pictures, which are sent separately. A listener
that falls behind resumes at the newest frames; the skipped ones are counted. Not here: the pictures
(`live.feed`), synchronising both (the page does, by the labels). Event loop only.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from recorder.base.bridge import Bridge
from recorder.base.media_time import FOREVER_NS, NS_PER_S
from recorder.bitstream.aac import with_adts
from recorder.bitstream.audio_unit import AudioFormat, AudioUnit
from recorder.buffer.shared_ring import LockedSound

PIECE_NS = 80_000_000
"""Minimum length of a piece: shorter ones would cost more than the latency they save."""
LEAD_FRAMES = 2
"""Lead-in frames that a decoder needs before its first correct frame: one, with SBR two."""
BEHIND_NS = 2 * NS_PER_S
"""Sound older than this is useless beside live pictures."""
QUIET_S = 2.0
"""Without a frame for this long the sound has stopped."""
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class LiveSoundInit:
    """Announces the format of the sound; sent again when it changes."""

    codec: str
    sample_rate_hz: int
    channels: int


@dataclass(frozen=True, slots=True)
class LiveSoundPiece:
    """AAC frames with ADTS headers. The first `lead_s` seconds only prime the decoder.

    `label` is the label of the first sample after them.
    """

    data: bytes = field(repr=False)
    lead_s: float
    label: datetime


@dataclass(frozen=True, slots=True)
class LiveSoundMissing:
    """There is no sound now, and why. A LiveSoundInit precedes the next sound."""

    reason: str


LiveSoundMessage = LiveSoundInit | LiveSoundPiece | LiveSoundMissing


class LiveSound:
    """The live sound of one camera for any number of listeners."""

    def __init__(
        self,
        sound: LockedSound,
        bridge: Bridge,
        label: Callable[[int], datetime],
        why_none: Callable[[], str],
    ) -> None:
        """`why_none` returns the reason, as a sentence, if there is no sound."""
        self._sound = sound
        self._bridge = bridge
        self._label = label
        self._why_none = why_none
        self.listeners = 0
        self.drops = 0
        """Frames dropped for slow listeners since the daemon started."""

    async def listen(self) -> AsyncGenerator[LiveSoundMessage, None]:
        """The live sound from now on. The caller must close the generator (`contextlib.aclosing`)."""
        self.listeners += 1
        try:
            pieces = _PieceBuilder(self._newest())
            now_s = asyncio.get_running_loop().time
            last_sound_s, is_missing, version = now_s(), False, 0
            while True:
                fresh = self._fresh(pieces)
                if fresh:
                    last_sound_s, is_missing = now_s(), False
                    for init, data, lead_ns, begins_ns in pieces.build(fresh):
                        if init is not None:
                            yield LiveSoundInit(init.codec, init.sample_rate_hz, init.channels)
                        yield LiveSoundPiece(data, lead_ns / NS_PER_S, self._label(begins_ns))
                elif not is_missing and self._is_quiet(now_s() - last_sound_s):
                    is_missing = True
                    pieces.forget_format()
                    yield LiveSoundMissing(self._why_none())
                # New sound sends no notice; new pictures do, and the timeout covers slow frame rates.
                version = await self._bridge.wait_beyond(version, _POLL_S)
        finally:
            self.listeners -= 1

    def _is_quiet(self, since_s: float) -> bool:
        return self._sound.newest_end_ns() is None or since_s > QUIET_S

    def _newest(self) -> tuple[AudioUnit, ...]:
        """The lead-in frames before the first live frame."""
        until_ns = self._sound.newest_end_ns()
        return () if until_ns is None else self._sound.span(until_ns, FOREVER_NS)[-LEAD_FRAMES:]

    def _fresh(self, pieces: "_PieceBuilder") -> Sequence[AudioUnit]:
        """The new frames if they fill a piece; a listener far behind skips all but the newest."""
        fresh: Sequence[AudioUnit] = self._sound.after(pieces.cursor)
        if not fresh or fresh[-1].end_ns - fresh[0].pts_ns < PIECE_NS:
            return ()
        from_ns = fresh[-1].end_ns - BEHIND_NS
        late = sum(unit.pts_ns < from_ns for unit in fresh) if fresh[0].pts_ns < from_ns else 0
        self.drops += late
        return fresh[late:]


class _PieceBuilder:
    """Builds the pieces of one listener; keeps its position and the decoder's lead-in. Pure."""

    def __init__(self, before: Sequence[AudioUnit]) -> None:
        self.cursor = before[-1].sequence if before else -1
        self._lead = list(before)
        self._format: AudioFormat | None = None

    def forget_format(self) -> None:
        """Announce the format again with the next piece, even if it has not changed."""
        self._format = None

    def build(self, fresh: Sequence[AudioUnit]) -> Iterator[tuple[AudioFormat | None, bytes, int, int]]:
        """Pieces without holes, as (format if it is new, data, lead-in duration, start)."""
        self.cursor = fresh[-1].sequence
        for run in _runs(fresh):
            first = run[0]
            if self._lead and not _follows(self._lead[-1], first):
                self._lead = []
            is_new, self._format = first.format != self._format, first.format
            data = b"".join(with_adts(unit.format, unit.data) for unit in (*self._lead, *run))
            lead_ns = len(self._lead) * first.format.frame_ns
            yield (first.format if is_new else None, data, lead_ns, first.pts_ns)
            self._lead = [*self._lead, *run][-LEAD_FRAMES:]


def _runs(fresh: Sequence[AudioUnit]) -> Iterator[Sequence[AudioUnit]]:
    begin = 0
    for index in range(1, len(fresh) + 1):
        if index == len(fresh) or not _follows(fresh[index - 1], fresh[index]):
            yield fresh[begin:index]
            begin = index


def _follows(before: AudioUnit, unit: AudioUnit) -> bool:
    hole_ns = abs(unit.pts_ns - before.end_ns)
    return unit.format == before.format and hole_ns < unit.format.frame_ns // 2
