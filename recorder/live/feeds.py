"""Chooses each viewer's live feed: the camera's own units, or H.264 transcoded from H.265.

Not here: the feeds themselves (`live.feed`), transcoding (`live.transcode`). Event loop only.
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
    """Both feeds of one camera; each runs only while it has viewers."""

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
        """Fragments and JPEGs dropped for slow viewers."""
        return sum(feed.drops for feed in self._both)

    @property
    def failures(self) -> int:
        """Muxer failures."""
        return sum(feed.failures for feed in self._both)

    @property
    def gops_dropped(self) -> int:
        """GOPs skipped because transcoding for the live view was too slow."""
        return self._transcode.gops_skipped

    @property
    def pictures_damaged(self) -> int:
        """Failures to decode or encode for the live view."""
        return self._transcode.failures

    def subscribe(self, *, plays_h265: bool) -> LiveSubscription:
        """A viewer of the feed it can play; it joins when entered as a context manager."""
        try:
            is_h265 = self._buffer.units.newest().epoch.codec is Codec.H265
        except BufferEmpty:
            is_h265 = False
        feed = self._encoded if is_h265 and not plays_h265 else self._own
        return feed.subscribe(plays_h265=plays_h265)

    def send_state(self, state: StreamState, reason: str) -> None:
        """Send the camera's state to all current viewers, and to new ones when they join."""
        for feed in self._both:
            feed.send_state(state, reason)

    async def close(self) -> None:
        """Stop the muxers and the encoder."""
        for feed in self._both:
            await feed.close()
