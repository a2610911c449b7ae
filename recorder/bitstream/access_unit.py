"""The values that pass from a source to the ring and from the ring to a file.

Here: codecs, epochs, and the two forms of an access unit. Not here: parsing bytes (`h264`, `h265`, `jpeg`),
placing units in time (`timeline`), keeping them (`ring_buffer`). Pure: immutable values, no threads, no
clock, no codec library.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction


class Codec(StrEnum):
    """The video codec of a source."""

    H264 = "h264"
    H265 = "h265"
    MJPEG = "mjpeg"


@dataclass(frozen=True, slots=True)
class Epoch:
    """Codec parameters shared by consecutive units; epochs compare by content.

    `parameter_sets` is Annex B (VPS, SPS, PPS with start codes, in that order) and empty for MJPEG.
    """

    codec: Codec
    width: int
    height: int
    parameter_sets: bytes = field(repr=False)


def upright_size(width: int, height: int, rotation_deg: int) -> tuple[int, int]:
    """Size of a picture after rotation by a multiple of 90 degrees."""
    return (height, width) if rotation_deg % 180 else (width, height)


@dataclass(frozen=True, slots=True)
class SourceUnit:
    """One access unit as a source delivers it, before the timeline places it.

    `data` is Annex B for H.264 and H.265, a whole JPEG for MJPEG. `pts` and `dts` are in `time_base`, or None
    if the camera sends none; `duration` is 0 if unknown. `arrival_ns` is the host's monotonic time at which
    the unit was read.
    """

    data: bytes = field(repr=False)
    epoch: Epoch
    is_keyframe: bool
    pts: int | None
    dts: int | None
    time_base: Fraction
    duration: int
    arrival_ns: int


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One access unit on the recorder's own timeline.

    `pts_ns` and `dts_ns` are host-monotonic nanoseconds; DTS never decreases from unit to unit, PTS
    may (B-frames). `sequence` counts the units of a camera from 0 and never repeats; `run` counts
    continuous stretches of the stream. `duration_ns` is the nominal frame duration (> 0): an estimate, used
    only if no later unit shows the real one.
    """

    sequence: int
    run: int
    epoch: Epoch
    is_keyframe: bool
    pts_ns: int
    dts_ns: int
    duration_ns: int
    data: bytes = field(repr=False)
