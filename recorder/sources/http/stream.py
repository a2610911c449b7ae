"""Reads a network camera over HTTP or HTTPS: multipart MJPEG or an MPEG transport stream.

The Content-Type or, if it is unknown, the first bytes determine the format; other formats are rejected by
name. Not here: the request (`http.body`), reconnecting (`background_stream`). Used by the capture thread
alone.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from http.client import HTTPException
from typing import cast

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from recorder.base.clock import Clock
from recorder.base.errors import SourceLost, SourceUnsupported
from recorder.base.redaction import shown
from recorder.base.settings import MOST_PIXELS, CameraSettings
from recorder.bitstream.access_unit import Codec, SourceUnit
from recorder.sources.connection import lost
from recorder.sources.http.body import HttpBody
from recorder.sources.http.multipart import MultipartReader, boundary_of
from recorder.sources.muxed_sound import MuxedSound
from recorder.sources.packets import UnitAssembler, codec_of, sentence
from recorder.sources.source import SourceItem

_TS_PACKET_BYTES = 188
_SNIFFED_BYTES = 2 * _TS_PACKET_BYTES
_MULTIPART, _TRANSPORT = "multipart", "transport"
_BY_TYPE = {
    "multipart/x-mixed-replace": _MULTIPART,
    "multipart/mixed": _MULTIPART,
    "video/mp2t": _TRANSPORT,
    "video/mpeg": _TRANSPORT,
}
_REFUSED_TYPES = {
    "image/jpeg": "one still picture; find the path of its MJPEG stream",
    "text/html": "a web page; find the path of its video stream",
    "application/vnd.apple.mpegurl": "a playlist, which is not followed; use its RTSP stream",
    "application/x-mpegurl": "a playlist, which is not followed; use its RTSP stream",
    "audio/mpegurl": "a playlist, which is not followed; use its RTSP stream",
}
_LIBRARY_ERRORS = (av.error.FFmpegError, OSError, HTTPException, ValueError)


class HttpStreamSource:
    """One request to one camera."""

    def __init__(self, settings: CameraSettings, clock: Clock, stop: threading.Event) -> None:
        self._settings = settings
        self._clock = clock
        self._stop = stop
        self._resources = ExitStack()
        self._assembler = UnitAssembler(clock, Codec.MJPEG)
        self._reader = MultipartReader(None)
        self._units: Iterator[Sequence[SourceItem]] = iter(())
        self._body: HttpBody | None = None

    @property
    def description(self) -> str:
        """The camera's address without credentials."""
        return shown(self._settings.source)

    @property
    def damaged(self) -> int:
        """See `Source.damaged`."""
        return self._assembler.damaged + self._reader.damaged

    def open(self) -> None:
        """Connect and detect the format of the stream."""
        body = HttpBody(self._settings)
        self._resources.callback(body.close)
        self._body = body
        body.allow(self._settings.open_timeout_s)
        try:
            first, kind = self._detect_kind(body)
            if kind is _MULTIPART:
                self._units = self._pictures(body, first)
            else:
                self._units = self._transport(body, first)
        except _LIBRARY_ERRORS as error:
            raise self._lost(error, "connecting to") from None

    def read(self) -> Sequence[SourceItem]:
        """Wait for the next units or sound."""
        if self._stop.is_set() or self._body is None:
            return []
        self._body.allow(self._settings.read_timeout_s)
        try:
            units = next(self._units, None)
        except _LIBRARY_ERRORS as error:
            raise self._lost(error, "reading from") from None
        if units is None:
            msg = f"While reading from {self.description}, the camera ended the connection."
            raise SourceLost(msg)
        return units

    def close(self) -> None:
        """Close the connection."""
        self._units = iter(())
        self._resources.close()

    def _detect_kind(self, body: HttpBody) -> tuple[bytes, str]:
        named = body.content_type.partition(";")[0].strip().lower()
        if named in _REFUSED_TYPES:
            raise SourceUnsupported(f"{self.description} sends {_REFUSED_TYPES[named]}.")
        if named in _BY_TYPE:
            return b"", _BY_TYPE[named]
        first = b""
        while len(first) < _SNIFFED_BYTES and (more := body.read(_SNIFFED_BYTES - len(first))):
            first += more
        if first[:1] == b"G" and first[_TS_PACKET_BYTES : _TS_PACKET_BYTES + 1] == b"G":
            return first, _TRANSPORT
        if first.lstrip().startswith(b"--"):
            return first, _MULTIPART
        if first.startswith(b"#EXTM3U"):
            raise SourceUnsupported(f"{self.description} sends {_REFUSED_TYPES['audio/mpegurl']}.")
        msg = f"{self.description} sends neither MJPEG nor an MPEG transport stream ({named or 'no type'})."
        raise SourceUnsupported(msg)

    def _pictures(self, body: HttpBody, first: bytes) -> Iterator[list[SourceUnit]]:
        self._reader = MultipartReader(boundary_of(body.content_type))
        data = first or body.read()
        while data:
            pictures = self._reader.feed(data)
            yield [unit for picture in pictures for unit in self._assembler.take_picture(picture)]
            data = body.read()

    def _transport(self, body: HttpBody, first: bytes) -> Iterator[Sequence[SourceItem]]:
        container = cast(
            InputContainer,
            av.open(
                _SniffedStream(first, body),
                format="mpegts",
                options={
                    "protocol_whitelist": "none",
                    "analyzeduration": "500000",
                    "probesize": "500000",
                    "max_pixels": str(MOST_PIXELS),
                },
            ),
        )
        self._resources.callback(container.close)
        if not container.streams.video:
            raise SourceUnsupported(f"{self.description} sends no video.")
        stream = container.streams.video[0]
        assembler = UnitAssembler(self._clock, codec_of(stream), stream.codec_context.extradata or b"")
        self._assembler = assembler
        sound = MuxedSound(container.streams.audio if self._settings.audio else ())
        return _unpacked(container, stream, assembler, sound)

    def _lost(self, error: Exception, doing: str) -> Exception:
        what = f"{doing} {self.description}"
        if isinstance(error, av.error.FFmpegError):
            return sentence(error, self._settings.source, what)
        return lost(error, self._settings.source, what)


def _unpacked(
    container: InputContainer, stream: VideoStream, assembler: UnitAssembler, sound: MuxedSound
) -> Iterator[Sequence[SourceItem]]:
    if troubles := sound.troubles():
        yield troubles
    for packet in container.demux(stream, *sound.streams):
        if packet.stream.type == "audio":
            yield sound.take(cast("Packet[AudioStream]", packet))
        else:
            yield assembler.take(cast("Packet[VideoStream]", packet))


class _SniffedStream:
    """A file object for FFmpeg: the bytes read for detection, then the rest. Not seekable."""

    def __init__(self, first: bytes, body: HttpBody) -> None:
        self._first = first
        self._body = body

    def read(self, most_bytes: int) -> bytes:
        if self._first:
            data, self._first = self._first[:most_bytes], self._first[most_bytes:]
            return data
        return self._body.read(most_bytes)
