"""Probes and opens this machine's H.264 encoders, each at constant quality.

Here: opening an encoder, and the probe that distinguishes a working encoder from one that is merely listed.
Not here: encoding pictures (`pipeline`), running the probe (`transcoder`). Blocking. Run the probe only in a
worker process: a crashing driver kills its process.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av
import av.error
import numpy as np
from av.video.frame import PictureType

from recorder.base.errors import FinishFailed
from recorder.base.media_time import TICKS_PER_S

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

SOFTWARE = "libx264"
IN_ORDER = ("h264_v4l2m2m", "h264_qsv", "h264_nvenc", "h264_amf", SOFTWARE)
"""Hardware first, which leaves the CPU to the buffers. Software last, because it always works."""

_GOP_S, _LIVE_GOP_S = 2, 1
_TRUE_RATE = "force-cfr=1"
"""Makes libx264 write the frame rate into the SPS, not that of the time base. GStreamer (WebKitGTK) takes
each frame's length from there, not from the MP4: if that is too short, a seek shows the next frame."""
_LARGE_PX = 1920 * 1088
_PROBE_SIZE = (640, 384)
_PROBE_FRAMES = 12
_PROBE_LUMA = (40, 200)
_PROBE_TOLERANCE = 12


@dataclass(frozen=True, slots=True)
class Colours:
    """Matrix, primaries and transfer as in ITU-T H.273; 2 means unspecified. The range is always limited."""

    matrix: int = 2
    primaries: int = 2
    transfer: int = 2


@dataclass(frozen=True, slots=True)
class TrackMatch:
    """Constraints on pictures that share a track with the camera's own; only libx264 can meet them."""

    set_number: int
    """Id of their SPS and PPS, which the camera's pictures do not use."""
    profile: str
    level: str | None
    full_range: bool
    aspect: Fraction
    """Sample aspect ratio."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """Parameters of an encoder. Width and height are even."""

    width: int
    height: int
    fps: float
    colours: Colours = Colours()
    threads: int = 2
    live: bool = False
    """For buffers and viewers: one second between keyframes, and no delay of frames."""
    match: TrackMatch | None = None


def pixel_format(encoder: str) -> str:
    """The pixel format of the encoder's input."""
    return "nv12" if encoder == "h264_qsv" else "yuv420p"


def open_encoder(name: str, encoding: Encoding) -> "VideoCodecContext":
    """Open an encoder at constant quality, without B-frames, with a 90 kHz time base. Raises FinishFailed.

    B-frames would save a tenth of the bytes, but packets would no longer leave in the order of the frames,
    and each packet takes its time from its frame.
    """
    try:
        codec = cast("VideoCodecContext", av.CodecContext.create(name, "w"))
        codec.width, codec.height = encoding.width, encoding.height
        codec.pix_fmt = pixel_format(name)
        codec.time_base = Fraction(1, TICKS_PER_S)
        codec.framerate = Fraction(encoding.fps).limit_denominator(1001)
        codec.gop_size = max(1, round(encoding.fps * (_LIVE_GOP_S if encoding.live else _GOP_S)))
        codec.max_b_frames = 0
        codec.thread_count = encoding.threads
        codec.color_range = 1
        codec.colorspace = encoding.colours.matrix
        codec.color_primaries = encoding.colours.primaries
        codec.color_trc = encoding.colours.transfer
        codec.options = _quality(name, encoding)
        if encoding.match is not None:
            _match_track(codec, encoding.match)
        if name == "h264_v4l2m2m":  # knows bit rates only
            codec.bit_rate = round(encoding.width * encoding.height * encoding.fps * 0.12)
        codec.open(strict=False)
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise FinishFailed(f"The encoder {name} cannot be opened.") from error
    return codec


def probe(name: str) -> str:
    """Why the encoder does not work here; empty if it does. Encodes a few frames and decodes them again."""
    try:
        lumas = _shown(_probe_packets(name))
    except (FinishFailed, av.error.FFmpegError, ValueError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return reason or type(error).__name__
    wanted = [_probe_luma(number) for number in range(_PROBE_FRAMES)]
    if len(lumas) != len(wanted):
        return f"It returned {len(lumas)} of {len(wanted)} frames."
    if any(abs(seen - luma) > _PROBE_TOLERANCE for seen, luma in zip(lumas, wanted, strict=True)):
        return "Its pictures are not those it was given."
    return ""


def _match_track(codec: "VideoCodecContext", match: TrackMatch) -> None:
    codec.pix_fmt = "yuvj420p" if match.full_range else "yuv420p"
    codec.color_range = 2 if match.full_range else 1
    codec.sample_aspect_ratio = match.aspect
    options = {"x264-params": f"{_TRUE_RATE}:sps-id={match.set_number}", "profile": match.profile}
    codec.options = codec.options | options | ({} if match.level is None else {"level": match.level})


def _quality(name: str, encoding: Encoding) -> dict[str, str]:
    match name:
        case "libx264":
            # Measured with JPEG input on two cores: up to 1080p superfast is the slowest preset that meets
            # the time limits; above, only ultrafast does.
            large = encoding.width * encoding.height > _LARGE_PX
            chosen = {"preset": "ultrafast" if large else "superfast", "crf": "21"}
            chosen |= {"x264-params": _TRUE_RATE}
            return chosen | {"tune": "zerolatency"} if encoding.live else chosen
        case "h264_qsv":
            return {"global_quality": "23"}
        case "h264_nvenc":
            chosen = {"rc": "vbr", "cq": "23", "b": "0", "preset": "p4"}
            return chosen | {"delay": "0"} if encoding.live else chosen
        case "h264_amf":
            return {"rc": "cqp", "qp_i": "22", "qp_p": "24"}
        case _:
            return {}


def _probe_luma(number: int) -> int:
    return _PROBE_LUMA[number % 2]


def _probe_packets(name: str) -> list[bytes]:
    width, height = _PROBE_SIZE
    codec = open_encoder(name, Encoding(width, height, 30.0))
    packets = []
    for number in range(_PROBE_FRAMES):
        packets += codec.encode(_probe_frame(number, pixel_format(name)))
    packets += codec.encode(None)
    if [packet.pts for packet in packets] != [number * 3000 for number in range(_PROBE_FRAMES)]:
        raise FinishFailed("It changes the order or the times of the frames.")
    return [bytes(packet) for packet in packets]


def _probe_frame(number: int, format_name: str) -> "VideoFrame":
    width, height = _PROBE_SIZE
    picture = np.full((height * 3 // 2, width), 128, np.uint8)
    picture[:height] = _probe_luma(number)
    frame = av.VideoFrame.from_ndarray(picture, format="yuv420p").reformat(format=format_name)
    frame.pts, frame.time_base = number * 3000, Fraction(1, TICKS_PER_S)
    frame.pict_type = PictureType.NONE
    return frame


def _shown(packets: list[bytes]) -> list[float]:
    decoder = av.CodecContext.create("h264", "r")
    frames = [frame for data in packets for frame in decoder.decode(av.Packet(data))]
    frames += decoder.decode(None)
    height = _PROBE_SIZE[1]
    return [float(frame.to_ndarray(format="yuv420p")[:height].mean()) for frame in frames]
