"""Plays a video file as a camera: in real time, in a loop, on one timeline without jumps.

The file is opened here and passed to FFmpeg as an object, so references to other files are never followed.
H.264 and H.265 in MP4 or Matroska are length-prefixed and converted to Annex B. Sound is read in step with
the pictures, however the file interleaves them. Used by the capture thread alone.
"""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import unquote, urlsplit

import av
import av.error
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from recorder.base.clock import Clock
from recorder.base.errors import SourceLost, SourceUnsupported
from recorder.base.media_time import NS_PER_S
from recorder.bitstream.access_unit import Codec
from recorder.bitstream.audio_unit import FRAME_SAMPLES
from recorder.sources.muxed_sound import MuxedSound
from recorder.sources.packets import UnitAssembler, codec_of, sentence
from recorder.sources.source import SourceItem

_FORMATS = {".mp4": "mov", ".m4v": "mov", ".mov": "mov", ".mkv": "matroska", ".ts": "mpegts"}

_READ_AHEAD_PACKETS = 64
"""How far one stream is read ahead to find the other's packets for the same time: two seconds of pictures."""

_TO_ANNEX_B = {Codec.H264: "h264_mp4toannexb", Codec.H265: "hevc_mp4toannexb"}


class FileLoopSource:
    """Plays one file again and again."""

    def __init__(self, address: str, clock: Clock, stop: threading.Event, *, audio: bool = True) -> None:
        """`address`: `file:/path/to.mp4` or `file:///path/to.mp4`. `audio`: whether to read its sound."""
        self._audio = audio
        self.description = address
        self._clock = clock
        self._stop = stop
        self._path = Path(unquote(urlsplit(address).path))
        self._resources = ExitStack()
        self._assembler = UnitAssembler(clock)
        self._codec = Codec.H264
        self._units: Iterator[Sequence[SourceItem]] = iter(())
        self._zero_ns: int | None = None
        """Monotonic time at which media time 0 is due."""

    @property
    def damaged(self) -> int:
        """See `Source.damaged`."""
        return self._assembler.damaged

    def open(self) -> None:
        """Open the file and determine its video codec."""
        kind = _FORMATS.get(self._path.suffix.lower())
        if kind is None:
            msg = f"{self._path.name}: only {', '.join(sorted(_FORMATS))} files can stand in for a camera."
            raise SourceUnsupported(msg)
        doing = f"opening {self.description}"
        try:
            file = self._resources.enter_context(self._path.open("rb"))
        except OSError as error:
            msg = f"While {doing}, it failed: {error.strerror}."
            raise SourceLost(msg) from error
        try:
            container = self._open_container(file, kind)
        except (av.error.FFmpegError, ValueError) as error:
            raise sentence(error, self.description, doing) from error
        if not container.streams.video:
            msg = f"{self.description} holds no video."
            raise SourceUnsupported(msg)
        self._codec = codec_of(container.streams.video[0])
        self._assembler = UnitAssembler(self._clock, self._codec)
        self._units = self._play(container)

    def read(self) -> Sequence[SourceItem]:
        """Wait for the next unit or sound that is due."""
        if self._stop.is_set():
            return []
        try:
            return next(self._units, [])
        except (av.error.FFmpegError, ValueError) as error:
            raise sentence(error, self.description, f"reading {self.description}") from error

    def close(self) -> None:
        """Close the file."""
        self._units = iter(())
        self._resources.close()

    def _open_container(self, file: BinaryIO, kind: str) -> InputContainer:
        container = cast(InputContainer, av.open(file, format=kind))
        self._resources.callback(container.close)
        return container

    def _play(self, container: InputContainer) -> Iterator[Sequence[SourceItem]]:
        pictures = container.streams.video[0]
        sound = MuxedSound(container.streams.audio if self._audio else ())
        if troubles := sound.troubles():
            yield troubles
        time_base = Fraction(pictures.time_base or 0)
        shift = 0
        sound_end_s: Fraction | None = None
        while not self._stop.is_set():
            begin: int | None = None
            end = 0
            for due in _in_order(_packets(container, pictures, sound.streams, self._codec)):
                if not self._wait_until(due.at_s + shift * time_base):
                    return
                if due.sound is not None:
                    # Sound that outlasts the pictures would overlap the start of the next pass.
                    outlasts = due.behind_pictures and due.at_s + due.half_s > end * time_base
                    begins_s = due.at_s + shift * time_base
                    if not outlasts and (sound_end_s is None or begins_s + due.half_s >= sound_end_s):
                        sound_end_s = begins_s + 2 * due.half_s
                        yield sound.take(due.sound, shift * time_base)
                    continue
                packet = cast("Packet[VideoStream]", due.picture)
                if packet.pts is not None:
                    begin = packet.pts if begin is None else min(begin, packet.pts)
                    end = max(end, packet.pts + (packet.duration or 0))
                yield self._assembler.take(packet, shift)
            if begin is None or begin >= end:
                msg = f"{self.description} holds no frame."
                raise SourceLost(msg)
            shift += end - begin
            container.seek(0)

    def _wait_until(self, media_s: Fraction) -> bool:
        """Sleep until `media_s` of media time is due. Returns False if stopped."""
        media_ns = int(media_s * NS_PER_S)
        now_ns = self._clock.monotonic_ns()
        if self._zero_ns is None:
            self._zero_ns = now_ns - media_ns
        return not self._stop.wait(max(0, self._zero_ns + media_ns - now_ns) / NS_PER_S)


@dataclass(slots=True)
class _DuePacket:
    """A packet of pictures or sound, and the time it is due within its pass."""

    at_s: Fraction
    picture: "Packet[VideoStream] | None" = None
    sound: "Packet[AudioStream] | None" = None
    half_s: Fraction = Fraction(0)
    """Half of the sound packet's duration."""
    behind_pictures: bool = False
    """Whether no picture of this pass follows."""


def _in_order(packets: Iterator[_DuePacket]) -> Iterator[_DuePacket]:
    """Merge pictures and sound by due time; a file may store them a second apart."""
    pictures: deque[_DuePacket] = deque()
    sound: deque[_DuePacket] = deque()
    for packet in packets:
        (pictures if packet.sound is None else sound).append(packet)
        while (pictures and sound) or max(len(pictures), len(sound)) > _READ_AHEAD_PACKETS:
            yield _first(pictures, sound)
    while pictures or sound:
        found = _first(pictures, sound)
        found.behind_pictures = not pictures
        yield found


def _first(pictures: deque[_DuePacket], sound: deque[_DuePacket]) -> _DuePacket:
    if not sound or (pictures and pictures[0].at_s <= sound[0].at_s):
        return pictures.popleft()
    return sound.popleft()


def _packets(
    container: InputContainer, pictures: VideoStream, sound: Sequence[AudioStream], codec: Codec
) -> Iterator[_DuePacket]:
    """The packets of one pass, without the final empty ones. The filter leaves Annex B unchanged."""
    time_base = Fraction(pictures.time_base or 0)
    to_annex_b = None if codec is Codec.MJPEG else BitStreamFilterContext(_TO_ANNEX_B[codec], pictures)
    at_s = Fraction(0)
    for packet in container.demux(pictures, *sound):
        if packet.size and packet.stream.type == "audio":
            yield _sound_due(cast("Packet[AudioStream]", packet), sound[0], at_s)
            continue
        if not packet.size:
            continue
        filtered = [packet] if to_annex_b is None else to_annex_b.filter(packet)
        for picture in cast("list[Packet[VideoStream]]", filtered):
            # Matroska stores no DTS, and FFmpeg infers it only after it has seen the reordering.
            at_s = at_s if picture.dts is None else picture.dts * time_base
            yield _DuePacket(at_s, picture=picture)
    for picture in [] if to_annex_b is None else cast("list[Packet[VideoStream]]", to_annex_b.filter(None)):
        at_s = at_s if picture.dts is None else picture.dts * time_base
        yield _DuePacket(at_s, picture=picture)


def _sound_due(packet: "Packet[AudioStream]", stream: AudioStream, otherwise_s: Fraction) -> _DuePacket:
    time_base = Fraction(stream.time_base or 0)
    at_s = otherwise_s if packet.pts is None else packet.pts * time_base
    lasts_s = (packet.duration or 0) * time_base
    if not stream.codec_context.name.startswith("pcm"):
        # MP4 shortens the last frame's duration to its audible part.
        lasts_s = max(lasts_s, Fraction(FRAME_SAMPLES, stream.sample_rate or 48_000))
    return _DuePacket(at_s, sound=packet, half_s=lasts_s / 2)
