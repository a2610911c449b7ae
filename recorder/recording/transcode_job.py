"""A part file to a finished H.264 MP4: what runs in the worker process, also while the part file grows.

Here: decode, choose the frames of the span, right the colours, turn, encode. Not here: cutting and writing
(`muxer`: what comes out of here are access units like a camera's), encoders (`encoder`), processes and
retries (`transcoder`). Blocking; one job per process at a time.

Every frame keeps its own time: what goes into the muxer carries the `pts_ns` and the run of the unit it was
decoded from, so spans, held frames and gaps are those of a remux.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import av
import av.error
import cv2
import numpy as np
from av.video.frame import PictureType
from av.video.reformatter import VideoReformatter

from recorder.base.errors import FinishFailed
from recorder.base.media_time import NS_PER_S, TICKS_PER_S, ticks
from recorder.base.workers import Report
from recorder.bitstream import h264
from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch
from recorder.bitstream.self_contained import self_contained
from recorder.encoding.encoder import Colours, Encoding, open_encoder, pixel_format
from recorder.mp4.muxer import CutResult, write_mp4
from recorder.mp4.span_cut import SpanCut
from recorder.recording.part_file import PartTail

if TYPE_CHECKING:
    import numpy.typing as npt
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

_DECODERS = {Codec.H264: "h264", Codec.H265: "hevc", Codec.MJPEG: "mjpeg"}
_NS = Fraction(1, NS_PER_S)
_TICK = Fraction(1, TICKS_PER_S)
_FOREVER_NS = 2**62
_REPORT_EVERY_S = 0.4
_FULL_RANGE, _LIMITED_RANGE = 2, 1
# JFIF: BT.601 matrix, full range, and the primaries and transfer of an sRGB screen (H.273 values). Without
# primaries and transfer browsers take those of the matrix and show every colour a little off.
JPEG_COLOURS = Colours(matrix=6, primaries=1, transfer=13)
_GAP_IN_FRAMES = 1.5
_TURNS = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}
# By table and not by FFmpeg's scaler, which rounds chroma up: half a level that shows as two in blue.
_LIMITED_LUMA = np.round(16 + np.arange(256) * 219 / 255).astype(np.uint8)
_LIMITED_CHROMA = np.round(128 + (np.arange(256) - 128) * 224 / 255).astype(np.uint8)
_MOST_THREADS = 4


@dataclass(frozen=True, slots=True)
class TranscodeOrder:
    """One job. With `follow` the part file still grows; the job then ends when it is sealed."""

    part: Path
    out: Path
    encoder: str
    follow: bool


@dataclass(frozen=True, slots=True)
class TranscodeReport:
    """Where a job is: the share of the part file that is read (as it is now), frames encoded."""

    share: float
    frames: int


@dataclass(frozen=True, slots=True)
class TranscodeResult:
    """The finished file, durable but for its directory entry. `frames_damaged` could not be decoded."""

    cut: CutResult
    frames_damaged: int


def transcode(order: TranscodeOrder, report: Report) -> TranscodeResult:
    """Write `order.out`. Raises FinishFailed (no file is left) and PartFileDamaged."""
    try:
        return _Transcode(order, report).run()
    except OSError as error:
        raise FinishFailed(f"The recording cannot be read: {error.strerror}.") from error


@dataclass(slots=True)
class ShownFrame:
    """A decoded frame and what its unit said of it."""

    frame: "VideoFrame"
    pts_ns: int
    run: int
    duration_ns: int
    follows: bool
    """False where units before it are missing."""


class _Transcode:
    """One job under way."""

    def __init__(self, order: TranscodeOrder, report: Report) -> None:
        self._order = order
        self._report = report
        self._frames = 0
        self._reported_s = 0.0
        self._tail = PartTail(order.part, follow=order.follow, idle=self._tell)
        self._decoder = FrameDecoder(self._tail.header.epoch.codec)
        self._turned = Upright(self._tail.header.rotation_deg, pixel_format(order.encoder))

    def run(self) -> TranscodeResult:
        start_ns = self._tail.header.start_ns
        # The end may still move while we read along, so it is looked up frame by frame (`_in_span`).
        units = SpanCut(self._tail, start_ns, _FOREVER_NS, may_break_off=True)
        shown = (item for item in self._decoder.frames(units) if item.pts_ns >= start_ns)
        encoded = encode_frames(_lengths_known(self._in_span(shown)), self._upright, self._open)
        cut = write_mp4(self._order.out, encoded, start_ns, _FOREVER_NS, sound=self._tail.sound)
        return TranscodeResult(cut, self._decoder.damaged)

    def _in_span(self, shown: Iterable[ShownFrame]) -> Iterator[tuple[ShownFrame, bool]]:
        """Frames in order, and whether each is in the span; those behind its end wait until it is final."""
        waiting: deque[ShownFrame] = deque()
        for item in shown:
            waiting.append(item)
            while waiting and self._before_end(waiting[0]):
                yield waiting.popleft(), True
        for item in waiting:
            yield item, self._before_end(item)

    def _before_end(self, item: ShownFrame) -> bool:
        end_ns = self._tail.header.end_ns
        return end_ns is None or item.pts_ns < end_ns

    def _upright(self, frame: "VideoFrame") -> "VideoFrame":
        self._frames += 1
        self._tell()
        return self._turned.upright(frame)

    def _open(self, frame: "VideoFrame", item: ShownFrame) -> "VideoCodecContext":
        is_jpeg = self._tail.header.epoch.codec is Codec.MJPEG
        own = Colours(int(item.frame.colorspace), int(item.frame.color_primaries), int(item.frame.color_trc))
        encoding = Encoding(
            width=frame.width,
            height=frame.height,
            fps=NS_PER_S / max(1, item.duration_ns),
            colours=JPEG_COLOURS if is_jpeg else own,
            threads=min(_MOST_THREADS, os.cpu_count() or 1),
        )
        return open_encoder(self._order.encoder, encoding)

    def _tell(self) -> None:
        now_s = time.monotonic()
        if now_s - self._reported_s >= _REPORT_EVERY_S:
            self._reported_s = now_s
            share = self._tail.read_bytes / max(1, self._tail.size_bytes)
            self._report(TranscodeReport(min(1.0, share), self._frames))


def encode_frames(
    shown: Iterable[ShownFrame],
    prepare: "Callable[[VideoFrame], VideoFrame]",
    open_for: "Callable[[VideoFrame, ShownFrame], VideoCodecContext]",
) -> Iterator[AccessUnit]:
    """The frames as H.264 units, in the order they came, each with the times of its source."""
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
        yield from finished.of(encoder.encode(frame), encoder)
    if encoder is not None:
        yield from finished.of(encoder.encode(None), encoder)


class FrameDecoder:
    """Units to frames in presentation order; what cannot be decoded is counted and left out."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self.damaged = 0

    def frames(self, units: SpanCut) -> Iterator[ShownFrame]:
        decoder: VideoCodecContext | None = None
        waiting: dict[int, tuple[AccessUnit, bool]] = {}
        run, sequence = -1, -1
        for unit in units:
            if decoder is None or unit.run != run:
                # A decoder would take references and picture counts across the outage.
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
        # What a killed recording lacks are pictures before these, and no decoder lets them out earlier.
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
            decoder.thread_count = 1  # each picture comes out at once, and the encoder has the other cores
        else:
            decoder.thread_count, decoder.thread_type = min(_MOST_THREADS, os.cpu_count() or 1), "AUTO"
        return decoder


class Upright:
    """Frames of any format and range to what the encoder takes: limited range, even size, turned."""

    def __init__(self, rotation_deg: int, format_name: str) -> None:
        self._turn = _TURNS.get(rotation_deg)
        self._format = format_name
        self._to_planar, self._to_format = VideoReformatter(), VideoReformatter()
        self._size: tuple[int, int] | None = None

    def upright(self, frame: "VideoFrame") -> "VideoFrame":
        """A frame of its own, its size that of the first, turned."""
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
            threads=1,  # slices in threads of their own cost more than they gain (measured)
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


@dataclass(slots=True)
class EncodedUnits:
    """Packets of the encoder as units, each with the time of the frame it was made of."""

    under_way: deque[tuple[int, ShownFrame]]
    size: tuple[int, int] = (0, 0)
    _epoch: Epoch | None = None
    _sequence: int = 0

    def of(
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
            # The cut takes a missing number for missing units, and so declares the gap.
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


def _lengths_known(marked: Iterable[tuple[ShownFrame, bool]]) -> Iterator[ShownFrame]:
    """The frames of the span; the last lasts until the frame behind the span, where that one is known."""
    held: ShownFrame | None = None
    for item, inside in marked:
        if held is not None:
            if not inside and item.pts_ns - held.pts_ns <= _GAP_IN_FRAMES * held.duration_ns:
                held = replace(held, duration_ns=item.pts_ns - held.pts_ns)
            yield held
            held = None
        if not inside:
            return
        held = item
    if held is not None:
        yield held
