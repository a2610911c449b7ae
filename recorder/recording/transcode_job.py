"""The worker job that transcodes a part file into a finished H.264 MP4, even while the part file grows.

Here: which frames are in the span, the encoder settings, the progress. Not here: decoding, colours, rotation,
encoding (`encoding.pipeline`), cutting and muxing (`muxer`), processes and retries (`transcoder`). Blocking;
one job per process at a time.

Every frame keeps its time: encoded units carry the `pts_ns` and the run of the unit they were decoded from,
so spans, held frames and gaps equal those of a remux.
"""

import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from recorder.base.errors import FinishFailed
from recorder.base.media_time import FOREVER_NS, NS_PER_S
from recorder.base.workers import Report
from recorder.bitstream.access_unit import Codec
from recorder.encoding.encoder import Colours, Encoding, open_encoder, pixel_format
from recorder.encoding.pipeline import JPEG_COLOURS, FrameDecoder, ShownFrame, Upright, encode_frames
from recorder.mp4.muxer import CutResult, write_mp4
from recorder.mp4.span_cut import SpanCut
from recorder.recording.part_file import PartTail

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

_REPORT_EVERY_S = 0.4
_GAP_IN_FRAMES = 1.5
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
    """The progress of a job: the share of the current part file that is read, and the frames encoded."""

    share: float
    frames: int


@dataclass(frozen=True, slots=True)
class TranscodeResult:
    """The finished file, synced without its directory entry. `frames_damaged` could not be decoded."""

    cut: CutResult
    frames_damaged: int


def transcode(order: TranscodeOrder, report: Report) -> TranscodeResult:
    """Write `order.out`. Raises FinishFailed (leaving no file) and PartFileDamaged."""
    try:
        return _Transcode(order, report).run()
    except OSError as error:
        raise FinishFailed(f"The recording cannot be read: {error.strerror}.") from error


class _Transcode:
    """One running job."""

    def __init__(self, order: TranscodeOrder, report: Report) -> None:
        self._order = order
        self._report = report
        self._frames = 0
        self._reported_s = 0.0
        self._tail = PartTail(order.part, follow=order.follow, idle=self._report_progress)
        self._decoder = FrameDecoder(self._tail.header.epoch.codec)
        self._turned = Upright(self._tail.header.rotation_deg, pixel_format(order.encoder))

    def run(self) -> TranscodeResult:
        start_ns = self._tail.header.start_ns
        # The end may still move while the part file grows, so each frame is checked (`_in_span`).
        units = SpanCut(self._tail, start_ns, FOREVER_NS, may_break_off=True)
        frames = self._decoder.frames(units)
        shown = (item for item in frames if start_ns <= item.pts_ns <= units.last_pts_ns)
        encoded = encode_frames(_lengths_known(self._in_span(shown)), self._upright, self._open)
        cut = write_mp4(self._order.out, encoded, start_ns, FOREVER_NS, sound=self._tail.sound)
        return TranscodeResult(cut, self._decoder.damaged)

    def _in_span(self, shown: Iterable[ShownFrame]) -> Iterator[tuple[ShownFrame, bool]]:
        """Frames in order, and whether each is in the span; frames after the end wait until it is final."""
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
        self._report_progress()
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

    def _report_progress(self) -> None:
        now_s = time.monotonic()
        if now_s - self._reported_s >= _REPORT_EVERY_S:
            self._reported_s = now_s
            share = self._tail.read_bytes / max(1, self._tail.size_bytes)
            self._report(TranscodeReport(min(1.0, share), self._frames))


def _lengths_known(marked: Iterable[tuple[ShownFrame, bool]]) -> Iterator[ShownFrame]:
    """The frames of the span; the last one ends at the next frame's time, if that frame is known."""
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
