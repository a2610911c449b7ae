"""Executes the commands of `clip_session`: writes the part file and the finished file, emits events.

Here: the task of one recording, and the finished file of a span that lies wholly in the ring. Not here: what
to record (`clip_session`), finishing a part file (`finishing`), cutting (`muxer`), the format of a part file
(`part_file`).

A recording *pulls* from the ring by sequence number, so the ring is its only queue. Units evicted before a
slow disk took them are counted in `units_lost`. Tasks run on the event loop; work on disks or codecs runs in
the two executors of `CameraContext`.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from recorder.base.clock import Clock, LabelLine
from recorder.base.errors import Busy, RecorderError
from recorder.base.media_time import FOREVER_NS, NS_PER_S, NS_PER_US, label_us
from recorder.base.threads import in_thread
from recorder.base.values import (
    FinishedClip,
    FinishProgressed,
    RecorderEvent,
    RecordingContinued,
    RecordingFailed,
    RecordingFinished,
    RecordingProcessing,
    RecordingProgressed,
    RecordingStarted,
)
from recorder.bitstream.access_unit import AccessUnit, Codec, upright_size
from recorder.bitstream.audio_unit import AudioUnit
from recorder.buffer.sound_ring import LEAD_NS
from recorder.mp4.muxer import CutResult, raising_cut_failed, write_mp4
from recorder.mp4.sound_cut import Sound
from recorder.recording.clip_files import ClipFiles
from recorder.recording.clip_session import (
    Append,
    ClipSession,
    Command,
    Continue,
    Discarded,
    Extended,
    Finish,
    FinishBroke,
    FinishSucceeded,
    MoveEnd,
    ReportFailure,
    SessionEvent,
    SessionState,
    StopPressed,
    StreamQuiet,
    UnitsArrived,
    WriteFailed,
)
from recorder.recording.finishing import Finisher, finish_part, finished_clip
from recorder.recording.part_file import PartHeader, PartWriter
from recorder.recording.transcoder import Transcode

log = logging.getLogger(__name__)

T = TypeVar("T")

CYCLE_S = 0.4
"""How often new units are written and synced: a crash must lose less than a second."""
QUIET_AFTER_NS = NS_PER_S
SHORT_CLIP_NS = NS_PER_S
MOST_SHORT_CLIPS = 10
"""A camera that changes its parameters with every frame would otherwise make thirty clips a second."""
SOUND_WAIT_NS = NS_PER_S // 2
SOUND_GONE_NS = 2 * NS_PER_S


class UnitBuffer(Protocol):
    """A camera's buffered units in decode order, by sequence number."""

    def after(self, sequence: int) -> tuple[AccessUnit, ...]:
        """Buffered units with a larger sequence number."""
        ...

    def lost_after(self, sequence: int) -> int:
        """How many units after `sequence` have been evicted."""
        ...


class SoundBuffer(Protocol):
    """A camera's buffered sound."""

    def after(self, sequence: int) -> tuple[AudioUnit, ...]:
        """Buffered frames with a larger sequence number."""
        ...

    def span(self, start_ns: int, end_ns: int) -> tuple[AudioUnit, ...]:
        """The frames of a span, plus the lead-in for the decoder."""
        ...

    def newest_end_ns(self) -> int | None:
        """End of the newest frame; None without sound."""
        ...


@dataclass(slots=True)
class RecordingCounters:
    """Losses and failures of recordings since the daemon started."""

    units_lost: int = 0
    write_failures: int = 0
    finish_failures: int = 0
    task_failures: int = 0


@dataclass(frozen=True, slots=True)
class CameraContext:
    """Resources and settings shared by all recordings of one camera."""

    camera_id: str
    recorder_id: str
    clips_dir: Path
    labels: LabelLine
    clock: Clock
    units: UnitBuffer
    sound: SoundBuffer
    disk: Executor
    finisher: Finisher
    new_id: Callable[[], str]
    emit: Callable[[RecorderEvent], None]
    rotation_deg: int = 0
    counters: RecordingCounters = field(default_factory=RecordingCounters)

    def files(self, recording_id: str) -> ClipFiles:
        return ClipFiles(self.clips_dir, recording_id)


class Cursors(NamedTuple):
    """Sequence numbers of the last unit and the last sound frame in the part file."""

    units: int
    sound: int


class ActiveRecording:
    """One recording in progress. Owned by one task; call `stop`, `extend` and `discard` on the same loop."""

    def __init__(
        self,
        context: CameraContext,
        session: ClipSession,
        writer: PartWriter,
        header: PartHeader,
        cursors: "Cursors",
    ) -> None:
        self.session = session
        self.files = context.files(header.recording_id)
        self._context = context
        self._writer = writer
        self._header = header
        self._cursor = cursors.units
        self._sound_cursor = cursors.sound
        self._commands: list[Command] = []
        self._nudge = asyncio.Event()
        self._at_work: asyncio.Future[Any] | None = None
        self._last_arrival_ns = context.clock.monotonic_ns()
        self._steps_at_start = context.labels.steps
        self._opened_ns = context.clock.monotonic_ns()
        self._transcode: Transcode | None = None
        self.short_clips = 0
        """How many consecutive clips directly before this one were short."""

    @property
    def recording_id(self) -> str:
        return self._header.recording_id

    def stop(self, at_ns: int) -> None:
        """End at `at_ns` (monotonic, exclusive)."""
        self._handle(StopPressed(at_ns))
        self._nudge.set()

    def extend(self, by_ns: int) -> None:
        """Postpone the planned end."""
        self._handle(Extended(by_ns))
        self._nudge.set()

    def discard(self) -> None:
        """Stop without finishing; the caller removes the files."""
        self._handle(Discarded())
        self._nudge.set()
        if self._transcode is not None:
            self._context.finisher.transcoder.cancel(self._transcode)

    async def close(self) -> None:
        """Close the part file of a recording that never ran; the file stays."""
        await self._on_disk(self._writer.close)

    async def run(self, adopt: Callable[["ActiveRecording"], None]) -> None:
        """Record until the session is over. `adopt` starts the task of a continuation."""
        try:
            self._follow()
            while not self.session.over:
                await self._wait()
                await self._poll_units()
                await self._carry_out(adopt)
        except asyncio.CancelledError:
            await self._until_idle()
            if self.session.state is SessionState.RECORDING:
                await asyncio.shield(self._on_disk(self._writer.sync))
            raise
        except Exception:
            # The outermost frame of this task: the part file stays for a retry, the camera continues.
            self._context.counters.task_failures += 1
            log.exception("recording %s broke", self.recording_id)
            self._report_failure("The recording broke off by a fault of the recorder. Retry it.")
        finally:
            await asyncio.shield(self._release())

    async def _wait(self) -> None:
        if self._commands:
            return
        wait_s = CYCLE_S
        if self.session.end_ns is not None:
            left_s = (self.session.end_ns - self._context.clock.monotonic_ns()) / NS_PER_S
            wait_s = min(CYCLE_S, max(0.03, left_s + 0.01))
        try:
            async with asyncio.timeout(wait_s):
                await self._nudge.wait()
        except TimeoutError:
            pass
        self._nudge.clear()

    async def _poll_units(self) -> None:
        now_ns = self._context.clock.monotonic_ns()
        self._context.counters.units_lost += self._context.units.lost_after(self._cursor)
        units = self._context.units.after(self._cursor)
        if units:
            self._cursor = units[-1].sequence
            self._last_arrival_ns = now_ns
            self._handle(UnitsArrived(units))
            self._context.emit(
                RecordingProgressed(
                    self.recording_id, self.session.recorded_ns / NS_PER_S, self.session.progress
                )
            )
        elif now_ns - self._last_arrival_ns > QUIET_AFTER_NS:
            self._handle(StreamQuiet(now_ns))

    def _handle(self, event: SessionEvent) -> None:
        self._commands.extend(self.session.handle(event))

    async def _carry_out(self, adopt: Callable[["ActiveRecording"], None]) -> None:
        while self._commands:
            command = self._commands.pop(0)
            match command:
                case Append(units):
                    await self._write(partial(self._append, units))
                case MoveEnd(end_ns):
                    await self._write(partial(self._writer.set_end, end_ns))
                case Continue(first, end_ns):
                    await self._continue(first, end_ns, adopt)
                case Finish() if not self.session.over:  # over: writing the last units failed
                    await self._finish()
                case ReportFailure(reason):
                    self._report_failure(reason)

    def _append(self, units: tuple[AccessUnit, ...]) -> None:
        # Sound before its pictures, for readers that follow the part file.
        self._append_sound()
        self._writer.append(units)

    def _append_sound(self) -> None:
        frames = self._context.sound.after(self._sound_cursor)
        if frames:
            self._sound_cursor = frames[-1].sequence
            from_ns = self._header.start_ns - LEAD_NS
            self._writer.append_sound([unit for unit in frames if unit.pts_ns >= from_ns])

    async def _wait_for_sound(self) -> None:
        """Wait for the sound of the last pictures, which arrives slightly later; not if sound has stopped."""
        end_ns = self.session.end_ns
        deadline_ns = self._context.clock.monotonic_ns() + SOUND_WAIT_NS
        while end_ns is not None and self._context.clock.monotonic_ns() < deadline_ns:
            newest_ns = self._context.sound.newest_end_ns()
            if newest_ns is None or not end_ns - SOUND_GONE_NS < newest_ns < end_ns:
                return
            await asyncio.sleep(0.02)

    async def _write(self, write: Callable[[], None]) -> None:
        def write_and_sync() -> None:
            write()
            self._writer.sync()

        try:
            await self._on_disk(write_and_sync)
        except OSError as error:
            self._context.counters.write_failures += 1
            reason = f"The recording could not be written: {error.strerror}. What was written is kept."
            self._handle(WriteFailed(reason))

    async def _continue(
        self, first: AccessUnit, end_ns: int | None, adopt: Callable[["ActiveRecording"], None]
    ) -> None:
        short_clips = self.short_clips + 1 if self.session.recorded_ns < SHORT_CLIP_NS else 0
        if short_clips > MOST_SHORT_CLIPS:
            log.warning(
                "recording %s ends: camera %s changes its size or codec with nearly every frame",
                self.recording_id,
                self._context.camera_id,
            )
            return
        pressed_ns = max(self._header.pressed_ns, first.pts_ns)
        try:
            following, started = await open_recording(
                self._context,
                OpenPlan(
                    self._context.new_id(), pressed_ns, first.pts_ns, end_ns, (first,), self.recording_id
                ),
            )
            following.short_clips = short_clips
        except OSError as error:
            self._context.counters.write_failures += 1
            log.warning("recording %s could not be continued: %s", self.recording_id, error.strerror)
            return
        self._context.emit(RecordingContinued(self.recording_id, started))
        adopt(following)

    def _follow(self) -> None:
        """Transcode while recording, so the clip is ready soon after its last frame."""
        if self._header.epoch.codec is Codec.H264:
            return
        try:
            self._transcode = self._begin_transcode()
        except Busy as error:
            log.warning("recording %s is transcoded when it is complete: %s", self.recording_id, error)

    def _begin_transcode(self) -> Transcode:
        files = (self.files.part, self.files.temporary)
        return self._context.finisher.transcoder.begin(
            self.recording_id, files, self._emit_progress, follow=True
        )

    def _emit_progress(self, share: float) -> None:
        self._context.emit(FinishProgressed(self.recording_id, share))

    async def _finish(self) -> None:
        self._context.emit(RecordingProcessing(self.recording_id))
        await self._wait_for_sound()
        try:
            clip = await self._finished()
        except (RecorderError, OSError) as error:
            if not self.session.over:
                self._context.counters.finish_failures += 1
                self._handle(FinishBroke(str(error)))
            return
        if self.session.over:
            return
        self._handle(FinishSucceeded())
        clock = self._context.labels.state_since(self._opened_ns)
        self._context.emit(RecordingFinished(self.recording_id, clip, clock))

    async def _finished(self) -> FinishedClip:
        if self._header.epoch.codec is Codec.H264:

            def finish() -> FinishedClip:
                self._complete_part()
                return finish_part(self.files)

            return await self._work(self._context.finisher.threads, finish)
        await self._on_disk(self._complete_part)
        work = self._transcode = self._transcode or self._begin_transcode()
        self._context.finisher.transcoder.complete(work)
        return await self._context.finisher.transcoded(self.files, work)

    def _complete_part(self) -> None:
        self._append_sound()
        if self._context.labels.steps != self._steps_at_start:
            base_ns = self._header.base_ns
            self._writer.relabel(base_ns, label_us(self._context.labels.label(base_ns)))
        self._writer.seal()
        self._writer.sync()
        self._writer.close()

    async def _release(self) -> None:
        if self._transcode is not None and not self._transcode.ended.is_set():
            self._context.finisher.transcoder.cancel(self._transcode)
            await self._transcode.ended.wait()
        await self._on_disk(self._writer.close)

    def _report_failure(self, reason: str) -> None:
        self._context.emit(RecordingFailed(self.recording_id, reason, retryable=True))

    async def _on_disk(self, work: Callable[[], None]) -> None:
        await self._work(self._context.disk, work)

    async def _work(self, threads: Executor, work: Callable[[], T]) -> T:
        self._at_work = at_work = asyncio.get_running_loop().run_in_executor(threads, work)
        return await asyncio.shield(at_work)

    async def _until_idle(self) -> None:
        """Wait for the thread of a cancelled call: the part file has one user at a time."""
        if self._at_work is not None:
            with suppress(OSError, RecorderError, asyncio.CancelledError):
                await self._at_work


@dataclass(frozen=True, slots=True)
class OpenPlan:
    """A recording to open: its span and the units of it that are already buffered."""

    recording_id: str
    pressed_ns: int
    start_ns: int
    end_ns: int | None
    preroll: tuple[AccessUnit, ...]
    """At least one unit; all of one epoch, starting with a keyframe."""
    continued_from: str | None = None


async def open_recording(context: CameraContext, plan: OpenPlan) -> tuple[ActiveRecording, RecordingStarted]:
    """Create the part file, write and sync the pre-roll. Raises OSError and then leaves no file behind."""
    first = plan.preroll[0]
    # Whole microseconds, so labels from the header are truncated exactly like those of the label line.
    base_ns = first.pts_ns // NS_PER_US * NS_PER_US
    header = PartHeader(
        recording_id=plan.recording_id,
        camera_id=context.camera_id,
        recorder_id=context.recorder_id,
        epoch=first.epoch,
        base_ns=base_ns,
        base_label_us=label_us(context.labels.label(base_ns)),
        start_ns=plan.start_ns,
        end_ns=plan.end_ns,
        pressed_ns=plan.pressed_ns,
        continued_from=plan.continued_from,
        clock=context.labels.state.value,
        rotation_deg=context.rotation_deg,
    )
    session = ClipSession(plan.start_ns, plan.end_ns)
    commands = session.handle(UnitsArrived(plan.preroll))
    files = context.files(plan.recording_id)
    frames = context.sound.span(plan.start_ns, FOREVER_NS)

    def create() -> PartWriter:
        files.claim()
        writer = None
        try:
            writer = PartWriter(files.part, header)
            writer.append_sound(frames)
            writer.append(plan.preroll)
            writer.sync()
        except OSError:
            if writer is not None:
                # A deleted file that is still open keeps its space on a disk that may be full.
                writer.close()
            files.remove()
            raise
        return writer

    writer = await in_thread(context.disk, create)
    cursors = Cursors(plan.preroll[-1].sequence, frames[-1].sequence if frames else -1)
    recording = ActiveRecording(context, session, writer, header, cursors)
    recording._commands.extend(command for command in commands if not isinstance(command, Append))
    return recording, _started(context, plan, files)


def _started(context: CameraContext, plan: OpenPlan, files: ClipFiles) -> RecordingStarted:
    shown = [unit for unit in plan.preroll if unit.pts_ns >= plan.start_ns]
    start_ns = min((unit.pts_ns for unit in shown), default=plan.start_ns)
    newest_end_ns = max((unit.pts_ns + unit.duration_ns for unit in shown), default=start_ns)
    first = plan.preroll[0]
    width, height = upright_size(first.epoch.width, first.epoch.height, context.rotation_deg)
    return RecordingStarted(
        recording_id=plan.recording_id,
        camera_id=context.camera_id,
        pressed_at=context.labels.label(plan.pressed_ns),
        start_time=context.labels.label(start_ns),
        planned_end=None if plan.end_ns is None else context.labels.label(plan.end_ns),
        covered_before_s=max(0, plan.pressed_ns - start_ns) / NS_PER_S,
        covered_after_s=max(0, newest_end_ns - plan.pressed_ns) / NS_PER_S,
        width=width,
        height=height,
        fps=round(NS_PER_S / first.duration_ns, 3),
        video_codec=first.epoch.codec.value,
        clock=context.labels.state,
        part_path=files.part,
        finished=None,
        continued_from=plan.continued_from,
    )


async def cut_at_once(context: CameraContext, plan: OpenPlan) -> RecordingStarted:
    """Write the finished file directly from the ring; it is durable on return.

    For H.264 spans that lie wholly in the buffer; needs no part file. Raises CutFailed, OSError and then
    leaves no file behind.
    """
    files = context.files(plan.recording_id)
    end_ns = plan.end_ns or FOREVER_NS
    sound = Sound(context.sound.span(plan.start_ns, end_ns), plan.start_ns)

    def cut() -> CutResult:
        files.claim()
        try:
            with raising_cut_failed():
                result = write_mp4(
                    files.temporary,
                    iter(plan.preroll),
                    plan.start_ns,
                    end_ns,
                    rotation_deg=context.rotation_deg,
                    sound=sound,
                )
            files.publish()
        except (OSError, RecorderError):
            files.remove()
            raise
        return result

    result = await in_thread(context.finisher.threads, cut)
    clip = finished_clip(result, files.clip, context.labels.label)
    return replace(
        _started(context, plan, files),
        start_time=clip.start_time,
        covered_before_s=max(0, plan.pressed_ns - result.first_pts_ns) / NS_PER_S,
        covered_after_s=max(0, result.end_ns - plan.pressed_ns) / NS_PER_S,
        part_path=None,
        fps=clip.fps,
        finished=clip,
    )
