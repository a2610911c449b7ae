"""The capture thread of one camera: open, read, keep; if the camera is lost, back off and reopen.

Here: the lifecycle of the connection, its state in words, and the counters of both. Not here: reading a
camera (`sources`), placing frames in time (`timeline`), keeping them (`ring_buffer`).

Only this thread touches the source and the timeline. The ring is shared under one lock, held for logarithmic
work only; the state is one immutable value that is swapped. Callbacks run on the capture thread, outside the
lock, and must not block. Only `close` ends the thread: every failure is reported, counted and retried.
"""

import logging
import random
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import NamedTuple

from recorder.base.clock import Clock, LabelLine
from recorder.base.errors import RecorderError, SourceError, SourceFrozen, SourceLost, SourceUnsupported
from recorder.base.media_time import NS_PER_S
from recorder.base.redaction import scrub, shown
from recorder.base.settings import BufferCodec, CameraSettings
from recorder.base.values import BufferStatus, CameraStatus, StreamCounters, StreamState
from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch, SourceUnit
from recorder.bitstream.audio_unit import AudioUnit, SourceAudio
from recorder.buffer.ring_buffer import RingBuffer
from recorder.buffer.shared_ring import LockedRing, LockedSound
from recorder.buffer.sound_ring import SoundRing
from recorder.capture.ingest_encoder import EncoderChoice, IngestEncoder
from recorder.capture.stream_condition import (
    STALLED_NS,
    BufferHealth,
    Condition,
    live_condition,
    quiet_condition,
)
from recorder.capture.timeline import Timeline
from recorder.sources.open import SourceOpener, is_device
from recorder.sources.source import Source, SourceItem

FIRST_RETRY_S = 0.5
LONGEST_RETRY_S = 30.0
LONGEST_LOCAL_RETRY_S = 2.0
"""For cameras on this machine: retrying costs nothing, and a user who plugs one in waits for its picture."""
HEALTHY_NS = 10 * NS_PER_S
"""A connection that delivers for this long resets the back-off."""
JOIN_S = 6.0
"""How long `close` waits: a little longer than the read timeout, the only way out of a silent read."""

_log = logging.getLogger(__name__)


class StreamSummary(NamedTuple):
    """The part of a camera's status that changes rarely."""

    state: StreamState
    reason: str
    codec: Codec | None
    width: int | None
    height: int | None
    audio_codec: str | None


Opener = Callable[[CameraSettings, Clock, threading.Event], Source]


def retry_delay_s(failures: int, chance: float, longest_s: float = LONGEST_RETRY_S) -> float:
    """Seconds before the next attempt after `failures` consecutive failures; `chance` in [0, 1) is jitter.

    Doubles from half a second to `longest_s`. The jitter shortens it by up to 30 %, so cameras that failed
    together (one switch, one power cut) do not all reconnect at once.
    """
    delay_s = min(longest_s, FIRST_RETRY_S * (1 << min(failures, 16)))
    return delay_s * (1.0 - 0.3 * chance)


class BackgroundStream:
    """Keeps one camera's ring filled, with or without viewers. Call `start` and `close` once each."""

    def __init__(
        self,
        settings: CameraSettings,
        clock: Clock,
        labels: LabelLine,
        *,
        on_units: Callable[[], None],
        on_change: Callable[[], None],
    ) -> None:
        """`on_units` reports new units in the ring, `on_change` a new state; both on the capture thread."""
        self.opener: Opener = SourceOpener()
        """Makes a source of an address; tests replace it before `start`."""
        self._settings = settings
        self._clock = clock
        self._labels = labels
        self._on_units = on_units
        self._on_change = on_change
        self._lock = threading.Lock()
        self._ring = RingBuffer(settings.buffer)
        self.units = LockedRing(self._ring, self._lock)
        self._sound_ring = SoundRing()
        self.sound = LockedSound(self._sound_ring, self._lock)
        self._timeline = Timeline()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"capture-{settings.camera_id}", daemon=True)
        self._condition = Condition(StreamState.CONNECTING, "Not started yet.", clock.monotonic_ns())
        self._counters = StreamCounters()
        self._units = self._bytes = self._sound_frames = 0
        """Received; kept apart from the other counters, which are copied on every change."""
        self._epoch: Epoch | None = None
        self._source_codec: Codec | None = None
        self._is_old_news = False
        """Whether the last failure repeats the previous one."""
        self._live_since_ns: int | None = None
        self._last_unit_ns = 0
        self._too_large_ns: int | None = None
        """When the ring last dropped a GOP that was too large."""
        self._source: Source | None = None
        self._damaged_before = 0
        self.encoder = EncoderChoice()
        """Set once the encoder probe is done; pictures to encode wait for it."""
        self._ingest: IngestEncoder | None = None
        self._sound_trouble = ""

    def start(self) -> None:
        """Begin to fill the ring. Returns before the camera is connected."""
        self._thread.start()

    def close(self, deadline_s: float = JOIN_S) -> None:
        """End the thread. Blocks for at most `deadline_s`; a thread stuck in a library is abandoned."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(deadline_s)
        if self._thread.is_alive():
            _log.warning("Camera %s: the capture thread did not end in time.", self._settings.camera_id)
        self.encoder.make(None)
        if self._ingest is not None:
            self._ingest.close()

    def adjust(self, settings: CameraSettings) -> None:
        """Apply a new name and new ring limits while running; other settings at the next connection.

        Linear in the frames that the new limits evict.
        """
        self._settings = settings
        self._too_large_ns = None  # the GOP may fit now; otherwise it is reported again
        with self._lock:
            self._ring.set_limits(settings.buffer)

    def status(self) -> CameraStatus:
        """The camera's current status. Any thread; logarithmic time under the ring's lock.

        `recordings` and `viewers` are 0; the recorder fills them in.
        """
        epoch = self._epoch
        buffer, fps = self._buffer_status()
        condition = self._shown_condition(holds_any=buffer.held_frames > 0)
        label = self._labels.label
        return CameraStatus(
            camera_id=self._settings.camera_id,
            name=self._settings.name,
            source=shown(self._settings.source),
            state=condition.state,
            reason=condition.reason,
            state_since=label(condition.since_ns),
            next_try=None if condition.next_try_ns is None else label(condition.next_try_ns),
            last_error=condition.last_error,
            codec=None if epoch is None else epoch.codec.value,
            source_codec=None if self._source_codec is None else self._source_codec.value,
            audio_codec=self._audio_codec(),
            audio_trouble=self._sound_trouble or None,
            width=None if epoch is None else epoch.width,
            height=None if epoch is None else epoch.height,
            fps=fps,
            buffer=buffer,
            counters=self._all_counters(),
            clock=self._labels.state,
            recordings=0,
            viewers=0,
        )

    def summary(self) -> StreamSummary:
        """The part of the status whose changes are announced. Any thread; much cheaper than `status`."""
        epoch = self._epoch
        with self._lock:
            holds_any = self._ring.held_frames > 0
        condition = self._shown_condition(holds_any=holds_any)
        codec, width, height = (epoch.codec, epoch.width, epoch.height) if epoch else (None, None, None)
        return StreamSummary(condition.state, condition.reason, codec, width, height, self._audio_codec())

    def why_no_sound(self) -> str:
        """Why there is no sound, for a listener. Any thread."""
        if not self._settings.audio:
            return "The sound of this camera is turned off (`audio: false` in config.yaml)."
        if self._sound_trouble:
            return self._sound_trouble
        if is_device(self._settings.source):
            return "The microphone of a USB camera is not recorded."
        had_sound = self.sound.newest_end_ns() is not None
        return "The sound of this camera has stopped." if had_sound else "This camera sends no sound."

    # The capture thread.

    def _run(self) -> None:
        failures = -1
        while not self._stop.is_set():
            error = self._connect_and_read()
            if self._stop.is_set():
                break
            failures = 0 if self._was_healthy() else failures + 1
            self._wait_for_next_try(error, failures)
        self._enter(StreamState.STOPPED, "The recorder was stopped.")

    def _connect_and_read(self) -> SourceError:
        """Run one connection and return the reason it ended."""
        self._live_since_ns = None
        state = StreamState.RECONNECTING if self._counters.connects else StreamState.CONNECTING
        self._enter(state, f"Connecting to {shown(self._settings.source)}.")
        try:
            with closing(self.opener(self._settings, self._clock, self._stop)) as source:
                self._source = source
                try:
                    source.open()
                    self._sound_trouble = ""
                    self._timeline.begin_run()
                    self._count(connects=1, reconnects=1 if self._counters.connects else 0)
                    self._read_until_lost(source)
                finally:
                    self._keep(flush=True)
                    self._damaged_before += source.damaged
                    self._source = None
        except SourceError as error:
            self._count_loss(error)
            return error
        except Exception as error:  # noqa: BLE001  (outermost frame: counted, reported, retried)
            self._count(thread_failures=1)
            self._count_loss(error)
            text = scrub(f"{type(error).__name__}: {error}", self._settings.source)
            return SourceLost(f"Reading the camera failed unexpectedly ({text}).")
        return SourceLost("The recorder was stopped.")

    def _read_until_lost(self, source: Source) -> None:
        self._last_unit_ns = self._clock.monotonic_ns()
        while not self._stop.is_set():
            items = source.read()
            now_ns = self._clock.monotonic_ns()
            if any(isinstance(unit, SourceUnit) for unit in items):
                self._last_unit_ns = now_ns
                if self._live_since_ns is None:
                    self._live_since_ns = now_ns
                    self._enter(StreamState.LIVE, "Receiving pictures.")
                self._keep(items)
                continue
            if items:
                self._keep(items)
            if now_ns - self._last_unit_ns > self._settings.read_timeout_s * NS_PER_S:
                # Sources detect a silent socket themselves; this camera sends data but no pictures.
                msg = f"The camera sent no picture for {self._settings.read_timeout_s:g} s."
                raise SourceLost(msg)

    def _count_loss(self, error: Exception) -> None:
        """Count the loss of a connection, unless it never delivered a picture."""
        if self._live_since_ns is None:
            return
        quiet_ns = self._clock.monotonic_ns() - self._last_unit_ns
        # A source may end its last wait slightly early.
        silent = quiet_ns >= 0.9 * self._settings.read_timeout_s * NS_PER_S
        self._count(losses=1, stalls=int(silent), freezes=int(isinstance(error, SourceFrozen)))

    def _keep(self, items: Sequence[SourceItem] = (), *, flush: bool = False) -> None:
        placed = self._timeline.flush() if flush else []
        sound: list[AudioUnit] = []
        for item in items:
            if isinstance(item, SourceUnit):
                self._units += 1
                self._bytes += len(item.data)
                placed += self._timeline.place(item)
            elif isinstance(item, SourceAudio):
                sound += self._timeline.place_sound(item)
                self._sound_frames += 1
            else:
                self._count(sound_frames_lost=item.lost, sound_failures=int(item.failed))
                self._note_sound_trouble(item.reason)
        if sound:
            self._keep_sound(sound)
        if placed:
            self._source_codec = placed[-1].epoch.codec
        if placed and self._is_for_ingest(placed[0]):
            self._ingest_from(placed[0]).offer(placed)
        elif placed:
            self._fill(placed)

    def _is_for_ingest(self, unit: AccessUnit) -> bool:
        """Whether units go through the ingest encoder: all of them once the first is not H.264."""
        if self._settings.buffer.codec is BufferCodec.SOURCE:
            return False
        return self._ingest is not None or unit.epoch.codec is not Codec.H264

    def _ingest_from(self, first: AccessUnit) -> IngestEncoder:
        if self._ingest is None:
            settings = self._settings
            self._ingest = IngestEncoder(
                settings.camera_id, settings.buffer.codec, self.encoder, self._fill, first
            )
            self._ingest.start()
        return self._ingest

    def _fill(self, units: Sequence[AccessUnit]) -> None:
        """Put units into the ring. Runs on the capture thread or the ingest encoder's thread."""
        with self._lock:
            too_large = self._ring.gops_too_large
            for unit in units:
                self._ring.append(unit)
            self._balance()
            too_large = self._ring.gops_too_large - too_large
        if too_large:
            self._too_large_ns = self._clock.monotonic_ns()
        self._epoch = units[-1].epoch
        self._on_units()

    def _keep_sound(self, frames: Sequence[AudioUnit]) -> None:
        with self._lock:
            for unit in frames:
                self._sound_ring.append(unit)
            self._balance()

    def _balance(self) -> None:
        """Trim sound to the span of the pictures and count its bytes in their limit. Under the lock."""
        if self._sound_ring.format is None:
            return
        if self._ring.held_frames:
            self._sound_ring.trim(self._ring.oldest(), self._ring.limits.max_bytes)
        self._ring.sound_bytes = self._sound_ring.held_bytes

    def _note_sound_trouble(self, reason: str) -> None:
        """Log a problem with the sound, unless it repeats: a broken track fails fifty times a second."""
        if reason != self._sound_trouble:
            self._sound_trouble = reason
            _log.warning("Camera %s: %s", self._settings.camera_id, reason)

    def _was_healthy(self) -> bool:
        return self._live_since_ns is not None and self._last_unit_ns - self._live_since_ns >= HEALTHY_NS

    def _wait_for_next_try(self, error: SourceError, failures: int) -> None:
        # An unsupported source needs a change by the operator; frequent retries do not help.
        hopeless = isinstance(error, SourceUnsupported)
        longest_s = LONGEST_LOCAL_RETRY_S if is_device(self._settings.source) else LONGEST_RETRY_S
        delay_s = LONGEST_RETRY_S if hopeless else retry_delay_s(failures, random.random(), longest_s)
        next_try_ns = self._clock.monotonic_ns() + int(delay_s * NS_PER_S)
        reason = str(error)
        self._is_old_news = self._live_since_ns is None and reason == self._condition.last_error
        self._condition = replace(self._condition, last_error=reason)
        self._enter(StreamState.RECONNECTING, reason, next_try_ns)
        self._stop.wait(delay_s)

    def _enter(self, state: StreamState, reason: str, next_try_ns: int | None = None) -> None:
        before = self._condition
        since_ns = before.since_ns if before.state is state else self._clock.monotonic_ns()
        self._condition = Condition(state, reason, since_ns, next_try_ns, before.last_error)
        level = logging.WARNING if next_try_ns is not None else logging.INFO
        if self._is_old_news and state in (StreamState.CONNECTING, StreamState.RECONNECTING):
            level = logging.DEBUG  # a camera that is offline for days must not fill the disk with log lines
        _log.log(level, "Camera %s is %s: %s", self._settings.camera_id, state, reason)
        self._on_change()

    def _count(self, **more: int) -> None:
        sums = {name: getattr(self._counters, name) + number for name, number in more.items()}
        self._counters = replace(self._counters, **sums)

    # Reading from any thread.

    def _shown_condition(self, *, holds_any: bool) -> Condition:
        """The current condition; a live camera that has gone quiet is shown as stalled before it is lost."""
        condition = self._condition
        if condition.state is not StreamState.LIVE:
            return condition
        last_ns = self._last_unit_ns
        quiet_ns = self._clock.monotonic_ns() - last_ns
        allowed_ns = STALLED_NS
        if quiet_ns > allowed_ns:
            allowed_ns = max(allowed_ns, 3 * self._frame_ns())
        if quiet_ns > allowed_ns:
            return quiet_condition(condition, quiet_ns, last_ns + allowed_ns)
        too_large_ns = self._too_large_ns
        ago_ns = None if too_large_ns is None else self._clock.monotonic_ns() - too_large_ns
        fails = self._ingest is not None and self._ingest.failures > 0
        return live_condition(condition, BufferHealth(holds_any, ago_ns, fails))

    def _frame_ns(self) -> int:
        try:
            return self.units.newest().duration_ns
        except RecorderError:
            return 0

    def _buffer_status(self) -> tuple[BufferStatus, float | None]:
        with self._lock:
            ring = self._ring
            limits = ring.limits
            recent = ring.recent(limits.seconds)
            held = (ring.held_frames, ring.held_s, ring.held_bytes + ring.sound_bytes, ring.pinned_bytes)
            frame_ns = ring.newest().duration_ns if recent.frame_count else 0
        label = self._labels.label
        status = BufferStatus(
            frame_count=recent.frame_count,
            duration_s=recent.duration_s,
            oldest_frame=None if recent.oldest_pts_ns is None else label(recent.oldest_pts_ns),
            newest_frame=None if recent.newest_pts_ns is None else label(recent.newest_pts_ns),
            capacity_s=limits.seconds,
            max_bytes=limits.max_bytes,
            held_frames=held[0],
            held_s=held[1],
            held_bytes=held[2],
            pinned_bytes=held[3],
        )
        return status, round(NS_PER_S / frame_ns, 3) if frame_ns else None

    def _audio_codec(self) -> str | None:
        with self._lock:
            found = self._sound_ring.format
        return None if found is None else found.codec

    def _all_counters(self) -> StreamCounters:
        source = self._source
        return replace(
            self._counters,
            units=self._units,
            bytes=self._bytes,
            sound_frames=self._sound_frames,
            discontinuities=self._timeline.discontinuities,
            units_before_keyframe=self._timeline.units_before_keyframe,
            units_damaged=self._damaged_before + (source.damaged if source is not None else 0),
            sound_frames_lost=self._counters.sound_frames_lost + self._timeline.sound_dropped,
            gops_evicted_by_bytes=self._ring.gops_evicted_by_bytes,
            gops_too_large=self._ring.gops_too_large,
            pins_let_go=self._ring.pins_let_go,
            ingest_gops_dropped=0 if self._ingest is None else self._ingest.gops_dropped,
            ingest_failures=0 if self._ingest is None else self._ingest.failures,
        )
