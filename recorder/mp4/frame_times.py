"""When a finished file shows its frames, read from its index alone.

Here: the frames that are shown, in order, and what players that ignore edit lists make of the file. Not here:
parsing the index (`sample_table`), the samples (`finished_file`). Blocking.
"""

from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

from recorder.base.errors import FinishFailed
from recorder.base.media_time import TICKS_PER_S
from recorder.mp4.finished_file import FinishedFile

_US_PER_S = 1_000_000
# A label is cut to microseconds and a file counts in ticks of 11 µs, so the two differ by up to half a tick
# and a little; a whole tick would reach the next frame of two that share a time.
_ROUNDING_US = 8


@dataclass(frozen=True, slots=True)
class FrameTimes:
    """The frames that a file shows: `pts` in ticks from the first one, ascending."""

    pts: "array[int]" = field(repr=False)
    media_start_s: float
    """Where the first shown frame lies on the clock of the media itself, which some players report."""
    hides_pictures: bool
    """Whether a player that ignores edit lists shows more than these."""

    def offsets_us(self) -> tuple[int, ...]:
        """The frames' times in microseconds from the first one."""
        return tuple(round(pts * _US_PER_S / TICKS_PER_S) for pts in self.pts)

    def number_at(self, offset_us: int) -> int:
        """The frame on show at a time, or whose label is this far from that of the first one."""
        ticks = (offset_us + _ROUNDING_US) * TICKS_PER_S // _US_PER_S
        return max(0, bisect_right(self.pts, ticks) - 1)

    def time_s(self, number: int) -> float:
        """When frame `number` is first shown."""
        return self.pts[number] / TICKS_PER_S


def read_frame_times(path: Path) -> FrameTimes:
    """Read the index of a finished file; its media may be missing. Raises FinishFailed, OSError."""
    with FinishedFile(path) as clip:
        samples, length = clip.video.samples, clip.video.length
        shown = array("q", sorted(time for time in samples.pts if 0 <= time < length))
        if not shown:
            raise FinishFailed("The clip's file shows no frame.")
        hides = len(shown) < len(samples)
        return FrameTimes(shown, -samples.dts[0] / TICKS_PER_S, hides)
