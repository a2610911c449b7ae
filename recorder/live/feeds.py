"""Which live picture a viewer gets: the camera's own, or H.265 as H.264 for who cannot play it.

Event loop only.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime

from recorder.base.errors import BufferEmpty
from recorder.base.settings import CameraSettings
from recorder.base.values import StreamState
from recorder.bitstream.access_unit import Codec
from recorder.capture.ingest_encoder import EncoderChoice
from recorder.live.feed import LiveBuffer, LiveFeed, LiveSubscription
from recorder.live.transcode import LiveTranscode


class LiveFeeds:
    """Both feeds of one camera; each runs only while somebody watches it."""

    def __init__(
        self,
        settings: CameraSettings,
        buffer: LiveBuffer,
        executor: Executor,
        label: Callable[[int], datetime],
        choice: EncoderChoice,
    ) -> None:
        self._buffer = buffer
        self._transcode = LiveTranscode(settings.camera_id, buffer, choice)
        self._own = LiveFeed(buffer, executor, label, settings.rotation_deg)
        self._encoded = LiveFeed(buffer, executor, label, settings.rotation_deg, self._transcode.open)
        self._both = (self._own, self._encoded)

    @property
    def viewers(self) -> int:
        return sum(feed.viewers for feed in self._both)

    @property
    def drops(self) -> int:
        """Fragments and JPEGs that slow viewers did not get."""
        return sum(feed.drops for feed in self._both)

    @property
    def failures(self) -> int:
        """Muxers that broke."""
        return sum(feed.failures for feed in self._both)

    @property
    def gops_dropped(self) -> int:
        """GOPs that encoding for the live view was too slow for."""
        return self._transcode.gops_skipped

    @property
    def pictures_damaged(self) -> int:
        """What could not be decoded or encoded for the live view."""
        return self._transcode.failures

    def subscribe(self, *, plays_h265: bool) -> LiveSubscription:
        """A viewer of what it can play; not joined yet."""
        try:
            is_h265 = self._buffer.units.newest().epoch.codec is Codec.H265
        except BufferEmpty:
            is_h265 = False
        feed = self._encoded if is_h265 and not plays_h265 else self._own
        return feed.subscribe(plays_h265=plays_h265)

    def send_state(self, state: StreamState, reason: str) -> None:
        """Tell every viewer, now and later, what the camera is doing."""
        for feed in self._both:
            feed.send_state(state, reason)

    async def close(self) -> None:
        """End the muxers and the encoder."""
        for feed in self._both:
            await feed.close()
