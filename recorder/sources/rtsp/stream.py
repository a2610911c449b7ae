"""Reads a network camera over RTSP or RTSPS: video packets without decoding, and sound.

FFmpeg reads it through a relay (`rtsp.relay`), which alone connects to the camera and knows its password. Not
here: processing the sound (`rtsp.sound`), reconnecting and stall detection (`background_stream`), times
(`timeline`). Used by the capture thread alone. PyAV cannot cancel a read, so stopping may take the read
timeout.
"""

import threading
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import av
import av.error
from av.container import InputContainer
from av.packet import Packet

from recorder.base.clock import Clock
from recorder.base.errors import SourceError, SourceLost, SourceUnsupported
from recorder.base.media_time import NS_PER_S
from recorder.base.redaction import shown
from recorder.base.settings import MOST_PIXELS, CameraSettings
from recorder.bitstream.audio_unit import SoundTrouble
from recorder.sources.address import CameraAddress, camera_address
from recorder.sources.connection import lost
from recorder.sources.packets import UnitAssembler, codec_of, sentence
from recorder.sources.rtsp.messages import ProtocolError
from recorder.sources.rtsp.relay import RtspRelay
from recorder.sources.rtsp.sound import RtspSound
from recorder.sources.source import SourceItem

# FFmpeg connects to the relay only; the list is a second net against files and other protocols of this host.
_PROTOCOLS = "rtsp,rtp,udp,tcp,srtp"
_LEAST_OPEN_S = 0.1
_LIBRARY_ERRORS = (av.error.FFmpegError, OSError, ValueError)
# Errors of cameras that cannot send their sound; other errors would also occur without sound.
_SOUND_REFUSALS = (
    av.error.HTTPBadRequestError,
    av.error.HTTPOtherClientError,
    av.error.HTTPServerError,
    av.error.InvalidDataError,
    av.error.UndefinedError,
)


class StreamSource:
    """One connection to one RTSP camera."""

    def __init__(self, settings: CameraSettings, clock: Clock, stop: threading.Event) -> None:
        self._settings = settings
        self._clock = clock
        self._stop = stop
        self._container: InputContainer | None = None
        self._relay: RtspRelay | None = None
        self._packets: Iterator[Packet[Any]] = iter(())
        self._assembler = UnitAssembler(clock)
        self._sound: RtspSound | None = None
        self._pending: list[SourceItem] = []
        self._went_silent = False

    @property
    def description(self) -> str:
        """The camera's address without credentials."""
        return shown(self._settings.source)

    @property
    def damaged(self) -> int:
        """See `Source.damaged`."""
        return self._assembler.damaged

    def open(self) -> None:
        """Connect and read until the codec is known. Takes up to twice the open timeout."""
        address = camera_address(self._settings.source)
        try:
            self._container = self._connect_with_sound(address)
        except _LIBRARY_ERRORS as error:
            # Not chained: the text of the original may contain what the camera sent.
            raise self._sentence(error, f"connecting to {self.description}") from None
        streams = self._container.streams.video
        if not streams:
            msg = f"{self.description} sends no video; check the path of the stream."
            raise SourceUnsupported(msg)
        codec = codec_of(streams[0])
        self._assembler = UnitAssembler(self._clock, codec, streams[0].codec_context.extradata or b"")
        audio = self._container.streams.audio
        if audio:
            self._sound = RtspSound(audio[0], streams[0], self._clock)
        self._packets = self._container.demux(streams[0], *audio[:1])

    def read(self) -> Sequence[SourceItem]:
        """The unit or sound that the next packet completes, if any."""
        if self._stop.is_set():
            return []
        if self._went_silent:
            msg = f"While {self._doing}, the camera did not answer in time."
            raise SourceLost(msg)
        begun_ns = self._clock.monotonic_ns()
        try:
            packet = next(self._packets, None)
        except _LIBRARY_ERRORS as error:
            raise self._sentence(self._better(error), self._doing) from None
        # After a timeout FFmpeg first returns the unit its parser still held, without an error; waiting for
        # the error would take the timeout a second time.
        waited_s = (self._clock.monotonic_ns() - begun_ns) / NS_PER_S
        self._went_silent = waited_s >= 0.98 * self._settings.read_timeout_s
        if packet is None:
            msg = f"While {self._doing}, the camera ended the connection."
            raise self._sentence(self._better(SourceLost(msg)), self._doing)
        units = self._units_of(packet)
        if self._pending:
            units, self._pending = [*self._pending, *units], []
        return units

    def close(self) -> None:
        """Disconnect and free the container, which is part of a reference cycle."""
        packets, self._packets = self._packets, iter(())
        if isinstance(packets, Generator):
            packets.close()
        container, self._container = self._container, None
        if container is not None:
            container.close()
        relay, self._relay = self._relay, None
        if relay is not None:
            relay.close()

    @property
    def _doing(self) -> str:
        # Computed only for errors: redacting the address for every packet would be wasteful.
        return f"reading from {self.description}"

    def _units_of(self, packet: "Packet[Any]") -> Sequence[SourceItem]:
        if self._sound is None:
            return self._assembler.take(packet)
        if packet.stream.type == "audio":
            return self._sound.take(packet)
        return self._assembler.take(packet, self._sound.video_shift(packet))

    def _connect_with_sound(self, address: CameraAddress) -> InputContainer:
        """Connect with sound, or with video only if the camera cannot send its sound."""
        if not self._settings.audio:
            return self._connect(address, "video")
        begun_ns = self._clock.monotonic_ns()
        try:
            return self._connect(address, "audio+video")
        except _SOUND_REFUSALS as error:
            # A camera that stopped responding would only take the timeout a second time.
            took_s = (self._clock.monotonic_ns() - begun_ns) / NS_PER_S
            if self._stop.is_set() or 2 * took_s > self._settings.open_timeout_s:
                raise
            container = self._connect(address, "video")
            reason = self._sentence(error, f"asking {self.description} for its sound")
            self._pending.append(SoundTrouble(0, True, str(reason)))
            return container

    def _better(self, error: Exception) -> Exception:
        """The relay's reason for the end of the connection, if it has one, instead of FFmpeg's."""
        failure = None if self._relay is None else self._relay.failure
        return error if failure is None else failure

    def _sentence(self, error: Exception, doing: str) -> SourceError:
        if isinstance(error, SourceError):
            return error
        if isinstance(error, ProtocolError):
            return SourceLost(f"While {doing}, {error}.")
        if isinstance(error, av.error.FFmpegError):
            return sentence(error, self._settings.source, doing)
        return lost(error, self._settings.source, doing)

    def _connect(self, address: CameraAddress, media: str) -> InputContainer:
        begun_ns = self._clock.monotonic_ns()
        self._relay = relay = RtspRelay(address, self._settings.open_timeout_s)
        connected_s = (self._clock.monotonic_ns() - begun_ns) / NS_PER_S
        left_s = max(_LEAST_OPEN_S, self._settings.open_timeout_s - connected_s)
        # RTP in UDP packets would not be encrypted.
        is_udp = self._settings.rtsp_transport == "udp" and not address.is_encrypted
        try:
            return self._open(relay.url, media, "udp" if is_udp else "tcp", left_s)
        except _LIBRARY_ERRORS as error:
            relay.close()
            raise self._better(error) from None

    def _open(self, url: str, media: str, transport: str, timeout_s: float) -> InputContainer:
        options = {
            "rtsp_transport": transport,
            "allowed_media_types": media,
            "protocol_whitelist": _PROTOCOLS,
            # Parameter sets come from the SDP or the stream itself, so probing only determines the codec; the
            # defaults would delay the first five seconds.
            "analyzeduration": "500000",
            "probesize": "500000",
            "fpsprobesize": "0",
            # Probing decodes in this process: a camera's claim must not decide how much memory is allocated.
            "max_pixels": str(MOST_PIXELS),
        }
        return av.open(
            url,
            format="rtsp",
            options=options,
            timeout=(timeout_s, self._settings.read_timeout_s),
        )
