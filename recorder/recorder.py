"""The façade of one camera: everything the daemon calls, plain values in and out.

Here: the wiring of one camera's parts and the conversion between labels (naive UTC) and monotonic
nanoseconds. Not here: decisions (`clip_session`), file formats (`part_file`, `muxer`). All methods and
`on_event` are called on the daemon's event loop.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from recorder.base.bridge import Bridge
from recorder.base.clock import Clock, LabelLine, label_offsets_us
from recorder.base.errors import BufferEmpty, Busy, FinishFailed, SpanOutsideBuffer, UnknownRecording
from recorder.base.media_time import FOREVER_NS, NS_PER_S, NS_PER_US
from recorder.base.settings import CameraSettings
from recorder.base.tasks import Tasks
from recorder.base.threads import in_thread
from recorder.base.values import (
    CameraChanged,
    CameraStatus,
    FrameList,
    Picture,
    RecorderEvent,
    RecordingStarted,
    RecordRequest,
)
from recorder.base.workers import WorkerPool
from recorder.bitstream.access_unit import AccessUnit, Codec, upright_size
from recorder.capture.background_stream import BackgroundStream, StreamSummary
from recorder.live.feed import LiveBuffer, LiveSubscription
from recorder.live.feeds import LiveFeeds
from recorder.live.sound import LiveSound, LiveSoundMessage
from recorder.mp4.span_cut import shown_units
from recorder.recording.clip_session import (
    RequestedSpan,
    SessionState,
    SpanPlan,
    check_not_ahead,
    fitting,
    plan_span,
)
from recorder.recording.finishing import Finisher
from recorder.recording.recording_task import (
    ActiveRecording,
    CameraContext,
    OpenPlan,
    cut_at_once,
    open_recording,
)
from recorder.stills.replay import Pinned, PinnedSound, ReplayFile, Replays
from recorder.stills.stills import Stills, sample_evenly

MOST_RECORDINGS = 32
"""Simultaneous recordings of one camera; more would only multiply the same bytes on disk."""
REORDER_WAIT_S = 0.5
"""How long a clip of buffered frames waits for its last B-frames to arrive."""
PICTURES_PER_S = 5.0
RELEASE_S = 20.0
"""How long `release` waits for recordings to be written: a hung disk must not block the other cameras."""
_REPLAY_LET_GO = (
    "Other replays needed the memory of this one, and the buffer no longer holds the start. Look back again, "
    "or save a later part."
)
_EMPTY_SPAN = "Nothing of the buffer lies between the start and the end asked for."


@dataclass(frozen=True, slots=True)
class RecorderDirectories:
    """Directories of one daemon: finished clips (durable) and run-time files (cleared at start-up)."""

    clips_dir: Path
    runtime_dir: Path


@dataclass(frozen=True, slots=True)
class RecorderTools:
    """Resources shared by all recorders of one daemon."""

    recorder_id: str
    clock: Clock
    labels: LabelLine
    workers: WorkerPool
    disk: Executor
    finisher: Finisher
    live: Executor
    new_id: Callable[[], str]
    on_event: Callable[[RecorderEvent], None]


class Recorder:
    """One camera: buffer, recordings, stills, replays, live view."""

    def __init__(
        self, settings: CameraSettings, directories: RecorderDirectories, tools: RecorderTools
    ) -> None:
        self.settings = settings
        self._tools = tools
        self._labels = tools.labels
        self._bridge = Bridge(asyncio.get_running_loop())
        self._changes = Bridge(asyncio.get_running_loop())
        self._stream = BackgroundStream(
            settings,
            tools.clock,
            tools.labels,
            on_units=self._bridge.notify,
            on_change=self._changes.notify,
        )
        self._units = self._stream.units
        self._context = CameraContext(
            camera_id=settings.camera_id,
            recorder_id=tools.recorder_id,
            clips_dir=directories.clips_dir,
            labels=tools.labels,
            clock=tools.clock,
            units=self._units,
            sound=self._stream.sound,
            disk=tools.disk,
            finisher=tools.finisher,
            new_id=tools.new_id,
            emit=tools.on_event,
            rotation_deg=settings.rotation_deg,
        )
        self._stills = Stills(self._units, tools.workers, tools.labels.label, settings.rotation_deg)
        threads, label = tools.finisher.threads, tools.labels.label
        line = (self._units, self._stream.sound)
        self._replays = Replays(line, directories.runtime_dir, threads, label, settings.rotation_deg)
        live_buffer = LiveBuffer(self._units, self._bridge)
        self._live = LiveFeeds(settings, live_buffer, tools.live, label, self._stream.encoder)
        self._live_sound = LiveSound(self._stream.sound, self._bridge, label, self._stream.why_no_sound)
        self._waiting: dict[str, ActiveRecording] = {}
        self._active: dict[str, ActiveRecording] = {}
        self._recording_tasks: dict[str, asyncio.Task[None]] = {}
        self._tasks = Tasks()
        self._reserved = 0
        self._is_releasing = False
        self.released = asyncio.Event()
        """Set when the camera is released: viewers disconnect."""

    # Lifecycle.

    async def start(self) -> None:
        """Begin to fill the buffer. Returns at once, before the camera is connected."""
        self._stream.start()
        self._tasks.spawn(self._set_encoder(), f"encoder of {self.settings.camera_id}")
        self._tasks.spawn(self._watch_state(), f"state of {self.settings.camera_id}")

    async def close(self) -> None:
        """Stop everything. Unfinished recordings stay as part files; the next start-up finishes them."""
        await self._tasks.close()
        for recording in self._waiting.values():
            await recording.close()
        await self._live.close()
        await self._replays.close_all()
        await asyncio.to_thread(self._stream.close)

    async def adjust(self, settings: CameraSettings) -> None:
        """Apply a new name and new buffer limits while running."""
        self.settings = settings
        await asyncio.to_thread(self._stream.adjust, settings)

    async def release(self) -> None:
        """Release the camera: recordings end at the newest frame and no new one can begin.

        Their clips may still be finishing when this returns; call `drained` and then `close`.
        """
        self._is_releasing = True
        version, stopped = 0, set[str]()
        with suppress(TimeoutError):
            async with asyncio.timeout(RELEASE_S):
                while self._is_writing():
                    for name in self._active.keys() - stopped:
                        self._stop(self._active[name])
                        stopped.add(name)
                    version = await self._bridge.wait_beyond(version, 0.1)
        self.released.set()
        await self._live.close()
        await self._replays.close_all()
        await asyncio.to_thread(self._stream.close)

    async def drained(self) -> None:
        """Wait until the clips of all recordings have been finished."""
        while self._recording_tasks:
            await asyncio.wait(self._recording_tasks.values())

    def status(self) -> CameraStatus:
        """The camera's current state, settings and counters. Logarithmic time under the ring's lock."""
        status = self._stream.status()
        counters = replace(
            status.counters,
            live_drops=self._live.drops,
            live_gops_dropped=self._live.gops_dropped,
            live_pictures_damaged=self._live.pictures_damaged,
            live_sound_drops=self._live_sound.drops,
            recording_units_lost=self._context.counters.units_lost,
            write_failures=self._context.counters.write_failures,
            finish_failures=self._context.counters.finish_failures,
            task_failures=self._context.counters.task_failures + self._live.failures,
        )
        recordings = len(self._active) + len(self._waiting)
        width, height = status.width, status.height
        if width is not None and height is not None:
            width, height = upright_size(width, height, self.settings.rotation_deg)
        return replace(
            status,
            width=width,
            height=height,
            recordings=recordings,
            viewers=self._live.viewers,
            listeners=self._live_sound.listeners,
            counters=counters,
        )

    # Recordings.

    async def record(self, request: RecordRequest) -> RecordingStarted:
        """Begin a recording. On return its pre-roll is durable, or the whole clip if all of it was buffered.

        The caller then commits its row and calls `acknowledge`, or `abandon` if the commit fails.
        Raises BufferEmpty, SpanOutsideBuffer, Busy, CutFailed, OSError; no file is left behind then.
        """
        if len(self._active) + len(self._waiting) + self._reserved >= MOST_RECORDINGS:
            raise Busy(f"{MOST_RECORDINGS} recordings of this camera are under way. Stop one first.")
        if self._is_releasing:
            raise Busy("This camera is being changed. Try again in a moment.")
        self._reserved += 1
        try:
            return await self._record(request)
        finally:
            self._reserved -= 1

    async def _record(self, request: RecordRequest) -> RecordingStarted:
        if request.replay is not None and (pinned := self._replays.pinned(request.replay)) is not None:
            return await self._record_replay(request, pinned)
        oldest, newest = self._units.edges()
        if request.replay is not None:
            self._must_be_buffered(request, oldest)
        plan = self._plan(request, oldest.pts_ns, newest.pts_ns)
        preroll, whole = await self._preroll(plan)
        first = preroll[0]
        opening = OpenPlan(request.recording_id, plan.pressed_ns, plan.start_ns, plan.end_ns, preroll)
        if whole and first.epoch.codec is Codec.H264:
            return await cut_at_once(self._context, opening)
        recording, started = await open_recording(self._context, opening)
        self._waiting[request.recording_id] = recording
        return started

    def _must_be_buffered(self, request: RecordRequest, oldest: AccessUnit) -> None:
        """The replay's frames were let go; the buffer may hold those asked for. Raises SpanOutsideBuffer."""
        if request.start is None or request.start < self._labels.label(oldest.pts_ns):
            raise SpanOutsideBuffer(_REPLAY_LET_GO, "start")

    async def _record_replay(self, request: RecordRequest, pinned: Pinned) -> RecordingStarted:
        """Make a clip of a replay, whose frames may have left the buffer."""
        ring = await asyncio.to_thread(pinned.ring)
        newest = ring.newest()
        plan = self._plan(request, ring.oldest().pts_ns, newest.pts_ns)
        end_ns = min(plan.end_ns or FOREVER_NS, newest.pts_ns + newest.duration_ns)
        units = ring.span(plan.start_ns, end_ns).units
        context = replace(self._context, sound=PinnedSound(pinned.sound))
        return await cut_at_once(
            context, OpenPlan(request.recording_id, plan.pressed_ns, plan.start_ns, end_ns, units)
        )

    async def acknowledge(self, recording_id: str) -> None:
        """Continue a recording whose row is committed."""
        files = self._context.files(recording_id)
        await in_thread(self._tools.disk, files.acknowledge)
        recording = self._waiting.pop(recording_id, None)
        if recording is not None:
            self._run(recording)

    async def abandon(self, recording_id: str) -> None:
        """Remove the files of a recording whose row could not be committed."""
        recording = self._waiting.pop(recording_id, None)
        if recording is not None:
            await recording.close()
        await in_thread(self._tools.disk, self._context.files(recording_id).remove)

    async def stop(self, recording_id: str) -> None:
        """End a recording at the newest frame; `RecordingFinished` follows. Raises UnknownRecording."""
        self._stop(self._find(recording_id))

    async def extend(self, recording_id: str, seconds: float) -> datetime | None:
        """Postpone the planned end and return it (None: until stopped). Raises UnknownRecording."""
        recording = self._find(recording_id)
        if self._is_releasing or recording.session.state is not SessionState.RECORDING:
            raise UnknownRecording("This recording has reached its end.")
        recording.extend(round(seconds * NS_PER_S))
        end_ns = recording.session.end_ns
        return None if end_ns is None else self._labels.label(end_ns)

    async def discard(self, recording_id: str) -> None:
        """Stop a recording and delete its files, acknowledged or not. Raises UnknownRecording."""
        waiting = self._waiting.pop(recording_id, None)
        if waiting is not None:
            await waiting.close()
        else:
            self._find(recording_id).discard()
            task = self._recording_tasks.get(recording_id)
            if task is not None:
                await asyncio.gather(task, return_exceptions=True)
        await in_thread(self._tools.disk, self._context.files(recording_id).remove)

    def is_recording(self, recording_id: str) -> bool:
        """Whether this recording is in progress here."""
        return recording_id in self._active or recording_id in self._waiting

    # Frames, replays and the live view.

    async def frame(
        self, at: datetime | None = None, *, exact: bool = True, max_width: int | None = None
    ) -> Picture:
        """The newest frame, or the buffered frame shown at a label. Raises SpanError, Busy, DecodeFailed."""
        return await self._stills.frame(self._shown_ns(at), exact=exact, max_width=max_width)

    async def card(self, at: datetime | None = None, *, exact: bool = True) -> Picture:
        """Like `frame`, but small in pixels and in bytes."""
        return await self._stills.card(self._shown_ns(at), exact=exact)

    def _shown_ns(self, at: datetime | None) -> int | None:
        if at is None:
            return None
        at_ns = self._labels.monotonic_ns(at)
        _, newest = self._units.edges()
        check_not_ahead(at_ns, newest.pts_ns)
        # A label is truncated to microseconds, so its frame may lie up to 999 ns after it.
        return at_ns + NS_PER_US - 1

    async def filmstrip(
        self, count: int, width: int, start: datetime | None = None, end: datetime | None = None
    ) -> list[Picture]:
        """Small keyframe pictures across a span of the buffer; empty if it holds no keyframe.

        Raises Busy, DecodeFailed.
        """
        try:
            oldest, newest = self._units.edges()
        except BufferEmpty:
            return []
        start_ns, end_ns = self._bounds_ns(start, end, oldest.pts_ns, newest.pts_ns + 1)
        return await self._stills.filmstrip(start_ns, end_ns, count, width)

    def frames(self, start: datetime | None, end: datetime | None, most: int) -> FrameList:
        """The labels of the frames with start ≤ label < end, at most `most` (≥ 1) of them.

        A bound of None is the buffer's own. `frame` shows each frame while it is buffered. Linear in the
        frames. Raises SpanError.
        """
        oldest, newest = self._units.edges()
        start_ns, end_ns = self._bounds_ns(start, end, oldest.pts_ns, newest.pts_ns + 1)
        if end_ns <= start_ns:
            raise SpanOutsideBuffer(_EMPTY_SPAN, "end" if start is None else "start")
        span = self._units.span(start_ns, end_ns)
        try:
            shown = shown_units(span.units, span.start_ns, span.end_ns)
        except FinishFailed as error:
            raise SpanOutsideBuffer("No frame of the asked span can be shown.") from error
        label, last = self._labels.label, shown[-1]
        return FrameList(
            frame_count=len(shown),
            labels=tuple(label(unit.pts_ns) for unit in sample_evenly(shown, most)),
            start_time=label(shown[0].pts_ns),
            end_time=label(last.pts_ns + last.duration_ns),
            offsets_us=label_offsets_us(unit.pts_ns for unit in shown),
        )

    async def replay(
        self, start: datetime | None, end: datetime | None, owner: str = "", *, from_keyframe: bool = False
    ) -> ReplayFile:
        """Cut a span of the buffer into a playable file and pin its frames until `close_replay`.

        `from_keyframe`: begin at the keyframe before the span, so that the file hides no pictures before it.
        Where pins keep too much, those of the `owner` who keeps most are let go; their files stay.
        Raises Busy, SpanError, NotPlayable, CutFailed, OSError.
        """
        oldest, newest = self._units.edges()
        newest_end_ns = newest.pts_ns + newest.duration_ns
        start_ns, end_ns = self._bounds_ns(start, end, oldest.pts_ns, newest_end_ns)
        if end_ns <= start_ns:
            raise SpanOutsideBuffer(_EMPTY_SPAN, "end" if start is None else "start")
        return await self._replays.open(start_ns, end_ns, owner, from_keyframe=from_keyframe)

    async def close_replay(self, token: str) -> None:
        """Unpin a replay's frames and delete its file."""
        await self._replays.close(token)

    def subscribe(self, *, plays_h265: bool = False) -> LiveSubscription:
        """A live viewer: enter it as a context manager and iterate; if iteration ends, subscribe again."""
        return self._live.subscribe(plays_h265=plays_h265)

    def listen(self) -> AsyncGenerator[LiveSoundMessage, None]:
        """The live sound from now on. The caller must close the generator (`contextlib.aclosing`)."""
        return self._live_sound.listen()

    async def pictures(self, fps: float | None = None) -> AsyncIterator[Picture]:
        """JPEG frames at `fps` or slower, each newer than the last, for clients that need stills.

        Frames that must be decoded are limited to PICTURES_PER_S. A camera's own JPEGs arrive as fast as
        the reader takes them; with `fps` None, all of them.
        """
        loop = asyncio.get_running_loop()
        shown: datetime | None = None
        version = 0
        while True:
            begun = loop.time()
            try:
                picture = await self._stills.frame(None, exact=True, max_width=None)
            except (Busy, BufferEmpty):
                picture = None
            if picture is not None and picture.label != shown:
                shown = picture.label
                yield picture
            if not self._sends_jpeg():
                wait_s = max(0.02, 1.0 / min(fps or PICTURES_PER_S, PICTURES_PER_S) - (loop.time() - begun))
                await asyncio.sleep(wait_s)
            elif fps is not None:
                await asyncio.sleep(max(0.0, 1.0 / fps - (loop.time() - begun)))
            version = await self._bridge.wait_beyond(version, 1.0)

    # Internals.

    def _bounds_ns(
        self, start: datetime | None, end: datetime | None, oldest_ns: int, end_ns: int
    ) -> tuple[int, int]:
        """The monotonic bounds of a span of labels; None stands for the buffer's own bound."""
        return (
            oldest_ns if start is None else self._labels.monotonic_ns(start),
            end_ns if end is None else self._labels.monotonic_ns(end),
        )

    def _sends_jpeg(self) -> bool:
        try:
            return self._units.newest().epoch.codec is Codec.MJPEG
        except BufferEmpty:
            return False

    def _plan(self, request: RecordRequest, oldest_ns: int, newest_ns: int) -> SpanPlan:
        mono = self._labels.monotonic_ns
        requested = RequestedSpan(
            at_ns=None if request.at is None else mono(request.at),
            before_ns=round(request.before_s * NS_PER_S),
            after_ns=None if request.after_s is None else round(request.after_s * NS_PER_S),
            start_ns=None if request.start is None else mono(request.start),
            end_ns=None if request.end is None else mono(request.end),
        )
        return plan_span(requested, oldest_ns, newest_ns)

    async def _preroll(self, plan: SpanPlan) -> tuple[tuple[AccessUnit, ...], bool]:
        """The span's buffered units that fit one file, and whether they are all of the span."""
        version = 0
        deadline = asyncio.get_running_loop().time() + REORDER_WAIT_S
        _, newest = self._units.edges()
        reachable = plan.end_ns is not None and plan.end_ns <= newest.pts_ns + newest.duration_ns
        # A short look-back may begin at a B-frame that arrives after the newest frame.
        decided_ns = plan.end_ns if plan.end_ns is not None and reachable else plan.start_ns
        while self._units.last_dts_ns() < decided_ns and asyncio.get_running_loop().time() < deadline:
            version = await self._bridge.wait_beyond(version, 0.1)
        end_ns = plan.end_ns if plan.end_ns is not None and reachable else self._units.newest().pts_ns + 1
        units = self._units.span(plan.start_ns, end_ns).units
        own = fitting(units)
        return own, reachable and self._complete(plan) and len(own) == len(units)

    def _complete(self, plan: SpanPlan) -> bool:
        return plan.end_ns is not None and self._units.last_dts_ns() >= plan.end_ns

    def _stop(self, recording: ActiveRecording) -> None:
        try:
            newest = self._units.newest()
        except BufferEmpty:  # the GOP being recorded was too large for the ring
            return recording.stop(self._tools.clock.monotonic_ns())
        recording.stop(newest.pts_ns + newest.duration_ns)

    def _is_writing(self) -> bool:
        states = (recording.session.state for recording in self._active.values())
        return bool(self._reserved or self._waiting) or SessionState.RECORDING in states

    def _find(self, recording_id: str) -> ActiveRecording:
        recording = self._active.get(recording_id)
        # A recording that is over stays listed until its file is closed.
        if recording is None or recording.session.over:
            raise UnknownRecording("This recording is not under way any more.")
        return recording

    def _run(self, recording: ActiveRecording) -> None:
        name = recording.recording_id
        self._active[name] = recording
        task = self._tasks.spawn(recording.run(self._run), f"recording {name}")
        self._recording_tasks[name] = task
        task.add_done_callback(lambda _: self._ended(name))

    def _ended(self, recording_id: str) -> None:
        self._active.pop(recording_id, None)
        self._recording_tasks.pop(recording_id, None)

    async def _set_encoder(self) -> None:
        """Set the stream's encoder when the probe has chosen one."""
        await self._tools.finisher.transcoder.chosen.wait()
        self._stream.encoder.make(self._tools.finisher.transcoder.encoder)

    async def _watch_state(self) -> None:
        """Report changes of the camera's state to the daemon and the live viewers."""
        last: StreamSummary | None = None
        version = 0
        while True:
            now = self._stream.summary()
            if now != last:
                last = now
                self._live.send_state(now.state, now.reason)
                self._tools.on_event(CameraChanged(self.settings.camera_id))
            # A camera that goes quiet causes no notice, so poll for stalls.
            version = await self._changes.wait_beyond(version, 1.0)
