"""Fakes at the lowest seams, and builders of valid unit sequences. Shared by all tests; no codec.

A built stream shows frame n at `start_ns + n / fps`. With `bframes` every group of that many
pictures between two anchors is a B-pyramid, so decode order differs from display order; GOPs are
closed, and dts runs ahead by as many frames as the deepest reordering needs.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch, SourceUnit

NS_PER_S = 1_000_000_000
EPOCH = Epoch(Codec.H264, 1280, 720, b"\x00\x00\x00\x01\x67sps\x00\x00\x00\x01\x68pps")
OTHER_EPOCH = replace(EPOCH, width=640, height=360, parameter_sets=EPOCH.parameter_sets + b"2")


class SimulatedClock:
    """A clock that moves only when told to."""

    def __init__(
        self, monotonic_ns: int = 1000 * NS_PER_S, realtime_ns: int = 1_750_000_000 * NS_PER_S
    ) -> None:
        self._monotonic_ns = monotonic_ns
        self._wall_offset_ns = realtime_ns - monotonic_ns
        self.wall_synchronised: bool | None = True

    def monotonic_ns(self) -> int:
        return self._monotonic_ns

    def realtime_ns(self) -> int:
        return self._monotonic_ns + self._wall_offset_ns

    def synchronised(self) -> bool | None:
        return self.wall_synchronised

    def advance(self, ns: int) -> None:
        """Let `ns` pass on both clocks."""
        self._monotonic_ns += ns

    def step_wall(self, ns: int) -> None:
        """Set the wall clock by `ns`, as NTP or a person does; monotonic does not move."""
        self._wall_offset_ns += ns


@dataclass(frozen=True, slots=True)
class Coding:
    """How a built stream is encoded."""

    fps: Fraction | int = 30
    gop: int = 30
    bframes: int = 0

    @property
    def reorder(self) -> int:
        """Frames by which dts runs ahead of pts: the deepest reordering of one GOP."""
        return max(position - shown for position, shown in enumerate(self._gop_order(self.gop)))

    def decode_order(self, count: int) -> list[int]:
        """Display numbers of `count` frames in the order in which they are sent."""
        starts = range(0, count, self.gop)
        return [start + n for start in starts for n in self._gop_order(min(self.gop, count - start))]

    def is_keyframe(self, shown: int) -> bool:
        return shown % self.gop == 0

    def offset_ns(self, frames: int) -> int:
        """Nanoseconds of `frames` frames, rounded once."""
        return _rounded(frames * NS_PER_S * self.fps.denominator, self.fps.numerator)

    def _gop_order(self, length: int) -> list[int]:
        order = [0]
        anchor = 0
        while anchor < length - 1:
            following = min(anchor + self.bframes + 1, length - 1)
            order += [following, *_pyramid(anchor + 1, following)]
            anchor = following
        return order


def _rounded(numerator: int, denominator: int) -> int:
    """The quotient as the nearest integer; ten times as fast as by a Fraction, and there are many."""
    return (2 * numerator + denominator) // (2 * denominator)


def _pyramid(first: int, end: int) -> list[int]:
    """Display numbers [first, end) with every middle sent before its two halves."""
    if first >= end:
        return []
    middle = (first + end) // 2
    return [middle, *_pyramid(first, middle), *_pyramid(middle + 1, end)]


def payload(shown: int, is_keyframe: bool, size: int = 100) -> bytes:
    """An Annex B slice whose bytes name the frame. No decoder would take it."""
    head = b"\x00\x00\x00\x01" + (b"\x65" if is_keyframe else b"\x41") + b"frame %d " % shown
    return head.ljust(size, b"\x80")


def units(
    count: int,
    fps: Fraction | int = 30,
    gop: int = 30,
    *,
    bframes: int = 0,
    start_ns: int = 1000 * NS_PER_S,
    run: int = 0,
    sequence: int = 0,
    size: int = 100,
    epoch: Epoch = EPOCH,
) -> list[AccessUnit]:
    """Placed units in decode order, the first shown at `start_ns`."""
    coding = Coding(fps, gop, bframes)
    reorder, duration_ns = coding.reorder, coding.offset_ns(1)
    return [
        AccessUnit(
            sequence=sequence + position,
            run=run,
            epoch=epoch,
            is_keyframe=coding.is_keyframe(shown),
            pts_ns=start_ns + coding.offset_ns(shown),
            dts_ns=start_ns + coding.offset_ns(position - reorder),
            duration_ns=duration_ns,
            data=payload(shown, coding.is_keyframe(shown), size),
        )
        for position, shown in enumerate(coding.decode_order(count))
    ]


def source_units(
    count: int,
    fps: Fraction | int = 30,
    gop: int = 30,
    *,
    bframes: int = 0,
    arrival_ns: int = 1000 * NS_PER_S,
    first_pts: int = 0,
    time_base: Fraction = Fraction(1, 90_000),
    ppm: float = 0.0,
    epoch: Epoch = EPOCH,
) -> list[SourceUnit]:
    """Units as a camera sends them: each arrives when its dts says, counted from `arrival_ns`.

    `ppm` is how much faster than the host the camera's clock runs.
    """
    coding = Coding(fps, gop, bframes)
    reorder, ticks = coding.reorder, Fraction(1) / (Fraction(coding.fps) * time_base)
    stretch = 1 / (1 + Fraction(ppm) / 1_000_000)
    return [
        SourceUnit(
            data=payload(shown, coding.is_keyframe(shown)),
            epoch=epoch,
            is_keyframe=coding.is_keyframe(shown),
            pts=first_pts + _rounded((shown + reorder) * ticks.numerator, ticks.denominator),
            dts=first_pts + _rounded(position * ticks.numerator, ticks.denominator),
            time_base=time_base,
            duration=round(ticks),
            arrival_ns=arrival_ns
            + _rounded(coding.offset_ns(position) * stretch.numerator, stretch.denominator),
        )
        for position, shown in enumerate(coding.decode_order(count))
    ]


def shown_numbers(given: Iterable[AccessUnit] | Iterable[SourceUnit]) -> list[int]:
    """The display numbers that `payload` wrote into units, in the order given."""
    return [int(unit.data.split(b" ")[1]) for unit in given]
