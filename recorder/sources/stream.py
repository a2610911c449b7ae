"""A network camera, by RTSP or RTSPS: its packets as they come, never decoded.

Not here: reconnecting and the watchdog's verdicts (`background_stream`), times (`timeline`). PyAV has
no cancel: the read timeout is the longest that stopping can take.
"""

import threading
from collections.abc import Generator, Iterator

import av
import av.error
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from recorder.access_unit import SourceUnit
from recorder.clock import Clock
from recorder.errors import SourceLost, SourceUnsupported
from recorder.settings import NS_PER_S, CameraSettings
from recorder.sources.bitstream import MOST_PROBED_PIXELS, UnitAssembler, codec_of, sentence
from recorder.sources.source import redact

# Without this list FFmpeg follows a camera's redirect into files and other protocols of this host.
_PROTOCOLS = "rtsp,rtp,udp,tcp,tls,srtp"
_LIBRARY_ERRORS = (av.error.FFmpegError, OSError, ValueError)


class StreamSource:
    """One connection to one RTSP camera."""

    def __init__(self, settings: CameraSettings, clock: Clock, stop: threading.Event) -> None:
        self._settings = settings
        self._clock = clock
        self._stop = stop
        self._container: InputContainer | None = None
        self._packets: Iterator[Packet[VideoStream]] = iter(())
        self._assembler = UnitAssembler(clock)
        self._went_silent = False

    @property
    def description(self) -> str:
        """The camera's address without credentials."""
        return redact(self._settings.source)

    @property
    def damaged(self) -> int:
        """See `Source.damaged`."""
        return self._assembler.damaged

    def open(self) -> None:
        """Connect, and read until the codec is known; takes up to twice the open timeout."""
        address, doing = self._settings.source, f"connecting to {self.description}"
        try:
            self._container = self._connect()
        except _LIBRARY_ERRORS as error:
            # Not chained: the original's text holds the whole address with its password.
            raise sentence(error, address, doing) from None
        streams = self._container.streams.video
        if not streams:
            msg = f"{self.description} sends no video; check the path of the stream."
            raise SourceUnsupported(msg)
        extradata = streams[0].codec_context.extradata or b""
        self._assembler = UnitAssembler(self._clock, codec_of(streams[0]), extradata)
        self._packets = self._container.demux(streams[0])

    def read(self) -> list[SourceUnit]:
        """The unit of the next packet, if it completes one."""
        if self._stop.is_set():
            return []
        doing = f"reading from {self.description}"
        if self._went_silent:
            msg = f"While {doing}, the camera did not answer in time."
            raise SourceLost(msg)
        begun_ns = self._clock.monotonic_ns()
        try:
            packet = next(self._packets, None)
        except _LIBRARY_ERRORS as error:
            raise sentence(error, self._settings.source, doing) from None
        # A read that times out first yields the unit FFmpeg's parser still held, as if nothing had
        # happened; waiting for the error itself would take the timeout a second time.
        waited_s = (self._clock.monotonic_ns() - begun_ns) / NS_PER_S
        self._went_silent = waited_s >= 0.98 * self._settings.read_timeout_s
        if packet is None:
            msg = f"While {doing}, the camera ended the connection."
            raise SourceLost(msg)
        return self._assembler.take(packet)

    def close(self) -> None:
        """Say goodbye to the camera and free the container (it sits in a reference cycle)."""
        packets, self._packets = self._packets, iter(())
        if isinstance(packets, Generator):
            packets.close()
        container, self._container = self._container, None
        if container is not None:
            container.close()

    def _connect(self) -> InputContainer:
        settings = self._settings
        options = {
            "rtsp_transport": "udp" if settings.rtsp_transport == "udp" else "tcp",
            "allowed_media_types": "video",
            "protocol_whitelist": _PROTOCOLS,
            # Parameter sets come from the SDP or the stream itself, so probing needs to learn nothing
            # but the codec; the defaults would hold back the first five seconds.
            "analyzeduration": "500000",
            "probesize": "500000",
            "fpsprobesize": "0",
            # Probing decodes, in this process; what a camera claims must not decide how much memory that is.
            "max_pixels": str(MOST_PROBED_PIXELS),
        }
        return av.open(
            settings.source,
            format="rtsp",
            options=options,
            timeout=(settings.open_timeout_s, settings.read_timeout_s),
        )
