"""Transcodes H.265 to H.264 for the live view, once for all viewers that cannot play H.265.

Here: feeding the encoder from the buffer, and a buffer of the encoded units. Not here: decoding and encoding
(`ingest_encoder`), viewers (`live.feed`). Event loop, except for the encoder's low-priority thread, which
runs while `open` is entered.

Viewers begin with the GOP being received, which is encoded as fast as possible. A machine that is too slow
falls behind; after two seconds it skips to the newest keyframe, and the skipped GOPs are counted.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from recorder.base.bridge import Bridge
from recorder.base.errors import BufferEmpty
from recorder.base.media_time import NS_PER_S
from recorder.base.settings import BufferCodec, BufferSettings
from recorder.bitstream.access_unit import AccessUnit
from recorder.buffer.ring_buffer import RingBuffer
from recorder.buffer.shared_ring import LockedRing
from recorder.capture.ingest_encoder import EncoderChoice, IngestEncoder
from recorder.live.feed import LiveBuffer

ENCODED_BUFFER = BufferSettings(seconds=4.0, max_bytes=32 * 1024 * 1024)
"""Limits of the encoded buffer: the newest GOP for the next viewer, and units the muxer has yet to read."""
BEHIND_NS = 2 * NS_PER_S
BATCH_UNITS = 15
"""Units given to the encoder when its queue is empty; at most twice as many are in flight."""
NICENESS = 5
_POLL_S = 0.02


class LiveTranscode:
    """The live transcode of one camera. `open` may be entered again after it was left."""

    def __init__(self, camera_id: str, source: LiveBuffer, choice: EncoderChoice) -> None:
        self._camera_id = camera_id
        self._source = source
        self._choice = choice
        self._past_failures = 0
        self._encoder: IngestEncoder | None = None
        self.gops_skipped = 0
        """GOPs skipped because the encoder was too slow."""

    @property
    def failures(self) -> int:
        """Pictures that could not be decoded, plus encoder failures."""
        return self._past_failures + (0 if self._encoder is None else self._encoder.failures)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LiveBuffer]:
        """Encode from the current GOP on while the context is entered; yields the encoded buffer."""
        lock, ring = threading.Lock(), RingBuffer(ENCODED_BUFFER)
        bridge = Bridge(asyncio.get_running_loop())

        def deliver(units: Sequence[AccessUnit]) -> None:
            with lock:
                for unit in units:
                    ring.append(unit)
            bridge.notify()

        first = await self._first()
        encoder = IngestEncoder(f"{self._camera_id}-live", BufferCodec.H264, self._choice, deliver, first)
        encoder.niceness = NICENESS
        self._encoder = encoder
        encoder.start()
        try:
            async with asyncio.TaskGroup() as group:
                feeding = group.create_task(self._feed(encoder, first.sequence - 1))
                yield LiveBuffer(LockedRing(ring, lock), bridge)
                feeding.cancel()
        finally:
            if self._encoder is encoder:
                self._past_failures, self._encoder = self.failures, None
            # In a thread, because it waits for the picture being encoded.
            await asyncio.to_thread(encoder.close)

    async def _first(self) -> AccessUnit:
        version = 0
        while True:
            try:
                return self._source.units.current_gop()[0]
            except BufferEmpty:
                version = await self._source.bridge.wait_beyond(version, 1.0)

    async def _feed(self, encoder: IngestEncoder, cursor: int) -> None:
        version = 0
        while True:
            units = self._source.units.after(cursor)
            if not units:
                version = await self._source.bridge.wait_beyond(version, 1.0)
            elif encoder.waiting:
                await asyncio.sleep(_POLL_S)
            else:
                kept, skipped = caught_up(units)
                self.gops_skipped += skipped
                encoder.offer(kept[:BATCH_UNITS])
                cursor = kept[:BATCH_UNITS][-1].sequence


def caught_up(units: Sequence[AccessUnit]) -> tuple[Sequence[AccessUnit], int]:
    """The units still worth encoding and the number of skipped GOPs: if late, all but the newest GOP."""
    if units[-1].pts_ns - units[0].pts_ns <= BEHIND_NS:
        return units, 0
    keyframes = [index for index, unit in enumerate(units) if index and unit.is_keyframe]
    return (units[keyframes[-1] :], len(keyframes)) if keyframes else (units, 0)
