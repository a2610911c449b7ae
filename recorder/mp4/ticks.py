"""The line of ticks in one file: presentation and decode times that a muxer accepts.

Not here: converting between time scales (`media_time`), which units are written (`span_cut`). Pure.
"""

from dataclasses import dataclass

from recorder.base.media_time import TICKS_PER_S, ticks

MAX_HOLE_TICKS = 6 * 3600 * TICKS_PER_S
"""The longest hole one file can hold: sample lengths are 31 bits (6.6 h), and FFmpeg errs silently beyond."""


@dataclass(slots=True)
class TickLine:
    """Places units relative to `origin_ns` so that dts strictly increases and never exceeds pts.

    One bad timestamp makes FFmpeg's muxers refuse the next hundred packets, so it is mended here: the
    presentation time is kept, and only where two units claim one decode moment does it give way, by
    one tick (11 µs).
    """

    origin_ns: int
    _last_dts: int | None = None

    def place(self, pts_ns: int, dts_ns: int) -> tuple[int, int]:
        """(pts, dts) in ticks. Raises ValueError behind a hole longer than MAX_HOLE_TICKS."""
        pts = ticks(pts_ns - self.origin_ns)
        dts = min(ticks(dts_ns - self.origin_ns), pts)
        if self._last_dts is not None:
            if dts - self._last_dts > MAX_HOLE_TICKS:
                raise ValueError("An outage of more than six hours does not fit into one clip.")
            dts = max(dts, self._last_dts + 1)
        self._last_dts = dts
        return max(pts, dts), dts
