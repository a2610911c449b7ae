"""Assigns PTS and DTS in ticks that a muxer accepts.

Not here: converting between time scales (`media_time`), choosing units (`span_cut`). Pure.
"""

from dataclasses import dataclass

from recorder.base.media_time import TICKS_PER_S, ticks

MAX_HOLE_TICKS = 6 * 3600 * TICKS_PER_S
"""The longest hole in one file: sample durations have 31 bits (6.6 h), beyond which FFmpeg silently errs."""


@dataclass(slots=True)
class TickLine:
    """Places units relative to `origin_ns` so that DTS strictly increases and never exceeds PTS.

    One bad timestamp makes FFmpeg's muxers reject the next hundred packets, so it is repaired here: PTS is
    kept, except that it moves by one tick (11 µs) if two units share one DTS.
    """

    origin_ns: int
    _last_dts: int | None = None

    def place(self, pts_ns: int, dts_ns: int) -> tuple[int, int]:
        """(PTS, DTS) in ticks. Raises ValueError after a hole longer than MAX_HOLE_TICKS."""
        pts = ticks(pts_ns - self.origin_ns)
        dts = min(ticks(dts_ns - self.origin_ns), pts)
        if self._last_dts is not None:
            if dts - self._last_dts > MAX_HOLE_TICKS:
                raise ValueError("An outage of more than six hours does not fit into one clip.")
            dts = max(dts, self._last_dts + 1)
        self._last_dts = dts
        return max(pts, dts), dts
