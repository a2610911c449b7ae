"""The values that travel from a source to the ring and from the ring to a file.

Here: codecs, epochs, and the two forms of an access unit. Not here: how bytes are parsed
(`h264`), how times are made (`timeline`), where units are kept (`ring_buffer`). Pure: immutable
values, no threads, no clock, no codec library.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction


class Codec(StrEnum):
    """How a source encodes pictures."""

    H264 = "h264"
    H265 = "h265"
    MJPEG = "mjpeg"


@dataclass(frozen=True, slots=True)
class Epoch:
    """Codec parameters of a stretch of units; two epochs are the same when their content is equal.

    `parameter_sets` is Annex B (VPS/SPS/PPS with start codes, in that order) and empty for MJPEG.
    """

    codec: Codec
    width: int
    height: int
    parameter_sets: bytes = field(repr=False)


def upright_size(width: int, height: int, rotation_deg: int) -> tuple[int, int]:
    """Size of a picture that was turned by a multiple of 90 degrees."""
    return (height, width) if rotation_deg % 180 else (width, height)


@dataclass(frozen=True, slots=True)
class SourceUnit:
    """One access unit as a source delivers it, before the timeline has placed it.

    `data` is Annex B for H.264 and H.265, a whole JPEG for MJPEG. `pts` and `dts` count in
    `time_base` and are None where the camera gives none; `duration` is 0 where unknown.
    `arrival_ns` is the host's monotonic time at which the unit was read.
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

    `pts_ns` and `dts_ns` are host-monotonic nanoseconds; dts never decreases from unit to unit, pts
    may (B-frames). `sequence` counts the units of a camera from 0 and never repeats; `run` counts
    uninterrupted connections. `duration_ns` is the nominal frame length (> 0): the best estimate
    when the unit was placed, used only where no later unit tells the truth.
    """

    sequence: int
    run: int
    epoch: Epoch
    is_keyframe: bool
    pts_ns: int
    dts_ns: int
    duration_ns: int
    data: bytes = field(repr=False)
