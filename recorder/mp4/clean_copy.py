"""The worker job that writes the clean form of a finished clip: a file without hidden pictures.

Here: re-encoding the pictures that depend on hidden ones, and copying all others. Not here: choosing them
(`clean_plan`), reading (`finished_file`), muxing (`muxer`), storing the file (backend). Blocking.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain, pairwise
from pathlib import Path
from statistics import median_low
from typing import TYPE_CHECKING

from recorder.base.errors import FinishFailed
from recorder.base.media_time import TICKS_PER_S, ns_of
from recorder.base.workers import Report
from recorder.bitstream import h264
from recorder.bitstream.access_unit import AccessUnit, Epoch
from recorder.encoding.encoder import SOFTWARE, Colours, Encoding, TrackMatch, open_encoder, pixel_format
from recorder.encoding.pipeline import FrameDecoder, ShownFrame, Upright, encode_frames
from recorder.mp4.clean_plan import CleanPlan, JoinedSets, joined_sets, plan_clean
from recorder.mp4.finished_file import FinishedFile
from recorder.mp4.muxer import CutResult, write_mp4
from recorder.mp4.span_cut import SpanCut

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

_REPORT_EVERY_S = 0.4
_THREADS = 2
_FORMATS = {"yuv420p": False, "yuvj420p": True}


class CleanKind(StrEnum):
    """How the clean form was made."""

    AS_IT_IS = "as_it_is"
    """No file was written: the clip's own file hides nothing."""
    JOINED = "joined"
    """Pictures that depend on hidden ones, if any, were re-encoded, all others copied."""
    ENCODED = "encoded"
    """All pictures were re-encoded."""


@dataclass(frozen=True, slots=True)
class CleanOrder:
    """One job: the clip's file and the path of the clean one."""

    source: Path
    out: Path


@dataclass(frozen=True, slots=True)
class CleanResult:
    """The result; `cut` is None if no file was written. `encoded` counts frames."""

    kind: CleanKind
    encoded: int = 0
    cut: CutResult | None = None


def write_clean_copy(order: CleanOrder, report: Report) -> CleanResult:
    """Write `order.out`, synced without its directory entry. Raises FinishFailed and then leaves no file."""
    try:
        with FinishedFile(order.source) as clip:
            plan = _plan(clip)
            if plan.copies_all and not clip.hides_sound:
                return CleanResult(CleanKind.AS_IT_IS)
            result = _written(clip, plan, order.out, report)
        _must_hide_nothing(order.out)
        return result
    except OSError as error:
        raise FinishFailed(f"The clip's file cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise FinishFailed(f"The clip's file cannot be read: {error}") from error


def _written(clip: FinishedFile, plan: CleanPlan, out: Path, report: Report) -> CleanResult:
    if plan.copies_all:  # only sound is hidden
        return _CopyWriter(clip, plan, None, report).write(out)
    sets = None if plan.copies_none else joined_sets(clip.parameter_sets)
    if sets is not None:
        try:
            return _CopyWriter(clip, plan, sets, report).write(out)
        except _CannotJoin:
            out.unlink(missing_ok=True)
    count = len(clip.video.samples)
    return _CopyWriter(clip, CleanPlan(count, count, count, count), None, report).write(out)


def _must_hide_nothing(out: Path) -> None:
    """Read the written file's index: what leaves the house is clean, or nothing leaves."""
    try:
        with FinishedFile(out) as made:
            if made.hides_pictures or made.hides_sound:
                raise FinishFailed("The clean form still hides something.")
    except BaseException:
        out.unlink(missing_ok=True)
        raise


class _CannotJoin(Exception):
    """The pictures of the camera and the encoder do not fit one track."""


def _plan(clip: FinishedFile) -> CleanPlan:
    video = clip.video
    return plan_clean(
        video.samples.pts, video.samples.keys, video.length, lambda index: h264.is_idr(clip.data(index))
    )


class _CopyWriter:
    """Writes one clean file. `sets` None: all pictures are encoded, so none must match the camera's."""

    def __init__(self, clip: FinishedFile, plan: CleanPlan, sets: JoinedSets | None, report: Report) -> None:
        self._clip = clip
        self._plan = plan
        self._sets = sets
        self._report = report
        self._reported_s = 0.0
        self._encoded = 0
        self._epoch: Epoch | None = None
        self._upright = Upright(0, pixel_format(SOFTWARE))

    def write(self, out: Path) -> CleanResult:
        clip, plan, samples = self._clip, self._plan, self._clip.video.samples
        # Encode the tail first: the file's index needs all parameter sets at its first picture.
        tail = list(self._tail())
        delay_ns = 0
        if plan.head < len(samples):
            delay_ns = max(0, ns_of(samples.pts[plan.head] - samples.dts[plan.head]))
        head = self._frames(0, plan.head, 0) if plan.head else iter(())
        units = chain(_delayed(head, delay_ns), self._copied(), _delayed(tail, delay_ns))
        cut = write_mp4(
            out,
            _Numbered(units, len(samples) + 1),
            0,
            ns_of(clip.video.length),
            rotation_deg=clip.video.rotation_deg,
            sound=clip.clean_sound() or (),
        )
        kind = CleanKind.ENCODED if plan.copies_none else CleanKind.JOINED
        return CleanResult(kind, self._encoded, cut)

    def _tail(self) -> Iterator[AccessUnit]:
        plan, video = self._plan, self._clip.video
        shown = [time for time in video.samples.pts[plan.tail :] if time < video.length]
        return self._frames(plan.tail_key, plan.count, min(shown)) if shown else iter(())

    def _frames(self, begin: int, end: int, first_pts: int) -> Iterator[AccessUnit]:
        """Re-encode the shown frames of `[begin, end)` from `first_pts` on."""
        first_ns = ns_of(first_pts)
        units = SpanCut(self._clip.units(begin, end), first_ns, ns_of(self._clip.video.length))
        frames = (item for item in FrameDecoder(units.epoch.codec).frames(units) if item.pts_ns >= first_ns)
        for unit in encode_frames(frames, self._prepared, self._open):
            self._encoded += 1
            yield replace(unit, epoch=self._shared(unit.epoch))

    def _prepared(self, frame: "VideoFrame") -> "VideoFrame":
        self._report_progress()
        if self._sets is None:
            return self._upright.upright(frame)
        if frame.format.name not in _FORMATS or (frame.width, frame.height) != self._size:
            raise _CannotJoin
        return frame

    @property
    def _size(self) -> tuple[int, int]:
        return self._clip.epoch.width, self._clip.epoch.height

    def _open(self, frame: "VideoFrame", item: ShownFrame) -> "VideoCodecContext":
        source = item.frame
        encoding = Encoding(
            width=frame.width,
            height=frame.height,
            fps=self._usual_fps,
            colours=Colours(int(source.colorspace), int(source.color_primaries), int(source.color_trc)),
            threads=_THREADS,
        )
        if self._sets is not None:
            match = TrackMatch(
                self._sets.number,
                self._sets.profile,
                self._sets.level,
                _FORMATS[frame.format.name],
                self._sets.aspect,
            )
            encoding = replace(encoding, match=match)
        return open_encoder(SOFTWARE, encoding)

    @property
    def _usual_fps(self) -> float:
        """By the frames' median length: it goes into the parameter sets, which head and tail must share."""
        video = self._clip.video
        times = sorted(time for time in video.samples.pts if 0 <= time < video.length)
        lengths = [end - begin for begin, end in pairwise([*times, video.length])]
        return TICKS_PER_S / max(1, median_low(lengths))

    def _shared(self, epoch: Epoch) -> Epoch:
        """The single epoch of the file, with the parameter sets of the camera and the encoder."""
        own = b"" if self._sets is None else self._sets.own
        both = own + epoch.parameter_sets
        if self._epoch is None:
            self._epoch = Epoch(epoch.codec, epoch.width, epoch.height, both)
        elif self._epoch.parameter_sets != both:
            raise _CannotJoin
        return self._epoch

    def _copied(self) -> Iterator[AccessUnit]:
        for unit in self._clip.units(self._plan.head, self._plan.tail):
            self._report_progress()
            number = None if self._sets is None else self._sets.number
            if unit.is_keyframe and number in h264.set_numbers(unit.data):
                raise _CannotJoin
            yield unit if self._epoch is None else replace(unit, epoch=self._epoch)

    def _report_progress(self) -> None:
        now_s = time.monotonic()
        if now_s - self._reported_s >= _REPORT_EVERY_S:
            self._reported_s = now_s
            self._report(self._encoded)


class _Numbered:
    """Numbers units consecutively as one run, with a length hint for the size of their index."""

    def __init__(self, units: Iterable[AccessUnit], most: int) -> None:
        self._units, self._most = units, most

    def __iter__(self) -> Iterator[AccessUnit]:
        return (replace(unit, sequence=number, run=0) for number, unit in enumerate(self._units))

    def __length_hint__(self) -> int:
        return self._most


def _delayed(units: Iterable[AccessUnit], delay_ns: int) -> Iterator[AccessUnit]:
    """Give units without B-frames the DTS delay of the copied units, which may have B-frames."""
    return (replace(unit, dts_ns=unit.pts_ns - delay_ns) for unit in units)
