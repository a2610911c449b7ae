"""H.265 as H.264 for the live view, while somebody watches who cannot play it: once for all viewers.

Here: what goes from the buffer into the encoder, and what comes out of it as a line of its own. Not here:
decoding and encoding (`ingest_encoder`), viewers (`live.feed`). Event loop, but for the encoder's thread,
which lives as long as the line is open and is nice to everything else.

A viewer begins with the GOP that is being received, however long it is: it is encoded as fast as that goes.
A box that is too slow falls behind; after two seconds it goes on at the newest keyframe, counted.
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
"""What is held of the encoded picture: the newest GOP, for the next viewer, and what the muxer is to read."""
BEHIND_NS = 2 * NS_PER_S
BATCH_UNITS = 15
"""Units given to the encoder when it has nothing left; so at most twice as many are on their way."""
NICENESS = 5
_POLL_S = 0.02


class LiveTranscode:
    """One camera's. `open` may be entered again at any time after it was left."""

    def __init__(self, camera_id: str, source: LiveBuffer, choice: EncoderChoice) -> None:
        self._camera_id = camera_id
        self._source = source
        self._choice = choice
        self._past_failures = 0
        self._encoder: IngestEncoder | None = None
        self.gops_skipped = 0
        """Left out because the encoder was too slow."""

    @property
    def failures(self) -> int:
        """Pictures that could not be decoded, encoders that broke."""
        return self._past_failures + (0 if self._encoder is None else self._encoder.failures)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LiveBuffer]:
        """The encoded line, from the GOP on that is being received; it ends with the context."""
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
            # In a thread: it waits for the picture that is being encoded.
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
    """What of the units that wait is still shown, and how many GOPs are not: all but the newest, if late."""
    if units[-1].pts_ns - units[0].pts_ns <= BEHIND_NS:
        return units, 0
    keyframes = [index for index, unit in enumerate(units) if index and unit.is_keyframe]
    return (units[keyframes[-1] :], len(keyframes)) if keyframes else (units, 0)
