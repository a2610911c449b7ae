"""Live pictures of one camera, muxed once and shared by all viewers.

H.264 and H.265 are sent as MP4 fragments, MJPEG as the camera's own JPEGs; `live.feeds` decides which viewers
get H.265. Each camera has one muxer, which runs only while someone is watching. It pulls units from the ring
like every other reader, so viewers never block the camera. Each viewer has a bounded queue; a slow viewer
loses everything up to the next keyframe, which is counted. Only the newest JPEG is queued, because each is
independent. Event loop only; muxing runs in the `live` executor.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Self, assert_never

from recorder.base.bridge import Bridge
from recorder.base.errors import BufferEmpty
from recorder.base.tasks import Tasks
from recorder.base.threads import in_thread
from recorder.base.values import StreamState
from recorder.bitstream import h264, h265
from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch, upright_size
from recorder.buffer.shared_ring import LockedRing
from recorder.live.muxer import LiveFragment, LiveMuxer

log = logging.getLogger(__name__)

VIEWER_QUEUE_CHUNKS = 150
"""Five seconds at 30 fps, beyond the GOP a new viewer begins with; a slower viewer resumes at the next
keyframe."""
GOP_KEEP_CHUNKS = 900
"""Fragments of the current GOP kept for new viewers; in a longer GOP they wait for the next keyframe."""

_CODEC_STRINGS = {Codec.H264: h264.codec_string, Codec.H265: h265.codec_string}


@dataclass(frozen=True, slots=True)
class LiveBuffer:
    """The units to show, and the bridge that announces new ones."""

    units: LockedRing
    bridge: Bridge


@dataclass(frozen=True, slots=True)
class LiveInit:
    """What a player needs before the first fragment; sent again when the codec parameters change."""

    codec_string: str
    width: int
    height: int
    init_segment: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class LiveChunk:
    """One fMP4 fragment with the label of its picture."""

    data: bytes = field(repr=False)
    is_keyframe: bool
    media_time_s: float
    label: datetime


@dataclass(frozen=True, slots=True)
class LiveJpegInit:
    """Announces JPEGs; width and height are their size after clockwise rotation."""

    width: int
    height: int
    rotation_deg: int = 0


@dataclass(frozen=True, slots=True)
class LiveJpeg:
    """One picture as the camera encoded it, with its label."""

    data: bytes = field(repr=False)
    label: datetime


@dataclass(frozen=True, slots=True)
class LiveState:
    """The camera's state and its reason."""

    state: StreamState
    reason: str


LiveInitMessage = LiveInit | LiveJpegInit
LiveMessage = LiveInitMessage | LiveChunk | LiveJpeg | LiveState


class LiveSubscription:
    """One viewer: an async context manager and iterator of `LiveMessage`."""

    def __init__(self, feed: "LiveFeed", *, plays_h265: bool) -> None:
        self.plays_h265 = plays_h265
        self._feed = feed
        self._has_ended = False
        self._queue: deque[LiveMessage] = deque()
        self._filled = asyncio.Event()
        self._waits_for_keyframe = True
        self.bound = VIEWER_QUEUE_CHUNKS
        self.dropped = 0

    async def __aenter__(self) -> Self:
        self._feed.join(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._feed.leave(self)

    async def __aiter__(self) -> AsyncIterator[LiveMessage]:
        while True:
            while self._queue:
                yield self._queue.popleft()
            if self._has_ended:
                return
            self._filled.clear()
            await self._filled.wait()

    def offer(self, message: LiveMessage) -> bool:
        """Queue a message. Returns False if it was dropped because this viewer is too slow or has ended."""
        if self._has_ended:
            return False
        if isinstance(message, LiveChunk):
            if self._waits_for_keyframe and not message.is_keyframe:
                self.dropped += 1
                return False
            if len(self._queue) >= self.bound and not self._drop_chunks():
                return False
            self._waits_for_keyframe = False
        elif isinstance(message, LiveJpeg):
            self._drop_waiting_jpeg()
        self._queue.append(message)
        self._filled.set()
        return True

    def end(self) -> None:
        """End this viewer, which cannot play the next units; a new subscription gets a codec it can play."""
        self._has_ended = True
        self._queue.clear()
        self._filled.set()

    def rewind(self) -> None:
        """Drop all queued media before a new init segment."""
        self._queue = deque(message for message in self._queue if isinstance(message, LiveState))
        self._waits_for_keyframe = True

    def _drop_waiting_jpeg(self) -> None:
        kept = [message for message in self._queue if not isinstance(message, LiveJpeg)]
        if len(kept) < len(self._queue):
            self.dropped += len(self._queue) - len(kept)
            self._queue = deque(kept)

    def _drop_chunks(self) -> bool:
        kept = [message for message in self._queue if not isinstance(message, LiveChunk)]
        self.dropped += len(self._queue) - len(kept) + 1
        self._queue = deque(kept)
        self._waits_for_keyframe = True
        return False


class LiveFeed:
    """The muxer of one camera and its viewers."""

    def __init__(
        self,
        buffer: LiveBuffer,
        executor: Executor,
        label: Callable[[int], datetime],
        rotation_deg: int = 0,
        through: Callable[[], AbstractAsyncContextManager[LiveBuffer]] | None = None,
    ) -> None:
        """`through` is entered while there are viewers and yields the buffer to show instead of `buffer`."""
        self._rotation_deg = rotation_deg
        self._buffer = buffer
        self._through = through or (lambda: nullcontext(buffer))
        self._executor = executor
        self._label = label
        self._viewers: set[LiveSubscription] = set()
        self._tasks = Tasks()
        self._task: asyncio.Task[None] | None = None
        self._muxer: LiveMuxer | None = None
        self._epoch: Epoch | None = None
        self._init: LiveInitMessage | None = None
        self._jpeg: LiveJpeg | None = None
        self._gop: deque[LiveChunk] = deque(maxlen=GOP_KEEP_CHUNKS)
        self._state: LiveState | None = None
        self.failures = 0
        self._drops_of_past_viewers = 0

    @property
    def viewers(self) -> int:
        return len(self._viewers)

    @property
    def drops(self) -> int:
        """Fragments dropped for slow viewers since the daemon started."""
        return self._drops_of_past_viewers + sum(viewer.dropped for viewer in self._viewers)

    def subscribe(self, *, plays_h265: bool = False) -> LiveSubscription:
        """A viewer that joins when entered as a context manager."""
        return LiveSubscription(self, plays_h265=plays_h265)

    def join(self, viewer: LiveSubscription) -> None:
        """Add a viewer: it receives the state, init segment and current GOP, then all new messages."""
        self._viewers.add(viewer)
        viewer.bound = VIEWER_QUEUE_CHUNKS + len(_current_gop(self._buffer))
        if self._state is not None:
            viewer.offer(self._state)
        if self._task is None or self._task.done():
            self._task = self._tasks.spawn(self._run(), "live feed")
        elif self._init is not None:
            viewer.offer(self._init)
            if self._gop and self._gop[0].is_keyframe:
                for chunk in self._gop:
                    viewer.offer(chunk)
            if self._jpeg is not None:
                viewer.offer(self._jpeg)

    def leave(self, viewer: LiveSubscription) -> None:
        """Remove a viewer; the muxer ends with the last one."""
        self._viewers.discard(viewer)
        self._drops_of_past_viewers += viewer.dropped
        if not self._viewers and self._task is not None:
            self._task.cancel()
            self._task = None

    def send_state(self, state: StreamState, reason: str) -> None:
        """Send the camera's state to all current viewers, and to new ones when they join."""
        self._state = LiveState(state, reason)
        for viewer in self._viewers:
            viewer.offer(self._state)

    async def close(self) -> None:
        """Stop the muxer."""
        self._task = None
        await self._tasks.close()

    async def _run(self) -> None:
        while True:
            try:
                async with self._through() as buffer:
                    try:
                        await self._mux(buffer)
                    finally:
                        # Before the slow exit of `through`: a new viewer may join in the meantime.
                        self._reset()
            except Exception:
                # The outermost frame of this task: count the failure, restart at the newest GOP.
                self.failures += 1
                log.exception("the live muxer broke and begins again")
                await asyncio.sleep(1.0)

    async def _mux(self, buffer: LiveBuffer) -> None:
        gop = _current_gop(buffer)
        cursor = gop[0].sequence - 1 if gop else -1
        version = 0
        while True:
            units = buffer.units.after(cursor)
            if units:
                cursor = units[-1].sequence
                for unit in units:
                    await self._push(unit)
            version = await buffer.bridge.wait_beyond(version, 1.0)

    async def _push(self, unit: AccessUnit) -> None:
        if unit.epoch != self._epoch:
            self._begin(unit.epoch)
        if unit.epoch.codec is Codec.MJPEG:
            self._jpeg = LiveJpeg(unit.data, self._label(unit.pts_ns))
            for viewer in self._viewers:
                viewer.offer(self._jpeg)
        muxer = self._muxer
        if muxer is None:
            return
        fragments = await in_thread(self._executor, partial(muxer.push, unit))
        if self._init is None:
            self._announce_muxer(unit.epoch, muxer)
        for fragment in fragments:
            self._share(fragment)

    def _begin(self, epoch: Epoch) -> None:
        self._reset()
        self._epoch = epoch
        match epoch.codec:
            case Codec.H264:
                self._muxer = LiveMuxer(epoch, self._rotation_deg)
            case Codec.H265:
                for viewer in self._viewers:
                    if not viewer.plays_h265:
                        viewer.end()
                self._muxer = LiveMuxer(epoch, self._rotation_deg)
            case Codec.MJPEG:
                self._announce(LiveJpegInit(*self._size(epoch), self._rotation_deg))
            case _:
                assert_never(epoch.codec)

    def _announce_muxer(self, epoch: Epoch, muxer: LiveMuxer) -> None:
        if muxer.init_segment:
            codec = _CODEC_STRINGS[epoch.codec](epoch.parameter_sets)
            self._announce(LiveInit(codec, *self._size(epoch), muxer.init_segment))

    def _size(self, epoch: Epoch) -> tuple[int, int]:
        return upright_size(epoch.width, epoch.height, self._rotation_deg)

    def _announce(self, init: LiveInitMessage) -> None:
        self._init = init
        for viewer in self._viewers:
            viewer.rewind()
            viewer.offer(self._init)

    def _share(self, fragment: LiveFragment) -> None:
        chunk = LiveChunk(
            fragment.data, fragment.is_keyframe, fragment.media_time_s, self._label(fragment.pts_ns)
        )
        if chunk.is_keyframe:
            self._gop.clear()
        self._gop.append(chunk)
        for viewer in self._viewers:
            viewer.offer(chunk)

    def _reset(self) -> None:
        if self._muxer is not None:
            # Queued after a push that may still run: cancelling the task does not stop its thread.
            with suppress(RuntimeError):  # the executor was shut down with the daemon
                self._executor.submit(self._muxer.close)
        self._muxer = None
        self._epoch = None
        self._init = None
        self._jpeg = None
        self._gop.clear()


def _current_gop(buffer: LiveBuffer) -> tuple[AccessUnit, ...]:
    try:
        return buffer.units.current_gop()
    except BufferEmpty:
        return ()
