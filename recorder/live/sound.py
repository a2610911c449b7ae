"""Live sound of one camera, in pieces that can be decoded each for itself, to be played beside the picture.

Nothing is muxed and nothing queues: every listener pulls frames from the ring of sound at its own pace, so
one that is slow, or sound that is missing, late or broken, cannot touch the picture, which goes another way.
Who falls behind goes on at the newest, counted. Not here: the picture (`live.feed`), keeping the two
together (the page does, by the labels). Event loop only.
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
"""A piece is at least this long: more often would cost more than it hastens."""
LEAD_FRAMES = 2
"""A decoder needs the frame before the first one it gets right, with SBR two."""
BEHIND_NS = 2 * NS_PER_S
"""Sound older than this is of no use beside a live picture."""
QUIET_S = 2.0
"""Without a frame for this long the sound has stopped."""
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class LiveSoundInit:
    """Sound of this kind follows; comes again when it changes."""

    codec: str
    sample_rate_hz: int
    channels: int


@dataclass(frozen=True, slots=True)
class LiveSoundPiece:
    """Frames of AAC with ADTS headers. The first `lead_s` of them are for the decoder only.

    `label` is that of the first sample behind them.
    """

    data: bytes = field(repr=False)
    lead_s: float
    label: datetime


@dataclass(frozen=True, slots=True)
class LiveSoundMissing:
    """There is nothing to hear now, and why. An init follows once there is."""

    reason: str


LiveSoundMessage = LiveSoundInit | LiveSoundPiece | LiveSoundMissing


class LiveSound:
    """The sound of one camera for all who listen."""

    def __init__(
        self,
        sound: LockedSound,
        bridge: Bridge,
        label: Callable[[int], datetime],
        why_none: Callable[[], str],
    ) -> None:
        """`why_none`: a sentence for when nothing is heard."""
        self._sound = sound
        self._bridge = bridge
        self._label = label
        self._why_none = why_none
        self.listeners = 0
        self.drops = 0
        """Frames that slow listeners did not get, since the daemon started."""

    async def listen(self) -> AsyncGenerator[LiveSoundMessage, None]:
        """What there is to hear from now on. To be closed (`contextlib.aclosing`) by who leaves."""
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
                # Sound notifies nobody; pictures do, and where they are rare the time-out does.
                version = await self._bridge.wait_beyond(version, _POLL_S)
        finally:
            self.listeners -= 1

    def _is_quiet(self, since_s: float) -> bool:
        return self._sound.newest_end_ns() is None or since_s > QUIET_S

    def _newest(self) -> tuple[AudioUnit, ...]:
        """The frames that lead up to what will be heard next."""
        until_ns = self._sound.newest_end_ns()
        return () if until_ns is None else self._sound.span(until_ns, FOREVER_NS)[-LEAD_FRAMES:]

    def _fresh(self, pieces: "_PieceBuilder") -> Sequence[AudioUnit]:
        """What has come, if it is worth a piece; all but the newest is dropped for a listener far behind."""
        fresh: Sequence[AudioUnit] = self._sound.after(pieces.cursor)
        if not fresh or fresh[-1].end_ns - fresh[0].pts_ns < PIECE_NS:
            return ()
        from_ns = fresh[-1].end_ns - BEHIND_NS
        late = sum(unit.pts_ns < from_ns for unit in fresh) if fresh[0].pts_ns < from_ns else 0
        self.drops += late
        return fresh[late:]


class _PieceBuilder:
    """Where one listener is, and what of the frames before a decoder needs. Pure."""

    def __init__(self, before: Sequence[AudioUnit]) -> None:
        self.cursor = before[-1].sequence if before else -1
        self._lead = list(before)
        self._format: AudioFormat | None = None

    def forget_format(self) -> None:
        """Tell the format again, even where the next frame's is the last one's."""
        self._format = None

    def build(self, fresh: Sequence[AudioUnit]) -> Iterator[tuple[AudioFormat | None, bytes, int, int]]:
        """Pieces without a hole, as (format where it is new, data, length of the lead, begin)."""
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
