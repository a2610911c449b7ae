"""Schedules transcodes: which clips run, which wait, and which are retried after a process died.

Here: the choice of encoder, a few slots, their queue, retries. Not here: transcoding (`transcode_job`),
processes (`workers`), publishing the file (`finishing`). Event loop only.

A recording is transcoded while it runs, so its clip is ready soon after the last frame. An open-ended
recording could hold its slot for hours, so complete recordings take precedence: if no slot is free, the
youngest running follower is preempted and starts again once its own recording is complete.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from recorder.base.errors import Busy, DecodeFailed, FinishFailed, RecorderError, WorkerLost, WorkerTimedOut
from recorder.base.tasks import Tasks
from recorder.base.workers import WorkerPool
from recorder.encoding.encoder import IN_ORDER, SOFTWARE, probe
from recorder.mp4.muxer import CutResult
from recorder.recording.transcode_job import TranscodeOrder, TranscodeReport, TranscodeResult, transcode

log = logging.getLogger(__name__)

MOST_AT_ONCE = 2
MOST_WAITING = 256
TRIES = 3
"""A process killed for lack of memory may survive a retry; three times is no accident."""
SILENCE_S = 60.0
PROBE_TIMEOUT_S = 15.0
NICENESS = 15
"""The lowest priority: buffers come first, then pictures that users wait for."""
MEMORY_BYTES = 2 << 30
_UNWANTED = "The clip is not wanted any more."


@dataclass(slots=True)
class TranscodeCounters:
    """Since the daemon started."""

    done: int = 0
    failed: int = 0
    retried: int = 0
    """Restarted because the process died or the hardware encoder failed."""
    preempted: int = 0
    """Unfinished recordings that gave their slot to a complete one."""
    refused: int = 0
    frames_damaged: int = 0
    """Frames that could not be decoded; the frame before is shown longer."""


@dataclass(frozen=True, slots=True)
class EncoderProbe:
    """The probe's result for one encoder; `reason` is empty if it works."""

    name: str
    reason: str


class Transcode:
    """The transcode of one clip to `out`. Created by `Transcoder.begin`."""

    def __init__(
        self, recording_id: str, files: tuple[Path, Path], on_share: Callable[[float], None], follow: bool
    ) -> None:
        self.recording_id = recording_id
        self.part, self.out = files
        self.follow = follow
        self.complete = not follow
        self.preempted = False
        self.task: asyncio.Task[None] | None = None
        self.error: RecorderError | None = None
        self.cut: CutResult | None = None
        self.ended = asyncio.Event()
        self._on_share = on_share

    async def result(self) -> CutResult:
        """Wait for the file at `out`. Raises FinishFailed, PartFileDamaged; the process has then exited."""
        await self.ended.wait()
        if self.cut is None:
            raise self.error or FinishFailed(_UNWANTED)
        return self.cut

    def reported(self, report: TranscodeReport) -> None:
        """Forward the completed share, once the recording is complete."""
        if self.complete:
            self._on_share(report.share)

    def end(self, outcome: CutResult | RecorderError) -> None:
        """Set the outcome and wake the waiting caller."""
        if isinstance(outcome, RecorderError):
            self.error = outcome
        else:
            self.cut = outcome
        self.ended.set()


class Transcoder:
    """All transcodes of one daemon."""

    def __init__(
        self,
        at_once: int = MOST_AT_ONCE,
        most_waiting: int = MOST_WAITING,
        probe_timeout_s: float = PROBE_TIMEOUT_S,
    ) -> None:
        self.counters = TranscodeCounters()
        self.encoder: str | None = None
        """The encoder in use; None until the probe is done, or if none works."""
        self.probes: tuple[EncoderProbe, ...] = ()
        self.chosen = asyncio.Event()
        """Set when the probe is done, even if no encoder works."""
        self._pool = WorkerPool(at_once, max_waiting=0, memory_bytes=MEMORY_BYTES, niceness=NICENESS)
        self._slots = at_once
        self._most_waiting = most_waiting
        self._probe_timeout_s = probe_timeout_s
        self._waiting: list[Transcode] = []
        self._running: list[Transcode] = []
        self._tasks = Tasks()
        self._closed = False

    def start(self) -> None:
        """Start the encoder probe; transcodes wait for its result."""
        self._tasks.spawn(self._choose(), "encoder probe")

    async def close(self) -> None:
        """Stop everything. Part files stay; the next start-up transcodes them again."""
        self._closed = True
        waiting, self._waiting = self._waiting, []
        for item in waiting:
            item.end(FinishFailed("The recorder is being stopped."))
        await self._tasks.close()
        await asyncio.to_thread(self._pool.close)

    @property
    def waiting(self) -> int:
        """How many transcodes wait for a slot."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """How many transcodes are running."""
        return len(self._running)

    def begin(
        self,
        recording_id: str,
        files: tuple[Path, Path],
        on_share: Callable[[float], None],
        *,
        follow: bool,
    ) -> Transcode:
        """Transcode a part file (`files`: source, target); with `follow` it grows until `complete` is called.

        `on_share` receives the completed share (0–1) once the recording is complete. Raises Busy.
        """
        if len(self._waiting) >= self._most_waiting:
            self.counters.refused += 1
            raise Busy(f"{self._most_waiting} clips wait for their transcode. Retry this one later.")
        item = Transcode(recording_id, files, on_share, follow)
        self._waiting.append(item)
        self._dispatch()
        return item

    def complete(self, item: Transcode) -> None:
        """Note that the part file is sealed: the transcode now precedes unfinished recordings."""
        item.complete = True
        self._dispatch()

    def cancel(self, item: Transcode) -> None:
        """Cancel a transcode; `item.ended` is set once its process has exited."""
        if item in self._waiting:
            self._waiting.remove(item)
            item.end(FinishFailed(_UNWANTED))
        elif item.task is not None and not item.ended.is_set():
            item.preempted = False
            item.task.cancel()

    def cancel_clip(self, recording_id: str) -> None:
        """Cancel all transcodes of this clip."""
        for item in [*self._waiting, *self._running]:
            if item.recording_id == recording_id:
                self.cancel(item)

    async def _choose(self) -> None:
        probes: list[EncoderProbe] = []
        for name in IN_ORDER:
            reason = await self._probed(name)
            probes.append(EncoderProbe(name, reason))
            if not reason:
                self.encoder = name
                break
        self.probes = tuple(probes)
        self.chosen.set()
        if self.encoder is None:
            log.error("no H.264 encoder works here: %s", "; ".join(f"{t.name}: {t.reason}" for t in probes))
        else:
            log.info("clips that are not H.264 are encoded by %s", self.encoder)
        self._dispatch()

    async def _probed(self, name: str) -> str:
        """Why an encoder cannot be used; empty if it can."""
        try:
            return await self._pool.run(probe, name, timeout_s=self._probe_timeout_s)
        except WorkerTimedOut as error:
            if name == SOFTWARE:
                # Software has no driver to hang: the machine is busy, for example booting. Rejecting it would
                # leave no encoder until the daemon is restarted.
                log.warning("%s was not tried to the end and is used all the same: %s", name, error)
                return ""
            return str(error)
        except DecodeFailed as error:
            # A driver that crashes takes down only its worker process.
            return str(error)

    def _dispatch(self) -> None:
        if not self.probes or self._closed:
            return
        while len(self._running) < self._slots and (item := self._next()) is not None:
            self._waiting.remove(item)
            self._running.append(item)
            item.preempted = False
            item.task = self._tasks.spawn(self._serve(item), f"transcode {item.recording_id}")
            item.task.add_done_callback(partial(self._on_never_started, item))
        if any(item.complete for item in self._waiting):
            self._preempt_youngest()

    def _on_never_started(self, item: Transcode, task: object) -> None:
        """Clean up after a task cancelled before its first step, which runs no code, not even `finally`."""
        # A preempted task may already have a successor, which must not be ended.
        if item not in self._running or item.task is not task:
            return
        self._running.remove(item)
        if item.preempted and not self._closed:
            self._waiting.append(item)
        else:
            item.end(FinishFailed(_UNWANTED))
        self._dispatch()

    def _next(self) -> Transcode | None:
        for item in self._waiting:
            if item.complete:
                return item
        return next((item for item in self._waiting if not item.preempted), None)

    def _preempt_youngest(self) -> None:
        if any(item.preempted for item in self._running):
            return  # one is already ending, and its end dispatches again
        for item in reversed(self._running):
            if not item.complete and item.task is not None:
                item.preempted = True
                self.counters.preempted += 1
                item.task.cancel()
                return

    async def _serve(self, item: Transcode) -> None:
        outcome: CutResult | RecorderError | None = None
        try:
            result = await self._try(item)
            outcome = result.cut
            self.counters.done += 1
            self.counters.frames_damaged += result.frames_damaged
        except RecorderError as error:
            outcome = error
            self.counters.failed += 1
            # A killed process leaves its file behind; a failed job removes its own.
            await asyncio.to_thread(item.out.unlink, missing_ok=True)
        except asyncio.CancelledError:
            if not item.preempted:
                outcome = FinishFailed(_UNWANTED)
                raise
        finally:
            self._running.remove(item)
            if outcome is not None:
                item.end(outcome)
            elif item.preempted and not self._closed:
                self._waiting.append(item)
            else:
                item.end(FinishFailed("The transcode broke off by a fault of the recorder."))
            self._dispatch()

    async def _try(self, item: Transcode) -> TranscodeResult:
        encoder = self.encoder
        if encoder is None:
            raise FinishFailed("No H.264 encoder works on this machine; GET /api/system tells why.")
        for left in reversed(range(TRIES)):
            order = TranscodeOrder(item.part, item.out, encoder, item.follow)
            try:
                return await self._pool.run_long(
                    transcode, order, silence_s=SILENCE_S, on_report=item.reported
                )
            except WorkerLost as error:
                if not left:
                    raise FinishFailed(f"The transcode was broken off {TRIES} times: {error}") from error
                log.warning("transcode of %s begins again: %s", item.recording_id, error)
            except FinishFailed as error:
                if encoder == SOFTWARE:
                    raise
                log.warning(
                    "%s failed on %s, which is encoded by %s: %s", encoder, item.recording_id, SOFTWARE, error
                )
            except DecodeFailed as error:
                raise FinishFailed(f"The clip could not be transcoded: {error}") from error
            self.counters.retried += 1
            encoder = SOFTWARE
        raise FinishFailed("The clip could not be transcoded.")
