"""A video file as a camera: at its own speed, over and over, on one timeline that never jumps.

The file is opened by us and handed over as an object, so that no name inside it is ever followed.
H.264 and H.265 in MP4 or Matroska are length-prefixed and become Annex B here, at the door.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import unquote, urlsplit

import av
import av.error
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from recorder.access_unit import Codec, SourceUnit
from recorder.clock import Clock
from recorder.errors import SourceLost, SourceUnsupported
from recorder.settings import NS_PER_S
from recorder.sources.bitstream import UnitAssembler, codec_of, sentence

_FORMATS = {".mp4": "mov", ".m4v": "mov", ".mov": "mov", ".mkv": "matroska", ".ts": "mpegts"}

_TO_ANNEX_B = {Codec.H264: "h264_mp4toannexb", Codec.H265: "hevc_mp4toannexb"}


class FileLoopSource:
    """One pass after the other through one file."""

    def __init__(self, address: str, clock: Clock, stop: threading.Event) -> None:
        """`address`: `file:/path/to.mp4` or `file:///path/to.mp4`."""
        self.description = address
        self._clock = clock
        self._stop = stop
        self._path = Path(unquote(urlsplit(address).path))
        self._resources = ExitStack()
        self._assembler = UnitAssembler(clock)
        self._codec = Codec.H264
        self._units: Iterator[list[SourceUnit]] = iter(())
        self._zero_ns: int | None = None
        """Monotonic time at which media time 0 is due."""

    @property
    def damaged(self) -> int:
        """See `Source.damaged`."""
        return self._assembler.damaged

    def open(self) -> None:
        """Open the file and see how its video is encoded."""
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

    def read(self) -> list[SourceUnit]:
        """The next unit, when it is due."""
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

    def _play(self, container: InputContainer) -> Iterator[list[SourceUnit]]:
        stream = container.streams.video[0]
        time_base = Fraction(stream.time_base or 0)
        shift = 0
        while not self._stop.is_set():
            begin: int | None = None
            end = due = 0
            for packet in _packets(container, stream, self._codec):
                # Matroska stores no dts, and FFmpeg guesses it only once it has seen the reordering.
                due = due if packet.dts is None else packet.dts
                if not self._wait_until((due + shift) * time_base):
                    return
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
        """Sleep until `media_s` of media time is due; False when told to stop."""
        media_ns = int(media_s * NS_PER_S)
        now_ns = self._clock.monotonic_ns()
        if self._zero_ns is None:
            self._zero_ns = now_ns - media_ns
        return not self._stop.wait(max(0, self._zero_ns + media_ns - now_ns) / NS_PER_S)


def _packets(container: InputContainer, stream: VideoStream, codec: Codec) -> "Iterator[Packet[VideoStream]]":
    """One pass, without the empty packets that end it. The filter leaves Annex B as it is."""
    if codec is Codec.MJPEG:
        yield from (packet for packet in container.demux(stream) if packet.size)
        return
    to_annex_b = BitStreamFilterContext(_TO_ANNEX_B[codec], stream)
    for packet in container.demux(stream):
        if packet.size:
            yield from cast("list[Packet[VideoStream]]", to_annex_b.filter(packet))
    yield from cast("list[Packet[VideoStream]]", to_annex_b.filter(None))
