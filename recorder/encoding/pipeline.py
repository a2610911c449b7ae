"""Decodes, colour-converts, rotates and encodes pictures of any codec to H.264.

Here: units to frames in presentation order, and frames to units; each keeps the time of its source. Not here:
opening an encoder (`encoder`), which frames a clip shows (`transcode_job`, `clean_copy`), a camera's queue
and thread (`ingest_encoder`). Blocking; each object belongs to the thread that created it.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol, cast

import av
import av.error
import cv2
import numpy as np
from av.video.frame import PictureType
from av.video.reformatter import VideoReformatter

from recorder.base.errors import FinishFailed
from recorder.base.media_time import NS_PER_S, TICKS_PER_S, ticks
from recorder.bitstream import h264
from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch
from recorder.bitstream.self_contained import self_contained
from recorder.encoding.encoder import Colours

if TYPE_CHECKING:
    import numpy.typing as npt
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

_DECODERS = {Codec.H264: "h264", Codec.H265: "hevc", Codec.MJPEG: "mjpeg"}
_NS = Fraction(1, NS_PER_S)
_TICK = Fraction(1, TICKS_PER_S)
_FULL_RANGE, _LIMITED_RANGE = 2, 1
# JFIF: BT.601 matrix, full range, and the primaries and transfer of sRGB (H.273 values). Without primaries
# and transfer, browsers assume those of the matrix and show slightly wrong colours.
JPEG_COLOURS = Colours(matrix=6, primaries=1, transfer=13)
_TURNS = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}
# Tables instead of FFmpeg's scaler, which rounds chroma up: half a level, visible as two in blue.
_LIMITED_LUMA = np.round(16 + np.arange(256) * 219 / 255).astype(np.uint8)
_LIMITED_CHROMA = np.round(128 + (np.arange(256) - 128) * 224 / 255).astype(np.uint8)
_MOST_THREADS = 4


class SpanUnits(Protocol):
    """The units of a span in decode order, as `mp4.span_cut` yields them."""

    @property
    def last_pts_ns(self) -> int:
        """PTS of the last shown frame; final after the last unit."""

    def __iter__(self) -> Iterator[AccessUnit]: ...


@dataclass(slots=True)
class ShownFrame:
    """A decoded frame with the time and run of its unit."""

    frame: "VideoFrame"
    pts_ns: int
    run: int
    duration_ns: int
    follows: bool
    """False if units before it are missing."""


class FrameDecoder:
    """Decodes units into frames in presentation order; undecodable units are counted and skipped."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self.damaged = 0

    def frames(self, units: SpanUnits) -> Iterator[ShownFrame]:
        decoder: VideoCodecContext | None = None
        waiting: dict[int, tuple[AccessUnit, bool]] = {}
        run, sequence = -1, -1
        for unit in units:
            if decoder is None or unit.run != run:
                # A reused decoder would carry references and picture counts across the outage.
                yield from self._decoded(decoder, None, waiting)
                decoder, run = self._open(), unit.run
                data = self_contained(unit)
            else:
                data = unit.data
            waiting[unit.pts_ns] = unit, unit.sequence == sequence + 1
            sequence = unit.sequence
            packet: av.Packet[Any] = av.Packet(data)
            packet.pts, packet.time_base = unit.pts_ns, _NS
            yield from self._decoded(decoder, packet, waiting)
        # Frames after `last_ns` follow pictures that an interrupted recording lacks; only the flush outputs
        # them.
        last_ns = units.last_pts_ns
        yield from (item for item in self._decoded(decoder, None, waiting) if item.pts_ns <= last_ns)

    def _decoded(
        self,
        decoder: "VideoCodecContext | None",
        packet: "av.Packet[Any] | None",
        waiting: dict[int, tuple[AccessUnit, bool]],
    ) -> Iterator[ShownFrame]:
        if decoder is None:
            return
        try:
            frames = decoder.decode(packet)
        except av.error.FFmpegError:
            frames = []
        for frame in frames:
            unit, follows = waiting.pop(frame.pts or 0, (None, True))
            if unit is not None:
                yield ShownFrame(frame, unit.pts_ns, unit.run, unit.duration_ns, follows)
        if packet is None or self._codec is Codec.MJPEG:
            self.damaged += len(waiting)
            waiting.clear()

    def _open(self) -> "VideoCodecContext":
        decoder = cast("VideoCodecContext", av.CodecContext.create(_DECODERS[self._codec], "r"))
        if self._codec is Codec.MJPEG:
            decoder.thread_count = 1  # no delay, and the encoder uses the other cores
        else:
            decoder.thread_count, decoder.thread_type = min(_MOST_THREADS, os.cpu_count() or 1), "AUTO"
        return decoder


class Upright:
    """Converts frames of any format and range for the encoder: limited range, even size, rotated."""

    def __init__(self, rotation_deg: int, format_name: str) -> None:
        self._turn = _TURNS.get(rotation_deg)
        self._format = format_name
        self._to_planar, self._to_format = VideoReformatter(), VideoReformatter()
        self._size: tuple[int, int] | None = None

    def upright(self, frame: "VideoFrame") -> "VideoFrame":
        """A converted copy, scaled to the size of the first frame and rotated."""
        if self._size is None:
            self._size = (max(2, frame.width & ~1), max(2, frame.height & ~1))
        is_full = frame.format.name.startswith("yuvj") or frame.color_range == _FULL_RANGE
        color_range = _FULL_RANGE if is_full else _LIMITED_RANGE
        made = self._to_planar.reformat(
            frame,
            *self._size,
            "yuvj420p" if is_full else "yuv420p",
            src_color_range=color_range,
            dst_color_range=color_range,
            threads=1,  # slice threads cost more than they gain (measured)
        )
        if is_full or self._turn is not None:
            made = av.VideoFrame.from_ndarray(self._planes(made.to_ndarray(), is_full), format="yuv420p")
        if made.format.name != self._format:
            made = self._to_format.reformat(made, format=self._format, threads=1)
        return made

    def _planes(self, i420: "npt.NDArray[Any]", is_full: bool) -> "npt.NDArray[np.uint8]":
        height, width = i420.shape[0] * 2 // 3, i420.shape[1]
        if is_full:
            i420[:height] = cv2.LUT(i420[:height], _LIMITED_LUMA)
            i420[height:] = cv2.LUT(i420[height:], _LIMITED_CHROMA)
        if self._turn is None:
            return i420
        chroma = i420[height:].reshape(2, height // 2, width // 2)
        planes = [cv2.rotate(plane, self._turn) for plane in (i420[:height], *chroma)]
        turned_width = planes[0].shape[1]
        return np.concatenate([plane.reshape(-1, turned_width) for plane in planes]).astype(
            np.uint8, copy=False
        )


def encode_frames(
    shown: Iterable[ShownFrame],
    prepare: "Callable[[VideoFrame], VideoFrame]",
    open_for: "Callable[[VideoFrame, ShownFrame], VideoCodecContext]",
) -> Iterator[AccessUnit]:
    """Encode frames as H.264 units in the given order, each with the times of its source."""
    under_way: deque[tuple[int, ShownFrame]] = deque()
    encoder: VideoCodecContext | None = None
    finished = EncodedUnits(under_way)
    last_tick = -1
    first_ns = 0
    for item in shown:
        frame = prepare(item.frame)
        if encoder is None:
            first_ns = item.pts_ns
            encoder = open_for(frame, item)
            finished.size = (frame.width, frame.height)
        tick = max(last_tick + 1, ticks(item.pts_ns - first_ns))
        last_tick = tick
        frame.pts, frame.time_base, frame.pict_type = tick, _TICK, PictureType.NONE
        under_way.append((tick, item))
        yield from finished.from_packets(encoder.encode(frame), encoder)
    if encoder is not None:
        yield from finished.from_packets(encoder.encode(None), encoder)


@dataclass(slots=True)
class EncodedUnits:
    """Converts encoder packets to units, each with the time of its frame."""

    under_way: deque[tuple[int, ShownFrame]]
    size: tuple[int, int] = (0, 0)
    _epoch: Epoch | None = None
    _sequence: int = 0

    def from_packets(
        self, packets: "Iterable[av.Packet[av.VideoStream]]", encoder: "VideoCodecContext"
    ) -> Iterator[AccessUnit]:
        for packet in packets:
            tick, item = self.under_way.popleft()
            if packet.pts != tick:
                raise FinishFailed("The encoder changed the order or the times of the frames.")
            data = bytes(packet)
            if self._epoch is None:
                sets = h264.parameter_sets(data) or bytes(encoder.extradata or b"")
                self._epoch = Epoch(Codec.H264, *self.size, sets)
            # `SpanCut` treats a skipped sequence number as missing units and declares the gap.
            self._sequence += 1 if item.follows else 2
            yield AccessUnit(
                sequence=self._sequence,
                run=item.run,
                epoch=self._epoch,
                is_keyframe=packet.is_keyframe,
                pts_ns=item.pts_ns,
                dts_ns=item.pts_ns,
                duration_ns=item.duration_ns,
                data=data,
            )
