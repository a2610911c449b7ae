"""Converts PyAV packets to source units and FFmpeg errors to sentences, for all PyAV sources.

PyAV packets stay inside this package; units hold copies of the bytes. Used by the capture thread alone.
"""

import socket
from fractions import Fraction
from typing import Protocol, assert_never

import av
import av.error
import av.logging
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from recorder.base.clock import Clock
from recorder.base.errors import SourceError, SourceLost, SourceUnsupported
from recorder.base.media_time import NS_PER_S
from recorder.base.redaction import scrub
from recorder.bitstream import h264, h265, jpeg
from recorder.bitstream.access_unit import Codec, Epoch, SourceUnit

# FFmpeg's log contains whole addresses, and its callback can deadlock with the GIL.
av.logging.set_level(None)

_NS = Fraction(1, NS_PER_S)
_CODECS = {"h264": Codec.H264, "hevc": Codec.H265, "mjpeg": Codec.MJPEG}


class _Tracker(Protocol):
    """Assembles units from packets; see `ParameterSetTracker`."""

    @property
    def parameter_sets(self) -> bytes: ...
    @property
    def size(self) -> tuple[int, int]: ...
    @property
    def damaged(self) -> int: ...
    @property
    def starts_decoding(self) -> bool: ...
    def feed(self, data: bytes) -> bytes | None: ...


class JpegTracker:
    """The tracker for MJPEG: each packet is a complete JPEG, or damaged and dropped."""

    parameter_sets = b""
    starts_decoding = True

    def __init__(self) -> None:
        self.size = (0, 0)
        self.damaged = 0

    def feed(self, data: bytes) -> bytes | None:
        """The picture with all its tables; None if it is incomplete."""
        found = jpeg.layout(data)
        if found is None:
            self.damaged += 1
            return None
        self.size = (found.width, found.height)
        return jpeg.self_contained(data, found)


class UnitAssembler:
    """Assembles source units from the packets of one stream. One connection, one thread."""

    def __init__(self, clock: Clock, codec: Codec = Codec.H264, out_of_band: bytes = b"") -> None:
        """`out_of_band`: Annex B parameter sets from the stream's description, if any."""
        self._clock = clock
        self._tracker = _tracker_of(codec, out_of_band)
        self._epoch = Epoch(codec, 0, 0, b"")
        self._held_times: tuple[int | None, int | None] = (None, None)
        self._empty = 0
        self._last_arrival_ns = 0
        self._time_base: Fraction | None = None

    @property
    def damaged(self) -> int:
        """Empty packets, unreadable parameter sets, and keyframes whose parameter sets are unknown."""
        return self._empty + self._tracker.damaged

    def take(self, packet: "Packet[VideoStream]", shift: int = 0) -> list[SourceUnit]:
        """The unit that `packet` completes, if any; `shift` is added to its times, in their time base.

        No unit is a keyframe before the first parameter sets, so the timeline drops and counts them.
        """
        arrival_ns = self._clock.monotonic_ns()
        if packet.size == 0:  # a damaged frame, or (without times) the demuxer's flush at the end
            self._empty += packet.pts is not None or packet.dts is not None
            return []
        data = self._tracker.feed(bytes(packet))
        pts, dts = self._times_of(packet, holds_picture=data is not None)
        if data is None:
            return []
        stamps = (None if pts is None else pts + shift, None if dts is None else dts + shift)
        return [self._unit(data, stamps, self._time_base_of(packet), packet.duration or 0, arrival_ns)]

    def take_picture(self, data: bytes) -> list[SourceUnit]:
        """The unit of a whole picture without timestamps: its arrival time is its PTS."""
        arrival_ns = self._clock.monotonic_ns()
        self._last_arrival_ns = max(arrival_ns, self._last_arrival_ns + 1)
        whole = self._tracker.feed(data)
        if whole is None:
            return []
        stamps = (self._last_arrival_ns, self._last_arrival_ns)
        return [self._unit(whole, stamps, _NS, 0, arrival_ns)]

    def _unit(
        self,
        data: bytes,
        stamps: tuple[int | None, int | None],
        time_base: Fraction,
        duration: int,
        arrival_ns: int,
    ) -> SourceUnit:
        sets_known = self._tracker.size != (0, 0)
        return SourceUnit(
            data=data,
            epoch=self._current_epoch(),
            is_keyframe=sets_known and self._tracker.starts_decoding,
            pts=stamps[0],
            dts=stamps[1],
            time_base=time_base,
            duration=duration,
            arrival_ns=arrival_ns,
        )

    def _time_base_of(self, packet: "Packet[VideoStream]") -> Fraction:
        # A stream has one time base; reading it from every packet would build a fraction each time.
        if self._time_base is None:
            self._time_base = Fraction(packet.time_base.numerator, packet.time_base.denominator)
        return self._time_base

    def _times_of(
        self, packet: "Packet[VideoStream]", *, holds_picture: bool
    ) -> tuple[int | None, int | None]:
        # Parameter sets in a separate packet carry the time of their picture, and some demuxers then leave
        # the picture without one.
        held_pts, held_dts = self._held_times
        pts = held_pts if packet.pts is None else packet.pts
        dts = held_dts if packet.dts is None else packet.dts
        self._held_times = (None, None) if holds_picture else (pts, dts)
        return pts, dts

    def _current_epoch(self) -> Epoch:
        epoch, sets, (width, height) = self._epoch, self._tracker.parameter_sets, self._tracker.size
        if epoch.parameter_sets != sets or epoch.width != width or epoch.height != height:
            self._epoch = epoch = Epoch(epoch.codec, width, height, sets)
        return epoch


def _tracker_of(codec: Codec, out_of_band: bytes) -> _Tracker:
    match codec:
        case Codec.H264:
            return h264.ParameterSetTracker(out_of_band)
        case Codec.H265:
            return h265.ParameterSetTracker(out_of_band)
        case Codec.MJPEG:
            return JpegTracker()
        case _:
            assert_never(codec)


def codec_of(stream: VideoStream) -> Codec:
    """The codec of the stream. Raises SourceUnsupported, naming the camera's encoding."""
    # FFmpeg lists video it cannot decode, without a codec context.
    context: VideoCodecContext | None = getattr(stream, "codec_context", None)
    name = "" if context is None else context.name
    codec = _CODECS.get(name)
    if codec is None:
        kind = name.upper() or "something unknown"
        msg = f"The video is encoded as {kind}; set the camera to H.264 (or H.265, or MJPEG)."
        raise SourceUnsupported(msg)
    return codec


def sentence(error: Exception, address: str, doing: str) -> SourceError:
    """The SourceError for FFmpeg's `error` while `doing` ("opening …"). Contains no credentials.

    Raise it `from None`: the text of the original contains the whole address.
    """
    reason = _REASONS.get(type(error))
    if reason is None:
        text = getattr(error, "strerror", None) or type(error).__name__
        reason = f"it failed ({scrub(str(text), address)})"
    return SourceLost(f"While {doing}, {reason}.")


_REASONS: dict[type[Exception], str] = {
    av.error.ExitError: "the camera did not answer in time",
    av.error.TimeoutError: "the camera did not answer in time",
    av.error.EOFError: "the camera ended the connection",
    av.error.ConnectionRefusedError: "the connection was refused; check that it is on and the port right",
    av.error.ConnectionResetError: "the camera broke the connection",
    av.error.BrokenPipeError: "the camera broke the connection",
    av.error.HTTPUnauthorizedError: "the camera refused the user name or password",
    av.error.HTTPForbiddenError: "the camera forbids this user to watch this stream",
    av.error.HTTPNotFoundError: "the camera knows no stream of this path",
    av.error.InvalidDataError: "the camera sent something that is no video stream, or stopped half-way",
    av.error.FileNotFoundError: "there is no such file",
    socket.gaierror: "the camera's name could not be resolved",
}
