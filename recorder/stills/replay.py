"""Cuts a pinned span of the buffer into a seekable file for instant replay.

The span is pinned while the replay is open, so that a clip can be made of frames that have left the ring.
Pins have a limit of their own (`pins`): one that is let go ends no replay, whose file stays. At most a few
replays per camera. Event loop only; cutting runs in an executor.
"""

import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from recorder.base.clock import label_offsets_us
from recorder.base.errors import Busy, NotPlayable, SpanOutsideBuffer
from recorder.base.settings import BufferSettings
from recorder.base.threads import in_thread
from recorder.bitstream.access_unit import AccessUnit, Codec
from recorder.bitstream.audio_unit import AudioUnit
from recorder.buffer.pins import Pin
from recorder.buffer.ring_buffer import RingBuffer
from recorder.buffer.shared_ring import LockedRing, LockedSound
from recorder.buffer.sound_ring import LEAD_NS
from recorder.mp4.frame_times import read_frame_times
from recorder.mp4.muxer import CutResult, raising_cut_failed, write_mp4
from recorder.mp4.sound_cut import Sound
from recorder.mp4.span_cut import shown_units
from recorder.recording.clip_session import fits_one_file

MOST_REPLAYS = 4
_ENDLESS_S, _ENDLESS_BYTES = 1e6, 1 << 62


@dataclass(frozen=True, slots=True)
class ReplayFile:
    """A finished replay: a progressive MP4 in the run-time directory, deleted when it is closed."""

    token: str
    path: Path
    start_time: datetime
    end_time: datetime
    duration_s: float
    frame_count: int
    size_bytes: int
    offsets_us: tuple[int, ...]
    """For every frame shown, microseconds from `start_time` to its label."""
    media_start_s: float = 0.0
    """See `FrameTimes`."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """The units and sound of a replay, as received from the camera."""

    units: Sequence[AccessUnit]
    sound: tuple[AudioUnit, ...]

    def ring(self) -> RingBuffer:
        """A ring that holds exactly these units. Linear in the units."""
        ring = RingBuffer(BufferSettings(seconds=_ENDLESS_S, max_bytes=_ENDLESS_BYTES))
        for unit in self.units:
            ring.append(unit)
        return ring


@dataclass(frozen=True, slots=True)
class _Open:
    pin: Pin
    path: Path


class PinnedSound:
    """The sound of a replay, with the interface of the sound buffer."""

    def __init__(self, units: tuple[AudioUnit, ...]) -> None:
        self._units = units

    def after(self, sequence: int) -> tuple[AudioUnit, ...]:
        """The frames with a larger sequence number."""
        return tuple(unit for unit in self._units if unit.sequence > sequence)

    def span(self, start_ns: int, end_ns: int) -> tuple[AudioUnit, ...]:
        """The frames of a span, plus the lead-in for the decoder."""
        return tuple(u for u in self._units if start_ns - LEAD_NS <= u.pts_ns < end_ns)

    def newest_end_ns(self) -> int | None:
        """End of the newest frame; None without sound."""
        return self._units[-1].end_ns if self._units else None


def newest_fitting(units: Sequence[AccessUnit]) -> Sequence[AccessUnit]:
    """The longest suffix of `units` that fits one file."""
    begin = len(units) - 1
    while begin > 0 and fits_one_file(units[begin - 1], units[begin]):
        begin -= 1
    return units[begin:]


class Replays:
    """The replays of one camera."""

    def __init__(
        self,
        line: tuple[LockedRing, LockedSound],
        directory: Path,
        executor: Executor,
        label: Callable[[int], datetime],
        rotation_deg: int = 0,
    ) -> None:
        self._rotation_deg = rotation_deg
        self._units, self._sound = line
        self._directory = directory
        self._executor = executor
        self._label = label
        self._replays: dict[str, _Open] = {}

    async def open(
        self, start_ns: int, end_ns: int, owner: str, *, from_keyframe: bool = False
    ) -> ReplayFile:
        """Cut the span; the caller must `close` the replay. `owner`: for whom its frames are pinned.

        `from_keyframe`: also show what decoding needs before the span. Players that ignore edit lists show it
        in any case, and with it every later frame at another time.
        It ends before the first B-frame that has not arrived, so stepping frame by frame skips none.
        Raises Busy, SpanError, NotPlayable, CutFailed, OSError.
        """
        if len(self._replays) >= MOST_REPLAYS:
            raise Busy(f"{MOST_REPLAYS} replays of this camera are open. Close one, or wait a minute.")
        span, sound, pin = self._units.pin(start_ns, end_ns, owner, self._sound)
        codec = span.units[-1].epoch.codec
        if codec is not Codec.H264:
            # Transcoding a minute for one replay would cost as much as a clip; frames are available at once.
            self._units.unpin(pin)
            raise NotPlayable(f"This camera's buffer holds {codec.value}, which is no video to cut.")
        token = secrets.token_urlsafe(18)
        path = self._directory / f"{token}.mp4"
        pinned = Pinned(newest_fitting(span.units), sound)
        self._replays[token] = _Open(pin, path)
        try:
            begin_ns = pinned.units[0].pts_ns if from_keyframe else span.start_ns
            cutting = partial(self._cut, path, pinned, begin_ns, span.end_ns)
            cut, offsets_us, media_start_s = await in_thread(self._executor, cutting)
        except BaseException:
            await self.close(token)
            raise
        return ReplayFile(
            token=token,
            path=path,
            start_time=self._label(cut.first_pts_ns),
            end_time=self._label(cut.end_ns),
            duration_s=cut.duration_s,
            frame_count=cut.frame_count,
            size_bytes=cut.size_bytes,
            offsets_us=offsets_us,
            media_start_s=media_start_s,
        )

    def pinned(self, token: str) -> Pinned | None:
        """The frames of an open replay; None if they were let go. Raises SpanOutsideBuffer."""
        found = self._replays.get(token)
        if found is None:
            raise SpanOutsideBuffer("That replay is gone: it was not looked at for a minute. Open it again.")
        units, sound = found.pin.units, found.pin.sound
        return None if units is None else Pinned(newest_fitting(units), sound)

    async def close(self, token: str) -> None:
        """Unpin a replay and delete its file; unknown tokens are ignored."""
        found = self._replays.pop(token, None)
        if found is not None:
            self._units.unpin(found.pin)
            await in_thread(self._executor, partial(found.path.unlink, missing_ok=True))

    async def close_all(self) -> None:
        """Close every replay."""
        for token in list(self._replays):
            await self.close(token)

    def _cut(
        self, path: Path, pinned: Pinned, start_ns: int, end_ns: int
    ) -> tuple[CutResult, tuple[int, ...], float]:
        self._directory.mkdir(parents=True, exist_ok=True)
        with raising_cut_failed():
            cut = write_mp4(
                path,
                iter(pinned.units),
                start_ns,
                end_ns,
                may_break_off=True,
                rotation_deg=self._rotation_deg,
                sound=Sound(pinned.sound, start_ns),
            )
            shown = shown_units(pinned.units, start_ns, end_ns)
            media_start_s = read_frame_times(path).media_start_s
            return cut, label_offsets_us(unit.pts_ns for unit in shown), media_start_s
