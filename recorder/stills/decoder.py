"""Decodes access units and finished files into pictures.

Here: exactly one decoded frame at a time, as BGR. Not here: scaling and JPEG (`thumbnail`), processes
(`workers`). Blocking and CPU-heavy: run it in a worker process, never on the loop or a capture thread.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import av.error
import cv2
import numpy as np
import numpy.typing as npt

from recorder.base.errors import DecodeFailed
from recorder.base.media_time import NS_PER_S
from recorder.base.own_files import open_own
from recorder.base.settings import MOST_PIXELS
from recorder.bitstream import h264, jpeg
from recorder.bitstream.access_unit import AccessUnit, Codec
from recorder.bitstream.self_contained import self_contained
from recorder.stills.frame_choice import Choice, FileUnit, choose

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

Picture = npt.NDArray[np.uint8]

_NS = Fraction(1, NS_PER_S)
# Browsers truncate a frame's time to microseconds and floats are inexact; both still mean that frame.
_TOLERANCE = Fraction(2, 1_000_000)
_BEFORE_EVERYTHING = -(1 << 40)


def decode_frame(units: Sequence[AccessUnit], pts_ns: int) -> tuple[Picture, int]:
    """The frame shown at `pts_ns` (the latest not after it, else the first) and its own pts_ns.

    `units` are in decode order, start with a keyframe and include all references of the frame; other units
    are skipped if that is safe. Costs decoding the references. Raises DecodeFailed.
    """
    if not units or not units[0].is_keyframe:
        raise DecodeFailed("Decoding must begin with a keyframe.")
    earlier = [unit.pts_ns for unit in units if unit.pts_ns <= pts_ns]
    wanted_ns = max(earlier) if earlier else min(unit.pts_ns for unit in units)
    if units[0].epoch.codec is Codec.MJPEG:
        return decode_jpeg_bytes(next(unit.data for unit in units if unit.pts_ns == wanted_ns)), wanted_ns
    try:
        frame = _decode_until(units, wanted_ns)
    except (av.error.FFmpegError, ValueError) as error:
        raise DecodeFailed("The picture is damaged.") from error
    if frame is None:
        raise DecodeFailed("The picture could not be decoded from what the camera sent.")
    return _bgr(frame), wanted_ns


def decode_jpeg_bytes(data: bytes) -> Picture:
    """A camera's JPEG as BGR (full range, as in JPEG). Raises DecodeFailed."""
    shape = jpeg.layout(data)
    # A kilobyte can claim a billion pixels and block the worker for all other pictures.
    if shape is not None and shape.width * shape.height > MOST_PIXELS:
        raise DecodeFailed(f"The picture claims to be {shape.width}x{shape.height}, which no camera sends.")
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise DecodeFailed("The picture is damaged.") from error
    if picture is None:
        raise DecodeFailed("The picture is damaged.")
    return picture.astype(np.uint8, copy=False)


def decode_keyframe(unit: AccessUnit) -> Picture:
    """The picture of a keyframe alone. Raises DecodeFailed."""
    return decode_frame((unit,), unit.pts_ns)[0]


def turned(picture: Picture, rotation_deg: int) -> Picture:
    """`picture` rotated clockwise by a multiple of 90 degrees."""
    match rotation_deg:
        case 90:
            return cv2.rotate(picture, cv2.ROTATE_90_CLOCKWISE).astype(np.uint8, copy=False)
        case 180:
            return cv2.rotate(picture, cv2.ROTATE_180).astype(np.uint8, copy=False)
        case 270:
            return cv2.rotate(picture, cv2.ROTATE_90_COUNTERCLOCKWISE).astype(np.uint8, copy=False)
    return picture


def frame_from_file(path: Path, time_s: float | None) -> tuple[Picture, float]:
    """The frame a finished clip shows at `time_s` (None: its middle; clamped to the clip) and its media time.

    Raises DecodeFailed.
    """
    with _opened(path) as container:
        return _frame_at(container, container.streams.video[0], time_s)


def frame_extent(path: Path, time_s: float) -> tuple[int, int]:
    """The byte range (end exclusive) of a finished clip that decoding its frame at `time_s` needs.

    `path` must hold the bytes before the media; the rest may be a hole. Raises DecodeFailed.
    """
    # No parser: it would not recognise a keyframe in a hole.
    with _opened(path, {"fflags": "noparse"}) as container:
        stream = container.streams.video[0]
        choice, _ = _chosen(container, stream, time_s)
        ranges = [
            (p.pos, p.pos + p.size) for p in _until_shown(container, stream, choice) if p.pos is not None
        ]
        if not ranges:
            raise DecodeFailed("The clip does not tell where its frames are.")
        return min(first for first, _ in ranges), max(end for _, end in ranges)


@contextmanager
def _opened(path: Path, options: dict[str, str] | None = None) -> "Iterator[InputContainer]":
    try:
        with open_own(path) as file, av.open(file, "r", format="mp4", options=options or {}) as container:
            if not container.streams.video:
                raise DecodeFailed("The file holds no video.")
            yield container
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise DecodeFailed("The clip could not be decoded.") from error


def _decode_until(units: Sequence[AccessUnit], wanted_ns: int) -> "VideoFrame | None":
    codec = units[0].epoch.codec
    decoder = _video_decoder(codec)
    for index, unit in enumerate(units):
        # H.265 marks non-references only within a sub-layer, so no unit is safe to skip.
        if codec is Codec.H264 and unit.pts_ns != wanted_ns and not _is_reference(unit.data):
            continue
        packet = av.Packet(self_contained(unit) if index == 0 else unit.data)
        packet.time_base, packet.pts = _NS, unit.pts_ns
        for frame in decoder.decode(packet):
            if frame.pts == wanted_ns:
                return frame
    for frame in decoder.decode(None):
        if frame.pts == wanted_ns:
            return frame
    return None


def _video_decoder(codec: Codec) -> "VideoCodecContext":
    decoder = av.CodecContext.create("hevc" if codec is Codec.H265 else "h264", "r")
    if not isinstance(decoder, av.VideoCodecContext):
        raise DecodeFailed(f"There is no decoder of {codec.value} here.")
    decoder.options = {"max_pixels": str(MOST_PIXELS)}
    return decoder


def _is_reference(data: bytes) -> bool:
    """Whether later pictures may refer to this one: nal_ref_idc of a slice is not 0 (7.4.1)."""
    slices = [nal for nal in h264.split_nal_units(data) if 1 <= h264.nal_type(nal) <= 5]
    return any(nal[0] & 0x60 for nal in slices)


def _frame_at(
    container: "InputContainer", stream: "VideoStream", time_s: float | None
) -> tuple[Picture, float]:
    choice, time_base = _chosen(container, stream, time_s)
    found = _decoded(container, stream, choice)
    if found is None:
        raise DecodeFailed("The frame could not be decoded.")
    # Players rotate by the file's matrix; FFmpeg reports the angle counterclockwise.
    return turned(_bgr(found), -found.rotation % 360), float(choice.pts * time_base)


def _chosen(
    container: "InputContainer", stream: "VideoStream", time_s: float | None
) -> tuple[Choice, Fraction]:
    time_base = stream.time_base
    if time_base is None:
        raise DecodeFailed("The file tells no time base.")
    wanted = (stream.duration or 0) * time_base / 2 if time_s is None else Fraction(time_s)
    wanted_ticks = int((max(wanted, Fraction(0)) + _TOLERANCE) / time_base)
    choice = _choice(container, stream, wanted_ticks)
    if choice is None:
        raise DecodeFailed("The clip shows no frame.")
    return choice, time_base


def _choice(container: "InputContainer", stream: "VideoStream", wanted_ticks: int) -> Choice | None:
    # FFmpeg seeks by DTS, so it may land on a keyframe shown after the wanted frame.
    for start in (wanted_ticks, None):
        if start is None:
            container.seek(_BEFORE_EVERYTHING, stream=stream, backward=False)
        else:
            container.seek(start, stream=stream)
        if (choice := choose(_units(container, stream), wanted_ticks)) is not None:
            return choice
    return None


def _units(container: "InputContainer", stream: "VideoStream") -> Iterator[FileUnit]:
    for packet in container.demux(stream):
        if packet.pts is not None and packet.dts is not None:
            yield FileUnit(packet.pts, packet.dts, packet.is_keyframe, packet.is_discard)


def _decoded(container: "InputContainer", stream: "VideoStream", choice: Choice) -> "VideoFrame | None":
    stream.thread_type = "AUTO"
    decoder = stream.codec_context
    for packet in _until_shown(container, stream, choice):
        # A GOP may last ten seconds; pictures without references to them need not be decoded.
        decoder.skip_frame = "DEFAULT" if packet.pts == choice.pts else "NONREF"
        for frame in packet.decode():
            if frame.pts == choice.pts:
                return frame
    # Its references precede it in decode order, so no more packets are needed.
    return next((frame for frame in decoder.decode(None) if frame.pts == choice.pts), None)


def _until_shown(
    container: "InputContainer", stream: "VideoStream", choice: Choice
) -> "Iterator[av.Packet[VideoStream]]":
    """The packets needed to decode the chosen frame, ending with its own."""
    container.seek(choice.from_dts, stream=stream)
    for packet in container.demux(stream):
        if packet.size:
            yield packet
        if packet.pts == choice.pts:
            return


def _bgr(frame: "VideoFrame") -> Picture:
    return frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False)
